"""Rules about the attention mask and about padding, which belongs to the trainer.

Must not know whether labels are right, only whether they carry loss.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import NamedTuple

import numpy as np

from pretok_schemas.batch import TokenBatch, View
from pretok_schemas.contract import IDS, IGNORE, LABELS, MASK
from pretok_schemas.flat import Bools, Ints, places
from pretok_schemas.rules.base import NOTHING, Hits, Look, RowRule, SplitFacts, hits_at
from pretok_schemas.rules.labelled import LABELLED
from pretok_schemas.rules.texts import MASKED, Zeros, zeros

# Without a pad id, equal unlabelled ids at an end of the row are taken for padding from so many
# on. Texts may begin with a repeated token (rulers, newlines), but do not end in an unlabelled one.
EQUAL_AT_END = 2
EQUAL_AT_START = 4


class MaskValues(RowRule):
    """The attention mask holds something else than 0 and 1.

    What it checks:
        Every value is 0 or 1. Document numbers (1, 1, 2, 2, 3, ... with zeros only at the end), as
        neat packing writes them, are a warning.

    Why it matters:
        Anything that is not 0 counts as 1: document numbers isolate nothing in a trainer that does
        not ask for them.

    Fails:
        ``attention_mask: [1, 1, -1]``

    Passes:
        ``attention_mask: [1, 1, 1]``
    """

    name = "mask-values"
    family = "padding"
    views = (MASKED,)
    help = "write 1 for every token"

    def look(self, batch: TokenBatch) -> Look:
        """Rows with another value, at the first one."""
        view = batch.view(*MASKED)
        mask = view[MASK]
        if not len(mask) or (mask.dtype.kind != "f" and mask.min() >= 0 and mask.max() <= 1):
            return NOTHING
        hits = hits_at(view, places((mask != 0) & (mask != 1)), found=mask, expected="0 or 1")
        if not len(hits):
            return NOTHING
        local = hits.rows if view.rows is None else np.searchsorted(view.rows, hits.rows)
        mild = _document_numbers(view.take(local))
        hits = Hits(hits.rows, hits.positions, hits.found, hits.expected, mild=mild)
        # A trainer that packs rows itself numbers their documents so.
        return Look(hits.where(~mild) if self.contract.numbers_documents else hits)


def _document_numbers(view: View) -> Bools:
    """By row: starts at 1, rises by 0 or 1 from token to token, zeros only at the end."""
    mask = view[MASK].astype(np.float64)
    step = np.diff(mask, prepend=0.0)
    step[view.starts] = mask[view.starts] - 1  # the first one must be 1
    good = (step == 0) | (step == 1)
    good[view.starts] = step[view.starts] == 0
    previous = np.roll(mask, 1)
    end = mask == 0  # a zero may follow anything, but only zeros may follow a zero
    good |= end
    after_zero = (previous == 0) & ~end
    after_zero[view.starts] = False
    good &= ~after_zero
    good[view.starts] &= mask[view.starts] == 1
    return np.logical_and.reduceat(good, view.starts)


class MaskAllZero(RowRule):
    """No token of a row is attended.

    What it checks:
        A row that has tokens has at least one whose mask is not 0.

    Why it matters:
        Without packing the trainer honours the mask: the row trains on nothing it can see.

    Fails:
        ``attention_mask: [0, 0, 0]``

    Passes:
        ``attention_mask: [1, 1, 1]``
    """

    name = "mask-all-zero"
    family = "padding"
    views = (MASKED,)
    help = "drop the row (an empty source text?), or write 1 for every token"

    def look(self, batch: TokenBatch) -> Look:
        """Rows whose mask holds only zeros."""
        found = batch.once(zeros)
        if found is None:
            return NOTHING
        local = found.local[found.zeros == found.length]
        rows = batch.view(*MASKED).batch_rows(local)
        return Look(Hits(rows, found=np.zeros(len(rows), np.int64)))


class MaskHole(RowRule):
    """The attention mask hides tokens of the text.

    What it checks:
        Zeros form at most one stretch at the start and one at the end of a row. If in 90 % of the
        rows with zeros these are exactly the places without loss, and they hide 10 ids or more,
        the loss mask was stored as attention mask: then all those rows count, and none of them is
        padding.

    Why it matters:
        Without packing the trainer hides these tokens from attention: the model answers prompts
        that it cannot see.

    Fails:
        ``attention_mask: [1, 0, 0, 1]``

    Passes:
        ``attention_mask: [1, 1, 1, 1]``
    """

    name = "mask-hole"
    family = "padding"
    views = (MASKED,)
    weighs = (LABELS,)
    help = "write 1 for every token; which tokens carry loss is said in labels"
    NEARLY_ALL = 0.9
    DISTINCT = 10

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a zero between two values that are not; undecided ones whose mask is the loss
        mask. At the first such zero.
        """
        found = batch.once(zeros)
        if found is None:
            return NOTHING
        at_ends = found.first + (found.length - 1 - found.last)
        holed = (found.zeros > at_ends) & (found.zeros < found.length)
        loss = loss_masks(batch, found)
        counts = {"rows": len(found.local), "loss": int(loss.same.sum())}
        counts |= {f"id {one}": 1 for one in loss.hidden[: self.DISTINCT].tolist()}
        kept = holed | loss.same
        local = found.local[kept]
        if not len(local):
            return Look(counts=counts)
        view = batch.view(*MASKED)
        part = view.take(local)
        flat = np.flatnonzero(part[MASK] == 0)
        row = part.rows_at(flat)
        inner = flat - part.starts[row] > found.first[kept][row]
        _, at = part.first_in_row(flat[inner | ~holed[kept][row]])
        rows = view.batch_rows(local)
        hits = Hits(
            rows,
            at - part.starts,
            found=np.zeros(len(rows), np.int64),
            expected=np.ones(len(rows), np.int64),
            codes=(~holed[kept]).astype(np.int64),
            explains=loss.same[kept],
        )
        return Look(hits, counts)

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """Counts if nearly all rows with zeros hide just what carries no loss, and that is text."""
        return (1,) if self._is_loss_mask(counts) else ()

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """What was stored."""
        if not self._is_loss_mask(counts):
            return None
        return "the attention mask holds the loss mask: it is 0 where the labels are -100"

    def _is_loss_mask(self, counts: Mapping[str, int]) -> bool:
        rows, loss = counts.get("rows", 0), counts.get("loss", 0)
        distinct = sum(key.startswith("id ") for key in counts)
        return loss > 0 and loss >= self.NEARLY_ALL * rows and distinct >= self.DISTINCT


