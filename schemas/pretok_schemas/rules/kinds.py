"""The rule about files that are something else than the trainer's rows: one finding for a hundred.

Must not know masks or special tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from pretok_schemas.batch import TokenBatch
from pretok_schemas.contract import IDS, IGNORE, LABELS, MASK
from pretok_schemas.findings import Effect
from pretok_schemas.flat import Ints, frequent
from pretok_schemas.rules.base import SplitFacts, SplitRule, Usual
from pretok_schemas.rules.labelled import LABELLED, label_state, label_view

TOKEN_COLUMNS = frozenset({IDS, LABELS, "tokens", "token_ids"})
TEXT_COLUMNS = frozenset({"text", "messages", "conversations", "prompt", "completion", "content"})
KEPT = 4  # input ids counted a batch as the mask of a masked language model
DISTINCT = 16  # labels told apart at each of them


class WrongKind(SplitRule):
    """The dataset is of another kind than the trainer takes.

    What it checks:
        The split holds no preference pairs (``chosen``, ``rejected``) or raw text instead of
        tokens, no batches of a masked language model (most labels that differ from their id stand
        on one input id, with many values), and no encoder-decoder rows (``decoder_input_ids``, or
        labels of other lengths than the ids in 80 % of the rows, with other values).

    Why it matters:
        The trainer stops at load, or trains on pairs of tokens that never belonged together.

    Fails:
        ``chosen_input_ids``, ``rejected_input_ids``; ``input_ids`` where 15 % are ``[MASK]``.

    Passes:
        ``input_ids``, ``attention_mask``, ``labels`` of a causal language model.
    """

    name = "wrong-kind"
    family = "structure"
    views = (LABELLED, (IDS,), (LABELS,), (MASK,))
    help = "use the trainer that these rows were made for, or tokenise them for this one"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "stops at load, or trains on pairs of tokens that were never meant"),
    }
    LEAST_DIFFERENT = 100
    LEAST_DISTINCT = 10
    HALF = 0.5
    LEAST_ROWS = 20
    UNEVEN = 0.8
    CONSTANT = 0.9

    def survey(self, batch: TokenBatch) -> Mapping[str, int]:
        """Labels that differ from their ids and where they stand; labels of other lengths."""
        counts = self._uneven(batch)
        wrong = batch.once(label_state).at
        if not len(wrong):
            return counts
        view = batch.once(label_view)
        ids, labels = batch.view(*LABELLED)[IDS][wrong], view[LABELS][wrong]
        counts["different"] = len(ids)
        for value, many in frequent(ids, KEPT):
            if value < 0:
                continue
            counts[f"at {value}"] = many
            distinct = np.unique(labels[ids == value])[:DISTINCT]
            counts |= {f"{value} as {label}": 1 for label in distinct.tolist()}
        return counts

    def _uneven(self, batch: TokenBatch) -> dict[str, int]:
        ids, labels = batch.columns.get(IDS), batch.columns.get(LABELS)
        if ids is None or labels is None or ids.offsets is labels.offsets:
            return {"rows": batch.rows}
        step = np.diff(labels.offsets) - np.diff(ids.offsets)
        unread = np.zeros(batch.rows, np.bool_)
        for role in LABELLED:
            if role in batch.unusable:
                unread |= batch.unusable[role]
        step = step[~unread]
        values, many = np.unique(step[step != 0], return_counts=True)
        counts = {"rows": batch.rows, "uneven": int(many.sum())}
        top = np.argsort(-many, kind="stable")[:DISTINCT].tolist()
        counts |= {f"step {values[i]}": int(many[i]) for i in top}
        counts |= _kinship(batch, np.flatnonzero(~unread))
        return counts

    def conclude(self, counts: Mapping[str, int], facts: SplitFacts) -> str | None:
        """What the rows are instead, if that is plain."""
        for names in facts.columns:
            if found := _by_columns(names):
                return found
        return self._masked_model(counts) or self._two_sequences(counts)

    def _masked_model(self, counts: Mapping[str, int]) -> str | None:
        different = counts.get("different", 0)
        at = {key: many for key, many in counts.items() if key.startswith("at ")}
        if different < self.LEAST_DIFFERENT or not at:
            return None
        key, most = max(at.items(), key=lambda item: item[1])
        token = key[3:]
        distinct = sum(name.startswith(f"{token} as ") for name in counts)
        if most < self.HALF * different or distinct < self.LEAST_DISTINCT:
            return None
        return (
            f"batches of a masked language model: {most:,} of {different:,} labels that differ "
            f"from their id stand on id {token}"
        )

    def _two_sequences(self, counts: Mapping[str, int]) -> str | None:
        rows, uneven = counts.get("rows", 0), counts.get("uneven", 0)
        if rows < self.LEAST_ROWS or uneven < self.UNEVEN * rows:
            return None
        constant = max((n for key, n in counts.items() if key.startswith("step ")), default=0)
        shuffled = counts.get("power 1") == 0 and counts.get("power 2") == 0
        related = max(counts.get("head", 0), counts.get("tail", 0))
        if constant >= self.CONSTANT * uneven or shuffled:
            return None
        if related >= self.HALF * counts.get("compared", 0):
            return None  # labels of these very ids, cut or drawn out
        return f"encoder-decoder rows: labels of another length than input_ids in {uneven:,} rows"


def _by_columns(names: frozenset[str]) -> str | None:
    pairs = sorted(name for name in names if name.startswith(("chosen", "rejected")))
    if len(pairs) > 1 and IDS not in names:
        return f"preference pairs: columns {', '.join(pairs[:4])}"
    if "decoder_input_ids" in names:
        return "encoder-decoder rows: a column decoder_input_ids"
    texts = sorted(TEXT_COLUMNS & names)
    if texts and not TOKEN_COLUMNS & names:
        return f"raw text: a column {texts[0]} and none with tokens"
    return None


def _kinship(batch: TokenBatch, rows: Ints) -> dict[str, int]:
    """How labels of other lengths than the ids stand to them, over rows that can be read.

    Labels that equal the id at the same place from the head or from the tail on, out of those
    compared; and sums that are 0 where the lengths are the same in another order.
    """
    ids, labels = batch.columns[IDS], batch.columns[LABELS]
    mine, theirs = np.diff(ids.offsets)[rows], np.diff(labels.offsets)[rows]
    counts = {f"power {n}": int((theirs**n).sum() - (mine**n).sum()) for n in (1, 2)}
    rows = rows[mine != theirs]
    common = np.minimum(np.diff(ids.offsets)[rows], np.diff(labels.offsets)[rows])
    ends = np.cumsum(common)
    inside = np.arange(int(common.sum())) - np.repeat(ends - common, common)
    head = (
        np.repeat(ids.offsets[rows], common) + inside,
        np.repeat(labels.offsets[rows], common) + inside,
    )
    tail = (
        np.repeat(ids.offsets[rows + 1] - common, common) + inside,
        np.repeat(labels.offsets[rows + 1] - common, common) + inside,
    )
    for name, (at, there) in (("head", head), ("tail", tail)):
        values = labels.values[there]
        trained = values != IGNORE
        counts[name] = int(np.count_nonzero(trained & (values == ids.values[at])))
        compared = int(np.count_nonzero(trained))
        counts["compared"] = max(counts.get("compared", 0), compared)
    return counts
