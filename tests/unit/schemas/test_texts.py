"""Where texts begin and end, against a reader that looks at one row after the other."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from pretok_schemas import Judge, Vocabulary, load
from pretok_schemas.batch import TokenBatch
from pretok_schemas.rules.prompts import KEPT, _commonest, _shown
from pretok_schemas.rules.texts import texts, zeros

BOS, EOS, PAD = 1, 2, 0
KNOWN = {
    "all": Vocabulary(99, BOS, (EOS,), PAD),
    "no pad": Vocabulary(99, BOS, (EOS,)),
    "pad is eos": Vocabulary(99, BOS, (EOS,), EOS),
    "pad is bos": Vocabulary(99, BOS, (EOS,), BOS),
    "pad is one of two ends": Vocabulary(99, BOS, (EOS, PAD), PAD),
    "ends unknown": Vocabulary(99, BOS, None, PAD),
    "bos unknown": Vocabulary(99, None, (EOS,), PAD),
}
Rows = list[tuple[list[int], list[int]]]


def some_rows(rng: random.Random) -> Rows:
    """Short rows of few ids under any mask."""
    rows = []
    for _ in range(rng.randint(1, 30)):
        size = rng.randint(0, 7)
        ids = rng.choices([BOS, EOS, PAD, 5, 6], k=size)
        mask = rng.choices([0, 1], [rng.random(), 1], k=size)
        rows.append((ids, [1] * size if rng.random() < 0.4 else mask))
    return rows


def batch(rows: Rows, known: Vocabulary, rng: random.Random) -> TokenBatch:
    """These rows between some that no rule can read."""
    broken = pa.scalar(None, pa.list_(pa.int32()))
    cells: list[tuple[object, object]] = []
    for ids, mask in rows:
        cells += [(broken.as_py(), mask)] * (rng.random() < 0.2)
        cells.append((ids, mask))
    table = pa.table(
        {
            "input_ids": pa.array([one for one, _ in cells], pa.list_(pa.int32())),
            "attention_mask": pa.array([other for _, other in cells], pa.list_(pa.int8())),
        }
    )
    return Judge(load("axolotl"), known).columns.batch(table.to_batches()[0])


def text_of(ids: list[int], mask: list[int], known: Vocabulary) -> tuple[int, int] | None:
    """The first and the last place of a row's text."""
    seen = [at for at, value in enumerate(mask) if value]
    if not seen:
        return None
    first, last = seen[0], seen[-1]
    inner = [at for at in range(first, last + 1) if ids[at] != known.pad]
    if not inner:
        return None
    begin, end = inner[0], inner[-1]
    if known.pad is None:
        return first, last
    own_end = known.eos is None or known.pad in known.eos
    if own_end and end < last and ids[end] not in (known.eos or ()):
        end += 1
    if known.bos in (None, known.pad) and begin > first:
        begin -= 1
    return begin, end


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_texts(known: Vocabulary, seed: int) -> None:
    """The attended part without pads, save one that may be the text's own."""
    rng = random.Random(seed)
    rows = some_rows(rng)

    found = texts(batch(rows, known, rng))

    offsets = np.cumsum([0, *(len(ids) for ids, _ in rows)]).tolist()
    expected = []
    for at, (ids, mask) in enumerate(rows):
        place = text_of(ids, mask, known)
        if place is not None:
            expected.append((at, offsets[at] + place[0], offsets[at] + place[1]))
    columns = (found.local.tolist(), found.first.tolist(), found.last.tolist())
    assert list(zip(*columns, strict=True)) == expected


@pytest.mark.parametrize("seed", range(20))
def test_zeros(seed: int) -> None:
    """Their number, and what they leave in between."""
    rng = random.Random(seed)
    rows = some_rows(rng)

    found = zeros(batch(rows, KNOWN["all"], rng))

    expected = []
    for at, (_, mask) in enumerate(rows):
        seen = [place for place, value in enumerate(mask) if value]
        ends = (seen[0], seen[-1]) if seen else (len(mask), -1)
        if 0 in mask:
            expected.append((at, len(mask), mask.count(0), *ends))
    told = [] if found is None else list(zip(*(part.tolist() for part in found), strict=True))
    assert told == expected


@pytest.mark.parametrize("most", [5, 2**20 + 3, 2**21 - 1, 2**21 + 3])
@pytest.mark.parametrize("seed", range(6))
def test_the_commonest_beginnings(seed: int, most: int) -> None:
    """The most frequent ones and how often they are there, of ids of any size."""
    rng = random.Random(seed)
    distinct = [[rng.choice([-1, 0, 3, most - 3, most]) for _ in range(3)] for _ in range(30)]
    rows = rng.choices(distinct, range(1, 31), k=400)
    # What differs in the highest bits alone is not the same.
    rows += [[0, 3, 3], [2**20, 3, 3], [2**20, 3, 3]] * 20
    # Nor is what differs by one and a place that does not exist.
    rows += [[5, most, 3], [6, -1, 3]] * 30

    counts = _commonest(np.array(rows, np.int64))

    many = Counter("ids " + " ".join(map(str, row)) for row in rows)
    assert len(counts) == min(KEPT, len(many))
    assert all(many[key] == count for key, count in counts.items())
    assert sorted(counts.values()) == sorted(many.values())[-KEPT:]


def test_ids_that_are_not_there() -> None:
    """Places outside of a row are shown as such; 0 is an id."""
    assert _shown([-1, 0, 12]) == "- 0 12"


def test_one_beginning() -> None:
    """And none."""
    assert _commonest(np.array([[5, -1]] * 3)) == {"ids 5 -1": 3}
    assert _commonest(np.zeros((0, 2), np.int64)) == {}
