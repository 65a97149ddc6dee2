"""What a split is like: rows, tokens, lengths, and how its trained runs begin and end.

Numbers for people, gathered in the same pass as the rules. Must not judge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

import numpy as np

from pretok_schemas.batch import TokenBatch
from pretok_schemas.contract import IDS
from pretok_schemas.flat import Ints, frequent
from pretok_schemas.rules.base import SplitFacts
from pretok_schemas.rules.labelled import LABELLED, target_counts, token_runs
from pretok_schemas.rules.packing import recurrences

# Distinct run edges kept of a batch and of a split: only common ones are of interest, and in
# texts without a template nearly every run begins in its own way.
EDGES_OF_BATCH = 64
EDGES_KEPT = 4096
LENGTH_BINS = 60
FAR = 4  # times the length of nearly all rows: what goes beyond is left out of the histogram
SHARE_BINS = 20  # of equal width, beside that of the rows that train nothing
K = TypeVar("K")
_SHIFT = np.int64(2**31)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Rows by length: bin i holds lengths from ``start + i * width`` up to the next bin's.

    ``beyond`` counts the rows that are longer than the last bin reaches.
    """

    start: int
    width: int
    rows: tuple[int, ...]
    beyond: int = 0


@dataclass(slots=True)
class Stats:
    """Sums over the rows looked at so far; adding two gives the sums over both.

    ``lengths`` counts rows by their number of tokens, ``shares`` those whose labels could be read
    by how much of them is trained (see `share_bins`). ``begins`` counts trained runs by the two
    ids before them (-1 where the row has none), ``ends`` by their last id.
    """

    rows: int = 0
    tokens: int = 0
    labelled: int = 0  # tokens of the rows whose labels could be read
    trainable: int = 0
    runs: int = 0  # trained runs
    recurring: int = 0  # rows in which the start of a document recurs
    lengths: Counter[int] = field(default_factory=Counter)
    shares: Counter[int] = field(default_factory=Counter)
    begins: Counter[tuple[int, int]] = field(default_factory=Counter)
    ends: Counter[int] = field(default_factory=Counter)

    def add(self, other: Stats) -> None:
        """Add the sums of other rows to these."""
        self.rows += other.rows
        self.tokens += other.tokens
        self.labelled += other.labelled
        self.trainable += other.trainable
        self.runs += other.runs
        self.recurring += other.recurring
        self.lengths.update(other.lengths)
        self.shares.update(other.shares)
        self.begins.update(other.begins)
        self.ends.update(other.ends)
        self.begins, self.ends = _most_common(self.begins), _most_common(self.ends)

    def percentile(self, share: float) -> int:
        """The least length that at least this share of the rows does not exceed; 0 without rows."""
        wanted, seen = share * self.lengths.total(), 0
        for length in sorted(self.lengths):
            seen += self.lengths[length]
            if seen >= wanted:
                return length
        return 0

    def facts(self) -> SplitFacts:
        """The sums as rules about a whole split want them."""
        return SplitFacts(
            self.rows,
            self.tokens,
            self.trainable,
            max(self.lengths, default=0),
            self.percentile(0.5),
            self.recurring,
            self.lengths,
        )

    def length_summary(self) -> dict[str, int]:
        """Least, median, 95 %, 99 % and largest length."""
        return {
            "min": min(self.lengths, default=0),
            "p50": self.percentile(0.5),
            "p95": self.percentile(0.95),
            "p99": self.percentile(0.99),
            "max": max(self.lengths, default=0),
        }

    def length_histogram(self) -> Histogram:
        """The rows by length, in at most `LENGTH_BINS` bins of one round width.

        A few rows far beyond all others would leave these no room: they are counted apart.
        """
        least, most = min(self.lengths, default=0), max(self.lengths, default=0)
        usual = max(self.percentile(0.99), 1)
        end = most if most <= FAR * usual else 2 * usual
        width = next(w for w in _round_widths() if end // w - least // w < LENGTH_BINS)
        first = least // width
        rows = [0] * (end // width - first + 1)
        beyond = 0
        for length, many in self.lengths.items():
            if length // width - first < len(rows):
                rows[length // width - first] += many
            else:
                beyond += many
        return Histogram(first * width, width, tuple(rows), beyond)


def _round_widths() -> Iterator[int]:
    return (digit * 10**power for power in count() for digit in (1, 2, 5))


def _most_common(counts: Counter[K]) -> Counter[K]:
    """The counts, less the rarest where there are too many to keep."""
    if len(counts) <= 2 * EDGES_KEPT:
        return counts
    return Counter(dict(counts.most_common(EDGES_KEPT)))


def look(batch: TokenBatch) -> Stats:
    """The sums over one batch."""
    stats = Stats(rows=batch.rows)
    view = batch.view(IDS)
    stats.tokens = view.tokens
    lengths, many = np.unique(view.lengths, return_counts=True)
    stats.lengths.update(dict(zip(lengths.tolist(), many.tolist(), strict=True)))
    stats.recurring = len(batch.once(recurrences).local)
    labelled = batch.view(*LABELLED)
    if labelled.tokens:
        stats.labelled = labelled.tokens
        counts = batch.once(target_counts)
        stats.trainable = int(counts.sum())
        many_of = np.bincount(share_bins(counts, labelled.lengths)).tolist()
        stats.shares.update({bin_: n for bin_, n in enumerate(many_of) if n})
        _count_edges(batch, stats)
    return stats


def share_bins(counts: Ints, lengths: Ints) -> Ints:
    """The bin of each row by the share of its tokens that is trained.

    0 where nothing is; bin k, up to `SHARE_BINS`, where the share is above (k - 1) and at most k
    parts of `SHARE_BINS`.
    """
    bins: Ints = -(-SHARE_BINS * counts.astype(np.int64) // np.maximum(lengths, 1))
    return bins


def _count_edges(batch: TokenBatch, stats: Stats) -> None:
    view, runs = batch.view(*LABELLED), batch.once(token_runs)
    ids, begins, ends = view[IDS], runs.begins, runs.ends
    starts = view.starts[runs.rows]
    before = _before(ids, begins, starts, 2) * _SHIFT + _before(ids, begins, starts, 1)
    inside = begins > starts
    for key, many in frequent(before[inside], EDGES_OF_BATCH):
        first, second = divmod(key, int(_SHIFT))
        stats.begins[first, second] += many
    at_start = len(begins) - int(np.count_nonzero(inside))
    if at_start:
        stats.begins[-1, -1] += at_start
    stats.ends.update(dict(frequent(ids[ends - 1], EDGES_OF_BATCH)))
    stats.runs += len(begins)


def _before(ids: Ints, begins: Ints, starts: Ints, back: int) -> Ints:
    """The ids ``back`` places before each run, -1 where the row begins later."""
    at = begins - back
    # Two ids are packed into one number; those that no vocabulary has are shown as its limits.
    found = np.clip(ids[np.maximum(at, 0)].astype(np.int64), 0, _SHIFT - 1)
    return np.where(at >= starts, found, -1)
