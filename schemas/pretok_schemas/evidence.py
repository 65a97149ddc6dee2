"""What is kept of a rule's hits: the first few as examples, or all of them as a table.

Plain values out of numpy; judges nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pretok_schemas.batch import TokenBatch
from pretok_schemas.findings import Example
from pretok_schemas.rules.base import NOWHERE, Hits
from pretok_schemas.state import HitTable


def examples_of(hits: Hits, batch: TokenBatch, most: int) -> list[Example]:
    """The first hits as examples, with the places around them; rows count within the batch."""
    examples = []
    for at, row in enumerate(hits.rows[:most].tolist()):
        position = None if hits.positions is None else int(hits.positions[at])
        if position == NOWHERE:
            position = None
        examples.append(
            Example(
                row=row,
                shard_row=row,
                position=position,
                found=_plain(hits.found, at),
                expected=_plain(hits.expected, at),
                column=_plain(hits.roles, at),  # type: ignore[arg-type]
                length=batch.length(row, "input_ids"),
                window=None if position is None else batch.window(row, position),
            )
        )
    return examples


def _plain(values: Any, at: int) -> int | float | str | None:
    if values is None:
        return None
    value = values[at]
    plain: int | float | str | None = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float) and not math.isfinite(plain):
        return str(plain)  # JSON has no number for it
    return plain


def table_of(hits: Hits) -> HitTable:
    """All hits, column by column."""

    def texts(values: Any) -> tuple[str | None, ...]:
        if values is None:
            return (None,) * len(hits)
        return tuple(None if value is None else str(value) for value in values.tolist())

    positions = hits.positions
    if positions is None:
        positions = np.full(len(hits), NOWHERE, np.int64)
    return HitTable(hits.rows, hits.rows, positions, texts(hits.found), texts(hits.expected))
