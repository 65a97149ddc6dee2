"""Chosen rows of some files into one file of their kind, with all columns and all metadata.

Knows containers, no contract. Memory holds one batch of the source at a time.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pretok_schemas.flat import Ints
from pytest_pretok.readers.base import LIBRARY_ERRORS, one_line
from pytest_pretok.readers.json_array import array_blocks
from pytest_pretok.readers.text import PIECE, compression_of, head_of, pieces
from pytest_pretok.samples.source import SampleError, Source
from pytest_pretok.stores import stamp_of

BLANK = b" \t\r\n"  # a line of nothing else is no row
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)  # no fault of what is read
_ROWS = 256  # decoded at a time
SUFFIXES = {
    "parquet": (".parquet", ".pq"),
    "arrow-file": (".arrow", ".feather", ".ipc"),
    "arrow-stream": (".arrow", ".ipc", ".arrows"),
    "jsonl": (".jsonl", ".json", ".ndjson"),
    "json": (".json",),
}
ENDINGS = {"gzip": ".gz", "bz2": ".bz2", "xz": ".xz", "zstd": ".zst", "lz4": ".lz4"}


def write_rows(source: Source, rows: Ints, out: Path) -> None:
    """Write some rows (int64, rising, counted over all files) to a file that is not there yet.

    Raises:
        SampleError: a file cannot be read, its columns are not those of the first one, or it is
            another one than when its rows were counted.
        OSError: there is no room for the sample.
    """
    chosen = [
        rows[source.shards[rows] == number] - int(np.searchsorted(source.shards, number))
        for number in range(len(source.files))
    ]
    # Files that give no row are left out, but for the first: it says what the columns are.
    wanted = [
        (file, own)
        for at, (file, own) in enumerate(zip(source.files, chosen, strict=True))
        if len(own) or not at
    ]
    writers: dict[str, Callable[[Sequence[tuple[Path, Ints]], Path], None]] = {
        "parquet": _write_parquet,
        "arrow-file": _write_arrow_file,
        "arrow-stream": _write_arrow_stream,
        "jsonl": _write_lines,
        "json": _write_array,
    }
    try:
        writers[source.kind](wanted, out)
    except LIBRARY_ERRORS as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise
        told = f"the rows cannot be copied: {one_line(str(error))}"
        raise SampleError(told, unreadable=True) from error
    for file, stamp in zip(source.files, source.stamps, strict=True):
        if stamp_of(file) != stamp:
            raise SampleError(f"{file.name} changed while it was read; cut the sample again")


def compression(source: Source) -> str | None:
    """The compression of the first file of JSON Lines, None for none."""
    if source.kind not in ("jsonl", "json"):
        return None
    return compression_of(head_of(source.files[0], 8), source.files[0].name)


def suffix_of(source: Source) -> str:
    """The suffix that a file of this kind has, as its source has it where that is a usual one."""
    name = source.files[0].name.lower()
    packed = ENDINGS.get(compression(source) or "", "")
    name = name.removesuffix(packed) if packed else name
    usual = SUFFIXES[source.kind]
    return next((one for one in usual if name.endswith(one)), usual[0]) + packed


# -- tables


def _write_parquet(wanted: Sequence[tuple[Path, Ints]], out: Path) -> None:
    first = wanted[0][0]
    with pq.ParquetFile(first) as file:
        schema, codecs = file.schema_arrow, _codecs(file)
    with pq.ParquetWriter(out, schema, compression=codecs) as writer:
        for path, rows in wanted:
            with pq.ParquetFile(path, pre_buffer=False, buffer_size=PIECE) as file:
                for batch in _taken(_parquet_batches(file, rows), rows):
                    writer.write_batch(_fitting(batch, schema, path))


def _codecs(file: pq.ParquetFile) -> Any:
    """The compression by column, as the first row group has it."""
    if not file.num_row_groups:
        return "snappy"
    group = file.metadata.row_group(0)
    columns = [group.column(at) for at in range(group.num_columns)]
    found = {column.path_in_schema: _codec(column.compression) for column in columns}
    kinds = set(found.values())
    return kinds.pop() if len(kinds) == 1 else found or "snappy"


def _codec(name: str) -> str:
    return {"UNCOMPRESSED": "none"}.get(name, name.lower())


def _parquet_batches(file: pq.ParquetFile, rows: Ints) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The batches of row groups that hold chosen rows, each with the number of its first row."""
    before = 0
    for number in range(file.num_row_groups):
        size = file.metadata.row_group(number).num_rows
        low, high = np.searchsorted(rows, [before, before + size])
        at = before
        if high > low:
            for batch in file.iter_batches(_ROWS, row_groups=[number], use_threads=False):
                yield at, batch
                at += batch.num_rows
                if at > int(rows[high - 1]):
                    break
        before += size


