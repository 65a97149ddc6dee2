"""One pass over a split for its sums: lengths, trained tokens, special ids, how rows begin and end.

Reads files through `reading`; judges nothing and prints nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pretok_schemas import stats
from pretok_schemas.batch import TokenBatch
from pretok_schemas.columns import Columns
from pretok_schemas.contract import IDS, MASK, Contract
from pretok_schemas.flat import Bools, Ints
from pretok_schemas.rules.labelled import LABELLED, target_counts
from pretok_schemas.stats import Stats
from pytest_pretok.engines.threads import Threads
from pytest_pretok.inspect.reading import OpenShard, batches, wanted
from pytest_pretok.readers import Unit, UnreadableFile

EDGE_IDS = 4096  # distinct first and last ids that are kept
PERCENTILES = (0, 1, 5, 25, 50, 75, 95, 99, 100)


@dataclass(slots=True)
class Measures:
    """What a split adds up to; rows whose ids cannot be read are in ``rows`` alone.

    ``lengths`` (int32) and ``untrained`` (bool: labels are there and none of them is trained) have
    a value for each row with ids, in file order. ``firsts`` and ``lasts`` count rows by their
    first and last id, ``inside`` counts the special ids that were asked for; ``candidates`` counts
    all occurrences of the id that most rows of a batch begin with. ``pads`` counts rows by the id
    that ends them hidden by the mask. ``errors`` names what could not be read, and why.
    """

    rows: int = 0
    lengths: Ints = field(default_factory=lambda: np.zeros(0, np.int32))
    untrained: Bools = field(default_factory=lambda: np.zeros(0, np.bool_))
    stats: Stats = field(default_factory=Stats)
    firsts: Counter[int] = field(default_factory=Counter)
    lasts: Counter[int] = field(default_factory=Counter)
    inside: Counter[int] = field(default_factory=Counter)
    candidates: Counter[int] = field(default_factory=Counter)
    pads: Counter[int] = field(default_factory=Counter)
    errors: list[tuple[str, str]] = field(default_factory=list)
    columns: dict[str, None] = field(default_factory=dict)

    def percentiles(self) -> dict[int, int]:
        """Lengths by percentile: the least that so many rows do not exceed (nearest rank)."""
        if not len(self.lengths):
            return {}
        ordered = np.sort(self.lengths)
        last = len(ordered) - 1
        places = [min(last, max(0, -(-p * len(ordered) // 100) - 1)) for p in PERCENTILES]
        found = {p: int(ordered[at]) for p, at in zip(PERCENTILES, places, strict=True)}
        return {**found, 0: int(ordered[0])}

    def kept(self, contract: Contract, packing: bool) -> Ints:
        """The lengths (int64, in file order) that a trainer keeps by its length policy.

        One that packs drops rows without a trained label, as Axolotl does.
        """
        lengths = self.lengths.astype(np.int64)
        limit = contract.sequence_len
        keep = lengths >= max(1, contract.min_sample_len)
        if packing and contract.name == "axolotl":
            keep &= ~self.untrained
        if limit is not None and contract.excess_length == "truncate":
            lengths = np.minimum(lengths, limit)
        elif limit is not None:
            keep &= lengths <= limit
        return lengths[keep]


@dataclass(slots=True)
class _Seen:
    """What one unit adds to a split's measures."""

    rows: int = 0
    lengths: list[Ints] = field(default_factory=list)
    untrained: list[Bools] = field(default_factory=list)
    sums: Measures = field(default_factory=Measures)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Task:
    columns: Columns
    special: tuple[int, ...]

    def __call__(self, work: tuple[OpenShard, Unit]) -> _Seen:
        shard, unit = work
        seen = _Seen()
        names = wanted(shard, self.columns)
        try:
            for batch in batches(unit, names, self.columns, shard.foreign):
                self.add(batch, seen)
        except UnreadableFile as error:
            seen.error = error.reason
        return seen

    def add(self, batch: TokenBatch, seen: _Seen) -> None:
        """Add one batch to what was seen."""
        seen.rows += batch.rows
        seen.sums.stats.add(stats.look(batch))
        view = batch.view(IDS)
        lengths = np.asarray(view.lengths)
        seen.lengths.append(lengths.astype(np.int32))
        seen.untrained.append(_untrained(batch, len(view)))
        full = lengths > 0
        if not full.any():
            return
        ids, starts, stops = view[IDS], view.starts[full], view.offsets[1:][full]
        firsts = Counter(_counts(ids[starts]))
        seen.sums.firsts = _common(seen.sums.firsts + firsts)
        seen.sums.lasts = _common(seen.sums.lasts + Counter(_counts(ids[stops - 1])))
        for one in self.special:
            seen.sums.inside[one] += int(np.count_nonzero(ids == one))
        candidate = firsts.most_common(1)[0][0]
        seen.sums.candidates[candidate] += int(np.count_nonzero(ids == candidate))
        masked = batch.view(IDS, MASK)
        if masked.tokens:
            last = masked.offsets[1:][np.asarray(masked.lengths) > 0] - 1
            hidden = masked[IDS][last][masked[MASK][last] == 0]
            seen.sums.pads += Counter(_counts(hidden))


def _untrained(batch: TokenBatch, rows: int) -> Bools:
    """By row of the view of ids, whether its labels are readable and none is trained."""
    found = np.zeros(batch.rows, np.bool_)
    labelled = batch.view(*LABELLED)
    if len(labelled):
        nothing = np.flatnonzero(batch.once(target_counts) == 0)
        found[labelled.batch_rows(nothing)] = True
    view = batch.view(IDS)
    return found[view.batch_rows(np.arange(rows))]


def _counts(values: Ints) -> dict[int, int]:
    found, many = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), many.tolist(), strict=True))


def _common(counts: Counter[int]) -> Counter[int]:
    if len(counts) <= 2 * EDGE_IDS:
        return counts
    return Counter(dict(counts.most_common(EDGE_IDS)))


def measure(
    shards: Sequence[OpenShard], columns: Columns, special: Sequence[int], workers: int
) -> Measures:
    """The sums over some files, in their order; ``special`` are ids to count wherever they are."""
    total = Measures()
    lengths: list[Ints] = []
    untrained: list[Bools] = []
    work = [(shard, unit) for shard in shards for unit in shard.units]
    for shard in shards:
        total.columns.update(dict.fromkeys(shard.names))
        if shard.error is not None:
            total.errors.append((shard.shown, shard.error))
        elif columns.names[IDS] not in shard.names or IDS in shard.foreign:
            total.errors.append((shard.shown, f"no readable column {columns.names[IDS]!r}"))
    task = _Task(columns, tuple(dict.fromkeys(special)))
    for index, seen in Threads(workers).run(task, work):
        total.rows += seen.rows
        lengths += seen.lengths
        untrained += seen.untrained
        total.stats.add(seen.sums.stats)
        total.firsts = _common(total.firsts + seen.sums.firsts)
        total.lasts = _common(total.lasts + seen.sums.lasts)
        total.inside.update(seen.sums.inside)
        total.candidates.update(seen.sums.candidates)
        total.pads.update(seen.sums.pads)
        if seen.error is not None:
            total.errors.append((work[index][0].shown, seen.error))
    total.lengths = np.concatenate(lengths) if lengths else total.lengths
    total.untrained = np.concatenate(untrained) if untrained else total.untrained
    return total
