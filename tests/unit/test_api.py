"""`pytest_pretok.check`: the same findings whatever an object holds the rows, and clear errors."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import html5lib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

import pytest_pretok
from pretok_schemas import rule
from pretok_schemas.findings import Finding
from pytest_pretok import ContractViolation, Report, check
from pytest_pretok.faults import DeclarationError
from pytest_pretok.objects import UnknownObject
from pytest_pretok.planning import PlanError
from pytest_pretok.report.summary import SPLITS_SHOWN
from tests.plugin.data import clean_rows as plain_rows
from tests.plugin.data import faulty_rows, write_saved
from tests.support import toy_tokenizers as toys
from tests.support.containers import table
from tests.support.corruptions import CORRUPTIONS
from tests.support.rows import BOS, COLUMNS, EOS, MIN_SAMPLE_LEN, PAD, SEQUENCE_LEN, VOCAB, Row
from tests.support.rows import clean_rows as make_rows

SETTINGS: dict[str, Any] = {
    "vocab_size": VOCAB,
    "bos_token_id": BOS,
    "eos_token_ids": [EOS],
    "pad_token_id": PAD,
    "sequence_len": SEQUENCE_LEN,
    "min_sample_len": MIN_SAMPLE_LEN,
}
Make = Callable[[list[Row], Path, random.Random], Any]


def parquet(rows: list[Row], folder: Path, rng: random.Random) -> Path:
    """A file of several row groups."""
    pq.write_table(table(rows), folder / "a.parquet", row_group_size=rng.randint(1, 9))
    return folder / "a.parquet"


def chunked(rows: list[Row], folder: Path, rng: random.Random) -> pa.Table:
    """A table of several chunks, large lists."""
    cut = rng.randrange(len(rows))
    return pa.concat_tables([table(rows[:cut], large=True), table(rows[cut:], large=True)])


def of_datasets(rows: list[Row]) -> datasets.Dataset:
    """A Dataset in memory."""
    return datasets.Dataset(table(rows))


def mapped(rows: list[Row], folder: Path, rng: random.Random) -> datasets.Dataset:
    """A Dataset of several files that are mapped into memory."""
    datasets.disable_progress_bars()
    of_datasets(rows).save_to_disk(folder / "saved", num_shards=rng.randint(1, min(3, len(rows))))
    return datasets.load_from_disk(folder / "saved")


def shuffled(rows: list[Row], folder: Path, rng: random.Random) -> datasets.Dataset:
    """A Dataset whose indices give these rows, in this order, out of others."""
    order = list(range(len(rows)))
    rng.shuffle(order)
    noise = make_rows(3, random.Random(77))
    stored = of_datasets([*noise, *(rows[at] for at in order), *noise])
    places = [3 + order.index(at) for at in range(len(rows))]
    picked = stored.select(places)
    assert picked._indices is not None
    return picked


def shuffled_by_itself(rows: list[Row], folder: Path, rng: random.Random) -> datasets.Dataset:
    """A Dataset of files that `Dataset.shuffle` brings into the order of these rows."""
    seed = rng.randrange(1000)
    order = list(datasets.Dataset.from_dict({"at": range(len(rows))}).shuffle(seed=seed)["at"])
    made = mapped([rows[order.index(at)] for at in range(len(rows))], folder, rng)
    made = made.shuffle(seed=seed)
    assert made._indices is not None
    return made


def half(rows: list[Row], folder: Path, rng: random.Random) -> datasets.Dataset:
    """The second of two shards of a Dataset."""
    noise = make_rows(len(rows), random.Random(77))
    made = mapped([*noise, *rows], folder, rng)
    return made.shard(num_shards=2, index=1, contiguous=True)


def concatenated(rows: list[Row], folder: Path, rng: random.Random) -> datasets.Dataset:
    """A Dataset joined of files, of tables in memory, and of rows that were picked."""
    first, second = sorted(rng.sample(range(1, len(rows) - 8), 2))
    parts = [
        mapped(rows[:first], folder, rng),
        of_datasets(rows[first:second]),
        shuffled(rows[second:], folder, rng),
    ]
    return datasets.concatenate_datasets(parts)


def streamed(rows: list[Row], folder: Path, rng: random.Random) -> datasets.IterableDataset:
    """An IterableDataset with features."""
    return of_datasets(rows).to_iterable_dataset()


def generated(rows: list[Row], folder: Path, rng: random.Random) -> datasets.IterableDataset:
    """An IterableDataset that knows no types."""
    return datasets.IterableDataset.from_generator(lambda: iter(rows))


def dicts(rows: list[Row], folder: Path, rng: random.Random) -> Iterator[dict[str, Any]]:
    """Rows one by one, some of them as arrays of numpy."""
    for row in rows:
        flat = rng.random() < 0.5 and all(c is not None and None not in c for c in row.values())
        yield {k: np.array(v, np.int64) if flat else v for k, v in row.items()}


MAKERS: dict[str, Make] = {
    "parquet": parquet,
    "Table": lambda rows, folder, rng: table(rows),
    "chunked-Table": chunked,
    "RecordBatch": lambda rows, folder, rng: table(rows).to_batches()[0],
    "RecordBatchReader": lambda rows, folder, rng: table(rows).to_reader(max_chunksize=7),
    "record-batches": lambda rows, folder, rng: iter(table(rows).to_batches(max_chunksize=5)),
    "pyarrow-Dataset": lambda rows, folder, rng: pa.dataset.dataset(parquet(rows, folder, rng)),
    "pandas": lambda rows, folder, rng: pd.DataFrame(rows, columns=list(COLUMNS)),
    "pandas-arrow": lambda rows, folder, rng: table(rows).to_pandas(types_mapper=pd.ArrowDtype),
    "polars": lambda rows, folder, rng: pl.from_arrow(table(rows)),
    "pandas-index": lambda rows, folder, rng: (
        table(rows).to_pandas().set_axis(rng.sample(range(999), len(rows)))
    ),
    "polars-chunks": lambda rows, folder, rng: pl.concat(
        [pl.from_arrow(table(rows[:9])), pl.from_arrow(table(rows[9:]))], rechunk=False
    ),
    "polars-lazy": lambda rows, folder, rng: pl.from_arrow(table(rows)).lazy(),
    "Dataset": lambda rows, folder, rng: of_datasets(rows),
    "Dataset-mapped": mapped,
    "Dataset-select": shuffled,
    "Dataset-shuffle": shuffled_by_itself,
    "Dataset-shard": half,
    "Dataset-concatenated": concatenated,
    "DatasetDict": lambda rows, folder, rng: datasets.DatasetDict(train=mapped(rows, folder, rng)),
    "IterableDataset": streamed,
    "IterableDataset-shards": lambda rows, folder, rng: of_datasets(rows).to_iterable_dataset(3),
    "IterableDataset-untyped": generated,
    "dicts": dicts,
}


def spoilt(seed: int) -> list[Row]:
    """Rows with many faults at once, repeated ones too."""
    rng = random.Random(seed)
    rows = make_rows(60, rng)
    some = [one for one in CORRUPTIONS.values() if one.known == "all" and not one.json_only]
    for number, one in zip(range(0, 50, 2), rng.sample(some, 25), strict=True):
        rows[number] = one.change(rows[number], rng)
    return [*rows, dict(rows[51]), dict(rows[53])]


def told(report: Report) -> dict[str, Finding]:
    """The findings by rule, whatever the place of the rows is called."""
    return {
        result.rule: replace(
            result.finding,
            examples=tuple(replace(one, shard="", line=None) for one in result.finding.examples),
        )
        for result in report.results
    }


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", list(MAKERS)[1:])
def test_the_same_findings(name: str, seed: int, tmp_path: Path) -> None:
    """An object is told the same of as a Parquet file of its rows."""
    rows = spoilt(seed)
    expected = told(check(parquet(rows, tmp_path, random.Random(seed)), **SETTINGS))
    found = told(check(MAKERS[name](rows, tmp_path, random.Random(seed)), **SETTINGS))

    assert found == expected
    assert sum(1 for finding in expected.values() if finding.violations) > 8


@pytest.mark.parametrize("seed", range(4))
def test_rows_in_another_order_are_told_apart(seed: int, tmp_path: Path) -> None:
    """What is compared above can tell whether places, single rows and labels are the same."""
    rows = spoilt(seed)
    expected = told(check(parquet(rows, tmp_path, random.Random(seed)), **SETTINGS))
    picked = shuffled(rows, tmp_path, random.Random(seed))
    swapped = [*rows]
    swapped[0], swapped[1] = swapped[1], swapped[0]
    changed = [*rows[:-1], {**rows[-1], "labels": [7, *rows[-1]["labels"][1:]]}]

    for other in (picked.data.table, table(rows[:-1]), table(swapped), table(changed)):
        assert told(check(other, **SETTINGS)) != expected


def test_datasets_are_read_as_arrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Dataset is asked for stretches of rows, never for one; nothing of it becomes Python's."""
    made = shuffled(make_rows(500, random.Random(1)), tmp_path, random.Random(1))
    asked: list[Any] = []
    whole = datasets.Dataset.__getitem__

    def noted(self: datasets.Dataset, key: Any) -> Any:
        asked.append((self.format["type"], key))
        return whole(self, key)

    monkeypatch.setattr(datasets.Dataset, "__getitem__", noted)
    check(made, rules={"duplicate-rows": "off"}, **SETTINGS)

    assert 0 < len(asked) < 20
    assert all(kind == "arrow" and isinstance(key, slice) for kind, key in asked)


