"""Polars, eager: read the table, then one filter for each invariant."""

import polars as pl
from answer import COLUMNS, path, tell
from polars_checks import SOUND

frame = pl.read_parquet(path(), columns=COLUMNS, row_index_name="row")
flags = frame.select("row", **SOUND)
tell({rule: flags.filter(~pl.col(rule))["row"].to_list() for rule in SOUND})
