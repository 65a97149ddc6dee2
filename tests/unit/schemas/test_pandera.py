"""A contract as a Pandera schema: the plugin's verdict in Pandera's errors, row for row."""

from __future__ import annotations

import random
import warnings
from importlib import import_module
from typing import Any

import pandas as pd
import pandera.errors
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretok_schemas import load
from pretok_schemas.contract import Backend
from tests.gate.test_mixtures import names_for, piled
from tests.support.containers import table
from tests.support.corruptions import CORRUPTIONS
from tests.support.examples import examples
from tests.support.frames import FRAMES, Maker
from tests.support.rows import KNOWN, Known, clean_rows
from tests.support.slow_reader import WHOLE, violations

BACKENDS: dict[str, Backend] = {
    "arrow": "pyarrow",
    "arrow-chunked": "pyarrow",
    "arrow-mixed-widths": "pyarrow",
    "pandas-arrow": "pandas",
    "pandas-read": "pandas",
    "pandas-lists": "pandas",
    "pandas-arrays": "pandas",
    "polars": "polars",
}


def schema_of(backend: Backend, known: Known, **more: Any) -> Any:
    """Axolotl's contract as a Pandera schema, under a declaration."""
    return load("axolotl").to_pandera(
        backend,
        vocab_size=known.vocab,
        bos_token_id=known.bos,
        eos_token_ids=known.eos,
        pad_token_id=known.pad,
        sequence_len=known.sequence_len,
        min_sample_len=known.min_sample_len,
        split="train",
        **more,
    )


def caught(schema: Any, data: Any) -> Any:
    """The errors of a table, None if it passes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pandera.errors.SchemaWarning)
        try:
            schema.validate(data, lazy=True)
        except pandera.errors.SchemaErrors as error:
            return error
    return None


def records(cases: Any) -> list[dict[str, Any]]:
    """The failure cases of any backend as plain rows."""
    if isinstance(cases, pd.DataFrame):
        return pa.Table.from_pandas(cases, preserve_index=False).to_pylist()
    if isinstance(cases, pl.DataFrame):
        return cases.to_dicts()
    made: list[dict[str, Any]] = cases.to_pylist()
    return made


@pytest.mark.parametrize("kind", BACKENDS)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 20), known=st.sampled_from(sorted(KNOWN)))
@examples(15)
def test_mixtures(kind: str, seed: int, count: int, known: str) -> None:
    """The failing rules, their rows and positions are those that a slow reader sees."""
    rng = random.Random(seed)
    names = names_for("jsonl" if kind in ("pandas-lists", "pandas-arrays") else "parquet")
    rows = [piled(row, names, rng) for row in clean_rows(count, rng)]
    expected = violations(rows, KNOWN[known])
    maker: Maker = FRAMES[kind]

    error = caught(schema_of(BACKENDS[kind], KNOWN[known]), maker(rows, rng))

    found: dict[str, dict[int, int | None]] = {}
    for case in records(error.failure_cases) if error else []:
        row = WHOLE if case["row"] is None else int(case["row"])
        position = None if case["position"] is None else int(case["position"])
        found.setdefault(case["check"], {})[row] = position
    found.pop("narrow-integer", None)
    failing = {finding.rule for finding in error.report.failed} if error else set()
    assert set(found) == failing - {"narrow-integer"}
    for rule, places in found.items():
        assert places == {row: fault.position for row, fault in expected[rule].items()}, rule
    always = {"null-row", "null-token", "length-mismatch", "label-not-input-id"}
    assert always & set(expected) <= set(found)


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        (name, backend)
        for name, change in CORRUPTIONS.items()
        for backend in ("pyarrow", "pandas", "polars")
        if change.by_itself and (backend == "pandas" or not change.json_only)
    ],
)
def test_one_corruption(name: str, backend: Backend) -> None:
    """Each named corruption fails or warns in every backend that can hold it, in its row alone."""
    change = CORRUPTIONS[name]
    rng = random.Random(5)
    rows = clean_rows(8, rng)
    rows[3] = change.change(rows[3], rng)
    kinds: dict[str, str] = {"pyarrow": "arrow", "pandas": "pandas-lists", "polars": "polars"}
    data = FRAMES[kinds[backend]](rows, rng)
    schema = schema_of(backend, KNOWN[change.known], rules=dict.fromkeys(change.trips, "error"))

    error = caught(schema, data)

    cases = records(error.failure_cases)
    assert {(case["check"], case["row"]) for case in cases} == {(t, 3) for t in change.trips}
    label = data.index[3] if backend == "pandas" else 3
    assert {case["index"] for case in cases} == {label}


@pytest.mark.parametrize("kind", BACKENDS)
def test_a_sound_table_comes_back(kind: str) -> None:
    """What keeps the contract is returned as it is, whatever its types."""
    data = FRAMES[kind](clean_rows(30, random.Random(2)), random.Random(1))

    assert schema_of(BACKENDS[kind], KNOWN["all"]).validate(data) is data


def test_validation_can_be_switched_off() -> None:
    """As of any schema of Pandera."""
    rows = clean_rows(5, random.Random(2))
    rows[2]["labels"] = [-100, *rows[2]["labels"]]
    data = table(rows)

    with pandera.config.config_context(validation_enabled=False):
        assert schema_of("pyarrow", KNOWN["all"]).validate(data) is data


def test_a_lazy_frame() -> None:
    """A lazy Polars frame is collected and judged."""
    rows = clean_rows(5, random.Random(2))
    rows[2]["labels"] = [-100, *rows[2]["labels"]]
    frame = FRAMES["polars"](rows, random.Random(9)).lazy()

    with pytest.raises(pandera.errors.SchemaError, match="length-mismatch: 1 of 5 rows"):
        schema_of("polars", KNOWN["all"]).validate(frame)


def test_the_first_failure_alone() -> None:
    """Without ``lazy`` the first failing rule is raised, with its text and its cases."""
    rows = clean_rows(30, random.Random(2))
    rows[4]["labels"] = None
    rows[6]["labels"] = [0, *rows[6]["labels"]]

    with pytest.raises(pandera.errors.SchemaError, match="null-row: 1 of 30 rows") as error:
        schema_of("pyarrow", KNOWN["all"]).validate(table(rows))

    assert error.value.check.name == "null-row"
    assert error.value.failure_cases.to_pylist()[0]["row"] == 4


def test_texts_are_bounded() -> None:
    """Two thousand broken rows are one readable message, and a case each."""
    rows = clean_rows(2000, random.Random(2))
    for row in rows:
        row["labels"] = [-100, *row["labels"]]

    error = caught(schema_of("pandas", KNOWN["all"]), table(rows).to_pandas())

    assert len(str(error)) < 20_000
    assert len(error.failure_cases) == 2000
    assert "2,000 of 2,000 rows" in str(error)


def test_a_warning_warns() -> None:
    """A rule of severity warning is Pandera's own warning, and the table passes."""
    rows = clean_rows(30, random.Random(2))
    rows[4] = rows[3]
    data = table(rows)

    with pytest.warns(pandera.errors.SchemaWarning, match="duplicate-rows: 1 of 30 rows"):
        assert schema_of("pyarrow", KNOWN["all"]).validate(data) is data


