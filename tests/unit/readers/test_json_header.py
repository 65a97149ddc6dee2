"""Column names of JSON files, and what is searched for beyond the first rows."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_pretok.readers import UnreadableFile, read_header

SPELLINGS: dict[str, Callable[[list[Any]], bytes]] = {
    "lines": lambda rows: "\n".join(map(json.dumps, rows)).encode(),
    "array": lambda rows: json.dumps(rows, indent=1).encode(),
    "compressed": lambda rows: gzip.compress("\n".join(map(json.dumps, rows)).encode()),
}


@pytest.fixture(params=SPELLINGS)
def columns_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[list[Any]], list[str]]:
    """The names that a header finds in rows, in each spelling of JSON."""

    def columns(rows: list[Any]) -> list[str]:
        path = tmp_path / "x.json"
        path.write_bytes(SPELLINGS[request.param](rows))
        header = read_header(path)
        assert set(header.columns.values()) <= {None}
        assert header.rows is None
        return list(header.columns)

    return columns


def test_names_are_the_union_of_the_first_rows(columns_of: Any) -> None:
    """Every key of the first rows is a column, in the order of its first occurrence."""
    assert columns_of([{"b": 1, "a": 2}, {"input_ids": [], "b": 3}]) == ["b", "a", "input_ids"]


@pytest.mark.parametrize("late", ["labels", "attention_mask", "input_ids"])
def test_late_token_columns_are_found(late: str, columns_of: Any) -> None:
    """A token column that only the last row has is found, wherever that is."""
    rows: list[Any] = [{"x": list(range(100))}] * 9000

    assert columns_of([*rows, {late: [1]}]) == ["x", late]


def test_names_in_values_are_no_columns(columns_of: Any) -> None:
    """A text or an inner key that reads like a column is none."""
    rows = [{"x": 1}] * 300 + [{"x": "labels"}, {"x": {"labels": 1}}, {"x": '"labels": 5'}]

    assert columns_of(rows) == ["x"]


def test_other_late_columns_are_not_searched_for(columns_of: Any) -> None:
    """Beyond the first rows only the token columns are worth a search."""
    assert columns_of([{"x": 1}] * 300 + [{"y": 1}]) == ["x"]


def test_another_name_for_known_ids_is_not_searched_for(columns_of: Any) -> None:
    """`tokens` is of interest where there are no input_ids."""
    rows = [{"input_ids": [1], "labels": [1], "attention_mask": [1]}] * 300

    assert "tokens" not in columns_of([*rows, {"tokens": [1]}])


def test_faulty_lines_are_left_to_the_reader(tmp_path: Path, rows_of: Any) -> None:
    """A header is given even where a line is broken; reading the values then names it."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"input_ids": [1]}\n{"input_ids": [1,}\n{"labels": [1]}\n')

    assert list(read_header(path).columns) == ["input_ids", "labels"]
    with pytest.raises(UnreadableFile, match="line 2"):
        rows_of(path)


def test_names_of_long_rows(columns_of: Any) -> None:
    """Keys of a row are found whatever the length of its lists."""
    row = {"a": list(range(50_000)), "x": "[1, 2]", "labels": [[1]] * 9, "input_ids": [], "z": 1}

    assert columns_of([row] * 2) == ["a", "x", "labels", "input_ids", "z"]


def test_names_can_be_printed(columns_of: Any) -> None:
    """A key with a lone surrogate is escaped, as it could not be written anywhere."""
    assert columns_of([{"\ud800": 1}]) == ["\\ud800"]
