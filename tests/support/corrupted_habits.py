"""Corruptions that only the split can tell: what nearly all rows do, and some do not."""

from __future__ import annotations

import random

from tests.support.corrupting import Registry, in_answer, prompt_of, put
from tests.support.rows import BOS, EOS, PAD, SEQUENCE_LEN, Row, clean_row, distinct_neighbours

HABITS = Registry()
HEADER = [7, 8, 9]
FEW = ("one",)
SOME = ("one", "third")
ALL = ("all",)


def with_header(row: Row, rng: random.Random) -> Row:
    """The row with a template's header before its answer."""
    return before_answer(row, HEADER)


def before_answer(row: Row, ids: list[int]) -> Row:
    """The row with further ids without loss before its answer."""
    at = prompt_of(row)
    return {
        "input_ids": [*row["input_ids"][:at], *ids, *row["input_ids"][at:]],
        "attention_mask": [1] * (len(row["input_ids"]) + len(ids)),
        "labels": [*row["labels"][:at], *[-100] * len(ids), *row["labels"][at:]],
    }


def begun_alike(row: Row, rng: random.Random) -> Row:
    """The row with the same beginning as all others."""
    ids = [*row["input_ids"][:1], *HEADER, *row["input_ids"][1:]]
    labels = [-100] * 4 + row["labels"][1:]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}


@HABITS("labels-are-a-mask")
def labels_are_a_mask(row: Row, rng: random.Random) -> Row:
    """Zeros and ones instead of labels."""
    return {**row, "labels": [int(label != -100) for label in row["labels"]]}


@HABITS("labels-are-a-mask")
def labels_are_a_mask_with_ignored(row: Row, rng: random.Random) -> Row:
    """Ones where the loss is meant, -100 elsewhere."""
    return {**row, "labels": [1 if label != -100 else -100 for label in row["labels"]]}


@HABITS("wrong-ignore-value")
def zero_instead_of_ignore(row: Row, rng: random.Random) -> Row:
    """0 where -100 was meant."""
    row = clean_row(20, 20, rng)
    return {**row, "labels": [PAD if label == -100 else label for label in row["labels"]]}


@HABITS("wrong-ignore-value")
def minus_one_instead_of_ignore(row: Row, rng: random.Random) -> Row:
    """-1 where -100 was meant, which is no id at all."""
    row = clean_row(20, 20, rng)
    return {**row, "labels": [-1 if label == -100 else label for label in row["labels"]]}


@HABITS("trained-padding")
def trained_padding(row: Row, rng: random.Random) -> Row:
    """Pads that carry loss."""
    pads = [PAD] * rng.randint(2, 5)
    ids = [*row["input_ids"], *pads]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": [*row["labels"], *pads]}


@HABITS("trained-padding", known="pad-unknown", shares=("third", "all"), least=12)
def trained_padding_of_an_unknown_id(row: Row, rng: random.Random) -> Row:
    """The same where nobody said what the pad id is: many rows end in it."""
    return trained_padding(row, rng)


@HABITS("missing-eos")
def missing_eos(row: Row, rng: random.Random) -> Row:
    """The text has no end."""
    return {name: values[:-1] for name, values in row.items()}


@HABITS("missing-eos", "trailing-padding")
def missing_eos_behind_padding(row: Row, rng: random.Random) -> Row:
    """Padding is no end."""
    row = missing_eos(row, rng)
    return {
        "input_ids": [*row["input_ids"], PAD, PAD],
        "attention_mask": [*row["attention_mask"], 0, 0],
        "labels": [*row["labels"], -100, -100],
    }


@HABITS()
def newline_behind_the_end(row: Row, rng: random.Random) -> Row:
    """A template writes something behind the end id."""
    return {
        "input_ids": [*row["input_ids"], 13],
        "attention_mask": [*row["attention_mask"], 1],
        "labels": [*row["labels"], -100],
    }


@HABITS("cut-at-limit", shares=("third",), least=12)
def cut_at_limit(row: Row, rng: random.Random) -> Row:
    """Cut where the script's limit was."""
    row = clean_row(10, SEQUENCE_LEN, rng)
    return {name: values[:SEQUENCE_LEN] for name, values in row.items()}


@HABITS("end-id-masked", shares=SOME, least=4)
def end_id_masked(row: Row, rng: random.Random) -> Row:
    """Some ends carry no loss."""
    return put(row, "labels", len(row["labels"]) - 1, -100)


@HABITS("eos-never-trained", shares=ALL)
def eos_never_trained(row: Row, rng: random.Random) -> Row:
    """No end carries loss."""
    return end_id_masked(row, rng)


@HABITS("double-bos")
def double_bos(row: Row, rng: random.Random) -> Row:
    """BOS twice."""
    return {
        "input_ids": [BOS, *row["input_ids"]],
        "attention_mask": [1, *row["attention_mask"]],
        "labels": [-100, *row["labels"]],
    }


@HABITS("double-bos", known="nothing", shares=ALL, least=2)
def two_equal_ids_before_every_row(row: Row, rng: random.Random) -> Row:
    """Nobody said what BOS is, and every row has it twice."""
    return double_bos(row, rng)


@HABITS("inconsistent-bos", shares=FEW, least=12)
def inconsistent_bos(row: Row, rng: random.Random) -> Row:
    """One row in twelve or more lacks BOS."""
    return {name: values[1:] for name, values in row.items()}


@HABITS("inner-bos", shares=FEW, least=6)
def inner_bos(row: Row, rng: random.Random) -> Row:
    """BOS once more, in one row of six or more."""
    at = in_answer(row, rng)
    return put(put(row, "input_ids", at, BOS), "labels", at, BOS)


@HABITS("mixed-masking", shares=SOME, least=4)
def trained_wholly(row: Row, rng: random.Random) -> Row:
    """Every label is its id, the first one too, where other rows mask their prompts."""
    return {**row, "labels": row["input_ids"]}


@HABITS(shares=ALL)
def all_trained_wholly(row: Row, rng: random.Random) -> Row:
    """Plain text, all of it trained."""
    return trained_wholly(row, rng)


@HABITS("prompt-not-masked", shares=ALL, least=8, dress=begun_alike)
def prompt_not_masked(row: Row, rng: random.Random) -> Row:
    """A template, all of it trained."""
    return {**row, "labels": row["input_ids"]}


@HABITS("prompt-boundary", shares=FEW, least=20, dress=with_header)
def prompt_boundary(row: Row, rng: random.Random) -> Row:
    """Another header before the answer."""
    at = prompt_of(row)
    return put(row, "input_ids", at - rng.randint(1, 3), 10)


@HABITS("repetition", known="nothing")
def repetition(row: Row, rng: random.Random) -> Row:
    """A few ids over and over, without loss."""
    period = distinct_neighbours(rng.randint(1, 4), rng)
    return before_answer(row, period * rng.randint(64, 70))


@HABITS("repetition", known="nothing")
def long_repetition(row: Row, rng: random.Random) -> Row:
    """Thirteen ids over and over."""
    return before_answer(row, rng.sample(range(3, 900), 13) * 64)


@HABITS(known="nothing")
def not_quite_a_repetition(row: Row, rng: random.Random) -> Row:
    """One time too few."""
    period = rng.sample(range(3, 900), rng.randint(1, 13))
    return before_answer(row, [*period * 62, EOS])
