"""`pretok stats`: sums against numpy and plain Python, bins against first fit as it is defined."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from datasets import Dataset, DatasetDict
from hypothesis import given
from hypothesis import strategies as st

from pytest_pretok.cli import main
from pytest_pretok.inspect.bins import best_fit_decreasing, first_fit, pack, pad
from pytest_pretok.inspect.measure import EDGE_IDS
from tests.plugin.data import clean_rows, table_of, write
from tests.support.toy_tokenizers import byte_level

Row = dict[str, Any]


def run(*args: object) -> Result:
    """The command with these arguments."""
    return CliRunner().invoke(main, ["stats", *map(str, args)])


def facts(*args: object) -> dict[str, Any]:
    """The facts of the only split."""
    done = run(*args, "--json")
    assert done.exit_code == 0, done.output
    (split,) = json.loads(done.output)["splits"]
    found: dict[str, Any] = split
    return found


def make_rows(count: int, seed: int = 3) -> list[Row]:
    """Rows of many lengths; each begins with 1, nine of ten end with 2."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        inside = [rng.randint(10, 900) for _ in range(rng.randint(3, 60))]
        ids = [1, *inside, *([2] if number % 10 else [])]
        cut = rng.randint(1, len(ids))
        labels = [-100] * cut + ids[cut:]
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels})
    return rows


def declare(folder: Path, **keys: Any) -> Path:
    """A declaration of ``rows.parquet`` with these keys."""
    lines = ["[tool.pretok.datasets.d]", 'path = "rows.*"']
    lines += [f"{key.replace('_', '-')} = {json.dumps(value)}" for key, value in keys.items()]
    file = folder / "pyproject.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".arrow"])
def test_sums(tmp_path: Path, suffix: str) -> None:
    """Rows, tokens, trained tokens, percentiles, ids: as plain Python counts them."""
    rows = make_rows(300)
    write(tmp_path / f"rows{suffix}", rows)
    declare(tmp_path, bos_token_id=1, eos_token_ids=[2], pad_token_id=0)
    lengths = [len(row["input_ids"]) for row in rows]

    told = facts(tmp_path)

    assert told["rows"] == 300
    assert told["rows_without_ids"] == 0
    assert told["tokens"] == sum(lengths)
    trained = sum(label != -100 for row in rows for label in row["labels"][1:])
    assert told["trainable_tokens"] == trained
    assert told["trainable_share"] == pytest.approx(trained / sum(lengths))
    for share, length in told["lengths"].items():
        method = "inverted_cdf"
        assert length == np.percentile(lengths, int(share), method=method), share
    ids = told["special_ids"]
    assert ids["bos"] == {"ids": [1], "count": 300, "rows_begin": 1.0}
    ending = sum(row["input_ids"][-1] == 2 for row in rows)
    assert ids["eos"] == {"ids": [2], "count": ending, "rows_end": ending / 300}
    assert ids["pad"]["count"] == 0


@pytest.mark.parametrize("seed", range(4))
def test_histogram(tmp_path: Path, seed: int) -> None:
    """Every row is in the bar of its length, bars touch, and there are few."""
    rows = make_rows(50, seed)
    write(tmp_path / "rows.jsonl", rows)
    lengths = [len(row["input_ids"]) for row in rows]

    bars = facts(tmp_path)["histogram"]

    assert len(bars) <= 11
    assert all(a["to"] + 1 == b["from"] for a, b in pairwise(bars))
    for bar in bars:
        assert bar["rows"] == sum(bar["from"] <= length <= bar["to"] for length in lengths)
    assert sum(bar["rows"] for bar in bars) == 50


def slow_first_fit(lengths: list[int], capacity: int, most: int) -> list[list[int]]:
    """First fit, word by word."""
    bins: list[list[int]] = []
    for length in lengths:
        for one in bins:
            if sum(one) + length <= capacity and len(one) < most:
                one.append(length)
                break
        else:
            bins.append([length])
    return bins


LENGTHS = st.lists(st.integers(1, 64), max_size=200)


@given(lengths=LENGTHS, most=st.integers(1, 6))
def test_first_fit(lengths: list[int], most: int) -> None:
    """Each row goes into the first bin with room for its tokens, and for a row."""
    expected = slow_first_fit(lengths, 64, most)

    found = first_fit(np.asarray(lengths, np.int64), 64, most)

    assert len(found) == len(expected)
    open_bins = [(a, 64 - sum(b)) for a, b in zip(found, expected, strict=True) if len(b) < most]
    assert all(room == left for room, left in open_bins)


