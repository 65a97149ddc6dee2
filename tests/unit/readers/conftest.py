"""How the tests of the readers read a file whole, and write one of each kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pytest_pretok.readers import Chunk, read_chunks, read_header, split_units

Read = Callable[..., list[dict[str, Any]]]
ReadChunks = Callable[..., list[Chunk]]
Write = Callable[[pa.Table, str], Path]


def _chunks(
    path: Path,
    columns: Sequence[str] = ("input_ids", "attention_mask", "labels"),
    format: str | None = None,
    target: int = 32 * 2**20,
    tokens: int = 262_144,
) -> list[Chunk]:
    header = read_header(path, format)
    units = split_units(path, header, target)
    return [chunk for unit in units for chunk in read_chunks(unit, columns, tokens)]


@pytest.fixture
def chunks_of() -> ReadChunks:
    """All chunks of a file, through header and units."""
    return _chunks


@pytest.fixture
def rows_of() -> Read:
    """All rows of a file as Python values, through header, units and chunks."""

    def read(path: Path, *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for chunk in _chunks(path, *args, **kwargs):
            chunk.batch.validate(full=True)
            found.extend(chunk.batch.to_pylist())
        return found

    return read


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a table with pyarrow as parquet, arrow-file or arrow-stream, three rows a batch."""

    def write_table(table: pa.Table, format: str, **options: Any) -> Path:
        path = tmp_path / f"shard.{format}"
        if format == "parquet":
            pq.write_table(table, path, row_group_size=3, **options)
            return path
        new = pa.ipc.new_file if format == "arrow-file" else pa.ipc.new_stream
        ipc = pa.ipc.IpcWriteOptions(**options)
        with pa.OSFile(str(path), "wb") as sink, new(sink, table.schema, options=ipc) as writer:
            writer.write_table(table, max_chunksize=3)
        return path

    return write_table
