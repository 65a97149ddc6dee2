"""The typed settings: what they take, what they refuse, and how they cross to other processes."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pytest_pretok.settings import DatasetSettings, Defaults, RuleSetting, undeclared

SIZES = st.none() | st.integers(1, 2**40)
IDS = st.none() | st.integers(0, 2**40)
BUDGETS = st.fixed_dictionaries(
    {},
    optional={
        "severity": st.sampled_from(["error", "warning", "off"]),
        "max-rows": st.integers(0, 2**40),
        "max-share": st.floats(0, 1),
    },
)
GIVEN = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=5),
        "line": st.integers(0, 10**6),
        "path": st.none() | st.text(max_size=5),
        "splits": st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
        "packing": st.booleans(),
        "sequence-len": SIZES,
        "min-sample-len": SIZES,
        "excess-length": st.sampled_from(["drop", "truncate", "raise"]),
        "vocab-size": SIZES,
        "bos-token-id": IDS,
        "eos-token-ids": IDS | st.lists(st.integers(0, 2**40), min_size=1, max_size=3),
        "pad-token-id": IDS,
        "baseline": st.none() | st.text(max_size=5),
        "columns": st.dictionaries(st.sampled_from(["input_ids", "labels"]), st.text(max_size=3)),
        "rules": st.dictionaries(st.sampled_from(["too-long", "max_rows", "a_b-c"]), BUDGETS),
    },
)


@settings(deadline=None)
@given(GIVEN)
def test_round_trip(given_values: dict[str, Any]) -> None:
    """Settings go through JSON and come back equal, names of rules and columns untouched."""
    before = DatasetSettings.model_validate(given_values)

    crossed = DatasetSettings.from_dict(json.loads(json.dumps(before.to_dict())))

    assert crossed == before
    assert crossed.rules.keys() == given_values.get("rules", {}).keys()
    assert crossed.columns == given_values.get("columns", {})


def test_names_of_fields_in_other_processes() -> None:
    """What crosses to other processes has the fields' names, one for every field."""
    assert DatasetSettings().to_dict().keys() == DatasetSettings.model_fields.keys()


@pytest.mark.parametrize("shape", [{"sequence_len": 5}, {"rules": {"x": {"max_rows": 1}}}])
def test_underscores_are_no_spelling(shape: dict[str, Any]) -> None:
    """A table has dashes: the fields' own names are unknown keys."""
    with pytest.raises(ValidationError, match="extra_forbidden"):
        DatasetSettings.model_validate(shape)


@pytest.mark.parametrize("share", [0, 1, 0.0, 0.25, 1.0])
def test_shares(share: float) -> None:
    """A share is a number from 0 to 1, whole numbers too."""
    assert RuleSetting.model_validate({"max-share": share}).max_share == share


@pytest.mark.parametrize("share", [True, False, "0.5", -0.1, 1.1, math.nan, math.inf, 10**400])
def test_no_shares(share: object) -> None:
    """Truth values, text and numbers elsewhere are no shares."""
    with pytest.raises(ValidationError):
        RuleSetting.model_validate({"max-share": share})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("packing", 1),
        ("packing", "true"),
        ("sequence-len", True),
        ("sequence-len", 4096.0),
        ("sequence-len", "4096"),
        ("sequence-len", 0),
        ("vocab-size", True),
        ("bos-token-id", -1),
        ("pad-token-id", False),
        ("eos-token-ids", True),
        ("eos-token-ids", [2, True]),
        ("eos-token-ids", []),
        ("eos-token-ids", "</s>"),
        ("contract", 5),
        ("excess-length", "Drop"),
        ("columns", {"labels": 5}),
        ("rules", "error"),
        ("rules", {"too-long": True}),
        ("rules", {"too-long": {"max-rows": -1}}),
        ("rules", {"too-long": {"max-rows": True}}),
    ],
)
def test_exact_types(key: str, value: object) -> None:
    """Nothing is turned into the type that is asked for, and a fault is told once."""
    with pytest.raises(ValidationError) as caught:
        Defaults.model_validate({key: value})

    assert caught.value.error_count() == 1


@pytest.mark.parametrize(("written", "ids"), [(0, (0,)), (7, (7,)), ([7], (7,)), ([2, 7], (2, 7))])
def test_end_ids(written: object, ids: tuple[int, ...]) -> None:
    """One id or a list of them."""
    assert Defaults.model_validate({"eos-token-ids": written}).eos_token_ids == ids


@pytest.mark.parametrize("severity", ["error", "warning", "off"])
def test_severity_alone(severity: str) -> None:
    """A word is a rule's severity without a budget."""
    settings = Defaults.model_validate({"rules": {"too-long": severity}})

    assert settings.rules == {"too-long": RuleSetting.model_validate({"severity": severity})}


def test_settings_are_values() -> None:
    """Settings cannot be changed."""
    with pytest.raises(ValidationError, match="frozen"):
        DatasetSettings().packing = True


def test_undeclared() -> None:
    """Undeclared data has the defaults in force, a name, and neither path nor splits."""
    defaults = Defaults.model_validate(
        {"eos-token-ids": 2, "rules": {"too-long": {"max-rows": 1}}, "columns": {"labels": "t"}}
    )

    settings = undeclared(defaults, "x")

    assert {key: getattr(settings, key) for key in Defaults.model_fields} == {
        key: getattr(defaults, key) for key in Defaults.model_fields
    }
    assert (settings.name, settings.path, settings.splits) == ("x", None, None)
    assert undeclared(None, "x") == DatasetSettings(name="x")
