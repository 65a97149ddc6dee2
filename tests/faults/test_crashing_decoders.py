"""A decoder that crashes, by a real SIGSEGV: over a header, over rows, in every way of running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import ROOT, report_of
from tests.plugin.data import clean_rows, write

# For the end of the Parquet reader: files of some names crash it, whatever the process.
DEADLY = """
import ctypes

_header, _chunks = header, chunks


def header(path):
    if str(path).endswith("header.parquet"):
        ctypes.string_at(0)
    return _header(path)


def chunks(unit, columns, tokens):
    if unit.path.endswith("rows.parquet"):
        ctypes.string_at(0)
    return _chunks(unit, columns, tokens)
"""
FAILED = "unreadable-file"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Where packages are found in which the reader crashes, in every process."""
    packages = tmp_path / "packages"
    for package in (Path(ROOT) / "pytest_pretok", Path(ROOT) / "schemas/pretok_schemas"):
        for path in filter(Path.is_file, package.rglob("*.*")):
            link = packages / package.name / path.relative_to(package)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    reader = packages / "pytest_pretok/readers/parquet.py"
    text = reader.read_text(encoding="utf-8")
    reader.unlink()
    reader.write_text(text + DEADLY, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(packages), ROOT])}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four datasets: two that are deadly, one that is clean, one with a violation."""
    folder = tmp_path / "work"
    for name in ("header", "rows", "clean", "wrong"):
        rows = clean_rows()
        if name == "wrong":
            rows[1]["labels"][-1] = rows[1]["labels"][-1] + 1
        write(folder / f"data/{name}/{name}.parquet", rows)
    return folder


def run(data: Path, environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """A check of the four datasets, with a report."""
    command = [sys.executable, "-m", *words]
    return subprocess.run(
        command, cwd=data, env=environ, capture_output=True, text=True, check=False
    )


def failures(folder: Path) -> dict[str, dict[str, Any]]:
    """What failed: dataset, then rule, then what the report says of it."""
    found: dict[str, dict[str, Any]] = {}
    for dataset in report_of(folder)["datasets"]:
        rules = [rule for split in dataset["splits"] for rule in split["rules"]]
        failed = {rule["rule"]: rule for rule in rules if rule["outcome"] == "failed"}
        found[Path(dataset["path"]).stem] = failed
    return found


PYTEST = ("pytest", "-p", "no:cacheprovider", "--pretok-data=data", "--pretok-report=r.json")
CHECK = ("pytest_pretok", "check", "data", "--report=r.json")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param((*PYTEST, "--pretok-engine=processes"), id="pytest"),
        pytest.param((*PYTEST, "--pretok-engine=processes", "-n2"), id="xdist"),
        pytest.param((*CHECK, "--engine=processes"), id="check"),
    ],
)
def test_processes(data: Path, environ: dict[str, str], words: tuple[str, ...]) -> None:
    """Each file that no process survives fails by name of the signal; all others are judged."""
    ended = run(data, environ, *words)
    found = failures(data)

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert {name: set(failed) for name, failed in found.items()} == {
        "header": {FAILED},
        "rows": {FAILED},
        "clean": set(),
        "wrong": {"label-not-input-id"},
    }
    assert "SIGSEGV" in str(found["header"][FAILED]["examples"])
    assert "SIGSEGV" in str(found["rows"][FAILED]["examples"])
    assert report_of(data)["complete"]


@pytest.mark.parametrize("words", [PYTEST, CHECK], ids=["pytest", "check"])
def test_threads(data: Path, environ: dict[str, str], words: tuple[str, ...]) -> None:
    """Without processes the run ends by the signal: no verdict, and none that could be a pass."""
    ended = run(data, environ, *words)

    assert ended.returncode == -signal.SIGSEGV
    assert not (data / "r.json").exists()
