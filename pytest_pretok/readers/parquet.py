"""Parquet shards: footer to header, column chunks to batches.

Knows nothing of tokens' meaning. Pages are streamed, so that a single large row group does not
have to fit into memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pretok_schemas.arrow import as_numpy
from pretok_schemas.cuts import empty_columns, list_lengths
from pytest_pretok.readers.base import Chunk, Header, Unit, UnreadableFile, unreadable
from pytest_pretok.readers.batches import (
    deliver,
    first_of_each,
    pick,
    repeated_names,
)
from pytest_pretok.readers.guard import is_list
from pytest_pretok.stores import Location, RemotePath, is_url, located, open_parts

_WHAT = "not readable as Parquet"
_PAGES = 2**20  # bytes read ahead in each column chunk
_PAGES_AFAR = 2**23  # the same, of a remote file
_HELD = 2**26  # bytes of a remote unit whose columns are fetched before the first is decoded
_BYTES_A_TOKEN = 8  # the measure for columns that are no lists
_SMALL = 2**20  # bytes of a remote unit that is decoded whole
_WHOLE = 4  # times the tokens of a batch: a unit that is decoded whole, and cut behind that


@contextmanager
def _open(path: Location, size: int = 0) -> Iterator[pq.ParquetFile]:
    """A file open to be read; ``size`` is that of its part which will be."""
    if not isinstance(path, RemotePath):
        with pq.ParquetFile(
            str(path),
            memory_map=False,
            pre_buffer=False,
            buffer_size=_PAGES,
            page_checksum_verification=True,
        ) as file:
            yield file
        return
    # Requests are dear: what lies together is fetched together, if it is not too much to hold.
    with (
        open_parts(path, ahead=0) as source,
        pq.ParquetFile(
            source,
            pre_buffer=size <= _HELD,
            buffer_size=_PAGES_AFAR,
            page_checksum_verification=True,
        ) as file,
    ):
        yield file


def header(path: Location) -> Header:
    """Names, types and the row count that the footer gives.

    Raises:
        UnreadableFile: the footer cannot be read.
    """
    with unreadable(_WHAT), _open(path) as file:
        schema = file.schema_arrow
        columns: dict[str, pa.DataType | None] = {}
        for field in schema:
            columns.setdefault(field.name, field.type)
        repeated = repeated_names(schema.names)
        groups = (file.metadata.row_group(i) for i in range(file.num_row_groups))
        parts = tuple((group.num_rows, group.total_byte_size) for group in groups)
        return Header("parquet", columns, file.metadata.num_rows, repeated, parts=parts)


def chunks(unit: Unit, columns: Sequence[str], tokens: int) -> Iterator[Chunk]:
    """The rows of a unit's row groups, in order.

    Raises:
        UnreadableFile: a page cannot be decoded, or there are not as many rows as the footer says.
    """
    with unreadable(_WHAT), _open(located(unit.path), unit.size) as file:
        if unit.part[1] > file.num_row_groups:
            raise UnreadableFile(f"{file.num_row_groups} row groups found, there were more before")
        promised = sum(file.metadata.row_group(i).num_rows for i in range(*unit.part))
        seen, values = 0, Counter[str]()
        for batch in _batches(file, unit, columns, tokens):
            seen += batch.num_rows
            for piece in deliver(batch, columns, tokens):
                yield Chunk(piece)
            values.update(_values(batch))
        if seen != promised:
            raise UnreadableFile(f"{seen} rows found where the footer promises {promised}")
        _check_values(file, unit, values)


def _values(batch: pa.RecordBatch) -> dict[str, int]:
    """How many values Parquet counts in each column of flat lists: a row without any counts one.

    The batch must have been checked.
    """
    columns = zip(batch.schema.names, batch.columns, strict=True)
    listed = ((name, array) for name, array in columns if _is_flat_list(array.type))
    return {name: _count(array) for name, array in listed}


def _count(array: pa.Array) -> int:
    lengths = np.maximum(list_lengths(array), 1)
    if array.null_count:
        lengths[as_numpy(array.is_null())] = 1  # whatever lies behind a null row
    return int(lengths.sum())


def _is_flat_list(dtype: pa.DataType) -> bool:
    return is_list(dtype) and not pa.types.is_nested(dtype.value_type)


def _check_values(file: pq.ParquetFile, unit: Unit, values: Mapping[str, int]) -> None:
    """Return if the columns have as many values as the footer promises, of the type it promises.

    pyarrow takes the end of the pages for the end of a list: a page that says that it is shorter
    than it is cuts off the last rows of its row group without a word. It decodes by the schema's
    type alone, whatever type a column chunk says that its own values have.

    Raises:
        UnreadableFile: they have not.
    """
    schema = file.schema_arrow
    leaves, fields = _first_leaves(schema), first_of_each(schema.names)
    for name, found in values.items():
        groups = (file.metadata.row_group(number) for number in range(*unit.part))
        held = [group.column(leaves[name]) for group in groups]
        stored = _stored_as(schema.field(fields[name]).type.value_type)
        other = next((one.physical_type for one in held if one.physical_type not in stored), None)
        if stored and other is not None:
            told = f"values stored as {other} where the schema promises {stored[0]}"
            raise UnreadableFile(f"column {name!r}: {told}")
        promised = sum(one.num_values for one in held)
        if found != promised:
            told = f"{found} values found where the footer promises {promised}"
            raise UnreadableFile(f"column {name!r}: {told}")


def _stored_as(dtype: pa.DataType) -> tuple[str, ...]:
    """The Parquet types that may hold numbers of an Arrow type; none where it is no number."""
    if pa.types.is_boolean(dtype):
        return ("BOOLEAN",)
    if pa.types.is_uint32(dtype):
        return ("INT32", "INT64")  # the latter in files of the format's first version
    if pa.types.is_integer(dtype):
        return ("INT64",) if dtype.bit_width == 64 else ("INT32",)
    if pa.types.is_float32(dtype):
        return ("FLOAT",)
    return ("DOUBLE",) if pa.types.is_float64(dtype) else ()


def _first_leaves(schema: pa.Schema) -> dict[str, int]:
    """Where each name's Parquet columns begin; the first one of equal names."""
    places: dict[str, int] = {}
    leaf = 0
    for field in schema:
        places.setdefault(field.name, leaf)
        leaf += _leaves(field.type)
    return places


