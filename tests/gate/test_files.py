"""Rules about files, in every container: what cannot be read, is not there, or has no rows."""

from __future__ import annotations

import gzip
import json
import random
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretok_schemas import Judge, Vocabulary
from pretok_schemas.findings import Budget, Outcome
from pytest_pretok.scan import Shard, scan_split
from tests.support.containers import JSON, WRITERS, table
from tests.support.corruptions import CORRUPTIONS
from tests.support.examples import examples
from tests.support.rows import COLUMNS, Row, clean_rows
from tests.support.verdicts import contract, listed, rows_by_rule, scan

SEEDS = st.integers(0, 2**32)


def write(folder: Path, name: str, columns: dict[str, list[object]]) -> Path:
    """A file of some columns; the suffix says the container."""
    path = folder / name
    made = pa.table({key: pa.array(value, pa.list_(pa.int64())) for key, value in columns.items()})
    if path.suffix == ".parquet":
        pq.write_table(made, path)
    elif path.suffix == ".arrow":
        with pa.ipc.new_stream(path, made.schema) as writer:
            writer.write_table(made)
    elif path.suffix == ".feather":
        with pa.ipc.new_file(path, made.schema) as writer:
            writer.write_table(made)
    elif path.suffix == ".json":
        path.write_text(json.dumps(made.to_pylist()))
    else:
        text = "".join(json.dumps(row) + "\n" for row in made.to_pylist()).encode()
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


STREAMS = ("jsonl", "jsonl-gz", "arrow-stream", "save-to-disk")  # read as far as they go
NAMES = ["x.parquet", "x.arrow", "x.feather", "x.jsonl", "x.json", "x.jsonl.gz"]


@pytest.mark.parametrize("missing", COLUMNS)
@pytest.mark.parametrize("name", NAMES)
def test_missing_column(name: str, missing: str, tmp_path: Path) -> None:
    """An absent column is reported once a file; rules that read it alone have no verdict."""
    rows = clean_rows(5, random.Random(1))
    columns = {key: [row[key] for row in rows] for key in COLUMNS if key != missing}

    found = scan([write(tmp_path, name, columns)])

    assert set(rows_by_rule(found)) == {"missing-column"}
    finding = found.findings["missing-column"]
    assert (finding.outcome, finding.violations, finding.total) == (Outcome.FAILED, 1, 1)
    assert finding.examples[0].expected == missing
    untold = {
        rule
        for rule, other in found.findings.items()
        if (other.outcome, other.because) == (Outcome.NOT_EVALUATED, "missing-column")
    }
    of_labels = {"labels-shifted", "label-not-input-id", "no-trainable-token", "duplicate-rows"}
    of_mask = {"mask-values", "mask-hole", "mask-all-zero"}
    assert "trained-under-mask" in untold
    assert (untold >= of_labels) is (missing != "attention_mask")
    assert (untold >= of_mask) is (missing != "labels")
    assert ("token-out-of-vocab" in untold) is (missing == "input_ids")


@pytest.mark.parametrize("name", NAMES)
def test_faults_beside_a_missing_column(name: str, tmp_path: Path) -> None:
    """What can be judged without the absent column is judged."""
    rows = clean_rows(5, random.Random(1))
    rows[3] = CORRUPTIONS["label-not-input-id"].change(rows[3], random.Random(2))
    columns = {key: [row[key] for row in rows] for key in ("input_ids", "labels")}

    found = rows_by_rule(scan([write(tmp_path, name, columns)]))

    assert found == {"missing-column": [], "label-not-input-id": [3]}


