"""The four invariants as Polars expressions, each true where a row is sound."""

from __future__ import annotations

import polars as pl
from answer import IGNORE, LABELS, LENGTHS, PADDING, TRAINABLE

ids, mask, labels = pl.col("input_ids"), pl.col("attention_mask"), pl.col("labels")
equal = (ids.list.len() == mask.list.len()) & (ids.list.len() == labels.list.len())
# Arithmetic on lists of different lengths stops the whole query: such rows become null, and pass.
where_equal = pl.when(equal).then(labels), pl.when(equal).then(ids)
difference = (where_equal[0] - where_equal[1]) * (where_equal[0] - IGNORE)

SOUND = {
    LENGTHS: equal,
    LABELS: difference.list.agg((pl.element() == 0).all()).fill_null(True),
    PADDING: (mask.list.last() != 0).fill_null(True),
    TRAINABLE: labels.list.slice(1).list.agg((pl.element() != IGNORE).any()).fill_null(False),
}
