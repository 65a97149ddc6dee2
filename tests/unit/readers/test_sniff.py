"""What a file is found to be, and how other files are refused."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from pytest_pretok.readers import (
    DATA_SUFFIXES,
    UnreadableFile,
    data_suffix,
    read_header,
    sniff_format,
)

TABLE = pa.table({"input_ids": [[1, 2]]})


def of_table(write: Any) -> bytes:
    """What a pyarrow writer makes of the table."""
    sink = io.BytesIO()
    write(TABLE, sink)
    return sink.getvalue()


def as_ipc(table: pa.Table, sink: io.BytesIO, new: Any) -> None:
    """Write a table with one of Arrow's two IPC writers."""
    with new(sink, table.schema) as writer:
        writer.write_table(table)


def archive(kind: str) -> bytes:
    """A zip or tar archive of one file."""
    sink = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(sink, "w") as packed:
            packed.writestr("a.jsonl", "{}")
    else:
        with tarfile.open(fileobj=sink, mode="w") as packed_tar:
            packed_tar.addfile(tarfile.TarInfo("a.jsonl"))
    return sink.getvalue()


KINDS = {
    "parquet": of_table(pq.write_table),
    "arrow-file": of_table(lambda table, sink: as_ipc(table, sink, pa.ipc.new_file)),
    "arrow-stream": of_table(lambda table, sink: as_ipc(table, sink, pa.ipc.new_stream)),
    "jsonl": b'{"input_ids": [1]}\n{"input_ids": [2]}\n',
    "json": b'[{"input_ids": [1]}]',
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["x", "x.parquet", "x.jsonl", "x.arrow"])
def test_content_decides(kind: str, name: str, tmp_path: Path) -> None:
    """The format is told by the content, whatever the name."""
    path = tmp_path / name
    path.write_bytes(KINDS[kind])

    assert sniff_format(path) == kind


def test_feather_is_an_arrow_file(tmp_path: Path) -> None:
    """Feather version 2 is Arrow's file format."""
    feather.write_feather(TABLE, str(tmp_path / "x.feather"), version=2)

    assert sniff_format(tmp_path / "x.feather") == "arrow-file"


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"
LONG = list(range(30_000))
REFUSED = {
    "0 bytes": (b"", "^0 bytes$", False),
    "LFS": (LFS, "^a git-LFS pointer, not the data; run: git lfs pull$", False),
    "zip": (archive("zip"), "a zip archive", True),
    "tar": (archive("tar"), "a tar archive; unpack", True),
    "tar.gz": (gzip.compress(archive("tar")), "a tar archive, gzip compressed", True),
    "parquet.gz": (gzip.compress(KINDS["parquet"]), "gzip compressed as a whole", False),
    "zip.gz": (gzip.compress(archive("zip")), "a zip archive", True),
    "nothing, gzip": (gzip.compress(b""), "0 bytes once decompressed", False),
    "cut gzip": (gzip.compress(KINDS["jsonl"])[:-9], "broken gzip data", False),
    "pickle": (b"\x80\x04K\x01.", "a pickle, which is never opened", True),
    "numpy": (b"\x93NUMPY\x01\x00", "a NumPy file", True),
    "feather 1": (b"FEA1abc", "Feather version 1", True),
    "encrypted": (b"PARE1234", "encrypted", True),
    "legacy lz4": (b"\x02\x21\x4c\x18abc", "legacy lz4", False),
    "UTF-16": ('{"input_ids": [1]}'.encode("utf-16"), "UTF-16 text", False),
    "UTF-32": ('{"input_ids": [1]}'.encode("utf-32"), "UTF-32 text", False),
    "UTF-16 BE": (b"\xfe\xff\0{", "UTF-16 text", False),
    "blank": (b" \n\r\n", "nothing but white space", False),
    "csv": (b"input_ids,labels\n1,2\n", "neither JSON .* begins with 'input_id'", True),
    "array of numbers": (b"[1, 2, 3]", r"line 1 \(row 0", True),
    "indented object": (b'{\n  "name": "x"\n}\n', "over several lines .* the key 'name'", True),
    "column lists": (b'{"input_ids": [[1], [2]], "labels": [[1], [2]]}', "a list of lists", False),
    "rows in an object": (b'{"data": [{"input_ids": [1]}]}\n', "with the rows in a list", False),
    "long column lists": (json.dumps({"x": 1, "input_ids": [LONG, LONG]}).encode(), "lists", False),
    "long rows": (
        json.dumps({"d": [{"input_ids": LONG}] * 9}).encode() + b"\n \n",
        "rows in",
        False,
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_other_kinds_are_refused(kind: str, tmp_path: Path) -> None:
    """What is no dataset is refused with the kind named; `foreign` if it may be whole."""
    data, reason, foreign = REFUSED[kind]
    path = tmp_path / "x.json"
    path.write_bytes(data)

    with pytest.raises(UnreadableFile, match=reason) as caught:
        read_header(path)

    assert caught.value.foreign == foreign


@pytest.mark.parametrize("name", ["x.parquet", "x.jsonl", "x.jsonl.gz", "x.arrow"])
@pytest.mark.parametrize("kind", ["zip", "csv", "indented object"])
def test_a_suffix_of_datasets_is_believed(name: str, kind: str, tmp_path: Path) -> None:
    """Another kind of file under a dataset's suffix is damage; nobody may pass over it."""
    path = tmp_path / name
    path.write_bytes(REFUSED[kind][0])

    with pytest.raises(UnreadableFile) as caught:
        read_header(path)

    assert not caught.value.foreign


def test_a_broken_first_line_is_no_other_kind(tmp_path: Path) -> None:
    """An object over several lines that names a token column is never passed over."""
    path = tmp_path / "x.json"
    path.write_bytes(b'{"input_ids": [1,\n{"input_ids": [1]}\n')

    with pytest.raises(UnreadableFile, match="over several lines") as caught:
        read_header(path)

    assert not caught.value.foreign


@pytest.mark.parametrize(
    "rows",
    [
        [{"input_ids": [[1, 2]]}],
        [{"input_ids": [[1], [2]]}] * 2,
        [{"input_ids": [LONG, LONG]}] * 2,
        [{"messages": [{"role": "user"}], "input_ids": [1]}],
        [{"input_ids": 1}],
    ],
)
def test_lines_are_lines_whatever_their_cells(rows: list[Any], tmp_path: Path) -> None:
    """A row with a batch axis, or more lines than one, is a fault of the cells at most."""
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))

    assert sniff_format(path) == "jsonl"


