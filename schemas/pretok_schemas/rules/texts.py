"""Where the text of a row lies: between its padding, as the mask and the pad id tell.

Computed once a batch (`TokenBatch.once`); holds no rule and judges nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pretok_schemas.batch import TokenBatch, View
from pretok_schemas.contract import IDS, MASK
from pretok_schemas.flat import Bools, Ints, among, places

MASKED = (IDS, MASK)


class Texts(NamedTuple):
    """The text of each row of ``view`` (the ids) that has one.

    ``local`` are rows of the view, ``first`` and ``last`` flat indices of the first and the last
    token (both within the row), int64 each. Where no mask covers a row, all of it is text.
    """

    view: View
    local: Ints
    first: Ints
    last: Ints

    @property
    def ids(self) -> Ints:
        """The flat ids of the view."""
        return self.view[IDS]

    @property
    def rows(self) -> Ints:
        """Row numbers within the batch."""
        return self.view.batch_rows(self.local)

    def where(self, which: Bools) -> Texts:
        """The texts for which ``which`` (bool, one a text) holds."""
        return Texts(self.view, self.local[which], self.first[which], self.last[which])

    def positions(self, flat: Ints, which: Bools) -> Ints:
        """Positions within their rows of one flat index a text, for the texts of ``which``."""
        return flat - self.view.starts[self.local[which]]


class Zeros(NamedTuple):
    """Rows of the masked view that hold a zero: int64 each, one value a row.

    ``first`` and ``last`` are the positions of the first and the last value that is not 0
    (``length`` and -1 where there is none), ``zeros`` is the number of zeros.
    """

    local: Ints
    length: Ints
    zeros: Ints
    first: Ints
    last: Ints


def zeros(batch: TokenBatch) -> Zeros | None:
    """Where the mask is 0, by row; None where it is nowhere 0."""
    view = batch.view(*MASKED)
    mask = view[MASK]
    if mask.all():
        return None
    local = view.first_in_row(places(mask == 0))[0]
    part = view.take(local)
    attended = np.flatnonzero(part[MASK])
    first, last = part.lengths.copy(), np.full(len(local), -1, np.int64)
    rows, at = part.first_in_row(attended)
    first[rows] = at - part.starts[rows]
    rows = part.rows_at(attended)
    last[rows] = attended - part.starts[rows]  # the last write to a row stays
    many = np.bincount(rows, minlength=len(local))
    return Zeros(local, part.lengths, part.lengths - many, first, last)


def attended(batch: TokenBatch) -> Texts:
    """Each row from its first to its last attended token; rows that attend nothing have no text."""
    view = batch.view(IDS)
    filled = np.flatnonzero(view.lengths > 0)
    first, last = view.starts[filled].copy(), view.offsets[filled + 1] - 1
    found = batch.once(zeros)
    if found is None:
        return Texts(view, filled, first, last)
    rows = batch.view(*MASKED).batch_rows(found.local)
    at = np.searchsorted(view.batch_rows(filled), rows)
    starts = view.starts[filled[at]]
    first[at], last[at] = starts + found.first, starts + found.last
    seen = np.ones(len(filled), np.bool_)
    seen[at[found.zeros == found.length]] = False
    return Texts(view, filled[seen], first[seen], last[seen])


def texts(batch: TokenBatch) -> Texts:
    """The attended part of each row less the pad ids at its ends.

    A pad id that is the BOS or an end id too may be the text's own: one is left where the text
    touches it. Rows of nothing but pads have no text.
    """
    found = batch.once(attended)
    vocabulary = batch.vocabulary
    pad, ids = vocabulary.pad, found.ids
    if pad is None or not len(found.local):
        return found
    touched = (ids[found.first] == pad) | (ids[found.last] == pad)
    if not touched.any():
        return found
    inside = found.where(touched)
    part = found.view.take(inside.local)
    moved = part.starts - found.view.starts[inside.local]
    tokens = np.flatnonzero(part[IDS] != pad)
    after = np.searchsorted(tokens, inside.first + moved)
    before = np.searchsorted(tokens, inside.last + moved, side="right") - 1
    some = after <= before
    first, last = found.first.copy(), found.last.copy()
    kept = np.flatnonzero(touched)[some]
    first[kept], last[kept] = tokens[after[some]] - moved[some], tokens[before[some]] - moved[some]
    if vocabulary.eos is None or pad in vocabulary.eos:
        last[kept] += (last < found.last)[kept] & ~among(ids[last[kept]], vocabulary.eos or ())
    if vocabulary.bos in (None, pad):
        first[kept] -= (first > found.first)[kept]
    has_text = ~touched
    has_text[kept] = True
    return Texts(found.view, found.local, first, last).where(has_text)
