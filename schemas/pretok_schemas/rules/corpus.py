"""Rules that compare rows with one another, within a split and across splits.

Each row leaves a key of 8 bytes made from its length and a few of its ids, so that a clean set
costs almost nothing; only rows whose keys meet are read again and compared whole. Must not know
files: who scans provides the second look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from pretok_schemas.batch import TokenBatch
from pretok_schemas.contract import IDS, LABELS
from pretok_schemas.findings import Effect, Severity
from pretok_schemas.flat import Ints
from pretok_schemas.rules.base import CorpusRule, Usual
from pretok_schemas.rules.labelled import LABELLED

Keys = npt.NDArray[np.uint64]

SAMPLES = 16
OF_IDS = 16  # bytes of a digest that are those of the ids
OVERLAP_TOKENS = 16  # shorter rows recur by nature

# Odd multipliers without a pattern, so that every process and every machine makes the same keys.
_WEIGHTS = np.array([pow(0x9E3779B97F4A7C15, n, 2**64) for n in range(1, SAMPLES + 2)], np.uint64)
KEY_BITS = np.uint64(2**64 - 4)


class DuplicateRows(CorpusRule):
    """A row repeats an earlier row of the split.

    What it checks:
        No row has the same ``input_ids`` and ``labels`` as an earlier row of its split. Empty
        rows, and rows that cannot be read or are ragged, are left out.

    Why it matters:
        The row is trained twice an epoch, and random validation splits leak.

    Fails:
        Two rows ``[1, 5, 6, 2]`` with equal labels.

    Passes:
        Two rows ``[1, 5, 6, 2]`` of which one has other labels.
    """

    name = "duplicate-rows"
    family = "corpus"
    severity = Severity.WARNING
    views = (LABELLED,)
    eligible = 1
    help = "keep the first of them"
    usual: ClassVar[Usual] = {
        "": (Effect.WASTED, "the row is trained twice an epoch"),
    }
    evidence = "the same as"


class ConflictingLabels(CorpusRule):
    """Rows of the same ids have other labels.

    What it checks:
        Rows of a split with the same ``input_ids`` have the same ``labels``. One row is reported
        for each group of such rows: the first that departs from the one before.

    Why it matters:
        One text is trained in two ways: here as a prompt, there as an answer.

    Fails:
        Two rows ``[1, 5, 6, 2]``, labelled ``[-100, 5, 6, 2]`` and ``[-100, -100, 6, 2]``.

    Passes:
        Two rows ``[1, 5, 6, 2]`` with equal labels, which duplicate-rows reports.
    """

    name = "conflicting-labels"
    family = "corpus"
    severity = Severity.WARNING
    views = (LABELLED,)
    eligible = 1
    help = "decide which labels are meant, and drop the other row"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "one text is trained in two ways"),
    }
    evidence = "the same ids as"


class SplitOverlap(CorpusRule):
    """A row of one split stands in another split too.

    What it checks:
        No row of 16 tokens or more has the same ``input_ids`` as a row of an earlier split of the
        dataset; `train` counts as the earliest.

    Why it matters:
        The evaluation is not held out: its loss looks better than it is.

    Fails:
        The same row in ``train.parquet`` and ``test.parquet``.

    Passes:
        Rows that are split first and oversampled afterwards.

    References:
        huggingface/datasets#4261
    """

    name = "split-overlap"
    family = "corpus"
    views = ((IDS,),)
    eligible = 2
    help = "drop these rows from one of the splits; remove duplicates before splitting"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "the evaluation is not held out"),
    }
    evidence = "the same as"


def row_keys(batch: TokenBatch) -> Keys:
    """One key a row of the batch, uint64 of shape (rows,).

    Equal rows have equal keys; unequal rows rarely do. The two lowest bits say which of the rules
    may compare the row (`CorpusRule.eligible`); a key of 0 takes part in nothing.
    """
    keys = np.zeros(batch.rows, np.uint64)
    view = batch.view(IDS)
    lengths = view.lengths
    local = np.flatnonzero(lengths > 0)
    if not len(local):
        return keys
    lengths = lengths[local]
    places = view.starts[local, None] + (lengths[:, None] - 1) * np.arange(SAMPLES) // (SAMPLES - 1)
    sampled = view[IDS][places].astype(np.int64).view(np.uint64)
    mixed = (sampled * _WEIGHTS[:-1]).sum(axis=1) + lengths.astype(np.uint64) * _WEIGHTS[-1]
    mixed ^= mixed >> np.uint64(31)
    mixed *= _WEIGHTS[0]
    mixed &= KEY_BITS
    mixed |= np.uint64(SplitOverlap.eligible) * (lengths >= OVERLAP_TOKENS).astype(np.uint64)
    rows = view.batch_rows(local)
    keys[rows] = mixed
    labelled = batch.view(*LABELLED)
    if labelled.rows is None:
        keys[rows] |= np.uint64(DuplicateRows.eligible)
    else:
        usable = np.zeros(batch.rows, np.bool_)
        usable[labelled.rows] = True
        keys[usable & (keys != 0)] |= np.uint64(DuplicateRows.eligible)
    return keys


def row_digests(batch: TokenBatch, rows: Ints, labels: bool) -> list[bytes]:
    """A 16-byte digest of each row's ids, and 16 bytes more for its labels where asked for.

    Two rows are taken for equal exactly if their digests are. Values count, not their types.
    """
    roles = (IDS, LABELS) if labels else (IDS,)
    digests = []
    for row in rows.tolist():
        whole = b""
        for role in roles:
            lists = batch.columns[role]
            values = lists.values[lists.offsets[row] : lists.offsets[row + 1]].astype("<i8")
            whole += hashlib.blake2b(values.tobytes(), digest_size=OF_IDS).digest()
        digests.append(whole)
    return digests


def later_equals(digests: Iterable[tuple[int, bytes]]) -> list[tuple[int, int]]:
    """Of rows in order, each that equals an earlier one: (row, the first row it equals)."""
    first: dict[bytes, int] = {}
    return [
        (row, earlier)
        for row, digest in digests
        if (earlier := first.setdefault(digest, row)) != row
    ]


def first_conflicts(digests: Iterable[tuple[int, bytes]]) -> list[tuple[int, int]]:
    """Of rows in order, by group of equal ids: the first with other labels than the group's first
    row, and that row.
    """
    first: dict[bytes, tuple[int, bytes]] = {}
    found = []
    told: set[bytes] = set()
    for row, digest in digests:
        ids, labels = digest[:OF_IDS], digest[OF_IDS:]
        earlier, theirs = first.setdefault(ids, (row, labels))
        if labels != theirs and ids not in told:
            told.add(ids)
            found.append((row, earlier))
    return found