class LossMasks(NamedTuple):
    """By row with zeros (see `zeros`): whether they are just the places without loss; and the
    distinct ids that such rows hide.
    """

    same: Bools
    hidden: Ints


def loss_masks(batch: TokenBatch, found: Zeros) -> LossMasks:
    """Where the attention mask of a row is its loss mask."""
    same = np.zeros(len(found.local), np.bool_)
    labelled = batch.view(IDS, MASK, LABELS)
    rows = batch.view(*MASKED).batch_rows(found.local)
    among = labelled.batch_rows(np.arange(len(labelled)))
    at = np.searchsorted(among, rows)
    known = np.flatnonzero((at < len(among)) & np.isin(rows, among))
    part = labelled.take(at[known])
    hidden = part[MASK] == 0
    if len(known):
        agree = np.logical_and.reduceat(hidden == (part[LABELS] == IGNORE), part.starts)
        attends = found.zeros[known] < found.length[known]
        same[known] = agree & attends
    inside = hidden & np.repeat(same[known], part.lengths)
    return LossMasks(same, np.unique(part[IDS][inside]).astype(np.int64))


class TrailingPadding(RowRule):
    """A row ends in padding.

    What it checks:
        The mask does not end in 0, and the row does not end in pad ids with label -100. Where the
        pad id is an end id too, the first one is the text's own end. Without a declared pad id,
        two or more equal ids with label -100 at the end count as padding, as a warning.

    Why it matters:
        The trainer pads by itself: padding in the file is wasted compute, it counts against
        sequence-len, and with packing pads become real tokens.

    Fails:
        ``input_ids: [1, 5, 2, 0, 0]``, ``attention_mask: [1, 1, 1, 0, 0]``

    Passes:
        ``input_ids: [1, 5, 2]``, ``attention_mask: [1, 1, 1]``

    Options:
        ``pad-token-id`` and ``eos-token-ids`` of the dataset.
    """

    name = "trailing-padding"
    family = "padding"
    views = (MASKED, LABELLED)
    left_out_by = ("mask-all-zero", "mask-hole")
    help = "strip it from all three columns; the trainer pads"

    def look(self, batch: TokenBatch) -> Look:
        """Rows that end in padding, at its first place."""
        at: dict[int, int] = {}
        found = batch.once(zeros)
        if found is not None:
            ends = (found.last < found.length - 1) & (found.zeros < found.length)
            rows = batch.view(*MASKED).batch_rows(found.local[ends])
            at.update(zip(rows.tolist(), (found.last[ends] + 1).tolist(), strict=True))
        shown = set(at)
        for row, position in self._tails(batch):
            at[row] = min(position, at.get(row, position))
        if not at:
            return NOTHING
        return Look(_padding_hits(batch, at, shown if self.vocabulary.pad is None else set(at)))

    def _tails(self, batch: TokenBatch) -> list[tuple[int, int]]:
        view = batch.view(*LABELLED)
        pad = self.vocabulary.pad
        least = EQUAL_AT_END if pad is None else 1
        part, local, filler = _candidates(view, pad, least, from_end=True)
        if not len(local):
            return []
        is_pad = (part[IDS] == np.repeat(filler, part.lengths)) & (part[LABELS] == IGNORE)
        text = np.flatnonzero(~is_pad)
        begin = np.zeros(len(local), np.int64)
        rows = part.rows_at(text)
        begin[rows] = text - part.starts[rows] + 1  # after the last token that is no padding
        ends = self.vocabulary.eos
        if pad is not None and (ends is None or pad in ends):
            # Unless an end id stands before it already, the first pad is the end of the text.
            before = part[IDS][np.maximum(part.starts + begin - 1, 0)]
            closed = (begin > 0) & np.isin(before, ends or ())
            begin += ~closed
        keep = part.lengths - begin >= least
        rows = view.batch_rows(local[keep])
        return list(zip(rows.tolist(), begin[keep].tolist(), strict=True))


