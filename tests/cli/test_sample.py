"""`pretok sample`: the rows are rows of the source, whole; read back with other libraries."""

from __future__ import annotations

import bz2
import errno
import gzip
import json
import lzma
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import zstandard
from click.testing import CliRunner, Result
from datasets import Dataset, DatasetDict, Features, Sequence, Value, load_from_disk
from hypothesis import given
from hypothesis import strategies as st

from pytest_pretok.cli import main
from pytest_pretok.samples.choose import choose
from tests.plugin.data import clean_rows, declare, faulty_rows, write

Row = dict[str, Any]


def run(*args: object) -> Result:
    """The command with these arguments."""
    return CliRunner().invoke(main, ["sample", *map(str, args)])


def sound(*args: object) -> Result:
    """The command, which must find no error in its sample."""
    done = run(*args)
    assert done.exit_code == 0, done.output
    return done


def make_rows(count: int, seed: int = 1) -> list[Row]:
    """Sound rows of many lengths, each with an id and a note of its own beside the three."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        ids = [1, *(rng.randint(10, 30_000) for _ in range(rng.randint(6, 200))), 2]
        cut = rng.randint(2, len(ids) - 3)
        rows.append({
            "input_ids": ids,
            "attention_mask": [1] * len(ids),
            "labels": [-100] * cut + ids[cut:],
            "note": f"{seed}-{number} «Gänse»",
        })  # fmt: skip
    return rows


SCHEMA = pa.schema(
    [
        pa.field("input_ids", pa.large_list(pa.int32())),
        pa.field("attention_mask", pa.list_(pa.int8())),
        pa.field("labels", pa.list_(pa.int64())),
        pa.field("note", pa.string(), metadata={b"lang": b"de"}),
    ],
    metadata={b"made-by": b"tests", b"n\xc3\xa4me": b"\xff\x00"},
)


def table(rows: list[Row]) -> pa.Table:
    """Rows with the types and metadata of `SCHEMA`."""
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def check_choice(rows: list[Row], found: list[Row], size: int) -> None:
    """The sample holds whole rows of the source in its order, the extremes among them."""
    assert len(found) == size
    notes = [row["note"] for row in rows]
    places = [notes.index(row["note"]) for row in found]
    assert places == sorted(places)
    assert all(row == rows[at] for row, at in zip(found, places, strict=True))
    lengths = [len(row["input_ids"]) for row in rows]
    own = [len(row["input_ids"]) for row in found]
    assert (min(own), max(own)) == (min(lengths), max(lengths))


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd", "gzip"])
def test_parquet(tmp_path: Path, codec: str) -> None:
    """Schema, metadata, compression and every column are the source's."""
    rows = make_rows(120)
    pq.write_table(table(rows), tmp_path / "a.parquet", row_group_size=17, compression=codec)

    sound(tmp_path / "a.parquet", "-n", 12, "-o", tmp_path / "s.parquet")

    found = pq.read_table(tmp_path / "s.parquet")
    source = pq.read_schema(tmp_path / "a.parquet")
    assert found.schema.equals(source, check_metadata=True)
    assert found.schema.metadata == SCHEMA.metadata
    kinds = {
        pq.ParquetFile(tmp_path / name).metadata.row_group(0).column(0).compression
        for name in ("a.parquet", "s.parquet")
    }
    assert len(kinds) == 1
    check_choice(rows, found.to_pylist(), 12)


def ipc_file(path: Path, rows: list[Row]) -> None:
    """An Arrow file of several batches."""
    with pa.ipc.new_file(str(path), SCHEMA) as writer:
        writer.write_table(table(rows), max_chunksize=13)


def ipc_stream(path: Path, rows: list[Row]) -> None:
    """An Arrow stream of several batches."""
    with pa.ipc.new_stream(str(path), SCHEMA) as writer:
        writer.write_table(table(rows), max_chunksize=13)


@pytest.mark.parametrize(
    ("name", "make", "read"),
    [
        ("a.arrow", ipc_file, lambda path: pa.ipc.open_file(path).read_all()),
        ("a.arrow", ipc_stream, lambda path: pa.ipc.open_stream(path).read_all()),
        (
            "a.feather",
            lambda path, rows: pyarrow.feather.write_feather(table(rows), str(path)),
            lambda path: pyarrow.feather.read_table(path),
        ),
    ],
)
def test_arrow(
    tmp_path: Path,
    name: str,
    make: Callable[[Path, list[Row]], None],
    read: Callable[[str], pa.Table],
) -> None:
    """Arrow files stay files and streams stay streams, with schema and metadata."""
    rows = make_rows(100)
    make(tmp_path / name, rows)
    out = tmp_path / name.replace("a.", "s.")

    sound(tmp_path / name, "-n", 9, "-o", out)

    found = read(str(out))
    assert found.schema.equals(SCHEMA, check_metadata=True)
    check_choice(rows, found.to_pylist(), 9)


