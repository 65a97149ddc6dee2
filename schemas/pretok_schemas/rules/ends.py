"""Rules about how a row ends: with an end id, with padding, and whether its end is learned.

Most need ids from the declaration (`requires`). A row's text is what is left without padding at
its ends (see `rules.texts`).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from pretok_schemas.batch import TokenBatch
from pretok_schemas.contract import IDS, IGNORE, LABELS
from pretok_schemas.findings import Effect, Severity
from pretok_schemas.flat import Bools, Ints, among
from pretok_schemas.rules.base import (
    NOTHING,
    Hits,
    Look,
    RowRule,
    SplitFacts,
    Usual,
    code_of,
    hits_at,
    some,
)
from pretok_schemas.rules.conventions import OTHER_CONVENTIONS
from pretok_schemas.rules.labelled import LABELLED, token_runs, trained_tokens
from pretok_schemas.rules.texts import texts

# What leaves a row without a say on where its text begins and ends.
NO_SAY = (*OTHER_CONVENTIONS, "label-out-of-range")


class MissingEos(RowRule):
    """A row's text does not end with an end id.

    What it checks:
        One of the last two tokens of a row's text, padding left out, is one of ``eos-token-ids``
        (a template may write a newline behind it).

    Why it matters:
        The model never learns to stop, or the answer was cut off.

    Fails:
        ``input_ids: [1, 5, 6]`` with ``eos-token-ids = [2]``

    Passes:
        ``input_ids: [1, 5, 6, 2]``, ``input_ids: [1, 5, 6, 2, 13]``

    Options:
        ``eos-token-ids`` and ``pad-token-id`` of the dataset.

    References:
        axolotl-ai-cloud/axolotl#1894
    """

    name = "missing-eos"
    family = "tokens"
    severity = Severity.WARNING
    views = ((IDS,),)
    requires = ("eos-token-ids",)
    left_out_by = (
        "wrong-kind",
        *NO_SAY,
        "special-token-as-text",
        "trained-padding",
        "cut-at-limit",
    )
    help = "add the end id before tokenising ends, and train on it"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "not trained to stop here"),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows without an end id at the end, at their last token; not those of packed splits."""
        found, open_ = batch.once(texts), batch.once(unclosed)
        if not open_.any():
            return NOTHING
        at = found.last[open_]
        ends = " or ".join(str(end) for end in self.vocabulary.eos or ())
        hits = Hits(
            found.rows[open_],
            found.positions(at, open_),
            found=found.ids[at],
            expected=np.full(len(at), ends, object),
            codes=np.ones(len(at), np.int64),
        )
        return Look(hits)

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """Counts unless the split looks packed: those rows end anywhere."""
        return () if facts.looks_packed else (1,)


def unclosed(batch: TokenBatch) -> Bools:
    """By text, whether none of its last two tokens is an end id."""
    found, ends = batch.once(texts), batch.vocabulary.eos or ()
    closed = among(found.ids[found.last], ends)
    closed |= among(found.ids[np.maximum(found.last - 1, found.first)], ends)
    if batch.labels_ahead:
        # Rows cut from a longer text know the token behind their last one.
        view = batch.view(*LABELLED)
        filled = np.flatnonzero(view.lengths > 0)
        following = view[LABELS][view.offsets[filled + 1] - 1]
        closed |= np.isin(found.rows, view.batch_rows(filled[among(following, ends)]))
    return ~closed


class EosNeverTrained(RowRule):
    """No end id is trained anywhere in the split.

    What it checks:
        If an end id stands right behind a trained stretch but carries no loss, then some end id
        of the split is trained. Replaces end-id-masked where none is.

    Why it matters:
        The model never learns to stop: generation runs on to the limit. The usual origin is a pad
        id equal to the end id, masked together with the padding.

    Fails:
        Every row is like ``input_ids: [1, 5, 6, 2]``, ``labels: [-100, 5, 6, -100]``.

    Passes:
        At least one row is like ``input_ids: [1, 5, 6, 2]``, ``labels: [-100, 5, 6, 2]``.

    Options:
        ``eos-token-ids`` of the dataset.

    References:
        huggingface/trl#1623, unslothai/unsloth#416
    """

    name = "eos-never-trained"
    family = "tokens"
    views = (LABELLED,)
    requires = ("eos-token-ids",)
    left_out_by = ("wrong-kind", *NO_SAY, "label-not-input-id")
    help = "let the labels of end ids be the end ids; mask padding by place, not by id"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "the model never learns to stop: it generates up to the limit"),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a masked end id behind an answer; they count if no end id is trained."""
        return batch.once(masked_ends)

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """Counts if no end id is trained."""
        return () if counts.get("trained", 0) else (1,)

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """The usual origin, where the ids allow it."""
        if self.vocabulary.pad in (self.vocabulary.eos or ()):
            return "the pad id is an end id: it was probably masked with the padding"
        return None


def trains_an_end(batch: TokenBatch) -> bool:
    """Whether some end id of the batch carries loss."""
    view = batch.view(*LABELLED)
    trained, ids = batch.once(trained_tokens), view[IDS]
    last = view.offsets[1:][view.lengths > 0] - 1
    ends = batch.vocabulary.eos or ()
    # Nearly always the last token of a row is one: look at all tokens only if none is.
    if (trained[last] & among(ids[last], ends)).any():
        return True
    return any(bool((trained & (ids == end)).any()) for end in ends)


class EndIdMasked(RowRule):
    """An answer is trained, but the end id behind it is not.

    What it checks:
        No stretch of trained tokens is directly followed, in its row, by an end id with label
        -100. A stretch that ends in an end id itself is complete: what follows is padding.

    Why it matters:
        The model learns everything but to stop.

    Fails:
        ``input_ids: [1, 5, 6, 2]``, ``labels: [-100, 5, 6, -100]``

    Passes:
        ``input_ids: [1, 5, 6, 2]``, ``labels: [-100, 5, 6, 2]``

    Options:
        ``eos-token-ids`` of the dataset.
    """

    name = "end-id-masked"
    family = "tokens"
    severity = Severity.WARNING
    views = (LABELLED,)
    requires = ("eos-token-ids",)
    left_out_by = ("wrong-kind", *NO_SAY)
    help = "let the label of the end id be the end id"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "not trained to stop behind these answers"),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a masked end id right behind a trained token; they count if others are."""
        return batch.once(masked_ends)

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """Counts if some end id is trained; else the fault is the split's."""
        return (1,) if counts.get("trained", 0) else ()


