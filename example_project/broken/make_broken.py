"""Writes the faulty datasets of this folder, and expected.json, from the clean rows.

    python make_broken.py

Every dataset is 24 clean rows of ../data/sft/train.parquet with one fault of faults.py planted, or
a file with a fault of its own. expected.json says where each fault is, as the plants told it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import faults
from faults import Planted, Rows

HERE = Path(__file__).resolve().parent
CLEAN = HERE.parent / "data" / "sft" / "train.parquet"
ROWS = 24

SCHEMA = pa.schema(
    [
        ("input_ids", pa.list_(pa.int32())),
        ("attention_mask", pa.list_(pa.int8())),
        ("labels", pa.list_(pa.int64())),
    ]
)
UNSIGNED = SCHEMA.set(2, pa.field("labels", pa.list_(pa.uint32())))
LABEL = SCHEMA.set(2, SCHEMA.field("labels").with_name("label"))
TEXT = pa.schema([(name, pa.string()) for name in SCHEMA.names])


def write_parquet(rows: Rows, path: Path, schema: pa.Schema = SCHEMA) -> None:
    """Parquet in two row groups."""
    table = pa.Table.from_pylist(rows, schema=schema)
    pq.write_table(table, path, compression="zstd", row_group_size=ROWS // 2)


def write_arrow(rows: Rows, path: Path) -> None:
    """The Arrow IPC file format, in two record batches."""
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table, max_chunksize=ROWS // 2)


def write_lines(rows: Rows, path: Path) -> None:
    """JSON lines, with gzip if the name says so."""
    data = "".join(json.dumps(row) + "\n" for row in rows).encode("ascii")
    # Without a time the same rows give the same bytes.
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def write_saved(rows: Rows, path: Path) -> None:
    """What Dataset.save_to_disk writes: an Arrow stream and two small files about it."""
    path.mkdir()
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    name = "data-00000-of-00001.arrow"
    with pa.ipc.new_stream(path / name, table.schema) as stream:
        stream.write_table(table)
    features = {
        field.name: {
            "feature": {"dtype": str(field.type.value_type), "_type": "Value"},
            "_type": "List",
        }
        for field in table.schema
    }
    info = {"citation": "", "description": "", "features": features, "homepage": "", "license": ""}
    state: dict[str, object] = {
        "_data_files": [{"filename": name}],
        "_fingerprint": hashlib.sha256((path / name).read_bytes()).hexdigest()[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
    write_json(info, path / "dataset_info.json")
    write_json(state, path / "state.json")


def write_json(value: object, path: Path) -> None:
    """Indented JSON with a newline at the end."""
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="ascii")


# The dataset's name is the file's name up to the first dot.
SETS: list[tuple[str, Callable[[Rows], Planted], Callable[[Rows, Path], None]]] = [
    ("clean.jsonl", faults.nothing, write_lines),
    ("no-rows.parquet", faults.no_rows, write_parquet),
    ("missing-column.parquet", faults.missing_column, partial(write_parquet, schema=LABEL)),
    ("column-type.parquet", faults.column_type, partial(write_parquet, schema=TEXT)),
    ("null-row.jsonl", faults.null_row, write_lines),
    ("null-token.parquet", faults.null_token, write_parquet),
    ("length-mismatch.jsonl", faults.length_mismatch, write_lines),
    ("empty-row.jsonl", faults.empty_row, write_lines),
    ("short-row.arrow", faults.short_row, write_arrow),
    ("too-long.parquet", faults.too_long, write_parquet),
    ("mask-values.arrow", faults.mask_values, write_arrow),
    ("mask-hole.parquet", faults.mask_hole, write_parquet),
    ("mask-all-zero.jsonl.gz", faults.mask_all_zero, write_lines),
    ("trailing-padding.parquet", faults.trailing_padding, write_parquet),
    ("leading-padding.arrow", faults.leading_padding, write_arrow),
    ("trained-under-mask.parquet", faults.trained_under_mask, write_parquet),
    ("labels-shifted", faults.labels_shifted, write_saved),
    (
        "label-out-of-range.parquet",
        faults.label_out_of_range,
        partial(write_parquet, schema=UNSIGNED),
    ),
    ("label-not-input-id.parquet", faults.label_not_input_id, write_parquet),
    ("no-trainable-token.jsonl.gz", faults.no_trainable_token, write_lines),
    ("ignore-index-in-ids.parquet", faults.ignore_index_in_ids, write_parquet),
    ("token-out-of-vocab.jsonl", faults.token_out_of_vocab, write_lines),
    ("labels-are-a-mask.parquet", faults.labels_are_a_mask, write_parquet),
    ("wrong-ignore-value.jsonl", faults.wrong_ignore_value, write_lines),
    ("eos-never-trained.parquet", faults.eos_never_trained, write_parquet),
    ("missing-eos.arrow", faults.missing_eos, write_arrow),
    ("mixed-masking.parquet", faults.mixed_masking, write_parquet),
    ("repetition.jsonl", faults.repetition, write_lines),
]


def unreadable_truncated(clean: Rows) -> Planted:
    """The second half of a Parquet file is missing: a copy was broken off."""
    path = HERE / "unreadable-truncated.parquet"
    write_parquet(clean[:ROWS], path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return {"unreadable-file": None}


def unreadable_lfs_pointer() -> Planted:
    """git holds a pointer, and the data was never fetched."""
    data = CLEAN.read_bytes()
    text = (
        "version https://git-lfs.github.com/spec/v1\n"
        f"oid sha256:{hashlib.sha256(data).hexdigest()}\n"
        f"size {len(data)}\n"
    )
    (HERE / "unreadable-lfs-pointer.parquet").write_bytes(text.encode("ascii"))
    return {"unreadable-file": None}


def split_overlap(clean: Rows) -> Planted:
    """Rows were oversampled before they were split: three come twice in train, two also in test.

    The rows of duplicate-rows are those of train, the rows of split-overlap those of test.
    """
    folder = HERE / "split-overlap"
    folder.mkdir()
    write_lines(clean[:20] + clean[:3], folder / "train.jsonl")
    write_lines(clean[20:24] + clean[5:7], folder / "test.jsonl")
    return {"duplicate-rows": [20, 21, 22], "split-overlap": [4, 5]}


def main() -> None:
    """Write all datasets anew, then what must be found in them."""
    expected: dict[str, Planted] = {}
    clean_rows = pq.read_metadata(CLEAN).num_rows
    for number, (name, plant, write) in enumerate(SETS):
        start = 7 * number % (clean_rows - ROWS)
        rows = pq.read_table(CLEAN).to_pylist()[start : start + ROWS]
        path = HERE / name
        if path.is_dir():
            shutil.rmtree(path)
        expected[name.split(".")[0]] = plant(rows)
        write(rows, path)
    shutil.rmtree(HERE / "split-overlap", ignore_errors=True)
    clean = pq.read_table(CLEAN).to_pylist()
    expected["split-overlap"] = split_overlap(clean)
    expected["unreadable-truncated"] = unreadable_truncated(clean)
    expected["unreadable-lfs-pointer"] = unreadable_lfs_pointer()
    lines = [f"  {json.dumps(name)}: {json.dumps(planted)}" for name, planted in expected.items()]
    (HERE / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="ascii")
    print(f"{len(expected)} datasets written to {HERE.name}/")


if __name__ == "__main__":
    main()