def test_columns_and_checks_of_ones_own() -> None:
    """What a user adds is judged by Pandera, beside the contract; rows are never shown."""
    import pandera.pandas as ours

    rows = clean_rows(30, random.Random(2))
    rows[4]["labels"] = None
    frame = table(rows).to_pandas()
    frame["source"] = ["web"] * 29 + ["x" * 5000]
    schema = schema_of("pandas", KNOWN["all"]).add_columns(
        {"source": ours.Column(str, ours.Check.isin(["web", "books"]))}
    )

    error = caught(schema, frame)

    checks = [case["check"] for case in records(error.failure_cases)]
    assert checks == ["null-row", "isin"]
    assert "null-row" in str(error)
    assert len(str(error)) < 3000
    frame["source"] = "web"
    assert "source" not in str(caught(schema, frame))


@pytest.mark.parametrize("backend", ["pyarrow", "pandas", "polars"])
def test_a_check_can_be_borrowed(backend: Backend) -> None:
    """A check of the schema works in another schema of the same backend."""
    ours = import_module(f"pandera.{backend}")
    make = FRAMES[{"pyarrow": "arrow", "pandas": "pandas-read", "polars": "polars"}[backend]]
    rows = clean_rows(30, random.Random(2))
    checks = {check.name: check for check in schema_of(backend, KNOWN["all"]).checks}
    schema = ours.DataFrameSchema(checks=[checks["null-row"]])
    schema.validate(make(rows, random.Random(9)))
    rows[4]["labels"] = None

    with pytest.raises(pandera.errors.SchemaError):
        schema.validate(make(rows, random.Random(9)))


def test_every_rule_is_a_check() -> None:
    """The checks are the rules that apply, by their names."""
    schema = schema_of("polars", KNOWN["all"])

    names = [check.name for check in schema.checks]
    assert {"label-not-input-id", "null-token", "duplicate-rows"} <= set(names)
    assert "split-overlap" not in names
    assert list(schema.columns) == ["input_ids", "attention_mask", "labels"]


def test_no_such_backend() -> None:
    """A backend that does not exist is named."""
    with pytest.raises(ValueError, match="no backend 'dask'; there are: pyarrow, pandas, polars"):
        load("axolotl").to_pandera("dask")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"vocabsize": 3}, "unknown setting 'vocabsize'; did you mean 'vocab_size'?"),
        ({"packing": True}, "unknown setting 'packing'; there are: sequence_len, "),
    ],
)
def test_no_such_setting(setting: dict[str, Any], says: str) -> None:
    """What the contract decides itself is none either."""
    with pytest.raises(TypeError) as caught:
        load("axolotl").to_pandera("pyarrow", **setting)
    assert says in str(caught.value)


@pytest.mark.parametrize("backend", ["pyarrow", "pandas", "polars"])
def test_a_rule_about_the_whole_table(backend: Backend) -> None:
    """Its failure case names no row, and says what was found."""
    rows = clean_rows(3, random.Random(2))
    make = FRAMES[{"pyarrow": "arrow", "pandas": "pandas-read", "polars": "polars"}[backend]]
    made = make(rows, random.Random(9))
    data = made.drop(columns="labels") if backend == "pandas" else made.drop(["labels"])

    (case,) = records(caught(schema_of(backend, KNOWN["all"]), data).failure_cases)

    assert (case["check"], case["failure_case"]) == ("missing-column", "no labels")
    assert all(pd.isna(case[name]) for name in ("index", "row", "position"))


def test_labels_of_rows_that_are_texts() -> None:
    """The frame's own labels, beside the numbers of the rows."""
    rows = clean_rows(3, random.Random(2))
    rows[1]["labels"] = None
    frame = table(rows).to_pandas().set_axis(["a", "b", "c"])

    (case,) = records(caught(schema_of("pandas", KNOWN["all"]), frame).failure_cases)

    assert (case["check"], case["index"], case["row"]) == ("null-row", "b", 1)
