"""One row of a split by its number, read without the rows of other units where files count them.

Judges nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pretok_schemas.batch import TokenBatch
from pretok_schemas.columns import Columns
from pretok_schemas.text import plural
from pytest_pretok.inspect.reading import OpenShard, batch_of, wanted
from pytest_pretok.readers import Chunk, Unit, UnreadableFile, read_chunks

TOKENS_AT_ONCE = 2**16  # a row near the start of a unit does not wait for a large batch


class NoSuchRow(Exception):
    """There are not as many rows; the text says how many there are."""


class UnreadableRow(Exception):
    """A file could not be read up to the row; the text names the file and the reason."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as a batch of its own; ``number`` counts in the split, ``in_shard`` in its file."""

    batch: TokenBatch
    shard: OpenShard
    number: int
    in_shard: int


def find_row(shards: Sequence[OpenShard], columns: Columns, number: int) -> Row:
    """Row ``number`` of some files in order; from the end where it is negative, as in a list.

    Raises:
        NoSuchRow: there are fewer rows.
        UnreadableRow: a file cannot be read, or not up to there.
    """
    total = None
    wanted_row = number
    if number < 0:
        total = sum(_rows_of(shard) for shard in shards)
        wanted_row = total + number
        if wanted_row < 0:
            raise NoSuchRow(f"there is no row {number}: {plural(total, 'row')}")
    before = 0
    for shard in shards:
        if shard.error is not None:
            raise UnreadableRow(f"{shard.shown}: {shard.error}")
        if shard.rows is not None and before + shard.rows <= wanted_row:
            before += shard.rows
            continue
        in_shard = 0
        for unit in shard.units:
            left = wanted_row - before - in_shard
            if unit.rows is not None and unit.rows <= left:
                in_shard += unit.rows
                continue
            found, seen = _in_unit(shard, unit, columns, left)
            if found is not None:
                return Row(found, shard, wanted_row, in_shard + left)
            in_shard += seen
        before += in_shard
    raise NoSuchRow(f"there is no row {number}: {plural(before, 'row')}, counted from 0")


def _in_unit(
    shard: OpenShard, unit: Unit, columns: Columns, number: int
) -> tuple[TokenBatch | None, int]:
    """Row ``number`` of a unit, or None and how many rows the unit has."""
    seen = 0
    try:
        for chunk in read_chunks(unit, wanted(shard, columns), TOKENS_AT_ONCE):
            rows = chunk.batch.num_rows
            if number < seen + rows:
                at = number - seen
                cells = tuple(replace(cell, row=0) for cell in chunk.defects if cell.row == at)
                return batch_of(Chunk(chunk.batch.slice(at, 1), cells), columns, shard.foreign), at
            seen += rows
    except UnreadableFile as error:
        raise UnreadableRow(f"{shard.shown}: {error.reason}") from error
    return None, seen


def _rows_of(shard: OpenShard) -> int:
    if shard.error is not None:
        raise UnreadableRow(f"{shard.shown}: {shard.error}")
    if shard.rows is not None:
        return shard.rows
    chunks = (chunk for unit in shard.units for chunk in read_chunks(unit, ()))
    try:
        return sum(chunk.batch.num_rows for chunk in chunks)
    except UnreadableFile as error:
        raise UnreadableRow(f"{shard.shown}: {error.reason}") from error
