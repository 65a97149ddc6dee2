"""Corruptions of the mask and by padding; and what looks like padding but is none.

A few faults cannot be made alone: a mask of zeros leaves a row either without a trainable token or
with tokens trained under the mask. Their second rule is named too.
"""

from __future__ import annotations

import random

from tests.support.corrupting import Registry, anywhere, in_prompt, padded, prompt_of, put
from tests.support.rows import BOS, EOS, PAD, Row

MASKS = Registry()


@MASKS("mask-values")
def mask_values_odd(row: Row, rng: random.Random) -> Row:
    """A value that is neither 0 nor 1."""
    return put(row, "attention_mask", anywhere(row, rng), rng.choice([-1, 255, -100, 2**31]))


@MASKS("mask-values")
def mask_values_document_numbers(row: Row, rng: random.Random) -> Row:
    """Document numbers of neat packing: a warning."""
    cut = rng.randrange(1, len(row["labels"]))
    return {**row, "attention_mask": [1] * cut + [2] * (len(row["labels"]) - cut)}


@MASKS("mask-values")
def mask_values_are_the_ids(row: Row, rng: random.Random) -> Row:
    """The columns were mixed up; no id is 0."""
    return {**row, "attention_mask": row["input_ids"]}


@MASKS("mask-values", "trailing-padding")
def mask_values_document_numbers_padded(row: Row, rng: random.Random) -> Row:
    """Neat packing filled up: the numbers and the padding are two faults."""
    return padded(mask_values_document_numbers(row, rng), [], [PAD] * 3, mask=0)


@MASKS("mask-all-zero", "no-trainable-token")
def mask_all_zero(row: Row, rng: random.Random) -> Row:
    """Nothing is attended, and nothing trained."""
    length = len(row["labels"])
    return {**row, "attention_mask": [0] * length, "labels": [-100] * length}


@MASKS("mask-all-zero", "trained-under-mask")
def mask_all_zero_but_trained(row: Row, rng: random.Random) -> Row:
    """Nothing is attended, but tokens are trained."""
    return {**row, "attention_mask": [0] * len(row["labels"])}


@MASKS("mask-all-zero", "trained-under-mask")
def mask_all_zero_with_pads(row: Row, rng: random.Random) -> Row:
    """A mask of zeros speaks for the pads at the end too."""
    longer = padded(row, [], [PAD] * 3, mask=0)
    return {**longer, "attention_mask": [0] * len(longer["labels"])}


@MASKS("mask-hole")
def mask_hole(row: Row, rng: random.Random) -> Row:
    """A masked prompt token is hidden from attention too."""
    return put(row, "attention_mask", in_prompt(row, rng), 0)


@MASKS("mask-hole")
def mask_hole_from_the_loss(row: Row, rng: random.Random) -> Row:
    """The mask hides the prompt after its bos."""
    prompt = prompt_of(row)
    ones = len(row["labels"]) - prompt
    return {**row, "attention_mask": [1] + [0] * (prompt - 1) + [1] * ones}


@MASKS("mask-hole", "trained-under-mask")
def trained_under_mask(row: Row, rng: random.Random) -> Row:
    """A trained token in the middle is not attended."""
    position = rng.randrange(prompt_of(row), len(row["labels"]) - 1)
    return put(row, "attention_mask", position, 0)


@MASKS("trailing-padding", "trained-under-mask")
def trained_under_mask_at_the_end(row: Row, rng: random.Random) -> Row:
    """Labels were copied after padding."""
    longer = padded(row, [], [PAD] * 2, mask=0)
    return {**longer, "labels": longer["labels"][:-2] + [PAD] * 2}


@MASKS("leading-padding")
def first_place_not_attended(row: Row, rng: random.Random) -> Row:
    """The first label is no target: nothing is trained under the mask."""
    return put(put(row, "attention_mask", 0, 0), "labels", 0, BOS)


@MASKS("mask-hole", shares=("third", "all"), least=12)
def mask_is_the_loss_mask(row: Row, rng: random.Random) -> Row:
    """The mask hides the whole prompt."""
    return {**row, "attention_mask": [int(label != -100) for label in row["labels"]]}


@MASKS("trailing-padding")
def trailing_padding(row: Row, rng: random.Random) -> Row:
    """Right padding, as a collator makes it."""
    return padded(row, [], [PAD] * rng.randint(1, 9), mask=0)


@MASKS("trailing-padding")
def trailing_padding_attended(row: Row, rng: random.Random) -> Row:
    """Right padding that the mask does not tell of."""
    return padded(row, [], [PAD] * rng.randint(1, 9), mask=1)


@MASKS("trailing-padding")
def trailing_padding_by_mask_alone(row: Row, rng: random.Random) -> Row:
    """The mask ends in 0 over some other id."""
    return padded(row, [], [EOS], mask=0)