def odd_line(row: Row, number: int) -> bytes:
    """A row as nobody's library would write it: odd spaces, escapes and order."""
    head, note = json.dumps(row["input_ids"]), json.dumps(row["note"], ensure_ascii=number % 2 == 0)
    mask, labels = json.dumps(row["attention_mask"]), json.dumps(row["labels"])
    pad = " " * (number % 3)
    text = f'{{{pad}"note":{note},"labels": {labels} , "input_ids":{head},"attention_mask":{mask}}}'
    return text.encode()


def unpacked(data: bytes) -> bytes:
    """A frame of zstd, whose header need not tell its size."""
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


@pytest.mark.parametrize(
    ("suffix", "pack", "unpack"),
    [
        (".jsonl", bytes, bytes),
        (".jsonl.gz", gzip.compress, gzip.decompress),
        (".jsonl.bz2", bz2.compress, bz2.decompress),
        (".jsonl.xz", lzma.compress, lzma.decompress),
        (".jsonl.zst", zstandard.compress, unpacked),
    ],
)
def test_json_lines(
    tmp_path: Path,
    suffix: str,
    pack: Callable[[bytes], bytes],
    unpack: Callable[[bytes], bytes],
) -> None:
    """The bytes of a line are the source's; blank lines are no rows; compression stays."""
    rows = make_rows(60)
    lines = [odd_line(row, number) for number, row in enumerate(rows)]
    text = b"\r\n" + b"\n\n".join(lines[:30]) + b"\n \t\n" + b"\n".join(lines[30:])
    (tmp_path / f"a{suffix}").write_bytes(pack(text))

    sound(tmp_path / f"a{suffix}", "-n", 8, "-o", tmp_path / f"s{suffix}")

    found = unpack((tmp_path / f"s{suffix}").read_bytes()).splitlines()
    assert set(found) <= set(lines)
    check_choice(rows, [json.loads(line) for line in found], 8)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("count", [1, 3])
def test_a_last_line_without_an_end(
    tmp_path: Path, count: int, pack: Callable[[bytes], bytes]
) -> None:
    """It is a row like the others, and ends in the sample."""
    lines = [odd_line(row, number) for number, row in enumerate(make_rows(count))]
    source, out = tmp_path / "a.jsonl", tmp_path / "s.jsonl"
    if pack is not bytes:
        source, out = tmp_path / "a.jsonl.gz", tmp_path / "s.jsonl.gz"
    source.write_bytes(pack(b"\n".join(lines)))

    sound(source, "-n", count, "-o", out)

    found = out.read_bytes() if pack is bytes else gzip.decompress(out.read_bytes())
    assert found == b"".join(line + b"\n" for line in lines)


def test_json_array(tmp_path: Path) -> None:
    """An array stays one."""
    rows = make_rows(40)
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")

    sound(tmp_path / "a.json", "-n", 7, "-o", tmp_path / "s.json")

    check_choice(rows, json.loads((tmp_path / "s.json").read_bytes()), 7)


FEATURES = Features(
    {
        "input_ids": Sequence(Value("int32")),
        "attention_mask": Sequence(Value("int8")),
        "labels": Sequence(Value("int64")),
        "note": Value("string"),
    }
)


def test_saved_dataset(tmp_path: Path) -> None:
    """A folder that `datasets` loads, with its features and format."""
    rows = make_rows(90)
    made = Dataset.from_list(rows, features=FEATURES).with_format("numpy")
    made.save_to_disk(tmp_path / "d", num_shards=3)

    sound(tmp_path / "d", "-n", 10, "-o", tmp_path / "s")

    found = load_from_disk(tmp_path / "s")
    assert found.features == FEATURES
    assert found.format["type"] == "numpy"
    check_choice(rows, found.with_format(None).to_list(), 10)
    assert found._fingerprint != load_from_disk(tmp_path / "d")._fingerprint


def test_saved_dict(tmp_path: Path) -> None:
    """A DatasetDict stays one, with so many rows of each split; one split alone is one too."""
    splits = {"train": make_rows(50, 1), "test": make_rows(30, 2), "few": make_rows(3, 3)}
    made = {k: Dataset.from_list(v, features=FEATURES) for k, v in splits.items()}
    DatasetDict(made).save_to_disk(tmp_path / "d", num_shards={"train": 2, "test": 1, "few": 1})

    sound(tmp_path / "d", "-n", 5, "-o", tmp_path / "s")
    sound(tmp_path / "d", "-n", 5, "-o", tmp_path / "one", "--split", "test")

    found = load_from_disk(tmp_path / "s")
    assert isinstance(found, DatasetDict)
    for name, rows in splits.items():
        check_choice(rows, found[name].to_list(), min(5, len(rows)))
    assert list(load_from_disk(tmp_path / "one")) == ["test"]


