"""Soundness of Arrow arrays: what is let through can be viewed with numpy without reading astray.

Knows arrays only, no files.
"""

from __future__ import annotations

import pyarrow as pa

from pytest_pretok.readers.base import UnreadableFile


def check_batch(batch: pa.RecordBatch) -> None:
    """Return if every offset, length, buffer and count of nulls of a batch is in order.

    Arrow itself looks, value by value for text and by row for lists of numbers: some microseconds
    a batch. What files say of their nulls it would otherwise believe.

    Raises:
        UnreadableFile: an array points outside of its own buffers, or miscounts its nulls.
    """
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        try:
            array.validate(full=True)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise UnreadableFile(f"column {name!r}: {error}") from error


def is_list(dtype: pa.DataType) -> bool:
    """Whether a type is one of Arrow's five list layouts."""
    return bool(_has_offsets(dtype) or _is_view(dtype) or pa.types.is_fixed_size_list(dtype))


def _has_offsets(dtype: pa.DataType) -> bool:
    return bool(pa.types.is_list(dtype) or pa.types.is_large_list(dtype))


def _is_view(dtype: pa.DataType) -> bool:
    return bool(pa.types.is_list_view(dtype) or pa.types.is_large_list_view(dtype))
