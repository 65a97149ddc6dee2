"""Schemas of people's own for further columns: every flavour, every container, exact rows."""

from __future__ import annotations

import json
import sys
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.errors
import pandera.pandas as for_pandas
import pandera.polars as for_polars
import pandera.pyarrow as for_arrow
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

import pytest_pretok
from pretok_schemas import validate
from pretok_schemas.custom import Custom
from pretok_schemas.rules import NAMES
from pretok_schemas.trainers import names
from pretok_schemas.user_schemas import SchemaFault, schema_rules
from pytest_pretok.declaration import read_declaration
from pytest_pretok.faults import DeclarationError
from tests.plugin.conftest import Run
from tests.plugin.data import clean_rows, declare
from tests.plugin.test_selection import failed_ids

SOURCES = ["a", "b", "bad", "toolong", "a", None, "b"]
SCORES = [0.1, None, 0.2, 2.0, None, 0.3, -1.0]


def rows() -> list[dict[str, Any]]:
    """Seven rows with a text, a number that may be null, and a count."""
    plain = clean_rows(7)
    return [
        {**row, "source": source, "score": score, "count": number}
        for number, (row, source, score) in enumerate(zip(plain, SOURCES, SCORES, strict=True))
    ]


def table() -> pa.Table:
    """The same as a table."""
    return pa.Table.from_pylist(rows())


def pandas_schema() -> Any:
    """What the other flavours ask too, for pandas."""
    return for_pandas.DataFrameSchema(
        {
            "source": for_pandas.Column(
                str,
                [
                    for_pandas.Check.isin(["a", "b"]),
                    for_pandas.Check(lambda s: s.str.len() < 5, name="short"),
                ],
                nullable=True,
            ),
            "score": for_pandas.Column(float, for_pandas.Check.in_range(0, 1), nullable=True),
            "count": for_pandas.Column(
                "int64", for_pandas.Check(lambda n: n % 2 == 0, element_wise=True, name="even")
            ),
        },
        checks=for_pandas.Check(
            lambda frame: (frame["source"] != "a") | frame["score"].notna(), name="both"
        ),
    )


def polars_schema() -> Any:
    """For Polars."""
    return for_polars.DataFrameSchema(
        {
            "source": for_polars.Column(
                pl.String,
                [
                    for_polars.Check.isin(["a", "b"]),
                    for_polars.Check(
                        lambda d: d.lazyframe.select(pl.col(d.key).str.len_chars() < 5),
                        name="short",
                    ),
                ],
                nullable=True,
            ),
            "score": for_polars.Column(float, for_polars.Check.in_range(0, 1), nullable=True),
            "count": for_polars.Column(
                pl.Int64,
                for_polars.Check(lambda d: d.lazyframe.select(pl.col(d.key) % 2 == 0), name="even"),
            ),
        },
        checks=for_polars.Check(
            lambda d: d.lazyframe.select((pl.col("source") != "a") | pl.col("score").is_not_null()),
            name="both",
        ),
    )


def arrow_schema() -> Any:
    """For pyarrow."""
    return for_arrow.DataFrameSchema(
        {
            "source": for_arrow.Column(
                pa.string(),
                [
                    for_arrow.Check.isin(["a", "b"]),
                    for_arrow.Check(
                        lambda d: pc.less(pc.utf8_length(d.table.column(d.key)), 5),
                        native=True,
                        name="short",
                    ),
                ],
                nullable=True,
            ),
            "score": for_arrow.Column(pa.float64(), for_arrow.Check.in_range(0, 1), nullable=True),
            "count": for_arrow.Column(
                pa.int64(),
                for_arrow.Check(
                    lambda d: pc.equal(pc.bit_wise_and(d.table.column(d.key), 1), 0),
                    native=True,
                    name="even",
                ),
            ),
        },
        checks=for_arrow.Check(
            lambda d: pc.or_kleene(
                pc.not_equal(d.table.column("source"), "a"), pc.is_valid(d.table.column("score"))
            ),
            native=True,
            name="both",
        ),
    )


# Found by reading the rows.
FOUND = {
    "schema.source.isin": [2, 3],
    "schema.source.short": [3],
    "schema.score.in_range": [3, 6],
    "schema.count.even": [1, 3, 5],
    "schema.both": [4],
}
FLAVOURS = {"pandas": pandas_schema, "polars": polars_schema, "pyarrow": arrow_schema}