def test_narrow_types_are_seen() -> None:
    """An object's own types count: 8-bit ids hold no vocabulary."""
    narrow = pa.table({name: pa.array([[1, 2, 3]], pa.list_(pa.int8())) for name in COLUMNS})

    for data in (narrow, narrow.to_pandas(types_mapper=pd.ArrowDtype), datasets.Dataset(narrow)):
        report = check(data, vocab_size=VOCAB)
        assert "narrow-integer" in {result.rule for result in report.failed}, type(data)


@pytest.mark.parametrize("kind", [dict, datasets.DatasetDict])
def test_splits(kind: Callable[[dict[str, Any]], Any]) -> None:
    """A mapping has splits, which are compared."""
    rows = plain_rows(20)
    data = {"train": of_datasets(rows), "test": of_datasets([rows[3], *plain_rows(5, seed=2)])}
    report = check(kind(data))
    (overlap,) = report.failed

    assert (overlap.rule, overlap.split) == ("split-overlap", None)
    assert overlap.finding.violations == 1
    names = [split["name"] for split in report.to_dict()["datasets"][0]["splits"]]
    assert names == ["train", "test"]


def test_a_report() -> None:
    """What a report says of one wrong label."""
    report = check(faulty_rows(), name="mine", split="validation")
    (failed,) = report.failed

    assert not report.ok
    assert (failed.dataset, failed.split, failed.rule) == (
        "mine",
        "validation",
        "label-not-input-id",
    )
    assert failed.text in str(report)
    assert "row 3 (validation[3])" in failed.text
    assert repr(report).startswith("<Report 1 failed")
    assert repr(report).endswith("rules judged; label-not-input-id>")
    with pytest.raises(ContractViolation, match="label-not-input-id: 1 of 6 rows") as caught:
        report.raise_for_errors()
    assert caught.value.report is report
    assert report.to_dict()["ok"] is False
    assert [finding.rule for finding in report.findings] == ["label-not-input-id"]


