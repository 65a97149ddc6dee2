"""What a split is like, counted once more in plain Python."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import ceil
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretok_schemas.batch import TokenBatch, lists_from_arrow
from pretok_schemas.stats import EDGES_KEPT, Stats, _most_common, look

TOKEN = st.sampled_from([0, 1, 2, 3, 7])
ROW = st.lists(st.tuples(TOKEN, st.booleans()), max_size=7)


def batch_of(rows: list[list[tuple[int, bool]]]) -> TokenBatch:
    """Rows of (id, whether it is trained)."""
    ids = [[token for token, _ in row] for row in rows]
    labels = [[token if trained else -100 for token, trained in row] for row in rows]
    columns = {
        name: lists_from_arrow(pa.array(cells, pa.list_(pa.int64())))
        for name, cells in (("input_ids", ids), ("labels", labels))
    }
    return TokenBatch(len(rows), columns)


def runs_of(row: list[tuple[int, bool]]) -> list[tuple[int, int]]:
    """The trained runs of a row, as (first, last) places."""
    runs = []
    for i, (_, trained) in enumerate(row):
        if trained and (i == 0 or not row[i - 1][1]):
            runs.append((i, i))
        elif trained:
            runs[-1] = (runs[-1][0], i)
    return runs


@given(rows=st.lists(ROW, max_size=12))
@settings(max_examples=250, deadline=None, derandomize=True, database=None)
def test_sums(rows: list[list[tuple[int, bool]]]) -> None:
    """Rows, tokens, lengths, runs and their edges: no run goes over the joint of two rows."""
    begins: Counter[tuple[int, int]] = Counter()
    ends: Counter[int] = Counter()
    for row in rows:
        for first, last in runs_of(row):
            before = [row[i][0] if i >= 0 else -1 for i in (first - 2, first - 1)]
            begins[before[0], before[1]] += 1
            ends[row[last][0]] += 1

    found = look(batch_of(rows))

    assert found.rows == len(rows)
    assert found.tokens == found.labelled == sum(map(len, rows))
    assert found.trainable == sum(trained for row in rows for _, trained in row[1:])
    assert found.lengths == Counter(map(len, rows))
    assert (found.runs, found.begins, found.ends) == (ends.total(), begins, ends)
    if any(rows):
        shares = [Fraction(sum(t for _, t in row[1:]), max(len(row), 1)) for row in rows]
        assert found.shares == Counter(ceil(share * 20) for share in shares)


@given(lengths=st.dictionaries(st.integers(0, 10**5), st.integers(1, 10**4), min_size=1))
@settings(max_examples=250, deadline=None, derandomize=True, database=None)
def test_length_histogram(lengths: dict[int, int]) -> None:
    """Bins of one round width hold every row once; what lies far beyond nearly all is counted."""
    stats = Stats(lengths=Counter(lengths))
    found = stats.length_histogram()
    last = found.start + found.width * len(found.rows)
    binned = [
        sum(
            many
            for length, many in lengths.items()
            if found.start + i * found.width <= length < found.start + (i + 1) * found.width
        )
        for i in range(len(found.rows))
    ]
    beyond = sum(many for length, many in lengths.items() if length >= last)

    assert list(found.rows) == binned
    assert found.beyond == beyond
    assert sum(binned) + beyond == sum(lengths.values())
    assert len(found.rows) <= 60
    assert str(found.width).rstrip("0") in ("1", "2", "5")
    assert found.start % found.width == 0
    assert beyond <= sum(lengths.values()) / 100
    assert found.width == 1 or len(found.rows) > 20


@given(rows=st.lists(ROW, max_size=12), cut=st.integers(0, 12))
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
def test_adding(rows: list[list[tuple[int, bool]]], cut: int) -> None:
    """The sums of two stretches are the sums over both."""
    whole, first = look(batch_of(rows)), look(batch_of(rows[:cut]))

    first.add(look(batch_of(rows[cut:])))

    assert first == whole


def test_ids_that_no_vocabulary_has() -> None:
    """A faulty id does not take the runs of other rows out of the sums."""
    good = [(5, False), (6, False), (7, True)]
    odd = [(2**40, False), (-7, False), (8, True)]

    found = look(batch_of([good, odd, good]))

    assert found.runs == 3
    assert found.begins[5, 6] == 2
    assert found.ends == {7: 2, 8: 1}
    assert all(token >= -1 for edge in found.begins for token in edge)


def test_unlabelled_rows_count_as_tokens_alone() -> None:
    """Rows whose labels cannot be read have a length, and no share of trainable tokens."""
    columns: dict[str, Any] = {
        "input_ids": lists_from_arrow(pa.array([[1, 2, 3], [4, 5]])),
        "labels": lists_from_arrow(pa.array([None, [-100, 5]])),
    }

    found = look(TokenBatch(2, columns))

    assert (found.rows, found.tokens, found.labelled, found.trainable) == (2, 5, 2, 1)


@given(lengths=st.lists(st.integers(0, 50), min_size=1, max_size=40))
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
def test_percentiles(lengths: list[int]) -> None:
    """A percentile is the least length that so many rows do not exceed."""
    stats = Stats(rows=len(lengths), lengths=Counter(lengths))

    for percent in (1, 50, 95, 99, 100):
        found = stats.percentile(percent / 100)
        assert found in lengths
        within = sum(length <= found for length in lengths)
        assert within * 100 >= percent * len(lengths)
        shorter = [length for length in lengths if length < found]
        assert len(shorter) * 100 < percent * len(lengths)
    assert stats.length_summary()["max"] == max(lengths)
    assert stats.length_summary()["min"] == min(lengths)


def test_no_rows() -> None:
    """A split without rows has lengths of 0."""
    assert set(Stats().length_summary().values()) == {0}


@pytest.mark.parametrize("rows", [5000, 9000])
def test_common_edges_are_kept(rows: int) -> None:
    """However many ways runs end, the common ones stay counted, and memory stays bounded."""
    stats = Stats()
    for number in range(rows // 50):
        part = [[(3, False), (3, False), (1000 + number * 50 + i, True)] for i in range(40)]
        part += [[(3, False), (3, False), (2, True)]] * 10
        stats.add(look(batch_of(part)))

    assert stats.ends[2] == rows // 5
    assert stats.begins[3, 3] == stats.runs == rows
    assert len(stats.ends) <= 8192


def test_the_rarest_edges_are_forgotten() -> None:
    """Where there are too many to keep; the most frequent stay."""
    counts = Counter(dict.fromkeys(range(3 * EDGES_KEPT), 1)) + Counter({7: 50, 9: 40})

    kept = _most_common(counts)

    assert len(kept) == EDGES_KEPT
    assert kept.most_common(2) == [(7, 51), (9, 41)]
    assert _most_common(Counter({1: 2})) == {1: 2}
