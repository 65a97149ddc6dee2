"""Rules that need the tokenizer itself: what the ids say as text, and whether they are its own.

Sampled where every row would cost too much; must not know files. The tokenizer is the one that
the declaration names (`Vocabulary.tokenizer`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import ClassVar

import numpy as np

from pretok_schemas.batch import TokenBatch
from pretok_schemas.contract import IDS, Tokenizer
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
    tokenizer_of,
)
from pretok_schemas.rules.ends import NO_SAY
from pretok_schemas.rules.labelled import LABELLED, targets
from pretok_schemas.rules.texts import texts

ROWS_OF_BATCH = 8  # rows decoded and encoded again
LONGEST_SAMPLE = 512  # tokens of each


class TokenizerMismatch(SplitRule):
    """The ids are not those of the declared tokenizer.

    What it checks:
        In a sample of the rows of every part of the split, decoding and encoding again gives the
        same ids, save for a few that normalisation or joints explain. Violated if more than 5 % of
        the sampled rows come back with less than 80 % of their ids.

    Why it matters:
        Ids of another tokenizer lie within the vocabulary and mean other words: the model is
        trained on noise, and nothing else can tell.

    Fails:
        Rows tokenised for Llama-2, declared with the tokenizer of Mistral.

    Passes:
        Rows tokenised with the declared tokenizer, in one piece or turn by turn.

    Options:
        ``tokenizer`` of the dataset.
    """

    name = "tokenizer-mismatch"
    family = "tokens"
    severity = Severity.WARNING
    views = ((IDS,),)
    requires = ("tokenizer",)
    left_out_by = (
        "token-out-of-vocab",
        "narrow-integer",
        "ignore-index-in-ids",
        "special-token-as-text",
    )
    help = "declare the tokenizer that made these rows, or tokenise them with the model's own"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "trained on the words of another tokenizer"),
    }
    ENOUGH = 0.8
    FEW = 0.05

    def survey(self, batch: TokenBatch) -> Mapping[str, int]:
        """Sampled rows, and those that come back otherwise."""
        tokenizer = tokenizer_of(self)
        found = batch.once(texts)
        if not len(found.local):
            return {}
        step = max(1, len(found.local) // ROWS_OF_BATCH)
        counts = {"rows": 0, "other": 0}
        for at in range(0, len(found.local), step)[:ROWS_OF_BATCH]:
            first, last = int(found.first[at]), int(found.last[at]) + 1
            ids = found.ids[first : min(last, first + LONGEST_SAMPLE)].tolist()
            if min(ids) < 0 or max(ids) >= tokenizer.size:
                continue  # another rule's
            counts["rows"] += 1
            counts["other"] += _returned(tokenizer, ids) < self.ENOUGH
        return counts

    def conclude(self, counts: Mapping[str, int], facts: SplitFacts) -> str | None:
        """Violated if more than 5 % of the sampled rows come back otherwise."""
        rows, other = counts.get("rows", 0), counts.get("other", 0)
        if other <= self.FEW * rows:
            return None
        return f"{other:,} of {rows:,} sampled rows come back from the tokenizer as other ids"


def _returned(tokenizer: Tokenizer, ids: list[int]) -> float:
    """The share of some ids that decoding and encoding gives back."""
    again = tokenizer.encode(tokenizer.decode(ids), True)
    if again == ids:
        return 1.0
    matcher = SequenceMatcher(None, ids, again, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks()) / len(ids)


class SpecialTokenAsText(RowRule):
    """A special token was tokenised as plain text.

    What it checks:
        No row holds the pieces into which a special token's spelling falls when it is read as
        text. The outermost pieces, which may merge with their neighbours, are not asked for; at
        least three must remain, and be more than words.

    Why it matters:
        The model never meets the token itself, and learns to spell it out.

    Fails:
        ``<``, ``|``, ``im``, ``_end``, ``|``, ``>`` instead of ``<|im_end|>``

    Passes:
        The one id of ``<|im_end|>``

    Options:
        ``tokenizer`` of the dataset.
    """

    name = "special-token-as-text"
    family = "tokens"
    severity = Severity.WARNING
    views = ((IDS,),)
    requires = ("tokenizer",)
    left_out_by = ("ignore-index-in-ids", "token-out-of-vocab")
    help = "tokenise templated text with a tokenizer that knows its special tokens"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "trained to spell a special token out"),
    }
    LEAST_PIECES = 3

    def look(self, batch: TokenBatch) -> Look:
        """Rows with such pieces, at the first of them."""
        patterns = self._patterns()
        if not patterns:
            return NOTHING
        view = batch.view(IDS)
        ids = view[IDS]
        likely = np.flatnonzero(is_one_of(ids, list(patterns)))
        places: list[int] = []
        spelled: list[str] = []
        ends = view.offsets[1:][view.rows_at(likely)] if len(likely) else likely
        begins = view.starts[view.rows_at(likely)] if len(likely) else likely
        for at, begin, end in zip(likely.tolist(), begins.tolist(), ends.tolist(), strict=True):
            for pieces, rare, text in patterns[int(ids[at])]:
                low, high = at - rare, at - rare + len(pieces)
                if low >= begin and high <= end and ids[low:high].tolist() == pieces:
                    places.append(low)
                    spelled.append(text)
                    break
        if not places:
            return NOTHING
        order = np.argsort(places, kind="stable")
        flat = np.array(places, np.int64)[order]
        found = np.array(spelled, object)[order]
        local, first = np.unique(view.rows_at(flat), return_index=True)
        positions = flat[first] - view.starts[local]
        expected = np.full(len(local), "one id", object)
        return Look(Hits(view.batch_rows(local), positions, found[first], expected))

    def _patterns(self) -> dict[int, list[tuple[list[int], int, str]]]:
        """By the rarest piece of each special token: all its inner pieces, where in them the
        rarest stands, and the spelling.
        """
        tokenizer = tokenizer_of(self)
        kept: dict[str, dict[int, list[tuple[list[int], int, str]]]] = self.__dict__.setdefault(
            "_kept", {}
        )
        if "patterns" not in kept:
            patterns: dict[int, list[tuple[list[int], int, str]]] = {}
            for special, text in tokenizer.specials.items():
                pieces = tokenizer.encode(text, False)[1:-1]
                if len(pieces) < self.LEAST_PIECES or special in pieces:
                    continue
                if not re.search(r"[^\w\s]", tokenizer.decode(pieces)):
                    continue  # plain words, once the signs around them may have merged
                rare = max(range(len(pieces)), key=lambda at: pieces[at])
                patterns.setdefault(pieces[rare], []).append((pieces, rare, text))
            kept["patterns"] = patterns
        return kept["patterns"]


def is_one_of(ids: Ints, some: list[int]) -> Bools:
    """Flat bool: the ids that are among some; a table look-up, much faster than sorting."""
    table = np.zeros(max(some) + 2, np.bool_)
    table[some] = True
    inside: Bools = table[np.clip(ids, 0, len(table) - 1)]
    return inside & (ids >= 0)


class UntrainedSpecialToken(RowRule):
    """A special token beyond the base vocabulary carries loss.

    What it checks:
        No trainable token is a special id at or beyond the tokenizer's base vocabulary. Off unless
        asked for: it matters where the embeddings are not trained, as with LoRA.

    Why it matters:
        The embedding of an added token is random until it is trained.

    Fails:
        ``<|im_end|>`` added to Llama-2, trained with LoRA on the attention layers alone.

    Passes:
        The same with ``modules_to_save: [embed_tokens, lm_head]`` and the rule switched off.

    Options:
        ``tokenizer`` of the dataset.
    """

    name = "untrained-special-token"
    family = "tokens"
    severity = Severity.OFF
    views = (LABELLED,)
    requires = ("tokenizer",)
    left_out_by = NO_SAY
    help = "train the embeddings too (modules_to_save), or use tokens of the base vocabulary"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "with LoRA the embedding of this token stays as random as it was"),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows that train such a token, at the first one."""
        tokenizer = tokenizer_of(self)
        added = [one for one in tokenizer.specials if one >= tokenizer.base_size]
        view = batch.view(*LABELLED)
        if not added or not view.tokens:
            return NOTHING
        ids = view[IDS]
        flat = np.flatnonzero(is_one_of(ids, added) & batch.once(targets))
        return Look(hits_at(view, flat, found=ids))
