"""Column names of JSON shards: keys of the first rows, and a search for the token columns.

Values are not judged here; a line that is no row is left to the reader of values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import pyarrow as pa

from pytest_pretok.readers.base import Header
from pytest_pretok.readers.json_array import array_blocks
from pytest_pretok.readers.json_fast import without_lists
from pytest_pretok.readers.json_kind import BLANK, TOKEN_COLUMNS
from pytest_pretok.readers.json_rows import parse_line
from pytest_pretok.readers.jsonl import Block, line_blocks
from pytest_pretok.readers.text import PIECE, pieces
from pytest_pretok.stores import Location

_FIRST_ROWS = 200
_LONG_LINE = 2**10  # bytes
_SCALARS = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def header(path: Location, format: str) -> Header:
    """The keys of the first 200 rows or so, and those token columns that only come later.

    Raises:
        UnreadableFile: the file cannot be decompressed, or is no array of objects.
    """
    source = pieces(path)
    blocks = array_blocks(source, PIECE) if format == "json" else line_blocks(source, PIECE)
    first = next(blocks, None)
    names: dict[str, None] = {}
    seen: dict[str, pa.DataType] = {}
    if first is not None:
        for line in _lines(first, _FIRST_ROWS):
            row = _row(line)
            names.update(dict.fromkeys(row))
            seen.update(
                {
                    _printable(name): _SCALARS[type(row[name])]
                    for name in row
                    if type(row[name]) in _SCALARS
                }
            )
        _search(chain([first], blocks), names)
    return Header(format, dict.fromkeys(map(_printable, names)), None, seen=seen)


def _search(blocks: Iterable[Block], names: dict[str, None]) -> None:
    missing = [name for name in TOKEN_COLUMNS if name not in names]
    if "input_ids" in names and "tokens" in missing:
        missing.remove("tokens")  # Only another name for the same; saves a pass over most files.
    for block in blocks:
        if not missing:
            return
        for name in [name for name in missing if b'"%s"' % name.encode() in block.data]:
            quoted = b'"%s"' % name.encode()
            lines = (line for line in _lines(block, None) if quoted in line)
            if any(name in _row(line) for line in lines):
                names[name] = None
                missing.remove(name)


def _lines(block: Block, most: int | None) -> Iterator[bytes]:
    count = 0
    for line in block.data.split(b"\n"):
        if line.strip(BLANK):
            yield line
            count += 1
            if count == most:
                return


def _row(line: bytes) -> Mapping[str, Any]:
    # A long row is long for its tokens, which only cost time and memory here.
    short = line if len(line) < _LONG_LINE else without_lists(line)
    try:
        return parse_line(short, frozenset())
    except ValueError:
        return {}


def _printable(name: str) -> str:
    # A lone surrogate cannot be written to any file or terminal.
    return name.encode("utf-8", "backslashreplace").decode()
