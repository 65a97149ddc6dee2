"""Pandera over pandas with Arrow-backed columns; the checks are vectorised."""

import pandas as pd
import pandera.pandas as pa_pandas
import pyarrow as pa
import pyarrow.parquet as pq
from answer import COLUMNS, path, tell
from arrow_checks import CHECKS
from pandera.errors import SchemaErrors

TYPES = {"input_ids": pa.int32(), "attention_mask": pa.int8(), "labels": pa.int64()}


def check(rule: str) -> pa_pandas.Check:
    """A check of whole frames: the rows that pass."""

    def sound(frame: pd.DataFrame) -> pd.Series:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        return pd.Series(~CHECKS[rule](table), index=frame.index)

    return pa_pandas.Check(sound, name=rule)


schema = pa_pandas.DataFrameSchema(
    {name: pa_pandas.Column(pd.ArrowDtype(pa.list_(kind))) for name, kind in TYPES.items()},
    checks=[check(rule) for rule in CHECKS],
)
frame = pq.read_table(path(), columns=COLUMNS).to_pandas(types_mapper=pd.ArrowDtype)
found: dict[str, set[int]] = {rule: set() for rule in CHECKS}
try:
    schema.validate(frame, lazy=True)
except SchemaErrors as errors:
    cases = errors.failure_cases
    found |= {rule: set(rows["index"]) for rule, rows in cases.groupby("check")}
tell(found)
