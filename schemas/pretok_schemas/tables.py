"""Tables in memory as record batches: pyarrow, pandas, Polars, and what else speaks Arrow.

Must not know contracts or rules, and imports no data frame library: who passes a frame has it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pretok_schemas.arrow import Kind, common_array, kind_of
from pretok_schemas.cells import Cell, read_cell, shown
from pretok_schemas.cuts import cut_by_tokens, empty_columns

TOKENS = 2**18  # of one batch: they stay in the processor's cache
ROWS = 2**12  # of one batch, whatever their length
LISTS = pa.list_(pa.int64())
_BYTES_OF_CELL = 2000
_LOOKED_AT = 100  # cells of a column of Python objects that tell its type
_MISSING = ("NAType", "NaTType")  # pandas' own nulls, told by name: nothing is imported for them


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring rows of a table.

    ``cells`` are values that are no lists of integers, of columns of Python objects: (row within
    the stretch, column, kind, text), as `Columns.batch` takes them. ``mixed`` are further columns
    of Python objects without a common type; they are null.
    """

    batch: pa.RecordBatch
    cells: tuple[tuple[int, str, str, str], ...] = ()
    mixed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InMemory:
    """A table: its columns in order, each with a type or a sequence of Python objects.

    ``arrow`` and ``objects`` hold those that can be read. ``types`` are what is known of each:
    of a column of objects, what its first cells seem to be.
    """

    names: tuple[str, ...]
    rows: int
    arrow: Mapping[str, pa.ChunkedArray]
    objects: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    types: Mapping[str, pa.DataType] = field(default_factory=dict)

    @property
    def repeated(self) -> tuple[str, ...]:
        """The names of columns that occur more than once."""
        twice = (name for name in self.names if self.names.count(name) > 1)
        return tuple(dict.fromkeys(twice))

    @property
    def columns(self) -> dict[str, pa.DataType | None]:
        """By name, the type that all cells have; None for Python objects, which have any."""
        return {name: None if name in self.objects else self.types.get(name) for name in self.names}

    @property
    def nbytes(self) -> int:
        """About the bytes that the rows take; a cell of Python objects counts as a few tokens."""
        objects = _BYTES_OF_CELL * self.rows * len(self.objects)
        return sum(int(column.nbytes) for column in self.arrow.values()) + objects

    def slice(self, first: int, stop: int) -> InMemory:
        """Some rows; nothing is copied but the places of objects."""
        arrow = {name: column.slice(first, stop - first) for name, column in self.arrow.items()}
        objects = {name: column[first:stop] for name, column in self.objects.items()}
        return replace(self, rows=max(0, stop - first), arrow=arrow, objects=objects)

    def stretches(self, names: Sequence[str], further: Sequence[str] = ()) -> Iterator[Stretch]:
        """Some columns, in batches of about `TOKENS` tokens; nothing is copied but objects.

        ``further`` are columns that need not hold tokens.
        """
        further = [name for name in further if name in self.names]
        every = (*names, *further)
        if not every:
            yield Stretch(empty_columns(self.rows))
            return
        for start in _starts(self.rows, [self.arrow[n] for n in every if n in self.arrow]):
            whole = self._stretch(names, further, *start)
            before = 0
            for stop in cut_by_tokens(whole.batch, TOKENS):
                part = whole.batch.slice(before, stop - before)
                cells = ((c[0] - before, *c[1:]) for c in whole.cells if before <= c[0] < stop)
                yield Stretch(part, tuple(cells), whole.mixed)
                before = stop

    def _stretch(
        self, names: Sequence[str], further: Sequence[str], start: int, stop: int
    ) -> Stretch:
        arrays, cells, mixed = [], [], []
        for name in names:
            if name in self.arrow:
                arrays.append(_one_array(self.arrow[name].slice(start, stop - start)))
                continue
            array, own = _tokens(self.objects[name][start:stop])
            arrays.append(array)
            cells += [(row, name, cell.kind or "", shown(cell.offender)) for row, cell in own]
        for name in further:
            if name in self.arrow:
                arrays.append(_one_array(self.arrow[name].slice(start, stop - start)))
                continue
            values = [None if is_missing(v) else _plain(v) for v in self.objects[name][start:stop]]
            array = common_array(values)
            arrays.append(pa.nulls(len(values)) if array is None else array)
            mixed += [name] if array is None else []
        cells.sort(key=lambda cell: cell[0])
        batch = pa.RecordBatch.from_arrays(arrays, names=[*names, *further])
        return Stretch(batch, tuple(cells), tuple(mixed))


