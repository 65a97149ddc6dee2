"""Rules about the values of input_ids.

Must not know labels or masks.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pretok_schemas.batch import TokenBatch
from pretok_schemas.contract import IDS
from pretok_schemas.rules.base import NOTHING, Look, RowRule, SplitFacts, hits_at


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

    def look(self, batch: TokenBatch) -> Look:
        """Rows that hold the ignore index, at its first place."""
        view = batch.view(IDS)
        if batch.once(id_range)[0] >= 0:
            return NOTHING
        flat = np.flatnonzero(view[IDS] == self.contract.ignore_index)
        return Look(hits_at(view, flat, found=view[IDS], expected="a token id"))

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """The columns share memory, or were swapped."""
        return "input_ids and labels were swapped, or labels were masked in place on the same list"


class TokenOutOfVocab(RowRule):
    """A token id is negative, or not below the vocabulary size.

    What it checks:
        ``0 <= id < vocab-size`` for every id. The vocabulary size counts the rows of the embedding
        matrix, so added tokens count. Without a declared size only negative ids are found.

    Why it matters:
        The embedding lookup crashes mid-run, on CUDA with an assert that names no row.

    Fails:
        ``input_ids: [1, 32000, 2]`` with ``vocab-size = 32000``

    Passes:
        ``input_ids: [1, 31999, 2]``
    """

    name = "token-out-of-vocab"
    family = "tokens"
    views = ((IDS,),)
    left_out_by = ("ignore-index-in-ids",)
    help = "tokenise with the model's own tokenizer, or resize its embeddings for added tokens"

    def look(self, batch: TokenBatch) -> Look:
        """Rows with an id outside the vocabulary, at the first such id."""
        view = batch.view(IDS)
        size = self.vocabulary.size
        low, high = batch.once(id_range)
        if low >= 0 and (size is None or high < size):
            return NOTHING
        ids = view[IDS]
        outside = ids < 0
        if size is not None:
            outside |= ids >= size
        expected = "0 or more" if size is None else f"0 to {size - 1}"
        return Look(hits_at(view, np.flatnonzero(outside), found=ids, expected=expected))


def id_range(batch: TokenBatch) -> tuple[int, int]:
    """Smallest and largest input id of a batch; (0, 0) where there is none."""
    ids = batch.view(IDS)[IDS]
    return (int(ids.min()), int(ids.max())) if len(ids) else (0, 0)
