"""Rules about the values of input_ids.

Must not know labels or masks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from pretok_schemas.batch import CLIPPED, TokenBatch, View
from pretok_schemas.contract import IDS
from pretok_schemas.findings import Effect, Severity
from pretok_schemas.flat import Ints, places
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
from pretok_schemas.rules.texts import texts


class IgnoreIndexInIds(RowRule):
    """The ignore index stands among the input ids.

    What it checks:
        ``input_ids`` holds no -100.

    Why it matters:
        The embedding has no row -100: the run crashes (on CUDA with a device-side assert) when the
        row comes up.

    Fails:
        ``input_ids: [-100, -100, 5, 2]``

    Passes:
        ``input_ids: [1, 9, 5, 2]``, ``labels: [-100, -100, 5, 2]``
    """

    name = "ignore-index-in-ids"
    family = "tokens"
    views = ((IDS,),)
    help = "write the token ids; the ignore index belongs in labels only"
    usual: ClassVar[Usual] = {
        "": (
            Effect.CRASH,
            "the embedding stops mid-run: index out of range, a device-side assert on CUDA",
        ),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows that hold the ignore index, at its first place."""
        view = batch.view(IDS)
        if batch.once(id_range)[0] >= 0:
            return NOTHING
        flat = places(view[IDS] == self.contract.ignore_index)
        return Look(hits_at(view, flat, found=view[IDS], expected="a token id"))

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """The columns share memory, or were swapped."""
        return "input_ids and labels were swapped, or labels were masked in place on the same list"


_NO_INDEX = CLIPPED - 1  # beyond int64, of which trainers make tensors, or all but


class TokenOutOfVocab(RowRule):
    """A token id is negative, or not below the vocabulary size.

    What it checks:
        ``0 <= id < vocab-size`` for every id. The vocabulary size counts the rows of the embedding
        matrix, so added tokens count. Without a declared size only ids that are negative, or beyond
        int64, are found.

    Why it matters:
        The embedding lookup crashes mid-run, on CUDA with an assert that names no row.

    Fails:
        ``input_ids: [1, 32000, 2]`` with ``vocab-size = 32000``

    Passes:
        ``input_ids: [1, 31999, 2]``

    References:
        huggingface/transformers#24698, huggingface/trl#2996
    """

    name = "token-out-of-vocab"
    family = "tokens"
    views = ((IDS,),)
    left_out_by = ("ignore-index-in-ids",)
    help = "tokenise with the model's own tokenizer, or resize its embeddings for added tokens"
    usual: ClassVar[Usual] = {
        "": (
            Effect.CRASH,
            "the embedding stops mid-run: index out of range, a device-side assert on CUDA",
        ),
    }

    def look(self, batch: TokenBatch) -> Look:
        """Rows with an id outside the vocabulary, at the first such id."""
        view = batch.view(IDS)
        size = self.vocabulary.size
        limit = _NO_INDEX if size is None else size
        low, high = batch.once(id_range)
        if low >= 0 and high < limit:
            return NOTHING
        ids = view[IDS]
        outside = ids < 0
        if high >= limit:
            outside |= ids >= limit
        expected = "0 or more" if size is None and high < limit else f"0 to {limit - 1}"
        return Look(hits_at(view, places(outside), found=ids, expected=expected))


# What repeats with some period repeats with its multiples too. These distances, each with the least
# period that it stands for, cover the periods 1 to 13.
DISTANCES = ((24, 1), (10, 5), (7, 7), (9, 9), (11, 11), (13, 13))


