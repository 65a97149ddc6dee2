"""Parquet pages that hold other values than the footer promises: fewer of them, or of another type,
which pyarrow takes as they come.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pytest_pretok.readers import UnreadableFile, read_chunks, read_header, split_units

ROWS = [[7] * 30, [8] * 30, [9] * 40]  # 100 values: two bytes as Thrift writes them
TRUE, FALSE = bytes([0xC8, 0x01]), bytes([0xB4, 0x01])  # 100 and 90


def read(path: Path, columns: list[str]) -> list[list[int] | None]:
    """The first of some columns, as our reader gives it."""
    units = split_units(path, read_header(path))
    found = [chunk.batch.column(0) for unit in units for chunk in read_chunks(unit, columns)]
    return [row for array in found for row in array.to_pylist()]


@pytest.mark.parametrize("before", [0, 1])
def test_a_page_that_claims_to_be_shorter(before: int, tmp_path: Path) -> None:
    """The end of a list is not cut off in silence."""
    path = tmp_path / "x.parquet"
    columns = {"s": pa.array([{"x": 1, "y": [2]}] * 3)} if before else {}
    pq.write_table(
        pa.table({**columns, "labels": ROWS}), path, use_dictionary=False, compression="none"
    )
    group = pq.ParquetFile(path).metadata.row_group(0)
    start = group.column(group.num_columns - 1).data_page_offset
    data = path.read_bytes()
    at = data.index(TRUE, start, start + 40)
    path.write_bytes(data[:at] + FALSE + data[at + len(TRUE) :])

    assert [len(row) for row in pq.read_table(path)["labels"].to_pylist()] == [30, 30, 30]
    with pytest.raises(UnreadableFile, match=r"'labels': 90 values found .* promises 100"):
        read(path, ["labels"])


TYPES = {
    "list": pa.list_(pa.int64()),
    "large list": pa.large_list(pa.int32()),
    "fixed list": pa.list_(pa.int64(), 2),
    "text": pa.list_(pa.string()),
    "nested": pa.list_(pa.list_(pa.int64())),
}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_nulls_and_empty_rows_count(kind: str, version: str, tmp_path: Path) -> None:
    """Whole files are read in every layout, whatever stands in their rows."""
    value = {"text": "a", "nested": [1]}.get(kind, 1)
    rows: list[list[object] | None] = [[value, None], None, [None, None], None, [value, value]]
    if kind != "fixed list":
        rows += [[], [value], []]
    path = tmp_path / "x.parquet"
    table = pa.table({"a": pa.array(rows, TYPES[kind])})
    pq.write_table(table, path, row_group_size=3, data_page_size=1, data_page_version=version)

    assert read(path, ["a"]) == rows


NUMBERS = [
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.bool_(), pa.float32(), pa.float64()),
    *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(), pa.float16()),
]


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
@pytest.mark.parametrize("version", ["1.0", "2.4", "2.6"])
@pytest.mark.parametrize("told", [True, False])
def test_stored_types(dtype: pa.DataType, version: Any, told: bool, tmp_path: Path) -> None:
    """Whatever Parquet type a writer chooses for an Arrow type is read as pyarrow reads it."""
    path = tmp_path / "x.parquet"
    values = pa.array([1, 0, 1]).cast(dtype)
    rows = pa.ListArray.from_arrays([0, 2, 3], values)
    pq.write_table(pa.table({"a": rows}), path, version=version, store_schema=told)

    assert read(path, ["a"]) == pq.ParquetFile(path).read()["a"].to_pylist() == rows.to_pylist()


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt8, pl.UInt32, pl.Int64, pl.UInt64, pl.Boolean])
def test_stored_types_of_polars(dtype: Any, tmp_path: Path) -> None:
    """Another writer's choices are taken as well."""
    path = tmp_path / "x.parquet"
    pl.DataFrame({"a": [[1, 0], [1]]}, {"a": pl.List(pl.Int64)}).with_columns(
        pl.col("a").cast(pl.List(dtype))
    ).write_parquet(path)

    assert read(path, ["a"]) == [[1, 0], [1]]


@pytest.mark.parametrize("other", [0, 2, 8, 10])  # BOOLEAN, INT32, FLOAT, DOUBLE, as Thrift has it
def test_a_schema_with_another_type(other: int, tmp_path: Path) -> None:
    """Values that are decoded as another type than they were written as are no values."""
    path = tmp_path / "x.parquet"
    pq.write_table(
        pa.table({"mask": [[1, 1, 0]] * 3}), path, use_dictionary=False, store_schema=False
    )
    data = path.read_bytes()
    element = b"\x15\x04\x25\x02\x18\x07element"  # of the schema: INT64, optional, its name
    assert data.count(element) == 1
    path.write_bytes(data.replace(element, bytes([0x15, other]) + element[2:]))

    with pytest.raises(UnreadableFile, match=r"stored as INT64|not readable as Parquet"):
        read(path, ["mask"])