def _taken(source: Iterator[tuple[int, pa.RecordBatch]], rows: Ints) -> Iterator[pa.RecordBatch]:
    for first, batch in source:
        low, high = np.searchsorted(rows, [first, first + batch.num_rows])
        if high > low:
            yield batch.take(pa.array(rows[low:high] - first))


def _fitting(batch: pa.RecordBatch, schema: pa.Schema, path: Path) -> pa.RecordBatch:
    """The batch with the columns of the first file."""
    if set(batch.schema.names) != set(schema.names) or len(batch.schema) != len(schema):
        raise SampleError(
            f"{path.name} has other columns than the first file: name the files one by one"
        )
    try:
        columns = [_cast(batch.column(name), schema.field(name).type) for name in schema.names]
        return pa.RecordBatch.from_arrays(columns, schema=schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise SampleError(f"{path.name} has a column of another type: {error}") from error


def _cast(array: pa.Array, dtype: pa.DataType) -> pa.Array:
    return array if array.type == dtype else array.cast(dtype)


def _write_arrow_file(wanted: Sequence[tuple[Path, Ints]], out: Path) -> None:
    _write_ipc(wanted, out, pa.ipc.open_file, pa.ipc.new_file)


def _write_arrow_stream(wanted: Sequence[tuple[Path, Ints]], out: Path) -> None:
    _write_ipc(wanted, out, pa.ipc.open_stream, pa.ipc.new_stream)


def _write_ipc(wanted: Sequence[tuple[Path, Ints]], out: Path, opener: Any, maker: Any) -> None:
    with pa.memory_map(str(wanted[0][0])) as source:
        schema = opener(source).schema
    with maker(str(out), schema) as writer:
        for path, rows in wanted:
            with pa.memory_map(str(path)) as source:
                for batch in _taken(_ipc_batches(opener(source)), rows):
                    writer.write_batch(_fitting(batch, schema, path))


def _ipc_batches(reader: Any) -> Iterator[tuple[int, pa.RecordBatch]]:
    at = 0
    if hasattr(reader, "num_record_batches"):
        source = (reader.get_batch(number) for number in range(reader.num_record_batches))
    else:
        source = iter(reader)
    for batch in source:
        yield at, batch
        at += batch.num_rows


# -- text


def _write_lines(wanted: Sequence[tuple[Path, Ints]], out: Path) -> None:
    with _text(wanted[0][0], out) as file:
        for path, rows in wanted:
            for line in _picked(_lines(pieces(path)), rows):
                file.write(line + b"\n")


def _write_array(wanted: Sequence[tuple[Path, Ints]], out: Path) -> None:
    with _text(wanted[0][0], out) as file:
        before = b"[\n"
        for path, rows in wanted:
            blocks = array_blocks(pieces(path), PIECE)
            elements = (line for block in blocks for line in block.data.split(b"\n"))
            for element in _picked(elements, rows):
                file.write(before + element)
                before = b",\n"
        file.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def _picked(lines: Iterator[bytes], rows: Ints) -> Iterator[bytes]:
    """Those lines that are chosen rows; reading ends with the last of them."""
    chosen = rows.tolist()
    if not chosen:
        return
    wanted, last = set(chosen), chosen[-1]
    number = 0
    for line in lines:
        if not line.strip(BLANK):
            continue
        if number in wanted:
            yield line
        if number == last:
            return
        number += 1


def _lines(source: Iterator[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    for piece in source:
        *whole, rest = piece.split(b"\n")
        for line in whole:
            yield b"".join([*held, line])
            held = []
        held.append(rest)
    yield b"".join(held)


@contextmanager
def _text(first: Path, out: Path) -> Iterator[Any]:
    """A file to write to, compressed as the first source is."""
    kind = compression_of(head_of(first, 8), first.name)
    with out.open("wb") as raw, _packed(raw, kind) as file:
        yield file


def _packed(raw: BinaryIO, kind: str | None) -> AbstractContextManager[Any]:
    if kind is None:
        return nullcontext(raw)
    if kind == "gzip":
        return gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)  # the same bytes again
    if kind == "bz2":
        return bz2.BZ2File(raw, "wb")
    if kind == "xz":
        return lzma.LZMAFile(raw, "wb")
    packed: AbstractContextManager[Any] = pa.CompressedOutputStream(raw, kind)
    return packed
