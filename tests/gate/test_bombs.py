"""Small files that unpack to more than there is memory: a verdict, and bounded memory for it."""

from __future__ import annotations

import bz2
import json
import lzma
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
SIZE = 2**30  # bytes, once unpacked
MOST = 700  # MiB that the process may take, of which libraries take about 100
CHECK = """
import json, re, sys
from pytest_pretok import check
report = check(sys.argv[1])
found = {r.finding.rule: str(r.finding.examples[0].found)
         for r in report.results if r.finding.violations and r.finding.examples}
peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())
print(json.dumps([found, int(peak[1]) // 1024]))
"""


def checked(path: Path, seconds: float | None = None) -> tuple[dict[str, str], int]:
    """What is found in a file, by a process of its own, and the most memory it had, in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr
    found, peak = json.loads(done.stdout)
    return found, peak


def gzipped(start: bytes, block: bytes, count: int) -> bytes:
    """The start and so many blocks; the checksum at the end is wrong, which comes after all."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    one = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + one * count


def framed(pack: Callable[[bytes], bytes]) -> Callable[[bytes, bytes, int], bytes]:
    """The start and the blocks in streams of their own, of which a file may have many."""
    return lambda start, block, count: pack(start) + pack(block) * count


def zstd(data: bytes) -> bytes:
    """A frame."""
    packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
    return packed


