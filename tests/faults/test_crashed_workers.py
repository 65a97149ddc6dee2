"""A worker of pytest-xdist that dies in the middle of a scan: the report says so, too."""

from __future__ import annotations

from pathlib import Path

from tests.faults.conftest import Begin, report_of
from tests.plugin.data import clean_rows, write

KILLED = """
import os
import signal
from pathlib import Path

import pytest_pretok.checks as checks

scan_split = checks.scan_split


def once(*args, **kwargs):
    if not Path("killed").exists():
        Path("killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return scan_split(*args, **kwargs)


checks.scan_split = once
"""


def test_a_crashed_worker(tmp_path: Path, begin: Begin) -> None:
    """The item it died over fails, all others have their verdict, and the report is not ok."""
    write(tmp_path / "data/a.parquet", clean_rows())
    (tmp_path / "conftest.py").write_text(KILLED, encoding="utf-8")
    ended = begin("--pretok-data=data", "--pretok-report=r.json", "-n2").end()
    report = report_of(tmp_path)
    rules = report["datasets"][0]["splits"][0]["rules"]
    outcomes = [rule["outcome"] for rule in rules if rule["outcome"] != "passed"]

    assert ended.code == 1, ended.text
    assert "crashed while running" in ended.text
    assert (report["ok"], report["complete"], report["errors"]) == (False, True, 1)
    assert outcomes == ["not-selected"]
