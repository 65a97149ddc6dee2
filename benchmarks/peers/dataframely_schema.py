"""Dataframely: a schema with four rules, all in one Polars plan."""

import dataframely as dy
import polars as pl
from answer import COLUMNS, LABELS, LENGTHS, PADDING, TRAINABLE, path, tell
from polars_checks import SOUND


class Rows(dy.Schema):
    """Pre-tokenised rows."""

    row = dy.UInt32(nullable=False)
    input_ids = dy.List(dy.Int32(nullable=False), nullable=False)
    attention_mask = dy.List(dy.Int8(nullable=False), nullable=False)
    labels = dy.List(dy.Int64(nullable=False), nullable=False)

    @dy.rule()
    def lengths(cls) -> pl.Expr:
        return SOUND[LENGTHS]

    @dy.rule()
    def label(cls) -> pl.Expr:
        return SOUND[LABELS]

    @dy.rule()
    def padding(cls) -> pl.Expr:
        return SOUND[PADDING]

    @dy.rule()
    def trainable(cls) -> pl.Expr:
        return SOUND[TRAINABLE]


frame = pl.read_parquet(path(), columns=COLUMNS, row_index_name="row")
_, failure = Rows.filter(frame)
details = failure.details()
names = {LENGTHS: "lengths", LABELS: "label", PADDING: "padding", TRAINABLE: "trainable"}
tell(
    {
        rule: details.filter(pl.col(name) == "invalid")["row"].to_list()
        for rule, name in names.items()
    }
)