PACKERS: dict[str, Callable[[bytes, bytes, int], bytes]] = {
    "gz": gzipped,
    "zst": framed(zstd),
    "bz2": framed(bz2.compress),
    "xz": framed(lzma.compress),
}
SHAPES = {
    "a list in a line": ("jsonl", b'{"input_ids": [', b"1, "),
    "a text in a line": ("jsonl", b'{"x": "', b"a"),
    "a list in an array": ("json", b'[{"input_ids": [', b"1, "),
    "spaces in an array": ("json", b"[", b" "),
}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("shape", ["a list in a line"])
def test_a_line_that_no_memory_holds(tmp_path: Path, packer: str, shape: str) -> None:
    """A GiB in one line is refused where it passes what a row may have, in any compression."""
    suffix, start, unit = SHAPES[shape]
    path = tmp_path / f"x.{suffix}.{packer}"
    path.write_bytes(PACKERS[packer](start, unit * (2**23 // len(unit)), SIZE // 2**23))
    assert path.stat().st_size < 2**21
    found, peak = checked(path)

    assert list(found) == ["unreadable-file"]
    assert "line 1 is longer than the 67,108,864 bytes" in found["unreadable-file"]
    assert peak < MOST


@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_that_no_memory_holds(tmp_path: Path, shape: str) -> None:
    """Whatever it is that does not end."""
    suffix, start, unit = SHAPES[shape]
    path = tmp_path / f"x.{suffix}.zst"
    path.write_bytes(framed(zstd)(start, unit * (2**23 // len(unit)), SIZE // 2**23))
    found, peak = checked(path)

    assert list(found) == ["unreadable-file"]
    assert "longer than the 67,108,864 bytes" in found["unreadable-file"]
    assert peak < MOST


@pytest.mark.skipif(sys.platform == "win32", reason="files have no holes unless asked for")
@pytest.mark.parametrize("suffix", ["jsonl", "json", "parquet", "arrow"])
def test_a_tebibyte_that_takes_no_room(tmp_path: Path, suffix: str) -> None:
    """The hole behind a file's beginning is not read to its end, which takes minutes."""
    path = tmp_path / f"x.{suffix}"
    row = b'{"input_ids": [1, 2], "attention_mask": [1, 1], "labels": [1, 2]}\n'
    path.write_bytes(b"[" * (suffix == "json") + row)
    os.truncate(path, 2**40)
    assert path.stat().st_blocks < 2**10
    found, peak = checked(path, seconds=60)

    assert list(found) == ["unreadable-file"]
    assert peak < MOST


def test_brackets_without_end(tmp_path: Path) -> None:
    """What is told of each bracket takes more memory than the bracket itself."""
    path = tmp_path / "x.json.zst"
    path.write_bytes(framed(zstd)(b'[{"x":', b"[" * 2**23, SIZE // 2**23))
    found, peak = checked(path)

    assert "brackets" in found["unreadable-file"]
    assert peak < 2 * MOST


def test_many_small_rows(tmp_path: Path) -> None:
    """Rows without end are read piece by piece: memory is that of a few pieces."""
    row = b'{"input_ids": [1, 2], "attention_mask": [1, 1], "labels": [1, 2], "x": "%s"}\n'
    block = (row % (b"a" * 2**16)) * 128
    path = tmp_path / "x.jsonl.zst"
    path.write_bytes(framed(zstd)(b"", block, SIZE // len(block) // 4))
    found, peak = checked(path)

    assert "unreadable-file" not in found
    assert peak < MOST


def test_a_dictionary_larger_than_memory(tmp_path: Path) -> None:
    """An xz header may ask for gigabytes before a byte is unpacked."""
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 2**24}]
    data = bytearray(lzma.compress(b"{}\n", filters=filters))
    header = data[12:24]
    assert header[3] == 1  # the length of the filter's properties, behind its number
    header[4] = 39  # the code of 3 GiB
    header[8:12] = zlib.crc32(header[:8]).to_bytes(4, "little")
    data[12:24] = header
    (tmp_path / "x.jsonl.xz").write_bytes(data)
    found, peak = checked(tmp_path / "x.jsonl.xz")

    assert list(found) == ["unreadable-file"]
    assert peak < MOST


@pytest.mark.parametrize("suffix", ["jsonl", "arrow"])
def test_a_hundred_thousand_columns(tmp_path: Path, suffix: str) -> None:
    """Columns that nobody asked for cost no more than their names."""
    count = 100_000
    path = tmp_path / f"x.{suffix}"
    tokens = {"input_ids": [1, 2], "attention_mask": [1, 1], "labels": [1, 2]}
    if suffix == "jsonl":
        row = json.dumps(tokens | {f"k{number}": 1 for number in range(count)})
        path.write_text(row + "\n" + row + "\n", encoding="utf-8")
    else:
        fields = [pa.field(f"k{number}", pa.int8()) for number in range(count)]
        fields += [pa.field(name, pa.list_(pa.int64())) for name in tokens]
        pa.ipc.new_stream(path, pa.schema(fields)).close()
    found, peak = checked(path)

    assert "unreadable-file" not in found
    assert "missing-column" not in found
    assert ("no-rows" in found) == (suffix == "arrow")
    assert peak < MOST


def constant(rows: int, length: int) -> pa.Table:
    """Rows of one id, which take next to nothing in a file."""
    offsets = np.arange(rows + 1, dtype=np.int64) * length
    cells = pa.LargeListArray.from_arrays(offsets, np.full(rows * length, 5, np.int32))
    return pa.table({"input_ids": cells, "attention_mask": cells, "labels": cells})


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_a_row_of_more_tokens_than_any_context(tmp_path: Path, suffix: str) -> None:
    """Forty million equal tokens in a few kilobytes: decoded, but not judged."""
    path, table = tmp_path / f"x.{suffix}", constant(1, 40_000_000)
    if suffix == "parquet":
        pq.write_table(table, path, compression="zstd")
    else:
        packed = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_file(path, table.schema, options=packed) as writer:
            writer.write_table(table)
    assert path.stat().st_size < 2**17
    found, peak = checked(path)

    assert list(found) == ["unreadable-file"]
    assert "a row of 40,000,000 values, at most 16,777,216 are judged" in found["unreadable-file"]
    assert peak < 3 * MOST  # the tokens, three times 160 MB, twice to decode, and what pools keep


def test_many_equal_tokens_in_a_small_row_group(tmp_path: Path) -> None:
    """The rows of a row group are read piece by piece, however few bytes they take there."""
    path = tmp_path / "x.parquet"
    pq.write_table(constant(40_000, 1_000), path, compression="zstd", row_group_size=40_000)
    assert path.stat().st_size < 2**17
    found, peak = checked(path)

    assert "unreadable-file" not in found
    assert peak < MOST
