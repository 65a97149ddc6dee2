"""The words that readers share: header, unit, chunk, and the one error; knows no container.

Must not import a reader module.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from lzma import LZMAError

import pyarrow as pa

from pytest_pretok.stores import StoreError

FORMATS = ("parquet", "arrow-file", "arrow-stream", "jsonl", "json")
TYPED = ("parquet", "arrow-file", "arrow-stream", "table")  # their rows come with a schema
LIBRARY_ERRORS = (pa.ArrowException, OSError, EOFError, zlib.error, LZMAError, UnicodeError)
LARGEST_READ = 128 * 2**20  # bytes of an Arrow record batch that is read into memory
_LONGEST_REASON = 300
# Bytes of text that one row may have: three million tokens with their labels and mask. A few
# kilobytes of compressed text can be one line that no memory holds.
LONGEST_ROW = 2**26
LONGEST_LIST = 2**24  # numbers in a cell; no trainer's context is as long
TOO_LONG = (
    f"is longer than the {LONGEST_ROW:,} bytes that a row of text may have; "
    "write longer rows as Parquet or Arrow"
)
# Characters of a file that messages show where it is no data. Few: a link among the data may lead
# to what its reader may see, and those who read a public log may not.
QUOTED = 8


class UnreadableFile(Exception):
    """A shard that cannot be opened, or not decoded to its end.

    ``reason`` is one line of at most 300 characters, without control characters. ``foreign`` is
    true where the file may be whole but is no dataset by its kind (a zip archive, one JSON
    object): a search through a folder can pass over such a file, an explicit name cannot. ``here``
    is true where another machine may be able to read it (no credentials, no way to the store).
    """

    reason: str
    foreign: bool
    here: bool

    def __init__(self, reason: str, foreign: bool = False, here: bool = False) -> None:
        """Keep the reason as one printable line."""
        self.reason = one_line(reason)
        self.foreign = foreign
        self.here = here
        super().__init__(self.reason)


@dataclass(frozen=True, slots=True)
class Header:
    """What a shard says of itself before any value is read.

    ``columns`` maps top-level names, in file order, to Arrow types, or to None where the format
    has none (JSON); ``rows`` comes from a footer and is not to be trusted for verdicts;
    ``repeated`` names the columns that occur more than once (the first one is used). ``seen`` are
    the types of scalars and text in the first rows, by column, where the format has no types.
    ``parts`` are the row groups or record batches that a footer tells: rows (None where it does
    not count them) and bytes of each.
    """

    format: str
    columns: Mapping[str, pa.DataType | None]
    rows: int | None
    repeated: tuple[str, ...] = ()
    seen: Mapping[str, pa.DataType] = field(default_factory=dict)
    parts: tuple[tuple[int | None, int], ...] = ()

    @property
    def types(self) -> dict[str, pa.DataType]:
        """The types of the columns, as far as they are known."""
        told = {name: dtype for name, dtype in self.columns.items() if dtype is not None}
        return {**self.seen, **told}


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of one shard that is read on its own; builtins only, so that it can cross processes.

    ``part`` is a half-open range of row groups (parquet), record batches (arrow-file) or bytes
    (plain JSON Lines), and empty where the shard is one unit; ``size`` is in bytes. A unit that is
    ``mapped`` is looked at where it lies: a file that is cut off meanwhile ends the process.
    """

    path: str
    format: str
    part: tuple[int, ...]
    rows: int | None
    size: int
    mapped: bool = False


@dataclass(frozen=True, slots=True)
class CellDefect:
    """A JSON cell that is no list of integers; ``row`` counts within the chunk.

    ``kind`` is one of text, scalar, float, nested, object, boolean, out-of-range; ``text`` shows
    the offending value in at most 80 characters. The cell is null, except where its values can be
    read all the same: integral floats and lists of booleans are delivered as integers.
    """

    row: int
    column: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive rows of a shard: the asked columns that it has, in the order asked.

    ``mixed`` names further columns whose values, in these rows, have no common type; they are null.
    """

    batch: pa.RecordBatch
    defects: tuple[CellDefect, ...] = ()
    mixed: tuple[str, ...] = ()


def one_line(text: str) -> str:
    """A text as one line of printable characters, at most 300 of them."""
    visible = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(visible.split())
    return line if len(line) <= _LONGEST_REASON else line[: _LONGEST_REASON - 3] + "..."


@contextmanager
def unreadable(what: str) -> Iterator[None]:
    """Turn what a library raises over a broken file into `UnreadableFile`, with its message.

    What a store says is told as it is: it is about the way to the data, not about the data. A lack
    of memory says nothing about the file, and stays a MemoryError.
    """
    try:
        yield
    except MemoryError:
        raise
    except StoreError as error:
        raise UnreadableFile(error.reason, here=error.here) from error
    except LIBRARY_ERRORS as error:
        raise UnreadableFile(f"{what}: {_message(error)}") from error


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # A missing key is shown as its repr by KeyError, of which Arrow's error is a subclass.
    text = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    return text or type(error).__name__