def test_shards_of_a_split(tmp_path: Path) -> None:
    """One file of them all, in their order; no shard is forgotten."""
    rows = []
    for at in range(4):
        own = make_rows(25, at + 1)
        pq.write_table(table(own), tmp_path / f"d-0000{at}-of-00004.parquet")
        rows += own

    sound(tmp_path, "-n", 16, "-o", tmp_path / "s.parquet")

    found = pq.read_table(tmp_path / "s.parquet").to_pylist()
    check_choice(rows, found, 16)
    shards = Counter(row["note"].split("-")[0] for row in found)
    assert min(shards.values()) >= 3


def test_splits_make_a_folder(tmp_path: Path) -> None:
    """Files of several splits: a file each, named after them."""
    for name, seed in (("train", 1), ("validation", 2)):
        write(tmp_path / f"d/{name}.jsonl", make_rows(20, seed))

    sound(tmp_path / "d", "-n", 4, "-o", tmp_path / "s")

    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == [
        "train.jsonl",
        "validation.jsonl",
    ]
    lines = (tmp_path / "s/validation.jsonl").read_text().splitlines()
    check_choice(make_rows(20, 2), [json.loads(line) for line in lines], 4)


def test_a_file_means_itself(tmp_path: Path) -> None:
    """A file that is named gives its rows alone, whatever it belongs to."""
    for name, seed in (("train", 1), ("validation", 2)):
        write(tmp_path / f"d/{name}.jsonl", make_rows(20, seed))

    sound(tmp_path / "d/train.jsonl", "-n", 4, "-o", tmp_path / "s.jsonl")

    lines = (tmp_path / "s.jsonl").read_text().splitlines()
    check_choice(make_rows(20, 1), [json.loads(line) for line in lines], 4)


def test_seeds(tmp_path: Path) -> None:
    """The same seed gives the same bytes, another seed other rows; content decides nothing."""
    rows = make_rows(200)
    write(tmp_path / "a.jsonl", rows)
    other = [{**row, "note": row["note"] + "!"} for row in rows]
    write(tmp_path / "b.jsonl", other)
    outs = {}
    for name, source, seed in (("s", "a", 0), ("t", "a", 0), ("u", "a", 1), ("v", "b", 0)):
        out = tmp_path / f"{name}.jsonl"
        sound(tmp_path / f"{source}.jsonl", "-n", 20, "-o", out, "--seed", seed)
        outs[name] = out.read_text(encoding="utf-8")

    assert outs["s"] == outs["t"]
    assert outs["s"] != outs["u"]
    assert [json.loads(line)["note"] + "!" for line in outs["s"].splitlines()] == [
        json.loads(line)["note"] for line in outs["v"].splitlines()
    ]


