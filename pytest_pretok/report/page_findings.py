"""Findings on the page of the HTML report: counts, allowances, and examples as token windows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pretok_schemas.rendering import marked_role, percent
from pretok_schemas.text import plural, printable
from pytest_pretok.report.views import Cell, ExampleView, FindingView, Found, tone_of

NAME = 200  # characters of a name or path
PIECE = 24  # characters of a token's text


def finding_view(rule: Found, examples: int) -> FindingView:
    """A finding with as many examples at most."""
    shown = tuple(_example(example, rule["evidence"]) for example in rule["examples"][:examples])
    more = rule["violations"] - len(shown)
    return FindingView(
        rule["rule"],
        tone_of(rule),
        rule["about"],
        _count(rule),
        tuple(_allowances(rule)),
        rule["effect"] or "",
        rule["consequence"],
        rule["cause"] or "",
        rule["help"],
        shown,
        f"and {plural(more, 'more ' + rule['unit'])}" if more and shown else "",
    )


def _count(rule: Found) -> str:
    if rule["unit"] == "split":
        return "the split as a whole"
    of = f"{rule['violations']:,} of {plural(rule['total'], rule['unit'])}"
    return f"{of}, {percent(rule['share'])}" if rule["unit"] == "row" else of


def _allowances(rule: Found) -> Iterable[str]:
    if rule["budget"]:
        yield f"allowed: {rule['budget']:,}"
    if rule["baseline"]:
        yield f"known from the baseline: {rule['baseline']:,}"


def _example(example: Mapping[str, Any], evidence: str) -> ExampleView:
    shard, found, expected = example["shard"], example["found"], example["expected"]
    where = printable(shard, NAME)
    if example["row"] < 0:
        return ExampleView(where, "" if found is None else printable(str(found), 300), ())
    where += f" row {example['shard_row']:,}"
    if example["split"]:
        where += f" ({printable(example['split'], NAME)}[{example['row']}])"
    if example["position"] is not None:
        where += f", position {example['position']:,}"
    if example["column"] is not None:
        where += f", {printable(example['column'], NAME)}"
    told = [] if found is None else [f"{evidence} {printable(str(found), 80)}"]
    told += [] if expected is None else [f"expected {printable(str(expected), 80)}"]
    return ExampleView(where, ", ".join(told), tuple(_window(example)))


def _window(example: Mapping[str, Any]) -> Iterable[tuple[str, tuple[Cell, ...]]]:
    window = example["window"]
    columns = {column["role"]: column["values"] for column in window["columns"]} if window else {}
    if not any(columns.values()):
        return
    at = example["position"] - window["start"]
    width = max(map(len, columns.values()))
    marked = marked_role(example["column"], example["found"], at, columns)
    yield "position", tuple(Cell(str(window["start"] + i), here=i == at) for i in range(width))
    for role, values in columns.items():
        cells = ["null" if value is None else str(value) for value in values]
        cells += [""] * (width - len(cells))
        yield (
            printable(role, NAME),
            tuple(Cell(c, role == marked and i == at) for i, c in enumerate(cells)),
        )
    if window["text"]:
        cells = [json.dumps(piece, ensure_ascii=False) for piece in window["text"]]
        cells = [printable(cell, PIECE) for cell in cells] + [""] * (width - len(cells))
        yield "text", tuple(map(Cell, cells))
