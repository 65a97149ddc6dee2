"""Keys and digests by which rows are compared, and what is made of equal ones."""

from __future__ import annotations

import hashlib
import random

import numpy as np
import pyarrow as pa
import pytest

from pretok_schemas import Judge, Vocabulary, load, validate
from pretok_schemas.batch import TokenBatch
from pretok_schemas.rules.corpus import (
    KEY_BITS,
    first_conflicts,
    later_equals,
    row_digests,
    row_keys,
)

OVERLAP, DUPLICATE = 2, 1  # the bits of a key


def batch(ids: list[list[int]], labels: list[list[int] | None] | None = None) -> TokenBatch:
    """A batch of two columns, of which the labels may be null or ragged."""
    table = pa.table(
        {
            "input_ids": pa.array(ids, pa.list_(pa.int32())),
            "labels": pa.array(ids if labels is None else labels, pa.list_(pa.int64())),
        }
    )
    judge = Judge(load("axolotl"), Vocabulary())
    return judge.columns.batch(table.to_batches()[0])


def row(length: int, seed: int = 1) -> list[int]:
    """Some ids."""
    rng = random.Random(seed)
    return [rng.randrange(1, 30_000) for _ in range(length)]


@pytest.mark.parametrize(
    ("length", "bits"),
    [(1, DUPLICATE), (15, DUPLICATE), (16, DUPLICATE | OVERLAP), (17, DUPLICATE | OVERLAP)],
)
def test_who_is_compared(length: int, bits: int) -> None:
    """Rows of 16 tokens or more across splits; without sound labels not within one."""
    sound, ragged, unlabelled = row_keys(
        batch([row(length)] * 3, [row(length), row(length + 1), None])
    ).tolist()

    assert sound & 3 == bits
    assert ragged & 3 == unlabelled & 3 == bits & OVERLAP
    assert sound & ~3 == ragged & ~3 == unlabelled & ~3


def test_empty_rows_have_no_key() -> None:
    """Wherever they stand, and the keys of others are those that they have alone."""
    alone = row_keys(batch([row(20)])).tolist()

    assert row_keys(batch([[], row(20), []])).tolist() == [0, *alone, 0]
    assert row_keys(batch([[], []])).tolist() == [0, 0]


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 40])
def test_keys_tell_rows_apart(length: int) -> None:
    """The first and the last id, the length and the order count; the integer type does not."""
    ids = row(length)
    others = [[*ids[:-1], ids[-1] + 1], [*ids, 5]]
    others += [[ids[0] + 1, *ids[1:]], ids[::-1]] if length > 1 else []

    keys = row_keys(batch([ids, *others])) & KEY_BITS

    assert len(set(keys.tolist())) == len(others) + 1
    wide = pa.table({"input_ids": pa.array([ids], pa.list_(pa.int64()))}).to_batches()[0]
    again = row_keys(Judge(load("axolotl"), Vocabulary()).columns.batch(wide))
    assert (again & KEY_BITS).tolist() == keys[:1].tolist()


def test_keys_are_the_same_everywhere() -> None:
    """They cross machines: these are the ones that the formula gives in plain integers."""
    ids = row(33)
    weights = [pow(0x9E3779B97F4A7C15, n, 2**64) for n in range(1, 18)]
    places = [32 * n // 15 for n in range(16)]
    key = sum(ids[at] * weight for at, weight in zip(places, weights, strict=False))
    key = (key + 33 * weights[16]) % 2**64
    key = (key ^ key >> 31) * weights[0] % 2**64

    assert row_keys(batch([ids])).tolist() == [key & ~3 | 3]


def test_digests() -> None:
    """Those of the values as 64-bit integers, the ids' and then the labels'."""
    ids, labels = [[1, 5, 6], [7], [8, 9]], [[-100, 5, 6], [7], [-100, 9]]

    def digest(values: list[int]) -> bytes:
        return hashlib.blake2b(np.array(values, "<i8").tobytes(), digest_size=16).digest()

    both = batch(ids, [list(values) for values in labels])

    assert row_digests(both, np.array([0, 2]), True) == [
        digest(ids[0]) + digest(labels[0]),
        digest(ids[2]) + digest(labels[2]),
    ]
    assert row_digests(both, np.array([1]), False) == [digest([7])]


def test_equal_rows() -> None:
    """Each later one, with the first that it equals."""
    digests = [(0, b"a"), (3, b"b"), (4, b"a"), (7, b"a"), (9, b"b"), (11, b"c")]

    assert later_equals(digests) == [(4, 0), (7, 0), (9, 3)]


def test_rows_of_other_labels() -> None:
    """One a group of equal ids: the first that departs from the group's first row."""
    one, two = b"1" * 16, b"2" * 16
    digests = [
        (0, one + b"x"),
        (1, two + b"x"),
        (2, one + b"x"),
        (3, one + b"y"),
        (4, one + b"z"),
        (5, two + b"x"),
        (6, two + b"z"),
    ]

    assert first_conflicts(digests) == [(3, 0), (6, 1)]


@pytest.mark.parametrize("length", [2, 4, 15, 16])
def test_short_rows_of_other_labels(length: int) -> None:
    """Rows of one split are compared, however short they are."""
    ids = row(length)
    other = [-100] * (length - 1) + ids[-1:]
    table = {
        "input_ids": [ids, row(length, 2), ids, ids],
        "attention_mask": [[1] * length] * 4,
        "labels": [ids, row(length, 2), other, ids],
    }

    report = validate(table, only=["conflicting-labels", "duplicate-rows"], every=True)

    assert report.rows("conflicting-labels").tolist() == [2]
    assert report.rows("duplicate-rows").tolist() == [3]
