"""What processes cost, run in turn; must know nothing of data or of our packages."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class Program:
    """A command line, where it runs, and the exit codes that are no failure."""

    command: Sequence[str | Path]
    folder: Path | None = None
    environment: Mapping[str, str] | None = None
    codes: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Cost:
    """One process: seconds on the clock, processor seconds, peak resident MiB, and its output.

    Seconds include the processes that it waited for; the peak is that of the largest one.
    """

    wall: float
    cpu: float
    peak: float
    output: str = ""

    @property
    def inside(self) -> float:
        """The seconds that the program itself counted, without its start."""
        return float(json.loads(self.output)["seconds"])


class Failed(Exception):
    """A program ended with a code that it should not end with."""


Costs = Mapping[str, Sequence[Cost]]
Part = Callable[[Cost], float]


def wall(cost: Cost) -> float:
    """Seconds on the clock."""
    return cost.wall


def cpu(cost: Cost) -> float:
    """Processor seconds."""
    return cost.cpu


def peak(cost: Cost) -> float:
    """Peak resident MiB."""
    return cost.peak


def inside(cost: Cost) -> float:
    """Seconds inside the program, after its imports."""
    return cost.inside


def run(program: Program) -> Cost:
    """Run a program to its end and say what it cost.

    Raises:
        Failed: with the last lines of what it said.
    """
    asked = {
        "command": [str(word) for word in program.command],
        "folder": None if program.folder is None else str(program.folder),
    }
    done = subprocess.run(
        [sys.executable, str(LAUNCH)],
        input=json.dumps(asked),
        env={**os.environ, **(program.environment or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    if told["code"] not in program.codes:
        last = (told["complaint"].strip() or told["output"].strip()).splitlines()[-1:]
        raise Failed(f"ended with {told['code']}: {' '.join(last)[:200]}")
    return Cost(told["wall"], told["cpu"], told["peak"], told["output"])


def in_turn(programs: Mapping[str, Program], rounds: int) -> dict[str, list[Cost]]:
    """The costs of so many rounds A B C, A B C; a round before them only warms the file cache.

    A program that fails has no costs, and does not run again.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in programs}
    failed: set[str] = set()
    for number in range(rounds + 1):
        for name, program in programs.items():
            if name in failed:
                continue
            try:
                cost = run(program)
            except Failed as failure:
                print(f"  {name}: {failure}", flush=True)
                failed.add(name)
                costs[name].clear()
                continue
            if number:
                costs[name].append(cost)
    return costs


def median(costs: Sequence[Cost], part: Part) -> float:
    """The middle of the rounds."""
    return statistics.median(part(cost) for cost in costs)


def ratio(costs: Sequence[Cost], base: Sequence[Cost], part: Part) -> float:
    """The middle of the ratios, each of two runs of one round."""
    return statistics.median(part(a) / part(b) for a, b in zip(costs, base, strict=True))


def outputs(program: Program) -> Any:
    """What a program prints, read as JSON."""
    return json.loads(run(program).output)
