"""Small datasets with planted violations, in every container, and where their structure lies.

Written with libraries that are not ours; knows nothing of damage or verdicts.
"""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fuzz.pages import pages
from tests.support.corruptions import CORRUPTIONS
from tests.support.rows import COLUMNS, Row, clean_row

OFTEN = ("label-not-input-id", "token-out-of-vocab", "mask-hole")  # they leave lengths as they are
ALONE = [name for name, one in CORRUPTIONS.items() if one.by_itself and one.known == "all"]
TYPED = [name for name in ALONE if not CORRUPTIONS[name].json_only]
VARIANTS = 12  # bases of a container and a seed


@dataclass(frozen=True)
class Base:
    """A sound dataset: its files by name, the one to scan, and what a liar would aim at.

    ``marks`` are byte offsets in the first file at which a part of it begins or ends; ``numbers``
    are counts, offsets and sizes that its metadata holds; ``rows`` are the rows as written;
    ``parts`` are its pages, messages, lines or frames, from an offset to before another.
    """

    files: dict[str, bytes]
    marks: tuple[int, ...]
    numbers: tuple[int, ...]
    rows: tuple[Row, ...]
    parts: tuple[tuple[int, int], ...] = ()

    @property
    def name(self) -> str:
        """The file that is damaged unless another one is chosen."""
        return next(iter(self.files))


def planted_rows(rng: random.Random, typed: bool) -> list[Row]:
    """About a dozen rows, none to four of which break a rule, some of them by being there twice.

    Every fourth time they are equally long, as far as what is planted leaves them so.
    """
    even = rng.random() < 0.25
    rows = [
        clean_row(5 if even else rng.randint(3, 12), 20 if even else rng.randint(12, 30), rng)
        for _ in range(rng.randint(6, 16))
    ]
    names = OFTEN if even or rng.random() < 0.5 else TYPED if typed else ALONE
    for at in rng.sample(range(len(rows)), rng.randint(0, 3)):
        rows[at] = CORRUPTIONS[rng.choice(names)].change(rows[at], rng)
    if rng.random() < 0.3:
        rows.append(dict(rng.choice(rows)))
    return rows


def lists(rows: list[Row], rng: random.Random, views: bool) -> pa.Table:
    """The rows in one of Arrow's list layouts, of 32 or 64 bits, beside columns nobody asks for."""
    cells = [row.get(name) for row in rows for name in COLUMNS]
    values = [value for cell in cells for value in cell or () if value is not None]
    number = rng.choice([pa.int32(), pa.int64()]) if max(values) < 2**31 else pa.int64()
    if min(values) < -(2**31):
        number = pa.int64()
    lengths = {len(cell) for cell in cells if cell is not None}
    layouts: list[pa.DataType] = [pa.list_(number), pa.large_list(number)]
    if len(lengths) == 1:
        layouts.append(pa.list_(number, lengths.pop()))
    if views:
        layouts += [pa.list_view(number), pa.large_list_view(number)]
    dtype = rng.choice(layouts)
    columns = {name: pa.array([row.get(name) for row in rows], dtype) for name in COLUMNS}
    if rng.random() < 0.5:
        columns["source"] = pa.array([f"s{i % 3}" for i in range(len(rows))])
    return pa.table(columns)


def parquet(rng: random.Random) -> Base:
    """Several row groups, in any compression, with and without dictionaries and checksums."""
    rows = planted_rows(rng, typed=True)
    sink = io.BytesIO()
    pq.write_table(
        lists(rows, rng, views=False),
        sink,
        row_group_size=rng.randint(3, 9),
        compression=rng.choice(["none", "snappy", "zstd"]),
        use_dictionary=rng.random() < 0.5,
        data_page_size=rng.choice([64, 2**20]),
        data_page_version=rng.choice(["1.0", "2.0"]),
        write_page_checksum=rng.random() < 0.3,
    )
    content = sink.getvalue()
    told = pq.ParquetFile(io.BytesIO(content)).metadata
    marks, numbers = [4, len(content) - 8, len(content) - 4], [told.num_rows]
    marks.append(len(content) - 8 - int.from_bytes(content[-8:-4], "little"))
    parts: list[tuple[int, int]] = []
    for group in map(told.row_group, range(told.num_row_groups)):
        numbers += [group.num_rows, group.total_byte_size]
        for column in map(group.column, range(group.num_columns)):
            first = column.dictionary_page_offset or column.data_page_offset
            marks += [first, column.data_page_offset, first + column.total_compressed_size]
            numbers += [column.data_page_offset, column.num_values]
            numbers += [column.total_compressed_size, column.total_uncompressed_size]
            for page in pages(content, first, first + column.total_compressed_size):
                marks += [page.start, page.body, page.stop]
                numbers += page.numbers
                parts.append((page.start, page.stop))
    return _base({"x.parquet": content}, marks, numbers, rows, parts)


def _ipc(rows: list[Row], rng: random.Random, stream: bool, codec: str | None) -> Base:
    return _ipc_of(lists(rows, rng, views=True), rows, rng, stream, codec)


