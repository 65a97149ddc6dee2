"""Corruptions of ids, labels and length; and values at the very limits, which are none."""

from __future__ import annotations

import random

from tests.support.corrupting import (
    Registry,
    anywhere,
    in_answer,
    in_prompt,
    padded,
    prompt_of,
    put,
)
from tests.support.rows import (
    BOS,
    EOS,
    MIN_SAMPLE_LEN,
    SEQUENCE_LEN,
    VOCAB,
    Row,
    clean_row,
    distinct_neighbours,
)

VALUES = Registry()


def shifted(row: Row, k: int) -> list[int]:
    """The labels moved by k places, those that find no id left out."""
    ids, prompt, length = row["input_ids"], prompt_of(row), len(row["labels"])
    inside = [prompt <= i and 0 <= i + k < length for i in range(length)]
    return [ids[i + k] if inside[i] else -100 for i in range(length)]


for _k in (1, -1, 2, -2, 3, -3):

    def _shift(row: Row, rng: random.Random, k: int = _k) -> Row:
        return {**row, "labels": shifted(row, k)}

    def _shift_mostly(row: Row, rng: random.Random, k: int = _k) -> Row:
        labels = shifted(row, k)
        trained = [i for i, label in enumerate(labels) if label != -100]
        labels[rng.choice(trained)] = EOS  # one of at least 11 places does not fit
        return {**row, "labels": labels}

    VALUES.add(f"labels-shifted-{_k:+d}", _shift, "labels-shifted")
    VALUES.add(f"labels-shifted-{_k:+d}-mostly", _shift_mostly, "labels-shifted")


@VALUES("label-not-input-id")
def shifted_by_four(row: Row, rng: random.Random) -> Row:
    """Nobody shifts by four: these labels are just others."""
    return {**row, "labels": shifted(row, 4)}


@VALUES("label-out-of-range")
def label_out_of_range_wrapped(row: Row, rng: random.Random) -> Row:
    """-100 went through an unsigned type."""
    return {**row, "labels": [4294967196 if x == -100 else x for x in row["labels"]]}


@VALUES("label-out-of-range", known="nothing")
def label_out_of_range_wrapped_once(row: Row, rng: random.Random) -> Row:
    """No vocabulary is needed to know a wrapped -100."""
    return put(row, "labels", anywhere(row, rng), 4294967196)


@VALUES("label-out-of-range")
def label_out_of_range_wrapped_and_wrong(row: Row, rng: random.Random) -> Row:
    """A wrapped row is left out of the later label rules."""
    wrapped = label_out_of_range_wrapped(row, rng)
    return put(wrapped, "labels", in_answer(row, rng), row["input_ids"][0])


@VALUES("label-out-of-range")
def label_out_of_range_negative(row: Row, rng: random.Random) -> Row:
    """A single negative label."""
    return put(row, "labels", in_prompt(row, rng), rng.choice([-1, -99, -101, -(2**63)]))


@VALUES("label-out-of-range")
def label_out_of_range_first(row: Row, rng: random.Random) -> Row:
    """The first label is no target, yet the loss sees it in packed bins."""
    return put(row, "labels", 0, -1)


@VALUES("label-out-of-range")
def label_out_of_range_beyond(row: Row, rng: random.Random) -> Row:
    """A label that no vocabulary row has."""
    return put(row, "labels", rng.randrange(1, len(row["labels"])), VOCAB + rng.choice([0, 1, 9]))


@VALUES("label-not-input-id", known="nothing")
def label_beyond_an_unknown_vocabulary(row: Row, rng: random.Random) -> Row:
    """Without a vocabulary a large label is just another id."""
    return put(row, "labels", rng.randrange(1, len(row["labels"])), 2**40)


@VALUES("label-not-input-id")
def label_not_input_id(row: Row, rng: random.Random) -> Row:
    """One label is another token."""
    return _other_label(row, anywhere(row, rng))


@VALUES("label-not-input-id", "label-out-of-range")
def wrong_and_out_of_range(row: Row, rng: random.Random) -> Row:
    """Two places, two faults: a label out of range does not speak for the other one."""
    first, second = rng.sample(range(1, len(row["labels"])), 2)
    return put(_other_label(row, first), "labels", second, VOCAB)


def _other_label(row: Row, position: int) -> Row:
    return put(row, "labels", position, row["input_ids"][position] % (VOCAB - 4) + 3)


@VALUES("no-trainable-token")
def no_trainable_token(row: Row, rng: random.Random) -> Row:
    """Everything is masked."""
    return {**row, "labels": [-100] * len(row["labels"])}


@VALUES("no-trainable-token")
def only_the_first_label(row: Row, rng: random.Random) -> Row:
    """The first label is no target."""
    return {**row, "labels": [row["input_ids"][0]] + [-100] * (len(row["labels"]) - 1)}


