"""Datasets as objects -> rows that a scan can read: tables, frames, `datasets` and streams.

What can be read more than once is read where it lies; a stream is written down first, in a file
that is removed with its folder. Knows no contract. Imports no library that it is not handed an
object of.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa

from pretok_schemas.tables import is_missing, open_stream, open_table
from pretok_schemas.text import printable
from pytest_pretok.readers.memory import Held

Rows = Held | Path | str  # rows that are held, a file that was written, or a path as people name it


class UnknownObject(TypeError):
    """An object that holds no rows that we know of."""


@dataclass(frozen=True, slots=True)
class Found:
    """One split of an object: its name (None if it has none), what to call it, and its rows."""

    split: str | None
    shown: str
    rows: Rows


def splits_of(data: object, folder: Callable[[], Path]) -> list[Found]:
    """The splits of an object, in order; ``folder`` makes the private folder for streams.

    A path among splits by name is left as it is.

    Raises:
        UnknownObject: it is of no known kind.
    """
    if isinstance(data, Mapping) and not _has_columns(data):
        if not data or not all(isinstance(name, str) for name in data):
            raise UnknownObject("a mapping must have splits, or columns, by their names")
        return [_split(name, one, folder) for name, one in data.items()]
    return [Found(None, _shown(data), _rows(data, folder))]


def _has_columns(data: Mapping[Any, Any]) -> bool:
    """Whether a mapping is one table: its values are columns of cells, and not rows or tables."""
    columns = [_is_column(value) for value in data.values()]
    rows = [isinstance(v, Sequence) and v and isinstance(v[0], Mapping) for v in data.values()]
    return bool(columns) and all(columns) and not any(rows)


def _is_column(value: Any) -> bool:
    """Whether something is a sequence of cells: of Python, Arrow, numpy or a frame's library."""
    if isinstance(value, pa.Array | pa.ChunkedArray):
        return True
    if isinstance(value, Sequence):  # a column of `datasets` among others
        return not isinstance(value, str | bytes)
    array = hasattr(value, "__array__") and not hasattr(value, "columns")
    return array and bool(getattr(value, "shape", ()))


def _is_one_row(data: Mapping[Any, Any]) -> bool:
    """Whether a mapping has tokens where a table has cells: a row that stands alone."""
    return all(
        len(value) and all(isinstance(cell, int | np.integer) for cell in value)
        for value in data.values()
    )


def _shown(data: object) -> str:
    return f"<{type(data).__name__}>"


def _is(data: object, module: str, *names: str) -> bool:
    """Whether an object is of a class of a library, without importing that library."""
    kinds = (getattr(sys.modules.get(module), name, None) for name in names)
    return any(kind is not None and isinstance(data, kind) for kind in kinds)


def _split(name: str, data: Any, folder: Callable[[], Path]) -> Found:
    shown = f"{_shown(data)} {name!r}"
    if isinstance(data, str | os.PathLike):
        return Found(name, shown, os.fspath(data))
    try:
        return Found(name, shown, _rows(data, folder))
    except UnknownObject as error:
        raise UnknownObject(f"{name!r}: {error}") from error


def _rows(data: Any, folder: Callable[[], Path]) -> Rows:
    if isinstance(data, Mapping) and _has_columns(data) and _is_one_row(data):
        raise UnknownObject(f"{_shown(data)} is one row: give a list of rows, [row]")
    frame = _is(data, "pandas", "DataFrame") or _is(data, "polars", "DataFrame", "LazyFrame")
    if frame or isinstance(data, pa.Table | pa.RecordBatch | Mapping):
        return Held.table(open_table(data))
    if isinstance(data, pa.RecordBatchReader):
        return _spill(data.schema, data, folder)
    if _is(data, "pyarrow.dataset", "Dataset"):
        return _spill(data.schema, data.to_batches(), folder)
    if _is(data, "datasets", "Dataset"):
        return _of_datasets(data)
    if _is(data, "datasets", "IterableDataset"):
        return _of_stream(data, folder)
    if hasattr(data, "__arrow_c_stream__"):
        try:
            reader = open_stream(data)
        except TypeError as error:
            raise UnknownObject(str(error)) from error
        return _spill(reader.schema, reader, folder)
    if isinstance(data, Iterable) and not isinstance(data, str | bytes):
        return _of_iterable(iter(data), folder)
    raise UnknownObject(
        f"{_shown(data)} is no dataset: give a path, a pyarrow Table, RecordBatchReader or Dataset,"
        " a frame of pandas or polars, a Dataset of `datasets`, rows as dicts, or splits by name"
    )


def _of_datasets(data: Any) -> Held:
    stored = data.data.table
    size = int(stored.nbytes * len(data) / max(1, stored.num_rows))
    shown = data.format  # rows have no other columns than `set_format` names
    names = data.column_names if shown["output_all_columns"] else shown["columns"]
    arrow = data.with_format("arrow", columns=names)
    columns = {name: stored.schema.field(name).type for name in names}
    return Held(columns, columns, (), len(data), size, lambda a, b: open_table(arrow[a:b]))


def _of_stream(data: Any, folder: Callable[[], Path]) -> Rows:
    if data.features is None:
        return _write_lines(data, folder)
    schema = data.features.arrow_schema
    tables = data.with_format("arrow").iter(batch_size=1000)
    return _spill(schema, (b for table in tables for b in table.cast(schema).to_batches()), folder)


def _of_iterable(rows: Iterator[Any], folder: Callable[[], Path]) -> Rows:
    first = next(rows, None)
    if first is None:
        return Held.table(open_table(pa.table({})))
    rows = chain([first], rows)
    if isinstance(first, pa.RecordBatch | pa.Table):
        return _spill(first.schema, _alike(rows, first.schema), folder)
    if isinstance(first, Mapping):
        return _write_lines(rows, folder)
    raise UnknownObject(f"rows must be dicts, or record batches; found {_shown(first)}")


def _alike(parts: Iterable[Any], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The batches of tables and batches of one schema."""
    for number, part in enumerate(parts):
        if not isinstance(part, pa.RecordBatch | pa.Table):
            raise UnknownObject(f"expected tables or record batches; {number:,} is {_shown(part)}")
        if not part.schema.equals(schema):
            theirs, first = (_columns(one) for one in (part.schema, schema))
            raise UnknownObject(
                f"tables and record batches of one dataset have one schema; {number:,} has "
                f"{theirs}, and the first {first}: cast them, or give them as splits by name"
            )
        yield from part.to_batches() if isinstance(part, pa.Table) else (part,)


def _columns(schema: pa.Schema) -> str:
    return printable(", ".join(f"{one.name}: {one.type}" for one in schema) or "no column", 200)


def _spill(
    schema: pa.Schema, batches: Iterable[pa.RecordBatch], folder: Callable[[], Path]
) -> Path:
    path = folder() / "rows.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return path


def _write_lines(rows: Iterable[Any], folder: Callable[[], Path]) -> Path:
    path = folder() / "rows.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number, row in enumerate(rows):
            if not isinstance(row, Mapping):
                raise UnknownObject(f"rows must be dicts; row {number:,} is {_shown(row)}")
            json.dump(_plain(row), file)
            file.write("\n")
    return path


def _plain(value: Any) -> Any:
    """A cell as JSON has it: arrays as lists; what JSON cannot say as the text that it is."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):  # NaN among them: in a row, only None says that there is nothing
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if is_missing(value):
        return None
    if isinstance(value, list | tuple | range):
        return [_plain(one) for one in value]
    if hasattr(value, "tolist"):  # arrays and scalars of numpy, tensors
        return _plain(cast(Any, value).tolist())
    return str(value)
