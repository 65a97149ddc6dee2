"""Pointblank over Polars: one step for each invariant."""

import pointblank as pb
import polars as pl
from answer import COLUMNS, path, tell
from polars_checks import SOUND

frame = pl.read_parquet(path(), columns=COLUMNS)
plan = pb.Validate(frame)
for sound in SOUND.values():
    plan = plan.col_vals_expr(sound)
plan = plan.interrogate()
found: dict[str, list[int]] = {}
for step, rule in enumerate(SOUND, start=1):
    extract = plan.get_data_extracts(step, frame=True)
    # Rows are counted from 1.
    found[rule] = [] if extract is None else [row - 1 for row in extract["_row_num_"]]
tell(found)
