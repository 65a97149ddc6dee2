"""Pandera over Polars; the checks are Polars expressions."""

import pandera.polars as pa_polars
import polars as pl
from answer import COLUMNS, path, tell
from pandera.errors import SchemaErrors
from polars_checks import SOUND

TYPES = {"input_ids": pl.Int32, "attention_mask": pl.Int8, "labels": pl.Int64}


def check(rule: str) -> pa_polars.Check:
    """A check of whole frames: the rows that pass."""

    def sound(data: pa_polars.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(SOUND[rule])

    return pa_polars.Check(sound, name=rule)


schema = pa_polars.DataFrameSchema(
    {name: pa_polars.Column(pl.List(kind)) for name, kind in TYPES.items()},
    checks=[check(rule) for rule in SOUND],
)
frame = pl.read_parquet(path(), columns=COLUMNS)
found: dict[str, set[int]] = {rule: set() for rule in SOUND}
try:
    schema.validate(frame, lazy=True)
except SchemaErrors as errors:
    for rule, row in errors.failure_cases.select("check", "index").iter_rows():
        found[rule].add(row)
tell(found)
