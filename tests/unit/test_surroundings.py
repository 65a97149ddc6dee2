"""Files named one by one: the same datasets as ever, and each folder and header looked at once."""

from __future__ import annotations

import importlib
import os
from collections import Counter
from pathlib import Path

import pytest

from pytest_pretok import discovery
from pytest_pretok.discovery import names, undeclared
from pytest_pretok.planning import Request, make_plan
from pytest_pretok.readers import data_suffix
from tests.plugin.data import clean_rows, shards, write, write_saved


def expected_siblings(path: Path) -> list[Path]:
    """By the rule in words: names alike but for the split's word, and no second way to the file."""
    own = names.read_name(path)
    if own.count is None and names.split_word(own.name) is None:
        return [path]
    found = []
    for other in sorted(path.parent.iterdir()):
        alike = data_suffix(other.name) and names.read_name(other).pattern == own.pattern
        if other == path or (alike and other.is_file() and other.resolve() != path.resolve()):
            found.append(other)
    return found


def test_siblings_are_those_of_the_rule(tmp_path: Path) -> None:
    """Numbered files, split words, links to either, a folder and other files among them."""
    for name in ("train.parquet", "val.jsonl", "test-x.parquet", "a-00000-of-00002.arrow"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "a-00001-of-00002.arrow").symlink_to("a-00000-of-00002.arrow")
    (tmp_path / "validation.parquet").symlink_to("train.parquet")
    (tmp_path / "dev.parquet").mkdir()
    (tmp_path / "eval.parquet").symlink_to("nowhere.parquet")
    (tmp_path / "train").write_bytes(b"x")
    around = discovery.Surroundings()

    for path in sorted(tmp_path.iterdir()):
        assert around.siblings(path) == expected_siblings(path), path.name


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often files and folders are looked at."""
    seen: Counter[str] = Counter()
    walk = importlib.import_module("pytest_pretok.discovery.walk")
    listdir, has_columns, listed = os.listdir, undeclared.has_columns, walk.listed_files

    def counted(what: str) -> None:
        seen[what] += 1

    monkeypatch.setattr(os, "listdir", lambda *a: (counted("folder"), listdir(*a))[1])
    monkeypatch.setattr(undeclared, "has_columns", lambda *a: (counted("file"), has_columns(*a))[1])
    monkeypatch.setattr(walk, "listed_files", lambda *a: (counted("state"), listed(*a))[1])
    return seen


@pytest.mark.parametrize("pattern", ["*.parquet", "."])
def test_each_file_is_opened_once(tmp_path: Path, looks: Counter[str], pattern: str) -> None:
    """Thirty shards named by a pattern are one dataset, and the header of one tells that it is."""
    shards(tmp_path, "train", [clean_rows(2, seed=seed) for seed in range(30)])
    plan = make_plan(Request(tmp_path, tmp_path, (pattern,)))

    (dataset,) = plan.datasets
    assert len(dataset.splits[0].shards) == 30
    assert looks["file"] == 1
    assert looks["folder"] <= 1


def test_pairs_named_by_a_pattern(tmp_path: Path, looks: Counter[str]) -> None:
    """Files named train and val are splits of one dataset, both of them collected."""
    for name in ("train-a", "val-a", "train-b", "val-b", "other"):
        write(tmp_path / f"{name}.parquet", clean_rows(2))
    plan = make_plan(Request(tmp_path, tmp_path, ("*.parquet",)))

    found = [[split.name for split in one.splits if split.collected] for one in plan.datasets]
    assert sorted(found) == [["train"], ["train", "validation"], ["train", "validation"]]
    assert looks["file"] == 5
    assert looks["folder"] <= 1


def test_a_state_is_read_once(tmp_path: Path, looks: Counter[str]) -> None:
    """However many files lie in a saved folder."""
    folder = write_saved(tmp_path / "saved", clean_rows())
    for number in range(20):
        write(folder / f"cache-{number}.arrow", clean_rows(2))
    plan = make_plan(Request(tmp_path, tmp_path, (".",)))

    assert len(plan.datasets) == 1
    assert looks["state"] == 1