@given(lengths=LENGTHS)
def test_best_fit_decreasing(lengths: list[int]) -> None:
    """The longest row first, each into the fullest bin that it fits."""
    bins: list[int] = []
    for length in sorted(lengths, reverse=True):
        fitting = [room for room in bins if room >= length]
        if fitting:
            bins.remove(min(fitting))
            bins.append(min(fitting) - length)
        else:
            bins.append(64 - length)

    assert sorted(best_fit_decreasing(np.asarray(lengths, np.int64), 64)) == sorted(bins)


def test_first_fit_in_groups() -> None:
    """Axolotl packs 100,000 rows at a time: a bin never takes rows of two groups."""
    lengths = np.full(100_001, 3, np.int64)

    assert pack(lengths, 9, "axolotl").bins == 33_334 + 1
    assert pack(lengths[:-2], 9, "axolotl").bins == 33_333


def test_trl_in_groups() -> None:
    """TRL packs 1,000 rows at a time."""
    assert pack(np.full(1_001, 3, np.int64), 9, "trl").bins == 334 + 1


@given(lengths=LENGTHS, size=st.integers(1, 9))
def test_padding(lengths: list[int], size: int) -> None:
    """Each batch is filled up to its longest row."""

    def share(rows: list[int]) -> float:
        cuts = [rows[at : at + size] for at in range(0, len(rows), size)]
        places = sum(max(cut) * len(cut) for cut in cuts)
        return 1 - sum(rows) / places if places else 0

    told = pad(np.asarray(lengths, np.int32), size)

    assert told.in_order == pytest.approx(share(lengths))
    assert told.grouped == pytest.approx(share(sorted(lengths, reverse=True)))
    assert told.batches == len(range(0, len(lengths), size))


def test_packing_as_declared(tmp_path: Path) -> None:
    """Rows that are too long, too short or untrained are left out before they are packed."""
    rows = make_rows(400)
    write(tmp_path / "rows.parquet", rows)
    declare(tmp_path, packing=True, sequence_len=50, min_sample_len=8, micro_batch_size=4)
    kept = [
        len(row["input_ids"])
        for row in rows
        if 8 <= len(row["input_ids"]) <= 50 and any(x != -100 for x in row["labels"][1:])
    ]
    bins = slow_first_fit(kept, 50, 200)

    told = facts(tmp_path)["batches"]

    assert told["packing"] is True
    assert told["rows"] == len(kept)
    assert told["rows_left_out"] == 400 - len(kept)
    assert told["bins"] == len(bins)
    assert told["fill"] == pytest.approx(sum(kept) / (50 * len(bins)))
    assert told["tokens_per_epoch"] == sum(kept)
    assert told["steps_per_epoch"] == len(bins) // 4  # the last batch is dropped if not full
    assert "first fit" in told["algorithm"]


def test_truncation(tmp_path: Path) -> None:
    """A policy that cuts keeps long rows, cut."""
    rows = make_rows(60)
    write(tmp_path / "rows.parquet", rows)
    declare(tmp_path, sequence_len=20, excess_length="truncate")

    told = facts(tmp_path)["batches"]

    assert told["rows_left_out"] == 0
    assert told["tokens_per_epoch"] == sum(min(20, len(row["input_ids"])) for row in rows)


def test_batch_sizes(tmp_path: Path) -> None:
    """--batch-size, else micro-batch-size, else 8 with a word about it."""
    write(tmp_path / "rows.parquet", make_rows(30))
    assert facts(tmp_path)["batches"]["batch_size"] == 8
    assert "as nothing says how many" in run(tmp_path).output
    declare(tmp_path, micro_batch_size=4)
    told = facts(tmp_path)["batches"]
    assert (told["batch_size"], told["steps_per_epoch"]) == (4, 8)
    assert facts(tmp_path, "--batch-size", 7)["batches"]["steps_per_epoch"] == 5
    assert "as nothing says" not in run(tmp_path).output


def test_edges_of_runs(tmp_path: Path) -> None:
    """How trained runs begin and end, counted by hand."""
    write(tmp_path / "rows.jsonl", [
        {"input_ids": [1, 5, 6, 9, 2], "attention_mask": [1] * 5,
         "labels": [-100, -100, -100, 9, 2]},
        {"input_ids": [1, 5, 6, 8, 2, 6, 7], "attention_mask": [1] * 7,
         "labels": [-100, -100, -100, 8, 2, -100, 7]},
    ])  # fmt: skip

    told = facts(tmp_path)

    assert told["trained_runs"] == 3
    assert told["runs_begin"] == [[[5, 6], 2], [[2, 6], 1]]
    assert told["runs_end"] == [[2, 2], [7, 1]]