@given(seed=SEEDS, shards=st.integers(2, 5))
@examples(40)
def test_a_column_missing_in_some_shards(seed: int, shards: int) -> None:
    """Each such shard is reported, rules that find nothing elsewhere have no verdict, and what
    the other shards hold is found all the same.
    """
    rng = random.Random(seed)
    lacking = set(rng.sample(range(shards), rng.randint(1, shards - 1)))
    paths, expected, before = [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(shards):
            rows = clean_rows(rng.randint(1, 5), rng)
            names = [key for key in COLUMNS if key != "labels" or number not in lacking]
            if rng.random() < 0.5:
                rows[0] = CORRUPTIONS["label-not-input-id"].change(rows[0], rng)
                expected += [] if number in lacking else [before]
            columns = {key: [row[key] for row in rows] for key in names}
            suffix = rng.choice(["parquet", "arrow", "jsonl"])
            paths.append(write(Path(folder), f"x{number}.{suffix}", columns))
            before += len(rows)
        found = scan(paths, workers=rng.choice([1, 3]))

    assert found.findings["missing-column"].violations == len(lacking)
    wrong = found.findings["label-not-input-id"]
    assert sorted(listed(found, "label-not-input-id")) == expected
    assert wrong.outcome is (Outcome.FAILED if expected else Outcome.NOT_EVALUATED)
    assert found.findings["token-out-of-vocab"].outcome is Outcome.PASSED


@pytest.mark.parametrize("name", ["x.parquet", "x.arrow", "x.feather", "x.json"])
@pytest.mark.parametrize("shards", [1, 2])
def test_no_rows(name: str, shards: int, tmp_path: Path) -> None:
    """A split without rows is one violation, and nothing else has a verdict."""
    empty: dict[str, list[object]] = {key: [] for key in COLUMNS}
    paths = []
    for number in range(shards):
        (tmp_path / str(number)).mkdir()
        paths.append(write(tmp_path / str(number), name, empty))

    found = scan(paths)

    assert set(rows_by_rule(found)) == {"no-rows"}  # though an empty JSON array names no column
    assert found.findings["no-rows"].violations == 1
    others = {f.outcome for rule, f in found.findings.items() if f.unit == "row"}
    assert others == {Outcome.NOT_EVALUATED}


def test_an_empty_shard_beside_others(tmp_path: Path) -> None:
    """A split has rows if one of its shards has."""
    rows = clean_rows(2, random.Random(1))
    full = write(tmp_path, "a.parquet", {key: [row[key] for row in rows] for key in COLUMNS})
    empty = write(tmp_path, "b.parquet", {key: [] for key in COLUMNS})

    assert rows_by_rule(scan([empty, full, empty])) == {}


def whole_rows(rng: random.Random) -> list[Row]:
    """Rows of which some are equal and some are corrupted."""
    rows = clean_rows(rng.randint(3, 20), rng)
    for _ in range(3):
        rows[rng.randrange(len(rows))] = dict(rng.choice(rows))
    wrong = CORRUPTIONS["label-not-input-id"]
    return [wrong.change(row, rng) if rng.random() < 0.2 else row for row in rows]


@pytest.mark.parametrize("container", WRITERS)
@given(seed=SEEDS)
@examples(25)
def test_truncated_file(container: str, seed: int) -> None:
    """A file that ends early is unreadable whatever it held, no rule passes, and rows that were
    read before the damage keep their numbers.
    """
    rng = random.Random(seed)
    rows = whole_rows(rng)
    with tempfile.TemporaryDirectory() as folder:
        paths = WRITERS[container](Path(folder), rows, rng)
        whole = scan(paths)
        broken = rng.choice(paths)
        data = broken.read_bytes()
        # The last line of JSON Lines may lose its end and an Arrow stream its end marker.
        broken.write_bytes(data[: rng.randrange(max(1, len(data) - 12))])
        found = scan(paths, cut=(10**6, rng.choice([1, 50, 10**6])))

    if container in STREAMS and not found.unreadable:
        # Cut exactly between two lines, gzip members or batches: a whole, shorter file.
        assert found.state.rows < whole.state.rows
        return
    assert found.findings["unreadable-file"].violations == 1
    assert not [rule for rule, f in found.findings.items() if f.outcome is Outcome.PASSED]
    if broken == paths[-1]:
        for rule in whole.findings:
            assert listed(found, rule).items() <= listed(whole, rule).items(), rule


def test_equal_rows_before_the_damage(tmp_path: Path) -> None:
    """Rows that were read before a stream breaks off are compared without reading the damage."""
    rows = clean_rows(12, random.Random(1))
    rows[1] = dict(rows[0])
    path = tmp_path / "x.arrow"
    made = table(rows)
    with pa.ipc.new_stream(path, made.schema) as writer:
        for batch in made.to_batches(max_chunksize=3):
            writer.write_batch(batch)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 8 // 10])

    found = scan([path])

    assert sorted(listed(found, "duplicate-rows")) == [1]
    assert set(rows_by_rule(found)) == {"unreadable-file", "duplicate-rows"}


def test_rows_behind_the_damage(tmp_path: Path) -> None:
    """A row group that cannot be decoded takes up its rows: those behind it keep their numbers."""
    rows = clean_rows(12, random.Random(1))
    rows[10] = CORRUPTIONS["label-not-input-id"].change(rows[10], random.Random(2))
    path = tmp_path / "x.parquet"
    pq.write_table(table(rows), path, row_group_size=3, compression="none", use_dictionary=False)
    page = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data = bytearray(path.read_bytes())
    data[page : page + 8] = b"\xff" * 8
    path.write_bytes(data)

    found = scan([path], cut=(1, 10**6))

    assert rows_by_rule(found) == {"unreadable-file": [], "label-not-input-id": [10]}
    assert listed(found, "label-not-input-id")[10][1] == 10


def test_a_budget_does_not_cover_what_was_not_read(tmp_path: Path) -> None:
    """Violations within the budget are no pass while part of the split is unreadable."""
    rows = clean_rows(3, random.Random(1))
    rows[0] = CORRUPTIONS["label-not-input-id"].change(rows[0], random.Random(1))
    good = write(tmp_path, "a.parquet", {key: [row[key] for row in rows] for key in COLUMNS})
    bad = tmp_path / "b.parquet"
    bad.write_bytes(good.read_bytes()[:-100])
    budgets = {"label-not-input-id": Budget(max_rows=2)}
    ours = Judge(contract(), Vocabulary(), budgets=budgets)

    whole = scan_split("train", [Shard(str(good), "a.parquet")], ours, 1)
    broken = scan_split("train", [Shard(str(p), p.name) for p in (good, bad)], ours, 1)

    assert whole.findings["label-not-input-id"].outcome is Outcome.PASSED
    finding = broken.findings["label-not-input-id"]
    assert (finding.outcome, finding.because) == (Outcome.NOT_EVALUATED, "unreadable-file")
    assert finding.violations == 1


@pytest.mark.parametrize("container", JSON)
def test_one_broken_line(container: str, tmp_path: Path) -> None:
    """Text that is no JSON makes a file unreadable, not a row."""
    rng = random.Random(1)
    path = WRITERS[container](tmp_path, clean_rows(8, rng), rng)[0]
    packed = path.suffix == ".gz"
    text = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
    half = len(text) // 2
    text = text[:half] + b"]" + text[half:]
    path.write_bytes(gzip.compress(text) if packed else text)

    assert set(rows_by_rule(scan([path]))) == {"unreadable-file"}