def parquet(folder: Path) -> Path:
    """Row groups of two rows."""
    pq.write_table(table(), folder / "a.parquet", row_group_size=2)
    return folder / "a.parquet"


def arrow(folder: Path) -> Path:
    """An Arrow file of batches of two rows."""
    feather.write_feather(table(), folder / "a.arrow", compression="uncompressed", chunksize=2)
    return folder / "a.arrow"


def lines(folder: Path) -> Path:
    """JSON Lines."""
    text = "".join(json.dumps(row) + "\n" for row in rows())
    (folder / "a.jsonl").write_text(text, encoding="utf-8")
    return folder / "a.jsonl"


def array(folder: Path) -> Path:
    """A JSON array."""
    (folder / "a.json").write_text(json.dumps(rows()), encoding="utf-8")
    return folder / "a.json"


CONTAINERS = {
    "parquet": parquet,
    "arrow": arrow,
    "jsonl": lines,
    "json": array,
    "table": lambda folder: table(),
    "pandas": lambda folder: table().to_pandas(),
    "polars": lambda folder: pl.from_arrow(table()),
    "dicts": lambda folder: rows(),
}


def findings(report: Any) -> list[Any]:
    """What became of every rule, passed or not."""
    return [result.finding for result in report.results]


def found(data: Any, schema: Any) -> dict[str, list[int]]:
    """The rows of every violation of a schema, by rule."""
    report = pytest_pretok.check(data, schema=schema, examples=100)
    told = [finding for finding in findings(report) if finding.rule.startswith("schema.")]
    assert told
    undecided = [f for f in told if f.outcome.value == "not-evaluated"]
    assert not undecided, undecided
    violated = {f.rule: [e.row for e in f.examples] for f in told if f.violations}
    assert all(len(violated[f.rule]) == f.violations for f in told if f.violations)
    return violated


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_exact_rows_in_every_flavour_and_container(
    flavour: str, container: str, tmp_path: Path
) -> None:
    """The same rows, whatever asks and whatever holds them."""
    assert found(CONTAINERS[container](tmp_path), FLAVOURS[flavour]()) == FOUND


def test_pandera_itself_names_the_same_rows() -> None:
    """What Pandera says of the whole frame at once."""
    with pytest.raises(pandera.errors.SchemaErrors) as caught:
        pandas_schema().validate(table().to_pandas(), lazy=True)
    cases = caught.value.failure_cases
    told: dict[str, set[int]] = {}
    for column, check, index in zip(cases["column"], cases["check"], cases["index"], strict=True):
        name = str(check).split("(")[0]
        where = f"{column}.{name}" if name != "both" else name
        told.setdefault(f"schema.{where}", set()).add(int(index))
    assert told == {rule: set(where) for rule, where in FOUND.items()}


SCHEMA = pa.schema(
    [pa.field("source", pa.string(), nullable=False), ("score", pa.float32()), ("gone", pa.int8())]
)


@pytest.mark.parametrize("container", ["parquet", "arrow", "table", "pandas", "polars"])
def test_an_arrow_schema_where_columns_have_types(container: str, tmp_path: Path) -> None:
    """A null, a wider number, and a column that is not there."""
    report = pytest_pretok.check(CONTAINERS[container](tmp_path), schema=SCHEMA)
    told = {f.rule: f for f in findings(report) if f.outcome.value != "passed"}
    assert set(told) == {
        "schema.source.nullable",
        "schema.score.dtype",
        "schema.gone.required",
        "schema.gone.dtype",
    }
    assert [e.row for e in told["schema.source.nullable"].examples] == [5]
    (example,) = told["schema.score.dtype"].examples
    assert example.found == "column 'score' is double, expected float"
    assert told["schema.gone.dtype"].because == "schema.gone.required"


