"""Parts of a scan put together by hand: places, tallies, conditions, and who explains whom."""

from __future__ import annotations

import numpy as np
import pytest

from pretok_schemas import Vocabulary, load
from pretok_schemas.batch import View
from pretok_schemas.causes import ALWAYS, Condition, Reported, about_split, leave_out
from pretok_schemas.findings import Example
from pretok_schemas.rules import rule_named
from pretok_schemas.rules.base import Hits, Rule, ShardFacts, SplitFacts, code_of, hits_at
from pretok_schemas.state import HitTable, Place, State, Tally, settle_tally


def ints(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """A flat int64 array."""
    return np.array(values, np.int64)


def rule(name: str) -> Rule:
    """A rule of Axolotl's contract."""
    return rule_named(name)(load("axolotl"), Vocabulary())


HERE = Place(100, 40, "b", "train", ((5, "c"), (8, "d")))


@pytest.mark.parametrize(
    ("row", "shard_row", "shard"),
    [(0, 40, "b"), (4, 44, "b"), (5, 0, "c"), (7, 2, "c"), (8, 0, "d"), (11, 3, "d")],
)
def test_a_place_counts_on(row: int, shard_row: int, shard: str) -> None:
    """Rows of a stretch that runs on into further shards count anew in each."""
    moved = HERE.move(Example(row, row, shard="", split=""))

    assert (moved.row, moved.shard_row, moved.shard) == (100 + row, shard_row, shard)
    assert moved.split == "train"


def test_a_place_without_a_name_leaves_the_names() -> None:
    """What is moved twice keeps the names of the first time."""
    moved = Place(10, 3).move(Example(1, 1, shard="a", split="test"))

    assert (moved.row, moved.shard_row, moved.shard, moved.split) == (11, 4, "a", "test")


def test_a_table_is_cut_by_shards() -> None:
    """One table a shard that has rows, each with its own share of every column."""
    table = HitTable(
        ints(3, 4, 8), ints(3, 4, 8), ints(7, -1, 2), ("x", None, "z"), ("p", "q", None)
    )

    first, last = HERE.move_table(table)

    assert (first.rows.tolist(), first.shard_rows.tolist()) == ([103, 104], [43, 44])
    assert (first.positions.tolist(), first.found, first.expected) == (
        [7, -1],
        ("x", None),
        ("p", "q"),
    )
    assert first.shard == "b"
    assert (last.rows.tolist(), last.shard_rows.tolist()) == ([108], [0])
    assert (last.positions.tolist(), last.found, last.expected) == ([2], ("z",), (None,))
    assert last.shard == "d"


def test_a_table_without_a_name_has_none() -> None:
    """Nor does a place give it one that it has not."""
    table = HitTable(ints(1), ints(1), ints(0), (None,), (None,))

    (moved,) = Place(10, 3).move_table(table)

    assert (moved.shard, Place(10, 3).shard, Place(10, 3).split) == ("", "", "")


def tally(rows: list[int], mild: int = 0, roles: tuple[str, ...] = ()) -> Tally:
    """A tally with an example for each row."""
    return Tally(len(rows), mild, set(roles), [Example(row, row) for row in rows])


def test_tallies_add_up() -> None:
    """Counts and columns add up, examples only up to the limit, each rule and condition apart."""
    if_one = Condition((("r", 1),))
    state = State()
    state.extend(State(tallies={"r": {ALWAYS: tally([0, 2], 1, ("labels",))}}), 3, Place(0, 0))
    more = {"r": {ALWAYS: tally([1, 3], 1, ("input_ids",)), if_one: tally([2])}}
    state.extend(State(tallies=more), 3, Place(10, 10))

    both, other = state.tallies["r"][ALWAYS], state.tallies["r"][if_one]

    assert (both.violations, both.mild, both.roles) == (4, 2, {"labels", "input_ids"})
    assert [example.row for example in both.examples] == [0, 2, 11]
    assert (other.violations, [example.row for example in other.examples]) == (1, [12])


def test_settling_takes_what_came_true() -> None:
    """Only conditions that the split settled on, examples in row order, no more than asked for."""
    state = State(
        tallies={
            "r": {
                Condition((("r", 1),)): tally([4, 6], 1, ("labels",)),
                Condition((("r", 2),)): tally([5]),
                ALWAYS: tally([1, 9], 1, ("input_ids",)),
            }
        }
    )

    found = settle_tally("r", state, {"r": (1,)}, 3)

    assert (found.violations, found.mild, found.roles) == (4, 2, {"labels", "input_ids"})
    assert [example.row for example in found.examples] == [1, 4, 6]
    assert settle_tally("other", state, {"r": (1,)}, 3).violations == 0


def test_counts_add_up() -> None:
    """Counts of a rule; none at all leave no trace."""
    state = State()
    state.count("r", {})
    state.count("s", {"a": 2})
    state.count("s", {"a": 3, "b": 1})

    assert state.counts == {"s": {"a": 5, "b": 1}}


def test_conditions() -> None:
    """All that must hold holds, and nothing that speaks instead is true."""
    two = Condition((("a", 1), ("b", 2)))
    unless = Condition((("a", 1),), (Condition((("c", 7),)),))

    assert ALWAYS.true({})
    assert two.true({"a": (1,), "b": (2, 3)})
    assert not two.true({"a": (1,), "b": (3,)})
    assert not two.true({"a": (1,)})
    assert unless.true({"a": (1,), "c": (8,)})
    assert not unless.true({"a": (1,), "c": (7,)})


def test_rows_that_are_certain_are_left_out() -> None:
    """Rows that an earlier rule reports for certain go; those it only marks stay."""
    shifted = Reported(
        Hits(ints(1, 3, 6), explains=np.array([True, False, True])), np.zeros(3, np.int64)
    )
    hits = Hits(ints(0, 1, 3, 6, 7), positions=ints(5, 6, 7, 8, 9))

    found = leave_out(rule("label-not-input-id"), hits, {"labels-shifted": shifted})

    assert found.hits.rows.tolist() == [0, 3, 7]
    assert found.hits.positions is not None
    assert found.hits.positions.tolist() == [5, 7, 9]
    assert found.conditions == (ALWAYS,)
    assert found.everywhere is None


def test_a_rule_that_is_no_cause_explains_nothing() -> None:
    """Only the rules that are named in ``left_out_by`` take rows away."""
    others = Reported(Hits(ints(1)), np.zeros(1, np.int64))

    found = leave_out(rule("labels-shifted"), Hits(ints(1, 2)), {"label-not-input-id": others})

    assert found.hits.rows.tolist() == [1, 2]


def test_rows_that_are_open_wait_for_the_split() -> None:
    """A hit on a row that an earlier rule may explain counts unless that comes true."""
    maybe = Condition((("labels-shifted", 4),))
    shifted = Reported(Hits(ints(2, 5)), ints(0, 1), (ALWAYS, maybe))

    found = leave_out(rule("label-not-input-id"), Hits(ints(2, 5, 8)), {"labels-shifted": shifted})
    groups = {condition: hits.rows.tolist() for condition, hits in found.by_condition()}

    assert groups == {ALWAYS: [8], Condition(unless=(maybe,)): [5]}


def test_a_split_explains_all_rows_or_none() -> None:
    """What is found under a rule about the split counts unless the split breaks it."""
    causes = rule("label-not-input-id").left_out_by
    everywhere = about_split(rule("no-rows"))
    judged = rule("label-not-input-id")

    found = leave_out(judged, Hits(ints(4)), {causes[0]: everywhere})
    ((condition, hits),) = found.by_condition()

    assert hits.rows.tolist() == [4]
    assert condition.true({})
    assert not condition.true({"no-rows": (1,)})


def test_codes_of_values() -> None:
    """Every value has a code of its own, and none has the code of a decided row, 0."""
    values = [-(2**31), -100, -1, 0, 1, 2, 2**40]
    codes = code_of(np.array(values)).tolist()

    assert codes == [-(2**31), -100, -1, 1, 2, 3, 2**40 + 1]


def test_hits_at_the_first_place_of_each_row() -> None:
    """One hit a row, with what stands there."""
    ids = ints(7, 8, 9, 5, 6, 4)
    view = View(ints(10, 20, 30), ints(0, 3, 5, 6), {"input_ids": ids})

    hits = hits_at(view, ints(1, 2, 5), found=ids, expected="less")

    assert hits.rows.tolist() == [10, 30]
    assert hits.positions is not None
    assert hits.positions.tolist() == [1, 0]
    assert hits.found is not None
    assert hits.found.tolist() == [8, 4]
    assert hits.expected is not None
    assert hits.expected.tolist() == ["less", "less"]
    assert len(hits_at(view, ints())) == 0


@pytest.mark.parametrize(
    ("rows", "median", "recurring", "packed"),
    [
        (8, 90, 2, True),
        (7, 90, 7, False),  # too few
        (8, 89, 8, False),  # not of one length
        (10, 90, 2, True),
        (10, 90, 1, False),  # documents do not begin anew
    ],
)
def test_what_looks_packed(rows: int, median: int, recurring: int, packed: bool) -> None:
    """At least 8 rows, half of them 90 % of the longest, documents recur in 20 %."""
    facts = SplitFacts(rows, 100 * rows, 50, 100, median, recurring, {}, ())

    assert facts.looks_packed is packed


@pytest.mark.parametrize(("longest", "equal"), [(9, True), (8, False)])
def test_what_is_of_one_length(longest: int, equal: bool) -> None:
    """At least 90 % of the rows have the largest length."""
    facts = SplitFacts(10, 500, 50, 50, 50, 0, {50: longest, 20: 10 - longest}, ())

    assert facts.equally_long is equal


def test_what_a_shard_lacks() -> None:
    """Columns that cannot be used; where nothing is told all can."""
    assert not ShardFacts("a").lacks(("input_ids",))
    assert not ShardFacts("a", usable=frozenset({"input_ids", "labels"})).lacks(("labels",))
    assert ShardFacts("a", usable=frozenset({"input_ids"})).lacks(("input_ids", "labels"))
