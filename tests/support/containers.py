"""Write rows in every container, with libraries that are not ours; return the shards in order."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.rows import COLUMNS, Row

Writer = Callable[[Path, Sequence[Row], random.Random], list[Path]]


def table(rows: Sequence[Row], large: bool = False) -> pa.Table:
    """The rows as `list` or `large_list` of 64-bit integers."""
    dtype = (pa.large_list if large else pa.list_)(pa.int64())
    columns = {name: pa.array([row[name] for row in rows], dtype) for name in COLUMNS}
    return pa.table(columns)


def cuts(rows: Sequence[Row], rng: random.Random) -> list[Sequence[Row]]:
    """The rows in stretches of random lengths."""
    at = sorted(rng.randrange(len(rows) + 1) for _ in range(rng.randrange(4)))
    return [rows[a:b] for a, b in zip([0, *at], [*at, len(rows)], strict=True)]


def parquet(folder: Path, rows: Sequence[Row], rng: random.Random) -> list[Path]:
    """Several row groups."""
    pq.write_table(table(rows), folder / "x.parquet", row_group_size=rng.randint(1, 9))
    return [folder / "x.parquet"]


def parquet_shards(folder: Path, rows: Sequence[Row], rng: random.Random) -> list[Path]:
    """Several files of large lists, some of them empty."""
    paths = []
    for number, part in enumerate(cuts(rows, rng)):
        paths.append(folder / f"x{number}.parquet")
        pq.write_table(table(part, large=True), paths[-1], compression="snappy")
    return paths


def arrow_file(folder: Path, rows: Sequence[Row], rng: random.Random) -> list[Path]:
    """An IPC file of several batches."""
    whole = table(rows)
    with pa.ipc.new_file(folder / "x.arrow", whole.schema) as writer:
        for batch in whole.to_batches(max_chunksize=rng.randint(1, 9)):
            writer.write_batch(batch)
    return [folder / "x.arrow"]


def arrow_stream(folder: Path, rows: Sequence[Row], rng: random.Random) -> list[Path]:
    """An IPC stream of several batches."""
    whole = table(rows, large=True)
    with pa.ipc.new_stream(folder / "x.arrow", whole.schema) as writer:
        for batch in whole.to_batches(max_chunksize=rng.randint(1, 9)):
            writer.write_batch(batch)
    return [folder / "x.arrow"]


def lines(rows: Sequence[Row], rng: random.Random) -> str:
    """JSON Lines; a null cell is written as null or left out (not in every row: then the column
    would be missing, which is another fault).
    """
    said = {name for name in COLUMNS if all(row[name] is None for row in rows)}
    texts = []
    for row in rows:
        kept = {k: v for k, v in row.items() if v is not None or k in said or rng.random() < 0.5}
        texts.append(json.dumps(kept, separators=rng.choice([None, (",", ":")])))
    end = rng.choice(["\n", "\n", "\r\n", "\n\n"])
    return end.join(texts) + (end if texts else "")


def jsonl(folder: Path, rows: Sequence[Row], rng: random.Random) -> list[Path]:
    """JSON Lines."""
    (folder / "x.jsonl").write_text(lines(rows, rng), encoding="utf-8")
    return [folder / "x.jsonl"]


def jsonl_gz(folder: Path, rows: Sequence[Row], rng: random.Random) -> list[Path]:
    """JSON Lines in two gzip members."""
    with (folder / "x.jsonl.gz").open("wb") as file:
        for part in (rows[:3], rows[3:]):
            file.write(gzip.compress(lines(part, rng).encode()))
    return [folder / "x.jsonl.gz"]


def json_array(folder: Path, rows: Sequence[Row], rng: random.Random) -> list[Path]:
    """One indented JSON array."""
    (folder / "x.json").write_text(json.dumps(list(rows), indent=rng.choice([None, 1])))
    return [folder / "x.json"]


def save_to_disk(folder: Path, rows: Sequence[Row], rng: random.Random) -> list[Path]:
    """A folder of the library `datasets`, in several shards."""
    import datasets

    features = datasets.Features(
        {name: datasets.Sequence(datasets.Value("int64")) for name in COLUMNS}
    )
    dataset = datasets.Dataset.from_dict(
        {name: [row[name] for row in rows] for name in COLUMNS}, features=features
    )
    datasets.disable_progress_bars()
    dataset.save_to_disk(folder / "x", num_shards=min(len(rows), rng.randint(1, 3)))
    listed = json.loads((folder / "x" / "state.json").read_text())["_data_files"]
    return [folder / "x" / entry["filename"] for entry in listed]


BINARY: dict[str, Writer] = {
    "parquet": parquet,
    "parquet-shards": parquet_shards,
    "arrow-file": arrow_file,
    "arrow-stream": arrow_stream,
    "save-to-disk": save_to_disk,
}
JSON: dict[str, Writer] = {"jsonl": jsonl, "jsonl-gz": jsonl_gz, "json-array": json_array}
WRITERS = {**BINARY, **JSON}
