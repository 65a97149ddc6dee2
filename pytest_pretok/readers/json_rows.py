"""JSON lines read exactly, with the standard library: rows to columns, odd cells to defects.

This is the definition of what a line means; `json_fast` must agree with it. Knows no files.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NoReturn

import pyarrow as pa

from pretok_schemas.arrow import common_array
from pretok_schemas.cells import read_cell, shown
from pretok_schemas.cuts import empty_columns
from pytest_pretok.readers.base import CellDefect, Chunk

LISTS = pa.list_(pa.int64())
BLANK = b" \t\r\n"
_LONGEST_NUMBER = 4000  # digits; Python refuses to convert more than 4,300
Row = dict[str, Any]


class LineFault(Exception):
    """A line that is no row: its index among the lines given, its row's index, and the fault."""

    def __init__(self, line: int, row: int, fault: str) -> None:
        """Keep both counts, 0-based within the text that was given."""
        super().__init__(line, row, fault)
        self.line = line
        self.row = row
        self.fault = fault


class _Ambiguous(dict[str, Any]):
    """An object in which a key occurs twice; holds the last values."""

    repeated: frozenset[str]


def read_rows(data: bytes, columns: Sequence[str], further: Sequence[str] = ()) -> Chunk:
    """The asked columns of complete JSON lines as ``list<int64>``, with a null for an absent key.

    ``further`` columns have the type that their values have in common (see `Chunk.mixed`).

    Raises:
        LineFault: a line is not UTF-8, not JSON, no object, or repeats an asked key.
    """
    wanted = list(dict.fromkeys(columns))
    names = frozenset([*wanted, *further])
    rows: list[Row] = []
    for number, line in enumerate(data.split(b"\n")):
        if line.strip(BLANK):
            try:
                rows.append(parse_line(line, names))
            except ValueError as error:
                raise LineFault(number, len(rows), _fault(error)) from error
    return with_further(_columns(rows, wanted, data), rows, further)


def with_further(chunk: Chunk, rows: Sequence[Row], further: Sequence[str]) -> Chunk:
    """A chunk with further columns of its rows behind the others."""
    if not further:
        return chunk
    found = [common_array([row.get(name) for row in rows]) for name in further]
    made = [pa.nulls(len(rows)) if array is None else array for array in found]
    batch = pa.RecordBatch.from_arrays(
        [*chunk.batch.columns, *made], names=[*chunk.batch.schema.names, *further]
    )
    mixed = (name for name, array in zip(further, found, strict=True) if array is None)
    return Chunk(batch, chunk.defects, tuple(mixed))


def parse_line(line: bytes | str, names: frozenset[str]) -> Row:
    """One line as an object; strict where Python's json is lenient (NaN, repeated asked keys).

    Raises:
        ValueError: with the fault as its message.
    """
    try:
        text = line if isinstance(line, str) else line.decode()
        try:
            value = _STRICT.decode(text)
        except json.JSONDecodeError:
            raise
        except ValueError:
            value = _BIG.decode(text)
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError(f"holds {_kind_name(value)}, not an object")
    if isinstance(value, _Ambiguous) and (twice := sorted(names & value.repeated)):
        raise ValueError(f"has the key {twice[0]!r} more than once")
    return value


def _columns(rows: list[Row], wanted: list[str], data: bytes) -> Chunk:
    if not wanted:
        return Chunk(empty_columns(len(rows)))
    defects: list[CellDefect] = []
    arrays = []
    for name in wanted:
        cells = []
        for number, row in enumerate(rows):
            try:
                cell = read_cell(row.get(name))
            except ValueError as error:
                raise LineFault(_line_of_row(data, number), number, str(error)) from error
            if cell.kind is not None:
                defects.append(CellDefect(number, name, cell.kind, shown(cell.offender)))
            cells.append(cell.tokens)
        arrays.append(pa.array(cells, LISTS))
    defects.sort(key=lambda defect: defect.row)
    return Chunk(pa.RecordBatch.from_arrays(arrays, names=wanted), tuple(defects))


def _line_of_row(data: bytes, row: int) -> int:
    lines = (i for i, line in enumerate(data.split(b"\n")) if line.strip(BLANK))
    return next(i for count, i in enumerate(lines) if count == row)


def _fault(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON: {error.msg} at column {error.pos + 1}"
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8: {error.reason} at byte {error.start + 1}"
    return str(error)


def _kind_name(value: object) -> str:
    if isinstance(value, list):
        return "an array"
    if isinstance(value, str):
        return "a text"
    return "null" if value is None else "a single value"


def _keep(pairs: list[tuple[str, Any]]) -> Row:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    ambiguous = _Ambiguous(found)
    counts = Counter(key for key, _ in pairs)
    ambiguous.repeated = frozenset(key for key, count in counts.items() if count > 1)
    return ambiguous


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"is not JSON: {name} is no JSON number")


def _big_integer(digits: str) -> int:
    # Where such a number stands in a column of tokens it is out of range anyhow.
    if len(digits) <= _LONGEST_NUMBER:
        return int(digits)
    return -(2**64) if digits.startswith("-") else 2**64


_STRICT = json.JSONDecoder(object_pairs_hook=_keep, parse_constant=_refuse_constant)
_BIG = json.JSONDecoder(
    object_pairs_hook=_keep, parse_constant=_refuse_constant, parse_int=_big_integer
)