@VALUES("ignore-index-in-ids")
def ignore_index_in_ids(row: Row, rng: random.Random) -> Row:
    """The prompt was masked in place, in both columns."""
    prompt = prompt_of(row)
    return {**row, "input_ids": [-100] * prompt + row["input_ids"][prompt:]}


@VALUES("ignore-index-in-ids")
def ignore_index_in_prompt(row: Row, rng: random.Random) -> Row:
    """A single -100; the labels are as they were, and decide nothing about the split."""
    return put(row, "input_ids", 1, -100)


@VALUES("ignore-index-in-ids")
def ignore_index_among_all_faults(row: Row, rng: random.Random) -> Row:
    """It leaves the row out of the other label and token rules."""
    row = put(put(row, "input_ids", in_prompt(row, rng), -100), "input_ids", 0, VOCAB)
    return put(row, "labels", in_answer(row, rng), -7)


@VALUES("token-out-of-vocab")
def token_out_of_vocab(row: Row, rng: random.Random) -> Row:
    """An id beyond the embedding, masked."""
    return put(row, "input_ids", in_prompt(row, rng), VOCAB + rng.choice([0, 1, 2**40]))


@VALUES("token-out-of-vocab", known="nothing")
def negative_token(row: Row, rng: random.Random) -> Row:
    """A negative id that is not -100 needs no vocabulary to be wrong."""
    return put(row, "input_ids", in_prompt(row, rng), rng.choice([-1, -7, -(2**63)]))


@VALUES("token-out-of-vocab", "label-out-of-range")
def trained_token_out_of_vocab(row: Row, rng: random.Random) -> Row:
    """An id beyond the embedding that is a target too: it breaks the embedding and the loss."""
    position = in_answer(row, rng)
    return put(put(row, "input_ids", position, VOCAB), "labels", position, VOCAB)


@VALUES("token-out-of-vocab", "label-not-input-id")
def one_id_replaced_under_its_label(row: Row, rng: random.Random) -> Row:
    """The id is beyond the embedding, and its label is right no more."""
    return put(row, "input_ids", in_answer(row, rng), VOCAB)


@VALUES("short-row")
def short_row(row: Row, rng: random.Random) -> Row:
    """Fewer tokens than the minimum, two of them trained."""
    return _of_length(rng.randint(5, MIN_SAMPLE_LEN - 1), rng)


@VALUES("no-trainable-token", known="nothing", once=True)
def one_token(row: Row, rng: random.Random) -> Row:
    """A row of one token holds no target: that is reported, and not its length."""
    token = row["input_ids"][1]
    return {"input_ids": [token], "attention_mask": [1], "labels": [token]}


@VALUES("too-long")
def too_long(row: Row, rng: random.Random) -> Row:
    """More tokens than the limit."""
    return _of_length(SEQUENCE_LEN + rng.choice([1, 2, 9]), rng)


@VALUES("too-long", "trailing-padding")
def too_long_by_padding(row: Row, rng: random.Random) -> Row:
    """Padding counts against the limit."""
    row = _of_length(SEQUENCE_LEN, rng)
    return padded(row, [], [0], mask=0)


@VALUES()
def exactly_the_limit(row: Row, rng: random.Random) -> Row:
    """As long as it may be."""
    return _of_length(SEQUENCE_LEN, rng)


@VALUES()
def exactly_the_minimum(row: Row, rng: random.Random) -> Row:
    """As short as it may be."""
    return _of_length(MIN_SAMPLE_LEN, rng)


@VALUES()
def last_id_of_the_vocabulary(row: Row, rng: random.Random) -> Row:
    """The last id of the vocabulary is an id, as input and as target."""
    position = in_answer(row, rng)
    return put(put(row, "input_ids", position, VOCAB - 1), "labels", position, VOCAB - 1)


@VALUES()
def trained_in_turns(row: Row, rng: random.Random) -> Row:
    """Ends and gaps inside a row are a conversation's."""
    row = put(row, "input_ids", in_prompt(row, rng), EOS)
    return put(row, "labels", in_answer(row, rng), -100)


@VALUES()
def one_target(row: Row, rng: random.Random) -> Row:
    """The end alone is trained."""
    return {**row, "labels": [-100] * (len(row["labels"]) - 1) + [EOS]}


def _of_length(length: int, rng: random.Random) -> Row:
    """A valid row of so many tokens, drawn anew, so that no two are equal by chance."""
    if length < 8:
        ids = [BOS, *distinct_neighbours(length - 2, rng), EOS]
        labels = [-100] * (length - 2) + ids[-2:]
        return {"input_ids": ids, "attention_mask": [1] * length, "labels": labels}
    return clean_row(3, length - 5, rng)
