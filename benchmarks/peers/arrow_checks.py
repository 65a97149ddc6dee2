"""The four invariants by hand over Arrow lists and numpy, for peers that take any function."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from answer import COLUMNS, IGNORE, LABELS, LENGTHS, PADDING, TRAINABLE


def flat(column: pa.ListArray) -> tuple[np.ndarray, np.ndarray]:
    """Where each row begins and ends in the flat values, and these."""
    offsets = column.offsets.to_numpy()
    return offsets - offsets[0], column.flatten().to_numpy()


def lengths_differ(table: pa.Table) -> np.ndarray:
    """Rows whose lists differ in length."""
    ids, mask, labels = (
        pc.list_value_length(table[name].combine_chunks()).to_numpy() for name in COLUMNS
    )
    return (ids != mask) | (ids != labels)


def labels_differ(table: pa.Table) -> np.ndarray:
    """Rows of equal lengths with a label that is neither its id nor -100."""
    equal = ~lengths_differ(table)
    if not equal.all():
        wrong = np.zeros(len(equal), bool)
        wrong[equal] = labels_differ(table.filter(pa.array(equal)))
        return wrong
    offsets, ids = flat(table["input_ids"].combine_chunks())
    _, labels = flat(table["labels"].combine_chunks())
    at = np.flatnonzero((labels != IGNORE) & (labels != ids))
    wrong = np.zeros(len(equal), bool)
    wrong[np.searchsorted(offsets, at, side="right") - 1] = True
    return wrong


def padding_at_end(table: pa.Table) -> np.ndarray:
    """Rows whose last mask value is 0."""
    offsets, mask = flat(table["attention_mask"].combine_chunks())
    padded = np.zeros(len(offsets) - 1, bool)
    filled = np.flatnonzero(np.diff(offsets))
    padded[filled] = mask[offsets[filled + 1] - 1] == 0
    return padded


def nothing_trained(table: pa.Table) -> np.ndarray:
    """Rows without a label behind the first that is not -100."""
    offsets, labels = flat(table["labels"].combine_chunks())
    trained = labels != IGNORE
    trained[offsets[:-1][np.diff(offsets) > 0]] = False
    rows = np.searchsorted(offsets, np.flatnonzero(trained), side="right") - 1
    untrained = np.ones(len(offsets) - 1, bool)
    untrained[rows] = False
    return untrained


CHECKS = {
    LENGTHS: lengths_differ,
    LABELS: labels_differ,
    PADDING: padding_at_end,
    TRAINABLE: nothing_trained,
}
