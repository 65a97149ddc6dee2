"""What is refused before numpy looks at it, and how batches are cut."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_pretok.readers.base import UnreadableFile, one_line, unreadable
from pytest_pretok.readers.batches import deliver
from pytest_pretok.readers.guard import check_batch

VALUES = pa.array([1, 2, 3, 4], pa.int32())


def raw(dtype: pa.DataType, *numbers: list[int], child: pa.Array | None = VALUES) -> pa.Array:
    """An array over offsets (and sizes) that are set after Arrow has checked them."""
    wide = "large" in str(dtype)
    held = [np.zeros(len(part), np.int64 if wide else np.int32) for part in numbers]
    buffers = [None, *map(pa.py_buffer, held)]
    views = "view" in str(dtype)
    length = len(numbers[0]) if views else len(numbers[0]) - 1
    if child is None:
        array = pa.Array.from_buffers(dtype, length, [*buffers, pa.py_buffer(b"abcd")])
    else:
        array = pa.Array.from_buffers(dtype, length, buffers, children=[child])
    for place, part in zip(held, numbers, strict=True):
        place[:] = part
    return array


I32 = pa.int32()
BROKEN = {
    "falling": raw(pa.list_(I32), [0, 3, 1, 4]),
    "negative within": raw(pa.list_(I32), [0, -1, 4]),
    "beyond within": raw(pa.list_(I32), [0, 9, 4]),
    "large, falling": raw(pa.large_list(I32), [0, 4, 2, 4]),
    "view, beyond": raw(pa.list_view(I32), [3], [2]),
    "view, negative": raw(pa.list_view(I32), [-1], [2]),
    "view, negative size": raw(pa.list_view(I32), [3], [-2]),
    "large view, overflow": raw(pa.large_list_view(I32), [2**62], [2**62]),
    "text": raw(pa.string(), [0, 9, 2], child=None),
    "dictionary": pa.DictionaryArray.from_arrays(pa.array([0, 7]), VALUES, safe=False),
    "nested": raw(pa.list_(pa.list_(I32)), [0, 2], child=raw(pa.list_(I32), [0, 9, 4])),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_arrays_that_point_astray_are_refused(fault: str) -> None:
    """Offsets, sizes, buffers and indices that lead out of their array are an error."""
    batch = pa.RecordBatch.from_arrays([BROKEN[fault]], names=["input_ids"])

    with pytest.raises(UnreadableFile, match="column 'input_ids'"):
        check_batch(batch)


@pytest.mark.parametrize(
    "array",
    [
        pa.array([[1], None, []]),
        pa.array([[1], [2, 3], [4]])[1:2],
        pa.array([], pa.list_(I32)),
        pa.array([[1, 2], None], pa.list_(I32, 2)),
        raw(pa.list_view(I32), [2, 0, 0], [2, 3, 4]),
        pa.array(["a", None]),
        pa.nulls(3),
        pa.array([[None], []], pa.list_(pa.null())),
    ],
)
def test_sound_arrays_pass(array: pa.Array) -> None:
    """Slices, nulls, empty arrays and views that overlap are in order."""
    check_batch(pa.RecordBatch.from_arrays([array], names=["input_ids"]))


TYPES = [pa.list_(I32), pa.large_list(I32), pa.list_view(I32), pa.large_list_view(I32)]


@given(
    st.lists(st.none() | st.lists(st.integers(0, 9), max_size=8), max_size=30),
    st.sampled_from(TYPES),
    st.integers(1, 12),
    st.integers(0, 3),
)
def test_cuts_lose_nothing(rows: list[Any], dtype: pa.DataType, tokens: int, skip: int) -> None:
    """Slices are the rows in order, small enough unless a single row is not, and never empty."""
    batch = pa.RecordBatch.from_arrays([pa.array(rows, dtype)], names=["x"]).slice(skip)

    slices = [piece.column(0).to_pylist() for piece in deliver(batch, ["x"], tokens)]

    assert [row for piece in slices for row in piece] == rows[skip:]
    for piece in slices:
        assert 0 < len(piece) <= tokens
        assert len(piece) == 1 or sum(len(row or []) for row in piece) <= 2 * tokens


def test_cuts_copy_nothing() -> None:
    """Slices share the buffers of the batch they were cut from."""
    batch = pa.RecordBatch.from_arrays([pa.array([[1, 2], [3, 4], [5, 6]])], names=["x"])

    addresses = {
        piece.column(0).values.buffers()[1].address for piece in deliver(batch, ["x"], tokens=1)
    }

    assert addresses == {batch.column(0).values.buffers()[1].address}


def test_rows_without_lists_are_cut_too() -> None:
    """Where no column is a list there are at most as many rows as tokens asked for."""
    batch = pa.RecordBatch.from_arrays([pa.array(range(10))], names=["x"])

    assert [piece.num_rows for piece in deliver(batch, ["x"], 4)] == [4, 4, 2]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\t c\x1b[31m", "a b c [31m"),
        ("x" * 400, "x" * 297 + "..."),
        ("é\u202eé", "é é"),
        ("", ""),
    ],
)
def test_reasons_are_one_printable_line(text: str, line: str) -> None:
    """A reason has no control characters, no line ends, and at most 300 characters."""
    assert UnreadableFile(text).reason == one_line(text) == line


def test_the_error_crosses_processes() -> None:
    """An unreadable file is unreadable on the other side as well."""
    again = pickle.loads(pickle.dumps(UnreadableFile("a zip archive", foreign=True)))

    assert (again.reason, again.foreign, again.args) == ("a zip archive", True, ("a zip archive",))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(5, "Input/output error", "x"), "what: Input/output error"),
        (pa.ArrowInvalid("first\nsecond"), "what: first second"),
        (pa.ArrowKeyError("no such key"), "what: no such key"),
        (EOFError(), "what: EOFError"),
    ],
)
def test_library_errors_become_reasons(error: Exception, reason: str) -> None:
    """What a library says of a file is said in one line, without the path."""
    with pytest.raises(UnreadableFile) as caught, unreadable("what"):
        raise error

    assert caught.value.reason == reason


def test_our_own_errors_keep_their_traceback() -> None:
    """A mistake in our code is never blamed on the file."""
    with pytest.raises(ZeroDivisionError), unreadable("what"):
        raise ZeroDivisionError


def test_a_count_of_nulls_that_is_not_true() -> None:
    """What metadata tells of null rows is held against the rows."""
    whole = pa.array([[1], None, None, [2]], pa.list_(pa.int64()))
    told = {
        count: pa.Array.from_buffers(
            whole.type, 4, whole.buffers()[:2], null_count=count, children=[whole.values]
        )
        for count in (1, 2)
    }

    check_batch(pa.RecordBatch.from_arrays([told[2]], names=["a"]))
    with pytest.raises(UnreadableFile, match="nulls"):
        check_batch(pa.RecordBatch.from_arrays([told[1]], names=["a"]))