def _ipc_of(
    table: pa.Table, rows: list[Row], rng: random.Random, stream: bool, codec: str | None
) -> Base:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=codec)
    make = pa.ipc.new_stream if stream else pa.ipc.new_file
    with make(sink, table.schema, options=options) as writer:
        for batch in table.to_batches(max_chunksize=rng.randint(3, 9)):
            writer.write_batch(batch)
    content = sink.getvalue()
    # Messages begin at multiples of 8, at which no -100 has these bytes.
    begins = [at for at in range(0, len(content), 8) if content.startswith(b"\xff" * 4, at)]
    marks = [8, len(content) - 10]
    for at in begins:
        marks += [at, at + 4, at + 8 + int.from_bytes(content[at + 4 : at + 8], "little")]
    lengths = list(accumulate((len(row["labels"] or ()) for row in rows), initial=0))
    marks = [mark for mark in marks if 0 <= mark <= len(content)]
    parts = list(pairwise(begins))
    return _base({"x.arrow": content}, marks, [len(rows), *lengths], rows, parts)


def arrow_file(rng: random.Random) -> Base:
    """An IPC file of several batches."""
    return _ipc(planted_rows(rng, typed=True), rng, stream=False, codec=None)


def arrow_stream(rng: random.Random) -> Base:
    """An IPC stream of several batches."""
    return _ipc(planted_rows(rng, typed=True), rng, stream=True, codec=None)


def feather(rng: random.Random) -> Base:
    """An IPC file with compressed buffers."""
    return _ipc(
        planted_rows(rng, typed=True), rng, stream=False, codec=rng.choice(["lz4", "lz4", "zstd"])
    )


def jsonl(rng: random.Random) -> Base:
    """JSON Lines."""
    rows = planted_rows(rng, typed=False)
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    marks = [at + 1 for at, byte in enumerate(text) if byte == ord("\n")]
    return _base({"x.jsonl": text}, marks, [], rows, list(pairwise([0, *marks])))


def json_array(rng: random.Random) -> Base:
    """One array of objects, indented or not."""
    rows = planted_rows(rng, typed=False)
    text = json.dumps(rows, indent=rng.choice([None, 1])).encode()
    marks = [at for at, byte in enumerate(text) if byte in b"{}"]
    parts = [(start, stop + 1) for start, stop in zip(marks[::2], marks[1::2], strict=True)]
    return _base({"x.json": text}, marks, [], rows, parts)


def jsonl_gz(rng: random.Random) -> Base:
    """JSON Lines in two gzip members."""
    return _packed(rng, "gz")


def jsonl_zst(rng: random.Random) -> Base:
    """JSON Lines in two zstd frames."""
    return _packed(rng, "zst")


def pack(text: bytes, kind: str) -> bytes:
    """A text compressed as gzip (``gz``) or zstd (``zst``)."""
    if kind == "gz":
        return gzip.compress(text, mtime=0)
    packed: bytes = pa.Codec("zstd").compress(text, asbytes=True)
    return packed


def _packed(rng: random.Random, kind: str) -> Base:
    plain = jsonl(rng)
    text = plain.files[plain.name]
    cut = rng.choice(plain.marks)
    parts = [pack(part, kind) for part in (text[:cut], text[cut:]) if part]
    marks = list(accumulate(map(len, parts), initial=0))
    content = {f"x.jsonl.{kind}": b"".join(parts)}
    return _base(content, marks, [], list(plain.rows), list(pairwise(marks)))


def save_to_disk(rng: random.Random) -> Base:
    """What `datasets` saves: a stream a shard, state.json and dataset_info.json."""
    rows = planted_rows(rng, typed=True)
    cut = rng.randrange(1, len(rows))
    files: dict[str, bytes] = {}
    state: dict[str, Any] = {"_data_files": [], "_format_type": None, "_split": "train"}
    table = lists(rows, rng, views=True)
    shards = [(table.slice(0, cut), rows[:cut]), (table.slice(cut), rows[cut:])]
    parts = [_ipc_of(held, own, rng, stream=True, codec=None) for held, own in shards]
    for number, made in enumerate(parts):
        files[f"data-0000{number}-of-00002.arrow"] = made.files[made.name]
        state["_data_files"].append({"filename": f"data-0000{number}-of-00002.arrow"})
    feature = {"feature": {"dtype": "int64", "_type": "Value"}, "_type": "List"}
    info = {"features": dict.fromkeys(COLUMNS, feature), "splits": {"train": {"name": "train"}}}
    files["state.json"] = json.dumps(state, indent=2).encode()
    files["dataset_info.json"] = json.dumps(info, indent=2).encode()
    return Base(files, parts[0].marks, parts[0].numbers, tuple(rows), parts[0].parts)


def _base(
    files: dict[str, bytes],
    marks: list[int],
    numbers: list[int],
    rows: list[Row],
    parts: list[tuple[int, int]],
) -> Base:
    known = tuple(sorted(set(marks)))
    told = tuple(sorted({number for number in numbers if number > 0}))
    return Base(files, known, told, tuple(rows), tuple(parts))


CONTAINERS: dict[str, Callable[[random.Random], Base]] = {
    "parquet": parquet,
    "arrow-file": arrow_file,
    "arrow-stream": arrow_stream,
    "feather": feather,
    "jsonl": jsonl,
    "jsonl-gz": jsonl_gz,
    "jsonl-zst": jsonl_zst,
    "json-array": json_array,
    "save-to-disk": save_to_disk,
}


@lru_cache(maxsize=64)
def base_of(container: str, seed: int, variant: int) -> Base:
    """One of the sound datasets of a container and a seed."""
    return CONTAINERS[container](random.Random(f"{container} {seed} {variant}"))
