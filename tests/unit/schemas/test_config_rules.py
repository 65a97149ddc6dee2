"""Rules about a trainer's configuration, on plain facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretok_schemas import Judge, Vocabulary, load
from pretok_schemas.findings import Finding, Outcome
from pretok_schemas.rules import rule_named
from pretok_schemas.rules.base import ShardFacts, SplitFacts, SplitRule
from pretok_schemas.rules.config import _trained, count_bins, guess
from pretok_schemas.run import Entry

COLUMNS = ("input_ids", "attention_mask", "labels")


def shard(path: str, format: str = "parquet", columns: tuple[str, ...] = COLUMNS) -> ShardFacts:
    """A shard of one row."""
    return ShardFacts(path, 1, columns, format=format)


def finding(
    rule: str,
    entry: Entry | None,
    *shards: ShardFacts,
    rows: tuple[int, ...] = (20,),
    packing: bool = False,
    **run: Any,
) -> Finding:
    """The finding of one rule that is asked for alone, over rows of these lengths."""
    lengths = {"sequence_len": 64, **run}
    batch = lengths.pop("micro_batch_size", 1)
    contract = load("axolotl", packing=packing).with_lengths(**lengths).with_run(batch, entry)
    judge = Judge(contract, Vocabulary(), selected={rule})
    ids = [[i + 3 for i in range(length)] for length in rows]
    table = pa.table({name: pa.array(ids, pa.list_(pa.int64())) for name in COLUMNS})
    state = judge.look(judge.columns.batch(table.combine_chunks().to_batches()[0]))
    return judge.conclude(state, shards or [shard("data/a.parquet")])[rule]


def texts(found: Finding) -> list[str]:
    """What the examples of a finding say."""
    return [f"{example.shard}: {example.found}" for example in found.examples]


GUESSES = {
    "data/a.parquet": "parquet",
    "data/a.pq": "json",
    "data/a.arrow": "arrow",
    "data/export.csv.d/a.jsonl": "csv",
    "data/a.arrow.parquet": "parquet",
    "notes.txt.jsonl": "text",
    "data/a.feather": "json",
}


@pytest.mark.parametrize(("path", "kind"), GUESSES.items())
def test_guess(path: str, kind: str) -> None:
    """The first known suffix anywhere in the path decides, unless ds_type does."""
    assert guess(Entry(path)) == kind
    assert guess(Entry(path, ds_type="text")) == "text"


HUB = ": Axolotl takes it for a repository of the Hub; give the file or its folder as path"
BUT = "but holds parquet; set ds_type: parquet"
WRONG: dict[str, tuple[Entry, list[ShardFacts], list[str]]] = {
    "pq": (
        Entry("a.pq"),
        [shard("a.pq")],
        ["a.pq: read as json (the path a.pq), but holds parquet; set ds_type: parquet"],
    ),
    "ds-type": (
        Entry("a.parquet", ds_type="json"),
        [shard("a.parquet")],
        ["a.parquet: read as json (ds_type: json), but holds parquet; set ds_type: parquet"],
    ),
    "feather": (
        Entry("a.feather"),
        [shard("a.feather", "arrow-file")],
        ["a.feather: read as json (the path a.feather), but holds arrow; set ds_type: arrow"],
    ),
    "folder-name": (
        Entry("x.csv/a.jsonl"),
        [shard("x.csv/a.jsonl", "jsonl")],
        ["x.csv/a.jsonl: read as csv (the path x.csv/a.jsonl), but holds json; set ds_type: json"],
    ),
    "several-files": (
        Entry("d", "files"),
        [shard("a.parquet"), shard("b.parquet"), shard("c.jsonl", "jsonl")],
        [f"a.parquet and 1 more: read as json (the path d), {BUT}"],
    ),
    "two-kinds": (
        Entry("data", "folder"),
        [shard("d/a.jsonl", "jsonl"), shard("d/b.parquet")],
        ["d/a.jsonl: left out: the folder is read as parquet"],
    ),
    "most-files-win": (
        Entry("data", "folder"),
        [shard("a.jsonl", "jsonl"), shard("b.jsonl", "jsonl"), shard("c.parquet")],
        ["c.parquet: left out: the folder is read as json"],
    ),
    "unknown-suffixes": (
        Entry("data", "folder"),
        [shard("a.pq"), shard("b.pq")],
        ["a.pq and 1 more: no suffix that a folder's data has"],
    ),
    "unknown-beside-known": (
        Entry("data", "folder"),
        [shard("a.pq"), shard("b.parquet")],
        ["a.pq: left out: the folder is read as parquet"],
    ),
    "no-train": (
        Entry("data", "saved", found=("validation", "test")),
        [shard("data/validation/0.arrow", "arrow-stream")],
        ["data: no split train (there is: validation, test); set split"],
    ),
    "numpy": (
        Entry("data", "saved", format_type="numpy"),
        [shard("data/0.arrow", "arrow-stream")],
        ["data: saved in the numpy format: save it again after reset_format()"],
    ),
    "absent": (
        Entry("json", "files", absent=True),
        [shard("a.jsonl", "jsonl")],
        [f"json: there is no folder 'json'{HUB}"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_container(case: str) -> None:
    """What Axolotl would get wrong is a warning that says what it takes the files for."""
    entry, shards, expected = WRONG[case]
    found = finding("container", entry, *shards)

    assert found.outcome is Outcome.WARNED
    assert texts(found) == expected


RIGHT = [
    (Entry("a.parquet"), [shard("a.parquet")]),
    (Entry("a.pq", ds_type="parquet"), [shard("a.pq")]),
    (Entry("a.arrow"), [shard("a.arrow", "arrow-file")]),
    (Entry("a.arrow"), [shard("a.arrow", "arrow-stream")]),
    (Entry("a.jsonl.gz"), [shard("a.jsonl.gz", "jsonl")]),
    (Entry("a.json"), [shard("a.json", "json")]),
    (Entry("a", "folder"), [shard("a/x.jsonl", "jsonl"), shard("a/y.json.gz", "json")]),
    (Entry("a.csv", "folder"), [shard("a.csv/x.jsonl", "jsonl")]),
    (Entry("a", "saved", found=("train", "test")), [shard("a/x.arrow", "arrow-stream")]),
    (Entry("a", "saved", format_type="torch"), [shard("a/x.arrow", "arrow-stream")]),
]


@pytest.mark.parametrize(("entry", "shards"), RIGHT)
def test_no_wrong_container(entry: Entry, shards: list[ShardFacts]) -> None:
    """What is read as what it is passes."""
    assert finding("container", entry, *shards).outcome is Outcome.PASSED


def test_streams() -> None:
    """A stream of tokenised rows is taken for packing only, and of listed files."""
    entry = Entry("a.parquet", streaming=True)

    assert texts(finding("container", entry, shard("a.parquet"))) == [
        "a.parquet: streaming: true takes no rows that are tokenised already; set it to false"
    ]
    assert texts(finding("container", entry, shard("a.parquet"), packing=True)) == [
        "a.parquet: streaming: true takes the path for a repository; use path: json and data_files"
    ]
    listed = Entry("json", "files", streaming=True)
    packed = finding("container", listed, shard("a.jsonl", "jsonl"), packing=True)
    assert packed.outcome is Outcome.PASSED


AFTER = {
    0.5: "a moment",
    1: "1 seconds",
    119: "119 seconds",
    120: "2 minutes",
    7199: "120 minutes",
    7200: "2 hours",
    172799: "48 hours",
    172800: "2 days",
    10**6: "12 days",
}


@pytest.mark.parametrize(("seconds", "text"), AFTER.items())
def test_stale_prepared_folder(seconds: float, text: str) -> None:
    """Each file that was written after the prepared folder is named."""
    entry = Entry("d", prepared="p/0a", prepared_at=1e9, modified={"a": 1e9 + seconds, "b": 1e9})
    found = finding("stale-prepared-folder", entry, shard("a"), shard("b"))

    assert (found.outcome, found.violations, found.total) == (Outcome.FAILED, 1, 2)
    assert texts(found) == [f"a: written {text} after p/0a"]


@pytest.mark.parametrize(
    "entry",
    [
        Entry("d", modified={"a": 2e9}),
        Entry("d", prepared="p", prepared_at=1e9, modified={"a": 1e9}),
        Entry("d", prepared="p", prepared_at=1e9),
    ],
    ids=["nothing-prepared", "in-time", "unknown-time"],
)
def test_fresh_prepared_folder(entry: Entry) -> None:
    """Without a prepared folder, or with one that was written later, all is well."""
    assert finding("stale-prepared-folder", entry, shard("a")).outcome is Outcome.PASSED


def test_tokenised_but_typed() -> None:
    """A type beside the three columns is a warning; without one of them it is meant."""
    typed = Entry("a.parquet", type="chat_template")

    found = finding("tokenised-but-typed", typed)

    assert found.outcome is Outcome.WARNED
    assert texts(found) == ["data/a.parquet: type: chat_template, but the columns are there"]
    assert finding("tokenised-but-typed", Entry("a.parquet")).outcome is Outcome.PASSED
    text = shard("a.parquet", columns=("input_ids", "labels"))
    assert finding("tokenised-but-typed", typed, text).outcome is Outcome.PASSED


def too_few(entry: Entry | None = None, **run: Any) -> bool:
    """Whether rows do not fill a batch when packed; the text is checked on the way."""
    found = finding("too-few-tokens-to-pack", entry, packing=True, **run)
    return found.outcome is Outcome.FAILED


def test_too_few_tokens_to_pack() -> None:
    """Fewer bins than one batch has are an error, counted as the packer counts them."""
    found = finding(
        "too-few-tokens-to-pack", None, packing=True, rows=(20,) * 6, micro_batch_size=3
    )

    assert found.outcome is Outcome.FAILED
    assert texts(found) == ["data/a.parquet: 6 rows make 2 bins of 64 tokens, a batch takes 3"]
    assert not too_few(rows=(20,) * 7, micro_batch_size=3)
    assert not too_few(rows=(20,), micro_batch_size=1)


def test_rows_that_are_not_packed() -> None:
    """Rows that the trainer drops fill no bin; those that it cuts do."""
    rows = (20, 20, 100, 1)

    assert too_few(rows=rows, micro_batch_size=2)
    assert not too_few(rows=rows, micro_batch_size=2, excess_length="truncate")
    assert too_few(rows=(60, 5), micro_batch_size=2, min_sample_len=8)
    assert not too_few(rows=(60, 5), micro_batch_size=2)


def test_rows_of_the_limit_beside_those_that_are_cut() -> None:
    """Both fill a bin, whichever came first."""
    contract = load("axolotl", packing=True).with_lengths(64, None, "truncate").with_run(2, None)
    rule = rule_named("too-few-tokens-to-pack")(contract, Vocabulary())
    assert isinstance(rule, SplitRule)

    for lengths in ({100: 1, 64: 1}, {64: 1, 100: 1}):
        assert rule.conclude({}, SplitFacts(2, 164, 0, 100, 64, 0, lengths)) is None
    assert rule.conclude({}, SplitFacts(1, 64, 0, 64, 64, 0, {64: 1})) is not None


def test_what_the_configuration_says_of_batches() -> None:
    """Bins of a batch, rows of a bin and held-out rows are the configuration's."""
    rows = (40,) * 4

    assert too_few(Entry("a", bins=5), rows=rows)
    assert not too_few(Entry("a", bins=4), rows=rows)
    assert too_few(Entry("a", bins=4, held_out=0.25), rows=rows)
    assert too_few(Entry("a", bins=2, held_out=3), rows=rows)
    assert too_few(Entry("a", bins=2, held_out=4), rows=rows)
    assert not too_few(Entry("a", bins=5, trains=False), rows=rows)
    assert too_few(Entry("a", bins=2), rows=(20, 20, 20))
    assert not too_few(Entry("a", bins=2, bin_rows=2), rows=(20, 20, 20))


