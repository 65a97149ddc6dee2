"""A report as a notebook shows it below a cell: a table of what is broken, examples folded away.

Everything is escaped. Makes no choice of its own of what is told; knows no file.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pretok_schemas.findings import Outcome
from pretok_schemas.rendering import count, summary

if TYPE_CHECKING:
    from pytest_pretok.report.result import Report, Result

COLOURS = {"error": "#c62828", "warning": "#b26a00", "ok": "#2e7d32"}  # on white and on black
_HEAD = ("dataset", "split", "rule", "severity", "what training does", "violations")
_LEFT = "text-align:left;vertical-align:top"


def page(report: Report) -> str:
    """The report as a piece of HTML."""
    broken = [*report.failed, *report.warned]
    head = "".join(f'<th style="{_LEFT}">{name}</th>' for name in _HEAD)
    rows = "".join(_row(result) for result in broken)
    table = f"<table><tr>{head}</tr>{rows}</table>" if broken else ""
    level = "ok" if not broken else "error" if report.failed else "warning"
    verdict = f"<p><b>{_coloured(level, report.verdict())}</b></p>"
    return f"{verdict}{table}<pre>{escape(report.summary())}</pre>"


def _row(result: Result) -> str:
    finding, level = result.finding, "error" if result.failed else "warning"
    told = finding.outcome is not Outcome.NOT_EVALUATED
    effect = finding.effect.value if told and finding.effect else ""
    does = f"{effect}: {finding.consequence}" if effect else finding.consequence if told else ""
    folded = f"<summary>{escape(count(finding) if told else summary(finding))}</summary>"
    cells = (
        escape(result.dataset),
        escape(result.split or ""),
        f"<b>{escape(result.rule)}</b>",
        _coloured(level, level),
        escape(does),
        f'<details>{folded}<pre style="{_LEFT}">{escape(result.text)}</pre></details>',
    )
    return "<tr>" + "".join(f'<td style="{_LEFT}">{cell}</td>' for cell in cells) + "</tr>"


def _coloured(level: str, text: str) -> str:
    return f'<span style="color:{COLOURS[level]}">{escape(text)}</span>'