def test_a_clean_report() -> None:
    """All is well."""
    report = check(table(plain_rows(30)))
    report.raise_for_errors()

    assert report.ok
    assert (report.failed, report.findings) == ((), ())
    assert str(report).startswith("ok: ")
    assert "30 rows" in report.summary()


@rule
def raising(batch: Any) -> Any:
    """A rule that has no verdict."""
    return 1 / 0


def cells_of(page: str) -> list[list[str]]:
    """The rows of the table of a piece of HTML, by an independent reader; folded texts last."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    rows = [["".join(cell.itertext()) for cell in row] for row in tree.iter("tr")]
    return rows[1:]


def test_a_notebook_shows_what_is_broken() -> None:
    """Failures before warnings, with what training does; the examples are folded away."""
    rows = [*faulty_rows(12), dict(plain_rows(12)[5])]
    report = check({"train": rows, "test": []}, plugins=[raising])
    page = report._repr_html_()

    told = {(row[1], row[2]): row[3:] for row in cells_of(page)}
    assert list(told)[-1] == ("train", "duplicate-rows")
    severity, does, text = told["train", "label-not-input-id"]
    assert (severity, does) == ("error", "silent: these tokens are trained towards a wrong id")
    assert text.startswith("1 of 13 rows (7.7 %)")
    (result,) = (one for one in report.failed if one.rule == "label-not-input-id")
    assert text.endswith(result.text)
    assert "row 3 (train[3])" in text
    assert told["train", "duplicate-rows"][0] == "warning"
    severity, does, text = told["train", "raising"]
    assert (severity, does) == ("error", "")
    assert text.startswith("no verdict: ZeroDivisionError")
    assert "#c62828" in page
    assert "<table" not in check(plain_rows())._repr_html_()


def test_notebooks_get_no_markup_of_the_data() -> None:
    """Names and text are escaped."""
    data = [{"input_ids": [1, 2], "attention_mask": [1, 1], "labels": "<script>alert(1)</script>"}]
    page = check(data, name="<b>", split="<i>")._repr_html_()

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    ((dataset, split, *_),) = cells_of(page)
    assert (dataset, split) == ("<b>", "<i>")


def test_declared_settings_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is checked as its declaration says; what is given goes before it."""
    monkeypatch.chdir(tmp_path)
    pq.write_table(table(plain_rows(9)), "a.parquet")
    Path("pyproject.toml").write_text(
        '[tool.pretok]\nrules = { too-long = "error" }\n'
        '[tool.pretok.datasets.sft]\npath = "a.parquet"\nsequence-len = 4\n'
    )

    assert {result.rule for result in check("a.parquet").failed} == {"too-long"}
    assert check(Path("a.parquet"), sequence_len=4096).ok
    assert check("a.parquet", rules={"too-long": "off"}).ok


