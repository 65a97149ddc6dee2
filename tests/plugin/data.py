"""Small datasets for the plugin's tests, written with pyarrow, json and datasets alone.

Must not import the project: what is tested here is read by other libraries' rules.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]

COLUMNS = ("input_ids", "attention_mask", "labels")
FAULT = "label-not-input-id"  # the rule that `faulty_rows` break


def clean_rows(count: int = 6, seed: int = 1) -> list[Row]:
    """Rows that break no rule; rows of two seeds have no row in common."""
    rows = []
    for number in range(count):
        length = 18 + number % 5
        ids = [1, *(1000 * seed + 7 * number + 3 * i for i in range(length - 2)), 2]
        prompt = length // 2
        labels = [-100] * prompt + ids[prompt:]
        rows.append({"input_ids": ids, "attention_mask": [1] * length, "labels": labels})
    return rows


def faulty_rows(count: int = 6, seed: int = 1, row: int = 3) -> list[Row]:
    """Rows of which one has a wrong label, at its last position but one."""
    rows = clean_rows(count, seed)
    rows[row]["labels"][-2] += 1
    return rows


def overlapping_rows(seed: int = 1) -> list[Row]:
    """Rows of which the first also stands in ``clean_rows(seed=seed)``."""
    return clean_rows(1, seed) + clean_rows(4, seed + 50)


def table_of(rows: Sequence[Row], columns: Sequence[str] = COLUMNS) -> pa.Table:
    """The rows as an Arrow table, ``list<int32>`` each, three rows a batch."""
    kind = pa.list_(pa.int32())
    return pa.table({name: pa.array([row[name] for row in rows], kind) for name in columns})


def write(path: Path, rows: Sequence[Row] | pa.Table) -> Path:
    """Write rows in the container that the path's suffix names, and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.name
    if name.endswith(".jsonl"):
        assert not isinstance(rows, pa.Table)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path
    table = rows if isinstance(rows, pa.Table) else table_of(rows)
    if name.endswith((".arrow", ".ipc", ".feather")):
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=3)
    else:
        pq.write_table(table, path, row_group_size=3)
    return path


def write_saved(folder: Path, splits: dict[str, list[Row]] | list[Row]) -> Path:
    """Write a folder as `datasets` saves a DatasetDict, or a Dataset where one list is given."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(splits, dict):
        text = json.dumps({"splits": list(splits)})
        (folder / "dataset_dict.json").write_text(text, encoding="utf-8")
        for name, rows in splits.items():
            write_saved(folder / name, rows)
        return folder
    table = table_of(splits)
    name = "data-00000-of-00001.arrow"
    with (
        pa.OSFile(str(folder / name), "wb") as sink,
        pa.ipc.new_stream(sink, table.schema) as writer,
    ):
        writer.write_table(table, max_chunksize=3)
    state = {"_data_files": [{"filename": name}], "_fingerprint": "0", "_split": None}
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    (folder / "dataset_info.json").write_text("{}", encoding="utf-8")
    return folder


def shards(
    folder: Path, name: str, parts: Sequence[Sequence[Row]], suffix: str = "parquet"
) -> None:
    """Write one split in numbered files, as the Hub does."""
    for number, rows in enumerate(parts):
        write(folder / f"{name}-{number:05}-of-{len(parts):05}.{suffix}", rows)


def declare(folder: Path, text: str) -> Path:
    """Write a declaration, without the indentation of the test that holds it."""
    from textwrap import dedent

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pyproject.toml"
    path.write_text(dedent(text), encoding="utf-8")
    return path
