"""How the tests of the command run it: as users do, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

# The environment of the run that this test is part of, which is not the user's.
OURS = ("PYTEST_", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "PYTHONWARNINGS", "GIT_")
MAIN = "import sys; from pytest_pretok.cli import main; sys.exit(main(prog_name='pretok'))"


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str


Pretok = Callable[..., Done]


def environment(**more: str) -> dict[str, str]:
    """A user's environment."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    return {**kept, "COLUMNS": "100", **more}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, which commands are started in."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def pretok(here: Path) -> Pretok:
    """Run ``pretok`` with some words; ``python`` are options of the interpreter."""

    def run(*words: str, python: tuple[str, ...] = (), **more: str) -> Done:
        done = subprocess.run(
            [sys.executable, *python, "-c", MAIN, *words],
            cwd=here,
            env=environment(**more),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=300,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run
