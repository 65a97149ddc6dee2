"""How text that comes in pieces becomes blocks of lines, wherever the pieces end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_pretok.readers.base import UnreadableFile
from pytest_pretok.readers.json_array import array_blocks
from pytest_pretok.readers.jsonl import Block, block_chunks, line_blocks

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(st.text(), VALUES, max_size=3), max_size=6)
SIZES = st.integers(1, 40)


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    """A text in pieces of one size."""
    return (data[start : start + size] for start in range(0, len(data), size))


def values(blocks: Iterator[Block]) -> list[Any]:
    """What the lines of blocks hold, blank ones left out."""
    return [
        json.loads(line)
        for block in blocks
        for line in block.data.decode().split("\n")
        if line.strip()
    ]


@given(OBJECTS, SIZES, SIZES, st.sampled_from([None, 0, 1]), st.booleans())
def test_array_elements_become_lines(
    rows: list[Any], piece: int, size: int, indent: int | None, ascii_only: bool
) -> None:
    """Every element is one line, equal to what json reads, wherever pieces and blocks end."""
    text = json.dumps(rows, indent=indent, ensure_ascii=ascii_only)
    data = text.encode("utf-8", "surrogatepass" if ascii_only else "replace")

    assert values(array_blocks(in_pieces(data, piece), size)) == json.loads(data)


@given(OBJECTS, SIZES, SIZES, st.sampled_from(["\n", "\r\n", "\n\n"]), st.booleans())
def test_lines_stay_whole(
    rows: list[Any], piece: int, size: int, newline: str, final: bool
) -> None:
    """Every line is in one block, wherever pieces end; only a last one can be cut."""
    text = newline.join(map(json.dumps, rows)) + (newline if final else "")

    blocks = list(line_blocks(in_pieces(text.encode(), piece), size))

    assert b"".join(block.data for block in blocks) == text.encode()
    assert values(iter(blocks)) == rows
    assert not any(block.cut for block in blocks[:-1])


MARKS = list(b'[]{}",:\\ \n1a')


@given(OBJECTS, SIZES, st.lists(st.tuples(st.integers(0, 300), st.sampled_from(MARKS)), max_size=3))
def test_a_broken_array_is_never_read_as_another(
    rows: list[Any], piece: int, changes: list[tuple[int, int]]
) -> None:
    """Whatever bytes are changed, the rows are those that json reads, or the file is refused."""
    data = bytearray(json.dumps([{**row, "a": [1, 2]} for row in rows], indent=1).encode())
    for place, mark in changes:
        data[place % len(data)] = mark
    found: list[Any] = []
    try:
        for block in array_blocks(in_pieces(bytes(data), piece), 1):
            for chunk in block_chunks(block, ["a"], 100):
                found += chunk.batch.column(0).to_pylist()
    except UnreadableFile:
        return

    exact = json.loads(data)
    assert len(found) == len(exact)
    for tokens, row in zip(found, exact, strict=True):
        assert tokens == row.get("a") or tokens is None or row["a"] != [1, 2]


@pytest.mark.parametrize("piece", [1, 7, 1000])
@pytest.mark.parametrize("size", [1, 1000])
def test_faults_are_placed_in_the_file(piece: int, size: int) -> None:
    """Line and row are those of the file, whatever block the fault is in."""
    rows = [json.dumps({"a": [n]}, indent=1) for n in range(5)]
    data = ("\n\n[\n" + ",\n".join([*rows, '{"a": [}']) + "\n]").encode()
    line = data[: data.index(b"[}")].count(b"\n") + 1

    blocks = array_blocks(in_pieces(data, piece), size)
    chunks = (chunk for block in blocks for chunk in block_chunks(block, ["a"], 100))

    with pytest.raises(UnreadableFile, match=rf"line {line} \(row 5, 0-based\) is not JSON"):
        list(chunks)
