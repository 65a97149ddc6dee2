"""Which rows a sample takes: spread over lengths and files, the same for the same seed.

Knows lengths and places alone; the content of a row decides nothing beyond its length.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from pretok_schemas.flat import Ints

_MASK = (1 << 64) - 1


def choose(lengths: Ints, shards: Ints, size: int, seed: int) -> Ints:
    """The numbers (int64, rising) of ``size`` rows; all where there are not as many.

    Rows are put in order of their lengths and cut into ``size`` equal stretches; each gives one:
    the first its shortest, the last its longest row, any other a row of the file that gave the
    fewest so far. ``shards`` is the number of the file of each row. A single row is the longest.
    """
    rows = len(lengths)
    if size >= rows:
        return np.arange(rows)
    ranks = _ranks(rows, seed)
    order = np.lexsort((ranks, lengths))
    edges = [number * rows // size for number in range(size + 1)]
    taken: Counter[int] = Counter()
    found = []
    for number in range(size):
        stretch = order[edges[number] : edges[number + 1]]
        if number == size - 1:
            row = int(stretch[-1])
        elif number == 0:
            row = int(stretch[0])
        else:
            row = _rarest(stretch, shards, ranks, taken)
        taken[int(shards[row])] += 1
        found.append(row)
    return np.sort(np.asarray(found, np.int64))


def _rarest(stretch: Ints, shards: Ints, ranks: npt.NDArray[np.uint64], taken: Counter[int]) -> int:
    """The row of lowest rank among those of the file that gave the fewest rows."""
    files = np.unique(shards[stretch]).tolist()
    least = min(taken[one] for one in files)
    rare = [one for one in files if taken[one] == least]
    rows = stretch[np.isin(shards[stretch], rare)]
    return int(rows[np.argmin(ranks[rows])])


def _ranks(rows: int, seed: int) -> npt.NDArray[np.uint64]:
    """A number (uint64) for each row by its place and the seed alone: splitmix64."""
    step = 0x9E3779B97F4A7C15
    with np.errstate(over="ignore"):
        mixed = np.arange(1, rows + 1, dtype=np.uint64) * np.uint64(step)
        mixed += np.uint64((seed * 0xBF58476D1CE4E5B9 + step) & _MASK)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        found: npt.NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return found
