"""JSON Lines and JSON arrays, plain and compressed, against what was dumped with json."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pytest_pretok.readers import UnreadableFile, read_chunks, read_header, split_units

ROWS = [
    {"input_ids": list(range(n)), "labels": [-100] * n, "text": f'"{n}" [1, 2] {{}} \\ é'}
    for n in (3, 0, 1, 7, 2, 5)
]
COLUMNS = ["input_ids", "labels"]
EXPECTED = [{name: row[name] for name in COLUMNS} for row in ROWS]


def lines(rows: list[Any] = ROWS) -> bytes:
    """Rows as JSON Lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def arrow_codec(codec: str) -> Callable[[bytes], bytes]:
    """How Arrow compresses in one codec."""

    def compress(data: bytes) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, codec) as stream:
            stream.write(data)
        return bytes(sink.getvalue())

    return compress


CODECS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": arrow_codec("zstd"),
    ".lz4": arrow_codec("lz4"),
}
TEXTS = {
    "lines": lines(),
    "no final newline": lines()[:-1],
    "CRLF": lines().replace(b"\n", b"\r\n"),
    "BOM": b"\xef\xbb\xbf" + lines(),
    "blank lines": b"\n \t\r\n" + lines().replace(b"\n", b"\n\n  \n"),
    "spaces": lines().replace(b": [", b" :\t[ ").replace(b"]", b" ]"),
    "compact": b"".join(json.dumps(r, separators=(",", ":")).encode() + b"\n" for r in ROWS),
    "array": json.dumps(ROWS).encode(),
    "array, indented": json.dumps(ROWS, indent=2).encode(),
    "array, one row a line": json.dumps(ROWS).replace("}, {", "},\n{").encode(),
    "array, CRLF": json.dumps(ROWS, indent=1).replace("\n", "\r\n").encode(),
    "array, BOM and blanks": b"\xef\xbb\xbf \n\n" + json.dumps(ROWS).encode() + b"\n\n ",
    "array, compact": json.dumps(ROWS, separators=(",", ":")).encode(),
}


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Write bytes to a file."""

    def write(data: bytes, name: str = "data.jsonl") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("suffix", ["", *CODECS])
@pytest.mark.parametrize("tokens", [1, 262_144])
def test_every_spelling_is_the_same_rows(
    kind: str, suffix: str, tokens: int, save: Any, rows_of: Any
) -> None:
    """Line ends, spaces, layout and compression change nothing; content decides, not the name."""
    text = TEXTS[kind]
    path = save(CODECS[suffix](text) if suffix else text, "data.json")

    assert read_header(path).format == ("json" if kind.startswith("array") else "jsonl")
    assert rows_of(path, COLUMNS, tokens=tokens, target=50) == EXPECTED


@pytest.mark.parametrize("suffix", CODECS)
def test_members_are_read_to_the_last(suffix: str, save: Any, rows_of: Any) -> None:
    """Compressed files that were joined are one text, even if a member ends within a line."""
    text = lines()
    path = save(CODECS[suffix](text[:40]) + CODECS[suffix](text[40:]))

    assert rows_of(path, COLUMNS) == EXPECTED


@pytest.mark.parametrize("suffix", CODECS)
@pytest.mark.parametrize("fault", ["cut", "second member cut", "garbage behind"])
def test_broken_compression_is_unreadable(suffix: str, fault: str, save: Any, rows_of: Any) -> None:
    """Compressed data that is cut or goes on as something else is an error, never an early end."""
    whole = CODECS[suffix](lines())
    data = {
        "cut": whole[:-5],
        "second member cut": whole + whole[:10],
        "garbage behind": whole + b"something else",
    }[fault]
    path = save(data)

    with pytest.raises(UnreadableFile, match="broken"):
        rows_of(path, COLUMNS)


def test_units_are_whole_lines(save: Any) -> None:
    """A plain file is cut into ranges that begin and end at lines and cover the file."""
    text = lines()
    path = save(text)

    units = split_units(path, read_header(path), target=60)

    assert len(units) > 2
    assert b"".join(text[slice(*unit.part)] for unit in units) == text
    assert all(text[unit.part[1] - 1 : unit.part[1]] == b"\n" for unit in units)


def test_units_are_of_one_size(save: Any) -> None:
    """A file a little larger than one unit makes two halves, not a whole one and a rest."""
    path = save(b'{"a": 1}\n' * 2**20)  # 9 MiB

    units = split_units(path, read_header(path))

    assert len(units) == 2
    assert units[0].size - units[1].size == pytest.approx(0, abs=2 * 9)


def test_a_target_at_the_end_of_a_line(save: Any) -> None:
    """A line that ends right at the target ends the unit."""
    path = save(b'{"a": 1}\n' * 2)

    units = split_units(path, read_header(path), target=9)

    assert [unit.part for unit in units] == [(0, 9), (9, 18)]


@pytest.mark.parametrize("target", range(1, 40))
def test_no_target_splits_a_line(target: int, save: Any, rows_of: Any) -> None:
    """Wherever the target falls, each line is in exactly one unit."""
    rows = [{"input_ids": [n] * (n % 3)} for n in range(6)]

    assert rows_of(save(lines(rows)), ["input_ids"], target=target) == rows


def test_compressed_is_one_unit(save: Any) -> None:
    """A compressed file can only be read from its start."""
    path = save(gzip.compress(lines()))

    (unit,) = split_units(path, read_header(path), target=1)

    assert unit.part == ()


def test_absent_and_null_are_null(save: Any, rows_of: Any) -> None:
    """A row without the key is a null cell, like a null."""
    rows = [{"input_ids": [1]}, {"input_ids": None}, {}, {"labels": [2]}]

    assert rows_of(save(lines(rows)), COLUMNS) == [
        {"input_ids": [1], "labels": None},
        {"input_ids": None, "labels": None},
        {"input_ids": None, "labels": None},
        {"input_ids": None, "labels": [2]},
    ]


def test_rows_are_counted_without_columns(save: Any, chunks_of: Any) -> None:
    """Asked for no column, a file still counts its rows."""
    (chunk,) = chunks_of(save(lines()), [])

    assert (chunk.batch.num_rows, chunk.batch.num_columns) == (6, 0)


@pytest.mark.parametrize(
    ("value", "cell", "kind", "text"),
    [
        ('"1 2"', None, "text", "'1 2'"),
        ("5", None, "scalar", "5"),
        ("true", None, "scalar", "True"),
        ("1.5", None, "scalar", "1.5"),
        ('{"a": [1]}', None, "object", "{'a': [1]}"),
        ("[[1, 2]]", None, "nested", "[1, 2]"),
        ('[1, {"a": 2}]', None, "object", "{'a': 2}"),
        ('[1, "2"]', None, "text", "'2'"),
        ("[1.0, 2.0]", [1, 2], "float", "1.0"),
        ("[1, 2e2, null]", [1, 200, None], "float", "200.0"),
        ("[1.0, 2.5]", None, "float", "2.5"),
        ("[1e30]", None, "float", "1e+30"),
        ("[true, false, null]", [1, 0, None], "boolean", "True"),
        ("[true, 1]", None, "boolean", "True"),
        ("[9223372036854775808]", None, "out-of-range", "9223372036854775808"),
        ("[null, -9223372036854775809]", None, "out-of-range", "-9223372036854775809"),
        ("[" + "9" * 5000 + "]", None, "out-of-range", "18446744073709551616"),
    ],
)
def test_odd_cells_are_defects(
    value: str, cell: Any, kind: str, text: str, save: Any, chunks_of: Any
) -> None:
    """A value that is no list of integers is named with its row, and read where it can be."""
    data = f'{{"input_ids": [1]}}\n{{"input_ids": {value}}}\n{{"input_ids": [3]}}\n'.encode()

    (chunk,) = chunks_of(save(data), ["input_ids"])

    (defect,) = chunk.defects
    assert chunk.batch.to_pydict() == {"input_ids": [[1], cell, [3]]}
    assert (defect.row, defect.column, defect.kind, defect.text) == (1, "input_ids", kind, text)


def test_defect_rows_count_within_their_chunk(save: Any, chunks_of: Any) -> None:
    """When a block is cut into chunks each defect goes with its row."""
    rows = [{"input_ids": [1, 2, 3] if n % 2 else "text"} for n in range(6)]

    chunks = chunks_of(save(lines(rows)), ["input_ids"], tokens=3)

    found = [
        chunk.batch.slice(defect.row, 1).to_pylist() for chunk in chunks for defect in chunk.defects
    ]
    assert len(chunks) > 1
    assert found == [[{"input_ids": None}]] * 3


def test_offenders_are_shown_short(save: Any, chunks_of: Any) -> None:
    """A defect's text is at most 80 characters, whatever the value."""
    (chunk,) = chunks_of(save(lines([{"input_ids": "x" * 10**5}])), ["input_ids"])

    assert len(chunk.defects[0].text) <= 80


