"""Views over Arrow lists, against pyarrow's own `to_pylist`."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretok_schemas.arrow import Kind, as_numpy, kind_of
from pretok_schemas.batch import CLIPPED, Defect, Foreign, Lists, TokenBatch, lists_from_arrow

HOLED = st.one_of(st.none(), st.lists(st.one_of(st.none(), st.integers(0, 100)), max_size=6))
ITEMS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64()]
LAYOUTS = [pa.list_, pa.large_list, pa.list_view, pa.large_list_view]
IDS, MASK, LABELS = "input_ids", "attention_mask", "labels"


def cells_of(lists: Lists) -> list[Any]:
    """The rows that a column of flat values stands for."""
    rows: list[Any] = []
    for row, (low, high) in enumerate(zip(lists.offsets, lists.offsets[1:], strict=False)):
        if lists.null_rows is not None and lists.null_rows[row]:
            rows.append(None)
            continue
        nulls = lists.null_tokens
        rows.append(
            [
                None if nulls is not None and nulls[at] else lists.values[at].item()
                for at in range(low, high)
            ]
        )
    return rows


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: str(layout.__name__))
@given(cells=st.lists(HOLED, max_size=12), item=st.sampled_from(ITEMS), data=st.data())
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_lists(layout: Any, cells: list[Any], item: pa.DataType, data: st.DataObject) -> None:
    """Any slice of any list layout is viewed as pyarrow reads it, nulls included."""
    array = pa.array(cells, layout(item))
    start = data.draw(st.integers(0, len(cells)))
    sliced = array.slice(start, data.draw(st.integers(0, len(cells) - start)))

    lists = lists_from_arrow(sliced)

    assert cells_of(lists) == sliced.to_pylist()
    assert lists.offsets.dtype == np.int64
    assert lists.offsets[0] == 0
    assert len(lists.values) == lists.offsets[-1]


@given(
    cells=st.lists(
        st.one_of(
            st.none(),
            st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=3, max_size=3),
        ),
        max_size=10,
    ),
    data=st.data(),
)
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_fixed_size_lists(cells: list[Any], data: st.DataObject) -> None:
    """So is fixed_size_list, where a null row covers values."""
    array = pa.array(cells, pa.list_(pa.int16(), 3))
    start = data.draw(st.integers(0, len(cells)))
    sliced = array.slice(start, data.draw(st.integers(0, len(cells) - start)))

    assert cells_of(lists_from_arrow(sliced)) == sliced.to_pylist()


@given(cells=st.lists(st.lists(st.booleans(), max_size=20), max_size=9), start=st.integers(0, 9))
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_booleans(cells: list[list[bool]], start: int) -> None:
    """Packed bits are unpacked from any place on."""
    sliced = pa.array(cells, pa.list_(pa.bool_())).slice(start)

    assert cells_of(lists_from_arrow(sliced)) == sliced.to_pylist()


def test_nulls_that_cover_values() -> None:
    """A null row may have values behind it in a file; they belong to no row."""
    values = pa.array([1, 2, 3, 4, 5], pa.int32())
    array = pa.ListArray.from_arrays(
        pa.array([0, 2, 4, 5], pa.int32()), values, mask=pa.array([False, True, False])
    )

    lists = lists_from_arrow(array)

    assert cells_of(lists) == [[1, 2], None, [5]]
    assert lists.values.tolist() == [1, 2, 5]


def test_views_in_another_order() -> None:
    """A list view may overlap, go back and leave gaps."""
    values = pa.array([10, 11, 12, 13, 14], pa.int64())
    starts, sizes = pa.array([3, 0, 0, 2], pa.int32()), pa.array([2, 2, 0, 2], pa.int32())
    array = pa.ListViewArray.from_arrays(starts, sizes, values)

    assert (
        cells_of(lists_from_arrow(array)) == array.to_pylist() == [[13, 14], [10, 11], [], [12, 13]]
    )


def test_values_are_shared() -> None:
    """Integers without nulls are not copied, sliced or not."""
    array = pa.array([[1, 2], [3], [4, 5, 6]], pa.list_(pa.int32()))
    address = array.values.buffers()[1].address

    assert lists_from_arrow(array).values.ctypes.data == address
    assert lists_from_arrow(array.slice(1)).values.ctypes.data == address + 8


def test_large_unsigned_values_stay_large() -> None:
    """Values beyond int64 are clipped, never turn negative, and are no wrapped -100."""
    array = pa.array([[1, 2**63 - 2, 2**63, 2**64 - 1, 2**64 - 100]], pa.list_(pa.uint64()))

    lists = lists_from_arrow(array)

    assert lists.values.tolist() == [1, *[2**63 - 2] * 3, CLIPPED]
    assert lists.clipped
    assert not lists_from_arrow(array.cast(pa.list_(pa.int64()), safe=False)).clipped


@pytest.mark.parametrize(
    "array",
    [
        pa.array([["a"]]),
        pa.array([1]),
        pa.array(["a"]),
        pa.array([[[1]]]),
        pa.array([None]),
        pa.array([{"a": 1}]),
    ],
    ids=lambda array: str(array.type),
)
def test_no_list_of_numbers(array: pa.Array) -> None:
    """What is no list of numbers is refused, not misread."""
    with pytest.raises(ValueError, match="no list of numbers"):
        lists_from_arrow(array)


@given(values=st.lists(st.integers(-5, 5), max_size=40), start=st.integers(0, 40))
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
def test_as_numpy(values: list[int], start: int) -> None:
    """Flat arrays are seen as pyarrow's own conversion sees them."""
    for array in (pa.array(values, pa.int16()), pa.array([v > 0 for v in values], pa.bool_())):
        sliced = array.slice(start)
        assert as_numpy(sliced).tolist() == sliced.to_pylist()


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        (pa.list_(pa.int8()), Kind.INTEGER),
        (pa.large_list(pa.uint64()), Kind.INTEGER),
        (pa.list_(pa.int64(), 4), Kind.INTEGER),
        (pa.list_view(pa.int32()), Kind.INTEGER),
        (pa.list_(pa.null()), Kind.INTEGER),
        (pa.list_(pa.bool_()), Kind.BOOLEAN),
        (pa.large_list_view(pa.float16()), Kind.FLOAT),
        (pa.list_(pa.list_(pa.int64())), Kind.NESTED),
        (pa.list_(pa.list_(pa.int64(), 2), 2), Kind.NESTED),
        (pa.list_(pa.string_view()), Kind.TEXT),
        (pa.large_string(), Kind.TEXT),
        (pa.binary(), Kind.TEXT),
        (pa.int64(), Kind.SCALAR),
        (pa.bool_(), Kind.SCALAR),
        (pa.timestamp("s"), Kind.SCALAR),
        (pa.null(), Kind.NULL),
        (pa.struct([("a", pa.int64())]), Kind.OTHER),
        (pa.list_(pa.struct([("a", pa.int64())])), Kind.OTHER),
        (pa.map_(pa.string(), pa.int64()), Kind.OTHER),
        (pa.dictionary(pa.int8(), pa.string()), Kind.OTHER),
    ],
    ids=str,
)
def test_kinds(dtype: pa.DataType, kind: Kind) -> None:
    """Every Arrow type amounts to one kind."""
    assert kind_of(dtype) is kind


