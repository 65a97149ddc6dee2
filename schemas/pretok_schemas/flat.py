"""Kernels over flat arrays for what numpy does more slowly than a scan can afford.

Must not know batches, columns or rules.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Values = npt.NDArray[Any]

_WORD = 8  # flags looked at together
_SPARSE = 16  # times as many words as hot ones, from which on looking at words pays
_FEW = 4  # values compared one by one
_COUNTABLE = 2**16  # values below are counted in a table, which beats sorting them


def places(flags: Bools) -> Ints:
    """The indices at which flat flags are true, like `numpy.flatnonzero`.

    Where few are, it is about four times as fast: eight flags are looked at as one word first.
    """
    whole = len(flags) - len(flags) % _WORD
    if not whole or not flags.flags.c_contiguous:
        return np.flatnonzero(flags)
    (hot,) = (flags[:whole].view(np.uint64) != 0).nonzero()
    if len(hot) * _SPARSE * _WORD > whole:
        return np.flatnonzero(flags)
    (inside,) = flags[:whole].reshape(-1, _WORD)[hot].reshape(-1).nonzero()
    found: Ints = hot[inside >> 3] * _WORD + (inside & 7)
    if whole == len(flags):
        return found
    return np.concatenate((found, flags[whole:].nonzero()[0] + whole))


def heads(ordered: Values) -> Ints:
    """Where each distinct value of an ordered array stands first."""
    new = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    found: Ints = np.flatnonzero(new)
    return found


def among(values: Values, some: Collection[int]) -> Bools:
    """Flat flags: the values that are among some integers, like `numpy.isin`."""
    if len(some) > _FEW:
        return np.isin(values, list(some))
    found = np.zeros(len(values), np.bool_)
    for one in some:
        found |= values == one
    return found


def among_sorted(values: Values, ordered: Values) -> Bools:
    """Flat flags: the values that are among some sorted ones, of which there is at least one."""
    at = np.searchsorted(ordered, values)
    at[at == len(ordered)] = 0
    flags: Bools = ordered[at] == values
    return flags


def frequent(values: Values, most: int) -> list[tuple[int, int]]:
    """The most frequent of some integers and their counts; of equally frequent ones the smaller."""
    if not len(values):
        return []
    if (values == values[0]).all():
        return [(int(values[0]), len(values))]
    if values.min() >= 0 and values.max() < _COUNTABLE:
        counts = np.bincount(values)
        distinct = counts.nonzero()[0]
        many = counts[distinct]
    else:
        distinct, many = np.unique(values, return_counts=True)
    if len(distinct) > most:
        top = np.argsort(-many, kind="stable")[:most]
        distinct, many = distinct[top], many[top]
    return list(zip(distinct.tolist(), many.tolist(), strict=True))


def cumulated(values: Values | Sequence[int]) -> Ints:
    """Sums of the values before each place, and of all of them last: shape (len + 1,), int64."""
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    return sums
