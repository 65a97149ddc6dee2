"""Readers: one file to its header, its scan units, and batches of rows.

Must not know contracts, rules or pytest, nor where a file lies: `stores` opens it. The reader of a
container is imported with the first file of its kind: each costs a part of the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from pytest_pretok.readers.apart import apart
from pytest_pretok.readers.base import (
    FORMATS,
    LARGEST_READ,
    TYPED,
    CellDefect,
    Chunk,
    Header,
    Unit,
    UnreadableFile,
)
from pytest_pretok.readers.sniff import DATA_SUFFIXES, check_regular, data_suffix, sniff_format
from pytest_pretok.stores import Location

__all__ = [
    "DATA_SUFFIXES",
    "FORMATS",
    "TYPED",
    "UNIT",
    "CellDefect",
    "Chunk",
    "Header",
    "Unit",
    "UnreadableFile",
    "data_suffix",
    "read_chunks",
    "read_header",
    "sniff_format",
    "split_units",
]

R = TypeVar("R")

_TOKENS = 262_144  # a batch of so many stays in the processor's cache
_TOKENS_ARROW = 4 * _TOKENS  # nothing is decoded: fewer steps outweigh the cache
UNIT = 16 * 2**20  # bytes, so that a file of a few hundred MB keeps all processors busy


def _looked_at(function: Callable[..., R], *arguments: object) -> R:
    """What a function finds out about a file, wherever headers are looked at."""
    try:
        return apart(function, *arguments)
    except MemoryError:
        raise UnreadableFile("memory ran out over its header") from None


def read_header(path: Location, format: str | None = None) -> Header:
    """What a file says of itself; its content decides on the format unless one is given.

    Raises:
        UnreadableFile: the file cannot be opened, or is of another kind.
        ValueError: there is no such format.
    """
    if format is not None and format not in FORMATS:
        raise ValueError(f"unknown format {format!r}, not one of {', '.join(FORMATS)}")
    return _looked_at(_read_header, path, format)


def _read_header(path: Location, format: str | None) -> Header:
    if format is None:
        format = sniff_format(path)
    else:
        check_regular(path)
    if format == "parquet":
        from pytest_pretok.readers import parquet

        return parquet.header(path)
    if format in ("arrow-file", "arrow-stream"):
        from pytest_pretok.readers import arrow

        return arrow.header(path, format)
    from pytest_pretok.readers import json_header

    return json_header.header(path, format)


def split_units(path: Location, header: Header, target: int = UNIT) -> list[Unit]:
    """The parts of a file that are read on their own, in the order of its rows.

    Each is of about ``target`` bytes where the container allows it: neighbouring row groups or
    record batches together.

    Raises:
        UnreadableFile: the file cannot be read.
    """
    return _looked_at(_split_units, path, header, target)


def _split_units(path: Location, header: Header, target: int) -> list[Unit]:
    if header.format == "json":
        from pytest_pretok.readers import json_array

        return json_array.units(path)
    if header.format == "jsonl":
        from pytest_pretok.readers import jsonl

        return jsonl.units(path, target)
    if header.format == "arrow-stream":
        from pytest_pretok.readers import arrow

        return arrow.stream_units(path, target)
    found: list[Unit] = []
    for first, stop in _neighbours([size for _, size in header.parts], target):
        told = [rows for rows, _ in header.parts[first:stop]]
        rows = None if None in told else sum(count or 0 for count in told)
        size = sum(size for _, size in header.parts[first:stop])
        mapped = header.format == "arrow-file" and size // (stop - first) > LARGEST_READ
        found.append(Unit(str(path), header.format, (first, stop), rows, size, mapped))
    return found


def _neighbours(sizes: Sequence[int], target: int) -> Iterator[tuple[int, int]]:
    """Half-open ranges of neighbours, equally large as far as possible: about ``target``, or a
    single one that is larger.
    """
    total = sum(sizes)
    fair = total / max(1, -(-total // target))
    first = held = 0
    for at, size in enumerate(sizes):
        if at > first and held + size / 2 > fair:
            yield first, at
            first, held = at, 0
        held += size
    if sizes:
        yield first, len(sizes)


def read_chunks(
    unit: Unit,
    columns: Sequence[str],
    tokens: int | None = None,
    further: Sequence[str] = (),
) -> Iterator[Chunk]:
    """The rows of a unit in batches of about ``tokens`` tokens in the first asked list column.

    About a quarter of a million unless asked otherwise, or a million in Arrow files.

    A batch holds those of the asked columns that the file has, with the file's own types, and
    counts its rows even where it has none of them. JSON columns are ``list<int64>``; one that no
    row has is all null. ``further`` are columns that need not hold tokens: those of JSON have the
    type that their values show.

    Raises:
        UnreadableFile: the data cannot be decoded; it may come after sound batches.
    """
    is_arrow = unit.format in ("arrow-file", "arrow-stream")
    tokens = tokens or (_TOKENS_ARROW if is_arrow else _TOKENS)
    if unit.format == "parquet":
        from pytest_pretok.readers import parquet

        return parquet.chunks(unit, (*columns, *further), tokens)
    if is_arrow:
        from pytest_pretok.readers import arrow

        return arrow.chunks(unit, (*columns, *further), tokens)
    if unit.format == "table":
        from pytest_pretok.readers import memory

        return memory.chunks(unit, columns, further)
    if unit.format == "json":
        from pytest_pretok.readers import json_array

        return json_array.chunks(unit, columns, tokens, further)
    from pytest_pretok.readers import jsonl

    return jsonl.chunks(unit, columns, tokens, further)
