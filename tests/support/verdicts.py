"""Our verdict on files, as rows by rule: what the tests compare with what they planted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from pretok_schemas import Judge, Vocabulary, load
from pretok_schemas.contract import Contract
from pytest_pretok.scan import Shard, SplitScan, scan_split
from tests.support.rows import BOS, EOS, MIN_SAMPLE_LEN, PAD, SEQUENCE_LEN, VOCAB


def contract(packing: bool = False) -> Contract:
    """Axolotl's contract with the length policy of `support.rows`."""
    return load("axolotl", packing=packing).with_lengths(SEQUENCE_LEN, MIN_SAMPLE_LEN)


def judge(selected: Collection[str] | None = None, examples: int = 3) -> Judge:
    """The judge of rows as `support.rows` makes them."""
    vocabulary = Vocabulary(VOCAB, BOS, (EOS,), PAD)
    return Judge(contract(), vocabulary, selected=selected, examples=examples, keep_all=True)


def scan(
    paths: Sequence[Path],
    workers: int = 1,
    selected: Collection[str] | None = None,
    split: str = "train",
) -> SplitScan:
    """Scan files as one split."""
    shards = [Shard(str(path), path.name) for path in paths]
    return scan_split(split, shards, judge(selected), workers)


def rows_by_rule(found: SplitScan) -> dict[str, list[int]]:
    """The violating rows of every rule that has any, each checked against its finding."""
    rows = {}
    for rule, finding in found.findings.items():
        tables = found.tables.get(rule, [])
        listed = sorted(row for table in tables for row in table.rows.tolist())
        if finding.unit == "row":
            assert finding.violations == len(listed), rule
            assert [example.row for example in finding.examples] == listed[:3], rule
        if finding.violations:
            rows[rule] = listed
    return rows
