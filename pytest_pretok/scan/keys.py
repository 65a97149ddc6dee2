"""The keys of a split's rows: held in memory up to a limit, beyond it in temporary files.

8 bytes a row, and as many again while they are compared. Must not know what a key is made of,
save for its two lowest bits (`pretok_schemas.rules.corpus`).
"""

from __future__ import annotations

import tempfile
import weakref
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import BinaryIO

import numpy as np

from pretok_schemas.flat import Ints, among_sorted, heads
from pretok_schemas.rules.corpus import KEY_BITS, Keys

LIMIT = 2**26  # rows held in memory: half a GiB
RANGES = 256  # of key values, each small enough to be sorted in memory
_PIECE = 2**20  # keys read from a file at once
_BYTES = 8  # of a key
_BLOCK = 2**17  # keys held side by side at most: a MiB
_SMALLEST = 2**7  # there may be a hundred thousand splits of a few rows


class RowKeys:
    """The keys of one split, by row.

    Rows are added in order; a row that could not be read has no key.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._blocks: list[Keys] = []
        self._waiting = 0  # keys in the blocks
        self._room = 0  # for keys in the last of them
        # Stretches of rows without a gap: where they begin in the split, and among the keys.
        self._rows: list[int] = []
        self._places: list[int] = []
        self._count = 0
        self._files: tuple[BinaryIO, BinaryIO] | None = None  # in row order; sorted runs
        self._runs: list[Ints] = []  # where the ranges of each run begin and end in the file

    def add(self, start: int, keys: Keys) -> None:
        """Take the keys (uint64, one a row) of the rows from ``start`` on.

        Raises:
            OSError: there is no room left for temporary files.
        """
        if not len(keys):
            return
        if not self._rows or start != self._rows[-1] + self._count - self._places[-1]:
            self._rows.append(start)
            self._places.append(self._count)
        self._count += len(keys)
        # Copied into large blocks: the small arrays of batches, kept one by one among all that
        # comes and goes while files are read, would hold on to ten times their own memory.
        while len(keys):
            if not self._room:
                self._room = min(_BLOCK, max(_SMALLEST, self._waiting))
                self._blocks.append(np.empty(self._room, np.uint64))
            part, block = keys[: self._room], self._blocks[-1]
            at = len(block) - self._room
            block[at : at + len(part)] = part
            self._waiting += len(part)
            self._room -= len(part)
            keys = keys[len(part) :]
        if self._waiting >= self._limit:
            self._spill()

    def _held(self) -> Iterator[Keys]:
        """The keys in memory, in row order."""
        for block in self._blocks[:-1]:
            yield block
        for block in self._blocks[-1:]:
            yield block[: len(block) - self._room]

    def _spill(self) -> None:
        if self._files is None:
            # Without a name: nobody else can read them, and they go when the process goes.
            self._files = _private_file(), _private_file()
            weakref.finalize(self, _close, self._files)
        in_order, runs = self._files
        keys = np.concatenate(list(self._held()))
        before = self._count - len(keys)
        self._blocks, self._waiting, self._room = [], 0, 0
        keys.tofile(in_order)
        keys.sort()
        self._runs.append(_cuts(keys, RANGES) + before)
        keys.tofile(runs)

    @property
    def spilled(self) -> bool:
        """Whether some keys are in files."""
        return self._files is not None

    def sorted_ranges(self, ranges: int, eligible: int) -> Iterator[Keys]:
        """The keys with the bit ``eligible``, sorted, in 1 or `RANGES` ranges of their values.

        The two lowest bits are cleared. Once keys are in files there have to be `RANGES`.
        """
        # Chosen piece by piece: no copy of all keys but the sorted one.
        held = _chosen(self._held(), eligible)
        held.sort()
        if self._files is None and ranges == 1:
            yield held
            return
        cuts = _cuts(held, ranges)
        for number, (low, high) in enumerate(pairwise(cuts.tolist())):
            keys = np.concatenate([_chosen(self._stored(number), eligible), held[low:high]])
            keys.sort()
            yield keys

    def _stored(self, number: int) -> Iterator[Keys]:
        """The keys of one range in files, run by run."""
        if self._files is None:
            return
        for cuts in self._runs:
            yield from _read(self._files[1], int(cuts[number]), int(cuts[number + 1]))

    def rows_with(self, values: Keys, eligible: int) -> Ints:
        """The rows (int64, rising) whose key has the bit and, but for its bits, one of the values.

        ``values`` must be sorted.
        """
        found = [np.zeros(0, np.int64)]
        place = 0
        for keys in self._in_row_order() if len(values) else ():
            which = keys & np.uint64(eligible) != 0
            which &= among_sorted(keys & KEY_BITS, values)
            found.append(self._rows_at(np.flatnonzero(which) + place))
            place += len(keys)
        return np.concatenate(found)

    def _in_row_order(self) -> Iterator[Keys]:
        if self._files is not None:
            yield from _read(self._files[0], 0, self._count - self._waiting)
        yield from self._held()

    def _rows_at(self, places: Ints) -> Ints:
        """The rows of some places among the keys."""
        if len(places) == 1:
            at = bisect_right(self._places, int(places[0])) - 1
            return places - self._places[at] + self._rows[at]
        begins, rows = np.array(self._places, np.int64), np.array(self._rows, np.int64)
        stretch = np.searchsorted(begins, places, side="right") - 1
        return places - begins[stretch] + rows[stretch]


def _chosen(pieces: Iterable[Keys], eligible: int) -> Keys:
    """The keys that have a bit, without their own two."""
    bit = np.uint64(eligible)
    chosen = [keys[keys & bit != 0] & KEY_BITS for keys in pieces]
    return np.concatenate([*chosen, np.zeros(0, np.uint64)])


def _private_file() -> BinaryIO:
    file: BinaryIO = tempfile.TemporaryFile(prefix="pretok-")  # noqa: SIM115 (closed with its owner)
    return file


def _close(files: tuple[BinaryIO, BinaryIO]) -> None:
    for file in files:
        file.close()


def _cuts(ordered: Keys, ranges: int) -> Ints:
    """Where ranges of equal width begin and end among sorted keys: shape (ranges + 1,)."""
    steps = np.array([number * 2**64 // ranges for number in range(1, ranges)], np.uint64)
    inner = np.searchsorted(ordered, steps)
    return np.concatenate(([0], inner, [len(ordered)])).astype(np.int64)


def _read(file: BinaryIO, start: int, stop: int) -> Iterator[Keys]:
    """The keys of a stretch of a file, piece by piece; writing goes on at its end."""
    while start < stop:
        file.seek(start * _BYTES)
        keys = np.fromfile(file, np.uint64, min(_PIECE, stop - start))
        if not len(keys):
            raise OSError("a temporary file of row keys is shorter than it was written")
        yield keys
        start += len(keys)
    file.seek(0, 2)


def repeated(keys: RowKeys, eligible: int) -> Keys:
    """The keys, sorted and without their bits, that more than one eligible row has."""
    ranges = RANGES if keys.spilled else 1
    found = [np.zeros(0, np.uint64)]
    for ordered in keys.sorted_ranges(ranges, eligible):
        again = ordered[1:][ordered[1:] == ordered[:-1]]
        found.append(again[heads(again)])
    return np.concatenate(found)


def shared(splits: Sequence[RowKeys], eligible: int) -> Keys:
    """The keys, sorted and without their bits, that eligible rows of more than one split have."""
    ranges = RANGES if any(keys.spilled for keys in splits) else 1
    found = [np.zeros(0, np.uint64)]
    for parts in zip(*(keys.sorted_ranges(ranges, eligible) for keys in splits), strict=True):
        ordered = np.sort(np.concatenate([part[heads(part)] for part in parts]))
        again = ordered[1:][ordered[1:] == ordered[:-1]]
        found.append(again[heads(again)])
    return np.concatenate(found)