def open_table(data: Any, wanted: Collection[str] | None = None) -> InMemory:
    """A table of any supported kind; of a stream of batches, only the wanted columns are kept.

    Takes a pyarrow Table, RecordBatch or RecordBatchReader, a pandas or Polars frame (lazy ones
    are collected), a Dataset of `datasets` (one split), a mapping of names to columns of Python
    lists, and any object with Arrow's stream protocol (``__arrow_c_stream__``).

    Raises:
        TypeError: it is none of them.
    """
    library = type(data).__module__.split(".")[0]
    if library == "pandas" and hasattr(data, "iloc") and hasattr(data, "columns"):
        return _of_pandas(data)
    if library == "polars" and hasattr(data, "collect"):
        data = data.collect()
    if library == "polars" and hasattr(data, "get_columns"):
        return _of_polars(data)
    splits = library == "datasets" and isinstance(data, Mapping)
    if library == "datasets" and hasattr(data, "num_rows") and not splits:
        data = data.with_format("arrow")[:]
    if isinstance(data, pa.RecordBatch):
        return _of_arrow(pa.Table.from_batches([data]))
    if isinstance(data, pa.Table):
        return _of_arrow(data)
    if isinstance(data, Mapping) and not splits:
        return _of_columns([(str(name), column) for name, column in data.items()])
    if hasattr(data, "__arrow_c_stream__") and not isinstance(data, pa.RecordBatchReader):
        data = open_stream(data)
    if isinstance(data, pa.RecordBatchReader):
        return _of_reader(data, wanted)
    raise TypeError(
        f"a {type(data).__name__} is no table: pass a pyarrow Table, RecordBatch or "
        "RecordBatchReader, a pandas or Polars frame, a Dataset, or a mapping of columns"
    )


def open_stream(data: Any) -> pa.RecordBatchReader:
    """The batches of an object with Arrow's stream protocol.

    Raises:
        TypeError: it has no columns by name.
    """
    try:
        return pa.RecordBatchReader.from_stream(data)
    except pa.ArrowInvalid as error:
        name = type(data).__name__
        raise TypeError(
            f"a {name} is no table but one column: pass a frame, or {{'input_ids': ...}}"
        ) from error


def _of_arrow(table: pa.Table) -> InMemory:
    arrays = dict(zip(reversed(table.column_names), reversed(table.columns), strict=True))
    types = {name: array.type for name, array in arrays.items()}
    return InMemory(tuple(table.column_names), table.num_rows, arrays, types=types)


def _of_reader(reader: pa.RecordBatchReader, wanted: Collection[str] | None) -> InMemory:
    names = tuple(reader.schema.names)
    types = dict(zip(names, reader.schema.types, strict=True))
    kept = [at for at, name in enumerate(names) if wanted is None or name in wanted]
    schema = pa.schema([reader.schema.field(at) for at in kept])
    batches, rows = [], 0
    for batch in reader:
        rows += batch.num_rows
        if kept:
            arrays = [batch.column(at) for at in kept]
            batches.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
    held = _of_arrow(pa.Table.from_batches(batches, schema))
    return InMemory(names, rows, held.arrow, types=types)


def _of_pandas(frame: Any) -> InMemory:
    columns = [(str(name), frame.iloc[:, at]) for at, name in enumerate(frame.columns)]
    return _of_columns(columns, len(frame))


def _of_polars(frame: Any) -> InMemory:
    columns = [(one.name, one if _is_polars(one) else one.to_list()) for one in frame.get_columns()]
    return _of_columns(columns, frame.height)


def _of_columns(columns: Sequence[tuple[str, Any]], rows: int | None = None) -> InMemory:
    """A table of columns that are Arrow arrays, pandas series or sequences of Python objects."""
    arrow: dict[str, pa.ChunkedArray] = {}
    objects: dict[str, Sequence[Any]] = {}
    types: dict[str, pa.DataType] = {}
    for name, column in columns:
        if isinstance(column, pa.Array | pa.ChunkedArray):
            array = column
        elif _is_polars(column):
            array = column.to_arrow()
        elif hasattr(column, "iloc") and str(column.dtype) != "object":
            array = pa.array(column)
        else:
            objects[name] = _with_nulls(column.to_numpy()) if hasattr(column, "iloc") else column
            if (seen := _seen_type(objects[name])) is not None:
                types[name] = seen
            continue
        arrow[name] = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
        types[name] = array.type
    if rows is None:
        lengths = {len(column) for _, column in columns}
        if len(lengths) > 1:
            raise TypeError(f"the columns of a table are equally long, not {sorted(lengths)}")
        rows = max(lengths, default=0)
    return InMemory(tuple(name for name, _ in columns), rows, arrow, objects, types)


