"""Rules about rows that hold several documents, and what the boundaries between them tell.

Must not know labels.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import ClassVar, NamedTuple

import numpy as np

from pretok_schemas.batch import TokenBatch, View
from pretok_schemas.contract import DOCUMENTS, IDS, MASK, POSITIONS
from pretok_schemas.findings import Effect, Severity
from pretok_schemas.flat import Bools, Ints, among, places
from pretok_schemas.rules.base import NOTHING, Hits, Look, RowRule, SplitFacts, Usual, hits_at, some
from pretok_schemas.rules.texts import texts

START = 3  # ids that make the start of a document


class Recurrences(NamedTuple):
    """Rows of the ids' view in which the start of a document recurs, and where first.

    ``local`` are rows of the view, ``at`` flat indices, int64 each.
    """

    local: Ints
    at: Ints


def recurrences(batch: TokenBatch) -> Recurrences:
    """Rows with a BOS behind the leading ones, or with their own first three ids once more.

    A BOS that is an end id too says nothing: every chat has those inside.
    """
    found = batch.once(texts)
    view, ids = found.view, found.ids
    if not len(found.local):
        return Recurrences(found.local, found.local)
    recurring = [batch.once(inner_bos)]
    long = np.flatnonzero(found.last - found.first >= 2 * START - 1)
    if len(long):
        first = found.first[long]
        head = np.zeros(len(view), ids.dtype)
        head[found.local[long]] = ids[first]
        at = _at_heads(batch, head)
        at = at[at <= len(ids) - START]
        for step in range(1, START):
            theirs = np.zeros(len(view), ids.dtype)
            theirs[found.local[long]] = ids[first + step]
            at = at[ids[at + step] == theirs[view.rows_at(at)]]
        begin = np.full(len(view), np.iinfo(np.int64).max, np.int64)
        begin[found.local[long]] = first
        end = np.zeros(len(view), np.int64)
        end[found.local[long]] = found.last[long]
        rows = view.rows_at(at)
        recurring.append(at[(at - START >= begin[rows]) & (at + START - 1 <= end[rows])])
    return Recurrences(*view.first_in_row(np.unique(np.concatenate(recurring))))


def _at_heads(batch: TokenBatch, head: Ints) -> Ints:
    """Flat indices of the tokens that equal the head of their row, one given for each row."""
    view = batch.view(IDS)
    if len(head) and (head == head[0]).all():
        if head[0] == batch.vocabulary.bos:
            return batch.once(bos_places)
        return places(view[IDS] == head[0])
    return places(view[IDS] == np.repeat(head, view.lengths))


def bos_places(batch: TokenBatch) -> Ints:
    """Flat indices of the BOS ids of a batch, wherever they stand."""
    return places(batch.view(IDS)[IDS] == batch.vocabulary.bos)


def inner_bos(batch: TokenBatch) -> Ints:
    """Flat indices of BOS ids that begin no text: those behind something else in their text."""
    found, bos = batch.once(texts), batch.vocabulary.bos
    if bos is None or bos in (batch.vocabulary.eos or ()):
        return np.zeros(0, np.int64)
    view = found.view
    at = batch.once(bos_places)
    if len(at) <= len(found.local) and np.array_equal(at, found.first[: len(at)]):
        return at[:0]
    begin = np.full(len(view), np.iinfo(np.int64).max, np.int64)
    begin[found.local] = found.first
    end = np.full(len(view), -1, np.int64)
    end[found.local] = found.last
    rows = view.rows_at(at)
    at = at[(at > begin[rows]) & (at <= end[rows])]
    # Nothing but BOS stands between the text's first token and those that lead.
    before = begin[view.rows_at(at)]
    every = batch.once(bos_places)
    leads: Bools = np.searchsorted(every, at) - np.searchsorted(every, before) == at - before
    inner: Ints = at[~leads]
    return inner


class InnerBos(RowRule):
    """A BOS token stands in the middle of a row.

    What it checks:
        No BOS id stands behind the first tokens of a row's text, save right behind an end id, if
        under 20 % of the rows hold one. More than that is packing, and packed-without-boundaries
        looks at it.

    Why it matters:
        The chat template was applied twice, or two documents were joined by accident.

    Fails:
        ``input_ids: [1, 5, 6, 1, 7, 2]`` with ``bos-token-id = 1``

    Passes:
        ``input_ids: [1, 5, 6, 7, 2]``

    Options:
        ``bos-token-id`` of the dataset.
    """

    name = "inner-bos"
    family = "tokens"
    severity = Severity.WARNING
    views = ((IDS,),)
    requires = ("bos-token-id",)
    left_out_by = ("ignore-index-in-ids", "double-bos", "leading-padding")
    help = "apply the chat template once, with add_special_tokens=False behind it"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "trained to begin anew in the middle of a text"),
    }
    FEW = 0.2

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a BOS inside; they count if few rows have one."""
        view = batch.view(IDS)
        at = batch.once(inner_bos)
        if not len(at):
            return NOTHING
        # Llama-2 begins every turn with BOS, right behind the end of the one before.
        at = at[~among(view[IDS][at - 1], self.vocabulary.eos or ())]
        hits = hits_at(view, at, found=view[IDS])
        return Look(some(hits).hits, {"rows": len(hits)})

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """Counts if under 20 % of the rows have one."""
        return (1,) if counts.get("rows", 0) < self.FEW * facts.rows else ()