def test_no_verdict_without_ids() -> None:
    """Rows whose ids cannot be read fill no bin, and fail none: their cause is told."""
    contract = load("axolotl", packing=True).with_lengths(64).with_run(2)
    judge = Judge(contract, Vocabulary(), selected={"too-few-tokens-to-pack"})
    table = pa.table({"labels": pa.array([[1, 2]], pa.list_(pa.int64()))})
    state = judge.look(judge.columns.batch(table.to_batches()[0]))
    facts = ShardFacts("a", 1, ("labels",), frozenset({"labels"}))

    found = judge.conclude(state, [facts])["too-few-tokens-to-pack"]

    assert (found.outcome, found.because) == (Outcome.NOT_EVALUATED, "missing-column")


LENGTHS = st.lists(st.integers(1, 64), max_size=60)


@given(LENGTHS, st.integers(1, 5))
@settings(deadline=None, max_examples=100)
def test_bins(lengths: list[int], rows: int) -> None:
    """Bins hold what they can: no fewer than the sums need, no more than one a row."""
    found = count_bins(sorted(lengths, reverse=True), 64, 10**6, rows)

    assert -(-sum(lengths) // 64) <= found <= len(lengths)
    assert found >= -(-len(lengths) // rows)
    assert count_bins(lengths, 64, 2, rows) == min(2, count_bins(lengths, 64, 10**6, rows))


def test_entries_cross_processes() -> None:
    """An entry comes back from builtins as it was."""
    values: Mapping[str, Any] = Entry("a", found=("train",), modified={"a": 1.5}).to_dict()

    assert Entry.from_dict({**values, "found": list(values["found"])}) == replace(
        Entry("a"), found=("train",), modified={"a": 1.5}
    )


@pytest.mark.parametrize(
    ("held_out", "left"), [(0.0, 60), (0.25, 45), (0.01, 59), (20, 40), (99, 0)]
)
def test_rows_that_are_held_out(held_out: float, left: int) -> None:
    """Of each length a like share, the longest first."""
    lengths = Counter({100: 10, 7: 20, 50: 30})

    kept = list(_trained(lengths, held_out))

    assert len(kept) == left
    assert kept == sorted(kept, reverse=True)
    for length, many in lengths.items():
        assert abs(kept.count(length) - many * left / 60) <= 1
