"""What the label rules know of a batch: which labels carry loss, and which of those are wrong.

Computed once a batch (`TokenBatch.once`); holds no rule. Must not know the attention mask.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pretok_schemas.batch import TokenBatch, View
from pretok_schemas.contract import IDS, IGNORE, LABELS
from pretok_schemas.flat import Bools, Ints, cumulated, places
from pretok_schemas.rules.base import Hits
from pretok_schemas.rules.tokens import id_range

LABELLED = (IDS, LABELS)


class LabelState(NamedTuple):
    """Flat bools over the labelled view: labels that are not -100, and of those the wrong ones.

    ``wrong`` (trained, and not the id that belongs there) is None where there is no such place;
    ``at`` are the flat indices of these places (int64, rising).
    """

    trained: Bools
    wrong: Bools | None
    at: Ints


def label_view(batch: TokenBatch) -> View:
    """The labelled view with, as ids, what each label must be if it carries loss.

    That is the input id at the same place. Where labels are shifted in the dataset it is the next
    one; behind a row's last id anything from 0 up may follow.
    """
    view = batch.view(*LABELLED)
    if not batch.labels_ahead or not view.tokens:
        return view
    labels = view[LABELS]
    last = view.offsets[1:][view.lengths > 0] - 1
    following = np.empty(len(labels), np.result_type(view[IDS].dtype, labels.dtype, np.int64))
    following[:-1] = view[IDS][1:]
    following[last] = np.maximum(labels[last], 0)
    return View(view.rows, view.offsets, {IDS: following, LABELS: labels})


def label_state(batch: TokenBatch) -> LabelState:
    """The comparison of labels with -100 and with the ids, made once a batch."""
    view = batch.once(label_view)
    labels, ids = view[LABELS], view[IDS]
    trained = labels != IGNORE
    wrong = labels != ids
    wrong &= trained
    at = places(wrong)
    return LabelState(trained, wrong if len(at) else None, at)


def targets(batch: TokenBatch) -> Bools:
    """Flat bool over the labelled view: the labels that the loss counts.

    Where the model shifts, a row's first label is no target.
    """
    flat = batch.once(label_state).trained
    if batch.labels_ahead:
        return flat
    view = batch.view(*LABELLED)
    flat = flat.copy()
    flat[view.starts[view.lengths > 0]] = False
    return flat


def trained_tokens(batch: TokenBatch) -> Bools:
    """Flat bool over the labelled view: the input ids that the model learns to produce.

    A row's first token counts where its label is set, as the file's author meant it.
    """
    trained = batch.once(label_state).trained
    if not batch.labels_ahead:
        return trained
    view = batch.view(*LABELLED)
    moved = np.zeros(len(trained), np.bool_)
    moved[1:] = trained[:-1]
    moved[view.starts[view.lengths > 0]] = False
    return moved


class Runs(NamedTuple):
    """Stretches of a row that carry loss: int64 each, in the order of the flat array.

    ``rows`` are rows of the labelled view; ``begins`` and ``ends`` flat indices, the latter of the
    place behind the last one.
    """

    rows: Ints
    begins: Ints
    ends: Ints


def label_runs(batch: TokenBatch) -> Runs:
    """The stretches of labels that are not -100."""
    return _runs(batch.view(*LABELLED), batch.once(label_state).trained)


def token_runs(batch: TokenBatch) -> Runs:
    """The stretches of tokens that the model learns to produce."""
    if not batch.labels_ahead:
        return batch.once(label_runs)
    return _runs(batch.view(*LABELLED), batch.once(trained_tokens))


def _runs(view: View, trained: Bools) -> Runs:
    size = len(trained)
    edge = np.zeros(size + 1, np.bool_)
    if size:
        np.not_equal(trained[1:], trained[:-1], out=edge[1:size])
        edge[view.starts] = True  # a stretch ends with its row
    edge[[0, size]] = True
    edges = places(edge)
    begins, ends = edges[:-1], edges[1:]
    kept = trained[begins]
    begins, ends = begins[kept], ends[kept]
    return Runs(view.rows_at(begins), begins, ends)


def trained_counts(batch: TokenBatch) -> Ints:
    """By row of the labelled view, labels that are not -100."""
    view, runs = batch.view(*LABELLED), batch.once(label_runs)
    return _sums(runs, len(view))


def _sums(runs: Runs, rows: int) -> Ints:
    total = cumulated(runs.ends - runs.begins)
    first = np.searchsorted(runs.rows, np.arange(rows + 1))
    sums: Ints = total[first[1:]] - total[first[:-1]]
    return sums


def target_counts(batch: TokenBatch) -> Ints:
    """By row of the labelled view, labels that the loss counts (see `targets`)."""
    counts = batch.once(trained_counts)
    if batch.labels_ahead:
        return counts
    view = batch.view(*LABELLED)
    filled = filled_rows(view)
    counts = counts.copy()
    counts[filled] -= batch.once(label_state).trained[view.starts[filled]]
    return counts


def filled_rows(view: View) -> Ints:
    """The rows of a view that have tokens."""
    return np.flatnonzero(view.lengths > 0)


def rows_with_ignore_ids(batch: TokenBatch) -> Ints:
    """Rows of the labelled view whose ids hold -100: another rule's rows, which decide nothing."""
    view = batch.view(*LABELLED)
    if batch.once(id_range)[0] >= 0:
        return np.zeros(0, np.int64)
    return view.first_in_row(places(view[IDS] == IGNORE))[0]


def suspects(batch: TokenBatch) -> Ints:
    """Rows of the labelled view with a label that is neither -100 nor the id."""
    return batch.once(first_wrong)[0]


def first_wrong(batch: TokenBatch) -> tuple[Ints, Ints]:
    """Rows of the labelled view with such a label, and the flat index of the first in each."""
    return batch.view(*LABELLED).first_in_row(batch.once(label_state).at)


def at_first_wrong(batch: TokenBatch, local: Ints) -> Hits:
    """Hits for rows of the labelled view, at their first label that is neither -100 nor the id."""
    view, state = batch.once(label_view), batch.once(label_state)
    if not len(local) or state.wrong is None:
        return Hits()
    rows, first = batch.once(first_wrong)
    at = first[np.searchsorted(rows, local)]
    return Hits(
        view.batch_rows(local),
        at - view.starts[local],
        found=view[LABELS][at],
        expected=view[IDS][at],
    )
