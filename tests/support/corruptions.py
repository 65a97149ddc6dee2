"""Named corruptions of one row, and the rules that each must trip: those and no others.

A few faults cannot be made alone: a mask of zeros leaves a row either without a trainable token or
with tokens trained under the mask. Their second rule is named too.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.rows import EOS, PAD, SEQUENCE_LEN, VOCAB, Row, distinct_neighbours

Change = Callable[[Row, random.Random], Row]


@dataclass(frozen=True)
class Corruption:
    """A change of one row; ``trips`` are the rules that must fire on it, ``json_only`` says
    whether only JSON can hold it.
    """

    name: str
    trips: frozenset[str]
    change: Change
    json_only: bool = False


CORRUPTIONS: dict[str, Corruption] = {}


def corruption(*trips: str, json_only: bool = False) -> Callable[[Change], Change]:
    """Register a change under its name."""

    def register(change: Change) -> Change:
        name = change.__name__.replace("_", "-")
        CORRUPTIONS[name] = Corruption(name, frozenset(trips), change, json_only)
        return change

    return register


def prompt_of(row: Row) -> int:
    """The number of places before the first trained one."""
    return next(i for i, label in enumerate(row["labels"]) if label != -100)


def put(row: Row, column: str, position: int, value: object) -> Row:
    """The row with one value replaced."""
    values = list(row[column])
    values[position] = value
    return {**row, column: values}


for _column in ("input_ids", "attention_mask", "labels"):

    def _null_cell(row: Row, rng: random.Random, column: str = _column) -> Row:
        return {**row, column: None}

    def _null_inside(row: Row, rng: random.Random, column: str = _column) -> Row:
        return put(row, column, rng.randrange(len(row["labels"])), None)

    for _change, _rule in ((_null_cell, "null-row"), (_null_inside, "null-token")):
        _name = f"{_rule}-{_column}"
        CORRUPTIONS[_name] = Corruption(_name, frozenset({_rule}), _change)

    for _kind, _value in (
        ("text", "1 2 3"),
        ("scalar", 7),
        ("nested", [[1, 2], [3]]),
        ("object", {"a": 1}),
        ("list of text", ["a", "b"]),
        ("fraction", [1.5, 2.0]),
    ):

        def _foreign(
            row: Row, rng: random.Random, column: str = _column, value: object = _value
        ) -> Row:
            return {**row, column: value}

        _name = f"column-type-{_column}-{_kind}"
        CORRUPTIONS[_name] = Corruption(_name, frozenset({"column-type"}), _foreign, True)


@corruption("column-type", json_only=True)
def column_type_whole_floats(row: Row, rng: random.Random) -> Row:
    """Labels became floats on the way."""
    return {**row, "labels": [float(label) for label in row["labels"]]}


@corruption("column-type", json_only=True)
def column_type_float_mask(row: Row, rng: random.Random) -> Row:
    """A mask of floats: harmless, a warning."""
    return {**row, "attention_mask": [1.0] * len(row["input_ids"])}


@corruption("length-mismatch")
def length_mismatch_first_label_lost(row: Row, rng: random.Random) -> Row:
    """BOS was added to the ids alone."""
    return {**row, "labels": row["labels"][1:]}


@corruption("length-mismatch")
def length_mismatch_labels_longer(row: Row, rng: random.Random) -> Row:
    """Labels were padded, ids were not."""
    return {**row, "labels": [*row["labels"], -100]}


@corruption("length-mismatch")
def length_mismatch_mask_shorter(row: Row, rng: random.Random) -> Row:
    """The mask lacks one."""
    return {**row, "attention_mask": row["attention_mask"][1:]}


@corruption("empty-row")
def empty_row(row: Row, rng: random.Random) -> Row:
    """An empty text."""
    return {"input_ids": [], "attention_mask": [], "labels": []}


@corruption("ignore-index-in-ids")
def ignore_index_in_ids(row: Row, rng: random.Random) -> Row:
    """The prompt was masked in place, in both columns."""
    prompt = prompt_of(row)
    return {**row, "input_ids": [-100] * prompt + row["input_ids"][prompt:]}


@corruption("mask-values")
def mask_values_negative(row: Row, rng: random.Random) -> Row:
    """A value that is neither 0 nor 1."""
    return put(row, "attention_mask", rng.randrange(len(row["labels"])), -1)


@corruption("mask-values")
def mask_values_document_numbers(row: Row, rng: random.Random) -> Row:
    """Document numbers of neat packing."""
    cut = rng.randrange(1, len(row["labels"]))
    return {**row, "attention_mask": [1] * cut + [2] * (len(row["labels"]) - cut)}


@corruption("mask-all-zero", "no-trainable-token")
def mask_all_zero(row: Row, rng: random.Random) -> Row:
    """Nothing is attended, and nothing trained."""
    length = len(row["labels"])
    return {**row, "attention_mask": [0] * length, "labels": [-100] * length}


@corruption("mask-all-zero", "trained-under-mask")
def mask_all_zero_but_trained(row: Row, rng: random.Random) -> Row:
    """Nothing is attended, but tokens are trained."""
    return {**row, "attention_mask": [0] * len(row["labels"])}


@corruption("mask-hole")
def mask_hole(row: Row, rng: random.Random) -> Row:
    """A masked prompt token is hidden from attention too."""
    return put(row, "attention_mask", rng.randrange(1, prompt_of(row)), 0)


@corruption("mask-hole", "trained-under-mask")
def trained_under_mask(row: Row, rng: random.Random) -> Row:
    """A trained token in the middle is not attended."""
    position = rng.randrange(prompt_of(row), len(row["labels"]) - 1)
    return put(row, "attention_mask", position, 0)


def padded(row: Row, before: int, after: int, mask: int) -> Row:
    """The row with pad ids around it."""
    return {
        "input_ids": [PAD] * before + row["input_ids"] + [PAD] * after,
        "attention_mask": [mask] * before + row["attention_mask"] + [mask] * after,
        "labels": [-100] * before + row["labels"] + [-100] * after,
    }


@corruption("trailing-padding")
def trailing_padding(row: Row, rng: random.Random) -> Row:
    """Right padding, as a collator makes it."""
    return padded(row, 0, rng.randint(1, 9), mask=0)


@corruption("trailing-padding")
def trailing_padding_attended(row: Row, rng: random.Random) -> Row:
    """Right padding that the mask does not tell of."""
    return padded(row, 0, rng.randint(1, 9), mask=1)


@corruption("trailing-padding")
def trailing_padding_by_mask_alone(row: Row, rng: random.Random) -> Row:
    """The mask ends in 0 over some other id."""
    longer = padded(row, 0, 1, mask=0)
    return put(longer, "input_ids", len(longer["labels"]) - 1, EOS)


@corruption("leading-padding")
def leading_padding(row: Row, rng: random.Random) -> Row:
    """Left padding."""
    return padded(row, rng.randint(1, 9), 0, mask=0)


@corruption("leading-padding")
def leading_padding_attended(row: Row, rng: random.Random) -> Row:
    """Left padding that the mask does not tell of."""
    return padded(row, rng.randint(1, 9), 0, mask=1)


@corruption("leading-padding", "trailing-padding")
def padding_on_both_sides(row: Row, rng: random.Random) -> Row:
    """Two faults of one row are both reported."""
    return padded(row, 2, 2, mask=0)


for _k in (1, -1, 2, -2, 3, -3):

    def _shift(row: Row, rng: random.Random, k: int = _k) -> Row:
        ids, prompt, length = row["input_ids"], prompt_of(row), len(row["labels"])
        inside = [prompt <= i and 0 <= i + k < length for i in range(length)]
        labels = [ids[i + k] if inside[i] else -100 for i in range(length)]
        return {**row, "labels": labels}

    CORRUPTIONS[f"labels-shifted-{_k:+d}"] = Corruption(
        f"labels-shifted-{_k:+d}", frozenset({"labels-shifted"}), _shift
    )


@corruption("label-out-of-range")
def label_out_of_range_wrapped(row: Row, rng: random.Random) -> Row:
    """-100 went through an unsigned type."""
    return {**row, "labels": [4294967196 if x == -100 else x for x in row["labels"]]}


@corruption("label-out-of-range")
def label_out_of_range_negative(row: Row, rng: random.Random) -> Row:
    """A single label of -1."""
    return put(row, "labels", rng.randrange(1, prompt_of(row)), -1)


@corruption("label-out-of-range")
def label_out_of_range_beyond(row: Row, rng: random.Random) -> Row:
    """A label that no vocabulary row has."""
    return put(row, "labels", rng.randrange(1, len(row["labels"])), VOCAB + rng.randrange(9))


@corruption("label-not-input-id")
def label_not_input_id(row: Row, rng: random.Random) -> Row:
    """One label is another token."""
    position = rng.randrange(len(row["labels"]))
    other = row["input_ids"][position] % (VOCAB - 4) + 3
    return put(row, "labels", position, other)


@corruption("no-trainable-token")
def no_trainable_token(row: Row, rng: random.Random) -> Row:
    """Everything is masked."""
    return {**row, "labels": [-100] * len(row["labels"])}


@corruption("no-trainable-token")
def only_the_first_label(row: Row, rng: random.Random) -> Row:
    """The first label is no target."""
    return {**row, "labels": [row["input_ids"][0]] + [-100] * (len(row["labels"]) - 1)}


@corruption("token-out-of-vocab")
def token_out_of_vocab(row: Row, rng: random.Random) -> Row:
    """An id beyond the embedding, masked."""
    return put(row, "input_ids", rng.randrange(1, prompt_of(row)), VOCAB + rng.randrange(9))


@corruption("token-out-of-vocab")
def negative_token(row: Row, rng: random.Random) -> Row:
    """A negative id that is not -100."""
    return put(row, "input_ids", rng.randrange(1, prompt_of(row)), -7)


@corruption("token-out-of-vocab", "label-out-of-range")
def trained_token_out_of_vocab(row: Row, rng: random.Random) -> Row:
    """An id beyond the embedding that is a target too: it breaks the embedding and the loss."""
    position = rng.randrange(prompt_of(row), len(row["labels"]))
    return put(put(row, "input_ids", position, VOCAB), "labels", position, VOCAB)


@corruption("short-row")
def short_row(row: Row, rng: random.Random) -> Row:
    """Fewer tokens than the minimum, one of them trained."""
    # Of all corruptions this one draws anew: two short rows must not be equal by chance.
    ids = [*distinct_neighbours(rng.randint(4, 5), rng), EOS]
    return {
        "input_ids": ids,
        "attention_mask": [1] * len(ids),
        "labels": [-100] * (len(ids) - 2) + ids[-2:],
    }


@corruption("too-long")
def too_long(row: Row, rng: random.Random) -> Row:
    """More tokens than the limit."""
    more = distinct_neighbours(SEQUENCE_LEN + 1 + rng.randrange(9), rng)
    return {
        "input_ids": row["input_ids"][:-1] + more + [EOS],
        "attention_mask": [1] * (len(row["input_ids"]) + len(more)),
        "labels": row["labels"][:-1] + more + [EOS],
    }
