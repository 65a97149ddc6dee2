"""Rules about rows whose labels follow another convention as a whole.

They speak before the other label rules, which would report the same rows. Must not know masks.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import ClassVar, NamedTuple

import numpy as np

from pretok_schemas.batch import CLIPPED, TokenBatch, View
from pretok_schemas.contract import IDS, IGNORE, LABELS
from pretok_schemas.findings import Effect
from pretok_schemas.flat import Bools, Ints, Values
from pretok_schemas.rules.base import NOTHING, Look, RowRule, SplitFacts, Usual, code_of
from pretok_schemas.rules.labelled import (
    LABELLED,
    at_first_wrong,
    label_state,
    label_view,
    rows_with_ignore_ids,
    suspects,
    trained_counts,
)

SHIFTS = (1, -1, 2, -2, 3, -3)  # in the order in which ties are resolved
MIN_PLACES = 4  # fewer places decide nothing about a row
AGREES = 0.9
RUN = 4  # equal wrong labels in a row
LEAST = 16  # places of a split that one value must explain
VALUES_OF_BATCH = 64
WRAPPED_32 = 2**32 + IGNORE

# Rows that follow another convention as a whole are left to the rule that names it.
OTHER_CONVENTIONS = (
    "ignore-index-in-ids",
    "labels-shifted",
    "labels-are-a-mask",
    "wrong-ignore-value",
)


class LabelsShifted(RowRule):
    """The labels are shifted against the ids by a constant number of places.

    What it checks:
        In a row, for k = ±1, ±2, ±3: over the places i whose label is not -100, where i + k lies
        inside the row and ``ids[i] != ids[i + k]``, at least 90 % of the labels equal
        ``ids[i + k]`` and under half of them ``ids[i]``. A row with fewer than 4 such places
        follows the k of at least 90 % of the rows that have 4 trained labels or more.

    Why it matters:
        Most trainers shift labels themselves. Shifted twice, the model learns to predict the
        token after the next, with a loss that looks plausible. A trainer that takes them shifted
        (torchtune) trains the model to repeat its input if they are not. Shifts are counted from
        what the trainer wants.

    Fails:
        ``input_ids: [1, 5, 6, 7, 8, 2]``, ``labels: [5, 6, 7, 8, 2, -100]``

    Passes:
        ``input_ids: [1, 5, 6, 7, 8, 2]``, ``labels: [-100, 5, 6, 7, 8, 2]``

    References:
        huggingface/transformers#35066, huggingface/transformers#32944
    """

    name = "labels-shifted"
    family = "labels"
    views = (LABELLED,)
    left_out_by = ("ignore-index-in-ids",)
    help = "write input_ids[i] as labels[i], the trainer shifts; or input_ids[i + 1] if it does not"
    usual: ClassVar[Usual] = {
        "": (
            Effect.SILENT,
            "the model learns to predict the wrong neighbour; the loss looks plausible",
        ),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Shifted rows; rows with too few places come with the shifts that would fit as code."""
        state = batch.once(label_state)
        enough = batch.once(trained_counts) >= MIN_PLACES
        enough[batch.once(rows_with_ignore_ids)] = False
        counts = {"decided": int(np.count_nonzero(enough))}
        if state.wrong is None:
            return Look(counts=counts)
        fits = batch.once(shift_fits)
        for bit, k in enumerate(SHIFTS):
            counts[f"k={k}"] = int((fits.decided == bit + 1).sum())
        keep = np.flatnonzero((fits.decided > 0) | (fits.undecided > 0))
        hits = at_first_wrong(batch, fits.local[keep])
        return Look(replace(hits, codes=fits.undecided[keep]) if len(keep) else hits, counts)

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """The codes that allow the shift of at least 90 % of the decided rows."""
        for bit, k in enumerate(SHIFTS):
            if counts.get(f"k={k}", 0) >= AGREES * max(1, counts.get("decided", 0)):
                return frozenset(code for code in range(1 << len(SHIFTS)) if code >> bit & 1)
        return ()

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """Names the shift."""
        k = max(SHIFTS, key=lambda shift: counts.get(f"k={shift}", 0))
        ahead = self.contract.labels_ahead
        told = f"k = {k:+d}: labels[i] is {self._id_at(k + ahead)}"
        if ahead and k == -1:
            return f"{told}; they were not shifted, as for trainers that shift themselves"
        if k == 1 and not ahead:
            return f"{told}; they were shifted already, as torchtune and nanoGPT want them"
        return told

    def advice(self) -> str:
        """Where the label of a token belongs for this trainer."""
        if self.contract.labels_ahead:
            return f"write {self._id_at(1)} as labels[i], -100 as the last; the trainer shifts none"
        return f"write {self._id_at(0)} as labels[i]; the trainer shifts"

    def _id_at(self, places: int) -> str:
        """The id some places on, by the column's name at this trainer."""
        column = self.contract.column(IDS)
        name = (column.name if column else "") or IDS
        sign = "+" if places > 0 else "-"
        return f"{name}[i {sign} {abs(places)}]" if places else f"{name}[i]"


