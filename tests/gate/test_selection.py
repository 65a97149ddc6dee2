"""A verdict depends on the data alone: not on what else is selected, nor on how rows are cut."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretok_schemas.findings import Finding
from pretok_schemas.judge import Judge
from pretok_schemas.rules.base import ShardFacts
from pretok_schemas.state import Place, State
from tests.gate.test_mixtures import names_for, piled
from tests.support.containers import WRITERS, table
from tests.support.examples import examples
from tests.support.rows import COLUMNS, KNOWN, Row, clean_rows
from tests.support.verdicts import any_cut, judge, listed, rows_by_rule, scan

SEEDS = st.integers(0, 2**32)
OF_ROWS = [rule.name for rule in judge().offered if rule.name != "split-overlap"]


def mixed(seed: int, count: int, container: str) -> tuple[list[Row], random.Random]:
    """Rows with any faults that a container can hold, some of them twice."""
    rng = random.Random(seed)
    names = names_for(container)
    rows = [piled(row, names, rng) for row in clean_rows(count, rng)]
    return rows + [dict(rng.choice(rows)) for _ in range(rng.randrange(3))], rng


@pytest.mark.parametrize("rule", OF_ROWS)
@given(
    seed=SEEDS,
    count=st.integers(1, 20),
    container=st.sampled_from(["parquet-shards", "jsonl", "json-array", "arrow-stream"]),
    known=st.sampled_from(sorted(KNOWN)),
)
@examples(24)
def test_one_rule_alone(rule: str, seed: int, count: int, container: str, known: str) -> None:
    """A rule that is selected alone has the very finding that it has among all."""
    rows, rng = mixed(seed, count, container)
    with tempfile.TemporaryDirectory() as folder:
        paths = WRITERS[container](Path(folder), rows, rng)

        among_all = scan(paths, known=KNOWN[known]).findings
        alone = scan(paths, selected={rule}, known=KNOWN[known]).findings

    if rule not in among_all:  # this declaration does not call for it
        assert rule not in alone
        return
    # Windows show the columns that were read: fewer for a rule alone. The report has none.
    assert among_all[rule].to_dict() == alone[rule].to_dict()


@given(seed=SEEDS, count=st.integers(1, 20))
@examples(60)
def test_some_rules_among_others(seed: int, count: int) -> None:
    """So has each of several selected rules."""
    rows, rng = mixed(seed, count, "jsonl")
    chosen = set(rng.sample(OF_ROWS, rng.randint(2, 6)))
    with tempfile.TemporaryDirectory() as folder:
        paths = WRITERS["jsonl"](Path(folder), rows, rng)
        every = scan(paths)

        some = scan(paths, selected=chosen)

    for rule in chosen:
        assert every.findings[rule].to_dict() == some.findings[rule].to_dict()
        assert listed(every, rule) == listed(some, rule)


def without_files(finding: Finding) -> dict[str, Any]:
    """A finding less the names of the files, the places in them, and their number."""
    plain = finding.to_dict()
    for example in plain["examples"]:
        del example["shard"], example["shard_row"], example["line"]
    if plain["unit"] == "file":
        del plain["total"]  # the number of files
    return plain


@pytest.mark.parametrize("workers", [1, 2, 5])
@given(seed=SEEDS, count=st.integers(1, 30), known=st.sampled_from(sorted(KNOWN)))
@examples(25)
def test_cuts_and_workers(workers: int, seed: int, count: int, known: str) -> None:
    """However rows are cut into files, row groups, units and batches, and whoever reads them, the
    findings are the same but for the names of the files.
    """
    rows, rng = mixed(seed, count, "parquet")
    found = []
    for container in ("parquet", "parquet-shards", "arrow-stream", "arrow-file", "jsonl"):
        with tempfile.TemporaryDirectory() as folder:
            paths = WRITERS[container](Path(folder), rows, rng)
            one = scan(paths, workers=workers, known=KNOWN[known], cut=any_cut(rng))
        # A JSON file has no column that no row has: that is another fault, of the file.
        if one.findings["missing-column"].violations:
            continue
        rows_by_rule(one)
        found.append({rule: without_files(finding) for rule, finding in one.findings.items()})

    assert all(findings == found[0] for findings in found)


def looked(ours: Judge, rows: list[Row]) -> State:
    """What a judge sees in rows of one batch, counted from its own first row."""
    batches = table(rows).combine_chunks().to_batches()
    return ours.look(ours.columns.batch(batches[0])) if batches else State()


def joined(states: list[State], rng: random.Random, limit: int) -> State:
    """The states of consecutive stretches, joined two at a time in any order of joining."""
    states = list(states)
    while len(states) > 1:
        at = rng.randrange(len(states) - 1)
        into = State()
        into.extend(states[at], limit, Place(0, 0))
        into.extend(states[at + 1], limit, Place(into.rows, into.rows))
        states[at : at + 2] = [into]
    return states[0]


def concluded(ours: Judge, state: State) -> tuple[object, ...]:
    """All that comes out of a state, as values that can be compared."""
    facts = [ShardFacts("x", state.rows, COLUMNS)]
    tables = {
        rule: [
            entry
            for part in parts
            for entry in zip(
                part.rows.tolist(),
                part.shard_rows.tolist(),
                part.positions.tolist(),
                part.found,
                part.expected,
                strict=True,
            )
        ]
        for rule, parts in ours.tables(state, facts).items()
    }
    keys = [(start + i, key) for start, piece in state.keys for i, key in enumerate(piece.tolist())]
    ordered = {rule: sorted(entries, key=lambda e: e[0]) for rule, entries in tables.items()}
    could_judge = {rule.name for rule in ours.rules if rule.views and state.judged[rule.views]}
    return ours.conclude(state, facts), ordered, keys, state.stats, could_judge


@given(seed=SEEDS, count=st.integers(1, 30), limit=st.integers(0, 5))
@examples(120)
def test_joining_is_associative(seed: int, count: int, limit: int) -> None:
    """Batches that are looked at one after the other, each alone and joined in any order of
    joining, or all at once, come to the same.
    """
    rows, rng = mixed(seed, count, "parquet")
    ours = judge(examples=limit, known=KNOWN[rng.choice(sorted(KNOWN))])
    cuts = sorted(rng.randrange(len(rows) + 1) for _ in range(rng.randrange(6)))
    parts = [rows[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    in_turn = State()
    for part in parts:
        for batch in table(part).combine_chunks().to_batches():
            ours.look(ours.columns.batch(batch), in_turn)

    at_once = looked(ours, rows)
    apart = joined([looked(ours, part) for part in parts], rng, limit)

    assert concluded(ours, at_once) == concluded(ours, in_turn) == concluded(ours, apart)
