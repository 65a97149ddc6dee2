"""Rules about the shape of cells and rows: what makes them unreadable as lists of tokens.

Must not know token values beyond null, nor other rules' results.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pretok_schemas.batch import Defect, TokenBatch
from pretok_schemas.contract import IDS, LABELS, MASK, Column
from pretok_schemas.findings import Severity
from pretok_schemas.flat import Ints
from pretok_schemas.rules.base import (
    NOTHING,
    Hits,
    Look,
    RowRule,
    SplitFacts,
)


class ColumnType(RowRule):
    """A column holds something else than flat lists of integers.

    What it checks:
        The Arrow type of each column, and in JSON every cell: text, floats, scalars, nested lists
        and objects are not lists of token ids. A boolean attention mask is accepted; a mask of
        floats does no harm and is a warning.

    Why it matters:
        The trainer crashes when it builds the first batch that holds such a row.

    Fails:
        ``input_ids: string`` (a csv round trip), ``list<list<int64>>`` (the batch axis was kept).

    Passes:
        ``list<int32>``, ``large_list<uint16>``, ``fixed_size_list<int64>``.
    """

    name = "column-type"
    family = "structure"
    views = ((IDS,), (MASK,), (LABELS,))
    help = "write each cell as a flat list of integers"

    CAUSES = (
        ("text", "lists became text: a csv round trip, or str() of a list"),
        (
            "nested",
            "the batch axis was kept (return_tensors), or the turns of a row were not joined",
        ),
        ("float", "a missing value turned integers into floats on the way through pandas or JSON"),
    )

    def look(self, batch: TokenBatch) -> Look:
        """Every row of a foreign column, and each cell that a JSON reader could not take."""
        foreign = [(role, what) for role, what in batch.foreign.items() if what.kind != "null"]
        if foreign:
            # Types belong to files that have a schema: there every row has the same fault.
            role, what = min(foreign, key=lambda item: item[1].mild)
            rows = np.arange(batch.rows)
            columns = {name: len(rows) for name, what in foreign if not what.mild}
            hits = _typed(rows, [(role, what.text, what.mild)] * len(rows))
            return Look(hits, {what.kind: len(rows), **columns})
        found: dict[int, Defect] = {}
        counts: dict[str, int] = {}
        for defect in batch.defects:
            if defect.row not in found or found[defect.row].mild:
                found[defect.row] = defect
            for key in (defect.kind, *(() if defect.mild else (defect.role,))):
                counts[key] = counts.get(key, 0) + 1
        if not found:
            return NOTHING
        rows = np.array(sorted(found), np.int64)
        cells = [(found[row].role, found[row].text, found[row].mild) for row in rows.tolist()]
        return Look(_typed(rows, cells), counts)

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """What usually makes a column of this kind."""
        return next(
            (text for kind, text in self.CAUSES if counts.get(kind, 0) * 2 > violations), None
        )


def _typed(rows: Ints, cells: list[tuple[str, str, bool]]) -> Hits:
    return Hits(
        rows,
        roles=np.array([cell[0] for cell in cells], object),
        found=np.array([cell[1] for cell in cells], object),
        expected=np.full(len(rows), "a list of integers", object),
        mild=np.array([cell[2] for cell in cells], np.bool_),
    )


class NullRow(RowRule):
    """A cell is null or absent.

    What it checks:
        No row has null in a column that the trainer reads; a JSON line that lacks the key counts
        as null.

    Why it matters:
        The trainer crashes at load, or at a random step when the row comes up.

    Fails:
        ``{"input_ids": [1, 5, 2], "attention_mask": [1, 1, 1]}`` among lines that have labels.

    Passes:
        Every line has all three keys.
    """

    name = "null-row"
    family = "structure"
    views = ((IDS,), (MASK,), (LABELS,))
    help = "drop the row, or write the lists that it lacks"

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a null cell; the first such column is named."""
        hits: dict[int, str] = {}
        counts: dict[str, int] = {}
        for column in self.contract.columns:
            foreign = batch.foreign.get(column.role)
            lists = batch.columns.get(column.role)
            if foreign is not None and foreign.kind == "null":
                rows = list(range(batch.rows))
            elif lists is not None and lists.null_rows is not None and not _made(batch, column):
                spoken = {d.row for d in batch.defects if d.role == column.role}
                rows = [r for r in np.flatnonzero(lists.null_rows).tolist() if r not in spoken]
            else:
                continue
            for row in rows:
                hits.setdefault(row, column.role)
            counts[column.role] = len(rows)
        if not hits:
            return NOTHING
        order = sorted(hits)
        return Look(
            Hits(
                np.array(order, np.int64),
                roles=np.array([hits[row] for row in order], object),
                found=np.full(len(order), "null", object),
                expected=np.full(len(order), "a list", object),
            ),
            counts,
        )


