"""Rows that another library holds: in memory, or behind its own files.

Knows tables only, and nothing of tokens' meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from pretok_schemas.tables import InMemory
from pytest_pretok.readers.base import CellDefect, Chunk, Header, Unit, unreadable
from pytest_pretok.readers.guard import check_batch

FORMAT = "table"


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of some columns: ``rows(first, stop)`` gives some of them as a table.

    ``columns``, ``types`` and ``repeated`` are those of `InMemory`; ``count`` is the number of
    rows, ``size`` about the bytes that they take. ``rows`` may be called more than once for the
    same rows, and from several threads.
    """

    columns: Mapping[str, pa.DataType | None]
    types: Mapping[str, pa.DataType]
    repeated: tuple[str, ...]
    count: int
    size: int
    rows: Callable[[int, int], InMemory]

    @classmethod
    def table(cls, table: InMemory) -> Held:
        """The rows of a table; nothing is copied."""
        return cls(
            table.columns, table.types, table.repeated, table.rows, table.nbytes, table.slice
        )

    def header(self) -> Header:
        """Names and types."""
        objects = (name for name, dtype in self.columns.items() if dtype is None)
        seen = {name: self.types[name] for name in objects if name in self.types}
        return Header(FORMAT, self.columns, self.count, self.repeated, seen)

    def units(self, target: int) -> list[Unit]:
        """Ranges of rows of about ``target`` bytes each."""
        step = max(1, -(-self.count * target // max(1, self.size)))
        return [
            HeldUnit("", FORMAT, (first, stop), stop - first, self._bytes(stop - first), held=self)
            for first in range(0, self.count, step)
            for stop in [min(first + step, self.count)]
        ]

    def _bytes(self, rows: int) -> int:
        return self.size * rows // max(1, self.count)


@dataclass(frozen=True, slots=True)
class HeldUnit(Unit):
    """A range of held rows; ``part`` is half-open.

    To another process it takes these rows along, and no others: whoever holds them is not there.
    """

    held: Held = field(kw_only=True)

    def __reduce__(self) -> tuple[Any, ...]:
        table = self.held.rows(*self.part)
        sink = pa.BufferOutputStream()  # pickled, a slice of a column takes the whole of it along
        whole = pa.table(dict(table.arrow))
        with pa.ipc.new_stream(sink, whole.schema) as writer:
            writer.write_table(whole)
        carried = sink.getvalue().to_pybytes()
        rest = replace(table, arrow={}, objects={n: list(c) for n, c in table.objects.items()})
        return _carried, (carried, rest, self.size)


def _carried(arrow: bytes, rest: InMemory, size: int) -> HeldUnit:
    whole = pa.ipc.open_stream(arrow).read_all()
    columns = dict(zip(whole.column_names, whole.columns, strict=True))
    held = Held.table(replace(rest, arrow=columns))
    return HeldUnit("", FORMAT, (0, rest.rows), rest.rows, size, held=held)


def chunks(unit: Unit, columns: Sequence[str], further: Sequence[str] = ()) -> Iterator[Chunk]:
    """The rows of a unit, in batches of about as many tokens as stay in the processor's cache.

    Raises:
        UnreadableFile: the library cannot give them, or their arrays are not in order.
        TypeError: the unit is another reader's.
    """
    if not isinstance(unit, HeldUnit):
        raise TypeError(f"no unit of held rows: {unit}")
    with unreadable("not readable"):
        table = unit.held.rows(*unit.part)
        wanted = [name for name in dict.fromkeys(columns) if name in table.names]
        for stretch in table.stretches(wanted, further):
            check_batch(stretch.batch)
            cells = tuple(CellDefect(*cell) for cell in stretch.cells)
            yield Chunk(stretch.batch, cells, stretch.mixed)
