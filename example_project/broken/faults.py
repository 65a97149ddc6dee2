"""The faults: each function plants one in clean rows; must know nothing of files.

A plant changes the rows in place and returns where the fault now is: {rule: rows}, or None instead
of the rows if the fault is not one of rows.
"""

from __future__ import annotations

from typing import Any

PAD = BOS = END = 50256
VOCABULARY = 50257
SEQUENCE_LEN = 256
IGNORE = -100

Row = dict[str, Any]
Rows = list[Row]
Planted = dict[str, list[int] | None]


def everywhere(rows: Rows) -> list[int]:
    """All rows."""
    return list(range(len(rows)))


def first_trained(row: Row) -> int:
    """Where the answer begins."""
    return next(i for i, label in enumerate(row["labels"]) if label != IGNORE)


def nothing(rows: Rows) -> Planted:
    """The control: clean rows."""
    return {}


def length_mismatch(rows: Rows) -> Planted:
    """The bos token was put before the ids and the mask, and forgotten in the labels."""
    for row in rows:
        row["labels"] = row["labels"][1:]
    return {"length-mismatch": everywhere(rows)}


def label_not_input_id(rows: Rows) -> Planted:
    """The first answer token of three rows is another one in the labels than in the ids."""
    spoilt = [3, 11, 17]
    for at in spoilt:
        labels = rows[at]["labels"]
        labels[first_trained(rows[at])] = (labels[first_trained(rows[at])] + 1) % END
    return {"label-not-input-id": spoilt}


def pad(rows: Rows, label: int, left: bool = False) -> list[int]:
    """Pad all rows to the longest one; returns those that were shorter."""
    longest = max(len(row["input_ids"]) for row in rows)
    padded = [at for at, row in enumerate(rows) if len(row["input_ids"]) < longest]
    for row in rows:
        missing = longest - len(row["input_ids"])
        for column, value in (("input_ids", PAD), ("attention_mask", 0), ("labels", label)):
            filling = [value] * missing
            row[column] = filling + row[column] if left else row[column] + filling
    return padded


def trailing_padding(rows: Rows) -> Planted:
    """Padded on the right to the longest row, as padding=True does."""
    return {"trailing-padding": pad(rows, IGNORE)}


def leading_padding(rows: Rows) -> Planted:
    """Padded on the left, as a tokenizer set up for generation does."""
    return {"leading-padding": pad(rows, IGNORE, left=True)}


def trained_under_mask(rows: Rows) -> Planted:
    """Padded first and labelled afterwards: the pads carry loss. They are padding all the same."""
    padded = pad(rows, PAD)
    return {"trained-under-mask": padded, "trailing-padding": padded}


def no_trainable_token(rows: Rows) -> Planted:
    """Where the answer's marker was not found, everything stayed masked."""
    spoilt = [2, 9, 20]
    for at in spoilt:
        rows[at]["labels"] = [IGNORE] * len(rows[at]["labels"])
    return {"no-trainable-token": spoilt}


def labels_shifted(rows: Rows) -> Planted:
    """The labels were moved one place to the left; the model will shift them again."""
    for row in rows:
        row["labels"] = [*row["labels"][1:], IGNORE]
    return {"labels-shifted": everywhere(rows)}


def label_out_of_range(rows: Rows) -> Planted:
    """The labels went through an unsigned type: -100 is 4294967196 now."""
    for row in rows:
        row["labels"] = [label % 2**32 for label in row["labels"]]
    return {"label-out-of-range": everywhere(rows), "narrow-integer": None}


def labels_are_a_mask(rows: Rows) -> Planted:
    """A completion mask was stored as labels."""
    for row in rows:
        row["labels"] = [int(label != IGNORE) for label in row["labels"]]
    return {"labels-are-a-mask": everywhere(rows)}


def wrong_ignore_value(rows: Rows) -> Planted:
    """The prompts are labelled 0 instead of -100."""
    for row in rows:
        row["labels"] = [0 if label == IGNORE else label for label in row["labels"]]
    return {"wrong-ignore-value": everywhere(rows)}


def eos_never_trained(rows: Rows) -> Planted:
    """The pad id is the end id, and was masked wherever it stands."""
    for row in rows:
        row["labels"] = [IGNORE if label == PAD else label for label in row["labels"]]
    return {"eos-never-trained": everywhere(rows)}


def missing_eos(rows: Rows) -> Planted:
    """The end was forgotten in four rows."""
    spoilt = [1, 6, 12, 22]
    for at in spoilt:
        for column in rows[at]:
            rows[at][column] = rows[at][column][:-1]
    return {"missing-eos": spoilt}


