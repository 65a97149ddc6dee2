"""How trainers make batches of rows: bins when packing, padded batches when not.

Knows lengths alone. Where a trainer shuffles, its rows come in another order each epoch: counts
are those of the file order, and its own differ by little.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pretok_schemas.flat import Ints
from pretok_schemas.run import BIN_ROWS

GROUP = 100_000  # rows that Axolotl packs at a time (sample_packing_group_size)
BFD_GROUP = 1_000  # rows that TRL packs at a time: a batch of `datasets.map`
_LOOK = 256  # bins looked at in one step

BEST_FIT = frozenset({"trl", "unsloth"})  # contracts whose trainer packs by TRL's bfd


@dataclass(frozen=True, slots=True)
class Bins:
    """Rows packed: how many bins, how many tokens are in them, and by which algorithm."""

    algorithm: str
    capacity: int
    bins: int
    rows: int
    tokens: int

    @property
    def fill(self) -> float:
        """The share of the bins that holds tokens."""
        return self.tokens / (self.bins * self.capacity) if self.bins else 0.0


def pack(lengths: Ints, capacity: int, contract: str, bin_rows: int = BIN_ROWS) -> Bins:
    """Lengths from 1 to ``capacity`` (in file order) packed as a contract's trainer does."""
    if contract in BEST_FIT:
        groups = _groups(lengths, BFD_GROUP)
        made = sum(len(best_fit_decreasing(group, capacity)) for group in groups)
        how = f"best fit decreasing, in groups of {BFD_GROUP:,} rows (TRL's bfd)"
    else:
        groups = _groups(lengths, GROUP)
        made = sum(len(first_fit(group, capacity, bin_rows)) for group in groups)
        how = f"first fit in file order, in groups of {GROUP:,} rows, {bin_rows} rows a bin at most"
        how += " (Axolotl's multipack, before it shuffles)" if contract == "axolotl" else ""
    return Bins(how, capacity, made, len(lengths), int(lengths.sum()))


def _groups(lengths: Ints, size: int) -> Iterator[Ints]:
    return (lengths[start : start + size] for start in range(0, len(lengths), size))


def first_fit(lengths: Ints, capacity: int, bin_rows: int) -> Ints:
    """What is left (int64) in each bin once every length went into the first bin with room."""
    room = np.zeros(len(lengths), np.int64)
    free = np.full(len(lengths), bin_rows, np.int64)
    bins = 0
    # Bins only fill up: one that had no room for a length never has room for it again.
    begin: dict[int, int] = {}
    for length in lengths.tolist():
        at = begin.get(length, 0)
        while at < bins:
            stop = min(at + _LOOK, bins)
            fits = room[at:stop] >= length
            first = int(fits.argmax())
            if fits[first]:
                at += first
                break
            at = stop
        begin[length] = at
        if at == bins:
            room[bins] = capacity
            bins += 1
        room[at] -= length
        free[at] -= 1
        if not free[at]:
            room[at] = -1
    return room[:bins]


def best_fit_decreasing(lengths: Ints, capacity: int) -> list[int]:
    """What is left in each bin once every length, the longest first, went where it fits best."""
    rooms: list[int] = []  # rising
    for length in np.sort(lengths)[::-1].tolist():
        at = bisect_left(rooms, length)
        room = rooms.pop(at) if at < len(rooms) else capacity
        insort(rooms, room - length)
    return rooms


@dataclass(frozen=True, slots=True)
class Padding:
    """Rows in padded batches of ``batch_size``: batches, and the share of places that is padding.

    ``in_order`` is that of the file order, ``grouped`` that of rows sorted by length.
    """

    batch_size: int
    batches: int
    in_order: float
    grouped: float


def pad(lengths: Ints, batch_size: int) -> Padding:
    """What batches of so many rows are padded by, each to its longest row."""
    batches = -(-len(lengths) // batch_size)
    return Padding(
        batch_size,
        batches,
        _padded(lengths, batch_size),
        _padded(np.sort(lengths)[::-1], batch_size),
    )


def _padded(lengths: Ints, size: int) -> float:
    if not len(lengths):
        return 0.0
    starts = np.arange(0, len(lengths), size)
    rows = np.diff(np.append(starts, len(lengths)))
    places = int((np.maximum.reduceat(lengths, starts).astype(np.int64) * rows).sum())
    return 1 - int(lengths.sum()) / places if places else 0.0
