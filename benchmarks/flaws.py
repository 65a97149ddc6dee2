"""Faults that the generator plants, by the rule that each breaks; knows nothing of our packages.

Every fault can stand in one split together with all the others. Not here, since a whole split or
a setting decides them: faults of files and columns, of packed rows, and `cut-at-limit`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Change = Callable[[Row], None]

PAD, BOS, EOS, VOCABULARY = 0, 1, 2, 32_000
IGNORE = -100
SHORTEST, LONGEST = 16, 4_096
HEADERS = ((1_792, 3_931, 13), (13, 2_277, 29_901))  # opens the prompt, opens the answer
COLUMNS = ("input_ids", "attention_mask", "labels")
FIRST_FREE = 1 + len(HEADERS[0])  # the first place of the prompt's own text
LONGER = 200  # no fault but `too-long` makes a row longer by more than this


@dataclass(frozen=True, slots=True)
class Flaw:
    """A change of one row; ``also`` are further rules that it breaks by necessity.

    A fault of two rows (``pair``) changes a copy, which is put behind the row itself.
    """

    change: Change
    also: tuple[str, ...] = ()
    pair: bool = False


def answer_at(row: Row) -> int:
    """The position of the first label that is not the ignore value."""
    return next(i for i, label in enumerate(row["labels"]) if label != IGNORE)


def cut(row: Row, places: slice) -> None:
    """Take places out of every column."""
    for column in COLUMNS:
        del row[column][places]


def insert(
    row: Row, at: int, ids: list[int], mask: int = 1, labels: list[int] | None = None
) -> None:
    """Put ids into a row, without loss unless they have labels."""
    row["input_ids"][at:at] = ids
    row["attention_mask"][at:at] = [mask] * len(ids)
    row["labels"][at:at] = labels or [IGNORE] * len(ids)


def null_cell(row: Row) -> None:
    """No labels at all, as in a JSON line that lacks the key."""
    row["labels"] = None


def null_inside(row: Row) -> None:
    """A null where an ignored label was meant."""
    row["labels"][2] = None


def short_labels(row: Row) -> None:
    """One label too few: bos was added to the ids and the mask only."""
    del row["labels"][0]


def empty(row: Row) -> None:
    """Nothing at all."""
    for column in COLUMNS:
        row[column] = []


def odd_mask(row: Row) -> None:
    """A mask value that is neither 0 nor 1."""
    row["attention_mask"][FIRST_FREE] = -1


def blind(row: Row) -> None:
    """Nothing attended, nothing trained."""
    row["attention_mask"] = [0] * len(row["input_ids"])
    row["labels"] = [IGNORE] * len(row["input_ids"])


def hole(row: Row) -> None:
    """A masked token that is not attended, between attended ones."""
    row["attention_mask"][FIRST_FREE] = 0


def trained_hole(row: Row) -> None:
    """A trained token that is not attended."""
    row["attention_mask"][answer_at(row) + 1] = 0


def padded(row: Row) -> None:
    """Sixteen pads at the end, neither attended nor trained."""
    insert(row, len(row["labels"]), [PAD] * 16, mask=0)


def padded_before(row: Row) -> None:
    """Four pads at the beginning, neither attended nor trained."""
    insert(row, 0, [PAD] * 4, mask=0)


def trained_pads(row: Row) -> None:
    """Three pads at the end that are attended and trained."""
    insert(row, len(row["labels"]), [PAD] * 3, labels=[PAD] * 3)


def ignored_id(row: Row) -> None:
    """A -100 among the ids."""
    row["input_ids"][FIRST_FREE] = IGNORE


def outside_vocabulary(row: Row) -> None:
    """A masked token one above the highest id."""
    row["input_ids"][FIRST_FREE] = VOCABULARY


def shifted(row: Row) -> None:
    """Labels already moved one place to the left."""
    row["labels"] = [*row["labels"][1:], IGNORE]


def loss_mask(row: Row) -> None:
    """Zeros and ones instead of labels."""
    row["labels"] = [int(label != IGNORE) for label in row["labels"]]


def other_ignore_value(row: Row) -> None:
    """0 where -100 was meant."""
    row["labels"] = [0 if label == IGNORE else label for label in row["labels"]]


def label_outside(row: Row) -> None:
    """A trained label that no row of the vocabulary has."""
    row["labels"][answer_at(row) + 1] = VOCABULARY + 3


def wrong_label(row: Row) -> None:
    """A trained label that is another id."""
    at = answer_at(row) + 1
    row["labels"][at] = 3 if row["labels"][at] != 3 else 4


def nothing_trained(row: Row) -> None:
    """All labels ignored."""
    row["labels"] = [IGNORE] * len(row["labels"])


def all_trained(row: Row) -> None:
    """The prompt trained like the answer."""
    row["labels"] = list(row["input_ids"])


def other_header(row: Row) -> None:
    """The answer opened by another header."""
    row["input_ids"][answer_at(row) - 2] = 9


def two_bos(row: Row) -> None:
    """BOS twice."""
    insert(row, 0, [BOS])


def no_bos(row: Row) -> None:
    """No BOS."""
    cut(row, slice(0, 1))


def inner_bos(row: Row) -> None:
    """BOS once more in the answer."""
    at = answer_at(row) + 2
    row["input_ids"][at] = row["labels"][at] = BOS


def masked_end(row: Row) -> None:
    """The end without loss."""
    row["labels"][-1] = IGNORE


def no_end(row: Row) -> None:
    """No end."""
    cut(row, slice(-1, None))


def repeated(row: Row) -> None:
    """Two ids 66 times in the prompt."""
    insert(row, FIRST_FREE, [11, 12] * 66)


def too_short(row: Row) -> None:
    """One token less than the shortest row that is asked for."""
    at = answer_at(row)
    prompt = FIRST_FREE + len(HEADERS[1])
    cut(row, slice(at + SHORTEST - 2 - prompt, -1))
    cut(row, slice(FIRST_FREE, at - len(HEADERS[1])))


def too_long(row: Row) -> None:
    """One token more than the longest row that is allowed."""
    prompt = row["input_ids"][FIRST_FREE : answer_at(row) - len(HEADERS[1])]
    missing = LONGEST + 1 - len(row["labels"])
    insert(row, FIRST_FREE, (prompt * (missing // len(prompt) + 1))[:missing])


def repeated_row(row: Row) -> None:
    """The row once more."""


def other_labels(row: Row) -> None:
    """The row once more, one token less trained."""
    row["labels"][answer_at(row) + 3] = IGNORE


FLAWS: dict[str, Flaw] = {
    "null-row": Flaw(null_cell),
    "null-token": Flaw(null_inside),
    "length-mismatch": Flaw(short_labels),
    "empty-row": Flaw(empty),
    "mask-values": Flaw(odd_mask),
    "mask-all-zero": Flaw(blind, also=("no-trainable-token",)),
    "mask-hole": Flaw(hole),
    "trained-under-mask": Flaw(trained_hole, also=("mask-hole",)),
    "trailing-padding": Flaw(padded),
    "leading-padding": Flaw(padded_before),
    "trained-padding": Flaw(trained_pads),
    "ignore-index-in-ids": Flaw(ignored_id),
    "token-out-of-vocab": Flaw(outside_vocabulary),
    "labels-shifted": Flaw(shifted),
    "labels-are-a-mask": Flaw(loss_mask),
    "wrong-ignore-value": Flaw(other_ignore_value),
    "label-out-of-range": Flaw(label_outside),
    "label-not-input-id": Flaw(wrong_label),
    "no-trainable-token": Flaw(nothing_trained),
    "mixed-masking": Flaw(all_trained),
    "prompt-boundary": Flaw(other_header),
    "double-bos": Flaw(two_bos),
    "inconsistent-bos": Flaw(no_bos),
    "inner-bos": Flaw(inner_bos),
    "end-id-masked": Flaw(masked_end),
    "missing-eos": Flaw(no_end),
    "repetition": Flaw(repeated),
    "short-row": Flaw(too_short),
    "too-long": Flaw(too_long),
    "duplicate-rows": Flaw(repeated_row, pair=True),
    "conflicting-labels": Flaw(other_labels, pair=True),
}