class Fits(NamedTuple):
    """Rows of the labelled view with wrong labels, and the shifts that these show."""

    local: Ints
    decided: Ints  # index of the shift + 1, 0 for rows that are not shifted or not decided
    undecided: Ints  # bits of the shifts that an undecided row would fit


def shift_fits(batch: TokenBatch) -> Fits:
    """For each row with wrong labels, the shift that they show, and what short rows would allow."""
    local = np.setdiff1d(batch.once(suspects), batch.once(rows_with_ignore_ids), assume_unique=True)
    view = batch.once(label_view).take(local)
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
    return Fits(local, best, undecided)


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


class LabelsAreAMask(RowRule):
    """The labels of a row are a loss mask of zeros and ones.

    What it checks:
        A row whose labels are all 0, 1 or -100, that holds a 1 and at least 4 labels other than
        -100, does not have another input id at 90 % or more of the places labelled 1. Rows of
        zeros and ones that are less plain follow 90 % of the rows with wrong labels.

    Why it matters:
        The model is trained to produce the tokens 0 and 1.

    Fails:
        ``input_ids: [1, 5, 6, 7, 2]``, ``labels: [0, 0, 1, 1, 1]``

    Passes:
        ``input_ids: [1, 5, 6, 7, 2]``, ``labels: [-100, -100, 6, 7, 2]``
    """

    name = "labels-are-a-mask"
    family = "labels"
    views = (LABELLED,)
    left_out_by = ("ignore-index-in-ids", "labels-shifted")
    help = "write labels = input_ids where the mask is 1, and -100 where it is 0"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "the model is trained to produce the ids 0 and 1"),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows of zeros and ones, at the first label that is not the id."""
        if batch.once(label_state).wrong is None:
            return NOTHING
        binary = batch.once(binary_rows)
        counts = {
            "masks": int(binary.decided.sum()),
            "others": len(batch.once(suspects)) - len(binary.local),
        }
        if not len(binary.local):
            return Look(counts=counts) if counts["others"] else NOTHING
        hits = at_first_wrong(batch, binary.local)
        return Look(replace(hits, codes=(~binary.decided).astype(np.int64)), counts)

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """Doubtful rows count if nearly all rows that could be judged are masks."""
        masks = counts.get("masks", 0)
        return (1,) if masks and masks >= AGREES * (masks + counts.get("others", 0)) else ()

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """What was stored."""
        return "a completion mask was stored as labels"


class BinaryRows(NamedTuple):
    """Rows of the labelled view with wrong labels, all of them 0, 1 or -100 and some 1.

    ``decided`` (bool): 4 labels or more carry loss, and 90 % of the ones stand on other ids.
    """

    local: Ints
    decided: Bools


def binary_rows(batch: TokenBatch) -> BinaryRows:
    """The rows whose labels may be a mask of zeros and ones; only where some label is wrong."""
    local = batch.once(suspects)
    part = batch.once(label_view).take(local)
    labels, ids = part[LABELS], part[IDS]
    binary = (labels == IGNORE) | (labels == 0) | (labels == 1)
    ones = _count(part, labels == 1)
    only = np.logical_and.reduceat(binary, part.starts) & (ones > 0)
    other = _count(part, (labels == 1) & (ids != 1))
    unmasked = _count(part, labels != IGNORE)
    decided = (unmasked >= RUN) & (other >= AGREES * ones)
    return BinaryRows(local[only], decided[only])


def mask_rows(batch: TokenBatch) -> Ints:
    """Rows of the labelled view that are a mask by themselves."""
    found = batch.once(binary_rows)
    return found.local[found.decided]


class WrongIgnoreValue(RowRule):
    """Another value than -100 marks the tokens without loss.

    What it checks:
        No single value makes up 90 % and at least 16 of the labels that are neither -100 nor the
        id. If one does, the rows with 4 such labels in a row are reported.

    Why it matters:
        The trainer ignores -100 alone: it trains all these tokens towards that value.

    Fails:
        ``input_ids: [1, 5, 6, 7, 8, 2]``, ``labels: [0, 0, 0, 0, 8, 2]``

    Passes:
        ``input_ids: [1, 5, 6, 7, 8, 2]``, ``labels: [-100, -100, -100, -100, 8, 2]``
    """

    name = "wrong-ignore-value"
    family = "labels"
    views = (LABELLED,)
    left_out_by = ("wrong-kind", "ignore-index-in-ids", "labels-shifted", "labels-are-a-mask")
    help = "write -100 where a token carries no loss"
    usual: ClassVar[Usual] = {
        "": (
            Effect.SILENT,
            "tokens that were meant to carry no loss are trained towards this value",
        ),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a run of one wrong value; they count if the split is full of that value."""
        if batch.once(label_state).wrong is None:
            return NOTHING
        fits = batch.once(shift_fits)
        named = np.concatenate(
            (
                fits.local[fits.decided > 0],
                batch.once(mask_rows),
                batch.once(rows_with_ignore_ids),
            )
        )
        rows = np.setdiff1d(batch.once(suspects), named)
        if not len(rows):
            return NOTHING
        part = batch.once(label_view).take(rows)
        labels = part[LABELS]
        wrong = (labels != IGNORE) & (labels != part[IDS]) & ~is_wrapped(batch, labels)
        values, many = np.unique(labels[wrong], return_counts=True)
        top = np.argsort(-many, kind="stable")[:VALUES_OF_BATCH]
        counts = {f"value {values[i]}": int(many[i]) for i in top}
        counts["wrong"] = int(many.sum())
        local, value = _longest_runs(part, wrong)
        hits = at_first_wrong(batch, rows[local])
        if not len(hits):
            return Look(counts=counts)
        return Look(replace(hits, found=value, codes=code_of(value)), counts)

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """The value that nearly all wrong labels have, as a code."""
        value, many = _commonest(counts)
        if many >= max(LEAST, AGREES * counts.get("wrong", 0)):
            return tuple(code_of(np.array([value])).tolist())
        return ()

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """Names the value, and what else it is."""
        value, _ = _commonest(counts)
        known = {self.vocabulary.pad: "the pad id", self.vocabulary.bos: "the BOS id"}
        known |= dict.fromkeys(self.vocabulary.eos or (), "an end id")
        what = f" ({known[value]})" if value in known else ""
        return f"{value}{what} stands where -100 was meant"


