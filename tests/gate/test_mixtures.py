"""Several corruptions at once: none hides another, and a slow reader agrees on every row."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.containers import BINARY, WRITERS
from tests.support.corruptions import CORRUPTIONS, HARMLESS
from tests.support.examples import examples
from tests.support.rows import KNOWN, Known, Row, clean_rows
from tests.support.slow_cells import Cells
from tests.support.slow_reader import WHOLE, violations
from tests.support.verdicts import Cut, rows_by_rule, same_outcomes, same_places, scan, scan_rows

SEEDS = st.integers(0, 2**32)
ONLY_WARN = (
    "empty-row",
    "short-row",
    "duplicate-rows",
    "conflicting-labels",
    "cut-at-limit",
    "missing-eos",
    "end-id-masked",
    "double-bos",
    "inconsistent-bos",
    "inner-bos",
    "prompt-not-masked",
    "mixed-masking",
    "prompt-boundary",
    "low-trainable-share",
    "repetition",
    "packed-without-boundaries",
)
COMPARE = ("duplicate-rows", "conflicting-labels")  # rules that compare rows
CHANGES = {**CORRUPTIONS, **HARMLESS}


def names_for(container: str) -> list[str]:
    """The changes that a container can hold."""
    return [n for n, c in CHANGES.items() if not (c.json_only and container in BINARY)]


def piled(row: Row, names: list[str], rng: random.Random) -> Row:
    """A row after several changes, as far as one can be applied to what the other left."""
    for name in rng.sample(names, rng.choice([0, 0, 1, 1, 2, 3])):
        try:
            row = CHANGES[name].change(row, rng)
        except (TypeError, ValueError, LookupError, StopIteration):
            continue
    return row


def too_long_only_warns(rows: list[Row], known: Known) -> bool:
    """Whether at most 5 % of the trainable tokens stand in rows beyond the limit."""
    sound = [row for row in rows if Cells(row).equally_long("input_ids", "labels")]
    targets = [sum(label != -100 for label in row["labels"][1:]) for row in sound]
    limit = known.sequence_len or 2**60
    lost = [n for row, n in zip(sound, targets, strict=True) if len(row["input_ids"]) > limit]
    return bool(sum(lost) <= 0.05 * sum(targets))


def agree(container: str, rows: list[Row], known: Known, rng: random.Random) -> None:
    """Our verdict is the slow reader's: rules, rows, places, values, outcomes."""
    expected = violations(rows, known)

    found = scan_rows(WRITERS[container], rows, rng, known)

    assert {rule: sorted(faults) for rule, faults in expected.items()} == rows_by_rule(found)
    same_places(found, expected)
    warns = dict.fromkeys(ONLY_WARN, True) | {"too-long": too_long_only_warns(rows, known)}
    same_outcomes(found, expected, warns)


@pytest.mark.parametrize("container", WRITERS)
@given(seed=SEEDS, count=st.integers(2, 30))
@examples(60)
def test_two_corruptions_in_different_rows(container: str, seed: int, count: int) -> None:
    """Each is found on its own rows, as if the other were not there. Shifts, which look at the
    whole split, are no exception: every corrupted row shows its shift by itself. A value in the
    place of -100 is one: it is told by nearly all wrong labels of the split.
    """
    rng = random.Random(seed)
    rows = clean_rows(count, rng)
    shuffled = rng.sample(range(count), count)
    cut = rng.randint(1, count - 1)
    expected: dict[str, list[int]] = defaultdict(list)
    fitting = [
        name
        for name in names_for(container)
        if CHANGES[name].known == "all" and not CHANGES[name].once and CHANGES[name].by_itself
        if "wrong-ignore-value" not in CHANGES[name].trips
    ]
    for chosen, name in zip((shuffled[:cut], shuffled[cut:]), rng.sample(fitting, 2), strict=True):
        for number in chosen[: rng.randint(1, count)]:
            rows[number] = CHANGES[name].change(rows[number], rng)
            for rule in CHANGES[name].trips:
                expected[rule].append(number)

    found = rows_by_rule(scan_rows(WRITERS[container], rows, rng))

    assert {rule: sorted(numbers) for rule, numbers in expected.items()} == found


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("container", WRITERS)
@given(seed=SEEDS, count=st.integers(1, 25))
@examples(20)
def test_slow_reader(container: str, known: str, seed: int, count: int) -> None:
    """On rows with any pile of faults, every rule finds what plain loops find."""
    rng = random.Random(seed)
    names = names_for(container)
    rows = [piled(row, names, rng) for row in clean_rows(count, rng)]
    rows += [dict(rng.choice(rows)) for _ in range(rng.randrange(3))]

    agree(container, rows, KNOWN[known], rng)


