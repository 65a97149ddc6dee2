"""Which Arrow types can hold token lists, and what the others probably mean.

Knows Arrow types only: no values, no files, no trainers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


class Kind(StrEnum):
    """What a column's type amounts to, seen as lists of tokens."""

    INTEGER = "integer"
    BOOLEAN = "boolean"
    FLOAT = "float"
    TEXT = "text"
    NESTED = "nested"
    SCALAR = "scalar"
    NULL = "null"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """A column's type in plain words: its kind, its list layout, the type of its elements.

    ``layout`` and ``item`` are empty for a column that is no list.
    """

    kind: Kind
    layout: str = ""
    item: str = ""


def describe(dtype: pa.DataType) -> TypeFacts:
    """The facts of a type that rules about files compare."""
    if not is_any_list(dtype):
        return TypeFacts(kind_of(dtype))
    layout = "large_list" if "large" in str(dtype).split("<")[0] else "list"
    return TypeFacts(kind_of(dtype), layout, str(dtype.value_type))


def is_any_list(dtype: pa.DataType) -> bool:
    """Whether a type is a list of any of Arrow's five layouts."""
    return bool(
        pa.types.is_list(dtype)
        or pa.types.is_large_list(dtype)
        or pa.types.is_fixed_size_list(dtype)
        or pa.types.is_list_view(dtype)
        or pa.types.is_large_list_view(dtype)
    )


def kind_of(dtype: pa.DataType) -> Kind:
    """The kind of a column by its Arrow type.

    List, large_list, list_view, large_list_view and fixed_size_list are one and the same here:
    `datasets`, Polars and pyarrow each write another of them.
    """
    if pa.types.is_null(dtype):
        return Kind.NULL
    if is_any_list(dtype):
        item = dtype.value_type
        if pa.types.is_boolean(item):
            return Kind.BOOLEAN
        if pa.types.is_integer(item):
            return Kind.INTEGER
        if pa.types.is_floating(item):
            return Kind.FLOAT
        if pa.types.is_null(item):
            # What `datasets` writes for a column of empty lists.
            return Kind.INTEGER
        if is_any_list(item):
            return Kind.NESTED
        if _is_text(item):
            return Kind.TEXT
        return Kind.OTHER
    if _is_text(dtype):
        return Kind.TEXT
    if pa.types.is_primitive(dtype):
        return Kind.SCALAR
    return Kind.OTHER


def _is_text(dtype: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(dtype)
        or pa.types.is_large_string(dtype)
        or pa.types.is_string_view(dtype)
        or pa.types.is_binary(dtype)
        or pa.types.is_large_binary(dtype)
    )


def as_numpy(array: pa.Array) -> npt.NDArray[Any]:
    """A flat Arrow array of numbers or booleans as numpy sees it; nulls may have any value.

    Numbers are shared, booleans (packed bits) are copied. `pyarrow.Array.to_numpy` does the same
    but imports pandas wherever it is installed, which costs half a second.
    """
    dtype = np.dtype(array.type.to_pandas_dtype())
    data = array.buffers()[1]
    if not len(array) or data is None:
        return np.zeros(len(array), dtype)
    if not pa.types.is_boolean(array.type):
        return np.frombuffer(data, dtype, len(array), array.offset * dtype.itemsize)
    return _bits(data, array.offset, len(array))


def null_flags(array: pa.Array) -> npt.NDArray[np.bool_] | None:
    """By slot, whether it is null; None where none is."""
    if not array.null_count:
        return None
    validity = array.buffers()[0]
    if validity is None:  # an array of the type null
        return np.ones(len(array), np.bool_)
    return ~_bits(validity, array.offset, len(array))


def _bits(packed: pa.Buffer, offset: int, size: int) -> npt.NDArray[np.bool_]:
    first, skipped = divmod(offset, 8)
    touched = np.frombuffer(packed, np.uint8, (skipped + size + 7) // 8, first)
    bits = np.unpackbits(touched, bitorder="little", count=skipped + size)
    return bits[skipped:].view(np.bool_)


def common_array(values: Sequence[Any]) -> pa.Array | None:
    """Python values as an array of the type that they have in common, None if there is none."""
    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None