def test_splits_of_a_saved_folder(tmp_path: Path) -> None:
    """Each split of a DatasetDict is told by itself."""
    splits = {"train": clean_rows(5, 1), "test": clean_rows(3, 2)}
    DatasetDict({k: Dataset.from_list(v) for k, v in splits.items()}).save_to_disk(tmp_path / "d")

    told = json.loads(run(tmp_path / "d", "--json").output)["splits"]

    assert [(one["split"], one["rows"]) for one in told] == [("train", 5), ("test", 3)]


def test_a_file_means_itself(tmp_path: Path) -> None:
    """A shard that is named is told alone, a folder as a whole, and nothing twice."""
    for at in range(2):
        write(tmp_path / f"rows-0000{at}-of-00002.parquet", clean_rows(5 + at, at + 1))
    (tmp_path / "pyproject.toml").write_text('[tool.pretok.datasets.d]\npath = "rows-*.parquet"\n')

    assert facts(tmp_path)["rows"] == 11
    assert facts(tmp_path / "rows-00001-of-00002.parquet")["rows"] == 6
    assert facts(tmp_path, tmp_path / "pyproject.toml")["rows"] == 11


def test_rows_that_cannot_be_read(tmp_path: Path) -> None:
    """They are counted apart, and no error."""
    rows: list[Any] = clean_rows(5)
    rows[2]["input_ids"] = None
    write(tmp_path / "rows.jsonl", rows)

    told = facts(tmp_path)

    assert (told["rows"], told["rows_without_ids"]) == (5, 1)
    assert "5 rows (1 without readable ids)" in run(tmp_path).output


def test_unreadable_files(tmp_path: Path) -> None:
    """What cannot be read is named; the rest is told; the exit code is 1."""
    write(tmp_path / "train-00000-of-00002.parquet", clean_rows(5))
    whole = write(tmp_path / "train-00001-of-00002.parquet", clean_rows(5)).read_bytes()
    (tmp_path / "train-00001-of-00002.parquet").write_bytes(whole[:-20])

    done = run(tmp_path)

    assert done.exit_code == 1
    assert "train-00001-of-00002.parquet" in done.stderr
    assert "5 rows" in done.stdout
    told = json.loads(run(tmp_path, "--json").stdout)["splits"][0]["unreadable"]
    assert [Path(one["file"]).name for one in told] == ["train-00001-of-00002.parquet"]


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_text_keeps_to_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """No line is wider than the terminal; ids are decoded where a tokenizer is declared."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.chdir(tmp_path)
    tokenizer = byte_level()
    tokenizer.save("tokenizer.json")
    end = tokenizer.token_to_id("<|end_of_text|>")
    rows = []
    for words in range(3, 40):
        ids = [*tokenizer.encode("goose " * words).ids, end]
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids),
                     "labels": [-100] * 4 + ids[4:]})  # fmt: skip
    write(Path("rows.parquet"), rows)
    declare(tmp_path, tokenizer="tokenizer.json", packing=True, sequence_len=512)

    done = run(".")

    assert done.exit_code == 0, done.output
    assert max(map(len, done.output.splitlines())) <= columns
    assert 'with "<|end_of_text|>" (100 %)' in " ".join(done.output.split())
    assert "100 % of the rows begin with it" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("nowhere",), 4, "there is no such file or folder"),
        ((), 4, ".: nothing to check"),
        ((".", "--workers", "0"), 4, "neither 'auto' nor"),
        ((".",), 4, "nothing to check"),
        ((".", "--contract", "axoltl"), 4, "is none of"),
        ((".", "--batch-size", "0"), 4, "batch-size"),
    ],
)
def test_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], code: int, says: str
) -> None:
    """Exit codes are pytest's, and an error is a line."""
    monkeypatch.chdir(tmp_path)

    done = run(*args)

    assert done.exit_code == code
    assert says in done.output


def test_packing_without_a_length(tmp_path: Path) -> None:
    """How many bins there are is not known, and that is said."""
    write(tmp_path / "rows.parquet", clean_rows(5))
    done = run(declare(tmp_path, packing=True))

    assert done.exit_code == 0, done.output
    assert "how many bins it makes is known once sequence-len is" in " ".join(done.output.split())


def test_no_row_is_kept(tmp_path: Path) -> None:
    """All are shorter than the trainer's minimum: an epoch has none of them."""
    write(tmp_path / "rows.parquet", clean_rows(5))
    done = run(declare(tmp_path, min_sample_len=500, sequence_len=1000))

    assert "no row that the trainer would keep" in " ".join(done.output.split())


def test_rows_without_tokens(tmp_path: Path) -> None:
    """There are no lengths to speak of, and no ids at the edges."""
    empty = {"input_ids": [], "attention_mask": [], "labels": []}
    path = write(tmp_path / "rows.jsonl", [empty] * 3)
    done = run(path)

    assert done.exit_code == 0, done.output
    assert "3 rows, 0 tokens" in " ".join(done.output.split())


