"""Rules about how a text begins: with BOS, twice, or not at all.

A row's text is what is left without padding at its ends (see `rules.texts`).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from pretok_schemas.batch import TokenBatch
from pretok_schemas.contract import IDS
from pretok_schemas.findings import Effect, Severity
from pretok_schemas.rules.base import (
    NOTHING,
    Hits,
    Look,
    RowRule,
    SplitFacts,
    Usual,
    tokenizer_of,
)
from pretok_schemas.rules.texts import attended, texts

NEARLY_ALL = 0.9  # share of rows that makes a habit of a split


class DoubleBos(RowRule):
    """A row begins with two BOS tokens.

    What it checks:
        The first two tokens of a row's text are not both the BOS id. Without a declared BOS id: not
        the first two ids of nearly all rows are equal (90 %).

    Why it matters:
        The chat template and the tokenizer both added one. The model is trained on a beginning
        that it never meets in use.

    Fails:
        ``input_ids: [1, 1, 5, 2]`` with ``bos-token-id = 1``

    Passes:
        ``input_ids: [1, 5, 2]``

    Options:
        ``bos-token-id`` of the dataset.

    References:
        unslothai/unsloth#2648, huggingface/open-r1#462
    """

    name = "double-bos"
    family = "tokens"
    severity = Severity.WARNING
    views = ((IDS,),)
    left_out_by = ("ignore-index-in-ids", "mask-hole", "leading-padding", "mask-all-zero")
    help = "tokenise the templated text with add_special_tokens=False"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "trained on a beginning that the model never meets in use"),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows whose text begins with BOS twice, at the second one."""
        found = batch.once(attended)
        ids, bos = found.ids, self.vocabulary.bos
        counts = {} if bos is not None else {"rows": len(found.local)}
        longer = found.first < found.last
        first = found.first[longer]
        twice = ids[first] == ids[first + 1]
        if bos is not None:
            twice &= ids[first] == bos
        if not twice.any():
            return Look(counts=counts)
        which = np.zeros(len(found.local), np.bool_)
        which[np.flatnonzero(longer)[twice]] = True
        at = found.first[which] + 1
        hits = Hits(found.rows[which], found.positions(at, which), found=ids[at])
        if bos is not None:
            return Look(hits)
        counts["twice"] = len(hits)
        return Look(replace(hits, codes=np.ones(len(hits), np.int64)), counts)

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """Without a declared BOS: counts if nearly all rows begin like this."""
        rows, twice = counts.get("rows", 0), counts.get("twice", 0)
        return (1,) if rows >= 2 and twice >= NEARLY_ALL * rows else ()

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """Both halves of the pipeline add it."""
        if self.vocabulary.bos is None:
            return "the first id stands twice in nearly all rows: it is probably BOS"
        return "the chat template writes BOS, and the tokenizer adds it once more"


class MissingBos(RowRule):
    """A row lacks the BOS token that the tokenizer would put before it.

    What it checks:
        If the tokenizer begins every text with BOS, so does every row. Splits that look packed are
        left out: their rows begin anywhere.

    Why it matters:
        The model has met that token before every text of its life; without it the first answers
        are off.

    Fails:
        ``input_ids: [5, 6, 2]`` with a tokenizer that encodes an empty text as ``[1]``

    Passes:
        ``input_ids: [1, 5, 6, 2]``

    Options:
        ``tokenizer`` of the dataset.
    """

    name = "missing-bos"
    family = "tokens"
    severity = Severity.WARNING
    views = ((IDS,),)
    requires = ("tokenizer",)
    left_out_by = ("ignore-index-in-ids", "mask-hole", "leading-padding", "trailing-padding")
    help = "tokenise with add_special_tokens=True, or with the model's own chat template"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "trained without the token that the model begins every text with"),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows that begin with another token; they count unless the split looks packed."""
        if not tokenizer_of(self).adds_bos or self.vocabulary.bos is None:
            return NOTHING
        hits = _beginning_otherwise(batch, self.vocabulary.bos)
        return Look(hits) if len(hits) else NOTHING

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """Counts unless the split looks packed."""
        return () if facts.looks_packed else (1,)


class InconsistentBos(RowRule):
    """A row lacks the BOS token that nearly all rows begin with.

    What it checks:
        If at least 90 % of the rows begin with the BOS id, all do.

    Why it matters:
        Two producers were merged, and the model learns two ways to begin.

    Fails:
        One row in a hundred begins without BOS.

    Passes:
        No row begins with BOS, or every row does.

    Options:
        ``bos-token-id`` of the dataset.
    """

    name = "inconsistent-bos"
    family = "tokens"
    severity = Severity.WARNING
    views = ((IDS,),)
    requires = ("bos-token-id",)
    left_out_by = (
        "ignore-index-in-ids",
        "mask-hole",
        "leading-padding",
        "trailing-padding",
        "missing-bos",
    )
    help = "tokenise all rows in one way"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "trained on two ways to begin"),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows without BOS; they count if nearly all others have it."""
        bos = self.vocabulary.bos
        rows = len(batch.once(texts).local)
        hits = _beginning_otherwise(batch, -1 if bos is None else bos)
        return Look(hits, {"rows": rows, "with bos": rows - len(hits)})

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """Counts if at least 90 % of the rows begin with BOS, and the split is not packed."""
        rows = counts.get("rows", 0)
        habit = rows > 0 and counts["with bos"] >= NEARLY_ALL * rows
        return (1,) if habit and not facts.looks_packed else ()


def _beginning_otherwise(batch: TokenBatch, bos: int) -> Hits:
    """Undecided hits for the rows whose text begins with another token than BOS."""
    found = batch.once(texts)
    other = found.ids[found.first] != bos
    at = found.first[other]
    return Hits(
        found.rows[other],
        found.positions(at, other),
        found=found.ids[at],
        expected=np.full(len(at), bos),
        codes=np.ones(len(at), np.int64),
    )
