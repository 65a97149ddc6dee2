"""The files that a run can write: which format a suffix asks for, and writing them whole.

Every format is a function of the JSON report (see `json_report`), so that all of them tell the
same; its module is imported when it is asked for.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from pytest_pretok.report.json_report import report_dict
from pytest_pretok.report.records import Records

# suffix -> the module beside this one whose ``render`` makes a text of the report
FORMATS = {".json": "json_report", ".md": "markdown", ".sarif": "sarif"}


def fault_of(name: str) -> str | None:
    """Why a report cannot be written under a name, or None if it can."""
    if Path(name).suffix in FORMATS:
        return None
    return f"the suffix is no known format; use {', '.join(FORMATS)}"


def write_reports(paths: Sequence[Path], records: Records) -> None:
    """Write a report in the format of each path's suffix."""
    report = report_dict(records)
    for path in paths:
        module = import_module(f"pytest_pretok.report.{FORMATS[path.suffix]}")
        write_whole(path, module.render(report))


def write_whole(path: Path, text: str) -> None:
    """Write a file beside the path and rename it, so that a full disk never leaves half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
