"""Rules about which part of a row is trained: prompts, answers, and what stands between them.

Each compares a row with what nearly all rows of the split do. Must not know special tokens.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import ClassVar

import numpy as np

from pretok_schemas.batch import TokenBatch, View
from pretok_schemas.contract import IDS, IGNORE
from pretok_schemas.findings import Effect, Severity
from pretok_schemas.flat import Ints
from pretok_schemas.rules.base import (
    NONE,
    Hits,
    Look,
    NormRule,
    RowRule,
    SplitFacts,
    Usual,
    some,
)
from pretok_schemas.rules.ends import NO_SAY
from pretok_schemas.rules.labelled import LABELLED, token_runs, trained_counts, trained_tokens
from pretok_schemas.rules.texts import texts

BEFORE = 3  # ids before a run that make its boundary
PACKED = 2**21
KEPT = 16  # distinct beginnings and boundaries counted a batch


def untrained_counts(batch: TokenBatch) -> tuple[Ints, Ints]:
    """Rows of the labelled view with a text of two tokens or more, and how many tokens of it
    behind the first carry no loss.
    """
    view, found = batch.view(*LABELLED), batch.once(texts)
    rows = found.rows
    if not view.tokens or not len(rows):
        return NONE.rows, NONE.rows
    # The texts are those of the ids' view: carried over by their places within the row.
    begin = found.first - found.view.starts[found.local]
    end = found.last - found.view.starts[found.local]
    some = end > begin
    local, begin, end = rows[some], begin[some], end[some]
    if view.rows is not None:
        at = np.minimum(np.searchsorted(view.rows, local), len(view) - 1)
        there = view.rows[at] == local
        local, begin, end = at[there], begin[there], end[there]
    # Mostly the text is the whole row: then the stretches that carry loss tell enough.
    trained = batch.once(trained_tokens)
    counts = end - begin - _trained_within(batch, local)
    counts += trained[view.starts[local]]
    for at in np.flatnonzero((begin > 0) | (end < view.lengths[local] - 1)).tolist():
        start = view.starts[local[at]]
        inside = trained[start + begin[at] + 1 : start + end[at] + 1]
        counts[at] = len(inside) - np.count_nonzero(inside)
    return local, counts


def _trained_within(batch: TokenBatch, local: Ints) -> Ints:
    """Trained tokens of some rows of the labelled view."""
    if not batch.labels_ahead:
        return batch.once(trained_counts)[local]
    view = batch.view(*LABELLED)
    return np.bincount(
        view.rows_at(np.flatnonzero(batch.once(trained_tokens))), minlength=len(view)
    )[local]


def _all_trained(batch: TokenBatch) -> Hits:
    """Rows in which every token behind the first carries loss; undecided."""
    view = batch.view(*LABELLED)
    local, silent = batch.once(untrained_counts)
    rows = view.batch_rows(local[silent == 0])
    return some(Hits(rows, np.ones(len(rows), np.int64))).hits


class PromptNotMasked(RowRule):
    """Prompts are trained like answers.

    What it checks:
        Not in 99 % of the rows does every token carry loss, where 90 % of the rows begin with the
        same two ids behind BOS: that is a template, and plain text is not meant.

    Why it matters:
        The model learns to write the user's part. Some want that; mostly labels were copied from
        the ids by accident.

    Fails:
        Chats whose labels are a copy of ``input_ids``.

    Passes:
        Chats with -100 before every answer; plain text with all labels set.
    """

    name = "prompt-not-masked"
    family = "labels"
    severity = Severity.WARNING
    views = (LABELLED,)
    left_out_by = ("wrong-kind", "narrow-integer", "mask-hole", "leading-padding", *NO_SAY)
    help = "mask the prompts (train_on_inputs: false), or switch the rule off"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "trained to write the prompts too"),
    }
    NEARLY_ALL = 0.99
    TEMPLATE = 0.9
    LEAST_ROWS = 8

    def look(self, batch: TokenBatch) -> Look:
        """Rows that train everything; they count if nearly all do, and begin alike."""
        local, silent = batch.once(untrained_counts)
        view = batch.view(*LABELLED)
        counts = {"rows": len(local), "whole": int((silent == 0).sum())}
        begin = view.starts[local]
        begin = begin + (view[IDS][begin] == self.vocabulary.bos)
        counts |= _commonest(_ids_at(view, local, begin, range(2)))
        return Look(_all_trained(batch), counts)

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """Counts if there is a template, and nearly every row trains everything."""
        rows = counts.get("rows", 0)
        _, most = _top(counts)
        whole = counts.get("whole", 0) >= self.NEARLY_ALL * rows
        template = most >= self.TEMPLATE * rows
        return (1,) if rows >= self.LEAST_ROWS and whole and template else ()


class MixedMasking(RowRule):
    """A row trains everything, while most rows mask their prompts.

    What it checks:
        If at least half of the rows have tokens without loss behind the first one, all have.

    Why it matters:
        Two producers were merged, or the marker that begins an answer was not found in these rows:
        their prompts are trained.

    Fails:
        In 30 of 1,000 rows labels are a copy of ``input_ids``.

    Passes:
        Every row masks its prompt; no row does.
    """

    name = "mixed-masking"
    family = "labels"
    severity = Severity.WARNING
    views = (LABELLED,)
    left_out_by = ("wrong-kind", "narrow-integer", "mask-hole", "leading-padding", *NO_SAY)
    help = "mask these rows like the others, or drop them"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "in these rows the prompt is trained too"),
    }
    HALF = 0.5

    def look(self, batch: TokenBatch) -> Look:
        """Rows that train everything; they count if fewer than half do."""
        local, silent = batch.once(untrained_counts)
        counts = {"rows": len(local), "whole": int((silent == 0).sum())}
        return Look(_all_trained(batch), counts)

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """Counts if fewer than half of the rows train everything."""
        rows, whole = counts.get("rows", 0), counts.get("whole", 0)
        return (1,) if whole < self.HALF * rows else ()


class PromptBoundary(NormRule):
    """The loss begins behind other tokens than in nearly all rows.

    What it checks:
        In a split of 20 rows or more, if the three ids before the first trained token are the same
        in at least 80 % of the rows, they are in all.

    Why it matters:
        The header before the answer merged with its first characters, or the prompt was cut: the
        model meets a beginning that it will not meet in use.

    Fails:
        980 of 1,000 answers follow one header, 20 follow something else.

    Passes:
        Every answer follows the same header; texts without a template.
    """

    name = "prompt-boundary"
    family = "labels"
    severity = Severity.WARNING
    views = (LABELLED,)
    left_out_by = (
        "wrong-kind",
        "narrow-integer",
        *NO_SAY,
        "special-token-as-text",
        "mixed-masking",
    )
    help = "tokenise prompt and answer in one go and mask by character offsets"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "trained to answer behind a beginning that use does not have"),
    }
    AGREEING = 0.8
    HALF = 0.5
    LEAST_ROWS = 20

    def survey(self, batch: TokenBatch) -> Mapping[str, int]:
        """Rows with a masked beginning, and the ids before their first trained token."""
        _, found = _boundaries(batch)
        return {"rows": len(found), **_commonest(found)}

    def guess(self, counts: Mapping[str, int]) -> str | None:
        """The ids that half of the rows have there."""
        ids, most = _top(counts)
        return ids if most >= self.HALF * counts["rows"] else None

    def norm(self, counts: Mapping[str, int], facts: SplitFacts) -> str | None:
        """The ids that nearly all rows have there, if some have others."""
        rows = counts.get("rows", 0)
        ids, most = _top(counts)
        if rows >= self.LEAST_ROWS and self.AGREEING * rows <= most < rows:
            return ids
        return None

    def depart(self, batch: TokenBatch, norm: str) -> Hits:
        """Rows with other ids before their first trained token, at that token."""
        view = batch.view(*LABELLED)
        at, found = _boundaries(batch)
        expected = np.array([int(part) for part in norm.split()])
        other = (found != expected).any(axis=1)
        at, found = at[other], found[other]
        local = view.rows_at(at)
        texts_ = np.array([_shown(row) for row in found.tolist()], object)
        return Hits(
            view.batch_rows(local),
            at - view.starts[local],
            found=texts_,
            expected=np.full(len(at), _shown(expected.tolist()), object),
        )


def _boundaries(batch: TokenBatch) -> tuple[Ints, Ints]:
    """The first trained token of each row that does not begin with one, as a flat index, and the
    three ids before it (shape (rows, 3), -1 where the row begins later). Left out are rows in which
    the ignore index stands there: that says nothing of a template.
    """
    view, runs = batch.view(*LABELLED), batch.once(token_runs)
    first = np.ones(len(runs.rows), np.bool_)
    first[1:] = runs.rows[1:] != runs.rows[:-1]
    first &= runs.begins > view.starts[runs.rows]
    rows, at = runs.rows[first], runs.begins[first]
    ids = _ids_at(view, rows, at, range(-BEFORE, 0))
    known = (ids != IGNORE).all(axis=1)
    return at[known], ids[known]


def _ids_at(view: View, rows: Ints, at: Ints, steps: range) -> Ints:
    """The ids at some steps from flat places, one a row; -1 outside of it. Shape (rows, steps)."""
    where = at[:, None] + np.arange(steps.start, steps.stop)
    outside = where < view.starts[rows, None]
    outside |= where >= view.offsets[rows + 1, None]
    where[outside] = 0
    ids = view[IDS][where].astype(np.int64)
    ids[outside] = -1
    return ids


def _commonest(rows: Ints) -> dict[str, int]:
    """The most frequent rows of an array of ids, as counts."""
    if not len(rows):
        return {}
    if (rows == rows[0]).all():
        return {"ids " + " ".join(map(str, rows[0].tolist())): len(rows)}
    low, high = int(rows.min()), int(rows.max())
    if low >= -1 and high < PACKED - 1:
        # Three ids of any real vocabulary fit into one number, which sorts much faster.
        keys = np.zeros(len(rows), np.int64)
        for column in rows.T:
            keys = keys * PACKED + column + 1
        _, first, many = np.unique(keys, return_index=True, return_counts=True)
        distinct = rows[first]
    else:
        distinct, many = np.unique(rows, axis=0, return_counts=True)
    top = np.argsort(-many, kind="stable")[:KEPT]
    return {"ids " + " ".join(map(str, distinct[i].tolist())): int(many[i]) for i in top.tolist()}


def _top(counts: Mapping[str, int]) -> tuple[str, int]:
    """The most frequent ids among counts, and their number."""
    named = [(many, key[4:]) for key, many in counts.items() if key.startswith("ids ")]
    many, ids = max(named, default=(0, ""))
    return ids, many


def _shown(ids: list[int]) -> str:
    return " ".join("-" if value < 0 else str(value) for value in ids)
