"""Budgets, examples and findings as plain data."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretok_schemas.findings import (
    BY_HARM,
    Budget,
    Consequence,
    Effect,
    Example,
    Finding,
    Outcome,
    Severity,
    Window,
)
from pretok_schemas.rendering import percent, render_no_verdict


def test_no_budget_allows_nothing() -> None:
    """By default no row may break a rule."""
    assert Budget().allowed(10**9) == 0


@pytest.mark.parametrize("rows", [0, 1, 10**9])
def test_max_rows(rows: int) -> None:
    """A number of rows is allowed whatever the size of the split."""
    assert Budget(max_rows=7).allowed(rows) == 7


@given(hundredths=st.integers(0, 10_000), rows=st.integers(0, 10**7))
@settings(max_examples=400, deadline=None, derandomize=True, database=None)
def test_max_share(hundredths: int, rows: int) -> None:
    """A share allows the whole rows in it, as decimal arithmetic has them."""
    text = str(Decimal(hundredths) / 10_000)

    assert Budget(max_share=float(text)).allowed(rows) == int(Decimal(text) * rows)


def test_a_share_of_many_rows() -> None:
    """The binary share lies a hair under the decimal one: that must not cost a row."""
    assert Budget(max_share=0.29).allowed(100_000_000) == 29_000_000
    assert Budget(max_share=0.07).allowed(10**9) == 70_000_000


def test_share_of_a_finding() -> None:
    """A share of nothing is 0."""
    finding = Finding("r", Outcome.FAILED, Severity.ERROR, violations=3, total=12)

    assert finding.share == 0.25
    assert Finding("r", Outcome.PASSED, Severity.ERROR).share == 0.0


def test_to_dict() -> None:
    """A finding survives JSON unchanged: builtins only, enums as their text."""
    example = Example(5, 2, "a.parquet", "train", 7, 1, "0 to 9", "labels", 20)
    finding = Finding(
        "label-out-of-range",
        Outcome.FAILED,
        Severity.ERROR,
        violations=1,
        total=3,
        effect=Effect.CRASH,
        consequence="c",
        cause="d",
        help="h",
        examples=(example,),
    )

    plain = finding.to_dict()

    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["examples"] == [
        {
            "split": "train",
            "shard": "a.parquet",
            "row": 5,
            "shard_row": 2,
            "position": 7,
            "column": "labels",
            "found": 1,
            "expected": "0 to 9",
            "line": None,
            "window": None,
        }
    ]
    assert (plain["outcome"], plain["severity"], plain["effect"]) == ("failed", "error", "crash")
    assert plain["share"] == 0.333333333
    assert all(type(value) in (str, int, float, list, type(None)) for value in plain.values())


def test_from_dict() -> None:
    """What a report says of a finding makes the finding again, its windows too."""
    window = Window(3, {"labels": (-100, 7), "input_ids": (5, None)}, ("a", "b"))
    example = Example(5, 2, "a.parquet", "train", 4, 7, None, "labels", window=window, line=9)
    finding = Finding(
        *("label-out-of-range", Outcome.FAILED, Severity.ERROR, "row", 1, 3, 0, Effect.CRASH),
        *("c", None, None, "d", "h", (example,)),
    )
    plain = json.loads(json.dumps({**finding.to_dict(), "id": "x"}))

    assert Finding.from_dict(plain) == finding
    told = replace(
        finding, unit="file", about="a", evidence="e", because="b", reason="r", effect=None
    )
    assert Finding.from_dict(json.loads(json.dumps(told.to_dict()))) == told


def test_a_window_is_json() -> None:
    """What no JSON can hold stands in a window as text."""
    window = Window(0, {"labels": (float("nan"), float("-inf"), 1.5, None)})
    plain = json.loads(json.dumps(window.to_dict(), allow_nan=False))

    assert plain["columns"] == [{"role": "labels", "values": ["nan", "-inf", 1.5, None]}]


def test_harm_orders_every_effect() -> None:
    """Every effect has its place, the silent one first."""
    assert sorted(BY_HARM) == sorted(Effect)
    assert (BY_HARM[0], BY_HARM[-1]) == (Effect.SILENT, Effect.HARMLESS)


def test_what_is_not_said() -> None:
    """A consequence was read unless it was run; a bare finding counts nothing."""
    finding = Finding("too-long", Outcome.PASSED, Severity.ERROR)

    assert Consequence(Effect.CRASH, "stops").ran is False
    assert (finding.violations, finding.total, finding.budget, finding.share) == (0, 0, 0, 0.0)
    assert (finding.unit, finding.examples, finding.evidence) == ("row", (), "found")
    assert Example(1, 1).mild is False
    assert Example.from_dict(Example(5, 2).to_dict()) == Example(5, 2)


@pytest.mark.parametrize(
    ("share", "text"), [(0.00001, "< 0.01 %"), (0.99999, "> 99.99 %"), (0, "0 %"), (1, "100 %")]
)
def test_shares_for_people(share: float, text: str) -> None:
    """Never 0 % of something, never 100 % of not quite all."""
    assert percent(share) == text


def test_no_verdict_and_no_cause() -> None:
    """What comes first is named, though nothing is known of it."""
    left = Finding("mask-hole", Outcome.NOT_EVALUATED, Severity.ERROR, because="null-row")

    assert "It could not be judged: null-row comes first." in render_no_verdict(left, "train", None)
