"""`pytest_pretok.check` used wrongly: what people write instead, and what they are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pretok_schemas import Contract, load, rule
from pytest_pretok import DeclarationError, PlanError, UnknownObject, check
from tests.plugin.data import clean_rows, faulty_rows
from tests.support.containers import table
from tests.support.rows import COLUMNS

ROWS = clean_rows(6)
TABLE = table(ROWS)


@rule
def nothing(batch: Any, *, most: int) -> list[int]:
    """A rule with an option that it needs."""
    return []


@rule(name="placed")
def placed(batch: Any, most: int = 3) -> list[int]:
    """A rule whose option is no keyword."""
    return []


@rule(name="no-batch")
def no_batch() -> list[int]:
    """A rule that is handed nothing."""
    return []


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"plugins": "my_checks"}, "plugins: found 'my_checks', expected a list"),
        ({"plugins": nothing}, "plugins: found <class '"),
        ({"plugins": [len]}, "plugins: len is no rule: derive one"),
        ({"plugins": ["json:loads"]}, "plugins: loads is no rule: derive one"),
        ({"plugins": [pa]}, "is no rule: derive one"),
        ({"plugins": [nothing]}, "rules: nothing needs the option 'most'"),
        ({"plugins": [placed]}, "plugins: placed has options that are no keywords: put * before"),
        ({"plugins": [no_batch]}, "plugins: no_batch takes no batch"),
        ({"schema": 42}, "schema: int is neither a pyarrow.Schema nor"),
        ({"schema": {"source": pa.string()}}, "schema: dict is neither a pyarrow.Schema nor"),
        ({"schema": "json"}, "schema: expected MODULE:NAME"),
        ({"name": 7}, "name: found 7, expected a name"),
        ({"split": ""}, "split: found '', expected a name"),
        ({"engine": "spark"}, "engine: unknown engine 'spark'; known: local, processes, ray, dask"),
        ({"engine": "rai"}, "did you mean 'ray'?"),
        ({"workers": 0}, "workers: found 0, expected a whole number >= 1"),
        ({"examples": "3"}, "examples: found '3', expected a whole number >= 1"),
        ({"examples": True}, "examples: found True"),
        (
            {"sequence_len": 4, "min_sample_len": 10},
            "min-sample-len: 10 is above sequence-len = 4: no row has such a length",
        ),
        ({"tokenizer": object()}, "tokenizer: found <object>, expected a path"),
        ({"contract": load("axolotl"), "packing": True}, "packing: found True, but the contract"),
    ],
)
def test_what_is_refused(settings: dict[str, Any], says: str) -> None:
    """One fault, which names the keyword, before anything is read."""
    with pytest.raises(DeclarationError) as caught:
        check(TABLE, **settings)

    assert len(caught.value.faults) == 1
    assert str(caught.value).startswith("1 fault in check()\n  check(): ")
    assert says in str(caught.value)


def test_nothing_is_given() -> None:
    """None says that there are no rules, columns, plugins and no schema to speak of."""
    nothing_at_all = dict.fromkeys(("rules", "columns", "plugins", "schema", "vocab_size"))

    assert check(TABLE, None, **nothing_at_all).results == check(TABLE).results


def test_tables_one_after_another() -> None:
    """Parts of one schema are one dataset, whether they are tables or batches."""
    parts = [TABLE.slice(0, 2), *TABLE.slice(2).to_batches()]

    assert check(iter(parts)).to_dict()["datasets"][0]["splits"][0]["rows"] == 6


def test_all_faults_at_once() -> None:
    """Those of keywords, of settings and of rules come together."""
    with pytest.raises(DeclarationError) as caught:
        check(TABLE, "axolotle", engine="spark", plugins=[len], sequence_len="4")

    keys = [fault.key for fault in caught.value.faults]
    assert sorted(keys) == ["contract", "engine", "plugins", "sequence-len"]


def test_options_that_a_declared_path_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule that is given for a path may have its options in the declaration, or lack them."""
    monkeypatch.chdir(tmp_path)
    pq.write_table(TABLE, "a.parquet")

    with pytest.raises(DeclarationError, match="nothing needs the option 'most'"):
        check("a.parquet", plugins=[nothing])
    assert check("a.parquet", plugins=[nothing], rules={"nothing": {"most": 3}}).ok


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([ROWS[0], 7], "rows must be dicts; row 1 is <int>"),
        ([ROWS[0], ROWS[1], None], "rows must be dicts; row 2 is <NoneType>"),
        (ROWS[0], "<dict> is one row: give a list of rows, [row]"),
        ({k: np.array(v) for k, v in ROWS[0].items()}, "is one row: give a list of rows"),
        (pd.Series([[1, 2]]), "a Series is no table but one column"),
        (pl.Series([[1, 2]]), "a Series is no table but one column"),
        (pa.chunked_array([[1, 2]]), "a ChunkedArray is no table but one column"),
        ([TABLE, ROWS[0]], "expected tables or record batches; 1 is <dict>"),
        ([TABLE, TABLE.select(["labels"])], "1 has labels: list<item: int64>, and the first input"),
        (TABLE.to_batches() + pa.table({}).to_batches() + [pa.record_batch({})], "no column, and"),
        ({"train": ROWS, "test": 7}, "'test': <int> is no dataset: give a path"),
    ],
)
def test_what_is_no_dataset(data: Any, says: str) -> None:
    """The message says what was meant."""
    with pytest.raises(UnknownObject) as caught:
        check(data)

    assert says in str(caught.value)


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    """The message names no option of a command line."""
    with pytest.raises(PlanError) as caught:
        check(tmp_path / "absent.parquet")

    assert str(caught.value).startswith(f"{tmp_path}/absent.parquet: there is no such file")


