"""The command: fuzz some containers, print a table, keep the files that fail."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fuzz.bases import CONTAINERS
from fuzz.damage import CUTS, cuts, mutant
from fuzz.runner import LIMIT, OUTCOMES, Failure, Tally, fuzz
from fuzz.sabotage import SABOTAGES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 1 if any mutant had an outcome that is not allowed."""
    asked = _parser().parse_args(arguments)
    tallies = []
    print(_line(["container", "mutants", *OUTCOMES, "seconds"]))
    for container in asked.container or CONTAINERS:
        first, count = asked.first, asked.count
        if asked.cuts:
            first, count = CUTS, len(cuts(container, asked.seed))
        tally = fuzz(container, count, asked.seed, asked.limit, asked.sabotage, first)
        tallies.append(tally)
        print(_row(tally), flush=True)
        for failure in tally.failures:
            _show(failure, asked.out)
    if asked.ways:
        _print_ways(tallies)
    return 1 if any(tally.failures for tally in tallies) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--container", action="append", choices=CONTAINERS, help="repeatable")
    parser.add_argument("--count", type=int, default=200, help="mutants a container")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the first mutant's number")
    parser.add_argument("--cuts", action="store_true", help="cut off everywhere, and nothing else")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for one mutant")
    parser.add_argument("--out", type=Path, help="a folder for the files that fail")
    parser.add_argument("--ways", action="store_true", help="a table by way of damage, too")
    parser.add_argument("--sabotage", choices=SABOTAGES, default="", help="a fault put into ours")
    return parser


def _line(cells: Sequence[object]) -> str:
    first, *others = cells
    return f"{first:<13}" + "".join(f"{cell!s:>11}" for cell in others)


def _row(tally: Tally) -> str:
    counts = [tally.outcomes[outcome] for outcome in OUTCOMES]
    return _line([tally.container, tally.mutants, *counts, f"{tally.seconds:.1f}"])


def _print_ways(tallies: Sequence[Tally]) -> None:
    both: Counter[tuple[str, str]] = sum((tally.ways for tally in tallies), Counter())
    print("\n" + _line(["damage", "mutants", *OUTCOMES]))
    for way in sorted({way for way, _ in both}):
        counts = [both[way, outcome] for outcome in OUTCOMES]
        print(_line([way, sum(counts), *counts]))


def _show(failure: Failure, out: Path | None) -> None:
    print(f"  {failure.outcome}: --first {failure.at} --count 1 ({failure.way})")
    lines = failure.evidence.strip().splitlines()
    for line in lines[:4] if failure.outcome == "crash" else lines[-6:]:
        print(f"    {line[:400]}")
    if out is None:
        return
    _, files = mutant(failure.container, failure.seed, failure.at)
    folder = out / f"{failure.container}-{failure.seed}-{failure.at}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "evidence.txt").write_text(failure.evidence, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
