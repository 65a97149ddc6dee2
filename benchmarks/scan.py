"""Our own program: one scan with every default rule of the axolotl contract; prints what it found.

    python benchmarks/scan.py FILE-OR-FOLDER --workers 2
    python benchmarks/scan.py FILE --rows       # the violating rows as well, by rule
    python benchmarks/scan.py FILE --texts      # the length of the longest failure text

Prints one JSON object: ``seconds`` from the first header to the last finding (imports and the
start of the engine are over then), ``found`` (violations by rule) and what was asked for.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pretok_schemas import Judge, Vocabulary, load
from pretok_schemas.rendering import render
from pytest_pretok.scan import Shard, SplitScan, scan_split

SUFFIXES = (".parquet", ".arrow", ".jsonl")


def shards_of(path: Path) -> list[Shard]:
    """The files of a dataset, in order."""
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.suffix in SUFFIXES)
    return [Shard(str(file), file.name) for file in files]


def judge(keep_all: bool = False) -> Judge:
    """Every default rule, with all that the generator's data is known to be."""
    contract = load("axolotl").with_lengths(4096, 16)
    return Judge(contract, Vocabulary(32000, 1, (2,), 0), keep_all=keep_all)


@contextmanager
def started(engine: str, workers: int) -> Iterator[Any]:
    """What `scan_split` runs on; closed at the end."""
    from pytest_pretok.engines import make_engine

    with closing(make_engine(engine, workers)) as running:
        yield running


def rows_of(done: SplitScan) -> dict[str, list[int]]:
    """Every violating row of the split, by rule."""
    tables = {rule: found for rule, found in done.tables.items() if found}
    return {
        rule: sorted({int(row) for table in found for row in table.rows})
        for rule, found in tables.items()
    }


def main() -> None:
    """Scan and tell."""
    parser = argparse.ArgumentParser(description="One scan with every default rule.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--engine", choices=["local", "ray", "dask"], default="local")
    parser.add_argument("--warm", type=Path, help="scan this first: the engine has begun then")
    parser.add_argument("--rows", action="store_true")
    parser.add_argument("--texts", action="store_true")
    args = parser.parse_args()
    with started(args.engine, args.workers) as engine:
        if args.warm:
            scan_split("train", shards_of(args.warm), judge(), engine)
        begun = time.perf_counter()
        done = scan_split("train", shards_of(args.path), judge(args.rows), engine)
        seconds = time.perf_counter() - begun
    failed = [finding for finding in done.findings.values() if finding.violations]
    told: dict[str, Any] = {"seconds": seconds, "found": {f.rule: f.violations for f in failed}}
    if args.rows:
        told["rows"] = rows_of(done)
    if args.texts:
        told["longest"] = max((len(render(f, "train", "axolotl")) for f in failed), default=0)
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
