"""A verdict depends on the data alone: not on what else is selected, nor on how rows are cut."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretok_schemas.rules import NAMES
from tests.gate.test_mixtures import names_for, piled
from tests.support.containers import WRITERS, parquet_shards
from tests.support.rows import Row, clean_rows
from tests.support.verdicts import scan

SEEDS = st.integers(0, 2**32)


def mixed(seed: int, count: int) -> tuple[list[Row], random.Random]:
    """Rows with any faults that binary containers can hold."""
    rng = random.Random(seed)
    names = names_for("parquet")
    return [piled(row, names, rng) for row in clean_rows(count, rng)], rng


@pytest.mark.parametrize("rule", [name for name in NAMES if name != "split-overlap"])
@given(seed=SEEDS, count=st.integers(1, 20))
@settings(max_examples=12, deadline=None)
def test_one_rule_alone(rule: str, seed: int, count: int) -> None:
    """A rule that is selected alone has the very finding that it has among all."""
    rows, rng = mixed(seed, count)
    with tempfile.TemporaryDirectory() as folder:
        paths = parquet_shards(Path(folder), rows, rng)

        among_all = scan(paths).findings[rule]
        alone = scan(paths, selected={rule}).findings[rule]

    assert among_all.to_dict() == alone.to_dict()


@pytest.mark.parametrize("workers", [1, 2, 5])
@given(seed=SEEDS, count=st.integers(1, 30))
@settings(max_examples=25, deadline=None)
def test_cuts_and_workers(workers: int, seed: int, count: int) -> None:
    """However rows are cut into files, row groups and batches, and whoever reads them, the
    findings are the same but for the names of the files.
    """
    rows, rng = mixed(seed, count)
    found = []
    for container in ("parquet", "parquet-shards", "arrow-stream"):
        with tempfile.TemporaryDirectory() as folder:
            paths = WRITERS[container](Path(folder), rows, rng)
            findings = scan(paths, workers=workers).findings
        plain = {rule: finding.to_dict() for rule, finding in findings.items()}
        for rule, finding in plain.items():
            for example in finding["examples"]:
                del example["shard"], example["shard_row"]
            if rule in ("unreadable-file", "missing-column"):
                finding["violations"] = bool(finding["violations"])
        found.append(plain)

    assert found[0] == found[1] == found[2]


@given(seed=SEEDS, count=st.integers(1, 30))
@settings(max_examples=25, deadline=None)
def test_rows_of_shards(seed: int, count: int) -> None:
    """An example's shard and row within it lead to the row that the split has at its number."""
    rows, rng = mixed(seed, count)
    with tempfile.TemporaryDirectory() as folder:
        paths = parquet_shards(Path(folder), rows, rng)
        found = scan(paths)
        before, start = {}, 0
        for path in paths:
            before[path.name] = start
            start += next(shard.rows for shard in found.shards if shard.path == path.name)

    for finding in found.findings.values():
        for example in finding.examples:
            if example.row >= 0:
                assert example.row == before[example.shard] + example.shard_row