def test_columns_that_cannot_be_counted(tmp_path: Path) -> None:
    """A file whose ids are no lists, and one with a column twice, are named."""
    pq.write_table(pa.table({"input_ids": ["a"], "labels": [[1]]}), tmp_path / "texts.parquet")
    twice = pa.table([[[1, 2]], [[1, 2]]], names=["input_ids", "input_ids"])
    with pa.ipc.new_file(tmp_path / "twice.arrow", twice.schema) as writer:
        writer.write_table(twice)
    for name, says in (
        ("texts.parquet", "no readable column 'input_ids'"),
        ("twice.arrow", "columns that occur more than once: input_ids"),
    ):
        done = run(tmp_path / name)
        assert says in " ".join(done.output.split()), done.output


def test_several_splits(tmp_path: Path) -> None:
    """Each has a paragraph of its own, as wide as the work may be."""
    write(tmp_path / "a.jsonl", clean_rows(5))
    write(tmp_path / "b.jsonl", clean_rows(7, 2))
    done = run(tmp_path, "--workers", "auto")
    one, other = done.output.split("\n\n")

    assert "5 rows" in one
    assert "7 rows" in other
    assert run(tmp_path, "--workers", "1").output == done.output


def test_a_split_of_no_rows(tmp_path: Path) -> None:
    """No share of its rows begins or ends with anything."""
    write(tmp_path / "rows.parquet", table_of([]))
    told = facts(declare(tmp_path, bos_token_id=1, eos_token_ids=[2]))

    assert told["rows"] == 0
    assert told["special_ids"] == {
        "bos": {"ids": [1], "count": 0},
        "eos": {"ids": [2], "count": 0},
    }


def test_ids_at_the_edges_of_very_different_rows(tmp_path: Path) -> None:
    """However many ids begin rows, the common one is counted to the last row."""
    many = np.arange(100, 100 + 3 * EDGE_IDS, dtype=np.int32)
    many[::4] = 1
    row = pa.ListArray.from_arrays(np.arange(0, len(many) + 1, dtype=np.int32), many)
    pq.write_table(pa.table({"input_ids": row, "labels": row}), tmp_path / "rows.parquet")

    told = facts(declare(tmp_path, bos_token_id=1, contract="trl"))

    assert told["special_ids"]["bos"] == {
        "ids": [1],
        "count": len(many) // 4,
        "rows_begin": 0.25,
    }


def test_a_declared_file_that_is_missing(tmp_path: Path) -> None:
    """It is named with the reason, whatever else is asked of the split."""
    file = declare(tmp_path)
    (told,) = json.loads(run(file, "--json").stdout)["splits"]

    assert told["rows"] == 0
    assert [one["reason"] for one in told["unreadable"]] == ["no file matches this pattern"]
    for row in ("0", "-1"):
        done = CliRunner().invoke(main, ["show", str(file), row])
        assert done.exit_code == 1
        assert "rows.*: no file matches this pattern" in done.output


def test_saved_folders_as_splits(tmp_path: Path) -> None:
    """Each split may be a folder that `save_to_disk` wrote: its files are those that it names."""
    for name, rows in (("one", 5), ("two", 3)):
        Dataset.from_list(clean_rows(rows)).save_to_disk(tmp_path / name)
        (tmp_path / name / "cache-1.arrow").write_bytes(b"not data")
    text = '[tool.pretok.datasets.d]\nsplits = { train = "one", test = "two" }\n'
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")

    told = json.loads(run(tmp_path, "--json").output)["splits"]

    assert [(one["split"], one["rows"], one["unreadable"]) for one in told] == [
        ("train", 5, []),
        ("test", 3, []),
    ]


def test_which_of_several(tmp_path: Path) -> None:
    """`show` takes one dataset and one split; the names to choose from are told."""
    for name in ("one", "two"):
        write(tmp_path / "several" / name / "rows.parquet", clean_rows(4))
    for name in ("a", "b"):
        write(tmp_path / f"{name}.parquet", clean_rows(4))
    file = tmp_path / "pyproject.toml"
    text = '[tool.pretok.datasets.d]\nsplits = { test = "a.parquet", validation = "b.parquet" }\n'
    file.write_text(text, encoding="utf-8")

    datasets = CliRunner().invoke(main, ["show", str(tmp_path / "several"), "0"])
    splits = CliRunner().invoke(main, ["show", str(file), "0"])

    assert "name one of them with --dataset" in " ".join(datasets.output.split())
    assert "name one with --split" in " ".join(splits.output.split())
