"""The rules that compare the rows of a split, once the digests of rows whose keys meet are known.

Must not know where rows are read again: who scans provides digests, and the places of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from pretok_schemas.findings import Example
from pretok_schemas.flat import Ints, among_sorted, heads
from pretok_schemas.judge import Judge
from pretok_schemas.rules import corpus
from pretok_schemas.rules.base import NOWHERE
from pretok_schemas.state import HitTable, Place, Tally

Digests = Sequence[tuple[int, bytes]]
Places = Callable[[Sequence[int]], Sequence[Place]]

# Rules that compare the rows of one split -> what they make of the digests of rows whose keys meet.
WITHIN: Mapping[str, Callable[[Digests], list[tuple[int, int]]]] = MappingProxyType(
    {
        corpus.DuplicateRows.name: corpus.later_equals,
        corpus.ConflictingLabels.name: corpus.first_conflicts,
    }
)


def compares_rows(judge: Judge) -> bool:
    """Whether a rule of the judge needs the digests of a split."""
    return any(rule.name in WITHIN for rule in judge.rules)


def tally_within(judge: Judge, digests: Digests, split: str, places_of: Places) -> dict[str, Tally]:
    """By rule, the rows of a split that repeat or contradict an earlier one.

    ``places_of`` tells the places that some rows lie in (see `tally_rows`).
    """
    return {
        rule.name: tally_rows(
            [(row, f"{split}[{earlier}]") for row, earlier in WITHIN[rule.name](digests)],
            judge,
            places_of,
        )
        for rule in judge.rules
        if rule.name in WITHIN
    }


def tally_rows(hits: Sequence[tuple[int, str]], judge: Judge, places_of: Places) -> Tally:
    """The tally of some rows (rising) and of what each was found to be the same as.

    ``places_of`` gives, for rows of the split, the places of the stretches that they lie in.
    """
    tally = Tally(len(hits))
    wanted = hits if judge.keep_all else hits[: judge.examples]
    places = places_of([row for row, _ in wanted])
    for (row, found), place in zip(hits[: judge.examples], places, strict=False):
        example = Example(row - place.row, row - place.row, found=found)
        tally.examples.append(place.move(example))
    if judge.keep_all:
        tally.tables = [
            _one(row, found, place) for (row, found), place in zip(hits, places, strict=True)
        ]
    return tally


def _one(row: int, found: str, place: Place) -> HitTable:
    rows = np.array([row])
    shard_rows = rows - place.row + place.shard_row
    return HitTable(rows, shard_rows, np.array([NOWHERE]), (found,), (None,), place.shard)


def repeated_rows(keys: corpus.Keys, eligible: int) -> Ints:
    """The rows (int64, rising) whose key (see `corpus.row_keys`) another eligible row has."""
    bare = keys & corpus.KEY_BITS
    able = keys & np.uint64(eligible) != 0
    ordered = np.sort(bare[able])
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(again):
        return np.zeros(0, np.int64)
    return np.flatnonzero(able & among_sorted(bare, again[heads(again)]))
