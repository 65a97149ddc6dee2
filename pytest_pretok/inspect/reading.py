"""The files of a split opened for looking: their units, and the columns of a contract in them.

Judges nothing; what cannot be opened or decoded is named, not raised.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pretok_schemas.batch import Foreign, TokenBatch
from pretok_schemas.columns import Columns
from pytest_pretok.plan import PlannedShard
from pytest_pretok.readers import Chunk, Unit, UnreadableFile, read_chunks, read_header, split_units
from pytest_pretok.stores import located


@dataclass(frozen=True, slots=True)
class OpenShard:
    """A file whose header was read: its units, and what a contract makes of its columns.

    ``rows`` is what the footer tells, None where the container counts no rows; ``error`` is why
    it cannot be opened.
    """

    shown: str
    units: tuple[Unit, ...] = ()
    names: tuple[str, ...] = ()
    foreign: Mapping[str, Foreign] = field(default_factory=dict)
    rows: int | None = None
    error: str | None = None


def open_shard(shard: PlannedShard, columns: Columns) -> OpenShard:
    """A file by its header; with its reason where it cannot be read."""
    if shard.error is not None:
        return OpenShard(shard.shown, error=shard.error)
    try:
        path = located(shard.path)
        header = read_header(path)
        if header.repeated:
            names = ", ".join(header.repeated)
            raise UnreadableFile(f"columns that occur more than once: {names}")
        units = tuple(split_units(path, header))
    except UnreadableFile as error:
        return OpenShard(shard.shown, error=error.reason)
    return OpenShard(
        shard.shown, units, tuple(header.columns), columns.foreign(header.columns), header.rows
    )


def wanted(shard: OpenShard, columns: Columns, roles: Collection[str] | None = None) -> list[str]:
    """The names of the columns of some roles (None: all) that a file has."""
    return [
        name
        for role, name in columns.names.items()
        if name in shard.names and (roles is None or role in roles)
    ]


def batch_of(chunk: Chunk, columns: Columns, foreign: Mapping[str, Foreign]) -> TokenBatch:
    """A chunk as a contract sees it."""
    cells = [(cell.row, cell.column, cell.kind, cell.text) for cell in chunk.defects]
    return columns.batch(chunk.batch, cells, foreign)


def batches(
    unit: Unit, names: Sequence[str], columns: Columns, foreign: Mapping[str, Foreign]
) -> Iterator[TokenBatch]:
    """The rows of a unit as token batches.

    Raises:
        UnreadableFile: the data cannot be decoded.
    """
    for chunk in read_chunks(unit, names):
        yield batch_of(chunk, columns, foreign)
