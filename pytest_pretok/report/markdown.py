"""The Markdown report: fits a comment on a pull request, or the summary of a CI job.

A function of the JSON report. Text that comes from data stands in code, where no host reads tables,
HTML or mentions into it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pretok_schemas.findings import BY_HARM, Outcome
from pretok_schemas.rendering import count, example_lines, percent
from pretok_schemas.text import plural, printable
from pytest_pretok.report.entries import Entry, Report, entries

LIMIT = 60_000  # bytes; GitHub takes comments of 65,536 characters, and job summaries of 1 MiB
ROWS_SHOWN = 100  # splits in the table
NAME = 120  # characters of a name
TEXT = 600  # characters of a sentence
# What is left for the sections after one of them: each takes what those before it left over.
ROOM = {"table": 0.35, "failed": 0.8, "no verdict": 0.86, "warned": 0.94, "rest": 1.0}
_LOUD = re.compile(r"://|www\.|[@#]")  # hosts make links of these, whatever stands before them
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()<>~!])")


def render(report: Report) -> str:
    """The report as Markdown, at most `LIMIT` bytes of UTF-8."""
    found = _Found(list(entries(report)))
    sheet = _Sheet()
    sheet.add([_verdict(report, found), "", _sums(report, found)])
    _table(sheet, report)
    _failed(sheet, found.failed)
    _no_verdict(sheet, found.no_verdict)
    _briefly(sheet, "Warnings", found.warned, "warned", "warning")
    _briefly(sheet, "Known findings, tolerated by the baseline", found.known, "rest", "finding")
    _not_checked(sheet, report["not_checked"])
    return "\n".join(sheet.lines) + "\n"


class _Found:
    """The entries of a report by what became of them; the failed ones by harm."""

    def __init__(self, every: list[Entry]) -> None:
        self.every = every
        self.failed = sorted(self._of(Outcome.FAILED), key=_harm)
        self.warned = self._of(Outcome.WARNED)
        self.no_verdict = self._of(Outcome.NOT_EVALUATED)
        self.known = [entry for entry in every if entry.tolerated]

    def _of(self, outcome: Outcome) -> list[Entry]:
        return [entry for entry in self.every if entry.finding.outcome is outcome]


def _harm(entry: Entry) -> int:
    effect = entry.finding.effect
    return len(BY_HARM) if effect is None else BY_HARM.index(effect)


@dataclass(slots=True)
class _Sheet:
    """Lines of a bounded text."""

    lines: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, lines: Sequence[str], share: float = 1.0) -> bool:
        """Append lines if they fit into a share of the whole; tells whether they did."""
        size = sum(len(line.encode("utf-8")) + 1 for line in lines)
        # Headings and what tells of the rest always have their place.
        if self.size + size > share * (LIMIT - 2000):
            return False
        self.force(lines)
        return True

    def force(self, lines: Sequence[str]) -> None:
        """Append lines that are known to be few and short."""
        self.size += sum(len(line.encode("utf-8")) + 1 for line in lines)
        self.lines += lines


# -- text that comes from data


def code(text: str, limit: int = NAME) -> str:
    """Text as code, on one line, in a table as well: control characters visible, pipes apart."""
    shown = printable(text, limit)
    # A pipe ends a cell even within code, and a backslash before one means something else again.
    return "&#124;".join(_code(piece) for piece in shown.split("|") if piece) or "` `"


def _code(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if "`" in (text[0], text[-1]) or text[0] == text[-1] == " " else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def prose(text: str, limit: int = TEXT) -> str:
    """A sentence that may quote data: read as it is written, on one line."""
    shown = printable(text, limit).replace("&", "&amp;")
    shown = _PUNCTUATION.sub(r"\\\1", shown).replace("|", "&#124;")
    return _LOUD.sub(lambda loud: f"`{loud[0]}`", shown)


def block(lines: Sequence[str]) -> list[str]:
    """Lines as a block of code that none of them can end."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *lines, fence]


# -- the sections


def _verdict(report: Report, found: _Found) -> str:
    if not report["complete"]:
        return "## pretok: cut short, no verdict"
    if report["ok"]:
        return "## pretok: passed"
    if found.failed:
        return f"## pretok: failed, {plural(len(found.failed), 'finding')}"
    return f"## pretok: failed, {plural(report['errors'], 'rule')} without a verdict"


def _sums(report: Report, found: _Found) -> str:
    splits = [split for dataset in report["datasets"] for split in dataset["splits"]]
    sums = [
        plural(len(report["datasets"]), "dataset"),
        plural(len(splits), "split"),
        plural(sum(split["rows"] or 0 for split in splits), "row"),
        plural(sum(split["tokens"] or 0 for split in splits), "token"),
    ]
    others = [
        plural(len(group), noun)
        for group, noun in ((found.warned, "warning"), (found.known, "known finding"))
        if group
    ]
    if report["errors"]:
        others.append(f"{plural(report['errors'], 'item')} without a verdict")
    return f"{', '.join(sums)}{'; ' if others else ''}{', '.join(others)}."