def arrays(rows: list[Any]) -> dict[str, Any]:
    """Columns as arrays of numpy: rectangular ones where rows are equally long."""
    return {name: np.array([row[name] for row in rows]) for name in COLUMNS}


@pytest.mark.parametrize(
    "make",
    [
        arrays,
        lambda rows: {name: pd.Series(list(column)) for name, column in arrays(rows).items()},
        lambda rows: {name: pl.Series(column.tolist()) for name, column in arrays(rows).items()},
        lambda rows: {n: datasets.Dataset.from_list(rows)[n] for n in COLUMNS},
        lambda rows: {name: tuple(column.tolist()) for name, column in arrays(rows).items()},
        lambda rows: pl.from_arrow(table(rows)).cast(
            {name: pl.Array(pl.Int64, len(rows[0][name])) for name in COLUMNS}
        ),
        lambda rows: datasets.Dataset.from_list(rows).with_format("numpy"),
    ],
)
def test_columns_of_any_library(make: Any) -> None:
    """A mapping of columns is a table, whoever holds the columns."""
    rows = [faulty_rows(6)[at] for at in (3, 3)]
    report = check(make(rows), rules={"duplicate-rows": "off"})

    assert [one.rule for one in report.failed] == ["label-not-input-id"]
    assert report.failed[0].finding.violations == 2


@pytest.mark.parametrize("nothing_there", [None, pd.NA, pd.NaT])
def test_cells_that_hold_nothing(nothing_there: Any) -> None:
    """What pandas writes for nothing is a null, in rows too."""
    report = check([ROWS[0], {**ROWS[1], "labels": nothing_there}, *ROWS[2:]])

    assert [one.rule for one in report.failed] == ["null-row"]


def test_a_range_is_a_list() -> None:
    """Positions are counted so."""
    rows = [{**row, "position_ids": range(len(row["input_ids"]))} for row in ROWS]

    assert check(rows).ok


