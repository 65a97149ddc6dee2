"""Corruptions of whole cells: nulls, foreign kinds, lengths; and what is no corruption of them."""

from __future__ import annotations

import random

from tests.support.corrupting import Registry, anywhere, put
from tests.support.rows import COLUMNS, Row

CELLS = Registry()

KINDS: dict[str, object] = {
    "text": "1 2 3",
    "empty text": "",
    "scalar": 7,
    "fraction alone": 0.5,
    "truth": True,
    "nested": [[1, 2], [3]],
    "nested empty": [[]],
    "nested beside numbers": [1, [2], 3],
    "object": {"a": 1},
    "empty object": {},
    "list of text": ["a", "b"],
    "text among numbers": [1, "2", 3],
    "objects": [{}],
    "fractions": [1.5, 2.0],
    "huge": [1, 2**63, 2],
    "very negative": [1, -(2**63) - 1],
    "hugest": [1, 10**30],
    "truths among numbers": [1, True, 0],
    "null beside text": [None, "a"],
}


def _registered(column: str) -> None:
    def null_cell(row: Row, rng: random.Random) -> Row:
        return {**row, column: None}

    def null_inside(row: Row, rng: random.Random) -> Row:
        return put(row, column, anywhere(row, rng), None)

    def nulls_alone(row: Row, rng: random.Random) -> Row:
        return {**row, column: [None] * len(row["labels"])}

    CELLS.add(f"null-row-{column}", null_cell, "null-row")
    CELLS.add(f"null-token-{column}", null_inside, "null-token")
    CELLS.add(f"null-token-{column}-all", nulls_alone, "null-token")
    for kind, value in KINDS.items():

        def foreign(row: Row, rng: random.Random, value: object = value) -> Row:
            return {**row, column: value}

        name = f"column-type-{column}-{kind.replace(' ', '-')}"
        CELLS.add(name, foreign, "column-type", json_only=True)


for _column in COLUMNS:
    _registered(_column)


@CELLS("null-row")
def null_row_everywhere(row: Row, rng: random.Random) -> Row:
    """A row of nothing."""
    return dict.fromkeys(COLUMNS)


@CELLS("null-row", "null-token")
def null_and_holed(row: Row, rng: random.Random) -> Row:
    """Two columns with a fault each: both are told."""
    return put({**row, "attention_mask": None}, "labels", anywhere(row, rng), None)


@CELLS("column-type", json_only=True)
def column_type_whole_floats(row: Row, rng: random.Random) -> Row:
    """Labels became floats on the way."""
    return {**row, "labels": [float(label) for label in row["labels"]]}


@CELLS("column-type", json_only=True)
def column_type_floats_with_a_null(row: Row, rng: random.Random) -> Row:
    """A missing label turned the others into floats: one fault of the cell, not two."""
    labels: list[float | None] = [float(label) for label in row["labels"]]
    return put({**row, "labels": labels}, "labels", anywhere(row, rng), None)


@CELLS("column-type", json_only=True)
def column_type_one_float(row: Row, rng: random.Random) -> Row:
    """One id is a float, whole as it may be."""
    position = anywhere(row, rng)
    return put(row, "input_ids", position, float(row["input_ids"][position]))


@CELLS("column-type", json_only=True)
def column_type_boolean_labels(row: Row, rng: random.Random) -> Row:
    """Which tokens carry loss, instead of labels."""
    return {**row, "labels": [label != -100 for label in row["labels"]]}


@CELLS("column-type", json_only=True)
def column_type_boolean_ids(row: Row, rng: random.Random) -> Row:
    """Truth values are no ids."""
    return {**row, "input_ids": [True] * len(row["labels"])}


@CELLS("column-type", json_only=True)
def column_type_float_mask(row: Row, rng: random.Random) -> Row:
    """A mask of floats: harmless, a warning."""
    return {**row, "attention_mask": [1.0] * len(row["input_ids"])}


@CELLS(json_only=True)
def boolean_mask(row: Row, rng: random.Random) -> Row:
    """A mask of truth values is as good as one of numbers."""
    return {**row, "attention_mask": [True] * len(row["input_ids"])}


@CELLS(json_only=True)
def further_keys(row: Row, rng: random.Random) -> Row:
    """Keys that the trainer does not know say nothing about those that it does."""
    return {**row, "text": 'a\n"b"', "n": None, "input_ids ": [1.5], "meta": {"labels": "x"}}


@CELLS("length-mismatch")
def length_mismatch_first_label_lost(row: Row, rng: random.Random) -> Row:
    """BOS was added to the ids alone."""
    return {**row, "labels": row["labels"][1:]}


@CELLS("length-mismatch")
def length_mismatch_labels_cut(row: Row, rng: random.Random) -> Row:
    """The labels were cut off, down to nothing."""
    return {**row, "labels": row["labels"][: anywhere(row, rng)]}


@CELLS("length-mismatch")
def length_mismatch_labels_longer(row: Row, rng: random.Random) -> Row:
    """Labels were padded, ids were not."""
    return {**row, "labels": row["labels"] + [-100] * rng.randint(1, 70)}


@CELLS("length-mismatch")
def length_mismatch_mask_shorter(row: Row, rng: random.Random) -> Row:
    """The mask lacks some."""
    return {**row, "attention_mask": row["attention_mask"][: anywhere(row, rng)]}


@CELLS("length-mismatch")
def length_mismatch_mask_longer(row: Row, rng: random.Random) -> Row:
    """The mask was padded, ids were not."""
    return {**row, "attention_mask": [*row["attention_mask"], 0]}


@CELLS("length-mismatch")
def length_mismatch_both(row: Row, rng: random.Random) -> Row:
    """Ids lost one, mask and labels kept theirs: a row counts once."""
    return {**row, "input_ids": row["input_ids"][:1] + row["input_ids"][2:]}


@CELLS("empty-row")
def empty_row(row: Row, rng: random.Random) -> Row:
    """An empty text."""
    return {"input_ids": [], "attention_mask": [], "labels": []}


@CELLS("empty-row", "length-mismatch")
def empty_ids(row: Row, rng: random.Random) -> Row:
    """Ids alone are empty."""
    return {**row, "input_ids": []}