def test_an_arrow_schema_where_columns_have_no_types(tmp_path: Path) -> None:
    """Text has numbers, and no widths of them."""
    assert set(found(lines(tmp_path), SCHEMA)) == {"schema.source.nullable", "schema.gone.required"}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_column_that_is_not_there(flavour: str, tmp_path: Path) -> None:
    """Its checks have no verdict, and say whose fault that is."""
    data = table().drop_columns(["source"])
    report = pytest_pretok.check(data, schema=FLAVOURS[flavour]())
    told = {f.rule: f for f in findings(report)}
    assert told["schema.source.required"].violations == 1
    for rule in ("schema.source.isin", "schema.source.short", "schema.source.dtype"):
        assert told[rule].outcome.value == "not-evaluated"
        assert told[rule].because == "schema.source.required"
    assert told["schema.both"].outcome.value == "not-evaluated"  # it raises without the column
    assert [e.row for e in told["schema.count.even"].examples] == [1, 3, 5]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_column_of_another_type(flavour: str, tmp_path: Path) -> None:
    """Its checks have no verdict; the type found and the one expected are told."""
    at = table().schema.get_field_index("source")
    data = table().set_column(at, "source", pa.array(range(7), pa.int16()))
    report = pytest_pretok.check(data, schema=FLAVOURS[flavour]())
    told = {f.rule: f for f in findings(report)}
    (example,) = told["schema.source.dtype"].examples
    assert "int16" in str(example.found).lower()
    assert told["schema.source.isin"].because == "schema.source.dtype"
    assert not report.ok


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_values_of_several_kinds_in_a_text_file(flavour: str, tmp_path: Path) -> None:
    """No type is common to them."""
    many = rows()
    many[4]["source"] = 17
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in many), encoding="utf-8")
    report = pytest_pretok.check(path, schema=FLAVOURS[flavour]())
    told = {f.rule: f for f in findings(report)}
    assert "values of several kinds" in str(told["schema.source.dtype"].examples[0].found)
    assert told["schema.source.isin"].because == "schema.source.dtype"
    assert told["schema.both"].outcome.value == "not-evaluated"


def test_a_column_that_need_not_be_there() -> None:
    """Neither violated nor without a verdict."""
    schema = for_pandas.DataFrameSchema(
        {"extra": for_pandas.Column(str, for_pandas.Check.isin(["x"]), required=False)}
    )
    assert found(table(), schema) == {}
    with_it = table().append_column("extra", pa.array(["x"] * 6 + ["y"]))
    assert found(with_it, schema) == {"schema.extra.isin": [6]}


@pytest.mark.parametrize("container", ["parquet", "jsonl"])
def test_a_schema_that_converts(container: str, tmp_path: Path) -> None:
    """``coerce`` is done before the checks, and what cannot be converted is a type at fault."""
    schema = for_pandas.DataFrameSchema(
        {"count": for_pandas.Column(str, for_pandas.Check.isin(list("0123456")), coerce=True)}
    )
    assert found(CONTAINERS[container](tmp_path), schema) == {}
    impossible = for_pandas.DataFrameSchema({"source": for_pandas.Column(int, coerce=True)})
    report = pytest_pretok.check(CONTAINERS[container](tmp_path), schema=impossible)
    assert not report.ok
    assert "schema.source.dtype" in {f.rule for f in findings(report) if f.violations}


def test_strict_and_ordered_schemas() -> None:
    """The contract's own columns are never further ones."""
    columns = {"score": for_pandas.Column(float, nullable=True), "source": for_pandas.Column()}
    schema = for_pandas.DataFrameSchema(columns, strict=True, ordered=True)
    report = pytest_pretok.check(table(), schema=schema)
    told = {f.rule: f for f in findings(report) if f.violations}
    assert told["schema.strict"].examples[0].found == "count"
    assert told["schema.ordered"].examples[0].found == "source, score"


def test_one_file_of_two_departs_from_a_strict_schema(tmp_path: Path) -> None:
    """It alone is named."""
    schema = for_pandas.DataFrameSchema({"count": for_pandas.Column(int)}, strict=True)
    for at, absent in enumerate((["source", "score"], ["source"])):
        path = tmp_path / f"train-0000{at}-of-00002.parquet"
        pq.write_table(table().drop_columns(absent), path)

    report = pytest_pretok.check(tmp_path, schema=schema)

    (told,) = [f for f in findings(report) if f.rule == "schema.strict"]
    assert [(Path(e.shard).name, e.found) for e in told.examples] == [(path.name, "score")]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_table_without_rows(flavour: str) -> None:
    """No check is asked about no rows; that there are none is why it has no verdict."""
    report = validate(pa.table({"x": pa.array([], pa.int64())}), schema=FLAVOURS[flavour]())

    told = {rule: one for rule, one in report.findings.items() if rule.startswith("schema.")}
    absent = {rule for rule, one in told.items() if one.violations}
    assert absent == {f"schema.{name}.required" for name in ("source", "score", "count")}
    assert {one.because for rule, one in told.items() if rule not in absent} == {"no-rows"}