@pytest.mark.parametrize(
    "value", ["[1, null]", "[]", "[ ]", "null", "[-0]", "[-9223372036854775808]"]
)
def test_no_defects(value: str, save: Any, chunks_of: Any) -> None:
    """Lists of integers and nulls are no defects."""
    (chunk,) = chunks_of(save(f'{{"input_ids": {value}}}'.encode()), ["input_ids"])

    assert chunk.defects == ()
    assert chunk.batch.to_pylist() == [{"input_ids": json.loads(value)}]


FAULTS = {
    "not JSON": b'{"input_ids": [1,, 2]}',
    "leading zero": b'{"input_ids": [01]}',
    "no object": b"[1, 2]",
    "null": b"null",
    "text": b'"[1, 2]"',
    "number": b"12",
    "two objects": b'{"input_ids": [1]} {"input_ids": [2]}',
    "trailing text": b'{"input_ids": [1]} x',
    "NaN": b'{"input_ids": [NaN]}',
    "NaN elsewhere": b'{"input_ids": [1], "loss": NaN}',
    "Infinity": b'{"input_ids": [1], "loss": -Infinity}',
    "beyond a double": b'{"input_ids": [1e400]}',
    "scalar beyond a double": b'{"input_ids": 1e400}',
    "repeated key": b'{"input_ids": [1], "input_ids": [2]}',
    "repeated key, null": b'{"input_ids": null, "input_ids": [2]}',
    "repeated key, escaped": b'{"input_ids": [1], "input\\u005fids": [2]}',
    "not UTF-8": b'{"input_ids": [1], "text": "\xff"}',
    "NUL": b'{"input_ids": [1]}\0',
    "NUL bytes alone": b"\0\0\0\0",
    "control character": b'{"input_ids": [1], "text": "\x01"}',
    "second BOM": b'\xef\xbb\xbf{"input_ids": [1]}',
    "single quotes": b"{'input_ids': [1]}",
    "nested too deeply": b'{"x": ' + b"[" * 10**5 + b"]" * 10**5 + b"}",
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("target", [1, 10**6])
def test_a_faulty_line_is_named(fault: str, target: int, save: Any, rows_of: Any) -> None:
    """A line that is no row makes the file unreadable; blank lines count, in any unit."""
    good = b'{"input_ids": [1]}\n'
    path = save(good + b"\n" + good + FAULTS[fault] + b"\n" + good)

    with pytest.raises(UnreadableFile, match=r"^line 4 "):
        rows_of(path, target=target)


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("keep", [18, 30, 36])
def test_a_cut_last_line_is_named(keep: int, compress: Any, save: Any, rows_of: Any) -> None:
    """A file that ends within a line says so, with the line's number."""
    path = save(compress(b'{"input_ids": [1]}\n{"input_ids": [1, 2]}'[: keep + 2]))

    with pytest.raises(UnreadableFile, match=r"^line 2 is cut off"):
        rows_of(path)


def test_a_single_cut_line_is_named(save: Any, rows_of: Any) -> None:
    """A file that is one broken line is JSON Lines with a fault in line 1."""
    with pytest.raises(UnreadableFile, match=r"^line 1 is cut off"):
        rows_of(save(b'{"input_ids": [1, 2'))


def test_a_blank_file_is_no_array(save: Any) -> None:
    """A file of white space is refused, also where an array was declared."""
    with pytest.raises(UnreadableFile, match="no JSON array"):
        read_header(save(b" \n"), "json")


def test_unasked_repeated_keys_are_no_fault(save: Any, rows_of: Any) -> None:
    """Which of two equal keys counts only matters where it is read."""
    path = save(b'{"x": 1, "x": 2, "input_ids": [1], "y": {"input_ids": 1, "input_ids": 2}}\n')

    assert rows_of(path, ["input_ids"]) == [{"input_ids": [1]}]


ARRAY_FAULTS = {
    "cut": (b'[{"input_ids": [1]},\n{"input_ids": [2', "cut off: the file ends in row 1"),
    "cut behind a row": (b'[{"input_ids": [1]}', "cut off: the file ends in row 1"),
    "no comma": (
        b'[{"input_ids": [1]}\n{"input_ids": [2]}]',
        r"line 2 \(row 1, 0-based\): expected",
    ),
    "two commas": (b'[{"input_ids": [1]},\n,{"input_ids": [2]}]', r"\(row 1, 0-based\): expected"),
    "trailing comma": (b'[{"input_ids": [1]},]', r"line 1 \(row 1, 0-based\): expected an object"),
    "leading comma": (b'[,{"input_ids": [1]}]', r"line 1 \(row 0, 0-based\): expected an object"),
    "array of arrays": (b"[[1, 2], [3]]", r"line 1 \(row 0, 0-based\): expected an object"),
    "array of numbers": (b"[1, 2]", r"line 1 \(row 0, 0-based\): expected an object.*'1, 2"),
    "mixed": (b'[{"input_ids": [1]},\n null]', r"line 2 \(row 1, 0-based\): .* found 'null"),
    "data behind": (b'[{"input_ids": [1]}]\n[2]', "data follows the end of the array"),
    "closed by a brace": (b'[{"input_ids": [1]}}', "closed by a brace"),
    "broken row": (
        b'[{"input_ids": [1]},\n{"input_ids": [1,,2]}]',
        r"line 2 \(row 1, 0-based\) is not JSON",
    ),
    "wrong bracket": (b'[{"input_ids": [1}]]', r"line 1 \(row 0, 0-based\) is not JSON"),
    "broken text": (b'[{"input_ids": [1], "x": "a\nb"}]', "goes over the end of the line"),
    "repeated key": (b'[{"input_ids": [1], "input_ids": [1]}]', "more than once"),
}


@pytest.mark.parametrize("fault", ARRAY_FAULTS)
@pytest.mark.parametrize("tokens", [1, 1000])
def test_a_faulty_array_is_unreadable(fault: str, tokens: int, save: Any, rows_of: Any) -> None:
    """An array that is cut, holds other things or goes on is refused, with line and row."""
    data, reason = ARRAY_FAULTS[fault]

    with pytest.raises(UnreadableFile, match=reason):
        rows_of(save(data), tokens=tokens)


@pytest.mark.parametrize("data", [b"[]", b" [ \n ] \n"])
def test_an_empty_array_has_no_rows(data: bytes, save: Any, rows_of: Any) -> None:
    """An array of nothing is no fault of the file."""
    assert rows_of(save(data)) == []


MEBIBYTE = 2**20


@pytest.mark.parametrize("blank", [b" ", b"\n"])
def test_blanks_around_an_array_may_be_long(blank: bytes, save: Any, rows_of: Any) -> None:
    """White space ahead of an array and behind it is passed over, however long it is."""
    blanks = blank * (2 * MEBIBYTE + 5)

    assert rows_of(save(blanks + b'[{"input_ids": [1]}]' + blanks), ["input_ids"]) == [
        {"input_ids": [1]}
    ]


def test_data_far_behind_an_array_is_found(save: Any, rows_of: Any) -> None:
    """What follows an array is an error at any distance."""
    path = save(b'[{"input_ids": [1]}]' + b" " * 2 * MEBIBYTE + b"x" + b" " * 2 * MEBIBYTE)

    with pytest.raises(UnreadableFile, match="data follows the end of the array: 'x'"):
        rows_of(path)


def test_xz_padding_between_streams(save: Any, rows_of: Any) -> None:
    """Zeros between xz streams and behind them are padding."""
    padding = b"\0" * (MEBIBYTE + 4)
    path = save(lzma.compress(lines()[:40]) + padding + lzma.compress(lines()[40:]) + padding)

    assert rows_of(path, COLUMNS) == EXPECTED


@pytest.mark.parametrize("suffix", [".zst", ".lz4"])
def test_frames_to_skip(suffix: str, save: Any, rows_of: Any) -> None:
    """A frame to skip may come first; zstd and lz4 share it, and the name tells them apart."""
    skip = b"\x5a\x2a\x4d\x18\x03\0\0\0abc"
    path = save(skip + CODECS[suffix](lines()), f"data.jsonl{suffix}")

    assert rows_of(path, COLUMNS) == EXPECTED


def test_a_file_that_shrinks_is_unreadable(save: Any) -> None:
    """Bytes that were there when units were made and are gone later are not passed over."""
    path = save(lines())
    (unit,) = split_units(path, read_header(path))
    path.write_bytes(lines()[:-20])

    with pytest.raises(UnreadableFile, match="shorter"):
        list(read_chunks(unit, COLUMNS))


TRICKY = [
    '"',
    "\\",
    '\\"',
    "[",
    "]",
    "{}",
    '"},{"',
    "\\\\",
    "]}",
    "é\u2028",
    "\ud800",
    "\n",
    ": [1]",
]


@pytest.mark.parametrize("text", TRICKY)
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("tokens", [1, 3, 1000])
def test_brackets_and_quotes_in_texts(
    text: str, indent: Any, tokens: int, save: Any, rows_of: Any
) -> None:
    """What stands in a text or a key neither opens nor closes an element."""
    rows = [{text: text, "input_ids": [n], "x": [text, {text: n}]} for n in range(5)]

    path = save(json.dumps(rows, indent=indent).encode())

    assert rows_of(path, ["input_ids"], tokens=tokens) == [{"input_ids": [n]} for n in range(5)]


def test_rows_longer_than_a_block(save: Any, rows_of: Any) -> None:
    """A row may be longer than any block, as a line and in an array."""
    rows = [{"input_ids": list(range(n))} for n in (3, 400_000, 2)]

    assert rows_of(save(lines(rows)), ["input_ids"], tokens=10) == rows
    assert rows_of(save(json.dumps(rows, indent=1).encode()), ["input_ids"], tokens=10) == rows


def test_a_unit_crosses_processes(save: Any) -> None:
    """A unit is of builtins only, so that it can be written as JSON and read elsewhere."""
    path = save(lines())
    (unit,) = split_units(path, read_header(path))

    plain = json.loads(json.dumps([unit.path, unit.format, unit.part, unit.rows, unit.size]))
    again = type(unit)(plain[0], plain[1], tuple(plain[2]), plain[3], plain[4])

    assert [c.batch.num_rows for c in read_chunks(again, COLUMNS)] == [6]
