"""What a dataset holds, read plainly: pyarrow's and json's own decoding, whole, then plain rows.

Shares no code with our readers; imports nothing of the project.
"""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from tests.support.rows import COLUMNS, KNOWN, Known
from tests.support.slow_reader import ORDER, violations

KNOWN_RULES = frozenset(ORDER) | {"duplicate-rows", "conflicting-labels"}
LONGEST = 4000  # digits that Python converts in any case

Truth = dict[str, list[int]]


class Unsound(Exception):
    """The file cannot be read to its end, or means nothing."""


class _NoneAsked(Exception):
    """A file has none of the columns of tokens, so that there is nothing to read."""


def truth(path: Path, container: str) -> Truth:
    """The violating rows by rule; ``{"": []}`` with other keys where only a failure is due.

    A rule without rows (``missing-column: []``) says that it must be violated, not where.

    Raises:
        Unsound: no verdict can be given.
    """
    try:
        if container.startswith("json"):
            return _of_rows(_json_rows(path, container), KNOWN["all"], typed=False)
        if container == "save-to-disk":
            return _of_shards(_saved(path))
        return _of_tables([_table(path, container)])
    except _NoneAsked:
        return {"missing-column": []}
    except (pa.ArrowException, ValueError, OSError, EOFError, RecursionError) as error:
        raise Unsound(f"{type(error).__name__}: {error}"[:300]) from error
    except (OverflowError, KeyError, TypeError, zlib.error, zstandard.ZstdError) as error:
        raise Unsound(f"{type(error).__name__}: {error}"[:300]) from error


def _table(path: Path, container: str) -> pa.Table:
    """The columns of tokens; what stands in others is not asked for."""
    if container == "parquet":
        file = pq.ParquetFile(path, page_checksum_verification=True)
        names = _once(file.schema_arrow)
        table = file.read(columns=[name for name in COLUMNS if name in names], use_threads=False)
        table = table.select([name for name in table.column_names if name in COLUMNS])
    elif container == "arrow-stream":
        table = _stream(path)
    else:
        source = pa.py_buffer(path.read_bytes())
        options = _asked(pa.ipc.open_file(source).schema)
        table = pa.ipc.open_file(source, options=options).read_all()
    _validate(table)
    return table


def _saved(path: Path) -> list[pa.Table]:
    told = json.loads((path / "state.json").read_bytes())["_data_files"]
    tables = [_stream(path / entry["filename"]) for entry in told]
    for table in tables:
        _validate(table)
    return tables


def _validate(table: pa.Table) -> None:
    """What a column of another type holds does not matter: it fails by its type."""
    for name in table.column_names:
        if name not in COLUMNS or _tokens(table, name):
            table.column(name).validate(full=True)


def _of_shards(tables: list[pa.Table]) -> Truth:
    if not tables:
        raise Unsound("no files")
    names = [set(_once(table.schema)) for table in tables]
    if any(not one >= set(COLUMNS) for one in names):
        return {"missing-column": []}
    if any(one != names[0] for one in names):
        return {"shard-schema-mismatch": []}
    return _of_tables(tables)


def _once(schema: pa.Schema) -> list[str]:
    names: list[str] = schema.names
    if len(set(names)) < len(names):
        raise Unsound("a column twice")
    return names


def _asked(schema: pa.Schema) -> pa.ipc.IpcReadOptions:
    names = _once(schema)
    places = [place for place, name in enumerate(names) if name in COLUMNS]
    if not places:
        raise _NoneAsked
    return pa.ipc.IpcReadOptions(included_fields=places, use_threads=False)


def _stream(path: Path) -> pa.Table:
    content = path.read_bytes()
    options = _asked(pa.ipc.open_stream(content).schema)
    source = pa.BufferReader(content)
    table = pa.ipc.open_stream(source, options=options).read_all()
    if source.read().strip(b"\0"):
        raise Unsound("data follows the end of the stream")
    if not _ended(content):
        raise Unsound("no end marker")
    return table


def _ended(stream: bytes) -> bool:
    """Whether a stream's frames, followed by their lengths, lead to an end marker.

    A frame is a length, behind a mark in all but old streams, a message, and its body, whose
    length is the fourth field of the message's FlatBuffers table.
    """
    at = 0
    while at < len(stream):
        size = _unsigned(stream, at, 4)
        at += 4
        if size == 0xFFFFFFFF:
            size = _unsigned(stream, at, 4)
            at += 4
        if not size:
            return True
        table = at + _unsigned(stream, at, 4)
        fields = table - int.from_bytes(stream[table : table + 4], "little", signed=True)
        place = _unsigned(stream, fields + 10, 2) if _unsigned(stream, fields, 2) > 10 else 0
        at += size + (_unsigned(stream, table + place, 8) if place else 0)
    return False


def _unsigned(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _of_tables(tables: list[pa.Table]) -> Truth:
    """The verdict on tables of one split; what makes rows hard to read is due, and enough."""
    held = [(table, name) for table in tables for name in table.column_names if name in COLUMNS]
    must = {
        "missing-column": len(held) < len(COLUMNS) * len(tables),
        "column-type": not all(_tokens(table, name) for table, name in held),
        "no-rows": not any(table.num_rows for table in tables),
    }
    if any(must.values()):
        return {rule: [] for rule, due in must.items() if due}
    labels = tables[0].schema.field("labels").type.value_type
    bits = labels.bit_width if pa.types.is_unsigned_integer(labels) else None
    rows = [row for table in tables for row in table.select(list(COLUMNS)).to_pylist()]
    return _of_rows(rows, Known(bits=bits), typed=True)


def _tokens(table: pa.Table, name: str) -> bool:
    dtype = table.schema.field(name).type
    listed = (pa.ListType, pa.LargeListType, pa.FixedSizeListType, pa.ListViewType)
    inside = isinstance(dtype, (*listed, pa.LargeListViewType))
    if not inside:
        return False
    masks = name == "attention_mask" and pa.types.is_boolean(dtype.value_type)
    return bool(masks or pa.types.is_integer(dtype.value_type))


def _of_rows(rows: list[dict[str, Any]], known: Known, typed: bool) -> Truth:
    if not rows:
        return {"no-rows": []}
    if not typed and any(all(name not in row for row in rows) for name in COLUMNS):
        return {"missing-column": []}
    return {rule: sorted(faults) for rule, faults in violations(rows, known).items()}


def _json_rows(path: Path, container: str) -> list[dict[str, Any]]:
    data = path.read_bytes()
    if container == "jsonl-gz":
        data = gzip.decompress(data)
    elif container == "jsonl-zst":
        data = _unzstd(data)
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    read = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse, parse_int=_integer)
    blank = " \t\r\n"
    if text.lstrip(blank).startswith("["):  # the content decides, not the name
        rows = read.decode(text.strip(blank))
    else:
        rows = [read.decode(line) for line in text.split("\n") if line.strip(blank)]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unsound("no rows")
    if any(_TWICE in row for row in rows):
        raise Unsound("a key twice")
    return rows


_TWICE = "\0 twice"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    keys = [key for key, _ in pairs]
    if any(keys.count(name) > 1 for name in COLUMNS):
        found[_TWICE] = True
    return found


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


def _integer(digits: str) -> int:
    return int(digits) if len(digits) <= LONGEST else -(2**70) if digits[0] == "-" else 2**70


def _unzstd(data: bytes) -> bytes:
    found = []
    while data:
        frame = zstandard.ZstdDecompressor().decompressobj()
        found.append(frame.decompress(data))
        if not frame.eof:
            raise Unsound("a frame is cut off")
        data = frame.unused_data
    return b"".join(found)
