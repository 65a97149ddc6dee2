"""Rows that another library holds: in memory, or behind its own files.

Knows Arrow tables only, and nothing of tokens' meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from pretok_schemas.cuts import empty_columns
from pytest_pretok.readers.base import Chunk, Header, Unit, unreadable
from pytest_pretok.readers.batches import deliver, first_of_each, repeated_names

FORMAT = "table"


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of one schema: ``rows(first, stop)`` gives some of them as a table.

    ``count`` is the number of rows, ``size`` about the bytes that they take. ``rows`` may be called
    more than once for the same rows, and from several threads.
    """

    schema: pa.Schema
    count: int
    size: int
    rows: Callable[[int, int], pa.Table]

    @classmethod
    def table(cls, table: pa.Table) -> Held:
        """The rows of a table; nothing is copied."""
        return cls(
            table.schema,
            table.num_rows,
            table.nbytes,
            lambda first, stop: table.slice(first, stop - first),
        )

    def header(self) -> Header:
        """Names and types."""
        columns: dict[str, pa.DataType | None] = {}
        for field in self.schema:
            columns.setdefault(field.name, field.type)
        return Header(FORMAT, columns, self.count, repeated_names(self.schema.names))

    def units(self, target: int) -> list[Unit]:
        """Ranges of rows of about ``target`` bytes each."""
        step = max(1, -(-self.count * target // max(1, self.size)))
        return [
            HeldUnit("", FORMAT, (first, stop), stop - first, self._bytes(stop - first), self)
            for first in range(0, self.count, step)
            for stop in [min(first + step, self.count)]
        ]

    def _bytes(self, rows: int) -> int:
        return self.size * rows // max(1, self.count)


@dataclass(frozen=True, slots=True)
class HeldUnit(Unit):
    """A range of held rows; ``part`` is half-open."""

    held: Held


def chunks(unit: Unit, columns: Sequence[str], tokens: int) -> Iterator[Chunk]:
    """The rows of a unit.

    Raises:
        UnreadableFile: the library cannot give them, or their arrays are not in order.
        TypeError: the unit is another reader's.
    """
    if not isinstance(unit, HeldUnit):
        raise TypeError(f"no unit of held rows: {unit}")
    first, stop = unit.part
    with unreadable("not readable"):
        table = unit.held.rows(first, stop)
        places = first_of_each(table.schema.names)
        wanted = [name for name in dict.fromkeys(columns) if name in places]
        if not wanted:
            yield Chunk(empty_columns(table.num_rows))
            return
        for batch in table.select([places[name] for name in wanted]).to_batches():
            for piece in deliver(batch, wanted, tokens):
                yield Chunk(piece)
