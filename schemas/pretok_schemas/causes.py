"""One finding per cause: which hits of a rule in one batch an earlier rule explains.

Most are known at once. Some wait for the whole split: a row with too few places to tell whether
its labels are shifted is `labels-shifted` only if nearly all other rows are. Such hits carry
claims, and are tallied apart until `State` settles them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from pretok_schemas.batch import Bools, Ints
from pretok_schemas.rules.base import Hits, RowRule

# (rule, code, wanted): the hit counts only if it comes true (wanted) or does not come true that
# the rule settles on a shared bit of the code. All claims of a hit must hold.
Claim = tuple[str, int, bool]
Claims = tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Reported:
    """The hits of a rule that no earlier rule explains, with their claims.

    ``claims`` maps (rule, wanted) to one code a hit, int64, 0 where the hit makes no such claim.
    """

    hits: Hits
    claims: Mapping[tuple[str, bool], Ints] = field(default_factory=dict)

    @property
    def open(self) -> Bools:
        """By hit, whether it waits for the split."""
        waits = np.zeros(len(self.hits), np.bool_)
        for codes in self.claims.values():
            waits |= codes != 0
        return waits

    def by_claims(self) -> Iterable[tuple[Claims, Hits]]:
        """The hits in groups of equal claims."""
        if not self.claims:
            return [((), self.hits)]
        names = sorted(self.claims)
        table = np.stack([self.claims[name] for name in names], axis=1)
        groups = []
        for row in np.unique(table, axis=0):
            key = tuple(
                (rule, int(code), wanted)
                for (rule, wanted), code in zip(names, row, strict=True)
                if code
            )
            groups.append((key, self.hits.where((table == row).all(axis=1))))
        return groups


def leave_out(rule: RowRule, hits: Hits, earlier: Mapping[str, Reported]) -> Reported:
    """A rule's hits less the rows that rules before it explain."""
    keep = np.ones(len(hits), np.bool_)
    claims: dict[tuple[str, bool], Ints] = {}
    if hits.codes is not None:
        claims[rule.name, True] = hits.codes
    for name in rule.left_out_by:
        if name not in earlier:
            continue
        cause = earlier[name]
        explains = cause.hits.explains
        speaks = np.ones(len(cause.hits), np.bool_) if explains is None else explains
        keep &= ~np.isin(hits.rows, cause.hits.rows[speaks & ~cause.open])
        for (claimed, wanted), codes in cause.claims.items():
            # If the cause's claim fails, the cause does not speak and this hit counts.
            theirs = _look_up(hits.rows, cause.hits.rows, np.where(speaks, codes, 0))
            own = claims.get((claimed, not wanted), np.zeros(len(hits), np.int64))
            claims[claimed, not wanted] = own | theirs
    kept = {name: codes[keep] for name, codes in claims.items() if codes[keep].any()}
    return Reported(hits.where(keep), kept)


def _look_up(rows: Ints, keys: Ints, values: Ints) -> Ints:
    """The value of each row among rising keys, 0 where it is none of them."""
    at = np.minimum(np.searchsorted(keys, rows), len(keys) - 1)
    return np.where(keys[at] == rows, values[at], 0)
