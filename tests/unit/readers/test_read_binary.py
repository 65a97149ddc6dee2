"""Parquet and Arrow IPC shards, against tables that pyarrow wrote."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pytest_pretok.readers import (
    UnreadableFile,
    parquet,
    read_chunks,
    read_header,
    split_units,
)

FORMATS = ["parquet", "arrow-file", "arrow-stream"]
ROWS = [[1, 2, 3], [], [4], None, [5, 6], [7], [8, 9, 10, 11]]
PAIRS = [[1, 2], [3, 4], None, [5, 6]]
COLUMNS = {
    "list": pa.array(ROWS, pa.list_(pa.int64())),
    "large_list": pa.array(ROWS, pa.large_list(pa.int32())),
    "list_view": pa.array(ROWS, pa.list_view(pa.int32())),
    "large_list_view": pa.array(ROWS, pa.large_list_view(pa.int16())),
    "fixed_size_list": pa.array(PAIRS, pa.list_(pa.int64(), 2)),
    "uint16": pa.array(ROWS, pa.list_(pa.uint16())),
    "int8": pa.array(ROWS, pa.list_(pa.int8())),
    "null tokens": pa.array([[1, None], [None], []], pa.list_(pa.int32())),
    "boolean": pa.array([[True, False], [], None], pa.list_(pa.bool_())),
    "float": pa.array([[1.0, 2.5], []], pa.list_(pa.float32())),
    "nothing but empty": pa.array([[], []], pa.list_(pa.null())),
    "nested": pa.array([[[1], [2, 3]], None, [[]]], pa.list_(pa.list_(pa.int32()))),
    "text": pa.array(["[1, 2]", None]),
    "scalar": pa.array([1, None, 3]),
    "struct": pa.array([{"a": [1]}, None]),
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("kind", COLUMNS)
def test_values_and_type_are_the_files_own(
    format: str, kind: str, write: Any, rows_of: Any
) -> None:
    """A column comes back with the type that pyarrow reads from the file, value for value."""
    table = pa.table({"input_ids": COLUMNS[kind]})
    try:
        path = write(table, format)
        if format == "parquet":
            pq.read_table(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        pytest.skip(f"pyarrow {pa.__version__} itself cannot: {error}")

    header = read_header(path)

    assert header.format == format
    assert header.columns["input_ids"] == (
        pq.read_schema(path).field(0).type if format == "parquet" else table.schema.field(0).type
    )
    assert rows_of(path, ["input_ids"]) == table.to_pylist()


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
def test_parquet_codecs(codec: str, write: Any, rows_of: Any) -> None:
    """Any Parquet codec is read."""
    table = pa.table({"input_ids": COLUMNS["list"]})

    path = write(table, "parquet", compression=codec)

    assert rows_of(path) == table.to_pylist()


@pytest.mark.parametrize("format", ["arrow-file", "arrow-stream"])
@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_arrow_codecs(format: str, codec: str, write: Any, rows_of: Any) -> None:
    """Compressed Arrow buffers are read."""
    table = pa.table({"input_ids": COLUMNS["list"]})

    path = write(table, format, compression=codec)

    assert rows_of(path) == table.to_pylist()


@pytest.mark.parametrize("format", ["arrow-file", "arrow-stream"])
def test_dictionary_of_lists(format: str, write: Any, rows_of: Any) -> None:
    """A dictionary-encoded column is delivered as it is."""
    words = pa.array([[1, 2], [3]], pa.list_(pa.int32()))
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 1, 0], pa.int8()), words)
    table = pa.table({"input_ids": column})

    path = write(table, format)

    assert rows_of(path) == table.to_pylist()


def test_dictionary_deltas(tmp_path: Path, rows_of: Any) -> None:
    """Dictionaries that grow from batch to batch are followed."""
    path = tmp_path / "deltas.arrow"
    schema = pa.schema(
        [("input_ids", pa.list_(pa.int32())), ("kind", pa.dictionary("int8", "utf8"))]
    )
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.ipc.new_stream(str(path), schema, options=options) as writer:
        for words in (["a"], ["a", "b"]):
            kind = pa.DictionaryArray.from_arrays(pa.array([len(words) - 1], pa.int8()), words)
            writer.write_batch(
                pa.record_batch([pa.array([[1]], schema[0].type), kind], schema=schema)
            )

    assert rows_of(path, ["input_ids", "kind"]) == [
        {"input_ids": [1], "kind": "a"},
        {"input_ids": [1], "kind": "b"},
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_only_asked_columns_in_asked_order(format: str, write: Any, chunks_of: Any) -> None:
    """Columns come in the order asked; absent and unasked ones are not in the batch."""
    table = pa.table(
        {"meta": COLUMNS["struct"], "labels": [[1], [2]], "n": [1, 2], "input_ids": [[3], [4]]}
    )
    path = write(table, format)

    (chunk,) = chunks_of(path, ["input_ids", "attention_mask", "labels", "input_ids"])

    assert chunk.batch.schema.names == ["input_ids", "labels"]
    assert chunk.batch.to_pydict() == {"input_ids": [[3], [4]], "labels": [[1], [2]]}


@pytest.mark.parametrize("format", FORMATS)
def test_rows_are_counted_without_any_asked_column(format: str, write: Any, chunks_of: Any) -> None:
    """Where no asked column exists, batches have no column and the right number of rows."""
    path = write(pa.table({"meta": pa.array([{"a": [1]}] * 5), "text": ["x"] * 5}), format)

    batches = [chunk.batch for chunk in chunks_of(path, ["input_ids"])]

    assert sum(batch.num_rows for batch in batches) == 5
    assert {batch.num_columns for batch in batches} == {0}


@pytest.mark.parametrize("format", FORMATS)
def test_no_rows(format: str, write: Any, rows_of: Any) -> None:
    """A file of no rows is no fault of the file."""
    path = write(pa.table({"input_ids": pa.array([], pa.list_(pa.int64()))}), format)

    assert list(read_header(path).columns) == ["input_ids"]
    assert rows_of(path) == []


def test_no_row_groups(tmp_path: Path, rows_of: Any) -> None:
    """A Parquet file that was closed before any row was written has no units."""
    path = tmp_path / "x.parquet"
    pq.ParquetWriter(path, pa.schema([("input_ids", pa.list_(pa.int64()))])).close()

    assert split_units(path, read_header(path)) == []


@pytest.mark.parametrize("format", ["parquet", "arrow-file"])
def test_units_follow_the_target(format: str, write: Any, rows_of: Any) -> None:
    """Small parts are put together up to the target; a tiny target leaves one batch a unit."""
    table = pa.table({"input_ids": [[i] for i in range(10)]})
    path = write(table, format)
    header = read_header(path)

    few, many = split_units(path, header), split_units(path, header, target=1)

    assert len(few) == 1
    assert len(many) == 4
    assert rows_of(path, target=1) == rows_of(path) == table.to_pylist()


def _write_stream(path: Path, table: pa.Table, rows: int) -> None:
    with pa.ipc.new_stream(path, table.schema) as stream:
        stream.write_table(table, max_chunksize=rows)


def test_a_stream_is_cut_between_its_messages(tmp_path: Path) -> None:
    """A stream has no index, but its messages can be followed: every part is read on its own."""
    path = tmp_path / "stream.arrow"
    values = [[i] * (i % 5) for i in range(100)]
    _write_stream(path, pa.table({"input_ids": values, "text": ["x"] * 100}), 7)

    units = split_units(path, read_header(path), target=300)

    assert len(units) > 5
    assert [unit.part[0] for unit in units[1:]] == [unit.part[1] for unit in units[:-1]]
    assert units[-1].part[1] == path.stat().st_size
    read = [chunk.batch for unit in units for chunk in read_chunks(unit, ["input_ids"])]
    assert pa.Table.from_batches(read)["input_ids"].to_pylist() == values


def test_a_stream_with_dictionaries_is_one_unit(tmp_path: Path) -> None:
    """Dictionaries come before the batches that need them: such a stream is read from its start."""
    path = tmp_path / "stream.arrow"
    names = pa.array(["a", "b"] * 20).dictionary_encode()
    _write_stream(path, pa.table({"input_ids": [[1]] * 40, "source": names}), 4)

    (unit,) = split_units(path, read_header(path), target=1)

    assert unit.part == ()
    assert sum(chunk.batch.num_rows for chunk in read_chunks(unit, ["input_ids"])) == 40


def test_a_stream_that_breaks_off_is_read_from_its_start(tmp_path: Path) -> None:
    """Where messages cannot be followed to the end, what is sound comes before the error."""
    path = tmp_path / "stream.arrow"
    _write_stream(path, pa.table({"input_ids": [[1, 2, 3]] * 40}), 4)
    path.write_bytes(path.read_bytes()[:-200])

    (unit,) = split_units(path, read_header(path), target=1)

    read: list[int] = []
    with pytest.raises(UnreadableFile):
        read.extend(chunk.batch.num_rows for chunk in read_chunks(unit, ["input_ids"]))
    assert 0 < sum(read) < 40


def test_what_follows_a_stream_is_an_error_of_its_last_part(tmp_path: Path) -> None:
    """Two streams in one file: the second would be lost without a word."""
    path = tmp_path / "stream.arrow"
    _write_stream(path, pa.table({"input_ids": [[1, 2, 3]] * 40}), 4)
    path.write_bytes(path.read_bytes() * 2)

    *units, last = split_units(path, read_header(path), target=1)

    assert sum(c.batch.num_rows for u in units for c in read_chunks(u, ["input_ids"])) == 36
    with pytest.raises(UnreadableFile, match="data follows"):
        list(read_chunks(last, ["input_ids"]))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("tokens", [1, 10, 64])
def test_batches_are_cut_by_tokens(
    format: str, tokens: int, write: Any, chunks_of: Any, rows_of: Any
) -> None:
    """No batch of several rows holds more than twice the tokens asked for."""
    rng = np.random.default_rng(7)
    rows = [list(range(int(n))) for n in rng.integers(0, 30, 50)]
    path = write(pa.table({"input_ids": rows}), format)

    sizes = [
        (chunk.batch.num_rows, sum(map(len, chunk.batch.column(0).to_pylist())))
        for chunk in chunks_of(path, tokens=tokens)
    ]

    assert all(count == 1 or held <= 2 * tokens for count, held in sizes)
    assert [row["input_ids"] for row in rows_of(path, tokens=tokens)] == rows


def test_parquet_names_with_dots(write: Any, rows_of: Any) -> None:
    """A name with a dot is a whole column, never a part of a struct."""
    table = pa.table(
        {
            "a": [{"b": 1, "c": 2}],
            "a.b": [[3]],
            "input_ids": [[1, 2]],
            "input_ids.raw": ["text"],
        }
    )
    path = write(table, "parquet")

    assert rows_of(path, ["a.b"]) == [{"a.b": [3]}]
    assert rows_of(path, ["input_ids"]) == [{"input_ids": [1, 2]}]


@pytest.mark.parametrize("format", FORMATS)
def test_the_first_of_equal_names_is_used(format: str, write: Any, rows_of: Any) -> None:
    """A repeated column is named in the header, and its first occurrence is read."""
    columns = [pa.array([[1]]), pa.array([[2]]), pa.array([[3]])]
    path = write(pa.Table.from_arrays(columns, names=["input_ids", "input_ids", "labels"]), format)

    header = read_header(path)

    assert header.repeated == ("input_ids",)
    assert list(header.columns) == ["input_ids", "labels"]
    assert rows_of(path) == [{"input_ids": [1], "labels": [3]}]


def test_parquet_header_counts_rows(write: Any) -> None:
    """A Parquet footer says how many rows there are, in all and in each unit."""
    path = write(pa.table({"input_ids": [[1]] * 7}), "parquet")

    header = read_header(path)

    assert header.rows == 7
    assert [unit.rows for unit in split_units(path, header, target=1)] == [3, 3, 1]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_a_cut_file_is_unreadable(format: str, keep: float, write: Any, rows_of: Any) -> None:
    """A file cut inside of its data is an error, whatever was sound before the cut."""
    path = write(pa.table({"input_ids": [list(range(50))] * 20}), format)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])

    with pytest.raises(UnreadableFile, match="not readable as"):
        rows_of(path)


@pytest.mark.parametrize("target", [1, 10**6])
@pytest.mark.parametrize("dictionary", [False, True])
def test_a_stream_without_end_marker_is_unfinished(
    tmp_path: Path, target: int, dictionary: bool
) -> None:
    """Cut behind any message, or never finished: the rows that are there, and then the error."""
    path = tmp_path / "stream.arrow"
    table = pa.table({"input_ids": [[-1, 0]] * 12})  # in a body, the bytes of an end marker
    if dictionary:
        table = table.append_column("source", pa.array(["a", "b"] * 6).dictionary_encode())
    _write_stream(path, table, 4)
    whole, stops = path.read_bytes(), []
    with pa.memory_map(str(path)) as source:
        messages = pa.ipc.MessageReader.open_stream(source)
        for rows in (0, *([0] if dictionary else []), 4, 8, 12):
            messages.read_next_message()
            stops.append((source.tell(), rows))
    assert whole[stops[-1][0] :] == b"\xff\xff\xff\xff\0\0\0\0"
    for stop, rows in stops:
        path.write_bytes(whole[:stop])
        assert pa.ipc.open_stream(path.read_bytes()).read_all().num_rows == rows
        read: list[int] = []
        units = split_units(path, read_header(path), target)
        with pytest.raises(UnreadableFile, match="no end marker"):
            read.extend(c.batch.num_rows for u in units for c in read_chunks(u, ["input_ids"]))
        assert sum(read) == rows


def test_writers_end_their_streams(tmp_path: Path, rows_of: Any) -> None:
    """What `datasets` saves and caches, polars and pandas write is finished, and is read."""
    datasets = pytest.importorskip("datasets")
    polars = pytest.importorskip("polars")
    rows = {"input_ids": [[1, 2], [3]], "labels": [[-100, 2], [3]]}
    made = datasets.Dataset.from_dict(rows)
    made.save_to_disk(tmp_path / "one")
    made.save_to_disk(tmp_path / "two", num_shards=2)
    made.filter(lambda row: True, cache_file_name=str(tmp_path / "indices.cache"))
    made.map(lambda row: row, cache_file_name=str(tmp_path / "mapped.arrow"))
    polars.DataFrame(rows).write_ipc_stream(tmp_path / "polars.arrow")
    polars.DataFrame(rows).write_ipc(tmp_path / "polars-file.arrow")
    pa.Table.from_pydict(rows).to_pandas().to_feather(tmp_path / "pandas.arrow")
    paths = sorted(tmp_path.rglob("*.arrow"))

    assert len(paths) == 7
    assert [len(rows_of(path)) for path in paths].count(2) == 5
    assert sum(len(rows_of(path)) for path in paths) == 12


def test_zeros_behind_a_stream_are_padding(write: Any, rows_of: Any) -> None:
    """Zeros behind the end marker hold no data."""
    table = pa.table({"input_ids": [[1], [2]]})
    path = write(table, "arrow-stream")
    path.write_bytes(path.read_bytes() + b"\0" * 100)

    assert rows_of(path) == table.to_pylist()


def test_an_old_stream_is_read(write: Any, rows_of: Any, tmp_path: Path) -> None:
    """Streams as they were before Arrow 0.15 are told by their suffix."""
    table = pa.table({"input_ids": [[1], [2]]})
    path = write(table, "arrow-stream", use_legacy_format=True).rename(tmp_path / "x.arrow")

    assert rows_of(path) == table.to_pylist()


def test_two_streams_in_one_file_are_unreadable(write: Any, rows_of: Any) -> None:
    """What follows the end of a stream is not dropped in silence."""
    path = write(pa.table({"input_ids": [[1], [2]]}), "arrow-stream")
    path.write_bytes(path.read_bytes() * 2)

    with pytest.raises(UnreadableFile, match="data follows the end"):
        rows_of(path)


@pytest.mark.parametrize("format", ["arrow-file", "arrow-stream"])
@pytest.mark.parametrize(
    "wrong",
    [[0, 3, -1, 6], [0, 3, 10**6, 6], [0, 3, 2, 6], [-1, 3, 5, 6], [0, 3, 5, 7], [9, 3, 5, 6]],
)
def test_broken_offsets_are_unreadable(
    format: str, wrong: list[int], write: Any, rows_of: Any
) -> None:
    """Offsets that fall, or lead out of the values, are found before anything is viewed."""
    table = pa.table({"input_ids": pa.array([[11, 12, 13], [14, 15], [16]], pa.list_(pa.int32()))})
    path = write(table, format)
    sound = np.array([0, 3, 5, 6], np.int32).tobytes()
    broken = np.array(wrong, np.int32).tobytes()
    assert sound in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(sound, broken))

    with pytest.raises(UnreadableFile, match="offset"):
        rows_of(path)


def test_a_broken_page_is_unreadable(write: Any, rows_of: Any) -> None:
    """Where the writer left page checksums, a changed byte is found."""
    path = write(
        pa.table({"input_ids": [list(range(100, 200))] * 3}),
        "parquet",
        write_page_checksum=True,
        compression="none",
        use_dictionary=False,
    )
    whole = bytearray(path.read_bytes())
    place = whole.index(np.arange(150, 160, dtype=np.int64).tobytes())
    whole[place] ^= 1
    path.write_bytes(whole)

    with pytest.raises(UnreadableFile, match="not readable as Parquet"):
        rows_of(path)


FLIP_EVERY_FOOTER_BYTE = """
import sys
from pathlib import Path
from pytest_pretok.readers import UnreadableFile, read_chunks, read_header, split_units
path = Path(sys.argv[1])
whole = path.read_bytes()
start = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
for place in range(start, len(whole) - 8):
    for flip in (1, 16):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        try:
            for unit in split_units(path, read_header(path, "parquet")):
                for chunk in read_chunks(unit, ["input_ids"]):
                    chunk.batch.to_pylist()
        except UnreadableFile:
            pass
