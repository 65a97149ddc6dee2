"""What the rows themselves make evident of a declaration: lengths and special ids.

Knows sums alone; a guess comes with its evidence, or not at all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pretok_schemas.rendering import percent
from pretok_schemas.text import plural
from pytest_pretok.inspect.measure import Measures

COMMON = 0.95  # share of rows from which a habit is evident
ENOUGH = 10  # rows below which nothing is
ONCE = 1.05  # times a row that an id may occur and still be the one that begins it


@dataclass(frozen=True, slots=True)
class Guess:
    """A key of a declaration, its value as TOML, and what speaks for it."""

    key: str
    value: str
    why: str


def guesses(measures: Measures, ids: bool) -> list[Guess]:
    """What is evident; special ids only if asked for (``ids``), as a tokenizer knows them better.

    ``sequence-len`` is the least power of two that no row exceeds.
    """
    found = []
    longest = max(measures.stats.lengths, default=0)
    if longest:
        length = 1 << (longest - 1).bit_length()
        why = f"the longest row has {plural(longest, 'token')}"
        why += "" if length == longest else "; the next power of two"
        found.append(Guess("sequence-len", str(length), why))
    if ids:
        kinds = (_begin(measures), _end(measures), _pad(measures))
        found += [guess for guess in kinds if guess is not None]
    return found


def _begin(measures: Measures) -> Guess | None:
    rows = measures.firsts.total()
    top = _top(measures.firsts, rows)
    # An id that opens every turn of a chat begins rows too: it is inside of them as well.
    if top is None or measures.candidates[top[0]] > ONCE * rows:
        return None
    return Guess("bos-token-id", str(top[0]), f"{percent(top[1])} of the rows begin with it, once")


def _end(measures: Measures) -> Guess | None:
    runs = measures.stats.runs
    top = _top(measures.stats.ends, runs)
    if top is None:
        return None
    return Guess(
        "eos-token-ids", f"[{top[0]}]", f"{percent(top[1])} of the trained runs end with it"
    )


def _pad(measures: Measures) -> Guess | None:
    rows = measures.pads.total()
    top = _top(measures.pads, rows)
    if top is None:
        return None
    return Guess("pad-token-id", str(top[0]), f"it fills up {measures.pads[top[0]]:,} rows")


def _top(counts: Counter[int], total: int) -> tuple[int, float] | None:
    """The id that nearly all have, and its share, if there is one."""
    if total < ENOUGH or not counts:
        return None
    found, many = counts.most_common(1)[0]
    return (found, many / total) if many >= COMMON * total and found >= 0 else None
