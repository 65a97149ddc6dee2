"""What is known of a stretch of rows: sums, tallies and keys, joined in row order.

Plain data with arithmetic; judges nothing. Nothing depends on how the rows were cut.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from pretok_schemas.causes import Condition, Settled
from pretok_schemas.findings import Example
from pretok_schemas.flat import Ints
from pretok_schemas.rules.corpus import Keys
from pretok_schemas.stats import Stats
from pretok_schemas.together import Pairs, among


@dataclass(frozen=True, slots=True)
class HitTable:
    """Every hit of one stretch of rows, column by column; rows count within the split."""

    rows: Ints
    shard_rows: Ints
    positions: Ints
    found: tuple[str | None, ...]
    expected: tuple[str | None, ...]
    shard: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stretch of rows begins: rows before it in the split and in its shard.

    ``later`` are the further shards that it runs on into: the row of the stretch at which each
    begins, and its name.
    """

    row: int
    shard_row: int
    shard: str = ""
    split: str = ""
    later: tuple[tuple[int, str], ...] = ()

    def move(self, example: Example) -> Example:
        """The example, counted from here."""
        begins, before, shard = self._shard_of(example.row)
        return replace(
            example,
            row=example.row + self.row,
            shard_row=example.shard_row - begins + before,
            shard=shard or example.shard,
            split=self.split or example.split,
        )

    def _shard_of(self, row: int) -> tuple[int, int, str]:
        """The shard of a row: its first row in the stretch, rows before that, and its name."""
        at = bisect_right(self.later, row, key=lambda one: one[0])
        if not at:
            return 0, self.shard_row, self.shard
        begins, shard = self.later[at - 1]
        return begins, 0, shard

    def move_table(self, table: HitTable) -> list[HitTable]:
        """The table, counted from here; one for each shard that it has rows of."""
        cuts = np.searchsorted(table.rows, [row for row, _ in self.later]).tolist()
        found = []
        for low, high in pairwise([0, *cuts, len(table.rows)]):
            if low == high:
                continue
            begins, before, shard = self._shard_of(int(table.rows[low]))
            found.append(
                HitTable(
                    table.rows[low:high] + self.row,
                    table.shard_rows[low:high] - begins + before,
                    table.positions[low:high],
                    table.found[low:high],
                    table.expected[low:high],
                    shard or table.shard,
                )
            )
        return found


@dataclass(slots=True)
class Tally:
    """Violations of one rule: how many, how many of them mild, which columns, the first few."""

    violations: int = 0
    mild: int = 0
    roles: set[str] = field(default_factory=set)
    examples: list[Example] = field(default_factory=list)
    tables: list[HitTable] = field(default_factory=list)


@dataclass(slots=True)
class State:
    """All that is known of a stretch of rows of one split, in row order.

    ``keys`` holds one uint64 a row, in pieces with the number of their first row (see
    `rules.corpus`); ``judged`` counts, by the views of rules, the rows that these could judge;
    ``pairs`` counts the rows that two rules report (see `together`).
    """

    stats: Stats = field(default_factory=Stats)
    tallies: dict[str, dict[Condition, Tally]] = field(default_factory=dict)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    judged: Counter[tuple[tuple[str, ...], ...]] = field(default_factory=Counter)
    keys: list[tuple[int, Keys]] = field(default_factory=list)
    pairs: Pairs = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """Rows looked at."""
        return self.stats.rows

    def count(self, rule: str, counts: Mapping[str, int]) -> None:
        """Add some counts of a rule to its others."""
        if not counts:
            return
        mine = self.counts.setdefault(rule, Counter())
        for key, many in counts.items():
            mine[key] += many

    def retake(self, rules: Collection[str], again: State) -> None:
        """Put the tallies of a second look at the same rows in the place of some rules' own."""
        for rule in rules:
            self.tallies.pop(rule, None)
        self.tallies.update(again.tallies)
        self.pairs = among(self.pairs, rules, without=True) + again.pairs

    def extend(self, other: State, examples: int, at: Place) -> None:
        """Append the state of the rows that follow, whose first row stands at ``at``."""
        for rule, by_condition in other.tallies.items():
            for condition, theirs in by_condition.items():
                mine = self.tallies.setdefault(rule, {}).setdefault(condition, Tally())
                mine.violations += theirs.violations
                mine.mild += theirs.mild
                mine.roles |= theirs.roles
                for example in theirs.examples[: max(0, examples - len(mine.examples))]:
                    mine.examples.append(at.move(example))
                for table in theirs.tables:
                    mine.tables += at.move_table(table)
        for rule, counts in other.counts.items():
            self.count(rule, counts)
        self.judged.update(other.judged)
        self.pairs.update(other.pairs)
        self.keys += [(start + at.row, keys) for start, keys in other.keys]
        self.stats.add(other.stats)


def settle_tally(rule: str, state: State, settled: Settled, examples: int) -> Tally:
    """The violations of a rule once the undecided rows have gone where the split says."""
    total = Tally()
    for condition, tally in state.tallies.get(rule, {}).items():
        if not condition.true(settled):
            continue
        total.violations += tally.violations
        total.mild += tally.mild
        total.roles |= tally.roles
        total.examples += tally.examples
        total.tables += tally.tables
    total.examples = sorted(total.examples, key=lambda example: example.row)[:examples]
    return total
