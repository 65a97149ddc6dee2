"""Settings in Python that cannot be used: refused by name, before a row is looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from pretok_schemas import load, validate
from pretok_schemas.trainers import UnknownContract
from tests.plugin.data import clean_rows, faulty_rows
from tests.support.containers import table
from tests.support.rows import COLUMNS

TABLE = table(clean_rows(6))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"sequence_len": "4"}, "sequence_len: found '4', expected a whole number >= 1"),
        ({"sequence_len": -1}, "sequence_len: found -1"),
        ({"sequence_len": 4.0}, "sequence_len: found 4.0"),
        ({"min_sample_len": True}, "min_sample_len: found True"),
        ({"micro_batch_size": 0}, "micro_batch_size: found 0"),
        ({"vocab_size": "32000"}, "vocab_size: found '32000'"),
        (
            {"eos_token_ids": "</s>"},
            "eos_token_ids: found '</s>', expected a whole number >= 0, or",
        ),
        ({"eos_token_ids": []}, "eos_token_ids: found []"),
        ({"eos_token_ids": [2, None]}, "eos_token_ids: found [2, None]"),
        ({"bos_token_id": "<s>"}, "bos_token_id: found '<s>'"),
        ({"pad_token_id": [0]}, "pad_token_id: found [0]"),
        ({"vocab_size": 100, "eos_token_ids": (2, 100)}, "100 is not below vocab_size = 100"),
        ({"excess_length": "trunc"}, "expected one of drop, truncate, raise"),
        ({"sequence_len": 4, "min_sample_len": 9}, "min_sample_len: 9 is above sequence_len = 4"),
        ({"tokenizer": "tokenizer.json"}, "tokenizer: a str has no size, bos, ends, pad"),
        ({"examples": -1}, "examples: found -1"),
        ({"rules": ["null-row"]}, "rules: found ['null-row'], expected a mapping"),
        ({"rules": {"null-row": 5}}, "null-row: found 5, expected a severity or a mapping"),
        (
            {"rules": {"null-row": {"max_share": 5}}},
            "null-row: max_share: found 5, expected a share",
        ),
        ({"rules": {"null-row": {"max_rows": -1}}}, "null-row: max_rows: found -1"),
        ({"rules": {"null-row": {"max_rows": 1, "max_share": 0.5}}}, "has both max_rows and"),
        ({"columns": "tokens"}, "columns: found 'tokens', expected a mapping"),
        ({"only": "null-row"}, "only: found 'null-row', expected a list of rules"),
        ({"custom": int}, "custom: found <class 'int'>, expected a list of rules"),
        ({"schema": int}, "schema: int is neither a pyarrow.Schema nor"),
        ({"schema": 42}, "schema: int is neither a pyarrow.Schema nor"),
    ],
)
def test_what_cannot_be_used(settings: dict[str, Any], says: str) -> None:
    """Nothing of it is taken for something else, or for nothing."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the text is compared below)
        validate(TABLE, **settings)
    assert says in str(caught.value)
    with pytest.raises(ValueError) as again:  # noqa: PT011
        load("axolotl").to_pandera("pyarrow", **settings)
    assert str(again.value) == str(caught.value)


def test_all_faults_at_once() -> None:
    """What is wrong with single values is told together."""
    with pytest.raises(ValueError, match=r"sequence_len: .*; vocab_size: .*; only: "):
        validate(TABLE, sequence_len=0, vocab_size="x", only="null-row")  # type: ignore[arg-type]


def test_numbers_of_numpy() -> None:
    """Whole numbers are such, whoever makes them."""
    known = {"vocab_size": np.int64(2000), "eos_token_ids": [np.int32(2)], "sequence_len": 4096}

    assert validate(TABLE, **known).ok
    assert validate(TABLE, vocab_size=2000, eos_token_ids={2}).ok


def test_what_is_no_contract() -> None:
    """Names are looked up, and nothing else is taken for one."""
    with pytest.raises(TypeError, match="contract: found 7, expected a name or a Contract"):
        validate(TABLE, 7)  # type: ignore[arg-type]
    with pytest.raises(UnknownContract) as caught:
        load("axolot")
    assert str(caught.value) == "unknown contract 'axolot'; did you mean 'axolotl'?"
    with pytest.raises(KeyError, match="unknown contract 'zzz'; there are: axolotl, trl"):
        load("zzz")


@pytest.mark.parametrize("schema", [TABLE, TABLE.to_pandas(), {"input_ids": pa.string()}, None])
def test_what_is_no_schema(schema: Any) -> None:
    """`accepts` says where schemas are, and where tables go."""
    with pytest.raises(TypeError, match=r"is no pyarrow\.Schema: pass table\.schema"):
        load("axolotl").accepts(schema)


def test_a_column_that_is_there_twice() -> None:
    """A schema is refused for what `validate` refuses in a table of it."""
    fields = [*TABLE.schema, TABLE.schema.field("labels")]
    told = [str(one) for one in load("axolotl").accepts(pa.schema(fields))]
    twice = pa.Table.from_arrays([*TABLE.columns, TABLE["labels"]], schema=pa.schema(fields))

    assert told == ["unreadable-file: labels: 2 columns, expected one of the name"]
    assert [one.rule for one in validate(twice).failed] == ["unreadable-file"]


def test_columns_to_write() -> None:
    """A role may stand without a list; one that the trainer does not have is named."""
    contract = load("axolotl")

    assert contract.to_arrow(optional="position_ids") == contract.to_arrow(
        optional=["position_ids"]
    )
    with pytest.raises(ValueError, match="no column position_idz; there are: input_ids, "):
        contract.to_arrow(optional=["position_idz"])


@pytest.mark.parametrize("data", [pd.Series([[1]]), pl.Series([[1]]), pa.chunked_array([[1]])])
def test_one_column_is_no_table(data: Any) -> None:
    """It has no name that a contract could ask for."""
    with pytest.raises(TypeError, match="is no table but one column: pass a frame"):
        validate(data)


def test_columns_of_polars() -> None:
    """A mapping of series is a table, whatever their library."""
    rows = faulty_rows()
    columns = {name: pl.Series([row[name] for row in rows]) for name in COLUMNS}
    columns["labels"] = pl.Series([row["labels"] for row in rows], dtype=pl.Object)

    report = validate(columns, every=True)

    assert {one.rule: report.rows(one.rule).tolist() for one in report.failed} == {
        "label-not-input-id": [3]
    }
