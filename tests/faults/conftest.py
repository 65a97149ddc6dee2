"""A check in a process of its own that can be met at work, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = str(Path(__file__).parents[2])
PATIENCE = 60  # seconds, on a machine that does much else

# For a conftest.py: the first unit of the first pass says that it is at work, and stays so.
STUCK = """
import pytest_pretok.checks as checks
from functools import partial
from tests.support.sabotage import Sabotaged, Stuck

make = checks.make_engine
checks.make_engine = lambda name, workers: Sabotaged(
    make(name, workers), ["first"], partial(Stuck, sign={sign!r}), remote=False
)
"""


@dataclass(frozen=True)
class Ended:
    """What a process left: exit code (negative: by a signal), output, and the seconds it took."""

    code: int
    text: str


class Check:
    """A running pytest in a folder of its own, marked so that all its processes can be found."""

    def __init__(self, folder: Path, words: Sequence[str], environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.mark = f"PRETOK_TEST_MARK={folder}"
        self.sign = folder / "at-work"
        self._log = (folder / "log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words],
            cwd=folder,
            env={**environ, "PRETOK_TEST_MARK": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_for_work(self) -> None:
        """Return when a unit is at work."""
        until = time.monotonic() + PATIENCE
        while not self.sign.exists():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < until, self.text()
            time.sleep(0.02)

    def text(self) -> str:
        """What it said so far."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def send(self, what: signal.Signals, to_all: bool = False) -> None:
        """A signal to the pytest process, or as a terminal sends it: to its children too."""
        if to_all:
            os.killpg(self.process.pid, what)
        else:
            self.process.send_signal(what)

    def end(self) -> Ended:
        """Wait for the end."""
        code = self.process.wait(PATIENCE)
        return Ended(code, self.text())

    def close(self) -> None:
        """Leave nothing of it."""
        self.process.kill()
        self.process.wait()
        self._log.close()


Begin = Callable[..., Check]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Start a check in the test's folder; ``environ`` are further variables, None unsets one."""
    running: list[Check] = []

    def begin_it(*words: str, environ: Mapping[str, str | None] | None = None) -> Check:
        wanted = {**os.environ, "PYTHONPATH": ROOT, "RAY_AUTH_MODE": "disabled", **(environ or {})}
        for name in ("RAY_ADDRESS", "DASK_SCHEDULER_ADDRESS", "PYTEST_XDIST_WORKER"):
            wanted[name] = None
        own = {name: value for name, value in wanted.items() if value is not None}
        running.append(Check(tmp_path, words, own))
        return running[-1]

    yield begin_it
    for check in running:
        check.close()


def report_of(folder: Path) -> dict[str, Any]:
    """The report that a run wrote."""
    found: dict[str, Any] = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    return found


def outcomes(report: dict[str, Any]) -> set[str]:
    """The outcomes of all rules on splits."""
    return {
        rule["outcome"]
        for dataset in report["datasets"]
        for split in dataset["splits"]
        for rule in split["rules"]
    }
