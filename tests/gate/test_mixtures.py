"""Several corruptions at once: none hides another, and a slow reader agrees on every row."""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.containers import BINARY, WRITERS
from tests.support.corruptions import CORRUPTIONS
from tests.support.rows import Row, clean_rows
from tests.support.slow_reader import violations
from tests.support.verdicts import rows_by_rule, scan

SEEDS = st.integers(0, 2**32)


def names_for(container: str) -> list[str]:
    """The corruptions that a container can hold."""
    return [n for n, c in CORRUPTIONS.items() if not (c.json_only and container in BINARY)]


def verdict(container: str, rows: list[Row], rng: random.Random) -> dict[str, list[int]]:
    """Write the rows and judge them."""
    with tempfile.TemporaryDirectory() as folder:
        return rows_by_rule(scan(WRITERS[container](Path(folder), rows, rng)))


@pytest.mark.parametrize("container", WRITERS)
@given(seed=SEEDS, count=st.integers(2, 30))
@settings(max_examples=60, deadline=None)
def test_two_corruptions_in_different_rows(container: str, seed: int, count: int) -> None:
    """Each is found on its own rows, as if the other were not there."""
    rng = random.Random(seed)
    rows = clean_rows(count, rng)
    shuffled = rng.sample(range(count), count)
    cut = rng.randint(1, count - 1)
    expected: dict[str, list[int]] = defaultdict(list)
    for chosen, name in zip(
        (shuffled[:cut], shuffled[cut:]), rng.sample(names_for(container), 2), strict=True
    ):
        for number in chosen[: rng.randint(1, count)]:
            rows[number] = CORRUPTIONS[name].change(rows[number], rng)
            for rule in CORRUPTIONS[name].trips:
                expected[rule].append(number)

    found = verdict(container, rows, rng)

    assert {rule: sorted(numbers) for rule, numbers in expected.items()} == found


def piled(row: Row, names: list[str], rng: random.Random) -> Row:
    """A row after several corruptions, as far as one can be applied to what the other left."""
    for name in rng.sample(names, rng.choice([0, 0, 1, 1, 2, 3])):
        try:
            row = CORRUPTIONS[name].change(row, rng)
        except (TypeError, ValueError, LookupError, StopIteration):
            continue
    return row


@pytest.mark.parametrize("container", WRITERS)
@given(seed=SEEDS, count=st.integers(1, 25))
@settings(max_examples=120, deadline=None)
def test_slow_reader(container: str, seed: int, count: int) -> None:
    """On rows with any pile of faults, every rule finds what plain loops find."""
    rng = random.Random(seed)
    names = names_for(container)
    rows = [piled(row, names, rng) for row in clean_rows(count, rng)]
    rows += [dict(rng.choice(rows)) for _ in range(rng.randrange(3))]

    assert violations(rows) == verdict(container, rows, rng)


@given(seed=SEEDS, count=st.integers(1, 40))
@settings(max_examples=300, deadline=None)
def test_slow_reader_on_tiny_rows(seed: int, count: int) -> None:
    """Rows of a few ids from a small alphabet hold every odd case: repeats, ties, no places."""
    rng = random.Random(seed)
    alphabet = [0, 1, 2, 3, 4, rng.choice([-100, -1, 999, 1000])]
    wide = [*alphabet, -100, -100, -100, rng.choice([4294967196, -1, 5])]
    rows: list[Row] = []
    for _ in range(count):
        length = rng.randrange(9)
        ids = [rng.choice(alphabet) for _ in range(length)]
        k = rng.choice([0, 0, 0, 1, -1, 2])
        labels = [
            rng.choice(wide) if rng.random() < 0.1 else ids[(i + k) % length] for i in range(length)
        ]
        masked = rng.randrange(length + 1)
        labels = [-100] * masked + labels[masked:]
        mask = [rng.choice([1, 1, 1, 1, 0, 2]) if rng.random() < 0.5 else 1 for _ in ids]
        rows.append({"input_ids": ids, "attention_mask": mask, "labels": labels})

    assert violations(rows) == verdict("parquet", rows, rng)
