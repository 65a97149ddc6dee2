"""How the plugin's tests run pytest inside a test: in this process, or as users do, in another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

WORKERS = ("", "-n0", "-n2")


@dataclass(frozen=True)
class Ran:
    """What an inner pytest run left behind."""

    code: int
    lines: list[str]
    text: str
    outcomes: dict[str, int]

    @property
    def ids(self) -> list[str]:
        """The test ids that ``--collect-only -q`` printed."""
        return [line for line in self.lines if "::" in line and not line.startswith(("<", " "))]


Run = Callable[..., Ran]


def _run(pytester: pytest.Pytester, *arguments: str | Path, subprocess: bool = False) -> Ran:
    words = [str(argument) for argument in arguments if argument != ""]
    words += ["-p", "no:cacheprovider"] if "--cache" not in words else []
    words = [word for word in words if word != "--cache"]
    # It would import hypothesis, and rewrite its assertions, in every inner run.
    words += ["-p", "no:hypothesispytest"]
    parallel = any(word.startswith("-n") and word != "-n0" for word in words)
    method = (
        pytester.runpytest_subprocess if parallel or subprocess else pytester.runpytest_inprocess
    )
    result = method(*words)
    outcomes = result.parseoutcomes() if _has_outcomes(result.outlines) else {}
    text = "\n".join([*result.outlines, *result.errlines])
    return Ran(int(result.ret), result.outlines, text, outcomes)


def _has_outcomes(lines: list[str]) -> bool:
    return any(line.rstrip("=").rstrip().endswith("s") and " in " in line for line in lines[-3:])


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Run pytest in the test's folder; ``--cache`` keeps the cache that ``--lf`` needs."""

    def run_it(*arguments: str | Path, subprocess: bool = False) -> Ran:
        return _run(pytester, *arguments, subprocess=subprocess)

    return run_it


@pytest.fixture
def here(pytester: pytest.Pytester) -> Path:
    """The folder that inner runs start in."""
    return pytester.path


@pytest.fixture(params=WORKERS, ids=["plain", "n0", "n2"])
def workers(request: pytest.FixtureRequest) -> str:
    """No pytest-xdist, pytest-xdist without workers, and two workers."""
    return str(request.param)
