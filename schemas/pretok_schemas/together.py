"""Which rules report the same rows, and how many: what else is wrong with a row.

A pair of rules counts the rows that both of them report once each is left without the rows that
rules before it explain. Only rules that judge a row by itself are counted: those that compare rows
keep no list of them. Every row is seen by all rules at a time, so that no count depends on how the
rows were cut. Judges nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations

import numpy as np

from pretok_schemas.causes import Condition, Reported, Settled
from pretok_schemas.flat import Ints

Hit = tuple[str, Condition]  # a rule, and what must come true of the split for its hits to count
Pairs = Counter[tuple[Hit, Hit]]


def pairs_of(reported: Mapping[str, Reported], rows: int) -> Pairs:
    """Rows of one batch of ``rows`` rows that two rules report, by rules and conditions.

    Rules are paired in the order of ``reported``, which is that of judging.
    """
    hits: list[tuple[Hit, Ints]] = [
        ((rule, condition), part.rows)
        for rule, found in reported.items()
        for condition, part in found.by_condition()
    ]
    pairs: Pairs = Counter()
    if len(hits) < 2:
        return pairs
    often = np.bincount(np.concatenate([found for _, found in hits]), minlength=rows) > 1
    place = np.cumsum(often) - 1
    shared = np.zeros((len(hits), int(np.count_nonzero(often))), np.bool_)
    for number, (_, found) in enumerate(hits):
        shared[number, place[found[often[found]]]] = True
    for first, second in combinations(np.flatnonzero(shared.any(axis=1)).tolist(), 2):
        both = int(np.count_nonzero(shared[first] & shared[second]))
        if both:
            pairs[hits[first][0], hits[second][0]] = both
    return pairs


def among(pairs: Pairs, rules: Collection[str], *, without: bool = False) -> Pairs:
    """The pairs of which at least one rule is named, or ``without`` them."""
    return Counter(
        {pair: rows for pair, rows in pairs.items() if any(r in rules for r, _ in pair) != without}
    )


def settled_pairs(
    pairs: Pairs, settled: Settled, rules: Sequence[str]
) -> dict[tuple[str, str], int]:
    """By pair of the named rules, the rows that both report in the end; in the rules' order."""
    at = {rule: number for number, rule in enumerate(rules)}
    found: Counter[tuple[str, str]] = Counter()
    for ((first, one), (second, other)), rows in pairs.items():
        if first in at and second in at and one.true(settled) and other.true(settled):
            found[first, second] += rows
    return dict(sorted(found.items(), key=lambda item: (at[item[0][0]], at[item[0][1]])))