def _batches(
    file: pq.ParquetFile, unit: Unit, columns: Sequence[str], tokens: int
) -> Iterator[pa.RecordBatch]:
    places = first_of_each(file.schema_arrow.names)
    wanted = [name for name in columns if name in places]
    if not wanted:
        for group in range(*unit.part):
            yield empty_columns(file.metadata.row_group(group).num_rows)
        return
    for batch in file.iter_batches(
        batch_size=_rows_a_batch(file, unit, wanted, tokens),
        row_groups=list(range(*unit.part)),
        columns=wanted,
        use_threads=False,
    ):
        # A name with a dot also selects leaves of structs; only whole columns are meant.
        yield pick(batch, wanted)


def _rows_a_batch(file: pq.ParquetFile, unit: Unit, wanted: Sequence[str], tokens: int) -> int:
    """Rows with about ``tokens`` tokens, by the counts of the unit's groups.

    Their bytes tell little: equal tokens, millions of them, are stored in a few. Of a remote unit
    only the first group is counted, and none of a small one: each would be a request of its own.
    """
    groups = {number: file.metadata.row_group(number) for number in range(*unit.part)}
    rows = sum(group.num_rows for group in groups.values())
    size = sum(group.total_byte_size for group in groups.values())
    counted = [number for number, group in groups.items() if group.num_rows]
    if is_url(unit.path):
        counted = counted[:1] if size > _SMALL else []
    if not counted:
        return max(1, int(rows))
    held = list(_counts(file, counted, wanted))
    if not held:
        return 1
    weighed = sum(groups[number].total_byte_size for number in counted[: len(held)])
    estimate = sum(held) * size / max(1, weighed)
    if max(rows, estimate) <= _WHOLE * tokens:
        return max(1, int(rows))
    return max(1, min(tokens, int(tokens * rows / max(1.0, estimate))))


def _counts(file: pq.ParquetFile, groups: Sequence[int], wanted: Sequence[str]) -> Iterator[int]:
    """The tokens of each group, up to the first that is broken, which is told when it is read."""
    for number in groups:
        try:
            yield _tokens_in_group(file, number, wanted)
        except MemoryError:
            raise
        except (OSError, pa.ArrowException):
            return


def _tokens_in_group(file: pq.ParquetFile, number: int, wanted: Sequence[str]) -> int:
    schema = file.schema_arrow
    types = {name: schema.field(place).type for name, place in first_of_each(schema.names).items()}
    guide = next((name for name in wanted if is_list(types[name])), wanted[0])
    # Asked for a column chunk with faulty metadata, pyarrow ends the process (seen in 26.0.1);
    # reading one row of it first raises instead.
    next(file.iter_batches(1, row_groups=[number], columns=[guide], use_threads=False), None)
    # Told by Arrow's types: `file.schema` would tie the whole footer into a cycle of references,
    # and the footers of all units would lie in memory until the collector comes by.
    column = file.metadata.row_group(number).column(_first_leaves(schema)[guide])
    by_size = column.total_uncompressed_size // _BYTES_A_TOKEN
    return int(column.num_values if is_list(types[guide]) else by_size)


def _leaves(dtype: pa.DataType) -> int:
    """How many Parquet columns hold an Arrow type."""
    if is_list(dtype):
        return _leaves(dtype.value_type)
    if pa.types.is_struct(dtype):
        return sum(_leaves(dtype.field(place).type) for place in range(dtype.num_fields))
    if pa.types.is_map(dtype):
        return _leaves(dtype.key_type) + _leaves(dtype.item_type)
    return 1