class NullToken(RowRule):
    """A list holds a null.

    What it checks:
        No list of a row has a null among its values.

    Why it matters:
        The trainer crashes when it builds the batch: ``Unable to create tensor``.

    Fails:
        ``labels: [null, null, 5, 2]``

    Passes:
        ``labels: [-100, -100, 5, 2]``
    """

    name = "null-token"
    family = "structure"
    views = ((IDS,), (MASK,), (LABELS,))
    help = "write -100 where a token carries no loss; never null"

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a null inside a list, at the first null of the first such column."""
        hits: dict[int, tuple[int, str]] = {}
        counts: dict[str, int] = {}
        for column in self.contract.columns:
            lists = batch.columns.get(column.role)
            if lists is None or lists.null_tokens is None or _made(batch, column):
                continue
            holes = np.flatnonzero(lists.null_tokens)
            foreign = [d.row for d in batch.defects if d.role == column.role and not d.mild]
            if foreign:
                at = np.searchsorted(lists.offsets, holes, side="right") - 1
                holes = holes[~np.isin(at, foreign)]
            rows, first = np.unique(
                np.searchsorted(lists.offsets, holes, side="right") - 1, return_index=True
            )
            at = holes[first] - lists.offsets[rows]
            for row, position in zip(rows.tolist(), at.tolist(), strict=True):
                hits.setdefault(row, (position, column.role))
            counts[column.role] = len(rows)
        if not hits:
            return NOTHING
        order = sorted(hits)
        return Look(
            Hits(
                np.array(order, np.int64),
                np.array([hits[row][0] for row in order], np.int64),
                roles=np.array([hits[row][1] for row in order], object),
                found=np.full(len(order), "null", object),
                expected=np.full(len(order), "an integer", object),
            ),
            counts,
        )

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """Nulls in labels nearly always stand for the ignore index."""
        if counts.get(LABELS, 0) * 2 > violations:
            return "null was written in labels where -100 was meant"
        return None


class LengthMismatch(RowRule):
    """The lists of one row differ in length.

    What it checks:
        ``attention_mask`` and ``labels``, and every other column with one value a token, are
        exactly as long as ``input_ids``.

    Why it matters:
        Axolotl pads ids and labels apart, each to a multiple of 64: inside one multiple the row
        trains on shifted targets without a word, beyond it the run crashes. With packing, every
        later row of the bin is shifted as well.

    Fails:
        ``input_ids: [1, 5, 2]``, ``labels: [5, 2]``

    Passes:
        Three lists of three values.

    References:
        axolotl-ai-cloud/axolotl#1632
    """

    name = "length-mismatch"
    family = "structure"
    views = ((IDS, MASK), (IDS, LABELS))
    help = "make the three lists in one place, from one tokenisation of the row"

    def look(self, batch: TokenBatch) -> Look:
        """Rows whose mask or labels are longer or shorter than the ids."""
        ids = batch.columns.get(IDS)
        if ids is None:
            return NOTHING
        lengths = np.diff(ids.offsets)
        pair = np.zeros(batch.rows, np.int8)
        other = np.zeros(batch.rows, np.int64)
        counts = {"other": 0}
        # Labels last: where several differ, theirs is the worst effect.
        parallel = [column.role for column in self.contract.columns if column.parallel]
        roles = [*(role for role in parallel if role not in (IDS, LABELS)), LABELS]
        for code, role in enumerate(roles, start=1):
            lists = batch.columns.get(role)
            if lists is None or lists.offsets is ids.offsets:
                continue
            theirs = np.diff(lists.offsets)
            differs = theirs != lengths
            for sound in (IDS, role):
                if sound in batch.unusable:
                    differs &= ~batch.unusable[sound]
            pair[differs] = code
            if differs.any():
                counts[role] = int(differs.sum())
            other[differs] = theirs[differs]
        rows = np.flatnonzero(pair)
        if not len(rows):
            return NOTHING
        named = np.array(("", *roles), object)[pair[rows]]
        step = other[rows] - lengths[rows]
        for role, difference in zip(named.tolist(), step.tolist(), strict=True):
            key = f"{role} {difference}" if abs(difference) <= 64 else "other"
            counts[key] = counts.get(key, 0) + 1
        labels = batch.columns.get(LABELS)
        if labels is not None and LABELS not in batch.unusable and IDS not in batch.unusable:
            counts["spread"] = _spread(np.diff(labels.offsets)) - _spread(lengths)
            counts["all"] = batch.rows
        return Look(Hits(rows, found=other[rows], expected=lengths[rows], roles=named), counts)

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """A constant difference, or the same lengths in another order."""
        if counts.get(LABELS) and counts.get("spread") == 0 and counts.get("all") == facts.rows:
            return (
                "the labels have the lengths of input_ids in another order: "
                "one of the columns was shuffled or sorted without the other"
            )
        steps = {key: n for key, n in counts.items() if key == "other" or " " in key}
        key, most = max(steps.items(), key=lambda item: item[1])
        if key == "other" or most < 0.9 * violations or violations < 2:
            return None
        role, difference = key.split()
        way = "shorter" if difference.startswith("-") else "longer"
        tokens = abs(int(difference))
        return (
            f"{role} is {tokens} {way} than input_ids in {most:,} of these rows: "
            "BOS or EOS was added to one column only, or one column was cut"
        )


class EmptyRow(RowRule):
    """A row has no tokens.

    What it checks:
        ``input_ids`` of every row holds at least one token.

    Why it matters:
        The trainer drops the row without telling which.

    Fails:
        ``input_ids: []``

    Passes:
        ``input_ids: [1, 5, 2]``
    """

    name = "empty-row"
    family = "structure"
    severity = Severity.WARNING
    views = ((IDS,),)
    help = "drop the row, or look why its text is empty"

    def look(self, batch: TokenBatch) -> Look:
        """Rows of length 0."""
        view = batch.view(IDS)
        if not len(view) or view.lengths.min() > 0:
            return NOTHING
        rows = view.batch_rows(np.flatnonzero(view.lengths == 0))
        return Look(Hits(rows, found=np.zeros(len(rows), np.int64)))


def _made(batch: TokenBatch, column: Column) -> bool:
    """Whether a column is the labels that the trainer makes of the ids: these tell their nulls."""
    ids, lists = batch.columns.get(IDS), batch.columns.get(column.role)
    if column.role != LABELS or ids is None or lists is None:
        return False
    return lists.null_rows is ids.null_rows and lists.null_tokens is ids.null_tokens


def _spread(lengths: Ints) -> int:
    """A sum that differs for unequal sets of lengths, in all but contrived cases."""
    mixed = (lengths.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)
    return int(mixed.astype(np.int64).sum())
