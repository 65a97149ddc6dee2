"""A table that can be written in several containers, as a pipeline would leave it.

Draws nothing, reads nothing.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

Container = Literal["parquet", "arrow", "arrow-stream", "jsonl", "jsonl-gz", "json", "save-to-disk"]


@dataclass(frozen=True)
class Dataset:
    """A table, and how it is to be written.

    ``shards`` are files of about equally many rows (parquet and save-to-disk); ``rows_together`` is
    the number of rows in a row group or record batch.
    """

    table: pa.Table
    container: Container
    shards: int = 1
    rows_together: int = 1024

    def write(self, folder: Path) -> Path:
        """Write the table into a folder, which is made if need be.

        Returns what to give to `pytest_pretok.check` and ``--pretok-data``: the file, or a folder
        of shards.

        Raises:
            ImportError: the container is save-to-disk, and `datasets` is not installed.
        """
        folder.mkdir(parents=True, exist_ok=True)
        return _WRITERS[self.container](self, folder)

    def parts(self) -> Iterator[tuple[str, pa.Table]]:
        """The shards: names without suffix, and their rows in order."""
        rows = self.table.num_rows
        cuts = [rows * number // self.shards for number in range(self.shards + 1)]
        for number, (low, high) in enumerate(pairwise(cuts)):
            name = f"train-{number:05}-of-{self.shards:05}" if self.shards > 1 else "train"
            yield name, self.table.slice(low, high - low)


def _parquet(dataset: Dataset, folder: Path) -> Path:
    home = folder / "train" if dataset.shards > 1 else folder
    home.mkdir(exist_ok=True)
    path = home
    for name, part in dataset.parts():
        path = home / f"{name}.parquet"
        pq.write_table(part, path, row_group_size=dataset.rows_together)
    return home if dataset.shards > 1 else path


def _arrow(dataset: Dataset, folder: Path) -> Path:
    path = folder / "train.arrow"
    with pa.ipc.new_file(path, dataset.table.schema) as writer:
        writer.write_table(dataset.table, max_chunksize=dataset.rows_together)
    return path


def _arrow_stream(dataset: Dataset, folder: Path) -> Path:
    path = folder / "train.arrow"
    with pa.ipc.new_stream(path, dataset.table.schema) as writer:
        writer.write_table(dataset.table, max_chunksize=dataset.rows_together)
    return path


def _lines(dataset: Dataset) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in dataset.table.to_pylist())


def _jsonl(dataset: Dataset, folder: Path) -> Path:
    path = folder / "train.jsonl"
    path.write_text(_lines(dataset), encoding="utf-8")
    return path


def _jsonl_gz(dataset: Dataset, folder: Path) -> Path:
    path = folder / "train.jsonl.gz"
    path.write_bytes(gzip.compress(_lines(dataset).encode()))
    return path


def _json(dataset: Dataset, folder: Path) -> Path:
    path = folder / "train.json"
    path.write_text(json.dumps(dataset.table.to_pylist()), encoding="utf-8")
    return path


def _save_to_disk(dataset: Dataset, folder: Path) -> Path:
    try:
        import datasets  # lazy: optional, and seconds to import
    except ImportError as error:
        raise ImportError(
            "the container save-to-disk needs the package datasets: pip install datasets"
        ) from error
    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        datasets.Dataset(datasets.table.InMemoryTable(dataset.table)).save_to_disk(
            folder / "train", num_shards=dataset.shards
        )
    finally:
        if shown:
            datasets.enable_progress_bars()
    return folder / "train"


_WRITERS: dict[Container, Callable[[Dataset, Path], Path]] = {
    "parquet": _parquet,
    "arrow": _arrow,
    "arrow-stream": _arrow_stream,
    "jsonl": _jsonl,
    "jsonl-gz": _jsonl_gz,
    "json": _json,
    "save-to-disk": _save_to_disk,
}
CONTAINERS: tuple[Container, ...] = tuple(_WRITERS)
