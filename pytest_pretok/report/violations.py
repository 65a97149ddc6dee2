"""Every violation as a row of one Parquet file.

Each process that scanned writes its part beside the file; the process that reports merges the
parts in the order of the plan, each split once, and renames.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pretok_schemas.rules import NAMES
from pretok_schemas.state import HitTable
from pytest_pretok.checks import Checks
from pytest_pretok.plan import Plan
from pytest_pretok.scan import SplitScan
from pytest_pretok.whole_files import make_folder, open_new

_GROUP = 1_048_576  # rows of a row group

SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("split", pa.string()),
        ("shard", pa.string()),
        ("row", pa.int64()),
        ("shard_row", pa.int64()),
        ("position", pa.int64()),
        ("rule", pa.string()),
        ("found", pa.string()),
        ("expected", pa.string()),
    ]
)


def write_part(path: Path, worker: str, checks: Checks) -> None:
    """Write the violations of the splits that this process scanned, and an index of row groups."""
    make_folder(path.parent)
    scanned: list[list[Any]] = []
    with (
        open_new(_part(path, worker), path) as file,
        pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer,
    ):
        for (number, split), scan in checks.finished_scans().items():
            judge = checks.judge(number, split)
            chosen = {rule.name for rule in judge.selected}
            name = checks.plan.datasets[number].name
            for rule, table in _tables(name, scan, chosen):
                writer.write_table(table, row_group_size=_GROUP)
                scanned.append([number, split, rule, -(-table.num_rows // _GROUP)])
    _index(path, worker).write_text(json.dumps(scanned), encoding="utf-8")


def merge_parts(path: Path, plan: Plan) -> None:
    """Join the parts of all processes into the file that was asked for.

    Raises:
        OSError: it cannot be written; what was there still is.
    """
    names = sorted(index.name for index in _beside(path, "index"))
    # By rule, too: a process that scanned a split need not have compared it with the others.
    places: dict[tuple[int, str, str], tuple[Path, range]] = {}
    for name in names:
        index = path.parent / name
        part = index.with_suffix(".part")
        group = 0
        for number, split, rule, groups in json.loads(index.read_text(encoding="utf-8")):
            places.setdefault((number, split, rule), (part, range(group, group + groups)))
            group += groups
    scratch = path.with_name(f".{path.name}.merged.part")
    with (
        open_new(scratch, path) as out,
        pq.ParquetWriter(out, SCHEMA, compression="zstd") as writer,
    ):
        for number, dataset in enumerate(plan.datasets):
            for planned in dataset.splits:
                found = [rule for n, split, rule in places if (n, split) == (number, planned.name)]
                for rule in sorted(found, key=_rank):
                    part, here = places[number, planned.name, rule]
                    with pq.ParquetFile(part) as file:
                        for group in here:
                            writer.write_table(file.read_row_group(group))
    scratch.replace(path)


def _rank(rule: str) -> tuple[int, str]:
    """The place of a rule: the registry's own come first, in judging order."""
    return (NAMES.index(rule), "") if rule in NAMES else (len(NAMES), rule)


def _tables(dataset: str, scan: SplitScan, chosen: set[str]) -> Iterator[tuple[str, pa.Table]]:
    for rule in sorted(chosen, key=_rank):
        hits = scan.tables.get(rule, [])
        if not hits and rule in scan.findings and scan.findings[rule].unit != "row":
            hits = _of_files(scan, rule)
        if hits:
            yield rule, _table(dataset, scan.split, rule, hits)


def _of_files(scan: SplitScan, rule: str) -> list[HitTable]:
    nowhere = np.array([-1])
    return [
        HitTable(
            nowhere,
            nowhere,
            nowhere,
            (None if example.found is None else str(example.found),),
            (None if example.expected is None else str(example.expected),),
            example.shard,
        )
        for example in scan.findings[rule].examples
    ]


def _table(dataset: str, split: str, rule: str, hits: list[HitTable]) -> pa.Table:
    def ints(values: list[Any]) -> pa.Array:
        flat = np.concatenate(values).astype(np.int64)
        return pa.array(flat, mask=flat < 0)

    rows = sum(len(table.rows) for table in hits)
    order = np.argsort(np.concatenate([table.rows for table in hits]), kind="stable")
    columns = {
        "dataset": pa.array([dataset] * rows, pa.string()),
        "split": pa.array([split] * rows, pa.string()),
        "shard": pa.array([t.shard for t in hits for _ in t.rows], pa.string()),
        "row": ints([t.rows for t in hits]),
        "shard_row": ints([t.shard_rows for t in hits]),
        "position": ints([t.positions for t in hits]),
        "rule": pa.array([rule] * rows, pa.string()),
        "found": pa.array([v for t in hits for v in t.found], pa.string()),
        "expected": pa.array([v for t in hits for v in t.expected], pa.string()),
    }
    return pa.table(columns, schema=SCHEMA).take(pa.array(order))


def _part(path: Path, worker: str) -> Path:
    return path.with_name(f".{path.name}.{worker}.part")


def _index(path: Path, worker: str) -> Path:
    return path.with_name(f".{path.name}.{worker}.index")


def _beside(path: Path, suffix: str) -> Iterator[Path]:
    return path.parent.glob(f".{escape(path.name)}.*.{suffix}")


def remove_parts(path: Path) -> None:
    """Remove the parts of this run, or what one that was killed left behind."""
    for left in [*_beside(path, "part"), *_beside(path, "index")]:
        left.unlink(missing_ok=True)
