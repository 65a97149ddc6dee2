"""The files that a run can write: which format a suffix asks for, and writing them whole.

Every format is a function of the JSON report (see `json_report`), so that all of them tell the
same; its module is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_pretok.whole_files import write_whole

# suffix -> the module beside this one whose ``render`` makes a text of the report
FORMATS = {".html": "html", ".json": "json_report", ".md": "markdown", ".sarif": "sarif"}
# suffix -> what its module imports beyond the plugin's own dependencies, and the extra that has it
NEEDS = {".html": (("jinja2", "matplotlib"), "report")}


def fault_of(name: str) -> str | None:
    """Why a report cannot be written under a name, or None if it can."""
    suffix = Path(name).suffix
    if suffix in FORMATS:
        packages, extra = NEEDS.get(suffix, ((), ""))
        missing = [package for package in packages if find_spec(package) is None]
        if not missing:
            return None
        what = f"the package{'s' if missing[1:] else ''} {' and '.join(missing)}"
        verb = "are" if missing[1:] else "is"
        return f"{what} {verb} not installed; pip install 'pytest-pretok[{extra}]'"
    return f"the suffix is no known format; use {', '.join(FORMATS)}"


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write a report in the format of the path's suffix.

    Raises:
        OSError: it cannot be written; what was there still is.
    """
    module = import_module(f"pytest_pretok.report.{FORMATS[path.suffix]}")
    write_whole(path, module.render(report))
