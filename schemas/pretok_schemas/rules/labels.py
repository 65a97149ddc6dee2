"""Rules about labels and how they stand to input_ids, in trainers that shift inside the model.

Must not know the attention mask. Every rule here reads the rows in which ids and labels are sound
and equally long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from pretok_schemas.batch import Bools, Ints, TokenBatch, Values, View
from pretok_schemas.contract import IDS, LABELS
from pretok_schemas.rules.base import NOTHING, Hits, Look, RowRule, SplitFacts, hits_at
from pretok_schemas.rules.tokens import id_range

LABELLED = (IDS, LABELS)
IGNORE = -100

SHIFTS = (1, -1, 2, -2, 3, -3)  # in the order in which ties are resolved
MIN_PLACES = 4  # fewer places decide nothing about a row
AGREES = 0.9
WRAPPED_32 = 2**32 + IGNORE
CLIPPED = 2**63 - 1  # how `batch` delivers whatever a 64-bit unsigned column holds beyond it


class LabelState(NamedTuple):
    """Flat bools over the labelled view: labels that are not -100, and of those the wrong ones.

    ``wrong`` (trained, and not the input id) is None where there is no such place.
    """

    trained: Bools
    wrong: Bools | None


def label_state(batch: TokenBatch) -> LabelState:
    """The comparison of labels with -100 and with the ids, made once a batch."""
    view = batch.view(*LABELLED)
    labels, ids = view[LABELS], view[IDS]
    trained = labels != IGNORE
    wrong = (labels != ids) & trained
    return LabelState(trained, wrong if wrong.any() else None)


def targets(batch: TokenBatch) -> Bools:
    """Flat bool over the labelled view: the trainable tokens (a row's first label is no target)."""
    view = batch.view(*LABELLED)
    flat = batch.once(label_state).trained.copy()
    flat[view.starts[view.lengths > 0]] = False
    return flat


class LabelsShifted(RowRule):
    """The labels are shifted against the ids by a constant number of places.

    What it checks:
        In a row, for k = ±1, ±2, ±3: over the places i whose label is not -100, where i + k lies
        inside the row and ``ids[i] != ids[i + k]``, at least 90 % of the labels equal
        ``ids[i + k]`` and under half of them ``ids[i]``. A row with fewer than 4 such places
        follows the k of at least 90 % of the rows that have 4 trained labels or more.

    Why it matters:
        The trainer shifts labels itself. Shifted twice, the model learns to predict the token
        after the next, with a loss that looks plausible.

    Fails:
        ``input_ids: [1, 5, 6, 7, 8, 2]``, ``labels: [5, 6, 7, 8, 2, -100]``

    Passes:
        ``input_ids: [1, 5, 6, 7, 8, 2]``, ``labels: [-100, 5, 6, 7, 8, 2]``
    """

    name = "labels-shifted"
    family = "labels"
    views = (LABELLED,)
    left_out_by = ("ignore-index-in-ids",)
    help = "write labels[i] for input_ids[i]; the trainer shifts"

    def look(self, batch: TokenBatch) -> Look:
        """Shifted rows; rows with too few places come with the shifts that would fit as code."""
        view = batch.view(*LABELLED)
        state = batch.once(label_state)
        left_out = _rows_with_ignore_ids(batch)
        decided = _rows_with_labels(view, state.trained)
        counts = {"decided": len(np.setdiff1d(decided, left_out, assume_unique=True))}
        if state.wrong is None:
            return Look(counts=counts)
        suspects = np.unique(view.rows_at(np.flatnonzero(state.wrong)))
        suspects = np.setdiff1d(suspects, left_out, assume_unique=True)
        fits = _fit_shifts(view.take(suspects))
        for bit, k in enumerate(SHIFTS):
            counts[f"k={k}"] = int((fits.decided == bit + 1).sum())
        keep = np.flatnonzero((fits.decided > 0) | (fits.undecided > 0))
        if not len(keep):
            return Look(counts=counts)
        local = suspects[keep]
        first, _ = _first_wrong(view, state.wrong, local)
        hits = Hits(
            view.batch_rows(local),
            first - view.starts[local],
            found=view[LABELS][first],
            expected=view[IDS][first],
            codes=fits.undecided[keep],
        )
        return Look(hits, counts)

    def settle(self, counts: Mapping[str, int]) -> int:
        """The shift of at least 90 % of the decided rows, as a bit of `SHIFTS`."""
        for bit, k in enumerate(SHIFTS):
            if counts.get(f"k={k}", 0) >= AGREES * max(1, counts.get("decided", 0)):
                return 1 << bit
        return 0

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """Names the shift."""
        k = max(SHIFTS, key=lambda shift: counts.get(f"k={shift}", 0))
        if k == 1:
            return (
                "k = +1: labels[i] is input_ids[i + 1]; they were shifted already, "
                "as torchtune and nanoGPT want them"
            )
        return f"k = {k:+d}: labels[i] is input_ids[i {'+' if k > 0 else '-'} {abs(k)}]"


class _Fits(NamedTuple):
    decided: Ints  # index of the shift + 1, 0 for rows that are not shifted or not decided
    undecided: Ints  # bits of the shifts that an undecided row would fit


def _fit_shifts(view: View) -> _Fits:
    """For each row of a view, the shift that its labels show, and what short rows would allow."""
    rows = len(view)
    best = np.zeros(rows, np.int64)
    share = np.zeros(rows)
    undecided = np.zeros(rows, np.int64)
    left = np.arange(rows)
    for bit, k in enumerate(SHIFTS):
        part = view if len(left) == rows else view.take(left)
        places, there, here = _count_places(part, k)
        enough = places >= MIN_PLACES
        ratio = there / np.maximum(places, 1)
        fits = (ratio >= AGREES) & (here < 0.5 * places)
        better = fits & enough & (ratio > share[left])
        best[left[better]] = bit + 1
        share[left[better]] = ratio[better]
        undecided[left[fits & ~enough & (places > 0)]] |= 1 << bit
        # A perfect fit cannot be beaten, and ties go to the earlier shift.
        left = left[share[left] < 1.0]
        if not len(left):
            break
    undecided[best > 0] = 0
    return _Fits(best, undecided)


def _count_places(view: View, k: int) -> tuple[Ints, Ints, Ints]:
    """By row: places that can tell shift k from none, labels equal to ids[i + k], and to ids[i]."""
    ids, labels = view[IDS], view[LABELS]
    size, step = len(ids), abs(k)
    if size <= step:
        zero = np.zeros(len(view), np.int64)
        return zero, zero, zero
    row = np.repeat(np.arange(len(view)), view.lengths)
    here, there = (slice(0, size - step), slice(step, size))
    if k < 0:
        here, there = there, here
    can_tell = (row[here] == row[there]) & (labels[here] != IGNORE) & (ids[here] != ids[there])
    at = row[here]

    def count(flags: Bools) -> Ints:
        return np.bincount(at[flags], minlength=len(view))

    same_there = can_tell & (labels[here] == ids[there])
    same_here = can_tell & (labels[here] == ids[here])
    return count(can_tell), count(same_there), count(same_here)


def _rows_with_labels(view: View, trained: Bools) -> Ints:
    """Rows of the view with at least `MIN_PLACES` labels that are not -100."""
    filled = np.flatnonzero(view.lengths > 0)
    if not len(filled):
        return filled
    counts = np.add.reduceat(trained.view(np.uint8), view.starts[filled], dtype=np.int64)
    return filled[counts >= MIN_PLACES]


def _rows_with_ignore_ids(batch: TokenBatch) -> Ints:
    """Rows of the labelled view whose ids hold -100: another rule's rows, which decide nothing."""
    view = batch.view(*LABELLED)
    if batch.once(id_range)[0] >= 0:
        return np.zeros(0, np.int64)
    return np.unique(view.rows_at(np.flatnonzero(view[IDS] == IGNORE)))


def _first_wrong(view: View, wrong: Bools, local: Ints) -> tuple[Ints, Ints]:
    rows, first = view.first_in_row(np.flatnonzero(wrong))
    return first[np.searchsorted(rows, local)], rows


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
    """

    name = "label-out-of-range"
    family = "labels"
    views = (LABELLED,)
    left_out_by = ("ignore-index-in-ids", "labels-shifted")
    help = "write -100 in a signed type where a token carries no loss, else the input id"

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a label that the loss cannot take, at the first one."""
        bad = out_of_range(batch, self.vocabulary.size)
        if bad is None:
            return NOTHING
        view = batch.view(*LABELLED)
        expected = "-100, or 0 or more"
        if self.vocabulary.size is not None:
            expected = f"-100, or 0 to {self.vocabulary.size - 1}"
        hits = hits_at(view, np.flatnonzero(bad.flat), found=view[LABELS], expected=expected)
        wrapped = view.batch_rows(np.unique(view.rows_at(np.flatnonzero(bad.wrapped))))
        explains = np.isin(hits.rows, wrapped)
        clipped = bool(bad.wrapped.any()) and bool((view[LABELS] == CLIPPED).any())
        key = f"wrapped {'uint64' if clipped else view[LABELS].dtype}"
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
    flat: Bools
    wrapped: Bools


def out_of_range(batch: TokenBatch, size: int | None) -> _OutOfRange | None:
    """Flat bools over the labelled view: labels that no loss can take, and wrapped ones.

    None where every label is -100 or in range.
    """
    view = batch.view(*LABELLED)
    state = batch.once(label_state)
    low, high = batch.once(id_range)
    if state.wrong is None and low >= 0 and (size is None or high < size):
        return None  # every label is -100 or an input id, and all of those are in range
    labels = view[LABELS]
    wrapped = np.zeros(len(labels), np.bool_)
    if state.wrong is not None:
        wrapped = state.wrong & _is_wrapped(labels)
    flat = (labels < 0) & state.trained | wrapped
    if size is not None:
        flat |= (labels >= size) & state.trained
    return _OutOfRange(flat, wrapped) if flat.any() else None


def _is_wrapped(labels: Values) -> Bools:
    wrapped: Bools = labels == WRAPPED_32
    if labels.dtype.kind == "u":
        wrapped |= labels == 2 ** (8 * labels.dtype.itemsize) + IGNORE
    if labels.dtype == np.int64:
        wrapped |= labels == CLIPPED
    return wrapped


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
    left_out_by = ("ignore-index-in-ids", "labels-shifted", "label-out-of-range")
    help = "a label must be the input id at the same position, or -100"

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a label in range that is neither -100 nor the id, at the first one."""
        state = batch.once(label_state)
        if state.wrong is None:
            return NOTHING
        view = batch.view(*LABELLED)
        bad = out_of_range(batch, self.vocabulary.size)
        wrong = state.wrong if bad is None else state.wrong & ~bad.flat
        flat = np.flatnonzero(wrong)
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
    """

    name = "no-trainable-token"
    family = "labels"
    views = (LABELLED,)
    left_out_by = ("ignore-index-in-ids", "labels-shifted", "label-out-of-range")
    help = "drop the row, or find out why its answer was masked or cut off"

    def look(self, batch: TokenBatch) -> Look:
        """Rows of at least one token whose labels after the first are all -100."""
        view = batch.view(*LABELLED)
        filled = np.flatnonzero(view.lengths > 0)
        if not len(filled):
            return NOTHING
        trains = np.logical_or.reduceat(batch.once(targets), view.starts[filled])
        local = filled[~trains]
        if not len(local):
            return NOTHING
        lengths, many = np.unique(view.lengths[local], return_counts=True)
        counts = {f"length {n}": int(m) for n, m in zip(lengths, many, strict=True)}
        none = np.zeros(len(local), np.int64)
        expected = np.full(len(local), ">= 1", object)
        return Look(Hits(view.batch_rows(local), found=none, expected=expected), counts)

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
