"""One finding per cause: which hits of a rule in one batch an earlier rule explains.

Most are known at once. Some wait for the whole split: a row with too few places to tell whether
its labels are shifted is `labels-shifted` only if nearly all other rows are. Such hits carry a
condition, and are tallied apart until `State` settles it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from pretok_schemas.flat import Bools, Ints
from pretok_schemas.rules.base import NONE, Hits, Rule

Settled = Mapping[str, Container[int]]


@dataclass(frozen=True, slots=True)
class Condition:
    """What must come true over the split for a hit to count.

    Each (rule, code) in ``holds`` must be among the codes that the rule settles on, and none of
    the conditions in ``unless`` may be true: those under which an earlier rule speaks instead.
    """

    holds: tuple[tuple[str, int], ...] = ()
    unless: tuple[Condition, ...] = ()

    def true(self, settled: Settled) -> bool:
        """Whether the condition is met by what the rules settled on."""
        return all(code in settled.get(rule, ()) for rule, code in self.holds) and not any(
            other.true(settled) for other in self.unless
        )


ALWAYS = Condition()
SPLIT = 1  # the code that a rule about the split settles on when it is violated


@dataclass(frozen=True, slots=True)
class Reported:
    """The hits of a rule that no earlier rule explains for certain, with their conditions.

    ``which`` (int64, one a hit) counts into ``conditions``. ``everywhere`` is the condition under
    which the rule explains every row of the split, whether it hits it or not.
    """

    hits: Hits = NONE
    which: Ints = field(default_factory=lambda: NONE.rows)
    conditions: tuple[Condition, ...] = (ALWAYS,)
    everywhere: Condition | None = None

    def by_condition(self) -> Iterable[tuple[Condition, Hits]]:
        """The hits in groups of equal conditions."""
        if len(self.conditions) == 1:
            return [(self.conditions[0], self.hits)] if len(self.hits) else []
        present = np.unique(self.which).tolist()
        return [(self.conditions[at], self.hits.where(self.which == at)) for at in present]

    def explaining(self, rows: Ints) -> Ints:
        """For each of rising rows, 1 + the condition under which this rule explains it, else 0."""
        found = np.zeros(len(rows), np.int64)
        if len(self.hits):
            at = np.minimum(np.searchsorted(self.hits.rows, rows), len(self.hits) - 1)
            speaks = self.hits.rows[at] == rows
            if self.hits.explains is not None:
                speaks &= self.hits.explains[at]
            found[speaks] = self.which[at[speaks]] + 1
        return found


def about_split(rule: Rule) -> Reported:
    """What a rule about the whole split explains: every row, if it turns out to be violated."""
    return Reported(everywhere=Condition(((rule.name, SPLIT),)))


def leave_out(rule: Rule, hits: Hits, earlier: Mapping[str, Reported]) -> Reported:
    """A rule's hits less the rows that rules before it explain."""
    causes = [earlier[name] for name in rule.left_out_by if name in earlier]
    everywhere = tuple(c.everywhere for c in causes if c.everywhere is not None)
    keep: Bools = np.ones(len(hits), np.bool_)
    open_causes: list[tuple[Reported, Ints]] = []
    for cause in causes:
        speaks = cause.explaining(hits.rows)
        if not speaks.any():
            continue
        if ALWAYS in cause.conditions:
            keep &= speaks != cause.conditions.index(ALWAYS) + 1
        if cause.conditions != (ALWAYS,):
            open_causes.append((cause, speaks))
    kept = hits if keep.all() else hits.where(keep)
    if kept.codes is None and not open_causes:
        which = np.zeros(len(kept), np.int64)
        return Reported(kept, which, (Condition(unless=everywhere),))
    own = np.zeros(len(kept), np.int64) if kept.codes is None else kept.codes
    table = np.stack([own, *(speaks[keep] for _, speaks in open_causes)], axis=1)
    distinct, which = np.unique(table, axis=0, return_inverse=True)
    conditions = tuple(
        Condition(
            ((rule.name, code),) if code else (),
            everywhere
            + tuple(
                cause.conditions[said - 1]
                for (cause, _), said in zip(open_causes, row, strict=True)
                if said
            ),
        )
        for code, *row in distinct.tolist()
    )
    return Reported(kept, which.reshape(-1), conditions or (ALWAYS,))