class LeadingPadding(RowRule):
    """A row begins with padding.

    What it checks:
        The mirror of trailing-padding: the mask does not begin with 0, and the row does not begin
        with pad ids whose label is -100 (where the pad id is the BOS id, or no BOS id is declared,
        the last one is the text's own). Without a declared pad id, four or more equal ids with
        label -100 count, as a warning.

    Why it matters:
        Packing and TRL ignore the mask: the pads are attended and every position is shifted.

    Fails:
        ``input_ids: [0, 0, 1, 5, 2]``, ``attention_mask: [0, 0, 1, 1, 1]``

    Passes:
        ``input_ids: [1, 5, 2]``, ``attention_mask: [1, 1, 1]``

    Options:
        ``pad-token-id`` and ``bos-token-id`` of the dataset.
    """

    name = "leading-padding"
    family = "padding"
    views = (MASKED, LABELLED)
    left_out_by = ("mask-all-zero", "mask-hole")
    help = 'strip it from all three columns (padding_side = "left" was on); the trainer pads'

    def look(self, batch: TokenBatch) -> Look:
        """Rows that begin with padding."""
        at: dict[int, int] = {}
        found = batch.once(zeros)
        if found is not None:
            leads = (found.first > 0) & (found.zeros < found.length)
            rows = batch.view(*MASKED).batch_rows(found.local[leads])
            at.update(dict.fromkeys(rows.tolist(), 0))
        hidden = set(at)
        at.update(dict.fromkeys(self._heads(batch), 0))
        if not at:
            return NOTHING
        counts = {"hidden": len(hidden), "attended": len(at) - len(hidden)}
        sure = hidden if self.vocabulary.pad is None else set(at)
        return Look(_padding_hits(batch, at, sure), counts)

    def cases(self, counts: Mapping[str, int]) -> tuple[str, ...]:
        """Padding that the mask shows fares worse."""
        return tuple(case for case in ("attended", "hidden") if counts.get(case))

    def _heads(self, batch: TokenBatch) -> list[int]:
        view = batch.view(*LABELLED)
        pad = self.vocabulary.pad
        least = EQUAL_AT_START if pad is None else 1
        if pad is not None and self.vocabulary.bos in (None, pad):
            least += 1  # the last one is, or may be, the BOS of the text
        part, local, filler = _candidates(view, pad, least, from_end=False)
        if not len(local):
            return []
        is_pad = (part[IDS] == np.repeat(filler, part.lengths)) & (part[LABELS] == IGNORE)
        head = part.lengths.copy()
        rows, first = part.first_in_row(np.flatnonzero(~is_pad))
        head[rows] = first - part.starts[rows]
        # A row of nothing but pads is trailing padding.
        keep = (head >= least) & (head < part.lengths)
        heads: list[int] = view.batch_rows(local[keep]).tolist()
        return heads