"""


def test_no_footer_ends_the_process(write: Any) -> None:
    """A damaged footer is read or refused; pyarrow alone ends the process over some (26.0.1)."""
    path = write(pa.table({"input_ids": [[1, 2]] * 3}), "parquet", use_dictionary=False)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    run = subprocess.run(
        [sys.executable, "-c", FLIP_EVERY_FOOTER_BYTE, str(path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode, run.stderr) == (0, "")


def test_rows_must_agree_with_the_footer(
    write: Any, monkeypatch: pytest.MonkeyPatch, rows_of: Any
) -> None:
    """Fewer rows than promised is an error, not a shorter dataset."""
    path = write(pa.table({"input_ids": [[1]] * 3}), "parquet")
    sound = pq.ParquetFile.iter_batches
    monkeypatch.setattr(
        pq.ParquetFile,
        "iter_batches",
        lambda *args, **kwargs: (batch.slice(1) for batch in sound(*args, **kwargs)),
    )

    with pytest.raises(UnreadableFile, match="2 rows found where the footer promises 3"):
        rows_of(path)


def test_saved_to_disk(tmp_path: Path, rows_of: Any) -> None:
    """What `datasets` saves to disk is a stream, and is read as `datasets` reads it."""
    datasets = pytest.importorskip("datasets")
    rows = {"input_ids": [[1, 2], [3]], "labels": [[-100, 2], [3]]}
    datasets.Dataset.from_dict(rows).save_to_disk(tmp_path / "saved")
    (path,) = (tmp_path / "saved").glob("*.arrow")

    assert read_header(path).format == "arrow-stream"
    assert rows_of(path) == datasets.load_from_disk(tmp_path / "saved").to_list()


def test_late_damage_is_raised_late(write: Any) -> None:
    """Sound batches ahead of the damage are delivered first."""
    path = write(pa.table({"input_ids": [list(range(50))] * 20}), "arrow-stream")
    path.write_bytes(path.read_bytes()[:-300])
    (unit,) = split_units(path, read_header(path))

    chunks = read_chunks(unit, ["input_ids"])

    assert next(chunks).batch.num_rows == 3
    with pytest.raises(UnreadableFile):
        list(chunks)


NESTED = pa.table(
    {
        "struct": [{"a": 1, "b": [{"c": "x", "d": [1]}]}],
        "map": pa.array([[("k", [1])]], pa.map_(pa.string(), pa.list_(pa.int32()))),
        "dictionary": pa.array(["x"]).dictionary_encode(),
        "fixed": pa.array([[1, 2]], pa.list_(pa.int32(), 2)),
        "null": pa.nulls(1),
        "input_ids": [[1, 2]],
    }
)


def test_leaves_are_those_of_the_file(tmp_path: Path) -> None:
    """As many as pyarrow stores, column by column."""
    pq.write_table(NESTED, tmp_path / "nested.parquet")
    file = pq.ParquetFile(tmp_path / "nested.parquet")
    stored = [file.schema.column(place).path.split(".")[0] for place in range(len(file.schema))]

    ours = [field.name for field in file.schema_arrow for _ in range(parquet._leaves(field.type))]

    assert ours == stored


def test_a_footer_goes_with_its_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No footer waits for the collector of cycles: a large one a unit would pile up."""
    monkeypatch.setattr(parquet, "_SMALL", 0)
    pq.write_table(NESTED, tmp_path / "nested.parquet")
    path = tmp_path / "nested.parquet"
    gc.collect()
    gc.disable()
    try:
        for unit in split_units(path, read_header(path)):
            assert sum(chunk.batch.num_rows for chunk in read_chunks(unit, ["input_ids"])) == 1
        left = [thing for thing in gc.get_objects() if isinstance(thing, pq.FileMetaData)]
    finally:
        gc.enable()

    assert not left


def test_memory_that_runs_out_over_a_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A header that memory does not suffice for makes its file unreadable, and stops nothing."""

    def greedy(path: object) -> bytearray:
        return bytearray(2**62)

    pq.write_table(pa.table({"a": [[1]]}), tmp_path / "a.parquet")
    monkeypatch.setattr(parquet, "header", greedy)

    with pytest.raises(UnreadableFile, match="memory ran out over its header"):
        read_header(tmp_path / "a.parquet")
