"""Rules about single labels: in range, equal to the id, and at least one that carries loss.

Must not know the attention mask. Every rule here reads the rows in which ids and labels are sound
and equally long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import numpy as np

from pretok_schemas.batch import CLIPPED, TokenBatch
from pretok_schemas.contract import IDS, IGNORE, LABELS
from pretok_schemas.findings import Effect, Severity
from pretok_schemas.flat import Bools, Ints
from pretok_schemas.rules.base import (
    NOTHING,
    Hits,
    Look,
    RowRule,
    SplitFacts,
    SplitRule,
    Usual,
    hits_at,
)
from pretok_schemas.rules.conventions import OTHER_CONVENTIONS, is_wrapped
from pretok_schemas.rules.labelled import LABELLED, label_state, label_view, target_counts
from pretok_schemas.rules.tokens import id_range


class LabelOutOfRange(RowRule):
    """A label is neither -100 nor an id of the vocabulary.

    What it checks:
        No label is negative (save -100) or reaches the vocabulary size; no label is -100 wrapped
        by an unsigned type: ``2^n - 100`` in a column of n bits, and 4294967196 anywhere. A
        wrapped row is left out of the later label rules.

    Why it matters:
        The loss crashes mid-run (``Target N is out of bounds``, on CUDA an assert).

    Fails:
        ``labels: [4294967196, 5, 2]`` in a uint32 column.

    Passes:
        ``labels: [-100, 5, 2]``

    References:
        microsoft/unilm#190, huggingface/transformers#10449
    """

    name = "label-out-of-range"
    family = "labels"
    views = (LABELLED,)
    left_out_by = OTHER_CONVENTIONS
    help = "write -100 in a signed type where a token carries no loss, else the input id"
    usual: ClassVar[Usual] = {
        "": (
            Effect.CRASH,
            "the loss stops mid-run: Target is out of bounds, a device-side assert on CUDA",
        ),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a label that the loss cannot take, at the first one."""
        bad = batch.once(out_of_range)
        if not len(bad.at):
            return NOTHING
        view = batch.view(*LABELLED)
        expected = "-100, or 0 or more"
        if self.vocabulary.size is not None:
            expected = f"-100, or 0 to {self.vocabulary.size - 1}"
        hits = hits_at(view, bad.at, found=view[LABELS], expected=expected)
        wrapped = view.batch_rows(view.first_in_row(bad.at[bad.wrapped])[0])
        explains = np.isin(hits.rows, wrapped)
        wide = batch.columns[LABELS].clipped and bool((view[LABELS] == CLIPPED).any())
        key = f"wrapped {'uint64' if wide else view[LABELS].dtype}"
        hits = Hits(hits.rows, hits.positions, hits.found, hits.expected, explains=explains)
        return Look(hits, {key: int(explains.sum())})

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """Names the unsigned type that wrapped -100."""
        wrapped = {key: n for key, n in counts.items() if key.startswith("wrapped") and n}
        if not wrapped:
            return None
        dtype = max(wrapped, key=lambda key: wrapped[key]).split()[1]
        bits = int(dtype[4:]) if dtype.startswith("uint") else 32
        return f"{2**bits + IGNORE} is -100 wrapped in an unsigned type of {bits} bits"


class _OutOfRange(NamedTuple):
    at: Ints
    wrapped: Bools


def out_of_range(batch: TokenBatch) -> _OutOfRange:
    """Labels that no loss can take, as flat indices of the labelled view, and which of them are
    -100 wrapped by an unsigned type.
    """
    view, state = batch.view(*LABELLED), batch.once(label_state)
    labels, size = view[LABELS], batch.vocabulary.size
    low, high = batch.once(id_range)
    at = state.at
    if batch.labels_ahead or low < 0 or (size is not None and high >= size):
        at = np.flatnonzero(state.trained)  # else only a label that is no input id can be
    values = labels[at]
    if not len(at):
        return _OutOfRange(at, np.zeros(0, np.bool_))
    wrapped = is_wrapped(batch, values)
    if state.wrong is not None:
        wrapped &= state.wrong[at]
    else:
        wrapped[:] = False
    bad = (values < 0) | wrapped
    if size is not None:
        bad |= values >= size
    return _OutOfRange(at[bad], wrapped[bad])