class UnknownTokens(SplitRule):
    """Many tokens of the split are the tokenizer's unknown token.

    What it checks:
        At most 0.1 % of the tokens are the unknown token.

    Why it matters:
        The text was tokenised with a vocabulary that does not know it: what was there is lost.

    Fails:
        2,000 unknown tokens of 1,000,000.

    Passes:
        3 unknown tokens of 1,000,000; a tokenizer without unknown token.

    Options:
        ``tokenizer`` of the dataset.
    """

    name = "unknown-tokens"
    family = "tokens"
    severity = Severity.WARNING
    views = ((IDS,),)
    requires = ("tokenizer",)
    help = "tokenise with the model's own tokenizer; look which characters it does not know"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "trained on text of which parts are lost"),
    }
    MOST = 0.001

    def survey(self, batch: TokenBatch) -> Mapping[str, int]:
        """Tokens, and unknown ones."""
        ids, unk = batch.view(IDS)[IDS], tokenizer_of(self).unk
        unknown = 0 if unk is None else int(np.count_nonzero(ids == unk))
        return {"tokens": len(ids), "unknown": unknown}

    def conclude(self, counts: Mapping[str, int], facts: SplitFacts) -> str | None:
        """Violated if more than 0.1 % are unknown."""
        unknown, tokens = counts.get("unknown", 0), counts.get("tokens", 0)
        if unknown <= self.MOST * tokens:
            return None
        share = 100 * unknown / tokens
        return f"{unknown:,} of {tokens:,} tokens are the unknown token ({share:.2f} %)"


class Repetition(RowRule):
    """A row repeats a few tokens over and over.

    What it checks:
        No stretch of 1 to 13 tokens stands 64 times or more in a row, one behind the other.
        Padding does not count.

    Why it matters:
        The row teaches nothing but to repeat; one of many such in a crawl is enough to be heard.

    Fails:
        70 times ``13, 28705`` in a row.

    Passes:
        Indented code, rulers of 40 signs.
    """

    name = "repetition"
    family = "tokens"
    severity = Severity.WARNING
    views = ((IDS,),)
    left_out_by = (
        "ignore-index-in-ids",
        "trailing-padding",
        "mask-hole",
        "leading-padding",
        "trained-padding",
    )
    help = "drop the row, or cut the repetition out"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "trained to repeat, in more targets than the rest of the row has"),
    }
    LONGEST_PERIOD = 13
    TIMES = 64

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a repetition inside their text, at its beginning."""
        found = batch.once(texts)
        view, ids = found.view, found.ids
        suspects = [
            _sampled(view, ids, distance, least * self.TIMES) for distance, least in DISTANCES
        ]
        if not any(map(len, suspects)):
            return NOTHING
        rows = np.unique(np.concatenate(suspects))
        hits: dict[int, tuple[int, int]] = {}
        for local in np.flatnonzero(np.isin(found.local, rows)).tolist():
            text = ids[found.first[local] : found.last[local] + 1]
            if (place := _repeats(text, self.LONGEST_PERIOD, self.TIMES)) is not None:
                shift = int(found.first[local] - view.starts[found.local[local]])
                hits[int(found.rows[local])] = (place[0] + shift, place[1])
        if not hits:
            return NOTHING
        order = np.array(sorted(hits), np.int64)
        places = [hits[row] for row in order.tolist()]
        shown = np.array(
            [f"{period} repeated" if period > 1 else "one id repeated" for _, period in places],
            object,
        )
        return Look(Hits(order, np.array([at for at, _ in places], np.int64), found=shown))


def _sampled(view: View, ids: Ints, distance: int, stretch: int) -> Ints:
    """Rows of a view that may repeat themselves over a distance: no row that does is missed.

    ``stretch`` are the tokens of the shortest such repetition. Of the places at which it holds
    the id of ``distance`` before, three in a row are looked at, and no others.
    """
    stride = (stretch - distance) // 3
    same = ids[distance::stride] == ids[: max(0, len(ids) - distance) : stride]
    likely = np.flatnonzero(same[2:] & same[1:-1] & same[:-2])
    return view.rows_at(distance + stride * (likely + 1)) if len(likely) else likely


def _repeats(text: Ints, longest: int, times: int) -> tuple[int, int] | None:
    """Where the first stretch of ``times`` repetitions begins, and its period; None without."""
    for period in range(1, longest + 1):
        need = (times - 1) * period
        if len(text) < need + period:
            break
        differs = np.flatnonzero(text[period:] != text[:-period])
        edges = np.concatenate(([-1], differs, [len(text) - period]))
        gaps = np.diff(edges) - 1
        long = np.flatnonzero(gaps >= need)
        if len(long):
            return int(edges[long[0]] + 1), period
    return None


def id_range(batch: TokenBatch) -> tuple[int, int]:
    """Smallest and largest input id of a batch; (0, 0) where there is none."""
    ids = batch.view(IDS)[IDS]
    return (int(ids.min()), int(ids.max())) if len(ids) else (0, 0)