@MASKS("leading-padding")
def leading_padding(row: Row, rng: random.Random) -> Row:
    """Left padding."""
    return padded(row, [PAD] * rng.randint(1, 9), [], mask=0)


@MASKS("leading-padding")
def leading_padding_attended(row: Row, rng: random.Random) -> Row:
    """Left padding that the mask does not tell of."""
    return padded(row, [PAD] * rng.randint(1, 9), [], mask=1)


@MASKS("leading-padding", "trailing-padding")
def padding_on_both_sides(row: Row, rng: random.Random) -> Row:
    """Two faults of one row are both reported."""
    return padded(row, [PAD] * 2, [PAD] * 2, mask=0)


@MASKS("trailing-padding", "no-trainable-token", once=True)
def nothing_but_pads(row: Row, rng: random.Random) -> Row:
    """A row of pads trains nothing; it begins with no padding, since nothing follows."""
    length = len(row["labels"]) + rng.randint(0, 9)
    return {
        "input_ids": [PAD] * length,
        "attention_mask": [1] * length,
        "labels": [-100] * length,
    }


@MASKS()
def pad_inside(row: Row, rng: random.Random) -> Row:
    """A pad id in the middle is a token like others."""
    return put(row, "input_ids", rng.randrange(1, prompt_of(row)), PAD)


@MASKS()
def pad_trained_at_the_end(row: Row, rng: random.Random) -> Row:
    """A pad that carries loss is taught on purpose, for all that can be told."""
    longer = padded(row, [], [PAD], mask=1)
    return {**longer, "labels": [*row["labels"], PAD]}


# -- where the declaration says less, or pads with another special id


@MASKS("trailing-padding", known="pad-is-eos")
def pads_after_the_own_eos(row: Row, rng: random.Random) -> Row:
    """The text's own end stands trained before the pads: each of them is padding."""
    return padded(row, [], [EOS] * rng.randint(1, 5), mask=1)


@MASKS("trailing-padding", "end-id-masked", known="pad-is-eos", shares=("one", "third"), least=4)
def pads_after_a_cut_text(row: Row, rng: random.Random) -> Row:
    """The first pad may be the text's end, the second one is none."""
    return _endless(row, [EOS] * rng.randint(2, 5))


@MASKS("end-id-masked", known="pad-is-eos", shares=("one", "third"), least=4)
def own_end_without_loss(row: Row, rng: random.Random) -> Row:
    """One pad id without loss is the text's own end: no padding, but not learned."""
    return _endless(row, [EOS])


@MASKS("trailing-padding", known="ends-unknown-pad-is-eos")
def two_pads_where_ends_are_unknown(row: Row, rng: random.Random) -> Row:
    """The pad may be the end id: the first one is not counted, the second is."""
    return padded(row, [], [EOS] * rng.randint(2, 5), mask=1)


@MASKS(known="ends-unknown-pad-is-eos")
def one_pad_where_ends_are_unknown(row: Row, rng: random.Random) -> Row:
    """One pad may be the text's own end."""
    return padded(row, [], [EOS], mask=1)


@MASKS("leading-padding", known="pad-is-bos")
def pads_before_bos(row: Row, rng: random.Random) -> Row:
    """All but the last bos are pads."""
    return padded(row, [BOS] * rng.randint(1, 5), [], mask=1)


@MASKS("trailing-padding", known="pad-is-bos")
def pads_of_bos_at_the_end(row: Row, rng: random.Random) -> Row:
    """A bos at the end is nobody's end: a pad."""
    return padded(row, [], [BOS], mask=1)


@MASKS("trailing-padding", known="nothing")
def equal_ids_at_the_end(row: Row, rng: random.Random) -> Row:
    """Two equal ids without loss can only be padding, whatever they are called."""
    return padded(row, [], [rng.choice([3, EOS, PAD])] * rng.randint(2, 5), mask=1)


@MASKS("leading-padding", known="nothing")
def equal_ids_at_the_start(row: Row, rng: random.Random) -> Row:
    """Four equal ids without loss are taken for padding."""
    return padded(row, [EOS] * rng.randint(4, 7), [], mask=1)


@MASKS(known="nothing", shares=("one",), least=4)
def three_equal_ids_at_the_start(row: Row, rng: random.Random) -> Row:
    """Texts may begin with a repeated token."""
    return padded(row, [EOS] * 3, [], mask=1)


@MASKS(known="nothing")
def one_id_without_loss_at_the_end(row: Row, rng: random.Random) -> Row:
    """A newline of the template after the end id is no padding."""
    return padded(row, [], [3], mask=1)


def _endless(row: Row, after: list[int]) -> Row:
    """The row without its eos, and further ids behind it."""
    return padded({name: values[:-1] for name, values in row.items()}, [], after, mask=1)
