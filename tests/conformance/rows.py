"""The clean rows of the toy vocabulary, and small changes to them.

Plain Python: a row is a dict of columns, and no change touches the row it was given.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

IDS = "input_ids"
MASK = "attention_mask"
LABELS = "labels"
IGNORE = -100

WORDS = 64
PAD, BOS, EOS, UNK, USER, ASSISTANT = range(6)
PIECES = (6, 7)  # what the end id falls into when its spelling is encoded as text
FIRST_WORD = 8

Row = dict[str, Any]
Rows = list[Row]
Change = Callable[[Rows], Rows]
RowChange = Callable[[Row], None]


def chat(prompt: list[int], answer: list[int]) -> Row:
    """A row of one question and one answer; the answer and the end id are trained."""
    head = [BOS, USER, *prompt, ASSISTANT]
    ids = [*head, *answer, EOS]
    labels = [*([IGNORE] * len(head)), *answer, EOS]
    return {IDS: ids, MASK: [1] * len(ids), LABELS: labels}


def clean(count: int = 8, *, equal: bool = False) -> Rows:
    """Rows without a fault, always the same; all of 13 tokens if ``equal``."""
    dice = random.Random(20)
    rows = []
    for index in range(count):
        asked = 4 if equal else 3 + index % 3
        said = 5 if equal else 4 + index % 5
        words = [dice.randrange(FIRST_WORD, WORDS) for _ in range(asked + said)]
        rows.append(chat(words[:asked], words[asked:]))
    return rows


def unchanged(rows: Rows) -> Rows:
    """The rows as they are."""
    return copy.deepcopy(rows)


def every(change: RowChange) -> Change:
    """A change made to every row."""

    def changed(rows: Rows) -> Rows:
        rows = copy.deepcopy(rows)
        for row in rows:
            change(row)
        return rows

    return changed


def some(change: RowChange, *places: int) -> Change:
    """A change made to the rows at some places."""

    def changed(rows: Rows) -> Rows:
        rows = copy.deepcopy(rows)
        for place in places:
            change(rows[place])
        return rows

    return changed


def more(*made: Row | Callable[[Rows], Row]) -> Change:
    """Further rows behind the given ones, each a row or made from the rows."""

    def changed(rows: Rows) -> Rows:
        rows = copy.deepcopy(rows)
        extra = [copy.deepcopy(one(rows) if callable(one) else one) for one in made]
        return rows + extra

    return changed


def without(*columns: str) -> Change:
    """The rows without some columns."""

    def change(row: Row) -> None:
        for column in columns:
            del row[column]

    return every(change)


def renamed(old: str, new: str) -> Change:
    """The rows with a column under another name."""

    def change(row: Row) -> None:
        row[new] = row.pop(old)

    return every(change)


def put(column: str, value: Any) -> RowChange:
    """Sets a cell, to a value or to what a function makes of the row."""

    def change(row: Row) -> None:
        row[column] = value(row) if callable(value) else copy.deepcopy(value)

    return change


def at(column: str, place: int, value: Any) -> RowChange:
    """Sets one place of a list."""

    def change(row: Row) -> None:
        row[column][place] = value

    return change


def cells(column: str, function: Callable[[Any], Any]) -> RowChange:
    """A function applied to each value of a list."""

    def change(row: Row) -> None:
        row[column] = [function(value) for value in row[column]]

    return change


def padded(
    to: int, *, left: bool = False, mask: int = 0, label: int = IGNORE, pad: int = PAD
) -> RowChange:
    """Padding up to a length, on either side."""

    def change(row: Row) -> None:
        count = to - len(row[IDS])
        for column, value in ((IDS, pad), (MASK, mask), (LABELS, label)):
            padding = [value] * count
            row[column] = padding + row[column] if left else row[column] + padding

    return change


def cut(columns: tuple[str, ...], begin: int | None, end: int | None) -> RowChange:
    """Keeps a slice of some columns."""

    def change(row: Row) -> None:
        for column in columns:
            row[column] = row[column][begin:end]

    return change


def inserted(place: int, token: int, label: int = IGNORE) -> RowChange:
    """One more token in all three columns."""

    def change(row: Row) -> None:
        row[IDS].insert(place, token)
        row[MASK].insert(place, 1)
        row[LABELS].insert(place, label)

    return change


def trained(row: Row) -> list[int]:
    """The places of a row that carry a label."""
    return [place for place, label in enumerate(row[LABELS]) if label != IGNORE]
