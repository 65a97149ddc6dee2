"""Record batches cut by tokens, so that their parts stay in the processor's cache.

Knows record batches only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from pretok_schemas.arrow import as_numpy, is_any_list


def empty_columns(rows: int) -> pa.RecordBatch:
    """A batch of no columns that still counts its rows."""
    return pa.RecordBatch.from_struct_array(
        pa.StructArray.from_buffers(pa.struct([]), rows, [None])
    )


def cut_by_tokens(batch: pa.RecordBatch, tokens: int) -> Iterator[int]:
    """Where to cut a batch (rows, the last one included) so that its parts have about ``tokens``.

    They are counted in the first list column. No part has more than ``tokens`` rows, or more than
    twice ``tokens`` tokens unless it is one row.
    """
    rows = batch.num_rows
    ends = np.cumsum(_guiding_lengths(batch))
    if rows and rows <= tokens and (not len(ends) or ends[-1] <= 2 * tokens):
        yield rows
        return
    start = 0
    while start < rows:
        stop = min(rows, start + tokens)
        if len(ends):
            before = int(ends[start - 1]) if start else 0
            fitting = int(np.searchsorted(ends, before + tokens, side="right"))
            stop = min(stop, max(start + 1, fitting))
        yield stop
        start = stop


def _guiding_lengths(batch: pa.RecordBatch) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    for column in batch.columns:
        if is_any_list(column.type):
            return list_lengths(column)
    return np.zeros(0, np.int64)


def list_lengths(array: pa.Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Slots behind each row of a list array, int64; a null row counts what it covers."""
    dtype = array.type
    if pa.types.is_fixed_size_list(dtype):
        return np.full(len(array), dtype.list_size, np.int64)
    if not len(array):
        return np.zeros(0, np.int64)
    if pa.types.is_list_view(dtype) or pa.types.is_large_list_view(dtype):
        return np.asarray(as_numpy(array.sizes), np.int64)
    offsets = np.asarray(as_numpy(array.offsets), np.int64)
    return offsets[1:] - offsets[:-1]
