"""Row keys give the rows that a plain dictionary gives, in memory and spilled to files."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_pretok.scan import keys as module
from pytest_pretok.scan.keys import RowKeys, repeated, shared

# Few distinct values all over the range, so that they meet; the two lowest bits say who compares.
VALUES = st.builds(
    lambda high, low, bits: (high << 56) | (low << 2) | bits,
    st.integers(0, 255),
    st.integers(0, 2),
    st.integers(0, 3),
)
STRETCHES = st.lists(
    st.tuples(st.integers(0, 3), st.lists(VALUES, max_size=12)), min_size=1, max_size=8
)
LIMITS = st.sampled_from([1, 5, 10**6])


def _fill(stretches: list[tuple[int, list[int]]], limit: int) -> tuple[RowKeys, dict[int, int]]:
    """The store, and the key of each row; some rows between the stretches have none."""
    store, by_row, row = RowKeys(limit), {}, 0
    for gap, values in stretches:
        row += gap
        store.add(row, np.array(values, np.uint64))
        for value in values:
            by_row[row] = value
            row += 1
    return store, by_row


def _eligible(by_row: dict[int, int], bit: int) -> dict[int, int]:
    return {row: key & ~3 for row, key in by_row.items() if key & bit}


@given(stretches=STRETCHES, limit=LIMITS, bit=st.sampled_from([1, 2]))
def test_rows_whose_keys_meet(stretches: list[tuple[int, list[int]]], limit: int, bit: int) -> None:
    """Exactly the eligible rows whose key another eligible row has, in row order."""
    store, by_row = _fill(stretches, limit)
    eligible = _eligible(by_row, bit)
    counts = Counter(eligible.values())

    values = repeated(store, bit)

    assert values.tolist() == sorted(key for key, many in counts.items() if many > 1)
    expected = [row for row, key in sorted(eligible.items()) if counts[key] > 1]
    assert store.rows_with(values, bit).tolist() == expected


@given(splits=st.lists(st.tuples(STRETCHES, LIMITS), min_size=2, max_size=3))
def test_keys_that_splits_share(splits: list[tuple[Any, int]]) -> None:
    """Exactly the keys that eligible rows of two splits have, whichever of them is spilled."""
    stores = [_fill(stretches, limit) for stretches, limit in splits]
    owners = Counter(key for _, rows in stores for key in set(_eligible(rows, 2).values()))

    found = shared([store for store, _ in stores], 2)

    assert found.tolist() == sorted(key for key, many in owners.items() if many > 1)


def test_keys_can_be_added_after_they_were_compared() -> None:
    """Reading the files leaves them ready for more."""
    store = RowKeys(limit=2)
    store.add(0, np.array([5, 9, 13], np.uint64))
    assert not len(repeated(store, 1))

    store.add(3, np.array([9, 9], np.uint64))

    values = repeated(store, 1)
    assert values.tolist() == [8]
    assert store.rows_with(values, 1).tolist() == [1, 3, 4]


def test_memory_is_bounded_by_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand times the limit, no more than the limit is held at any time."""
    store = RowKeys(limit=1000)
    held = 0
    for start in range(0, 100_000, 100):
        store.add(start, np.arange(start, start + 100, dtype=np.uint64) << np.uint64(40))
        held = max(held, sum(len(part) for part in store._held()))
    assert held <= 1000
    assert store.spilled
    monkeypatch.setattr(module, "_PIECE", 100)
    assert not len(repeated(store, 1))


def test_keys_fill_their_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches that begin and end anywhere in a block come back in order."""
    monkeypatch.setattr(module, "_BLOCK", 5)
    monkeypatch.setattr(module, "_SMALLEST", 1)
    store = RowKeys()
    for start, many in ((0, 3), (3, 2), (5, 11), (16, 1)):
        store.add(start, np.arange(start, start + many, dtype=np.uint64) * 4 + 1)
    store.add(17, np.array([4 * 9 + 1], np.uint64))

    values = repeated(store, 1)

    assert values.tolist() == [4 * 9]
    assert store.rows_with(values, 1).tolist() == [9, 17]


def test_few_rows_hold_little_memory() -> None:
    """A hundred thousand small files are as many splits: none may hold a large block."""
    tracemalloc.start()
    held = []
    for _ in range(100):
        keys = RowKeys()
        keys.add(0, np.arange(3, dtype=np.uint64))
        held.append(keys)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(held) == 100
    assert size < 100 * 4096


def test_keys_are_added_behind_all_others() -> None:
    """The last ones that were read lie in the middle of a file: those behind them stay."""
    store = RowKeys(limit=2)
    high = 2**63 + 1
    store.add(0, np.array([high, high], np.uint64))
    store.add(2, np.array([5, 5], np.uint64))
    assert repeated(store, 1).tolist() == [4, high - 1]

    store.add(4, np.array([9, 9], np.uint64))

    assert repeated(store, 1).tolist() == [4, 8, high - 1]
    assert store.rows_with(np.array([4, 8], np.uint64), 1).tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize("in_order", [True, False])
def test_a_file_that_lost_its_end(in_order: bool) -> None:
    """Keys that are not there any more are an error, and no row without a twin."""
    store = RowKeys(limit=2)
    store.add(0, np.array([5, 9, 13], np.uint64))
    assert store._files is not None
    for file in store._files:
        file.truncate(8)

    with pytest.raises(OSError, match="shorter than it was written"):
        store.rows_with(np.array([4], np.uint64), 1) if in_order else repeated(store, 1)


def test_ranges_are_small() -> None:
    """Of keys that lie anywhere, each range in files holds about its share."""
    store = RowKeys(limit=1000)
    rng = np.random.default_rng(3)
    store.add(0, rng.integers(0, 2**64, 2560 * 20, np.uint64) | np.uint64(1))

    sizes = [len(part) for part in store.sorted_ranges(module.RANGES, 1)]

    assert sum(sizes) == 2560 * 20
    assert len(sizes) == module.RANGES
    assert max(sizes) < 2 * 200
