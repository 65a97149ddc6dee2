"""Polars, lazy: one query through the streaming engine; only unsound rows are collected."""

import polars as pl
from answer import path, tell
from polars_checks import SOUND

query = pl.scan_parquet(path(), row_index_name="row").select("row", **SOUND)
unsound = query.filter(~pl.all_horizontal(*SOUND)).collect(engine="streaming")
tell({rule: unsound.filter(~pl.col(rule))["row"].to_list() for rule in SOUND})
