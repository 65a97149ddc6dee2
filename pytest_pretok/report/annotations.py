"""Findings as annotations of a pull request: GitHub's workflow commands, a line each.

A function of the JSON report. GitHub shows at most 10 errors and 10 warnings a step; what is beyond
them is told in one notice.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pretok_schemas.findings import Finding, Outcome
from pretok_schemas.rendering import count
from pretok_schemas.text import plural, printable
from pytest_pretok.report.entries import Entry, Report, Spot, entries, in_checkout

SHOWN = 10  # of a level and step, https://docs.github.com/actions (annotations)
TITLE = 200
MESSAGE = 2000


def lines(report: Report) -> list[str]:
    """The commands for the failed and the warned findings of a report, each one line of ASCII or
    printable text that begins with its command.

    An error more tells of a run that was cut short, or of rules without a verdict.
    """
    found = list(entries(report))
    errors = [*_run_errors(report), *_commands(report, found, Outcome.FAILED, "error")]
    warnings = list(_commands(report, found, Outcome.WARNED, "warning"))
    shown = [*errors[:SHOWN], *warnings[:SHOWN]]
    left = [
        plural(len(all_of) - SHOWN, f"more {noun}")
        for all_of, noun in ((errors, "error"), (warnings, "warning"))
        if len(all_of) > SHOWN
    ]
    if left:
        told = f"{' and '.join(left)} not shown here; the report has them all"
        shown.append(command("notice", told, {"title": "pretok"}))
    return shown


def _run_errors(report: Report) -> Iterator[str]:
    if not report["complete"]:
        yield command("error", "the run was cut short: no verdict", {"title": "pretok"})
    if report["errors"]:
        told = f"{plural(report['errors'], 'item')} ended without a verdict"
        yield command("error", told, {"title": "pretok"})


def _commands(
    report: Report, found: Sequence[Entry], outcome: Outcome, level: str
) -> Iterator[str]:
    for entry in found:
        if entry.finding.outcome is outcome:
            title = printable(f"{entry.finding.rule}: {entry.subject}", TITLE)
            properties = {**_place(report, entry.spot), "title": title}
            yield command(level, message(entry.finding), properties)


def _place(report: Report, spot: Spot) -> dict[str, str]:
    """The file and line as the host knows them; nothing for what is not in the checkout."""
    path = in_checkout(report, spot.path)
    if path is None:
        return {}
    return {"file": path, "line": f"{spot.line or 1}"}


def message(finding: Finding) -> str:
    """What a finding is, in a few lines of text without control characters."""
    effect = f"{finding.effect.value}: " if finding.effect else ""
    told = [f"{count(finding)}; {effect}{finding.consequence}"]
    first = next(iter(finding.examples), None)
    if first is not None:
        told.append(f"first: {where(finding)}")
    if finding.cause:
        told.append(f"cause: {finding.cause}")
    told.append(f"help: {finding.help}")
    return "\n".join(printable(line, MESSAGE // 4) for line in told)


def where(finding: Finding, number: int = 0) -> str:
    """An example in a phrase: its place, and what was found there."""
    example = finding.examples[number]
    place = example.shard
    if example.row >= 0:
        place += f" row {example.shard_row}"
        place += f" ({example.split}[{example.row}])" if example.split else ""
    if example.position is not None:
        place += f" position {example.position}"
    if example.column is not None:
        place += f", {example.column}"
    evidence = finding.evidence
    told = [] if example.found is None else [f"{evidence} {example.found}"]
    told += [] if example.expected is None else [f"expected {example.expected}"]
    parts = [part for part in (place, ", ".join(told)) if part]
    return printable(": ".join(parts), MESSAGE // 4)


def command(name: str, text: str, properties: Mapping[str, str]) -> str:
    """One workflow command; text and properties may hold anything but lone surrogates."""
    told = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {told}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def main(name: str) -> None:
    """Print the commands for a JSON report: what the GitHub Action does when a check is over."""
    report = json.loads(Path(name).read_text(encoding="utf-8"))
    text = "".join(f"{line}\n" for line in lines(report))
    sys.stdout.buffer.write(text.encode("utf-8"))


if __name__ == "__main__":
    main(sys.argv[1])
