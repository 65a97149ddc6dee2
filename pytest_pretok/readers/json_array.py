"""JSON arrays of objects read as a stream: elements found by their brackets, handed on as lines.

Only finds where elements begin and end; whether each one is JSON is decided where lines are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from pytest_pretok.readers.base import (
    LONGEST_ROW,
    QUOTED,
    TOO_LONG,
    Chunk,
    Unit,
    UnreadableFile,
    unreadable,
)
from pytest_pretok.readers.json_kind import BLANK
from pytest_pretok.readers.jsonl import BYTES_A_TOKEN, Block, block_chunks
from pytest_pretok.readers.text import pieces
from pytest_pretok.stores import Location, located, size_of

Places = npt.NDArray[np.int64]

_MOST_BRACKETS = 2**23  # a window with whole elements is smaller; each takes fifty bytes
_ON_ONE_LINE = bytes.maketrans(b"\n\r", b"  ")
_OPENING = np.isin(np.arange(256), list(b"[{"))
_BRACKET = np.isin(np.arange(256), list(b"[]{}"))


def units(path: Location) -> list[Unit]:
    """The file as one unit: where an element begins is only known from the start.

    Raises:
        UnreadableFile: the file cannot be read.
    """
    with unreadable("not readable"):
        return [Unit(str(path), "json", (), None, size_of(path))]


def chunks(
    unit: Unit, columns: Sequence[str], tokens: int, further: Sequence[str] = ()
) -> Iterator[Chunk]:
    """The rows of the array, in order; a column that no row has is all null.

    Raises:
        UnreadableFile: the array is cut, or an element is no row (its line is named).
    """
    for block in array_blocks(pieces(located(unit.path)), tokens * BYTES_A_TOKEN):
        yield from block_chunks(block, columns, tokens, further)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a window holds: elements from ``starts`` to before ``stops``; where the array ends."""

    starts: list[int]
    stops: list[int]
    end: int | None


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a window stands in the file, to name lines and rows."""

    window: bytes
    lines: int
    rows: int

    def line(self, place: int) -> int:
        return self.lines + self.window.count(b"\n", 0, place) + 1


def array_blocks(source: Iterator[bytes], size: int) -> Iterator[Block]:
    """Blocks of whole elements, one a line, from windows of about ``size`` bytes.

    A window grows, doubling, while it holds no whole element.

    Raises:
        UnreadableFile: the array is cut, holds something else than objects, goes on behind, or has
            a row that is longer than any may be.
    """
    window, lines = _begin(source)
    rows = 0
    wanted = size
    more = True
    while True:
        window, more = _fill(window, source, wanted)
        found = _elements(window)
        origin = _Origin(window, lines, rows)
        _check_between(found, origin, first=not rows)
        if found.starts:
            yield _block(found, origin)
            rows += len(found.starts)
        if found.end is not None:
            _check_behind(origin, found.end, source)
            return
        if not more:
            raise UnreadableFile(f"the array is cut off: the file ends in row {rows}, 0-based")
        kept = found.stops[-1] if found.stops else 0
        if not kept and len(window) > size + LONGEST_ROW:
            place = _place(origin, [0], 0, 0)
            raise UnreadableFile(f"{place} {TOO_LONG}")
        lines += window.count(b"\n", 0, kept)
        window = window[kept:]
        wanted = size if kept else min(2 * len(window), size + LONGEST_ROW + 1)


def _begin(source: Iterator[bytes]) -> tuple[bytes, int]:
    window = b""
    lines = 0
    for piece in source:
        window += piece
        bare = window.lstrip(BLANK)
        lines += window.count(b"\n", 0, len(window) - len(bare))
        window = bare
        if window:
            break
    if not window.startswith(b"["):
        raise UnreadableFile("no JSON array")
    return window[1:], lines


def _fill(window: bytes, source: Iterator[bytes], wanted: int) -> tuple[bytes, bool]:
    held = [window]
    length = len(window)
    while length < wanted or len(held) == 1:
        piece = next(source, None)
        if piece is None:
            return b"".join(held), False
        held.append(piece)
        length += len(piece)
    return b"".join(held), True


def _elements(window: bytes) -> _Found:
    """The whole elements in a window that begins between two of them.

    Raises:
        UnreadableFile: there are more brackets than a row can have.
    """
    text = np.frombuffer(window, np.uint8)
    quotes = _closed_quotes(window, text)
    brackets = _BRACKET[text]
    if np.count_nonzero(brackets) > _MOST_BRACKETS:
        raise UnreadableFile(f"one element has more than {_MOST_BRACKETS:,} brackets: no row does")
    places = np.flatnonzero(brackets)
    outside = np.searchsorted(quotes, places) % 2 == 0
    places = places[outside]
    depth = np.cumsum(np.where(_OPENING[text[places]], 1, -1))
    ends = np.flatnonzero(depth < 0)
    end = int(places[ends[0]]) if len(ends) else None
    if len(ends):
        places, depth = places[: ends[0]], depth[: ends[0]]
    opening = _OPENING[text[places]]
    starts = places[(depth == 1) & opening]
    stops = places[(depth == 0) & ~opening] + 1
    return _Found(starts[: len(stops)].tolist(), stops.tolist(), end)


def _closed_quotes(window: bytes, text: npt.NDArray[np.uint8]) -> Places:
    """Where texts begin and end: quotes that no odd run of backslashes stands before."""
    quotes: Places = np.flatnonzero(text == ord('"'))
    if b"\\" not in window:
        return quotes
    slashes = np.flatnonzero(text == ord("\\"))
    order = np.arange(len(slashes))
    begins = np.diff(slashes, prepend=-2) != 1
    run = order - np.maximum.accumulate(np.where(begins, order, 0)) + 1
    last = np.searchsorted(slashes, quotes) - 1
    behind = (last >= 0) & (slashes[last] == quotes - 1)
    closed: Places = quotes[~(behind & (run[last] % 2 == 1))]
    return closed


def _check_between(found: _Found, origin: _Origin, first: bool) -> None:
    window = origin.window
    end = 0
    for number, start in enumerate(found.starts):
        expected = b"" if first and not number else b","
        if window[end:start].strip(BLANK) != expected or window[start] != ord("{"):
            raise _not_an_object(origin, end, start, number)
        end = found.stops[number]
    if found.end is not None:
        if window[end : found.end].strip(BLANK):
            raise _not_an_object(origin, end, found.end, len(found.starts))
        if window[found.end] != ord("]"):
            raise UnreadableFile(f"line {origin.line(found.end)}: the array is closed by a brace")


def _not_an_object(origin: _Origin, end: int, start: int, number: int) -> UnreadableFile:
    gap = origin.window[end:start]
    at = end + len(gap) - len(gap.lstrip(BLANK + b","))
    shown = origin.window[at : at + QUOTED].decode("utf-8", "replace")
    row = origin.rows + number
    where = f"line {origin.line(at)} (row {row}, 0-based)"
    reason = f"{where}: expected an object behind one comma, found {shown!r}"
    return UnreadableFile(reason, foreign=not row)


def _block(found: _Found, origin: _Origin) -> Block:
    lines = []
    for start, stop in zip(found.starts, found.stops, strict=True):
        lines.append(_one_line(origin.window[start:stop], origin, start))
    return Block(b"\n".join(lines), partial(_place, origin, found.starts))


def _one_line(element: bytes, origin: _Origin, start: int) -> bytes:
    if b"\n" not in element and b"\r" not in element:
        return element
    text = np.frombuffer(element, np.uint8)
    breaks = np.flatnonzero((text == ord("\n")) | (text == ord("\r")))
    inside = np.searchsorted(_closed_quotes(element, text), breaks) % 2 == 1
    if inside.any():
        line = origin.line(start + int(breaks[inside][0]))
        raise UnreadableFile(f"line {line} is not JSON: a text goes over the end of the line")
    return element.translate(_ON_ONE_LINE)


def _place(origin: _Origin, starts: Sequence[int], line: int, row: int) -> str:
    return f"the object at line {origin.line(starts[line])} (row {origin.rows + row}, 0-based)"


def _check_behind(origin: _Origin, end: int, source: Iterator[bytes]) -> None:
    rest = origin.window[end + 1 :].strip(BLANK)
    for piece in source:
        if rest:
            break
        rest = piece.strip(BLANK)
    if rest:
        shown = rest[:QUOTED].decode("utf-8", "replace")
        raise UnreadableFile(f"data follows the end of the array: {shown!r}")