@given(
    lengths=st.lists(st.integers(0, 30), min_size=1, max_size=120),
    size=st.integers(1, 40),
    seed=st.integers(-(2**70), 2**70),
    data=st.data(),
)
def test_choices(lengths: list[int], size: int, seed: int, data: st.DataObject) -> None:
    """So many different rows, rising, one of each stretch of lengths, with both extremes."""
    rows = len(lengths)
    shards = sorted(data.draw(st.lists(st.integers(0, 3), min_size=rows, max_size=rows)))
    found = choose(np.asarray(lengths), np.asarray(shards), size, seed).tolist()

    assert found == sorted(set(found))
    assert len(found) == min(size, rows)
    taken = sorted(lengths[row] for row in found)
    assert taken[-1] == max(lengths)
    if size > 1:
        assert taken[0] == min(lengths)
    if size < rows:
        ordered = sorted(lengths)
        for number, length in enumerate(taken):
            stretch = ordered[number * rows // size : (number + 1) * rows // size]
            assert stretch[0] <= length <= stretch[-1]


def test_a_faulty_sample_is_written(tmp_path: Path) -> None:
    """The faults of the source are named, the exit code is 1, and the file is there."""
    write(tmp_path / "a.jsonl", faulty_rows())

    done = run(tmp_path / "a.jsonl", "-n", 6, "-o", tmp_path / "s.jsonl")

    assert done.exit_code == 1
    assert "error    label-not-input-id: 1 of 6 rows" in done.output
    assert (tmp_path / "s.jsonl").read_bytes() == (tmp_path / "a.jsonl").read_bytes()


def test_the_declaration_holds_for_the_sample(tmp_path: Path) -> None:
    """The sample is judged with the settings of its dataset."""
    write(tmp_path / "a.jsonl", clean_rows())
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pretok.datasets.d]\npath = "a.jsonl"\nvocab-size = 20\n'
    )

    done = run(tmp_path / "a.jsonl", "-o", tmp_path / "s.jsonl")

    assert done.exit_code == 1
    assert "token-out-of-vocab" in done.output


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("a.jsonl", "-o", "there.jsonl"), "there.jsonl is there already; --force overwrites it"),
        (("a.jsonl", "-o", "a.jsonl", "--force"), "is where the rows come from"),
        (("d", "-o", ".", "--force"), "is where the rows come from"),
        (("a.jsonl", "-o", "s.parquet"), "so does a sample of them"),
        (("a.jsonl", "-o", "s.jsonl.gz"), "so does a sample of them"),
        (("d", "-o", "s.jsonl"), "a sample of 2 splits is a folder"),
        (("a.jsonl", "-o", "no/s.jsonl"), "there is no folder"),
        (("a.jsonl", "-o", "precious", "--force"), "holds other things than data"),
        (("a.jsonl", "-n", "0", "-o", "s.jsonl"), "0 is not in the range"),
        (("nowhere", "-o", "s.jsonl"), "there is no such file or folder"),
        (("a.jsonl",), "Missing option"),
    ],
)
def test_refusals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], says: str
) -> None:
    """Nothing is overwritten or left behind."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.jsonl", clean_rows())
    write(tmp_path / "d/train.jsonl", clean_rows())
    write(tmp_path / "d/test.jsonl", clean_rows(4, 2))
    (tmp_path / "there.jsonl").write_text("mine")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/thesis.tex").write_text("mine")
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}

    done = run(*args)

    assert done.exit_code == 4, done.output
    assert says in " ".join(done.output.split())
    assert {p: p.is_file() and p.read_bytes() for p in tmp_path.rglob("*")} == before


def test_force(tmp_path: Path) -> None:
    """A file, and a folder of data, are replaced as a whole."""
    write(tmp_path / "a.jsonl", clean_rows())
    write(tmp_path / "d/train.jsonl", clean_rows())
    write(tmp_path / "d/test.jsonl", clean_rows(4, 2))
    (tmp_path / "s.jsonl").write_text("old")
    write(tmp_path / "s/old.jsonl", clean_rows())

    sound(tmp_path / "a.jsonl", "-n", 2, "-o", tmp_path / "s.jsonl", "--force")
    sound(tmp_path / "d", "-n", 2, "-o", tmp_path / "s", "--force")

    assert len((tmp_path / "s.jsonl").read_text().splitlines()) == 2
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == [
        "test.jsonl",
        "train.jsonl",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "d", "s", "s.jsonl"]


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl", "a.arrow"])
def test_broken_sources(tmp_path: Path, name: str) -> None:
    """A source that cannot be read to its end gives no sample, and 1."""
    path = write(tmp_path / name, clean_rows(30))
    path.write_bytes(path.read_bytes()[:-40])

    done = run(path, "-n", 3, "-o", tmp_path / f"s{path.suffix}")

    assert done.exit_code == 1, done.output
    assert name in done.output
    assert [one.name for one in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_shard_without_a_chosen_row(tmp_path: Path, suffix: str) -> None:
    """Of three shards, one row is taken, and no more than it is read."""
    rows = make_rows(30)
    for at in range(3):
        write(tmp_path / f"d-0000{at}-of-00003.{suffix}", rows[10 * at : 10 * at + 10])

    sound(tmp_path, "-n", 1, "-o", tmp_path / f"s.{suffix}")

    stats = CliRunner().invoke(main, ["stats", str(tmp_path / f"s.{suffix}"), "--json"])
    assert json.loads(stats.output)["splits"][0]["rows"] == 1


def test_a_first_shard_without_row_groups(tmp_path: Path) -> None:
    """It gives its schema, and the others their rows."""
    rows = make_rows(20)
    first = tmp_path / "d-00000-of-00002.parquet"
    pq.ParquetWriter(first, SCHEMA).close()
    pq.write_table(table(rows), tmp_path / "d-00001-of-00002.parquet")

    sound(tmp_path, "-n", 5, "-o", tmp_path / "s.parquet")

    found = pq.read_table(tmp_path / "s.parquet")
    assert found.schema.equals(pq.read_schema(first), check_metadata=True)
    check_choice(rows, found.to_pylist(), 5)


def test_a_large_row_group(tmp_path: Path) -> None:
    """Rows are found far behind the first of their row group."""
    rows = clean_rows(700)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")

    sound(tmp_path / "a.parquet", "-n", 30, "-o", tmp_path / "s.parquet")

    places = [rows.index(row) for row in pq.read_table(tmp_path / "s.parquet").to_pylist()]
    assert len(places) == 30
    assert places == sorted(places)
    assert places[-1] > 512


@pytest.mark.parametrize("suffix", ["jsonl", "parquet", "arrow"])
def test_a_sample_of_nothing(tmp_path: Path, suffix: str) -> None:
    """There is no row to choose."""
    write(tmp_path / f"a.{suffix}", clean_rows(5)[:0] if suffix != "jsonl" else [])

    done = run(tmp_path / f"a.{suffix}", "-n", 1, "-o", tmp_path / f"s.{suffix}")

    assert done.exit_code in (1, 4), done.output
    assert not (tmp_path / f"s.{suffix}").exists()


def test_shards_of_other_columns(tmp_path: Path) -> None:
    """Shards that have no common columns are not joined."""
    for at in range(2):
        made = table(make_rows(20, at + 1))
        made = made.drop_columns(["note"]) if at else made
        pq.write_table(made, tmp_path / f"d-0000{at}-of-00002.parquet")

    done = run(tmp_path, "-n", 8, "-o", tmp_path / "s.parquet")

    assert done.exit_code == 4, done.output
    assert "has other columns than the first file" in done.output
    assert not (tmp_path / "s.parquet").exists()


def test_a_split_that_cannot_be_copied(tmp_path: Path) -> None:
    """Of a folder of splits nothing is left behind then, not even the sound ones."""
    write(tmp_path / "d/test.parquet", clean_rows())
    for at in range(2):
        made = table(make_rows(20, at + 1)).select([0, 1, 2, 3][: 4 - at])
        write(tmp_path / f"d/train-0000{at}-of-00002.parquet", made)

    done = run(tmp_path / "d", "-n", 8, "-o", tmp_path / "s")

    assert done.exit_code == 4, done.output
    assert "has other columns than the first file" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_a_column_that_cannot_be_copied(tmp_path: Path) -> None:
    """A column that no length is taken from may be broken, too; a line says so."""
    path = write(tmp_path / "a.parquet", table(make_rows(3)))
    start = pq.ParquetFile(path).metadata.row_group(0).column(3).data_page_offset
    data = path.read_bytes()
    path.write_bytes(data[:start] + b"\xff" * 30 + data[start + 30 :])

    done = run(path, "-n", 2, "-o", tmp_path / "s.parquet")

    assert done.exit_code == 1, done.output
    assert done.stderr.startswith("Error: the rows cannot be copied: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["a.parquet"]


def test_files_of_several_kinds(tmp_path: Path) -> None:
    """No one file could hold the rows of both."""
    write(tmp_path / "d/a.parquet", clean_rows(6, 1))
    write(tmp_path / "d/b.jsonl", clean_rows(6, 2))
    declared = declare(tmp_path, '[tool.pretok.datasets.sft]\npath = "d/*"\n')

    done = run(declared, "-n", 3, "-o", tmp_path / "s.parquet")

    assert done.exit_code == 4, done.output
    assert "the files are of several kinds (jsonl, parquet): name those of one kind" in done.output
    assert not (tmp_path / "s.parquet").exists()


def test_a_file_that_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that were chosen by the lengths of others are no sample."""
    source = write(tmp_path / "rows.parquet", clean_rows())
    copy = pq.ParquetWriter.write_batch

    def write_again(*args: Any, **kwargs: Any) -> None:
        copy(*args, **kwargs)
        write(source, clean_rows(40, 2))

    monkeypatch.setattr(pq.ParquetWriter, "write_batch", write_again)
    done = run(source, "-n", 2, "-o", tmp_path / "out.parquet")

    assert done.exit_code == 4
    assert done.stderr == "Error: rows.parquet changed while it was read; cut the sample again\n"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


def test_a_full_disk_is_no_fault_of_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends with 4, says so in a line, and leaves nothing behind."""
    source = write(tmp_path / "rows.parquet", clean_rows())

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "Error writing bytes to file. Detail: ...")

    monkeypatch.setattr(pq.ParquetWriter, "write_batch", refuse)
    out = tmp_path / "out.parquet"
    done = run(source, "-n", 2, "-o", out)

    assert done.exit_code == 4
    assert done.stderr == f"Error: {out} cannot be written: No space left on device\n"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]
