"""Kernels over flat arrays, against numpy and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pretok_schemas.flat import among, among_sorted, cumulated, frequent, heads, places


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 63, 64, 65, 4000, 4003])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.3, 1.0])
def test_places(size: int, share: float) -> None:
    """The indices of what is true, however many are."""
    flags = np.random.default_rng(size).random(size) < share

    assert places(flags).tolist() == [at for at in range(size) if flags[at]]
    assert places(flags[::-1]).tolist() == [at for at in range(size) if flags[size - 1 - at]]


@pytest.mark.parametrize("at", [0, 7, 8, 15, 4088, 4095, 4096, 4102])
def test_one_place(at: int) -> None:
    """A single flag at the edges of words, and behind the last whole one."""
    flags = np.zeros(4103, np.bool_)
    flags[at] = True

    assert places(flags).tolist() == [at]


def test_heads() -> None:
    """The first of each stretch of equal values."""
    assert heads(np.array([2, 2, 3, 5, 5, 5])).tolist() == [0, 2, 3]
    assert heads(np.array([7])).tolist() == [0]
    assert heads(np.zeros(0, np.int64)).tolist() == []


@pytest.mark.parametrize("some", [(), (3,), (3, 5, 7, 9), (3, 5, 7, 9, 11), range(3, 12, 2)])
def test_among(some: tuple[int, ...]) -> None:
    """Few values or many: the same answer."""
    values = np.arange(-1, 14)

    assert among(values, some).tolist() == [value in set(some) for value in range(-1, 14)]


def test_among_sorted() -> None:
    """Before the first, between, and behind the last."""
    ordered = np.array([2, 5, 9])
    values = np.array([1, 2, 3, 5, 9, 10])

    assert among_sorted(values, ordered).tolist() == [False, True, False, True, True, False]


@pytest.mark.parametrize(
    ("values", "most", "expected"),
    [
        ([], 3, []),
        ([4, 4, 4], 3, [(4, 3)]),
        ([5, 3, 5, 9, 3, 3], 3, [(3, 3), (5, 2), (9, 1)]),
        ([5, 3, 5, 9, 3, 3], 2, [(3, 3), (5, 2)]),
        ([9, 9, 4, 4, 1], 1, [(4, 2)]),  # of equally frequent ones the smaller
        ([0, 0, 1], 1, [(0, 2)]),
        ([-1, -1, 5], 1, [(-1, 2)]),
        ([2**16 - 1, 2**16 - 1, 3], 1, [(2**16 - 1, 2)]),
        ([2**16, 2**16, 3], 1, [(2**16, 2)]),
        ([2**40, 3, 2**40, 3, 3], 2, [(3, 3), (2**40, 2)]),
    ],
)
def test_frequent(values: list[int], most: int, expected: list[tuple[int, int]]) -> None:
    """The most frequent values with their counts, whichever way they are counted."""
    assert frequent(np.array(values, np.int64), most) == expected


def test_cumulated() -> None:
    """Offsets from lengths."""
    assert cumulated([3, 0, 2]).tolist() == [0, 3, 3, 5]
    assert cumulated([]).tolist() == [0]
    assert cumulated(np.array([200, 100], np.uint8)).tolist() == [0, 200, 300]


@pytest.mark.parametrize("beyond", [0, 2**16])
def test_the_smaller_of_many_equally_frequent_ones(beyond: int) -> None:
    """In order, however many they are."""
    many = np.random.default_rng(1).integers(1, 3, 300)
    values = np.repeat(np.arange(300)[::-1] + beyond, many)
    twice = [299 - at for at in np.flatnonzero(many == 2).tolist()]

    found = frequent(values, 50)

    assert found == [(value + beyond, 2) for value in sorted(twice)[:50]]
