"""A valid dataset with one named corruption: exactly its rules fire, on exactly those rows."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretok_schemas.rules import NAMES, RULES
from pretok_schemas.rules.base import SplitRule
from tests.support.containers import BINARY, WRITERS
from tests.support.corruptions import CORRUPTIONS, HARMLESS, Corruption
from tests.support.examples import TIMES, examples
from tests.support.rows import KNOWN, Row, clean_rows
from tests.support.slow_reader import violations
from tests.support.verdicts import rows_by_rule, same_places, scan_rows

SEEDS = st.integers(0, 2**32)

# Rules about several rows are tested in test_several_rows, rules about files in test_files; those
# about the whole split, further columns, a tokenizer or a trainer's configuration in tests of
# their own.
ELSEWHERE = {
    "unreadable-file",
    "no-rows",
    "missing-column",
    "duplicate-rows",
    "conflicting-labels",
    "split-overlap",
    *(rule.name for rule in RULES if issubclass(rule, SplitRule)),
    *(rule.name for rule in RULES if "tokenizer" in rule.requires),
    "narrow-integer",
    "shard-schema-mismatch",
    "extra-column",
    "first-label-trained",
    "targets-lost-by-truncation",
    "packed-without-boundaries",
    "position-ids",
    "sequence-lengths",
    "container",
    "stale-prepared-folder",
    "tokenised-but-typed",
    "too-few-tokens-to-pack",
}


def cases(changes: dict[str, Corruption]) -> list[object]:
    """Each change in every container that can hold it."""
    return [
        pytest.param(container, change, id=f"{container}-{name}")
        for container in WRITERS
        for name, change in changes.items()
        if not (change.json_only and container in BINARY)
    ]


def corrupt(
    rows: list[Row], chosen: list[int], change: Corruption, rng: random.Random
) -> list[Row]:
    """The rows with the chosen ones changed."""
    if change.dress is not None:
        rows = [change.dress(row, rng) for row in rows]
    return [change.change(row, rng) if i in chosen else row for i, row in enumerate(rows)]


def choose(count: int, share: str, rng: random.Random) -> list[int]:
    """Row numbers: one, about a third, or all."""
    if share == "all":
        return list(range(count))
    many = 1 if share == "one" else max(1, round(0.3 * count))
    return sorted(rng.sample(range(count), many))


def test_every_rule_has_a_corruption() -> None:
    """No rule of the registry is left untested."""
    tripped = set().union(*(corruption.trips for corruption in CORRUPTIONS.values()))

    assert set(NAMES) == tripped | ELSEWHERE


def test_every_row_rule_can_be_tripped_alone() -> None:
    """Save where a second fault is in the nature of the first, some corruption trips one rule."""
    alone = {next(iter(one.trips)) for one in CORRUPTIONS.values() if len(one.trips) == 1}

    assert set(NAMES) - ELSEWHERE - alone == {"mask-all-zero", "trained-under-mask"}


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("container", WRITERS)
@given(seed=SEEDS, count=st.integers(1, 40))
@examples(4)
def test_clean(container: str, known: str, seed: int, count: int) -> None:
    """A valid dataset breaks no rule, whatever is known of its tokenizer."""
    rng = random.Random(seed)
    found = scan_rows(WRITERS[container], clean_rows(count, rng), rng, KNOWN[known])

    assert rows_by_rule(found) == {}


@pytest.mark.parametrize(("container", "change"), cases(HARMLESS))
def test_harmless(container: str, change: Corruption) -> None:
    """What only looks like a fault breaks no rule, in one row or in all."""
    for number in range(2 * TIMES):
        rng = random.Random(f"{container} {change.name} {number}")
        count = max(rng.randint(1, 20), change.least)
        chosen = choose(count, rng.choice(change.shares), rng)
        rows = corrupt(clean_rows(count, rng), chosen, change, rng)

        assert rows_by_rule(scan_rows(WRITERS[container], rows, rng, KNOWN[change.known])) == {}


@pytest.mark.parametrize(("container", "change"), cases(CORRUPTIONS))
def test_one_corruption(container: str, change: Corruption) -> None:
    """Exactly the corruption's rules fire, on exactly the corrupted rows, at the right places."""
    known = KNOWN[change.known]
    for number in range(2 * TIMES):
        rng = random.Random(f"{container} {change.name} {number}")
        count = max(rng.randint(1, 30), change.least)
        chosen = choose(count, "one" if change.once else rng.choice(change.shares), rng)
        rows = corrupt(clean_rows(count, rng), chosen, change, rng)

        found = scan_rows(WRITERS[container], rows, rng, known)

        assert rows_by_rule(found) == dict.fromkeys(change.trips, chosen), number
        same_places(found, violations(rows, known))