def mixed_masking(rows: Rows) -> Planted:
    """In three rows the answer's marker was not found, and everything was trained."""
    spoilt = [0, 8, 13]
    for at in spoilt:
        rows[at]["labels"] = [IGNORE, *rows[at]["input_ids"][1:]]
    return {"mixed-masking": spoilt}


def repetition(rows: Rows) -> Planted:
    """Two prompts are one id over and over."""
    spoilt = [9, 18]
    for at in spoilt:
        row = rows[at]
        for column, value in (("input_ids", 13), ("attention_mask", 1), ("labels", IGNORE)):
            row[column] = [*row[column][:1], *[value] * 80, *row[column][1:]]
    return {"repetition": spoilt}


def token_out_of_vocab(rows: Rows) -> Planted:
    """A token was added to the tokenizer and not to the model; two prompts begin with it."""
    spoilt = [5, 14]
    for at in spoilt:
        rows[at]["input_ids"][1] = VOCABULARY
    return {"token-out-of-vocab": spoilt}


def ignore_index_in_ids(rows: Rows) -> Planted:
    """The columns input_ids and labels were swapped."""
    for row in rows:
        row["input_ids"], row["labels"] = row["labels"], row["input_ids"]
    return {"ignore-index-in-ids": everywhere(rows)}


def null_row(rows: Rows) -> Planted:
    """Two lines lack the key `labels`."""
    spoilt = [7, 19]
    for at in spoilt:
        del rows[at]["labels"]
    return {"null-row": spoilt}


def null_token(rows: Rows) -> Planted:
    """The prompt of two rows is labelled null instead of -100."""
    spoilt = [4, 10]
    for at in spoilt:
        rows[at]["labels"] = [None if x == IGNORE else x for x in rows[at]["labels"]]
    return {"null-token": spoilt}


def mask_hole(rows: Rows) -> Planted:
    """Two tokens in the middle of a prompt are not attended."""
    spoilt = [1, 13]
    for at in spoilt:
        rows[at]["attention_mask"][4:6] = [0, 0]
    return {"mask-hole": spoilt}


def mask_all_zero(rows: Rows) -> Planted:
    """Two source texts were empty: their rows are padding only. So nothing is trained either."""
    spoilt = [6, 18]
    for at in spoilt:
        length = 20 + at
        rows[at].update(
            input_ids=[PAD] * length, attention_mask=[0] * length, labels=[IGNORE] * length
        )
    return {"mask-all-zero": spoilt, "no-trainable-token": spoilt}


def mask_values(rows: Rows) -> Planted:
    """Loss weights were written into the mask: 1 for the prompt, 3 for the answer."""
    spoilt = [8, 16]
    for at in spoilt:
        start, mask = first_trained(rows[at]), rows[at]["attention_mask"]
        rows[at]["attention_mask"] = [1] * start + [3] * (len(mask) - start)
    return {"mask-values": spoilt}


def empty_row(rows: Rows) -> Planted:
    """A row without a token."""
    rows[12] = {"input_ids": [], "attention_mask": [], "labels": []}
    return {"empty-row": [12]}


def short_row(rows: Rows) -> Planted:
    """Two rows have lost all but bos, the end of the prompt and the end."""
    spoilt = [0, 15]
    for at in spoilt:
        begin = first_trained(rows[at])
        prompt = rows[at]["input_ids"][:begin]
        ids = [BOS, prompt[5], *prompt[-4:], END]
        labels = [IGNORE] * 6 + [END]
        rows[at].update(input_ids=ids, attention_mask=[1] * 7, labels=labels)
    return {"short-row": spoilt}


def too_long(rows: Rows) -> Planted:
    """Two whole conversations were exported as one row each."""
    spoilt = [2, 21]
    turns = [{column: row[column][1:-1] for column in row} for row in rows]
    for at, order in zip(spoilt, (turns, turns[::-1]), strict=True):
        for column, first, last in (
            ("input_ids", BOS, END),
            ("attention_mask", 1, 1),
            ("labels", IGNORE, END),
        ):
            joined = [token for turn in order[:12] for token in turn[column]]
            rows[at][column] = [first, *joined, last]
        if len(rows[at]["input_ids"]) <= SEQUENCE_LEN:
            raise ValueError("twelve turns are not enough to pass the limit")
    return {"too-long": spoilt}


def column_type(rows: Rows) -> Planted:
    """The data went through a csv file: every list is text now."""
    for row in rows:
        row.update({column: str(row[column]) for column in row})
    return {"column-type": everywhere(rows)}


def missing_column(rows: Rows) -> Planted:
    """The labels are called `label`."""
    for row in rows:
        row["label"] = row.pop("labels")
    return {"missing-column": None}


def no_rows(rows: Rows) -> Planted:
    """A filter kept nothing."""
    rows.clear()
    return {"no-rows": None}
