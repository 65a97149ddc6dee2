"""Valid rows for the contract of Axolotl, as plain Python: nothing in them breaks a rule."""

from __future__ import annotations

import random
from typing import Any

Row = dict[str, Any]

VOCAB, PAD, BOS, EOS = 1000, 0, 1, 2
SEQUENCE_LEN = 64
MIN_SAMPLE_LEN = 8


def clean_rows(count: int, rng: random.Random) -> list[Row]:
    """Distinct rows: bos, a masked prompt, an answer that is trained to its eos, no padding."""
    rows: list[Row] = []
    seen: set[tuple[int, ...]] = set()
    while len(rows) < count:
        prompt = rng.randint(3, 12)
        answer = rng.randint(12, 30)
        ids = [BOS, *distinct_neighbours(prompt + answer, rng), EOS]
        if tuple(ids) in seen:
            continue
        seen.add(tuple(ids))
        labels = [-100] * (prompt + 1) + ids[prompt + 1 :]
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels})
    return rows


def distinct_neighbours(count: int, rng: random.Random) -> list[int]:
    """Ids of which no two within four places are equal, so that a shift shows at every place."""
    ids: list[int] = []
    while len(ids) < count:
        new = rng.randint(3, VOCAB - 1)
        if new not in ids[-4:]:
            ids.append(new)
    return ids
