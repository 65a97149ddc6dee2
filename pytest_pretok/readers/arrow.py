"""Arrow IPC shards, file (Feather v2) and stream: record batches to chunks.

Record batches are read, of remote objects too. Only huge ones of local files are mapped into
memory, and those of streams that hold much beside the tokens: a mapped file that somebody
truncates, or a disk that fails, ends the process that looks at it (SIGBUS), where reading raises.
Knows nothing of tokens' meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pyarrow as pa

from pytest_pretok.readers.base import (
    LARGEST_READ,
    Chunk,
    Header,
    Unit,
    UnreadableFile,
    unreadable,
)
from pytest_pretok.readers.batches import deliver, first_of_each, repeated_names
from pytest_pretok.readers.guard import is_list
from pytest_pretok.stores import Location, RemotePath, located, open_parts, open_stream

_WHAT = "not readable as Arrow IPC"
_NO_END = (
    "the Arrow stream has no end marker: whoever wrote it did not finish, or the file is cut off "
    "behind a record batch"
)
_MARKER = b"\xff\xff\xff\xff\0\0\0\0"
_WORTH_A_MAP = 8 * 2**20  # bytes of a unit with columns that nobody asks for, and may be large


def header(path: Location, format: str) -> Header:
    """Names, types and record batches; Arrow's footer counts no rows, a stream has none.

    Raises:
        UnreadableFile: the schema cannot be read.
    """
    with unreadable(_WHAT), open_parts(path) as source:
        schema = _schema(source, format)
        columns: dict[str, pa.DataType | None] = {}
        for field in schema:
            columns.setdefault(field.name, field.type)
        parts: tuple[tuple[None, int], ...] = ()
        if format == "arrow-file":
            source.seek(0)
            batches = pa.ipc.open_file(source).num_record_batches
            # The footer's block sizes are not public in pyarrow: batches are taken as equal.
            parts = ((None, source.size() // max(1, batches)),) * batches
        return Header(format, columns, None, repeated_names(schema.names), parts=parts)


def stream_units(path: Location, target: int) -> list[Unit]:
    """Ranges of whole messages of a stream, in bytes, each of about ``target`` bytes.

    Only where messages begin is looked at. A stream that has dictionaries, or whose messages
    cannot be followed to its end, is one unit: who reads it from the start meets what is wrong. So
    is a remote one: to look where its messages begin is to fetch it.

    Raises:
        UnreadableFile: the schema cannot be read.
    """
    # Mapped, for a moment: of each message only the few bytes before its body are looked at.
    mapped = isinstance(path, Path)
    with unreadable(_WHAT), pa.memory_map(str(path)) if mapped else open_parts(path) as source:
        size = source.size()
        bulky = any(_is_bulky(field.type) for field in _schema(source, "arrow-stream"))
        largest = _WORTH_A_MAP if bulky else LARGEST_READ
        whole = [Unit(str(path), "arrow-stream", (), None, size, mapped and size > largest)]
        if not mapped:
            return whole
        source.seek(0)
        try:
            marks = list(_messages(source))
        except (pa.ArrowException, OSError):
            return whole
        native = _is_native(source)
    if not native or any(kind != "record batch" for _, kind in marks[1:]):
        return whole
    cuts = [start for start, _ in marks[1:]][:1]
    for start, _ in marks[2:]:
        if start - cuts[-1] >= target:
            cuts.append(start)
    cuts.append(size)
    return [
        Unit(str(path), "arrow-stream", (start, stop), None, stop - start, stop - start > largest)
        for start, stop in pairwise(cuts)
    ] or whole


def _is_bulky(dtype: pa.DataType) -> bool:
    """Whether a column is none of ours, and may be much larger than those: pictures, floats.

    Of a stream columns cannot be chosen: what is not mapped is read with all of them.
    """
    if is_list(dtype):
        return not pa.types.is_integer(dtype.value_type) and not pa.types.is_boolean(
            dtype.value_type
        )
    return pa.types.is_nested(dtype) or not pa.types.is_primitive(dtype)


def _is_native(source: pa.NativeFile) -> bool:
    """Whether a stream says that its bytes are in this machine's order.

    Batches that are read on their own are taken as they are, whatever the stream says.
    """
    source.seek(0)
    told = pa.ipc.read_schema(source)
    return bool(told.equals(pa.schema(list(told))))


def _messages(source: pa.NativeFile) -> Iterator[tuple[int, str]]:
    """Where each message of a stream begins, and its type."""
    source.seek(0)
    reader = pa.ipc.MessageReader.open_stream(source)
    while True:
        start = source.tell()
        try:
            message = reader.read_next_message()
        except StopIteration:
            return
        yield start, message.type


def chunks(unit: Unit, columns: Sequence[str], tokens: int) -> Iterator[Chunk]:
    """The rows of a unit's record batches, in order.

    Raises:
        UnreadableFile: a batch cannot be decoded, its offsets are out of order, or a stream has no
            end marker, or data behind it.
    """
    with unreadable(_WHAT), _opened(unit) as source:
        for batch in _batches(source, unit, columns):
            for piece in deliver(batch, columns, tokens):
                yield Chunk(piece)


def _opened(unit: Unit) -> pa.NativeFile:
    path = located(unit.path)
    if unit.mapped and isinstance(path, Path):
        return pa.memory_map(unit.path)
    remote_stream = isinstance(path, RemotePath) and unit.format == "arrow-stream"
    return open_stream(path) if remote_stream else open_parts(path)


def _schema(source: pa.NativeFile, format: str) -> pa.Schema:
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


def _batches(source: pa.NativeFile, unit: Unit, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    schema = _schema(source, unit.format)
    if unit.format == "arrow-file":
        source.seek(0)
        reader = pa.ipc.open_file(source, options=_only(schema, columns))
        if unit.part[1] > reader.num_record_batches:
            told = f"{reader.num_record_batches} record batches found, there were more before"
            raise UnreadableFile(told)
        for number in range(*unit.part):
            yield reader.get_batch(number)
        return
    if unit.part:
        yield from _batches_within(source, schema, unit)
        if unit.part[1] < source.size():
            return
    else:
        source.seek(0)
        yield from pa.ipc.open_stream(source, options=_only(schema, columns))
        if source.tell() == source.size() and not _is_ended(source):
            raise UnreadableFile(_NO_END)
    # Readers stop at the end marker: a second stream behind it would be lost without a word.
    while rest := source.read(2**20):
        if rest.strip(b"\0"):
            raise UnreadableFile("data follows the end of the Arrow stream (files joined?)")


def _batches_within(
    source: pa.NativeFile, schema: pa.Schema, unit: Unit
) -> Iterator[pa.RecordBatch]:
    """The record batches of a byte range of a stream, up to its end marker if that is within."""
    start, stop = unit.part
    source.seek(start)
    reader = pa.ipc.MessageReader.open_stream(source)
    while source.tell() < stop:
        try:
            message = reader.read_next_message()
        except StopIteration:
            return
        # Columns cannot be chosen here; where the others may be large the file is mapped.
        yield pa.ipc.read_record_batch(message, schema)
    if stop == source.size():
        raise UnreadableFile(_NO_END)


def _is_ended(source: pa.NativeFile) -> bool:
    """Whether a stream, whose messages are sound, says that it ends.

    The format lets a writer merely close what it writes to, and pyarrow reads on to wherever that
    is. In a file nothing else tells the end from a cut between two batches, and pyarrow,
    `datasets`, polars and nanoarrow all write the marker.
    """
    if isinstance(source, pa.PythonFile):
        # Of a remote object nothing is fetched twice: its last bytes are those of the marker.
        source.seek(max(0, source.size() - len(_MARKER)))
        return bool(source.read(len(_MARKER)) == _MARKER)
    source.seek(0)
    reader = pa.ipc.MessageReader.open_stream(source)
    while True:
        before = source.tell()
        try:
            reader.read_next_message()
        except StopIteration:
            return bool(source.tell() > before)