def _is_polars(column: Any) -> bool:
    """Whether a column is a Polars series that Arrow has a type for."""
    ours = type(column).__module__.split(".")[0] == "polars" and hasattr(column, "to_arrow")
    return ours and str(column.dtype) != "Object"


def _starts(rows: int, columns: Sequence[pa.ChunkedArray]) -> Iterator[tuple[int, int]]:
    """Stretches of rows within which no column changes its chunk, unless chunks are small."""
    ends = {rows, *range(0, rows, ROWS)}
    for column in columns:
        if column.num_chunks * 64 > rows:
            continue  # chunks of a few rows: joining them costs less than judging each
        at = np.cumsum([len(chunk) for chunk in column.chunks]).tolist()
        ends.update(at)
    yield from pairwise(sorted(ends))


def _one_array(chunked: pa.ChunkedArray) -> pa.Array:
    full = [chunk for chunk in chunked.chunks if len(chunk)]
    if len(full) == 1:
        return full[0]
    return pa.concat_arrays(full) if full else pa.array([], chunked.type)


def _tokens(values: Sequence[Any]) -> tuple[pa.Array, list[tuple[int, Cell]]]:
    """Python objects as lists of integers, and the cells that are none."""
    values = list(values)
    try:
        array = pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        pass  # cells of unlike kinds: each is looked at
    else:
        if kind_of(array.type) is Kind.INTEGER:
            return array, []
    cells = [_cell(value) for value in values]
    odd = [(row, cell) for row, cell in enumerate(cells) if cell.kind is not None]
    return pa.array([cell.tokens for cell in cells], LISTS), odd


def _cell(value: Any) -> Cell:
    if is_missing(value):
        return Cell(None)
    plain = _plain(value)
    try:
        return read_cell(plain)
    except ValueError:  # an infinite number, which files of text cannot hold
        return Cell(None, "float" if isinstance(plain, list) else "scalar", plain)


def _with_nulls(values: Sequence[Any]) -> Sequence[Any]:
    """Cells of a pandas column, with nulls where pandas has put NaN for them.

    It makes floats of all lists of integers of a column (of a stretch of it, at times) in which a
    list holds a null, for it has no other way to show one. Other floats are left as they are.
    """
    floats = [v for v in values if isinstance(v, np.ndarray) and v.dtype.kind == "f"]
    lost = any(np.isnan(value).any() for value in floats)
    if not lost or not all(map(_whole, floats)):
        return values
    return [
        [None if one != one else int(one) for one in value.tolist()]
        if isinstance(value, np.ndarray) and value.dtype.kind == "f"
        else value
        for value in values
    ]


def _whole(value: npt.NDArray[Any]) -> bool:
    """Whether an array is flat and holds whole numbers and NaN alone."""
    known = value[~np.isnan(value)]
    return bool(value.ndim == 1 and np.isfinite(known).all() and (np.floor(known) == known).all())


def is_missing(value: Any) -> bool:
    """Whether a cell of a column of Python objects stands for nothing: None, NaN, pandas' NA."""
    lost = isinstance(value, float) and value != value
    return value is None or lost or type(value).__name__ in _MISSING


def _plain(value: Any) -> Any:
    """A value with Python's own lists and numbers for those of numpy, torch and the like."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "tolist") and hasattr(value, "__array__"):
        made = value.tolist()
        return _plain(made) if isinstance(made, list) else made
    return None if type(value).__name__ in _MISSING else value


def _seen_type(values: Sequence[Any]) -> pa.DataType | None:
    """The type that a column of objects seems to have, by its first cell that is not null."""
    for value in values[:_LOOKED_AT]:
        if is_missing(value):
            continue
        if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iub":
            return pa.list_(pa.from_numpy_dtype(value.dtype))
        if isinstance(value, list | tuple | dict) or hasattr(value, "__array__"):
            return None
        try:
            return pa.scalar(value).type
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            return None
    return None
