"""Ctrl-C, and SIGTERM as CI systems send it: exit 2, an honest report, and nothing left running."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.engines.test_runs import gone
from tests.faults.conftest import STUCK, Begin, outcomes, report_of
from tests.plugin.data import clean_rows, shards, write

ENGINES = {
    "threads": ["--pretok-workers=2"],
    "xdist": ["-n2"],
    "ray": ["--pretok-engine=ray", "--pretok-workers=2"],
    "dask": ["--pretok-engine=dask", "--pretok-workers=2"],
}
SIGNALS = {
    "ctrl-c": (signal.SIGINT, True),
    "sigint": (signal.SIGINT, False),
    "sigterm": (signal.SIGTERM, False),
}
CASES = [
    *(("threads", how) for how in SIGNALS),
    ("processes", "ctrl-c"),
    ("processes", "sigterm"),
    ("xdist", "ctrl-c"),
    ("xdist", "sigterm"),
    ("ray", "ctrl-c"),
    ("ray", "sigterm"),
    ("dask", "ctrl-c"),
    ("dask", "sigterm"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file that is checked to its end, shards whose check gets stuck, and an old report."""
    write(tmp_path / "data/a.jsonl", clean_rows(4))
    shards(tmp_path / "data/stuck", "train", [clean_rows(4, seed) for seed in (2, 3, 4)], "jsonl")
    (tmp_path / "r.json").write_text('{"ok": true, "complete": true}', encoding="utf-8")
    text = STUCK.format(sign=str(tmp_path / "at-work"))
    (tmp_path / "conftest.py").write_text(text, encoding="utf-8")
    return tmp_path


LATE = """
import os
import signal


def pytest_terminal_summary():
    os.kill(os.getpid(), signal.SIGTERM)
"""


def test_sigterm_when_all_is_judged(tmp_path: Path, begin: Begin) -> None:
    """What is written by then is written to its end, and the verdict stands."""
    write(tmp_path / "a.jsonl", clean_rows(4))
    (tmp_path / "conftest.py").write_text(LATE, encoding="utf-8")
    ended = begin("--pretok-data=a.jsonl", "--pretok-report=r.json").end()
    report = report_of(tmp_path)

    assert ended.code == 0, ended.text
    assert (report["ok"], report["complete"]) == (True, True)
    assert "1 dataset" in ended.text


@pytest.mark.parametrize(("engine", "how"), CASES, ids=["-".join(case) for case in CASES])
def test_a_check_that_is_interrupted(data: Path, begin: Begin, engine: str, how: str) -> None:
    """Exit 2; the report is this run's, says that it is cut short, and passes for nothing."""
    what, to_all = SIGNALS[how]
    words = ENGINES.get(engine, ["--pretok-workers=2"])
    if engine == "processes":
        path = data / "conftest.py"
        text = path.read_text(encoding="utf-8").replace("remote=False", "remote=False, locked=True")
        path.write_text(text, encoding="utf-8")
    files = ("--pretok-report=r.json", "--pretok-violations=v.parquet")
    check = begin("--pretok-data=data", *files, *words)
    check.wait_for_work()
    check.send(what, to_all)
    ended = check.end()
    report = report_of(data)

    assert ended.code == 2, ended.text
    assert not report["ok"]
    assert not report["complete"]
    assert outcomes(report) == {"passed", "not-selected"}
    assert "INCOMPLETE: the run was cut short" in ended.text
    assert "INTERNALERROR" not in ended.text
    assert gone(check.mark)
    assert not list(data.glob(".*"))