def test_rows_that_raise() -> None:
    """An error of a person's own code is their own."""

    def broken() -> Iterator[dict[str, Any]]:
        yield dict(ROWS[0])
        raise LookupError("the tokenizer gave up")

    with pytest.raises(LookupError, match="the tokenizer gave up"):
        check(broken())
    made = datasets.Dataset.from_list(ROWS).to_iterable_dataset().map(lambda row: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        check(made)


def test_rows_without_some_keys() -> None:
    """A key that a row lacks is a null of that row."""
    report = check([ROWS[0], {"input_ids": ROWS[1]["input_ids"]}, *ROWS[2:]])
    (failed,) = report.failed

    assert (failed.rule, failed.finding.violations) == ("null-row", 1)
    assert failed.finding.examples[0].row == 1


@pytest.mark.parametrize("kind", [dict, datasets.DatasetDict])
def test_an_empty_split(kind: Any) -> None:
    """It fails by its name, and the others are judged."""
    made = datasets.Dataset.from_list(faulty_rows())
    report = check(kind({"train": made, "test": made.select([])}))

    found = {(one.split, one.rule) for one in report.failed}
    assert found == {("train", "label-not-input-id"), ("test", "no-rows")}


def test_splits_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths may stand among splits by name: files, patterns, folders, with objects beside them."""
    monkeypatch.chdir(tmp_path)
    Path("shards").mkdir()
    for number in range(2):
        pq.write_table(table(clean_rows(8, number)), f"shards/train-0000{number}-of-00002.parquet")
    pq.write_table(table(faulty_rows()), "test.parquet")
    by_name: dict[str, Any] = {
        "train": "shards/train-*.parquet",
        "test": tmp_path / "test.parquet",
        "more": "shards",
        "held": table(clean_rows(3, 9)),
    }

    report = check(by_name, rules={"split-overlap": "off"})

    (failed,) = report.failed
    assert (failed.rule, failed.split) == ("label-not-input-id", "test")
    assert "test.parquet row 3 (test[3])" in failed.text
    splits = report.to_dict()["datasets"][0]["splits"]
    assert [(one["name"], one["rows"]) for one in splits] == [
        ("train", 16),
        ("test", 6),
        ("more", 16),
        ("held", 3),
    ]
    overlap = check({"a": "shards", "b": "shards/train-00001-of-00002.parquet"}).failed
    assert [(one.rule, one.finding.violations) for one in overlap] == [("split-overlap", 8)]
    (absent,) = check({"train": "nowhere.parquet"}).failed
    assert absent.rule == "unreadable-file"
    assert "nowhere.parquet" in absent.text


@pytest.mark.parametrize(
    ("contract", "name", "settings"),
    [
        (load("axolotl"), "axolotl", {}),
        (load("trl", packing=True), "trl", {"packing": True}),
        (
            load("axolotl").with_lengths(9, 3, "raise"),
            "axolotl",
            {"sequence_len": 9, "min_sample_len": 3, "excess_length": "raise"},
        ),
        (
            load("axolotl", packing=True).with_run(4),
            "axolotl",
            {"packing": True, "micro_batch_size": 4},
        ),
        (load("transformers", collator="flattening"), "transformers", {"collator": "flattening"}),
    ],
)
def test_a_contract_itself(contract: Contract, name: str, settings: dict[str, Any]) -> None:
    """What `load` gives is taken as well as its name, with what was set on it."""
    by_object, by_name = check(TABLE, contract), check(TABLE, name, **settings)

    assert by_object.results == by_name.results
    assert len({result.rule for result in by_object.results}) > 20
    ours, theirs = (report.to_dict()["datasets"][0] for report in (by_object, by_name))
    for told in ("contract", "trainer", "settings"):
        assert ours[told] == theirs[told]


def test_a_contract_of_ones_own() -> None:
    """One that no trainer has cannot be declared, and is not taken for one that can."""
    from dataclasses import replace

    changed = replace(load("axolotl"), ignore_index=-1)
    with pytest.raises(DeclarationError, match="validate takes such contracts"):
        check(TABLE, changed)