def _commonest(counts: Mapping[str, int]) -> tuple[int, int]:
    values = {key: many for key, many in counts.items() if key.startswith("value ")}
    if not values:
        return 0, 0
    key = max(values, key=lambda name: values[name])
    return int(key.split()[1]), values[key]


def _count(view: View, flags: Bools) -> Ints:
    return np.add.reduceat(flags, view.starts, dtype=np.int64)


def _longest_runs(view: View, wrong: Bools) -> tuple[Ints, Ints]:
    """Rows with a run of equal wrong labels, and the value of their longest one."""
    labels = view[LABELS]
    goes_on = np.zeros(len(labels), np.bool_)
    goes_on[1:] = wrong[1:] & wrong[:-1] & (labels[1:] == labels[:-1])
    goes_on[view.starts] = False  # every row here has tokens
    begins = np.flatnonzero(wrong & ~goes_on)
    if not len(begins):
        return begins, begins
    run = np.cumsum(wrong & ~goes_on) - 1
    length = np.bincount(run[wrong], minlength=len(begins))
    long = length >= RUN
    begins, length = begins[long], length[long]
    rows = view.rows_at(begins)
    order = np.lexsort((-length, rows))
    local, first = np.unique(rows[order], return_index=True)
    return local, labels[begins[order[first]]].astype(np.int64)


def is_wrapped(batch: TokenBatch, labels: Values) -> Bools:
    """Which of some labels of a batch are -100 wrapped by an unsigned type."""
    wrapped: Bools = labels == WRAPPED_32
    if labels.dtype.kind == "u":
        wrapped |= labels == 2 ** (8 * labels.dtype.itemsize) + IGNORE
    if batch.columns[LABELS].clipped:
        wrapped |= labels == CLIPPED
    return wrapped
