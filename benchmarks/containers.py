"""Writers of the containers that the generator knows; must know nothing of tokens or our packages.

Every writer takes record batches, one after the other, and may cut the file into shards.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

CODECS = {
    "parquet": ("zstd", "snappy", "none"),
    "arrow": ("none", "zstd"),
    "jsonl": ("none",),
    "saved": ("none",),
}
ROWS_OF_DATASETS = 1_000  # rows of a record batch as `datasets` writes them

Write = Callable[[pa.RecordBatch], None]


def shard_paths(out: Path, kind: str, shards: int) -> list[Path]:
    """The files of a dataset: OUT itself, or a folder OUT of numbered ones."""
    if kind == "saved":
        return [out / f"data-{i:05d}-of-{shards:05d}.arrow" for i in range(shards)]
    if shards == 1:
        return [out]
    return [out / f"train-{i:05d}-of-{shards:05d}.{kind}" for i in range(shards)]


@contextmanager
def open_writer(path: Path, kind: str, codec: str, schema: pa.Schema) -> Iterator[Write]:
    """A function that appends one batch to a file: a row group, record batch or lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if kind == "parquet":
            parquet = stack.enter_context(pq.ParquetWriter(path, schema, compression=codec))
            yield lambda batch: parquet.write_batch(batch, row_group_size=batch.num_rows)
        elif kind == "arrow":
            options = pa.ipc.IpcWriteOptions(compression=None if codec == "none" else codec)
            arrow = stack.enter_context(pa.ipc.new_file(path, schema, options=options))
            yield arrow.write_batch
        elif kind == "saved":
            named = schema.with_metadata({"huggingface": json.dumps({"info": info(schema)})})
            stream = stack.enter_context(pa.ipc.new_stream(path, named))
            yield lambda batch: stream.write_table(
                pa.Table.from_batches([batch]).replace_schema_metadata(named.metadata),
                max_chunksize=ROWS_OF_DATASETS,
            )
        else:
            lines = stack.enter_context(path.open("w", encoding="ascii"))
            yield lambda batch: lines.writelines(json_lines(batch))


def json_lines(batch: pa.RecordBatch) -> Iterator[str]:
    """One JSON object a row; a null cell is left out of its row."""
    for start in range(0, batch.num_rows, 1_000):
        for row in batch.slice(start, 1_000).to_pylist():
            kept = {key: value for key, value in row.items() if value is not None}
            yield json.dumps(kept, separators=(",", ":")) + "\n"


def finish_saved(folder: Path, shards: list[Path], schema: pa.Schema) -> None:
    """The two files that make a folder of Arrow streams one that `datasets` loads."""
    state: dict[str, Any] = {
        "_data_files": [{"filename": shard.name} for shard in shards],
        "_fingerprint": "0" * 16,
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": "train",
    }
    texts = dict.fromkeys(("citation", "description", "homepage", "license"), "")
    for name, content in (("state.json", state), ("dataset_info.json", {**texts, **info(schema)})):
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def info(schema: pa.Schema) -> dict[str, Any]:
    """The features of lists of integers in the words of `datasets`."""
    return {
        "features": {
            field.name: {
                "feature": {"dtype": str(field.type.value_type), "_type": "Value"},
                "_type": "List",
            }
            for field in schema
        }
    }