def batch_of(*columns: tuple[str, Sequence[Any]], defects: tuple[Defect, ...] = ()) -> TokenBatch:
    """A batch of columns of 64-bit integers."""
    lists = {
        name: lists_from_arrow(pa.array(cells, pa.list_(pa.int64()))) for name, cells in columns
    }
    return TokenBatch(len(columns[0][1]), lists, defects=defects)


@given(
    rows=st.lists(st.tuples(HOLED, HOLED, st.booleans()), max_size=14),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
def test_views(rows: list[tuple[Any, Any, bool]], seed: int) -> None:
    """A view holds the rows in which its columns are sound and equally long, in order."""
    rng = random.Random(seed)
    ids = [row[0] for row in rows]
    labels = [row[0] if row[2] else row[1] for row in rows]
    spoilt = tuple(
        Defect(i, LABELS, "float", "1.5", mild=rng.random() < 0.5)
        for i in range(len(rows))
        if rng.random() < 0.1
    )
    batch = batch_of((IDS, ids), (LABELS, labels), defects=spoilt)

    view = batch.view(IDS, LABELS)

    sound = [
        i
        for i in range(len(rows))
        if ids[i] is not None
        and labels[i] is not None
        and None not in ids[i] + labels[i]
        and len(ids[i]) == len(labels[i])
        and not any(d.row == i and not d.mild for d in spoilt)
    ]
    assert len(view) == len(sound)
    assert view.batch_rows(np.arange(len(view))).tolist() == sound
    for role, cells in ((IDS, ids), (LABELS, labels)):
        assert view[role].tolist() == [value for i in sound for value in cells[i]]
    assert view.lengths.tolist() == [len(ids[i]) for i in sound]
    assert view.tokens == sum(view.lengths)
    some = np.array(sorted(rng.sample(range(len(view)), rng.randint(0, len(view)))), np.int64)
    part = view.take(some)
    assert part.batch_rows(np.arange(len(part))).tolist() == [sound[i] for i in some]
    assert part[LABELS].tolist() == [label for i in some for label in labels[sound[i]]]


def test_rows_at_and_first_in_row() -> None:
    """Flat indices lead to their rows, over empty rows."""
    view = batch_of((IDS, [[], [1, 2], [], [], [3], [4, 5, 6], []])).view(IDS)
    flat = np.array([0, 1, 2, 4, 5])

    rows, first = view.first_in_row(flat)

    assert view.rows_at(flat).tolist() == [1, 1, 4, 5, 5]
    assert (rows.tolist(), first.tolist()) == ([1, 4, 5], [0, 2, 4])


def test_absent_columns() -> None:
    """A view of a column that is not there has no rows."""
    batch = batch_of((IDS, [[1], [2]]))

    assert len(batch.view(IDS, MASK)) == 0
    assert batch.view(IDS, MASK)[MASK].tolist() == []
    assert batch.length(0, MASK) is None


def test_empty_batch() -> None:
    """No rows make empty views, and nothing breaks."""
    batch = TokenBatch(0, {IDS: lists_from_arrow(pa.array([], pa.list_(pa.int64())))})

    assert len(batch.view(IDS)) == 0
    assert batch.view(IDS).tokens == 0
    assert batch.unusable == {}


def test_sound_columns_are_not_copied() -> None:
    """Where every row is sound the view shares the column's values."""
    batch = batch_of((IDS, [[1], [2, 3]]), (LABELS, [[1], [2, 3]]))

    assert batch.view(IDS, LABELS)[IDS] is batch.columns[IDS].values


def test_window() -> None:
    """A window shows two places on each side, as far as each column goes."""
    batch = batch_of((IDS, [[9], [0, 1, 2, 3, 4, 5, 6]]), (LABELS, [[9], [0, None, 2, 3]]))

    assert batch.window(1, 3).start == 1
    assert batch.window(1, 3).values == {IDS: (1, 2, 3, 4, 5), LABELS: (None, 2, 3)}
    assert batch.window(1, 0).values == {IDS: (0, 1, 2), LABELS: (0, None, 2)}
    assert batch.window(1, 6).values == {IDS: (4, 5, 6), LABELS: ()}


def test_once() -> None:
    """What is computed once is not computed again."""
    batch = batch_of((IDS, [[1]]))
    calls = []

    def compute(given: TokenBatch) -> int:
        calls.append(given)
        return 7

    assert (batch.once(compute), batch.once(compute)) == (7, 7)
    assert calls == [batch]


def test_foreign_columns_are_named() -> None:
    """A batch tells a column of a wrong type from one that is absent."""
    batch = TokenBatch(2, {}, {LABELS: Foreign("text", "string")})

    assert batch.foreign[LABELS].text == "string"
    assert len(batch.view(LABELS)) == 0
