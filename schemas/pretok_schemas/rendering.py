"""A finding as text for a terminal: bounded, whatever the damage.

Knows findings and the rules' own texts; nothing of pytest, files or Arrow.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from pretok_schemas.findings import Example, Finding, Outcome
from pretok_schemas.text import plural, printable

LIMIT = 3000  # characters of one finding
WIDTH = 78  # columns of running text; paths and token windows may be wider
REST = "--pretok-violations=FILE.parquet writes them all"
EXAMPLES_SHOWN = 8  # windows beyond this are for the report, not for a terminal


def percent(share: float) -> str:
    """A share for people: never 0 % of something, never 100 % of not quite all."""
    value = share * 100
    if 0 < value < 0.01:
        return "< 0.01 %"
    if 99.99 < value < 100:
        return "> 99.99 %"
    digits = 2 if value < 1 else 1
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return f"{text} %"


def headline(finding: Finding, split: str | None) -> str:
    """The first line: what, how many, out of how many."""
    where = f", split {split}" if split else ""
    if finding.outcome is Outcome.NOT_EVALUATED:
        return f"{finding.rule}: no verdict{where}"
    if finding.unit == "split":
        return f"{finding.rule}: split {split or 'train'}; allowed: {finding.budget:,}"
    return f"{finding.rule}: {count(finding)}{where}; allowed: {finding.budget:,}"


def count(finding: Finding) -> str:
    """The number of violations, and their share where rows are counted."""
    if finding.unit == "split":
        return "the split as a whole"
    of = f"{finding.violations:,} of {plural(finding.total, finding.unit)}"
    return f"{of} ({percent(finding.share)})" if finding.unit == "row" else of


def summary(finding: Finding) -> str:
    """One short line for pytest's short summary."""
    if finding.outcome is Outcome.NOT_EVALUATED:
        return f"no verdict: {finding.because or _last_line(finding.reason)}"
    if finding.unit != "row":
        found = next((str(e.found) for e in finding.examples if e.found is not None), "")
        return printable(f"{count(finding)}: {found}", 200)
    effect = f" - {finding.effect.value}" if finding.effect else ""
    return f"{count(finding)}{effect}"


def render(
    finding: Finding, split: str | None, contract: str, note: str = "", rest: str = REST
) -> str:
    """The whole text of a violation, at most `LIMIT` characters; ``note`` follows the headline.

    ``contract`` names it with its settings (see `Contract.label`); ``rest`` tells how to get at
    the violations that are not shown.
    """
    effect = finding.effect.value if finding.effect else ""
    head = [headline(finding, split), *_wrap(note)]
    says = f"{effect} - {finding.consequence}" if effect else finding.consequence
    head += [*_wrap(f"{contract}: {says}"), ""]
    tail = _wrap(f"cause: {finding.cause}") if finding.cause else []
    tail += _wrap(f"help: {finding.help}")
    body: list[str] = []
    shown = 0
    room = LIMIT - sum(len(line) + 1 for line in [*head, *tail]) - 160
    for example in finding.examples[:EXAMPLES_SHOWN]:
        lines = example_lines(example, finding.evidence)
        size = sum(len(line) + 1 for line in lines)
        if size > room:
            break
        body += lines
        room -= size
        shown += 1
    more = finding.violations - shown
    if more and shown:
        told = f" ({rest})" if rest else ""
        body += [f"  ... and {plural(more, f'more {finding.unit}')}{told}", ""]
    return "\n".join([*head, *body, *tail])[:LIMIT]


def render_no_verdict(finding: Finding, split: str | None, cause: Finding | None) -> str:
    """Why a rule has no verdict, for an item whose cause is not among the items that run."""
    lines = [headline(finding, split), ""]
    if finding.reason is not None:
        lines += _reason(finding.reason)
    elif cause is None or not cause.violations:
        lines.append(f"  It could not be judged: {finding.because} comes first.")
    else:
        lines.append(f"  It could not be judged because of {cause.rule}: {count(cause)}.")
        for example in cause.examples[:2]:
            lines += example_lines(example, cause.evidence)
        lines += [] if lines[-1] == "" else [""]
        lines += _wrap(f"help: {cause.help}")
    return "\n".join(lines)[:LIMIT]


def _reason(reason: str) -> list[str]:
    """A sentence, or what an error of a person's own code left behind: a traceback."""
    first, *rest = reason.splitlines()
    if not rest:
        return _wrap(f"It could not be judged: {printable(reason, 500)}.")
    told = [f"    {printable(line, 200)}" for line in rest]
    return [*_wrap(f"It could not be judged: {printable(first, 500)}."), "", *told]


def _last_line(reason: str | None) -> str:
    lines = (reason or "").strip().splitlines()
    return printable(lines[-1], 200) if lines else ""


def _wrap(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def example_lines(example: Example, evidence: str = "found") -> list[str]:
    """One example: where it is, and a window or the value found; an empty line ends it.

    ``evidence`` is the word before the value (see `Finding`).
    """
    shard = printable(example.shard, 200)
    if example.row < 0:
        found = "" if example.found is None else f": {printable(str(example.found), 300)}"
        return [*_wrap(f"{shard}{found}".removeprefix(": ")), ""]
    where = f"  {shard} row {example.shard_row}"
    if example.split:
        where += f" ({example.split}[{example.row}])"
    if example.position is not None:
        where += f" position {example.position}"
    if example.column is not None:
        where += f", {example.column}"
    window = _window(example)
    if not window or example.expected is not None:
        says = _says(example, evidence)
        if says:
            window.append(f"    {says}")
    return [where, *window, ""]


def _says(example: Example, evidence: str) -> str:
    told = []
    if example.found is not None:
        told.append(f"{evidence} {_value(example.found)}")
    if example.expected is not None:
        told.append(f"expected {_value(example.expected)}")
    return ", ".join(told)


def _value(value: float | str) -> str:
    return printable(value, 80) if isinstance(value, str) else f"{value}"


def _window(example: Example) -> list[str]:
    """A table of the places around the fault; the value at fault is marked with >."""
    window, position = example.window, example.position
    if window is None or position is None or not any(window.values.values()):
        return []
    width = max(len(values) for values in window.values.values())
    at = position - window.start
    marked = marked_role(example.column, example.found, at, window.values)
    rows: list[list[str]] = [["position", *(str(window.start + i) for i in range(width))]]
    for role, values in window.values.items():
        cells = ["null" if value is None else str(value) for value in values]
        if role == marked and 0 <= position - window.start < len(cells):
            cells[position - window.start] = f">{cells[position - window.start]}"
        rows.append([role, *cells, *[""] * (width - len(cells))])
    if window.text:
        cells = [printable(json.dumps(piece, ensure_ascii=False), 24) for piece in window.text]
        rows.append(["text", *cells, *[""] * (width - len(cells))])
    widths = [max(len(row[column]) for row in rows) for column in range(width + 1)]
    return [
        "    "
        + "  ".join(
            [
                row[0].ljust(widths[0]),
                *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True)),
            ]
        ).rstrip()
        for row in rows
    ]


def marked_role(
    column: str | None, found: Any, at: int, values: Mapping[str, Sequence[Any]]
) -> str | None:
    """The column at fault: the one that is named, else that whose value ``at`` was found."""
    if column is not None:
        return column
    for role in ("labels", "attention_mask", "input_ids"):
        cells = values.get(role, ())
        if 0 <= at < len(cells) and cells[at] == found:
            return role
    return None
