"""Rows as tables in memory, of every library that people hold them in."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from tests.support.containers import table
from tests.support.rows import COLUMNS, Row

Maker = Callable[[Sequence[Row], random.Random], Any]


def chunked(rows: Sequence[Row], rng: random.Random) -> pa.Table:
    """A table whose columns are cut at different rows."""
    whole = table(rows, large=rng.random() < 0.5)
    columns = {}
    for name in COLUMNS:
        cut = rng.randrange(len(rows) + 1)
        column = whole[name]
        columns[name] = pa.chunked_array(
            [*column.slice(0, cut).chunks, *column.slice(cut).chunks], column.type
        )
    return pa.table(columns)


def mixed_widths(rows: Sequence[Row], rng: random.Random) -> pa.Table:
    """32-bit ids and labels beside an 8-bit mask, where the values allow it."""
    made = table(rows, large=rng.random() < 0.5)
    items = {"input_ids": pa.int32(), "attention_mask": pa.int8(), "labels": pa.int32()}
    for at, name in enumerate(COLUMNS):
        try:
            made = made.set_column(at, name, made[name].cast(pa.large_list(items[name])))
        except pa.ArrowInvalid:
            continue
    return made


def pandas_lists(rows: Sequence[Row], rng: random.Random) -> pd.DataFrame:
    """Columns of Python lists; missing cells as pandas writes them."""
    nulls = [None, float("nan"), pd.NA]
    columns = {
        name: [rng.choice(nulls) if row[name] is None else row[name] for row in rows]
        for name in COLUMNS
    }
    index = rng.sample(range(10 * len(rows) + 10), len(rows))
    return pd.DataFrame({n: pd.Series(c, dtype=object) for n, c in columns.items()}).set_axis(index)


def pandas_arrays(rows: Sequence[Row], rng: random.Random) -> pd.DataFrame:
    """Columns of numpy arrays, as pandas reads Parquet; cells that are no arrays stay."""

    def cell(value: Any) -> Any:
        if not isinstance(value, list) or {type(one) for one in value} != {int}:
            return value
        return np.array(value, object if rng.random() < 0.2 else None)

    columns = {name: [cell(row[name]) for row in rows] for name in COLUMNS}
    return pd.DataFrame({n: pd.Series(c, dtype=object) for n, c in columns.items()})


def pandas_arrow(rows: Sequence[Row], rng: random.Random) -> pd.DataFrame:
    """Columns of Arrow lists in pandas."""
    frame: pd.DataFrame = table(rows, large=rng.random() < 0.5).to_pandas(
        types_mapper=pd.ArrowDtype
    )
    return frame


def polars(rows: Sequence[Row], rng: random.Random) -> pl.DataFrame:
    """A Polars frame."""
    made = pl.DataFrame(
        {name: pl.Series(name, [r[name] for r in rows], pl.List(pl.Int64)) for name in COLUMNS}
    )
    return made.lazy() if rng.random() < 0.2 else made  # type: ignore[return-value]


TYPED: dict[str, Maker] = {
    "arrow": lambda rows, rng: table(rows),
    "arrow-chunked": chunked,
    "arrow-mixed-widths": mixed_widths,
    "arrow-batch": lambda rows, rng: table(rows).combine_chunks().to_batches()[0],
    "arrow-reader": lambda rows, rng: table(rows).to_reader(rng.randint(1, 9)),
    "pandas-arrow": pandas_arrow,
    "pandas-read": lambda rows, rng: table(rows).to_pandas(),
    "polars": polars,
}
OBJECTS: dict[str, Maker] = {
    "pandas-lists": pandas_lists,
    "pandas-arrays": pandas_arrays,
    "mapping": lambda rows, rng: {name: [row[name] for row in rows] for name in COLUMNS},
}
FRAMES = {**TYPED, **OBJECTS}