def tiny_row(alphabet: list[int], rng: random.Random) -> Row:
    """A row of a few ids from a small alphabet, often shifted, padded, masked or ragged."""
    length = rng.choice([*range(9), 12, 20])
    ids = [rng.choice(alphabet) for _ in range(length)]
    k = rng.choice([0, 0, 0, 1, -1, 2, -2, 3, -3])
    wide = [*alphabet, -100, -100, -100, rng.choice([4294967196, 2**63 - 2, -1, 5])]
    labels = [
        rng.choice(wide) if rng.random() < 0.1 else ids[(i + k) % length] for i in range(length)
    ]
    masked, unmasked = rng.randrange(length + 1), rng.choice([0, 0, 1, 3])
    labels = [-100] * masked + labels[masked : max(masked, length - unmasked)]
    labels += [-100] * (length - len(labels))
    mask = [rng.choice([1, 1, 1, 1, 0, 2]) if rng.random() < 0.5 else 1 for _ in ids]
    row: Row = {"input_ids": ids, "attention_mask": mask, "labels": labels}
    if rng.random() < 0.05:
        row["attention_mask"] = [rng.choice([0, 1, 2, 3]) for _ in range(length)]
    if rng.random() < 0.05:
        column = rng.choice(list(row))
        row[column] = rng.choice([None, row[column][1:], [*row[column], 0], [None] * length])
    return row


@pytest.mark.parametrize("known", KNOWN)
@given(seed=SEEDS, count=st.integers(1, 40))
@examples(80)
def test_slow_reader_on_tiny_rows(known: str, seed: int, count: int) -> None:
    """Rows of a few ids from a small alphabet hold every odd case: repeats, ties, no places."""
    rng = random.Random(seed)
    alphabet = [0, 1, 2, 3, 4, rng.choice([-100, -1, 999, 1000, 3])]
    rows = [tiny_row(alphabet[: rng.randint(2, 6)], rng) for _ in range(count)]

    agree(rng.choice(["parquet", "parquet-shards", "arrow-stream"]), rows, KNOWN[known], rng)


@given(seed=SEEDS, count=st.integers(1, 40), k=st.sampled_from([1, -1, 2, -2, 3, -3]))
@examples(120)
def test_undecided_rows_follow_the_split(seed: int, count: int, k: int) -> None:
    """Where about nine in ten rows are shifted, those with too few places go with them; the slow
    reader draws the line at the same row.
    """
    rng = random.Random(seed)
    shift, wrap = CORRUPTIONS[f"labels-shifted-{k:+d}"], CORRUPTIONS["label-out-of-range-wrapped"]
    ignored = CORRUPTIONS["ignore-index-in-prompt"]
    share = rng.choice([0.85, 0.9, 0.95])
    rows = []
    for row in clean_rows(count, rng):
        if rng.random() < share:
            row = shift.change(row, rng)
        if rng.random() < 0.3:
            trained = [i for i, label in enumerate(row["labels"]) if label != -100]
            kept = set(rng.sample(trained, rng.randint(1, 4)))
            labels = [x if i in kept else -100 for i, x in enumerate(row["labels"])]
            row = {**row, "labels": labels}
        if rng.random() < 0.1:
            row = rng.choice([wrap, ignored]).change(row, rng)
        rows.append(row)

    agree("parquet", rows, KNOWN[rng.choice(["all", "nothing"])], rng)


@pytest.mark.parametrize("container", ["parquet", "jsonl"])
@given(seed=SEEDS, count=st.integers(10, 40), long=st.integers(1, 3))
@examples(40)
def test_how_much_is_lost_by_the_limit(container: str, seed: int, count: int, long: int) -> None:
    """Rows beyond the limit are an error from 5 % of the trainable tokens on, else a warning."""
    rng = random.Random(seed)
    rows = clean_rows(count, rng)
    for number in rng.sample(range(count), long):
        row = CORRUPTIONS["too-long"].change(rows[number], rng)
        unlearnt = rng.choice([0, 10, 20, 40, len(row["labels"]) - 3])
        rows[number] = {**row, "labels": [-100] * unlearnt + row["labels"][unlearnt:]}

    agree(container, rows, KNOWN["all"], rng)


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("container", WRITERS)
@given(seed=SEEDS, count=st.integers(1, 25))
@examples(15)
def test_rows_that_two_rules_report(container: str, known: str, seed: int, count: int) -> None:
    """Pairs of rules count the rows that the slow reader has under both, however rows are cut."""
    rng = random.Random(seed)
    rows = [piled(row, names_for(container), rng) for row in clean_rows(count, rng)]
    faults = violations(rows, KNOWN[known])
    by_row = {rule: set(faults[rule]) - {WHOLE} for rule in faults if rule not in COMPARE}
    expected = {
        frozenset(pair): len(by_row[pair[0]] & by_row[pair[1]])
        for pair in combinations(by_row, 2)
        if by_row[pair[0]] & by_row[pair[1]]
    }

    found = scan_rows(WRITERS[container], rows, rng, KNOWN[known])

    assert {frozenset(pair): rows for pair, rows in found.together.items()} == expected


@pytest.mark.parametrize("cut", [None, (1, 40), (300, 200)])
def test_rows_that_a_second_look_reports_too(tmp_path: Path, cut: Cut | None) -> None:
    """Rows that depart from a norm which their own batch had taken for another, and are at fault
    otherwise as well.
    """
    rows = []
    for number in range(40):
        header = [11, 12, 13] if number < 6 else [21, 22, 23]
        ids = [1, 40 + number, *header, *range(100 + number, 106 + number), 2]
        ids[1] += 5000 * (number % 2)  # no such token: in three of the departing rows
        mask = [1] * len(ids)
        labels = [-100] * 5 + ids[5:]
        rows.append({"input_ids": ids, "attention_mask": mask, "labels": labels})
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")

    found = scan([path], cut=cut)

    assert sorted(rows_by_rule(found)) == ["prompt-boundary", "token-out-of-vocab"]
    assert set(found.together.values()) == {3}
