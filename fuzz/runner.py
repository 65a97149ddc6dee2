"""Mutants through worker processes, with a limit of time each; a worker that dies is replaced.

Knows only lines of JSON; what is in them is the worker's.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

ALLOWED = ("equal", "unreadable", "stricter")  # the last: unreadable to us, and not to others
BAD = ("false pass", "differs", "traceback", "hang", "crash")
OUTCOMES = ALLOWED + BAD
ROOT = Path(__file__).parents[1]
LIMIT = 20.0  # seconds for one mutant
START = 600.0  # seconds in which a worker must have its libraries; a busy machine is slow


@dataclass(frozen=True)
class Failure:
    """A mutant with an outcome that is not allowed, and what was seen."""

    container: str
    seed: int
    at: int
    way: str
    outcome: str
    evidence: str


@dataclass
class Tally:
    """What became of the mutants of one container."""

    container: str
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    ways: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def mutants(self) -> int:
        """How many were judged."""
        return sum(self.outcomes.values())


class _Worker:
    """A process, and its lines as they come."""

    def __init__(self, arguments: list[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", "fuzz.worker", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._overhear, args=(self._process.stderr,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _listen(self, told: IO[str]) -> None:
        for line in told:
            self._lines.put(line)
        self._lines.put(None)

    def _overhear(self, told: IO[str]) -> None:
        for line in told:
            self._errors[12:] = [*self._errors[12:], line][-12:]  # the first lines and the last

    def line(self, limit: float) -> dict[str, Any] | None:
        """The next line, None where the process has ended.

        Raises:
            queue.Empty: none came in time.
        """
        text = self._lines.get(timeout=limit)
        return None if text is None else json.loads(text)

    def end(self) -> str:
        """Stop the process; how it ended, and what it said last."""
        if self._lines.empty() and self._process.poll() is None:
            try:
                self._process.wait(0.5)
            except subprocess.TimeoutExpired:
                self._process.kill()
        code = self._process.wait()
        for thread in self._threads:
            thread.join()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        return f"exit code {code}\n{''.join(self._errors)}"


def fuzz(
    container: str, count: int, seed: int, limit: float = LIMIT, sabotage: str = "", first: int = 0
) -> Tally:
    """Judge mutants ``first`` to before ``first + count`` of a container."""
    tally, begun = Tally(container), time.monotonic()
    at = first
    while at < first + count:
        given = [container, str(seed), str(at), str(first + count)]
        at = _drain(_Worker(given + ([sabotage] if sabotage else [])), tally, at, seed, limit)
    tally.seconds = time.monotonic() - begun
    return tally


def _drain(worker: _Worker, tally: Tally, at: int, seed: int, limit: float) -> int:
    """Take down what a worker says until it ends; the number of the mutant to go on with."""
    if worker.line(START) is None:
        raise RuntimeError(f"a worker did not start: {worker.end()}")
    way, step = "?", "between mutants"
    while True:
        try:
            said = worker.line(limit)
        except queue.Empty:
            worker.end()
            _note(tally, seed, at, way, "hang", f"more than {limit:g} s in: {step}")
            return at + 1
        if said is None:
            how = worker.end()
            if how.startswith("exit code 1\n"):
                raise RuntimeError(f"the harness itself failed at mutant {at}, in: {step}; {how}")
            if not how.startswith("exit code 0\n"):
                _note(tally, seed, at, way, "crash", f"in: {step}; {how}")
                return at + 1
            return at
        way = said["way"]
        if "outcome" in said:
            _note(tally, seed, said["at"], way, said["outcome"], said["evidence"])
            at, way, step = said["at"] + 1, "?", "between mutants"
        else:
            at, step = said["at"], said["step"]


def _note(tally: Tally, seed: int, at: int, way: str, outcome: str, evidence: str) -> None:
    tally.outcomes[outcome] += 1
    tally.ways[way, outcome] += 1
    if outcome in BAD:
        tally.failures.append(Failure(tally.container, seed, at, way, outcome, evidence))