def test_faulty_settings() -> None:
    """All faults at once, with the nearest spelling."""
    with pytest.raises(DeclarationError) as caught:
        check(table(plain_rows()), "axolotle", sequence_length=3, packing="yes")

    text = str(caught.value)
    assert text.startswith("3 faults in check()")
    assert "did you mean 'axolotl'?" in text
    assert "sequence_len" in text.replace("-", "_")
    assert "expected true or false" in text


@pytest.mark.parametrize("engine", ["local", "processes"])
def test_engines_of_this_machine(tmp_path: Path, engine: str) -> None:
    """A file and a table have the same findings on threads and in processes."""
    table = pa.table({"input_ids": [[1, 5, 2]], "attention_mask": [[1] * 3], "labels": [[1, 6, 2]]})
    pq.write_table(table, tmp_path / "a.parquet")

    for data in (table, tmp_path / "a.parquet"):
        report = check(data, engine=engine)
        assert "label-not-input-id" in [result.rule for result in report.failed]


def test_nothing_to_check(tmp_path: Path) -> None:
    """A path without data, and objects that hold no rows."""
    with pytest.raises(PlanError, match="no such file"):
        check(tmp_path / "absent.parquet")
    for data in (7, None, [7], {"train": 7}, {}, b"rows"):
        with pytest.raises(UnknownObject):
            check(data)


