"""The bytes of a text file in pieces, decompressed on the way; knows no JSON.

The first bytes decide on the compression, not the name. What is cut or broken is an error, never
an early end.
"""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

from pytest_pretok.readers.base import UnreadableFile, unreadable
from pytest_pretok.stores import Location, open_bytes, open_head, open_stream

PIECE = 2**20  # bytes
UTF8_BOM = b"\xef\xbb\xbf"
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
}
_SKIPPABLE = tuple(bytes([0x50 + i]) + b"\x2a\x4d\x18" for i in range(16))
_XZ_MEMORY = 2**28  # bytes that a header may ask for; the highest level of xz takes a quarter
_LEGACY_LZ4 = b"\x02\x21\x4c\x18"


def compression_of(head: bytes, name: str = "") -> str | None:
    """The compression that the first bytes of a file show, None for none.

    Frames to skip look the same in zstd and lz4: there, and only there, the name decides.

    Raises:
        UnreadableFile: the legacy lz4 format, which nothing here can decode.
    """
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if head.startswith(_SKIPPABLE):
        return "lz4" if name.lower().endswith(".lz4") else "zstd"
    if head.startswith(_LEGACY_LZ4):
        raise UnreadableFile("the legacy lz4 format; compress again with the lz4 frame format")
    return None


def head_of(path: Location, size: int) -> bytes:
    """The first bytes of a file as they are stored.

    Raises:
        UnreadableFile: the file cannot be opened or read.
    """
    with unreadable("not readable"):
        return open_head(path, size)


def pieces(path: Location) -> Iterator[bytes]:
    """The decompressed bytes of a whole file in pieces of about a mebibyte, without a UTF-8 BOM.

    Raises:
        UnreadableFile: the file cannot be read, or its compressed data is cut or broken.
    """
    kind = compression_of(head_of(path, 8), path.name)
    source = stored_pieces(path, 0, None) if kind is None else _decompressed(path, kind)
    yield from without_bom(source)


def without_bom(source: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces of a file, less the UTF-8 byte order mark that may begin it."""
    head = b""
    for piece in source:
        head += piece
        if len(head) >= len(UTF8_BOM):
            break
    if rest := head.removeprefix(UTF8_BOM):
        yield rest
    yield from source


def stored_pieces(path: Location, start: int, stop: int | None) -> Iterator[bytes]:
    """The bytes of a file from ``start`` to before ``stop`` as they are stored.

    Raises:
        UnreadableFile: the file cannot be read, or ends before ``stop``.
    """
    with unreadable("not readable"), open_bytes(path, start, stop) as file:
        place = start
        while stop is None or place < stop:
            piece = file.read(PIECE if stop is None else min(PIECE, stop - place))
            if not piece:
                break
            place += len(piece)
            yield piece
    if stop is not None and place < stop:
        raise UnreadableFile("the file became shorter while it was read")


def _decompressed(path: Location, kind: str) -> Iterator[bytes]:
    with unreadable(f"broken {kind} data"):
        if kind == "gzip":
            with open_bytes(path) as raw, gzip.open(raw, "rb") as file:
                yield from iter(lambda: file.read(PIECE), b"")
        elif kind == "xz":
            with open_bytes(path) as raw:
                yield from _xz_pieces(raw)
        else:
            with open_stream(path) as raw, pa.CompressedInputStream(raw, kind) as file:
                # Not by its `read`, which keeps the room for a piece for ever where it fails.
                piece = memoryview(bytearray(PIECE))
                while size := file.readinto(piece):
                    yield bytes(piece[:size])


def _xz_pieces(file: BinaryIO) -> Iterator[bytes]:
    # lzma.open takes anything after a whole stream for the end, broken data as well.
    data = file.read(PIECE)
    while data:
        stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        while not stream.eof:
            if stream.needs_input:
                data = data or file.read(PIECE)
                if not data:
                    raise EOFError("the data ends before the end of the stream")
            if piece := stream.decompress(data, PIECE):
                yield piece
            data = b""
        data = _after_padding(file, stream.unused_data)


def _after_padding(file: BinaryIO, data: bytes) -> bytes:
    data = data.lstrip(b"\0")
    while not data:
        data = file.read(PIECE)
        if not data:
            return b""
        data = data.lstrip(b"\0")
    return data