def test_a_model_of_pandera() -> None:
    """A class instead of an object; a check that only warns."""

    class Rows(for_pandas.DataFrameModel):
        source: str = for_pandas.Field(isin=["a", "b"], nullable=True)

        @for_pandas.check("source", name="not b", raise_warning=True)
        def no_b(cls, values: Any) -> Any:  # noqa: N805
            return values != "b"

    report = pytest_pretok.check(table(), schema=Rows)
    told = {f.rule: f for f in findings(report) if f.violations}
    assert [e.row for e in told["schema.source.isin"].examples] == [2, 3]
    assert told["schema.source.not-b"].outcome.value == "warned"
    assert [e.row for e in told["schema.source.not-b"].examples] == [1, 6]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_check_of_all_rows_at_once_has_no_verdict(flavour: str) -> None:
    """A mean of a batch says nothing of the whole: it is no pass, though it is true here."""
    checks: dict[str, Any] = {
        "pandas": for_pandas.DataFrameSchema(
            {"count": for_pandas.Column(int, for_pandas.Check(lambda s: s.mean() > 1))}
        ),
        "polars": for_polars.DataFrameSchema(
            {
                "count": for_polars.Column(
                    int, for_polars.Check(lambda d: d.lazyframe.select(pl.col(d.key).mean() > 1))
                )
            }
        ),
        "pyarrow": for_arrow.DataFrameSchema(
            {
                "count": for_arrow.Column(
                    pa.int64(),
                    for_arrow.Check(
                        lambda d: pc.greater(pc.mean(d.table.column(d.key)), 1), native=True
                    ),
                )
            }
        ),
    }
    report = pytest_pretok.check(table(), schema=checks[flavour])
    (finding,) = [f for f in findings(report) if f.rule == "schema.count.check"]
    assert finding.outcome.value == "not-evaluated"
    assert "make it judge each row" in str(finding.reason)
    assert not report.ok


def test_a_check_that_raises_has_no_verdict() -> None:
    """The others have theirs."""
    schema = for_pandas.DataFrameSchema(
        {
            "source": for_pandas.Column(
                checks=[
                    for_pandas.Check(lambda s: s.nothing, name="wrong"),
                    for_pandas.Check.isin(["a", "b"]),
                ],
                nullable=True,
            )
        }
    )
    report = pytest_pretok.check(table(), schema=schema)
    told = {f.rule: f for f in findings(report)}
    reason = str(told["schema.source.wrong"].reason)
    assert "no attribute 'nothing'" in reason
    assert "pretok_schemas" not in reason  # the traceback begins behind what is ours
    assert told["schema.source.isin"].violations == 2


class Nonsense(for_pandas.DataFrameModel):
    """A model of which only its use shows that an annotation is none."""

    source: nonsense  # type: ignore[name-defined]  # noqa: F821


class OfAnotherLibrary:
    """What a schema of Pandera is called that is for a library of another kind."""


OfAnotherLibrary.__name__ = "DataFrameSchema"
OfAnotherLibrary.__module__ = "pandera.api.pyspark.container"


FAULTS = {
    "unique values": for_pandas.DataFrameSchema({"a": for_pandas.Column(unique=True)}),
    "unique rows": for_pandas.DataFrameSchema({"a": for_pandas.Column()}, unique=["a"]),
    "is a pattern": for_pandas.DataFrameSchema({"a.*": for_pandas.Column(regex=True)}),
    "an index": for_pandas.DataFrameSchema({}, index=for_pandas.Index(int)),
    "groups rows": for_pandas.DataFrameSchema(
        {
            "a": for_pandas.Column(checks=for_pandas.Check(lambda g: True, groupby="b")),
            "b": for_pandas.Column(),
        }
    ),
    "is a test of statistics": for_pandas.DataFrameSchema(
        {
            "a": for_pandas.Column(
                checks=for_pandas.Hypothesis(
                    lambda a: (0.0, 1.0), relationship=lambda stat, p: p > 0.01, samples="a"
                )
            )
        }
    ),
    "one dtype of all": for_pandas.DataFrameSchema({"a": for_pandas.Column()}, dtype=int),
    "has parsers": for_pandas.DataFrameSchema(
        {"a": for_pandas.Column(parsers=for_pandas.Parser(lambda s: s))}
    ),
    "is neither": {"source": str},
    "of pandera.pandas, pandera.polars or pandera.pyarrow": OfAnotherLibrary(),
    "makes no schema: NameError: name 'nonsense'": Nonsense,
    "have one name": pa.schema([("a", pa.int8()), ("a", pa.int8())]),
}


