"""The command: put a sample of mutants into the core, tell which of them no test noticed.

``check`` runs every test without a mutant, and forgets those that fail here; ``run`` writes a line
of JSON for each mutant, and goes on where it was stopped; ``table`` makes the Markdown table of
what is written; ``show`` prints mutants; ``again`` runs some with every test.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mutation import tests_of
from mutation.mutants import CORE, ROOT, Mutant, count, mutant, sample
from mutation.runner import ALL, Runner, warm, workers_folder

RESULTS = Path(__file__).parent / ".results.jsonl"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 1 if a mutant survived."""
    asked = _parser().parse_args(arguments)
    if asked.what == "table":
        print(table(_read(asked.out)))
        return 0
    if asked.what == "show":
        for one in _named(asked.names):
            print(f"{one.name} {one.kind} line {one.line}\n{one.diff()}\n")
        return 0
    if asked.what == "check":
        return _check()
    if asked.what == "again":
        return _again(_named(asked.names), asked.limit or 10 * ALL)
    chosen = [path for path in CORE if any(name in str(path) for name in asked.names or [""])]
    _judge(chosen, asked)
    return 1 if any(entry["outcome"] == "survived" for entry in _read(asked.out)) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("what", choices=["check", "run", "table", "show", "again"])
    parser.add_argument("names", nargs="*", help="parts of module paths, or MODULE#NUMBER")
    parser.add_argument("--count", type=int, default=40, help="mutants a module")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument(
        "--limit", type=float, help=f"seconds of tests; {ALL:.0f}, again: ten times"
    )
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser


def _named(names: Iterable[str]) -> list[Mutant]:
    pairs = (name.partition("#") for name in names)
    found = (mutant(ROOT / module, int(number)) for module, _, number in pairs)
    return [one for one in found if one is not None]


def _read(out: Path) -> list[dict[str, Any]]:
    if not out.exists():
        return []
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def _judge(modules: Sequence[Path], asked: argparse.Namespace) -> None:
    """Each job a process that judges its share, and appends to the results."""
    picked = [
        (path, number) for path in modules for number in sample(path, asked.count, asked.seed)
    ]
    random.Random(asked.seed).shuffle(picked)  # a run that is cut short is a sample, too
    warm()
    children = []
    for job in range(asked.jobs):
        child = os.fork()
        if not child:
            _work(picked[job :: asked.jobs], asked.out, asked.limit or ALL)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def _work(picked: Sequence[tuple[Path, int]], out: Path, limit: float) -> None:
    done = {entry["name"] for entry in _read(out)}
    with workers_folder() as folder, out.open("a", encoding="utf-8") as results:
        runner = Runner(Path(folder), tests_of.load())
        for path, number in picked:
            one = mutant(path, number)
            if one is None or one.name in done:
                continue
            told = {"name": one.name, "kind": one.kind, "line": one.line}
            results.write(json.dumps(told | vars(runner.judge(one, limit))) + "\n")
            results.flush()


def _check() -> int:
    known = tests_of.load()
    warm()
    with workers_folder() as folder:
        failing = Runner(Path(folder), known).check(sorted(known.seconds))
    print(*failing, sep="\n")
    tests_of.forget(failing)
    return 0


def _again(mutants: Sequence[Mutant], limit: float) -> int:
    survived = 0
    warm()
    with workers_folder() as folder:
        runner = Runner(Path(folder), tests_of.load())
        for one in mutants:
            verdict = runner.judge(one, limit)
            survived += verdict.outcome == "survived"
            print(f"{verdict.outcome} {one.name} {one.kind} line {one.line} {verdict.by}")
            print(one.diff(), flush=True)
    return 1 if survived else 0


def table(results: Sequence[dict[str, Any]]) -> str:
    """By module: mutants there are, tried, noticed; the last line weighs modules by their size."""
    by_module: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in results:
        by_module[entry["name"].partition("#")[0]][entry["outcome"]] += 1
    lines = ["| module | mutants | tried | noticed | survived |", "|---|---|---|---|---|"]
    share = spread = total = 0.0
    for module, outcomes in sorted(by_module.items()):
        many, tried, survived = count(ROOT / module), outcomes.total(), outcomes["survived"]
        noticed = tried - survived
        lines.append(f"| `{module}` | {many} | {tried} | {noticed} | {survived} |")
        # Laplace's estimate for the spread: a small sample without survivors proves no certainty.
        likely = (noticed + 1) / (tried + 2)
        total += many
        share += many * noticed / tried
        spread += many**2 * likely * (1 - likely) / tried * (1 - tried / max(many, tried))
    tried = len(results)
    survived = sum(entry["outcome"] == "survived" for entry in results)
    lines.append(f"| all | {total:,.0f} | {tried:,} | {tried - survived:,} | {survived} |")
    margin = 1.96 * math.sqrt(spread) / total
    lines.append(f"\nOf all mutants {share / total:.1%} ± {margin:.1%} (95 %)")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
