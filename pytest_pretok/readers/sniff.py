"""What a file is: container by magic bytes, JSON kind by content, the name only as a last resort.

Reads the beginning of a file; must not know Arrow types or columns.
"""

from __future__ import annotations

import os
import stat
from itertools import chain

from pytest_pretok.readers.base import UnreadableFile, unreadable
from pytest_pretok.readers.json_kind import json_kind
from pytest_pretok.readers.text import compression_of, head_of, pieces
from pytest_pretok.stores import Location, RemotePath, size_of

_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
_PACKED = ("", ".gz", ".bz2", ".zst", ".xz", ".lz4")
DATA_SUFFIXES: tuple[str, ...] = (
    ".parquet",
    ".pq",
    ".arrow",
    ".feather",
    ".ipc",
    *(json + packed for packed in _PACKED for json in _JSON_SUFFIXES),
)

_OF_MANY_USES = tuple(f".json{packed}" for packed in _PACKED)
_LFS = b"version https://git-lfs.github.com/spec/v1"
_TAR_MARK = slice(257, 262)
_FOREIGN = {
    b"PARE": "a Parquet file with an encrypted footer",
    b"FEA1": "a Feather version 1 file; write it again as Feather version 2 or Parquet",
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"PK\x05\x06": "an empty zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it first",
    b"Rar!": "a rar archive; unpack it first",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy file",
    b"SQLite format 3\0": "an SQLite database",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
    b"\x80\x02": "a pickle, which is never opened: unpickling runs code",
    b"\x80\x03": "a pickle, which is never opened: unpickling runs code",
    b"\x80\x04": "a pickle, which is never opened: unpickling runs code",
    b"\x80\x05": "a pickle, which is never opened: unpickling runs code",
}
_WIDE_TEXT = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xfe\xff": "UTF-16",
    b"\xff\xfe": "UTF-16",
}
_HEAD = 512  # bytes; a tar header ends within


def data_suffix(name: str) -> str | None:
    """The known suffix that a file name ends in, lower case, the longest one; None without."""
    low = name.lower()
    fitting = [suffix for suffix in DATA_SUFFIXES if low.endswith(suffix) and low != suffix]
    return max(fitting, key=len, default=None)


def sniff_format(path: Location) -> str:
    """The format of a file: parquet, arrow-file, arrow-stream, jsonl or json.

    Raises:
        UnreadableFile: no regular file, no permission, 0 bytes, a git-LFS pointer, another kind.
    """
    check_regular(path)
    try:
        return _format_of(path)
    except UnreadableFile as error:
        if error.foreign and _is_meant(path):
            raise UnreadableFile(error.reason) from error
        raise


def _is_meant(path: Location) -> bool:
    """Whether a file bears a dataset's suffix: what is none is damaged or mistaken."""
    suffix = data_suffix(path.name)
    return suffix is not None and suffix not in _OF_MANY_USES


def _format_of(path: Location) -> str:
    head = head_of(path, _HEAD)
    _refuse_known_others(head)
    if binary := _binary_format(head, path):
        return binary
    kind = compression_of(head, path.name)
    if kind is None:
        return json_kind(pieces(path))
    content = pieces(path)
    first = next(content, b"")
    if not first:
        raise UnreadableFile(f"0 bytes once decompressed ({kind})")
    _refuse_packed(first, kind)
    return json_kind(chain([first], content))


def check_regular(path: Location) -> None:
    """Return if a path leads to a file that can be read to its end.

    Raises:
        UnreadableFile: it is missing, a folder, a pipe or a device, or holds 0 bytes.
    """
    if isinstance(path, RemotePath):
        with unreadable("not readable"):
            empty = not size_of(path)
        if empty:
            raise UnreadableFile("0 bytes")
        return
    with unreadable("not readable"):
        status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        with unreadable("not readable"):
            os.scandir(path).close()
        raise UnreadableFile("a folder, not a file", foreign=True)
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFile("not a regular file", foreign=not _is_meant(path))
    if not status.st_size:
        raise UnreadableFile("0 bytes")


def _refuse_known_others(head: bytes) -> None:
    if head.startswith(_LFS):
        raise UnreadableFile("a git-LFS pointer, not the data; run: git lfs pull")
    for magic, kind in _FOREIGN.items():
        if head.startswith(magic):
            raise UnreadableFile(kind, foreign=True)
    for mark, encoding in _WIDE_TEXT.items():
        if head.startswith(mark):
            raise UnreadableFile(f"{encoding} text; JSON must be UTF-8")
    if head[_TAR_MARK] == b"ustar":
        raise UnreadableFile("a tar archive; unpack it first", foreign=True)


def _binary_format(head: bytes, path: Location) -> str | None:
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"ARROW1"):
        return "arrow-file"
    if head.startswith(b"\xff\xff\xff\xff"):
        return "arrow-stream"
    if data_suffix(path.name) == ".arrow" and b"\0" in head[:4]:
        # Streams older than Arrow 0.15 begin with a bare length; Arrow says if it is one.
        return "arrow-stream"
    return None


def _refuse_packed(head: bytes, kind: str) -> None:
    if head[_TAR_MARK] == b"ustar":
        raise UnreadableFile(f"a tar archive, {kind} compressed; unpack it first", foreign=True)
    if head.startswith((b"PAR1", b"ARROW1", b"\xff\xff\xff\xff")):
        raise UnreadableFile(f"a data file, {kind} compressed as a whole; decompress it first")
    _refuse_known_others(head)
