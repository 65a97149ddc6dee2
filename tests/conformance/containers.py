"""Rows as files on disk, as producers leave them.

Imports Arrow or `datasets` only when a file is written.
"""

from __future__ import annotations

import csv
import gzip
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.conformance.rows import IDS, LABELS, MASK, Rows

TYPES = {IDS: "list<int32>", MASK: "list<int8>", LABELS: "list<int64>"}
LFS_POINTER = (
    f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0123456789abcdef' * 4}\nsize 4096\n"
)


def arrow_type(text: str) -> Any:
    """The Arrow type that a text such as ``list<int32>`` names."""
    import pyarrow as pa

    for prefix, make in (("large_list<", pa.large_list), ("list<", pa.list_)):
        if text.startswith(prefix):
            return make(arrow_type(text[len(prefix) : -1]))
    return pa.type_for_alias(text)


def table(rows: Rows, types: Mapping[str, str]) -> Any:
    """The rows as an Arrow table; a column without a type gets what Arrow infers."""
    import pyarrow as pa

    wanted = {**TYPES, **types}
    names = list(dict.fromkeys(name for row in rows for name in row)) or list(wanted)
    arrays = [
        pa.array(
            [row.get(name) for row in rows],
            type=arrow_type(wanted[name]) if name in wanted else None,
        )
        for name in names
    ]
    return pa.table(arrays, names=names)


def parquet(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """One parquet file."""
    import pyarrow.parquet as pq

    path = folder / "train.parquet"
    pq.write_table(table(rows, types), path)
    return path


def jsonl(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """One JSON object a line."""
    path = folder / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def json_array(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """One JSON array of all rows."""
    path = folder / "train.json"
    path.write_text(json.dumps(rows))
    return path


def comma_separated(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """A csv file, whose lists have become text."""
    path = folder / "train.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def feather(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """An Arrow file under the ending that pandas gives it."""
    import pyarrow.feather

    path = folder / "train.feather"
    pyarrow.feather.write_feather(table(rows, types), path, compression="uncompressed")
    return path


def short_ending(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """A parquet file that ends in .pq."""
    return parquet(rows, types, folder).rename(folder / "train.pq")


def in_csv_folder(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """A jsonl file in a folder whose name looks like another format."""
    inner = folder / "export.csv.d"
    inner.mkdir()
    return jsonl(rows, types, inner)


def zipped_parquet(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """A parquet file inside a zip archive."""
    path = parquet(rows, types, folder)
    with zipfile.ZipFile(folder / "train.parquet.zip", "w") as archive:
        archive.write(path, "train.parquet")
    path.unlink()
    return folder / "train.parquet.zip"


def two_kinds(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """A folder with half of the rows as parquet and half as jsonl."""
    inner = folder / "data"
    inner.mkdir()
    half = len(rows) // 2
    parquet(rows[:half], types, inner)
    jsonl(rows[half:], types, inner)
    return inner


def saved(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """A folder as `datasets` saves one."""
    import datasets

    datasets.Dataset(table(rows, types)).save_to_disk(str(folder / "saved"))
    return folder / "saved"


def saved_for_numpy(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """A folder as `datasets` saves one whose cells come as numpy arrays."""
    import datasets

    dataset = datasets.Dataset(table(rows, types)).with_format("numpy")
    dataset.save_to_disk(str(folder / "saved"))
    return folder / "saved"


def saved_without_train(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """A folder of splits, none of which is called train."""
    import datasets

    one = datasets.Dataset(table(rows, types))
    datasets.DatasetDict({"training": one}).save_to_disk(str(folder / "saved"))
    return folder / "saved"


def cut_parquet(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """A parquet file that lost its end."""
    path = parquet(rows, types, folder)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def cut_jsonl(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """A jsonl file whose last line lost its end."""
    path = jsonl(rows, types, folder)
    path.write_text(path.read_text()[:-20])
    return path


def cut_gzip(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """A compressed jsonl file that lost its end."""
    whole = gzip.compress(jsonl(rows, types, folder).read_bytes())
    (folder / "train.jsonl").unlink()
    path = folder / "train.jsonl.gz"
    path.write_bytes(whole[: len(whole) // 2])
    return path


def empty_parquet(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """A file of no bytes."""
    path = folder / "train.parquet"
    path.write_bytes(b"")
    return path


def empty_jsonl(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """A jsonl file of no bytes."""
    path = folder / "train.jsonl"
    path.write_bytes(b"")
    return path


def lfs_pointer(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """What git leaves where a large file was not fetched."""
    path = folder / "train.parquet"
    path.write_text(LFS_POINTER)
    return path


def jsonl_named_parquet(rows: Rows, types: Mapping[str, str], folder: Path) -> Path:
    """Text under the ending of another kind."""
    return jsonl(rows, types, folder).rename(folder / "train.parquet")


Writer = Callable[[Rows, Mapping[str, str], Path], Path]

WRITERS: dict[str, Writer] = {
    "parquet": parquet,
    "jsonl": jsonl,
    "json": json_array,
    "csv": comma_separated,
    "feather": feather,
    "pq": short_ending,
    "jsonl in a folder called export.csv.d": in_csv_folder,
    "zip of parquet": zipped_parquet,
    "folder of parquet and jsonl": two_kinds,
    "save_to_disk": saved,
    "save_to_disk, numpy format": saved_for_numpy,
    "save_to_disk, no train split": saved_without_train,
    "cut parquet": cut_parquet,
    "cut jsonl": cut_jsonl,
    "cut jsonl.gz": cut_gzip,
    "parquet of 0 bytes": empty_parquet,
    "jsonl of 0 bytes": empty_jsonl,
    "git-LFS pointer": lfs_pointer,
    "jsonl named .parquet": jsonl_named_parquet,
}
