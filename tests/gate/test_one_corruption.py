"""A valid dataset with one named corruption: exactly its rules fire, on exactly those rows."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretok_schemas.rules import NAMES
from pytest_pretok.scan import compare_splits
from tests.support.containers import BINARY, WRITERS, Writer
from tests.support.corruptions import CORRUPTIONS, Corruption
from tests.support.rows import Row, clean_rows
from tests.support.verdicts import judge, rows_by_rule, scan

# Rules about files, splits and several rows are tested by name further below.
ELSEWHERE = {"unreadable-file", "no-rows", "missing-column", "duplicate-rows", "split-overlap"}

CASES = [
    pytest.param(container, name, id=f"{container}-{name}")
    for container in WRITERS
    for name, corruption in CORRUPTIONS.items()
    if not (corruption.json_only and container in BINARY)
]


def corrupt(
    rows: list[Row], chosen: list[int], change: Corruption, rng: random.Random
) -> list[Row]:
    """The rows with the chosen ones changed."""
    return [change.change(row, rng) if i in chosen else row for i, row in enumerate(rows)]


def choose(count: int, share: str, rng: random.Random) -> list[int]:
    """Row numbers: one, about a third, or all."""
    if share == "all":
        return list(range(count))
    many = 1 if share == "one" else max(1, round(0.3 * count))
    return sorted(rng.sample(range(count), many))


def verdict(writer: Writer, rows: list[Row], rng: random.Random) -> dict[str, list[int]]:
    """Write the rows and judge them."""
    with tempfile.TemporaryDirectory() as folder:
        return rows_by_rule(scan(writer(Path(folder), rows, rng), workers=rng.choice([1, 2])))


def test_every_rule_has_a_corruption() -> None:
    """No rule of the registry is left untested."""
    tripped = set().union(*(corruption.trips for corruption in CORRUPTIONS.values()))

    assert set(NAMES) == tripped | ELSEWHERE


@pytest.mark.parametrize("container", WRITERS)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 40))
@settings(max_examples=10, deadline=None)
def test_clean(container: str, seed: int, count: int) -> None:
    """A valid dataset breaks no rule."""
    rng = random.Random(seed)

    assert verdict(WRITERS[container], clean_rows(count, rng), rng) == {}


@pytest.mark.parametrize("share", ["one", "third", "all"])
@pytest.mark.parametrize(("container", "name"), CASES)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 30))
@settings(max_examples=3, deadline=None)
def test_one_corruption(container: str, name: str, share: str, seed: int, count: int) -> None:
    """Exactly the corruption's rules fire, on exactly the corrupted rows."""
    rng = random.Random(seed)
    corruption = CORRUPTIONS[name]
    chosen = choose(count, share, rng)
    rows = corrupt(clean_rows(count, rng), chosen, corruption, rng)
    expected = dict.fromkeys(corruption.trips, chosen)

    assert verdict(WRITERS[container], rows, rng) == expected


@pytest.mark.parametrize("container", WRITERS)
@pytest.mark.parametrize("share", ["one", "third", "all"])
@given(seed=st.integers(0, 2**32), count=st.integers(2, 30))
@settings(max_examples=5, deadline=None)
def test_duplicate_rows(container: str, share: str, seed: int, count: int) -> None:
    """Every repetition of an earlier row is reported, the first of them is not."""
    rng = random.Random(seed)
    rows = clean_rows(count, rng)
    chosen = choose(count, share, rng)
    source = rows[chosen[0]]
    rows = [dict(source) if i in chosen else row for i, row in enumerate(rows)]
    expected = {"duplicate-rows": chosen[1:]} if chosen[1:] else {}

    assert verdict(WRITERS[container], rows, rng) == expected


@pytest.mark.parametrize("container", WRITERS)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 20))
@settings(max_examples=5, deadline=None)
def test_split_overlap(container: str, seed: int, count: int) -> None:
    """Rows of the later split that stand in the earlier one are counted, by ids alone."""
    rng = random.Random(seed)
    train, test = clean_rows(count, rng), clean_rows(count, random.Random(seed + 1))
    chosen = sorted(rng.sample(range(count), rng.randint(0, count)))
    for i in chosen:
        other = train[rng.randrange(count)]
        test[i] = {**other, "labels": [-100, *other["input_ids"][1:]]}
    with tempfile.TemporaryDirectory() as folder:
        scans = []
        for name, rows in (("train", train), ("test", test)):
            (Path(folder) / name).mkdir()
            paths = WRITERS[container](Path(folder) / name, rows, rng)
            scans.append(scan(paths, split=name))
        finding = compare_splits(scans, judge(), workers=1)

        assert finding.violations == len(chosen)
        assert [example.row for example in finding.examples] == chosen[:3]
        assert {example.split for example in finding.examples} <= {"test"}