@pytest.mark.parametrize("end", ["", "\n", "\n" + " " * 2**21])
def test_a_single_long_object_is_refused(end: str, tmp_path: Path) -> None:
    """All rows in one object are found out even where the line is longer than any piece."""
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"input_ids": [LONG * 8, LONG * 8]}) + end)

    with pytest.raises(UnreadableFile, match="lists of lists"):
        read_header(path)


def test_long_nested_lines_are_lines(tmp_path: Path) -> None:
    """A second line, however far, makes it JSON Lines."""
    path = tmp_path / "x.jsonl"
    path.write_text((json.dumps({"input_ids": [LONG * 8, LONG * 8]}) + "\n") * 2)

    assert sniff_format(path) == "jsonl"


def test_blanks_ahead_are_passed_over(tmp_path: Path) -> None:
    """White space ahead of the first value does not hide it."""
    path = tmp_path / "x.jsonl"
    path.write_text("\n" * (2**20 + 1) + '{"input_ids": [1]}\n')

    assert sniff_format(path) == "jsonl"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """A folder is no file."""
    with pytest.raises(UnreadableFile, match="a folder, not a file"):
        read_header(tmp_path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A path that leads nowhere is said to."""
    with pytest.raises(UnreadableFile, match="not readable: No such file"):
        read_header(tmp_path / "x", "parquet")


def test_no_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be read is said to be just that."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(KINDS["jsonl"])

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)

    with pytest.raises(UnreadableFile, match=r"^not readable: Permission denied$"):
        read_header(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    """A named pipe is refused, not waited for."""
    os.mkfifo(tmp_path / "x.jsonl")

    with pytest.raises(UnreadableFile, match="not a regular file"):
        read_header(tmp_path / "x.jsonl")


@pytest.mark.parametrize("declared", ["parquet", "arrow-file", "arrow-stream", "json"])
def test_a_declared_format_that_is_wrong(declared: str, tmp_path: Path) -> None:
    """A declared format is believed, and the file refused where it is another."""
    path = tmp_path / "x"
    path.write_bytes(KINDS["jsonl"])

    with pytest.raises(UnreadableFile):
        read_header(path, declared)


def test_an_unknown_format_is_our_error(tmp_path: Path) -> None:
    """A format that no reader has is a mistake of the caller, not of the file."""
    path = tmp_path / "x"
    path.write_bytes(KINDS["jsonl"])

    with pytest.raises(ValueError, match="unknown format 'csv'"):
        read_header(path, "csv")


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("train.parquet", ".parquet"),
        ("A.JSONL.GZ", ".jsonl.gz"),
        ("a.b.json", ".json"),
        ("a.json.zst", ".json.zst"),
        ("a.jsonl.txt", None),
        (".parquet", None),
        ("a.csv", None),
        ("parquet", None),
    ],
)
def test_suffixes(name: str, suffix: str | None) -> None:
    """Known suffixes are found in any case, the longest one."""
    assert data_suffix(name) == suffix


def test_suffixes_are_lower_case_and_unique() -> None:
    """The list of suffixes can be compared with and iterated over."""
    assert len(set(DATA_SUFFIXES)) == len(DATA_SUFFIXES)
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in DATA_SUFFIXES)
