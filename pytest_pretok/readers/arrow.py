"""Arrow IPC shards, file (Feather v2) and stream: record batches of a memory map to chunks.

Knows nothing of tokens' meaning. Columns that are not asked for are not decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from pytest_pretok.readers.base import Chunk, Header, Unit, UnreadableFile, unreadable
from pytest_pretok.readers.batches import deliver, first_of_each, repeated_names

_WHAT = "not readable as Arrow IPC"


def header(path: Path, format: str) -> Header:
    """Names, types and record batches; Arrow's footer counts no rows, a stream has none.

    Raises:
        UnreadableFile: the schema cannot be read.
    """
    with unreadable(_WHAT), pa.memory_map(str(path)) as source:
        schema = _schema(source, format)
        columns: dict[str, pa.DataType | None] = {}
        for field in schema:
            columns.setdefault(field.name, field.type)
        parts: tuple[tuple[None, int], ...] = ((None, source.size()),)
        if format == "arrow-file":
            source.seek(0)
            batches = pa.ipc.open_file(source).num_record_batches
            # The footer's block sizes are not public in pyarrow: batches are taken as equal.
            parts = ((None, source.size() // max(1, batches)),) * batches
        return Header(format, columns, None, repeated_names(schema.names), parts=parts)


def chunks(unit: Unit, columns: Sequence[str], tokens: int) -> Iterator[Chunk]:
    """The rows of a unit's record batches, in order.

    Raises:
        UnreadableFile: a batch cannot be decoded, its offsets are out of order, or data follows
            the end of a stream.
    """
    with unreadable(_WHAT), pa.memory_map(unit.path) as source:
        options = _only(_schema(source, unit.format), columns)
        for batch in _batches(source, unit, options):
            batch.validate()
            for piece in deliver(batch, columns, tokens):
                yield Chunk(piece)


def _schema(source: pa.MemoryMappedFile, format: str) -> pa.Schema:
    source.seek(0)
    if format == "arrow-file":
        return pa.ipc.open_file(source).schema
    return pa.ipc.open_stream(source).schema


def _only(schema: pa.Schema, columns: Sequence[str]) -> pa.ipc.IpcReadOptions:
    places = first_of_each(schema.names)
    wanted = [places[name] for name in columns if name in places]
    if not wanted and len(schema):
        # No field means every field to Arrow; the plainest one is enough to count rows.
        plain = (i for i, field in enumerate(schema) if pa.types.is_primitive(field.type))
        wanted = [next(plain, 0)]
    return pa.ipc.IpcReadOptions(included_fields=sorted(wanted), use_threads=False)


def _batches(
    source: pa.MemoryMappedFile, unit: Unit, options: pa.ipc.IpcReadOptions
) -> Iterator[pa.RecordBatch]:
    source.seek(0)
    if unit.format == "arrow-file":
        reader = pa.ipc.open_file(source, options=options)
        for number in range(*unit.part):
            yield reader.get_batch(number)
        return
    yield from pa.ipc.open_stream(source, options=options)
    # Readers stop at the end marker: a second stream behind it would be lost without a word.
    while rest := source.read(2**20):
        if rest.strip(b"\0"):
            raise UnreadableFile("data follows the end of the Arrow stream (files joined?)")