def _candidates(view: View, pad: int | None, least: int, from_end: bool) -> tuple[View, Ints, Ints]:
    """Rows whose outermost ``least`` places could be padding, copied together; the filler ids."""
    local = np.flatnonzero(view.lengths >= least)
    edge = view.offsets[local + 1] - 1 if from_end else view.starts[local]
    inward = -1 if from_end else 1
    filler = view[IDS][edge].astype(np.int64)
    likely = np.ones(len(local), np.bool_) if pad is None else filler == pad
    for step in range(least):
        at = edge + inward * step
        likely &= (view[IDS][at] == filler) & (view[LABELS][at] == IGNORE)
    local, filler = local[likely], filler[likely]
    return view.take(local), local, filler


def _padding_hits(batch: TokenBatch, at: dict[int, int], sure: set[int]) -> Hits:
    """Hits at some positions by row; those that no mask and no pad id shows are only likely."""
    rows = np.array(sorted(at), np.int64)
    positions = np.array([at[row] for row in rows.tolist()], np.int64)
    ids = batch.columns[IDS]
    found = ids.values[ids.offsets[rows] + positions]
    mild = np.array([row not in sure for row in rows.tolist()], np.bool_)
    return Hits(rows, positions, found=found, mild=mild)


class TrainedUnderMask(RowRule):
    """A token carries loss although its mask is 0.

    What it checks:
        Where the mask is 0 (from the second place of a row on), the label is -100.

    Why it matters:
        The model is trained to produce padding. The usual origin is
        ``labels = input_ids.copy()`` after padding.

    Fails:
        ``attention_mask: [1, 1, 0]``, ``labels: [-100, 5, 0]``

    Passes:
        ``attention_mask: [1, 1, 0]``, ``labels: [-100, 5, -100]``
    """

    name = "trained-under-mask"
    family = "padding"
    views = ((IDS, MASK, LABELS),)
    help = "write -100 in labels wherever the mask is 0"

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a trainable token under a zero, at the first one."""
        view = batch.view(IDS, MASK, LABELS)
        if batch.once(zeros) is None:
            return NOTHING
        mask = view[MASK]
        trained = (view[LABELS] != IGNORE) & (mask == 0)
        trained[view.starts[view.lengths > 0]] = False
        hits = hits_at(view, places(trained), found=view[LABELS], expected=IGNORE)
        return Look(hits)
