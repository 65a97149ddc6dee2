"""Soundness of Arrow arrays: what is let through can be viewed with numpy without reading astray.

Knows arrays only, no files. The cost is per row for lists of numbers, whatever their length.
"""

from __future__ import annotations

import pyarrow as pa

from pretok_schemas.arrow import as_numpy
from pytest_pretok.readers.base import UnreadableFile


def check_batch(batch: pa.RecordBatch) -> None:
    """Return if every offset, length and buffer of a batch is in order.

    Lists of numbers are checked by row. Any other type is validated wholly, value by value: it is
    not data to train on, and is only looked at to say what it is.

    Raises:
        UnreadableFile: an array points outside of its own buffers.
    """
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        try:
            array.validate(full=not _is_flat(array.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise UnreadableFile(f"column {name!r}: {error}") from error
        if not all(map(_nulls_as_told, _with_values(array))):
            raise UnreadableFile(f"column {name!r}: not as many nulls as its metadata tells")
        if len(array) and not _offsets_in_order(array):
            raise UnreadableFile(f"column {name!r}: list offsets out of order or out of bounds")


def _with_values(array: pa.Array) -> list[pa.Array]:
    """An array and, where it is one of lists, the values of its lists."""
    return [array, array.values] if is_list(array.type) else [array]


def _nulls_as_told(array: pa.Array) -> bool:
    """Whether the nulls, counted, are as many as the file told, which Arrow takes over unseen."""
    told: int = array.null_count
    return told == 0 or told == int(as_numpy(array.is_null()).sum())


def _is_number(dtype: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(dtype)
        or pa.types.is_floating(dtype)
        or pa.types.is_boolean(dtype)
        or pa.types.is_null(dtype)
    )


def _is_flat(dtype: pa.DataType) -> bool:
    return _is_number(dtype.value_type) if is_list(dtype) else _is_number(dtype)


def is_list(dtype: pa.DataType) -> bool:
    """Whether a type is one of Arrow's five list layouts."""
    return bool(_has_offsets(dtype) or _is_view(dtype) or pa.types.is_fixed_size_list(dtype))


def _has_offsets(dtype: pa.DataType) -> bool:
    return bool(pa.types.is_list(dtype) or pa.types.is_large_list(dtype))


def _is_view(dtype: pa.DataType) -> bool:
    return bool(pa.types.is_list_view(dtype) or pa.types.is_large_list_view(dtype))


def _offsets_in_order(array: pa.Array) -> bool:
    dtype = array.type
    if _has_offsets(dtype):
        offsets = as_numpy(array.offsets)
        rising = bool((offsets[1:] >= offsets[:-1]).all())
        return rising and offsets[0] >= 0 and offsets[-1] <= len(array.values)
    if _is_view(dtype):
        starts = as_numpy(array.offsets)
        sizes = as_numpy(array.sizes)
        # Compared without a sum, which could overflow.
        inside = (starts >= 0) & (sizes >= 0) & (starts <= len(array.values) - sizes)
        return bool(inside.all())
    return True
