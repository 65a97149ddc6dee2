"""Where the text of a row lies: between its padding, as the mask and the pad id tell.

Computed once a batch (`TokenBatch.once`); holds no rule and judges nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pretok_schemas.batch import TokenBatch, View
from pretok_schemas.contract import IDS, MASK
from pretok_schemas.flat import Bools, Ints, among


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


def attended(batch: TokenBatch) -> Texts:
    """Each row from its first to its last attended token; rows that attend nothing have no text."""
    view = batch.view(IDS)
    filled = np.flatnonzero(view.lengths > 0)
    first, last = view.starts[filled].copy(), view.offsets[filled + 1] - 1
    masked = batch.view(IDS, MASK)
    if not masked.tokens or batch.once(attends_all):
        return Texts(view, filled, first, last)
    on = np.flatnonzero(masked[MASK])
    rows = masked.rows_at(on)
    begin = np.full(len(masked), -1, np.int64)
    end = np.full(len(masked), -1, np.int64)
    first_on, at = masked.first_in_row(on)
    begin[first_on] = at - masked.starts[first_on]
    end[rows] = on - masked.starts[rows]  # the last write to a row stays
    covered = np.flatnonzero(masked.lengths > 0)
    where = np.searchsorted(view.batch_rows(filled), masked.batch_rows(covered))
    begin, end = begin[covered], end[covered]
    first[where] = view.starts[filled[where]] + begin
    last[where] = view.starts[filled[where]] + end
    seen = np.ones(len(filled), np.bool_)
    seen[where[begin < 0]] = False
    return Texts(view, filled[seen], first[seen], last[seen])


def attends_all(batch: TokenBatch) -> bool:
    """Whether no mask of a row that fits its ids holds a zero."""
    return bool(batch.view(IDS, MASK)[MASK].all())


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
    first, last = found.first.copy(), found.last.copy()
    if not (ids[last] == pad).any() and not (ids[first] == pad).any():
        return found
    tokens = np.flatnonzero(ids != pad)
    after = np.searchsorted(tokens, first)
    before = np.searchsorted(tokens, last, side="right") - 1
    some = after <= before
    after, before, found = after[some], before[some], found.where(some)
    first, last = tokens[after], tokens[before]
    if vocabulary.eos is None or pad in vocabulary.eos:
        last += (last < found.last) & ~among(ids[last], vocabulary.eos or ())
    if vocabulary.bos in (None, pad):
        first -= first > found.first
    return Texts(found.view, found.local, first, last)