def _table(sheet: _Sheet, report: Report) -> None:
    rows = [(d["name"], split) for d in report["datasets"] for split in d["splits"]]
    if not rows:
        return
    head = ["", "| dataset | split | rows | tokens | trained | lengths (median) | result |"]
    sheet.force([*head, "|---|---|--:|--:|--:|---|---|"])
    # Where not all fit, those that somebody must look at come first.
    ordered = rows if len(rows) <= ROWS_SHOWN else sorted(rows, key=lambda row: _clean(row[1]))
    shown = 0
    for name, split in ordered[:ROWS_SHOWN]:
        if not sheet.add([_row(name, split)], ROOM["table"]):
            break
        shown += 1
    if shown < len(rows):
        clean = sum(_clean(split) for _, split in ordered[shown:])
        left = plural(len(rows) - shown, "more split")
        sheet.force(["", f"... and {left}, {clean:,} of them clean"])


def _clean(split: dict[str, Any]) -> bool:
    return not {"failed", "warned", "not-evaluated"} & {r["outcome"] for r in split["rules"]}


def _row(name: str, split: dict[str, Any]) -> str:
    cells = [code(name), code(split["name"])]
    if split["rows"] is None:
        cells += ["", "", "", ""]
    else:
        labelled = split["labelled_tokens"]
        share = split["trainable_tokens"] / labelled if labelled else None
        lengths = split["lengths"]
        cells += [f"{split['rows']:,}", f"{split['tokens']:,}"]
        cells.append("" if share is None else percent(share))
        cells.append(
            "{min:,} to {max:,} ({p50:,})".format(**lengths) if lengths and split["tokens"] else ""
        )
    outcomes = [rule["outcome"] for rule in split["rules"]]
    told = {"failed": "failed", "warned": "warned", "not-evaluated": "without a verdict"}
    counts = [f"{outcomes.count(key):,} {word}" for key, word in told.items() if key in outcomes]
    judged = any(outcome != "not-selected" for outcome in outcomes)
    cells.append(", ".join(counts) or ("passed" if judged else "not checked"))
    return f"| {' | '.join(cells)} |"


def _failed(sheet: _Sheet, failed: Sequence[Entry]) -> None:
    if not failed:
        return
    sheet.force(["", "### Failed"])
    detailed = 0
    for entry in failed:
        if not sheet.add(_whole(entry), 0.6):
            break
        detailed += 1
    rest = failed[detailed:]
    if rest:
        sheet.force(["", f"{plural(len(rest), 'more finding')}, without examples:", ""])
        _listed(sheet, rest, "failed", "failed finding")


def _whole(entry: Entry) -> list[str]:
    finding = entry.finding
    lines = ["", f"#### {_headline(entry)}", "", _consequence(entry)]
    if finding.examples:
        lines += ["", *block(example_lines(finding.examples[0], finding.evidence)[:-1])]
    if finding.cause:
        lines += ["", f"Cause: {prose(finding.cause)}."]
    lines += ["", f"Help: {prose(finding.help)}.", "", code(entry.id, 4 * NAME)]
    return lines


def _headline(entry: Entry) -> str:
    allowed = f"; allowed: {entry.finding.budget:,}" if entry.finding.budget else ""
    known = f"; known: {entry.known:,}" if entry.known and not entry.tolerated else ""
    return f"{code(entry.finding.rule)}: {count(entry.finding)}, {_subject(entry)}{allowed}{known}"


def _subject(entry: Entry) -> str:
    name = code(entry.dataset)
    return name if entry.split is None else f"{name} split {code(entry.split)}"


def _consequence(entry: Entry) -> str:
    effect, text = entry.finding.effect, prose(entry.finding.consequence)
    return f"**{effect.value}**: {text}." if effect else text


def _listed(sheet: _Sheet, group: Sequence[Entry], share: str, noun: str) -> None:
    for shown, entry in enumerate(group):
        if not sheet.add([f"- {_headline(entry)}"], ROOM[share]):
            sheet.force([f"- ... and {plural(len(group) - shown, f'more {noun}')}"])
            return


def _briefly(sheet: _Sheet, title: str, group: Sequence[Entry], share: str, noun: str) -> None:
    if group:
        sheet.force(["", f"### {title}", ""])
        _listed(sheet, group, share, noun)


def _no_verdict(sheet: _Sheet, group: Sequence[Entry]) -> None:
    if not group:
        return
    sheet.force(["", "### Without a verdict", ""])
    lines = list(_reasons(group))
    for shown, line in enumerate(lines):
        if not sheet.add([line], ROOM["no verdict"]):
            sheet.force([f"- ... and {plural(len(lines) - shown, 'more line')}"])
            return


def _reasons(group: Sequence[Entry]) -> Iterator[str]:
    """A line for each split and reason."""
    together: dict[tuple[str, str], list[str]] = {}
    for entry in group:
        because = f"{code(entry.finding.because)} comes first" if entry.finding.because else ""
        why = prose(entry.finding.reason) if entry.finding.reason else because
        together.setdefault((_subject(entry), why), []).append(entry.finding.rule)
    for (subject, why), rules in together.items():
        named = ", ".join(code(rule) for rule in rules[:3])
        more = f" and {len(rules) - 3:,} more" if len(rules) > 3 else ""
        yield f"- {subject}: {named}{more}: {why}"


def _not_checked(sheet: _Sheet, unchecked: Sequence[str]) -> None:
    if not unchecked:
        return
    sheet.force(["", "### Not checked", ""])
    for shown, text in enumerate(unchecked):
        if not sheet.add([f"- {prose(text)}"], ROOM["rest"]):
            sheet.force([f"- ... and {len(unchecked) - shown:,} more"])
            return