class PackedWithoutBoundaries(RowRule):
    """Several documents stand in one row, and nothing tells where one ends.

    What it checks:
        In a split that looks packed (8 rows or more, most of them as long as the longest, and in
        at least 20 % of them the start of a document recurs), such a row has a column of document
        lengths, a mask that counts documents, or position ids that begin anew.

    Why it matters:
        Every document attends to those before it in the row.

    Fails:
        Rows of 2,048 tokens cut from joined documents, with a mask of ones.

    Passes:
        The same rows with ``position_ids`` that begin at 0 with every document.

    Options:
        ``bos-token-id`` of the dataset, which makes joints easier to see.

    References:
        huggingface/trl#3705, axolotl-ai-cloud/axolotl#1375
    """

    name = "packed-without-boundaries"
    family = "packing"
    severity = Severity.WARNING
    views = ((IDS,),)
    weighs = (MASK, POSITIONS, DOCUMENTS)
    left_out_by = ("ignore-index-in-ids", "double-bos")
    help = "write one document a row and let the trainer pack, or keep the boundaries"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "every document attends to those before it in the row"),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a recurring start and no boundaries; they count if the split looks packed."""
        view, found = batch.view(IDS), batch.once(recurrences)
        if not len(found.local):
            return NOTHING
        rows = view.batch_rows(found.local)
        bare = ~np.isin(rows, _with_boundaries(batch))
        at = found.at[bare]
        positions = at - view.starts[found.local[bare]]
        return some(Hits(rows[bare], positions, found=view[IDS][at]))

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """Counts if the split looks packed."""
        return (1,) if facts.looks_packed else ()


def _with_boundaries(batch: TokenBatch) -> Ints:
    """Rows of the batch in which some column tells documents apart."""
    found = [np.zeros(0, np.int64)]
    masked = batch.view(IDS, MASK)
    if masked.tokens and masked[MASK].max() > 1:
        found.append(masked.batch_rows(masked.first_in_row(places(masked[MASK] > 1))[0]))
    placed = batch.view(IDS, POSITIONS)
    if placed.tokens:
        begins = placed[POSITIONS] == 0
        begins[placed.starts[placed.lengths > 0]] = False
        found.append(placed.batch_rows(placed.first_in_row(places(begins))[0]))
    documents = batch.columns.get(DOCUMENTS)
    if documents is not None:
        found.append(np.flatnonzero(np.diff(documents.offsets) > 1))
    return np.unique(np.concatenate(found))


class PositionIds(RowRule):
    """The position ids of a row are not those of its tokens.

    What it checks:
        ``position_ids`` begin at 0 and rise by 1 from token to token; they may begin anew at 0.
        None reaches ``sequence-len``.

    Why it matters:
        Without packing the model uses them as they stand, and trains on wrong distances.

    Fails:
        ``position_ids: [0, 0, 0]``, ``position_ids: [5, 6, 7]``

    Passes:
        ``position_ids: [0, 1, 2]``, ``position_ids: [0, 1, 0, 1, 2]``
    """

    name = "position-ids"
    family = "packing"
    views = ((IDS, POSITIONS),)
    help = "drop the column: trainers count positions themselves"

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a position that neither follows its neighbour nor begins anew, at the first."""
        view = batch.view(IDS, POSITIONS)
        found = view[POSITIONS]
        if not len(found):
            return NOTHING
        expected = np.zeros(len(found), np.int64)
        expected[1:] = found[:-1].astype(np.int64) + 1
        expected[view.starts[view.lengths > 0]] = 0
        wrong = (found != expected) & (found != 0)
        # A row that never counts says nothing: its zeros are no new beginnings.
        wrong |= _standing_still(view)
        limit = self.contract.sequence_len
        if limit is not None:
            wrong |= (found >= limit) & (np.repeat(view.lengths, view.lengths) <= limit)
        return Look(hits_at(view, places(wrong), found=found, expected=expected))


def _standing_still(view: View) -> Bools:
    """Flat bool: the second of two zeros side by side, where no document has one token alone."""
    found = view[POSITIONS]
    still = np.zeros(len(found), np.bool_)
    still[1:] = (found[1:] == 0) & (found[:-1] == 0)
    still[view.starts[view.lengths > 0]] = False
    # Zeros behind the last document are padding, as LLaMA-Factory packs; a row that never counts
    # has no document.
    counts = np.flatnonzero(found)
    last = np.full(len(view), np.iinfo(np.int64).max, np.int64)
    last[view.rows_at(counts)] = counts  # the last write to a row stays
    return still & (np.arange(len(found)) < np.repeat(last, view.lengths))


class SequenceLengths(RowRule):
    """The document lengths that a file states do not make up its rows.

    What it checks:
        The document lengths of a packed row add up to the length of the row.

    Why it matters:
        The trainer tells documents apart by these numbers.

    Fails:
        ``seq_lengths: [3, 2]`` for a row of 6 tokens.

    Passes:
        ``seq_lengths: [3, 3]`` for a row of 6 tokens.
    """

    name = "sequence-lengths"
    family = "packing"
    severity = Severity.WARNING
    views = ((IDS,),)
    weighs = (DOCUMENTS,)
    help = "write the column from the rows as they are stored, or drop it"

    def look(self, batch: TokenBatch) -> Look:
        """Rows whose stated lengths do not add up to their own."""
        ids, stated = batch.columns.get(IDS), batch.columns.get(DOCUMENTS)
        if ids is None or stated is None:
            return NOTHING
        sums = np.concatenate(([0], np.cumsum(stated.values.astype(np.int64))))
        found = sums[stated.offsets[1:]] - sums[stated.offsets[:-1]]
        lengths = np.diff(ids.offsets)
        wrong = found != lengths
        for sound in (IDS, DOCUMENTS):
            if sound in batch.unusable:
                wrong &= ~batch.unusable[sound]
        rows = np.flatnonzero(wrong)
        if not len(rows):
            return NOTHING
        return Look(Hits(rows, found=found[rows], expected=lengths[rows]))
