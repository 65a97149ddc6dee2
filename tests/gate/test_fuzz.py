"""Damaged files have the slow reader's verdict or none; and the harness that says so would tell."""

from __future__ import annotations

import pytest

from fuzz.bases import CONTAINERS, VARIANTS
from fuzz.damage import mutant
from fuzz.runner import BAD, Tally, fuzz
from fuzz.sabotage import SABOTAGES

SEED = 1
COUNT = 60  # mutants a container; the first of them are not damaged


def bad(tally: Tally) -> dict[str, int]:
    """How many mutants had each of the outcomes that are not allowed."""
    return {outcome: tally.outcomes[outcome] for outcome in BAD if tally.outcomes[outcome]}


@pytest.mark.parametrize("container", CONTAINERS)
def test_damaged_files(container: str) -> None:
    """No false pass, no traceback, no hang, no crash; what is not damaged is read."""
    tally = fuzz(container, COUNT, SEED)

    assert bad(tally) == {}, tally.failures
    assert tally.mutants == COUNT
    assert tally.ways["none", "equal"] == VARIANTS
    assert tally.outcomes["unreadable"] > 0


# Container, first mutant, how many, and what may come of it; without a planted bug they are fine,
# as `test_damaged_files` shows of the first, and `test_planted_bugs_are_reported` of the others.
PLANTED: dict[str, tuple[str, int, int, set[str]]] = {
    "no-guard": ("arrow-stream", 22, 6, {"traceback", "crash", "differs", "false pass"}),
    "swallowed-error": ("jsonl", 12, 15, {"false pass", "differs"}),
    "no-end": ("arrow-stream", 30, 4, {"false pass", "differs"}),
    "nulls-as-told": ("arrow-stream", 208, 4, {"false pass", "differs"}),
    "last-row-skipped": ("parquet", 0, 12, {"false pass"}),
    "traceback": ("jsonl", 23, 3, {"traceback"}),
    "hang": ("jsonl", 23, 1, {"hang"}),
    "crash": ("jsonl", 23, 2, {"crash"}),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_planted_bugs_are_reported(name: str) -> None:
    """A fault of ours shows as what it is, and the mutants behind it are judged all the same."""
    container, first, count, expected = PLANTED[name]
    found = fuzz(container, count, SEED, limit=5.0, sabotage=name, first=first)

    assert bad(found)
    assert bad(found).keys() <= expected
    assert found.mutants == count
    assert first + count <= COUNT or bad(fuzz(container, count, SEED, first=first)) == {}


def test_mutants_are_the_same_each_time() -> None:
    """A container, a seed and a number name one mutant."""
    for container in CONTAINERS:
        for at in range(VARIANTS, VARIANTS + 10):
            assert mutant(container, SEED, at) == mutant(container, SEED, at)
        others = [mutant(container, SEED + 1, at) for at in range(VARIANTS)]
        assert others != [mutant(container, SEED, at) for at in range(VARIANTS)]