@pytest.mark.parametrize("says", FAULTS)
def test_what_no_batch_can_tell_is_refused(says: str) -> None:
    """Before anything is read."""
    with pytest.raises(SchemaFault, match=says):
        schema_rules(FAULTS[says])


def test_names_that_ids_can_hold() -> None:
    """Columns and checks may be called anything; rules are told apart all the same."""
    names_of = [pa.field(name, pa.int8()) for name in ("a b", "a::b", "a[b]", "", "a b.required")]
    rules: tuple[Custom, ...] = schema_rules(pa.schema(names_of))
    found_names = [rule.kind.name for rule in rules]
    assert len(set(found_names)) == len(found_names) == 10
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz.-0123456789") for name in found_names)


@pytest.fixture
def declared(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A dataset in Parquet, with a schema in a module beside the declaration."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    sys.modules.pop("my_schemas", None)
    (here / "my_schemas.py").write_text(
        textwrap.dedent(
            """
            import pandera.pandas as pa

            class Rows(pa.DataFrameModel):
                source: str = pa.Field(isin=["a", "b"], nullable=True)
                score: float = pa.Field(ge=0, le=1, nullable=True)
            """
        ),
        encoding="utf-8",
    )
    declare(
        here,
        """
        [tool.pretok.datasets.sft]
        path = "a.parquet"
        schema = "my_schemas:Rows"
        """,
    )
    parquet(here)
    yield here
    sys.modules.pop("my_schemas", None)


def test_items_of_a_declared_schema(run: Run, declared: Path, workers: str) -> None:
    """One a check, with ids that can be run again."""
    ran = run("--pretok-data=.", workers)
    failed = {
        f"pyproject.toml::sft::schema.{rule}[train]"
        for rule in (
            "source.isin",
            "score.greater_than_or_equal_to",
            "score.less_than_or_equal_to",
        )
    }
    assert failed_ids(ran) == failed
    assert "schema.source.isin: 2 of 7 rows (28.6 %), split train; allowed: 0" in ran.text
    assert "axolotl, packing off: my_schemas:Rows asks for something else" in ran.text
    assert "a.parquet row 2 (train[2])" in ran.text
    assert "found bad, expected isin(['a', 'b'])" in ran.text
    assert "help: mend the data, or what my_schemas:Rows asks for" in ran.text


def test_an_id_of_a_check(run: Run, declared: Path) -> None:
    """Copied from a log."""
    ran = run("pyproject.toml::sft::schema.source.isin[train]", subprocess=True)
    assert ran.outcomes == {"failed": 1}


def test_settings_of_all_checks_and_of_one(run: Run, declared: Path) -> None:
    """That of ``schema`` holds for each check without its own."""
    text = (declared / "pyproject.toml").read_text(encoding="utf-8")
    rules = '\nrules = { schema = "warning", "schema.source.isin" = { max-rows = 1 } }\n'
    (declared / "pyproject.toml").write_text(text + rules, encoding="utf-8")
    ran = run("--pretok-data=.")
    assert failed_ids(ran) == {"pyproject.toml::sft::schema.source.isin[train]"}
    assert "PretokWarning: schema.score.less_than_or_equal_to" in ran.text


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ('"my_schemas"', "expected MODULE:NAME"),
        ('"my_schemas:Gone"', "my_schemas has no Gone"),
        ('"no_such:Rows"', "importing no_such failed: ModuleNotFoundError"),
        ('"my_schemas:pa"', "is neither a pyarrow.Schema nor a DataFrameSchema"),
        ("3", "found 3, expected text in quotes"),
    ],
)
def test_faults_of_a_declared_schema(declared: Path, value: str, says: str) -> None:
    """All before a file is read."""
    declare(declared, f'[tool.pretok.datasets.sft]\npath = "a.parquet"\nschema = {value}\n')
    with pytest.raises(DeclarationError) as caught:
        read_declaration(declared / "pyproject.toml", NAMES, names(), cwd=declared)
    assert says in str(caught.value)


def test_a_misspelt_check_is_a_fault(declared: Path) -> None:
    """With the nearest name."""
    text = (declared / "pyproject.toml").read_text(encoding="utf-8")
    (declared / "pyproject.toml").write_text(
        text + '\nrules = { "schema.source.isn" = "off" }\n', encoding="utf-8"
    )
    with pytest.raises(DeclarationError, match=r"did you mean 'schema\.source\.isin'"):
        read_declaration(declared / "pyproject.toml", NAMES, names(), cwd=declared)