def masked_ends(batch: TokenBatch) -> Look:
    """Rows with an end id without loss right behind a trained token that is none, at the first
    such place; and whether an end id is trained at all.
    """
    view, ends = batch.view(*LABELLED), batch.vocabulary.eos or ()
    at = batch.once(behind_trained)
    ids = view[IDS]
    at = at[among(ids[at], ends)]
    at = at[~among(ids[at - 1], ends)]
    hits = hits_at(view, at, found=IGNORE, expected=ids)
    return Look(some(hits).hits, {"trained": int(batch.once(trains_an_end))})


def behind_trained(batch: TokenBatch) -> Ints:
    """Flat indices over the labelled view: the first token after each trained stretch of a row."""
    view, runs = batch.view(*LABELLED), batch.once(token_runs)
    return runs.ends[runs.ends < view.offsets[runs.rows + 1]]


class TrainedPadding(RowRule):
    """A row ends in padding that carries loss.

    What it checks:
        The row does not end in two or more pad ids whose labels are the pad id (three, where the
        pad id is an end id). Without a declared
        pad id: not in two or more equal trained ids, the same id in 20 % of the rows (a warning).

    Why it matters:
        The model learns to emit padding.

    Fails:
        ``input_ids: [1, 5, 2, 0, 0]``, ``labels: [-100, 5, 2, 0, 0]`` with ``pad-token-id = 0``

    Passes:
        ``input_ids: [1, 5, 2]``, ``labels: [-100, 5, 2]``

    Options:
        ``pad-token-id`` of the dataset.
    """

    name = "trained-padding"
    family = "padding"
    views = (LABELLED,)
    left_out_by = ("trained-under-mask", "ignore-index-in-ids", "labels-shifted")
    help = "strip the padding; if it must stay, its labels are -100"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "the model learns to emit padding"),
    }
    COMMON = 0.2

    def look(self, batch: TokenBatch) -> Look:
        """Rows whose last two tokens are trained pads, at the first of them at the end."""
        view, pad = batch.view(*LABELLED), self.vocabulary.pad
        local = np.flatnonzero(view.lengths >= 2)
        last = view.offsets[local + 1] - 1
        ids, labels = view[IDS], view[LABELS]
        filler = ids[last].astype(np.int64) if pad is None else np.full(len(local), pad)
        likely = (labels[last] == filler) & (ids[last] == filler)
        likely &= (labels[last - 1] == filler) & (ids[last - 1] == filler)
        if pad in (self.vocabulary.eos or ()):
            # The first is the text's own end, and two may be an end that was added twice.
            third = np.maximum(last - 2, view.starts[local])
            likely &= (labels[third] == filler) & (ids[third] == filler)
            likely &= view.lengths[local] >= 3
        if not likely.any():
            return NOTHING
        local, filler = local[likely], filler[likely]
        part = view.take(local)
        along = np.repeat(filler, part.lengths)
        other = np.flatnonzero((part[IDS] != along) | (part[LABELS] != along))
        begin = np.zeros(len(part), np.int64)
        rows = part.rows_at(other)
        begin[rows] = other - part.starts[rows] + 1
        expected = np.full(len(part), IGNORE)
        hits = Hits(view.batch_rows(local), begin, found=filler, expected=expected)
        if pad is not None:
            return Look(hits)
        values, many = np.unique(filler, return_counts=True)
        counts = {f"id {v}": int(n) for v, n in zip(values, many, strict=True)}
        mild = np.ones(len(part), np.bool_)
        return Look(replace(hits, codes=code_of(filler), mild=mild), counts)

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """Without a declared pad id: the ids that end enough rows."""
        least = max(2, self.COMMON * facts.rows)
        common = [int(key[3:]) for key, many in counts.items() if many >= least]
        return tuple(code_of(np.array(common, np.int64)).tolist())
