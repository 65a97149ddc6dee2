"""JSON Lines shards, plain or compressed: byte ranges to units, lines to chunks.

Also holds how a block of lines becomes chunks, for `json_array` too. Knows no token's meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from pytest_pretok.readers.base import (
    LONGEST_ROW,
    TOO_LONG,
    CellDefect,
    Chunk,
    Unit,
    UnreadableFile,
    unreadable,
)
from pytest_pretok.readers.batches import deliver
from pytest_pretok.readers.json_fast import read_rows_fast
from pytest_pretok.readers.json_kind import BLANK
from pytest_pretok.readers.json_rows import LineFault, read_rows
from pytest_pretok.readers.text import (
    UTF8_BOM,
    compression_of,
    head_of,
    pieces,
    stored_pieces,
    without_bom,
)
from pytest_pretok.stores import Location, located, open_bytes, size_of

BYTES_A_TOKEN = 12  # as text, in three columns together
_MOST_BYTES = 8 * 2**20  # of a unit: text takes longer a byte than what is stored as numbers
_LINES_SOUGHT = 64 * 2**20  # bytes: nobody opens a larger file at one of its lines


@dataclass(frozen=True, slots=True)
class Block:
    """Complete lines, an object each.

    ``place`` says, for the index of a line and of its row, where it stands in the file; ``cut``
    is true where the last line has no end of line in the file.
    """

    data: bytes
    place: Callable[[int, int], str]
    cut: bool = False


def units(path: Location, target: int) -> list[Unit]:
    """Ranges of whole lines of about equal size; a compressed file is one unit.

    They have about ``target`` bytes, or 8 MiB if that is less.

    Raises:
        UnreadableFile: the file cannot be read.
    """
    with unreadable("not readable"):
        size = size_of(path)
    if compression_of(head_of(path, 8), path.name):
        return [Unit(str(path), "jsonl", (), None, size)]
    step = max(1, min(target, _MOST_BYTES))
    step = -(-size // max(1, -(-size // step)))  # no small rest that one worker waits for
    found: list[Unit] = []
    start = 0
    while start < size:
        stop = _line_end(path, start + step, size)
        found.append(Unit(str(path), "jsonl", (start, stop), None, stop - start))
        start = stop
    return found


def chunks(
    unit: Unit, columns: Sequence[str], tokens: int, further: Sequence[str] = ()
) -> Iterator[Chunk]:
    """The rows of a unit's lines, in order; a column that no row has is all null.

    Raises:
        UnreadableFile: a line is no row (the line is named), or compressed data is broken.
    """
    path = located(unit.path)
    if unit.part:
        start, stop = unit.part
        source = stored_pieces(path, start, stop)
        if not start:
            source = without_bom(source)
    else:
        start, source = 0, pieces(path)
    before = partial(_lines_before, path, start)
    for block in line_blocks(source, tokens * BYTES_A_TOKEN, before):
        yield from block_chunks(block, columns, tokens, further)


def line_blocks(
    source: Iterator[bytes], size: int, before: Callable[[], int] = lambda: 0
) -> Iterator[Block]:
    """Blocks of about ``size`` bytes, or of one line where that is longer.

    ``before`` counts the lines ahead of the first piece; it is called when a line is at fault.

    Raises:
        UnreadableFile: a line is longer than any row may be.
    """
    held: list[bytes] = []
    length = lines = 0
    for piece in source:
        held.append(piece)
        length += len(piece)
        end = piece.rfind(b"\n") + 1
        if not end and length > size + LONGEST_ROW:
            place = _line_place(before, lines + sum(one.count(b"\n") for one in held), 0, 0)
            raise UnreadableFile(f"{place} {TOO_LONG}")
        if length < size or not end:
            continue
        held[-1] = piece[:end]
        data = b"".join(held)
        yield Block(data, partial(_line_place, before, lines))
        lines += data.count(b"\n")
        held = [piece[end:]]
        length = len(held[0])
    if rest := b"".join(held):
        yield Block(rest, partial(_line_place, before, lines), cut=not rest.endswith(b"\n"))


def _line_place(before: Callable[[], int], first: int, line: int, row: int) -> str:
    return f"line {before() + first + line + 1}"


def block_chunks(
    block: Block, columns: Sequence[str], tokens: int, further: Sequence[str] = ()
) -> Iterator[Chunk]:
    """The rows of a block in chunks of about ``tokens`` tokens.

    Raises:
        UnreadableFile: a line is no row; its place is named.
    """
    read = read_rows_fast(block.data, columns, further)
    if read is None:
        try:
            read = read_rows(block.data, columns, further)
        except LineFault as fault:
            raise UnreadableFile(_text_of(fault, block)) from fault
    first = 0
    for batch in deliver(read.batch, read.batch.schema.names, tokens):
        stop = first + batch.num_rows
        inside = (d for d in read.defects if first <= d.row < stop)
        moved = tuple(CellDefect(d.row - first, d.column, d.kind, d.text) for d in inside)
        yield Chunk(batch, moved, read.mixed)
        first = stop


def _text_of(fault: LineFault, block: Block) -> str:
    where = block.place(fault.line, fault.row)
    last = block.data.count(b"\n")
    if block.cut and fault.line == last and "is not JSON" in fault.fault:
        return f"{where} is cut off, the file ends within it ({fault.fault})"
    return f"{where} {fault.fault}"


def _line_end(path: Location, place: int, size: int) -> int:
    if place >= size:
        return size
    at = place - 1  # A line that ends right before the place ends there.
    for piece in stored_pieces(path, at, None):
        if at - place > LONGEST_ROW:
            break  # The reader will refuse the line: it need not be followed through a terabyte.
        newline = piece.find(b"\n")
        if newline >= 0:
            return at + newline + 1
        at += len(piece)
    return size


def lines_of_rows(path: Location, rows: Collection[int]) -> dict[int, int]:
    """The line (from 1) of each of the rows (from 0) of a file that is not compressed.

    Blank lines are no rows. Left out are rows beyond the first 64 MiB, and all of them where the
    file cannot be read any more.
    """
    found: dict[int, int] = {}
    wanted = frozenset(rows)
    row, left = 0, _LINES_SOUGHT
    try:
        with open_bytes(path) as file:
            for number, line in enumerate(file, start=1):
                bare = line.removeprefix(UTF8_BOM) if number == 1 else line
                if bare.strip(BLANK):
                    if row in wanted:
                        found[row] = number
                    row += 1
                left -= len(line)
                if left < 0 or len(found) == len(wanted):
                    break
    except OSError:
        return {}
    return found


def _lines_before(path: Location, start: int) -> int:
    return sum(piece.count(b"\n") for piece in stored_pieces(path, 0, start))