def test_columns_of_the_contract_may_be_asked_for_too(tmp_path: Path) -> None:
    """A schema that looks at tokens sees them as the file has them."""
    schema = for_arrow.DataFrameSchema(
        {
            "input_ids": for_arrow.Column(
                checks=for_arrow.Check(
                    lambda d: pc.less(pc.list_value_length(d.table.column(d.key)), 22),
                    native=True,
                    name="brief",
                )
            )
        }
    )
    lengths = np.array([len(row["input_ids"]) for row in rows()])
    wanted = {"schema.input_ids.brief": np.flatnonzero(lengths >= 22).tolist()}
    for data in (parquet(tmp_path), lines(tmp_path), table()):
        assert found(data, schema) == wanted


def test_pandas_alone_is_asked_for_pandas() -> None:
    """Nothing warns on the way, and the frame that is handed over is left as it was."""
    frame = table().to_pandas()
    before = frame.copy(deep=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found(frame, pandas_schema())
    pd.testing.assert_frame_equal(frame, before)


def text_of(folder: Path, cells: list[Any]) -> Path:
    """A file of text with a further column."""
    path = folder / "x.jsonl"
    lines = [json.dumps({**row, "score": c}) for row, c in zip(clean_rows(7), cells, strict=False)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def verdicts(path: Path, schema: Any) -> set[str]:
    """The checks that fail or have no verdict."""
    report = pytest_pretok.check(path, schema=schema)
    return {one.rule for one in report.results if one.failed}


@pytest.mark.parametrize(
    ("cells", "wrong"),
    [
        ([1, 2, 3, 4, 5, 6, 7], ()),
        ([1.0, 2.0, 3, 4, 5, 6, 7], ()),
        ([0.5] * 7, ("int16", "int64")),
        ([1.0, 2.5, 3, 4, 5, 6, 7], ("int16", "int64")),
        ([70_000] * 7, ("int16",)),
        ([-70_000.0] * 7, ("int16",)),
        ([2**20, *range(6)], ("int16",)),
        (["1"] * 7, ("int16", "int64", "float32", "float64")),
    ],
)
@pytest.mark.parametrize("flavour", ["pandas", "polars", "pyarrow"])
def test_numbers_of_a_text_file_have_no_types(
    flavour: str, cells: list[Any], wrong: tuple[str, ...], tmp_path: Path
) -> None:
    """Whole numbers are floats where the schema says so; halves are no whole numbers, and what is
    too large for a type does not become another number.
    """
    path = text_of(tmp_path, cells)
    told = []
    for name in ("int16", "int64", "float32", "float64"):
        if flavour == "pandas":
            schema = for_pandas.DataFrameSchema({"score": for_pandas.Column(name)})
        elif flavour == "pyarrow":
            dtype = pa.type_for_alias(name)
            schema = for_arrow.DataFrameSchema({"score": for_arrow.Column(dtype)})
        else:
            dtype = getattr(pl, name.capitalize())
            schema = for_polars.DataFrameSchema({"score": for_polars.Column(dtype)})
        found = verdicts(path, schema)
        assert found <= {"schema.score.dtype"}
        told += [name] if found else []

    assert tuple(told) == wrong


def test_a_column_of_nothing(tmp_path: Path) -> None:
    """Nulls alone have no type, and break no check; that they are null is told."""
    column = for_pandas.Column(float, for_pandas.Check.ge(0), nullable=False)
    path = tmp_path / "x.parquet"
    made = pa.Table.from_pylist(clean_rows(5)).append_column("score", pa.nulls(5, pa.float64()))
    pq.write_table(made, path)

    assert verdicts(path, for_pandas.DataFrameSchema({"score": column})) == {
        "schema.score.nullable"
    }


def test_a_check_that_answers_with_a_frame(tmp_path: Path) -> None:
    """A row fails if one of its columns does."""
    check = for_pandas.Check(lambda frame: frame[["score", "other"]] > 0, name="positive")
    schema = for_pandas.DataFrameSchema(
        {"score": for_pandas.Column(float), "other": for_pandas.Column(float)}, checks=check
    )
    made = [{**row, "score": 1.0, "other": 1.0} for row in clean_rows(5)]
    made[3]["other"] = -1.0
    report = pytest_pretok.check(pa.Table.from_pylist(made), schema=schema)

    (wrong,) = report.failed
    assert [example.row for example in wrong.finding.examples] == [3]
