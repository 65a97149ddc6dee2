"""The typed settings: what they take, what they refuse, and how they cross to other processes."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError, dataclass, fields, replace
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_pretok.declaration.tables import TableError, read_table
from pytest_pretok.settings import (
    DatasetSettings,
    Defaults,
    RuleSetting,
    dataset_of,
    undeclared,
)

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
@given(GIVEN, st.text(max_size=5), st.integers(0, 10**6))
def test_round_trip(given_values: dict[str, Any], name: str, line: int) -> None:
    """Settings go through JSON and come back equal, names of rules and columns untouched."""
    read = read_table(DatasetSettings, given_values)
    entries = {"train": {"path": name, "found": [name], "modified": {name: 1.5}}}
    before = replace(read, name=name, line=line, entries=entries)

    crossed = DatasetSettings.from_dict(json.loads(json.dumps(before.to_dict())))

    assert crossed == before
    assert crossed.rules.keys() == given_values.get("rules", {}).keys()
    assert crossed.columns == given_values.get("columns", {})


def test_names_of_fields_in_other_processes() -> None:
    """What crosses to other processes has the fields' names, one for every field."""
    assert list(DatasetSettings().to_dict()) == [field.name for field in fields(DatasetSettings)]


def test_builtins_are_those_of_json() -> None:
    """What crosses is what JSON would give back, tuples in entries too."""
    entries = {"train": {"path": "x", "found": ("train", "test")}}
    crossing = DatasetSettings(eos_token_ids=(2, 7), entries=entries).to_dict()

    assert crossing == json.loads(json.dumps(crossing))
    assert (crossing["eos_token_ids"], crossing["entries"]["train"]["found"]) == (
        [2, 7],
        ["train", "test"],
    )


@pytest.mark.parametrize(
    "values",
    [{"sequence-len": 5}, {"zzz": 1}, {"rules": {"x": {"max-rows": 1}}}, {"rules": {"x": 1}}],
)
def test_other_processes_take_no_other_names(values: dict[str, Any]) -> None:
    """What is no field's name does not come from `to_dict`."""
    with pytest.raises(TypeError):
        DatasetSettings.from_dict(values)


@pytest.mark.parametrize(
    "shape",
    [
        {"sequence_len": 5},
        {"rules": {"x": {"max_rows": 1}}},
        {"name": "x"},
        {"line": 1},
        {"entries": {}},
    ],
)
def test_what_is_no_key(shape: dict[str, Any]) -> None:
    """A table has dashes: the fields' own names are unknown keys, and so is what planning adds."""
    with pytest.raises(TableError, match="extra_forbidden") as caught:
        read_table(DatasetSettings, shape)

    assert caught.value.error_count() == 1


def test_datasets_alone_say_where_data_is() -> None:
    """Paths and splits are keys of one dataset."""
    assert read_table(DatasetSettings, {"path": "x"}).path == "x"
    assert read_table(DatasetSettings, {"splits": {"a": "x"}}).splits == {"a": "x"}
    with pytest.raises(TableError, match="extra_forbidden"):
        read_table(Defaults, {"path": "x"})


def test_a_mark_that_nobody_knows() -> None:
    """It is not passed over: what it asks for would not be asked of any declaration."""

    @dataclass(frozen=True)
    class Odd:
        number: Annotated[int, "at least 5"] = 5

    with pytest.raises(TypeError, match="no mark of the settings: 'at least 5'"):
        read_table(Odd, {})


@pytest.mark.parametrize("share", [0, 1, 0.0, 0.25, 1.0])
def test_shares(share: float) -> None:
    """A share is a number from 0 to 1, whole numbers too."""
    assert read_table(RuleSetting, {"max-share": share}).max_share == share


@pytest.mark.parametrize("share", [True, False, "0.5", -0.1, 1.1, math.nan, math.inf, 10**400])
def test_no_shares(share: object) -> None:
    """Truth values, text and numbers elsewhere are no shares."""
    with pytest.raises(TableError):
        read_table(RuleSetting, {"max-share": share})


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
    with pytest.raises(TableError) as caught:
        read_table(Defaults, {key: value})

    assert caught.value.error_count() == 1


@pytest.mark.parametrize(("written", "ids"), [(0, (0,)), (7, (7,)), ([7], (7,)), ([2, 7], (2, 7))])
def test_end_ids(written: object, ids: tuple[int, ...]) -> None:
    """One id or a list of them."""
    assert read_table(Defaults, {"eos-token-ids": written}).eos_token_ids == ids


@pytest.mark.parametrize("severity", ["error", "warning", "off"])
def test_severity_alone(severity: str) -> None:
    """A word is a rule's severity without a budget."""
    settings = read_table(Defaults, {"rules": {"too-long": severity}})

    assert settings.rules == {"too-long": RuleSetting(severity)}


def test_settings_are_values() -> None:
    """Settings cannot be changed."""
    with pytest.raises(FrozenInstanceError):
        DatasetSettings().packing = True


def test_undeclared() -> None:
    """Undeclared data has the defaults in force, a name, and neither path nor splits."""
    rules = {"too-long": RuleSetting(max_rows=1)}
    defaults = Defaults(eos_token_ids=(2,), rules=rules, columns={"labels": "t"})

    settings = undeclared(defaults, "x")

    assert {**settings.to_dict(), **defaults.to_dict()} == settings.to_dict()
    assert (settings.name, settings.path, settings.splits) == ("x", None, None)
    assert undeclared(None, "x") == DatasetSettings(name="x")


def test_own_settings_go_before_the_defaults() -> None:
    """A dataset has the defaults, save for what is its own."""
    defaults = Defaults(packing=True, vocab_size=9)

    assert dataset_of(defaults, vocab_size=5, name="x") == DatasetSettings(
        packing=True, vocab_size=5, name="x"
    )
