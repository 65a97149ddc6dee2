"""The files that a run was asked for: reports, and every violation as a row.

What cannot be written is kept in mind and told: a verdict outlives a full disk. Knows no item.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pretok_schemas.text import printable

if TYPE_CHECKING:
    from pytest_pretok.checks import Checks
    from pytest_pretok.plan import Plan
    from pytest_pretok.report.records import Records

_VIOLATIONS = "VIOLATIONS"
_REPORT = "REPORT"


class Outputs:
    """What was asked for, relative to ``folder``, and what could not be written.

    Of the file of violations each process writes a part; the one that reports joins them.
    """

    def __init__(self, folder: Path, reports: list[str], violations: str | None) -> None:
        self._folder = folder
        self._reports = reports
        self._violations = violations
        self._failed: dict[tuple[str, str], str] = {}

    @property
    def lines(self) -> list[str]:
        """A line for each file that was not written, with the reason."""
        return [
            f"{kind} NOT WRITTEN, {printable(name)}: {why}"
            for (kind, name), why in self._failed.items()
        ]

    def remove_parts(self) -> None:
        """Remove what a run that was killed left behind."""
        if self._violations is not None:
            from pytest_pretok.report import violations  # lazy: start cost

            with self._attempt(_VIOLATIONS, self._violations):
                violations.remove_parts(self._folder / self._violations)

    def write_part(self, worker: str, checks: Checks) -> str | None:
        """Write the violations of the splits that this process scanned; why not, if it cannot."""
        if self._violations is None:
            return None
        from pytest_pretok.report import violations  # lazy: start cost

        with self._attempt(_VIOLATIONS, self._violations):
            violations.write_part(self._folder / self._violations, worker, checks)
        return self._failed.get((_VIOLATIONS, self._violations))

    def lost_part(self, why: str) -> None:
        """Take down that another process could not write its part."""
        self._failed.setdefault((_VIOLATIONS, self._violations or ""), why)

    def join_parts(self, plan: Plan) -> None:
        """Make the file of violations of all parts; without one of them there is none to make."""
        if self._violations is None:
            return
        from pytest_pretok.report import violations  # lazy: start cost

        path = self._folder / self._violations
        with self._attempt(_VIOLATIONS, self._violations):
            if (_VIOLATIONS, self._violations) not in self._failed:
                violations.merge_parts(path, plan)
            violations.remove_parts(path)

    def write_reports(self, records: Records) -> None:
        """Write every report that can be written."""
        if not self._reports:
            return
        from pytest_pretok.report.formats import write_report  # lazy: start cost
        from pytest_pretok.report.json_report import report_dict

        report = report_dict(records)
        for name in self._reports:
            with self._attempt(_REPORT, name):
                write_report(self._folder / name, report)

    @contextmanager
    def _attempt(self, kind: str, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            from pytest_pretok.whole_files import reason_of  # lazy: start cost

            self._failed.setdefault((kind, name), reason_of(error))