def test_no_rows_are_no_pass() -> None:
    """An empty stream fails as an empty file does."""
    report = check(iter(()))

    assert {result.rule for result in report.failed} >= {"no-rows"}
    assert {result.rule for result in check(table([])).failed} >= {"no-rows"}


def test_streams_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written down of a stream is gone after the check, also where rows raise."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def broken() -> Iterator[dict[str, Any]]:
        yield plain_rows()[0]
        raise LookupError("the tokenizer gave up")

    check(iter(plain_rows()))
    with pytest.raises(LookupError):
        check(broken())

    assert list(tmp_path.iterdir()) == []


def test_columns_of_any_library() -> None:
    """A mapping of arrays is a table, whatever holds the cells; so is an object column."""
    rows = plain_rows()
    lists = {name: [row[name] for row in rows] for name in COLUMNS}
    arrays = {name: pa.array(cells) for name, cells in lists.items()}
    chunks = {name: pa.chunked_array([pa.array(cells)]) for name, cells in lists.items()}

    wanted = [(one.split, one.finding) for one in check(lists).results]
    for data in (arrays, chunks, pd.DataFrame(lists)):
        assert [(one.split, one.finding.outcome) for one in check(data).results] == [
            (split, finding.outcome) for split, finding in wanted
        ]


def test_cells_that_json_cannot_say() -> None:
    """A further column of a stream may hold anything: its text is taken."""
    rows = [{**row, "when": complex(number, 1)} for number, row in enumerate(plain_rows())]

    assert check(iter(rows)).ok


def test_a_path_with_a_tokenizer_that_goes_before(tmp_path: Path) -> None:
    """Its vocabulary is that of the check, whatever is declared."""
    made = toys.word_level()
    toys.save(made, tmp_path)
    file = parquet(plain_rows(), tmp_path, random.Random(1))
    text = f'[tool.pretok.datasets.d]\npath = "{file.name}"\nvocab-size = 100000\n'
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")

    with_declared = check(tmp_path / "pyproject.toml")
    report = check(tmp_path / "pyproject.toml", tokenizer=tmp_path / "tokenizer.json")

    assert "token-out-of-vocab" not in {one.rule for one in with_declared.failed}
    assert "token-out-of-vocab" in {one.rule for one in report.failed}


@pytest.mark.parametrize(("ways", "told"), [(1, "; end with [200] (100 %)"), (30, "")])
def test_how_runs_begin_and_end(ways: int, told: str) -> None:
    """What is common is told; where no end is, the beginnings stand alone."""
    ids = [[1, 7, 8, 100 + n, 200 + n % ways] for n in range(30)]
    labels = [[-100] * 3 + row[3:] for row in ids]

    summary = " ".join(check({"input_ids": ids, "labels": labels}, "trl").summary().split())

    assert f"trained runs begin after [7, 8] (100 %){told} not checked" in summary


def test_metadata_that_are_too_large(tmp_path: Path) -> None:
    """What is larger than any folder's metadata is not read, and the folder does not pass."""
    folder = write_saved(tmp_path / "saved", plain_rows())
    assert check(folder).ok
    with (folder / "state.json").open("a", encoding="utf-8") as file:
        file.write(" " * 2**26)

    (failed,) = check(folder).failed

    assert failed.rule == "unreadable-file"
    assert "state.json names no data files" in failed.text


def test_many_splits(tmp_path: Path) -> None:
    """The summary tells of some, and how many more there are; split-overlap is told of all."""
    report = check({f"part-{number}": plain_rows(3, number) for number in range(SPLITS_SHOWN + 2)})

    assert "... and 2 more splits" in report.summary()


def test_public_names() -> None:
    """What the package offers can be had from it, and nothing else."""
    assert {name for name in pytest_pretok.__all__ if getattr(pytest_pretok, name)} == set(
        pytest_pretok.__all__
    )
    with pytest.raises(AttributeError):
        _ = pytest_pretok.absent
