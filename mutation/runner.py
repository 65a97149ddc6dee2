"""Runs tests against a mutant in a fork of a warm process; knows neither operators nor tables.

Libraries are imported once and both packages are not: each fork imports them anew, with the mutant
in the place of its module.
"""

from __future__ import annotations

import compileall
import contextlib
import gc
import importlib
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mutation.mutants import ROOT, Mutant
from mutation.overlay import PACKAGES, Overlay
from mutation.tests_of import Tests, within

# What tests and packages import from elsewhere, imported once; nothing of it is run before a fork.
LIBRARIES = (
    *("pytest", "_pytest.pytester", "xdist.plugin", "hypothesis", "hypothesis.extra.numpy"),
    *("numpy", "pyarrow", "pyarrow.parquet", "pyarrow.compute", "pyarrow.json", "pyarrow.dataset"),
    *("pandas", "polars", "pandera", "pandera.pandas", "pydantic", "click", "tqdm", "jsonschema"),
    *("yaml", "jinja2", "datasets", "tokenizers", "unittest.mock"),
)
# Seconds of tests, as measured, that a mutant meets at first, then, and at most: most are noticed
# by the first few tests, and every further file of tests takes time to be collected.
FIRST, THEN, ALL = 1.0, 5.0, 60.0
# A mutant hangs that takes some seconds of the processor and so many times what its tests take, or
# that does nothing for so long.
GRACE, PATIENCE, SILENCE = 30.0, 4.0, 900.0


def warm() -> None:
    """Import and compile what every run needs."""
    for folder in (*PACKAGES, ROOT / "tests"):
        compileall.compile_dir(folder, quiet=1)
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()  # collections of the forks leave alone what they have not made


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: ``killed``, ``hung`` (noticed as well) or ``survived``."""

    outcome: str
    by: str
    tests: int
    seconds: float


class Runner:
    """Judges mutants one after the other, in a folder of its own."""

    def __init__(self, folder: Path, tests: Tests) -> None:
        self.folder = folder
        self.overlay = Overlay(folder / "overlay")
        self.tests = tests

    def judge(self, mutant: Mutant, limit: float = ALL) -> Verdict:
        """Run the tests of a mutant until one fails."""
        began = time.monotonic()
        every = list(within(self.tests.of(mutant), self.tests.seconds, limit))
        first, then = (len(list(within(every, self.tests.seconds, s))) for s in (FIRST, THEN))
        self.overlay.put(mutant)
        try:
            outcome, by = "survived", ""
            for chosen in (every[:first], every[first:then], every[then:]):
                if chosen and outcome == "survived":
                    outcome, by = self._run(chosen)
        finally:
            self.overlay.restore(mutant)
        return Verdict(outcome, by, len(every), round(time.monotonic() - began, 2))

    def check(self, tests: Sequence[str]) -> list[str]:
        """Of some tests, those that fail without any mutant."""
        log = self.folder / "log"
        code = self._fork(tests, log, 3600.0, stop=False)
        text = log.read_text(encoding="utf-8", errors="replace")
        if code not in (0, 1):
            raise RuntimeError(f"the tests do not run without a mutant: {text[-3000:]}")
        lines = text.splitlines()
        marks = ("FAILED ", "ERROR ")
        return [line.split(" ", 1)[1].split(" - ")[0] for line in lines if line.startswith(marks)]

    def _run(self, tests: Sequence[str]) -> tuple[str, str]:
        expected = sum(self.tests.seconds.get(test, 1.0) for test in tests)
        log = self.folder / "log"
        code = self._fork(tests, log, GRACE + PATIENCE * expected)
        if code in (None, -signal.SIGXCPU):
            return "hung", ""
        if code == 0:
            return "survived", ""
        text = log.read_text(encoding="utf-8", errors="replace")
        failed = [line for line in text.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return "killed", failed[0][:300] if failed else text.strip()[-200:]

    def _fork(
        self, tests: Sequence[str], log: Path, patience: float, stop: bool = True
    ) -> int | None:
        """The exit code of a run, None where it had to be ended; ``patience`` is processor time."""
        child = os.fork()
        if not child:
            code = 70
            try:
                resource.setrlimit(resource.RLIMIT_CPU, (int(patience), int(patience) + 5))
                code = self._in_child(tests, log, stop)
            except BaseException:  # noqa: BLE001 - pytest did not even start: that is a notice
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        until = time.monotonic() + patience + SILENCE
        status = None
        while time.monotonic() < until:
            ended, raw = os.waitpid(child, os.WNOHANG)
            if ended:
                status = os.waitstatus_to_exitcode(raw)
                break
            time.sleep(0.1)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # whatever its tests have left behind, too
        if status is None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)
        return status

    def _in_child(self, tests: Sequence[str], log: Path, stop: bool) -> int:
        import pytest
        from hypothesis import Phase, settings

        os.setpgid(0, 0)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.chdir(ROOT)
        sys.path[:0] = [str(self.overlay.folder), str(ROOT)]
        sys.dont_write_bytecode = True
        os.environ |= {
            "PYTHONPATH": str(self.overlay.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(self.folder),
        }
        tempfile.tempdir = None
        # A failure is enough; what the smallest one is does not matter here.
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("once", deadline=None, database=None, phases=phases)
        options = ["-q", "-n", "0", "-p", "no:cacheprovider", "-p", "no:anyio", "--tb=no"]
        options += ["--assert=plain"]  # which needs no rewriting of every module
        options += [
            "-W",
            "ignore::pytest.PytestAssertRewriteWarning",
        ]
        options += ["--hypothesis-profile=once", "--hypothesis-seed=1"]
        options += [f"--basetemp={self.folder / 'temp'}", *(["-x"] if stop else [])]
        return int(pytest.main([*options, *tests]))


def workers_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for one runner."""
    return tempfile.TemporaryDirectory(prefix="mutation-")