class LabelNotInputId(RowRule):
    """A label is another token than the input id at the same place.

    What it checks:
        Every label is -100 or equal to ``input_ids`` at the same position. A label outside the
        vocabulary is label-out-of-range and not counted here.

    Why it matters:
        The model is trained towards that other token, without a word. For distillation on other
        targets, switch the rule off.

    Fails:
        ``input_ids: [1, 5, 6, 2]``, ``labels: [-100, 5, 9, 2]``

    Passes:
        ``input_ids: [1, 5, 6, 2]``, ``labels: [-100, 5, 6, 2]``
    """

    name = "label-not-input-id"
    family = "labels"
    views = (LABELLED,)
    left_out_by = ("wrong-kind", *OTHER_CONVENTIONS, "label-out-of-range")
    help = "a label must be the input id at the same position, or -100"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "these tokens are trained towards a wrong id"),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a label in range that is neither -100 nor the id, at the first one."""
        flat = batch.once(label_state).at
        if not len(flat):
            return NOTHING
        view = batch.once(label_view)
        flat = np.setdiff1d(flat, batch.once(out_of_range).at, assume_unique=True)
        return Look(hits_at(view, flat, found=view[LABELS], expected=view[IDS]))


class NoTrainableToken(RowRule):
    """A row has no token that carries loss.

    What it checks:
        Some label after the first is not -100. The first does not count: the model shifts, so
        nothing predicts it. Empty rows are reported as empty-row.

    Why it matters:
        The row costs compute and teaches nothing; with every row like this the loss is logged as
        0.0, the NaN is hidden, and the run looks successful.

    Fails:
        ``labels: [-100, -100, -100]``, ``labels: [1, -100, -100]``

    Passes:
        ``labels: [-100, -100, 2]``

    References:
        axolotl-ai-cloud/axolotl#3864, huggingface/trl#6668, unslothai/unsloth#2900
    """

    name = "no-trainable-token"
    family = "labels"
    views = (LABELLED,)
    left_out_by = (*OTHER_CONVENTIONS, "label-out-of-range")
    help = "drop the row, or find out why its answer was masked or cut off"
    usual: ClassVar[Usual] = {
        "none": (
            Effect.WASTED,
            "the row is computed and teaches nothing; if all are so, the loss reads 0.0",
        ),
        "first": (Effect.WASTED, "the row is computed and teaches nothing"),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows of at least one token whose labels after the first are all -100."""
        view = batch.view(*LABELLED)
        filled = np.flatnonzero(view.lengths > 0)
        if not len(filled):
            return NOTHING
        local = filled[batch.once(target_counts)[filled] == 0]
        if not len(local):
            return NOTHING
        lengths, many = np.unique(view.lengths[local], return_counts=True)
        counts = {f"length {n}": int(m) for n, m in zip(lengths, many, strict=True)}
        first = batch.once(label_state).trained[view.starts[local]]
        counts["first"] = int(np.count_nonzero(first))  # none where labels are shifted in the data
        counts["none"] = len(local) - counts["first"]
        none = np.zeros(len(local), np.int64)
        expected = np.full(len(local), ">= 1", object)
        return Look(Hits(view.batch_rows(local), found=none, expected=expected), counts)

    def cases(self, counts: Mapping[str, int]) -> tuple[str, ...]:
        """Rows whose first label alone is set fare worse in some trainers."""
        return tuple(case for case in ("first", "none") if counts.get(case))

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """Tells a prompt that filled the context from a marker that was not found."""
        at_limit = counts.get(f"length {facts.longest}", 0)
        if violations >= 2 and at_limit * 2 >= violations and facts.longest > 1:
            return (
                f"{at_limit:,} of these rows have the largest length, {facts.longest:,}: "
                "the prompt filled the context and the answer was cut off"
            )
        if violations == facts.rows:
            return "every row is masked: the marker that begins an answer was probably never found"
        return None


class LowTrainableShare(SplitRule):
    """Hardly a token of the split carries loss.

    What it checks:
        At least 0.1 % of the tokens of the split are trainable.

    Why it matters:
        Nearly all of the compute teaches nothing. The usual origin is a marker of answers that was
        found in a few rows only.

    Fails:
        900 trainable tokens of 1,000,000.

    Passes:
        200,000 trainable tokens of 1,000,000.
    """

    name = "low-trainable-share"
    family = "labels"
    severity = Severity.WARNING
    views = (LABELLED,)
    left_out_by = ("wrong-kind",)
    help = "look how the labels were masked; shorten prompts that answers of a few tokens follow"
    usual: ClassVar[Usual] = {
        "": (Effect.WASTED, "nearly all of the compute teaches nothing"),
    }
    LEAST = 0.001

    def survey(self, batch: TokenBatch) -> Mapping[str, int]:
        """Tokens, and those that carry loss."""
        view = batch.view(*LABELLED)
        return {"tokens": view.tokens, "trainable": int(batch.once(target_counts).sum())}

    def conclude(self, counts: Mapping[str, int], facts: SplitFacts) -> str | None:
        """Violated if some tokens carry loss, but too few; none at all is another rule's."""
        tokens, trainable = counts.get("tokens", 0), counts.get("trainable", 0)
        if not 0 < trainable < self.LEAST * tokens:
            return None
        return (
            f"{trainable:,} of {tokens:,} tokens are trainable ({100 * trainable / tokens:.3f} %)"
        )


class FirstLabelTrained(RowRule):
    """The first label of a row carries loss.

    What it checks:
        ``labels[0]`` is -100. Off unless asked for.

    Why it matters:
        Nothing predicts the first token of a row. When rows are packed, some trainers let the last
        token of the row before predict it.

    Fails:
        ``labels: [1, 5, 6, 2]``

    Passes:
        ``labels: [-100, 5, 6, 2]``

    References:
        meta-pytorch/torchtune#1177
    """

    name = "first-label-trained"
    family = "labels"
    severity = Severity.OFF
    views = (LABELLED,)
    left_out_by = (*OTHER_CONVENTIONS, "label-out-of-range")
    help = "write -100 as the first label: that is always safe"
    usual: ClassVar[Usual] = {
        "": (Effect.HARMLESS, "the model shifts: nothing predicts the first token"),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows whose first label is not -100."""
        view = batch.view(*LABELLED)
        first = view.starts[view.lengths > 0]
        at = first[view[LABELS][first] != IGNORE]
        return Look(hits_at(view, at, found=view[LABELS], expected=IGNORE))
