"""Valid rows for the contract of Axolotl, as plain Python: nothing in them breaks a rule.

Knows nothing of the project; `Known` is what a declaration may say of the tokenizer and the run.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

COLUMNS = ("input_ids", "attention_mask", "labels")
VOCAB, PAD, BOS, EOS = 1000, 0, 1, 2
SEQUENCE_LEN = 64
MIN_SAMPLE_LEN = 8


@dataclass(frozen=True)
class Known:
    """The settings that change a verdict; None where the declaration does not say.

    ``bits`` is the width of the labels' column where it is unsigned.
    """

    vocab: int | None = VOCAB
    bos: int | None = BOS
    eos: tuple[int, ...] | None = (EOS,)
    pad: int | None = PAD
    sequence_len: int | None = SEQUENCE_LEN
    min_sample_len: int = MIN_SAMPLE_LEN
    bits: int | None = None


# What declarations say in practice: everything, nothing, a pad that is another special id as
# well, or only some of the special ids.
KNOWN: dict[str, Known] = {
    "all": Known(),
    "nothing": Known(None, None, None, None, None, 2),
    "pad-is-eos": Known(pad=EOS),
    "pad-is-bos": Known(pad=BOS),
    "pad-is-one-of-two-ends": Known(eos=(EOS, PAD)),
    "ends-unknown": Known(eos=None),
    "ends-unknown-pad-is-eos": Known(eos=None, pad=EOS),
    "pad-unknown": Known(pad=None),
}


def clean_rows(count: int, rng: random.Random) -> list[Row]:
    """Distinct rows: bos, a masked prompt, an answer that is trained to its eos, no padding."""
    rows: list[Row] = []
    seen: set[tuple[int, ...]] = set()
    while len(rows) < count:
        row = clean_row(rng.randint(3, 12), rng.randint(12, 30), rng)
        key = tuple(row["input_ids"])
        if key not in seen:
            seen.add(key)
            rows.append(row)
    return rows


def header_rows(headers: Sequence[int]) -> list[Row]:
    """Answers behind a header of three ids, of which one is given for each row."""
    rows = []
    for number, header in enumerate(headers):
        ids = [1, *range(100 + 5 * number, 105 + 5 * number), 21, header, 23]
        answer = [*range(400 + 5 * number, 405 + 5 * number), 2]
        labels = [-100] * len(ids) + answer
        mask = [1] * len(labels)
        rows.append({"input_ids": ids + answer, "attention_mask": mask, "labels": labels})
    return rows


def clean_row(prompt: int, answer: int, rng: random.Random) -> Row:
    """A row of bos, so many tokens without loss, so many with loss, and a trained eos."""
    ids = [BOS, *distinct_neighbours(prompt + answer, rng), EOS]
    labels = [-100] * (prompt + 1) + ids[prompt + 1 :]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}


def distinct_neighbours(count: int, rng: random.Random) -> list[int]:
    """Ids of which no two within four places are equal, so that a shift shows at every place."""
    ids: list[int] = []
    while len(ids) < count:
        new = rng.randint(3, VOCAB - 1)
        if new not in ids[-4:]:
            ids.append(new)
    return ids
