"""Our verdict on files, in the shape that the slow reader and the planted faults have."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from unittest.mock import patch

from pretok_schemas import Judge, Vocabulary, load
from pretok_schemas.contract import Contract
from pretok_schemas.findings import Finding, Outcome
from pretok_schemas.rules.base import NOWHERE
from pytest_pretok import readers
from pytest_pretok.engines import Engine
from pytest_pretok.scan import SILENT, Progress, Shard, SplitScan, scan_split, tasks
from pytest_pretok.scan import shards as opening
from tests.support.containers import Writer
from tests.support.rows import KNOWN, Known, Row
from tests.support.slow_reader import WHOLE, Faults

ALL = KNOWN["all"]
Cut = tuple[int, int]


def contract(known: Known = ALL, packing: bool = False) -> Contract:
    """Axolotl's contract with the length policy of a declaration."""
    return load("axolotl", packing=packing).with_lengths(known.sequence_len, known.min_sample_len)


def judge(selected: Collection[str] | None = None, examples: int = 3, known: Known = ALL) -> Judge:
    """The judge of rows as `support.rows` makes them, under a declaration."""
    vocabulary = Vocabulary(known.vocab, known.bos, known.eos, known.pad)
    return Judge(contract(known), vocabulary, selected=selected, examples=examples, keep_all=True)


def scan(
    paths: Sequence[Path],
    workers: Engine | int = 1,
    selected: Collection[str] | None = None,
    split: str = "train",
    known: Known = ALL,
    cut: Cut | None = None,
    ours: Judge | None = None,
    progress: Progress = SILENT,
) -> SplitScan:
    """Scan files as one split; ``cut`` makes units of about so many bytes, and batches of about so
    many tokens, where the plugin takes millions. A few of either go together.
    """
    shards = [Shard(str(path), path.name) for path in paths]
    ours = ours or judge(selected, known=known)
    if cut is None:
        return scan_split(split, shards, ours, workers, progress)
    units = partial(readers.split_units, target=cut[0])
    chunks = partial(readers.read_chunks, tokens=cut[1])
    with (
        patch.object(opening, "split_units", units),
        patch.object(opening, "TOGETHER", 3 * cut[0]),
        patch.object(tasks, "read_chunks", chunks),
        patch.object(tasks, "GATHERED", 20 * cut[1]),
    ):
        return scan_split(split, shards, ours, workers, progress)


def any_cut(rng: random.Random) -> Cut | None:
    """The plugin's own sizes, or some that cut small files to pieces."""
    return rng.choice([None, (rng.choice([1, 300, 5000]), rng.choice([1, 40, 200, 10**6]))])


def scan_rows(
    writer: Writer, rows: Sequence[Row], rng: random.Random, known: Known = ALL
) -> SplitScan:
    """Write rows in a container and scan it, cut and read in any way."""
    with tempfile.TemporaryDirectory() as folder:
        paths = writer(Path(folder), rows, rng)
        return scan(paths, workers=rng.choice([1, 2]), known=known, cut=any_cut(rng))


def rows_by_rule(found: SplitScan) -> dict[str, list[int]]:
    """The violating rows of every rule that has any, each checked against its finding."""
    rows = {}
    for rule, finding in found.findings.items():
        table = listed(found, rule)
        if finding.unit == "row":
            assert finding.violations == len(table), rule
            check_examples(found, finding)
        if finding.violations:
            assert finding.outcome in (Outcome.FAILED, Outcome.WARNED), rule
            rows[rule] = sorted(table) if finding.unit != "split" else [WHOLE]
        elif finding.outcome is not Outcome.PASSED:
            # What left a rule without a verdict has been found itself.
            assert finding.outcome is Outcome.NOT_EVALUATED, rule
            assert finding.because is not None
            assert found.findings[finding.because].violations, rule
    return rows


def listed(found: SplitScan, rule: str) -> dict[int, tuple[str, int, int, str | None]]:
    """Every violation of a rule: row -> shard, row within it, position, what was found."""
    rows = {}
    for table in found.tables.get(rule, []):
        places = (table.rows.tolist(), table.shard_rows.tolist(), table.positions.tolist())
        for row, shard_row, position, value in zip(*places, table.found, strict=True):
            assert row not in rows, f"{rule} counts row {row} twice"
            rows[row] = (table.shard, shard_row, position, value)
    return rows


def check_examples(found: SplitScan, finding: Finding) -> None:
    """The examples are the first three violations of the table, shard and all."""
    table = listed(found, finding.rule)
    starts, before = {}, 0
    for shard in found.shards:
        starts[shard.path] = before
        before += shard.rows
    for row, (shard_path, shard_row, _, _) in table.items():
        assert row == starts[shard_path] + shard_row, finding.rule
    assert [example.row for example in finding.examples] == sorted(table)[:3], finding.rule
    for example in finding.examples:
        position = NOWHERE if example.position is None else example.position
        value = None if example.found is None else str(example.found)
        assert (example.shard, example.shard_row, position, value) == table[example.row]
        assert example.split == found.split


def same_places(found: SplitScan, expected: Faults) -> None:
    """Every violation stands where the slow reader sees it, and holds what it sees there."""
    for rule, faults in expected.items():
        table = listed(found, rule)
        for row, fault in faults.items():
            if row == WHOLE:
                continue
            _, _, position, value = table[row]
            assert position == (NOWHERE if fault.position is None else fault.position), (rule, row)
            if fault.found is not ...:
                assert value is not None
                same = value == str(fault.found) or float(value) == float(fault.found)
                assert same, (rule, row, value, fault.found)


def same_outcomes(found: SplitScan, expected: Faults, warns: Mapping[str, bool]) -> None:
    """Rules fail or warn as the slow reader says: mild faults alone, and rules that only warn."""
    for rule, faults in expected.items():
        mild = warns.get(rule, all(fault.mild for fault in faults.values()))
        outcome = Outcome.WARNED if mild else Outcome.FAILED
        assert found.findings[rule].outcome is outcome, rule
