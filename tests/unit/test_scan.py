"""Where rows turn out to lie when a split is read in units, some of which are lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pretok_schemas import Judge, Vocabulary, load
from pretok_schemas.findings import Finding, Outcome, Severity
from pytest_pretok.engines import Lost
from pytest_pretok.engines.threads import Threads
from pytest_pretok.readers import Chunk, Unit, UnreadableFile
from pytest_pretok.readers.base import CellDefect
from pytest_pretok.scan import Shard, SplitScan, compare_splits, scan_split
from pytest_pretok.scan import shards as opening
from pytest_pretok.scan.shards import together
from pytest_pretok.scan.tasks import Gathered, Part
from pytest_pretok.stores import StoreError
from tests.plugin.data import COLUMNS, Row, clean_rows, table_of, write
from tests.support.rows import KNOWN, header_rows
from tests.support.sabotage import Gone, Sabotaged
from tests.support.verdicts import judge, scan

PIECES = (1, 1)  # every unit and every batch as small as it gets


@dataclass
class Losing:
    """An engine that loses some units of its first run, by their number."""

    lost: Callable[[int], bool]
    remote: bool = False

    def run(
        self, task: Any, units: Sequence[Any], locked: bool = False, apart: bool = False
    ) -> Iterator[tuple[int, Any]]:
        """The results in order."""
        for number, unit in enumerate(units):
            yield number, Lost("killed") if self.lost(number) else task(unit)
        self.lost = lambda _: False

    def close(self) -> None:
        """Nothing was started."""


def rows_with_twins(twins: dict[int, int], count: int = 24) -> list[Row]:
    """Clean rows, some of which are those at other numbers once more."""
    rows = clean_rows(count)
    for row, other in twins.items():
        rows[row] = rows[other]
    return rows


def shards(folder: Path, rows: Sequence[Row], suffix: str) -> list[Path]:
    """Three files of 9, 0 and the other rows; an empty file of text is none."""
    parts = {"a": rows[:9], "b": rows[9:9], "c": rows[9:]}
    if suffix == "jsonl":
        del parts["b"]
    return [write(folder / f"{name}.{suffix}", part) for name, part in parts.items()]


def told(finding: Finding) -> list[tuple[int, str, int, object]]:
    """What the examples say of their places."""
    return [(e.row, e.shard, e.shard_row, e.found) for e in finding.examples]


@pytest.mark.parametrize("cut", [None, PIECES])
@pytest.mark.parametrize("suffix", ["parquet", "arrow", "jsonl"])
def test_rows_that_recur(tmp_path: Path, suffix: str, cut: tuple[int, int] | None) -> None:
    """Within a shard and across two, in any unit: by the row of the split and of the shard."""
    paths = shards(tmp_path, rows_with_twins({7: 2, 13: 12, 22: 2}), suffix)

    found = scan(paths, cut=cut)

    finding = found.findings["duplicate-rows"]
    assert (finding.violations, finding.total) == (3, 24)
    assert told(finding) == [
        (7, f"a.{suffix}", 7, "train[2]"),
        (13, f"c.{suffix}", 4, "train[12]"),
        (22, f"c.{suffix}", 13, "train[2]"),
    ]
    assert [shard.rows for shard in found.shards if shard.rows] == [9, 15]


def test_rows_of_other_labels(tmp_path: Path) -> None:
    """They are no repetition, but contradict each other."""
    rows = rows_with_twins({7: 2, 13: 12})
    rows[13] = {**rows[13], "labels": [-100, *rows[13]["input_ids"][1:]]}

    found = scan(shards(tmp_path, rows, "parquet"), cut=PIECES)

    assert told(found.findings["duplicate-rows"]) == [(7, "a.parquet", 7, "train[2]")]
    assert told(found.findings["conflicting-labels"]) == [(13, "c.parquet", 4, "train[12]")]
    assert [len(found.tables[name]) for name in ("duplicate-rows", "conflicting-labels")] == [1, 1]


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "jsonl"])
def test_a_habit_that_a_unit_misjudged(tmp_path: Path, suffix: str) -> None:
    """Its rows are looked at once more, by what nearly all rows of the split do."""
    rows = header_rows([30, 30, 30, *[22] * 20, 31])
    rows[1]["labels"][-1] = 777  # another rule's too: what both report is counted once
    fetched = Fetching(1)

    found = scan(shards(tmp_path, rows, suffix), fetched, cut=PIECES, known=KNOWN["nothing"])

    finding = found.findings["prompt-boundary"]
    assert finding.violations == 4
    assert [(e.row, e.shard_row, e.found, e.expected) for e in finding.examples] == [
        (0, 0, "21 30 23", "21 22 23"),
        (1, 1, "21 30 23", "21 22 23"),
        (2, 2, "21 30 23", "21 22 23"),
    ]
    assert found.findings["label-not-input-id"].violations == 1
    assert found.together == {("label-not-input-id", "prompt-boundary"): 1}
    assert found.fetched == 2 * len(found.parts)


def test_rows_beside_a_column_that_nobody_can_read(tmp_path: Path) -> None:
    """They are compared all the same."""
    rows = rows_with_twins({7: 2})
    made = table_of(rows)
    path = write(tmp_path / "a.parquet", made.set_column(1, "attention_mask", [["1"] * 24]))

    found = scan([path], cut=PIECES)

    assert found.findings["column-type"].violations == 24
    assert told(found.findings["duplicate-rows"]) == [(7, "a.parquet", 7, "train[2]")]


@pytest.mark.parametrize("cut", [None, PIECES])
def test_lines_of_examples(tmp_path: Path, cut: tuple[int, int] | None) -> None:
    """Blank lines count where a person opens the file."""
    rows = rows_with_twins({4: 0})
    rows[5]["labels"][-2] += 1
    path = write(tmp_path / "a.jsonl", rows)
    path.write_text("\n\n" + path.read_text().replace("\n", "\n\n", 1), encoding="utf-8")
    sound = write(tmp_path / "b.parquet", clean_rows(3, seed=2))

    found = scan([path, sound], known=KNOWN["nothing"], cut=cut)

    assert [e.line for e in found.findings["duplicate-rows"].examples] == [8]
    assert [e.line for e in found.findings["label-not-input-id"].examples] == [9]


def splits(folder: Path, suffix: str, cut: tuple[int, int] | None) -> list[SplitScan]:
    """Three splits: the second has two rows of the first, the third some of both and its own."""
    train, test, val = clean_rows(9, 1), clean_rows(9, 2), clean_rows(9, 3)
    test[3], test[8] = train[5], train[0]
    val[1], val[2], val[4], val[6] = train[5], test[0], test[8], val[0]
    named = {"train": train, "test": test, "validation": val}
    return [
        scan([write(folder / name / f"a.{suffix}", rows)], split=name, cut=cut)
        for name, rows in named.items()
    ]


@pytest.mark.parametrize("cut", [None, PIECES])
@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_splits_that_overlap(tmp_path: Path, suffix: str, cut: tuple[int, int] | None) -> None:
    """Each row in the later split, with the first one that it stands in; not twice in one."""
    scans = splits(tmp_path, suffix, cut)
    ours = judge(examples=9)

    found = compare_splits(scans, ours, 1)

    assert (found.violations, found.total, found.outcome) == (5, 18, Outcome.FAILED)
    assert [(e.split, e.row, e.found) for e in found.examples] == [
        ("test", 3, "train[5]"),
        ("test", 8, "train[0]"),
        ("validation", 1, "train[5]"),
        ("validation", 2, "test[0]"),
        ("validation", 4, "train[0]"),
    ]
    lines = [e.row + 1 if suffix == "jsonl" else None for e in found.examples]
    assert [e.line for e in found.examples] == lines
    assert [len(one.tables.get("split-overlap", ())) for one in scans] == [0, 2, 3]


def test_one_of_the_splits_alone(tmp_path: Path) -> None:
    """Only its rows count, and its size; the others are still what it is compared with."""
    scans = splits(tmp_path, "parquet", None)

    found = compare_splits(scans, judge(), 1, only="validation")

    assert (found.violations, found.total) == (3, 9)
    assert {e.split for e in found.examples} == {"validation"}
    first = compare_splits(scans, judge(), 1, only="train")
    assert (first.violations, first.total, first.outcome) == (0, 0, Outcome.PASSED)


def test_splits_that_share_nothing(tmp_path: Path) -> None:
    """They pass."""
    scans = [
        scan([write(tmp_path / name / "a.parquet", clean_rows(9, seed))], split=name)
        for seed, name in enumerate(("train", "test"), start=1)
    ]

    found = compare_splits(scans, judge(), 1)

    assert (found.outcome, found.because, found.reason) == (Outcome.PASSED, None, None)


def test_rows_that_cannot_be_read_again(tmp_path: Path) -> None:
    """Why not is told, by the name of the file."""
    scans = splits(tmp_path, "parquet", None)[:2]
    (tmp_path / "test" / "a.parquet").unlink()

    found = compare_splits(scans, judge(), 1)

    assert (found.outcome, found.because) == (Outcome.NOT_EVALUATED, "unreadable-file")
    assert str(found.reason).startswith("a.parquet: ")


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [
        ("parquet", [(1, "a", 1), (7, "a", 7), (22, "c", 13)]),
        ("arrow", [(1, "a", 1), (16, "c", 13)]),
        ("jsonl", [(14, "c", 13)]),
    ],
)
def test_rows_behind_lost_ones(
    tmp_path: Path, suffix: str, expected: list[tuple[int, str, int]]
) -> None:
    """A footer tells how many rows were lost; without one no row of the file behind them counts."""
    rows = clean_rows(24)
    for row in (1, 4, 7, 22):
        rows[row]["labels"][-2] += 1
    paths = shards(tmp_path, rows, suffix)
    second = Losing(lambda number: number == 1)

    found = scan(paths, second, known=KNOWN["nothing"], cut=PIECES)

    finding = found.findings["label-not-input-id"]
    places = [(e.row, e.shard.partition(".")[0], e.shard_row) for e in finding.examples]
    assert places == expected
    assert found.findings["unreadable-file"].violations == 1
    assert found.findings["unreadable-file"].effect is None
    assert found.lost


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "jsonl"])
def test_every_unit_behind_the_first_is_lost(tmp_path: Path, suffix: str) -> None:
    """The first reason is told of each file, and only what was read counts."""
    rows = clean_rows(24)
    rows[0]["labels"][-2] += 1
    paths = shards(tmp_path, rows, suffix)

    found = scan(paths, Losing(lambda number: number > 0), known=KNOWN["nothing"], cut=PIECES)

    finding = found.findings["label-not-input-id"]
    assert [(e.row, e.shard_row) for e in finding.examples] == [(0, 0)]
    assert finding.total == found.state.rows < 9
    errors = {shard.path: shard.error for shard in found.shards if shard.error}
    assert errors.keys() >= {f"a.{suffix}", f"c.{suffix}"}
    assert all(error.endswith(": killed") for error in errors.values())
    assert Outcome.PASSED not in {one.outcome for one in found.findings.values()}


def test_a_unit_that_is_lost_when_it_is_looked_at_again(tmp_path: Path) -> None:
    """A rule that waits for the second look has no verdict then, nor has any other."""
    rows = header_rows([30, 30, 30, *[22] * 20, 31])
    paths = shards(tmp_path, rows, "parquet")
    losing = Sabotaged(Threads(1), ["second"], partial(Gone, unit=0), remote=False)

    found = scan(paths, losing, cut=PIECES, known=KNOWN["nothing"])

    (example,) = found.findings["unreadable-file"].examples
    assert str(example.found).endswith("it was given up")
    assert found.lost
    assert Outcome.PASSED not in {one.outcome for one in found.findings.values()}


def test_a_small_row_group_before_a_large_one(tmp_path: Path) -> None:
    """Small shards that stand before its file are still the rows before it."""
    first, second = clean_rows(3, 1), clean_rows(90, 2)
    for made in (first, second):
        made[2]["labels"][-2] += 1
    paths = [write(tmp_path / "a.parquet", first), tmp_path / "b.parquet"]
    with pq.ParquetWriter(paths[1], table_of(second).schema) as file:
        for rows in (second[:3], second[3:]):
            file.write_table(table_of(rows))

    found = scan(paths, known=KNOWN["nothing"], cut=(2000, 10**6))

    assert [(one.place.shard, one.place.row) for one in found.parts] == [
        ("a.parquet", 0),
        ("b.parquet", 3),
        ("b.parquet", 6),
    ]
    examples = found.findings["label-not-input-id"].examples
    assert [(e.row, e.shard, e.shard_row) for e in examples] == [
        (2, "a.parquet", 2),
        (5, "b.parquet", 2),
    ]


def test_what_a_progress_is_told(tmp_path: Path) -> None:
    """Every unit once a pass, all rows, and the tokens that were counted."""
    begun: list[tuple[int, bool]] = []
    read = [0, 0]
    finished: list[int] = []

    class Listening:
        def begin(self, units: Sequence[Unit], again: bool = False) -> None:
            begun.append((len(units), again))

        def read(self, rows: int, tokens: int) -> None:
            read[0] += rows
            read[1] += tokens

        def finish(self, unit: Unit, tokens: int) -> None:
            finished.append(tokens)

    rows = rows_with_twins({7: 2})
    shard = [Shard(str(path), path.name) for path in shards(tmp_path, rows, "parquet")]

    scan_split("train", shard, judge(), Threads(1), Listening())

    tokens = sum(len(row["input_ids"]) for row in rows)
    assert begun[0][1] is False
    assert [again for _, again in begun[1:]] == [True]
    assert read == [24 + 9, tokens]  # the twins are of the first file, which is read again
    assert sum(finished) == tokens
    assert len(finished) == sum(many for many, _ in begun)


@dataclass
class Fetching:
    """An engine whose units all fetched so many bytes."""

    many: int
    remote: bool = False

    def run(
        self, task: Any, units: Sequence[Any], locked: bool = False, apart: bool = False
    ) -> Iterator[tuple[int, Any]]:
        """The results in order."""
        for number, unit in enumerate(units):
            done = task(unit)
            several = done if isinstance(done, list) else [done]
            several = [replace(one, fetched=self.many) for one in several]
            yield number, several if isinstance(done, list) else several[0]

    def close(self) -> None:
        """Nothing was started."""


def test_what_was_fetched(tmp_path: Path) -> None:
    """The bytes of every unit add up, in the first pass and when rows are read again."""
    paths = shards(tmp_path, rows_with_twins({7: 2, 22: 3}), "parquet")

    alone = scan(paths, Fetching(0), cut=PIECES)
    found = scan(paths, Fetching(10), cut=PIECES)

    assert alone.fetched == 0
    assert len(found.parts) == 9
    assert found.fetched == 10 * (9 + 4)  # the twins are in four of the units
    compare_splits([found, alone], judge(), Fetching(7))
    assert alone.fetched == 7 * 8
    assert found.fetched == 10 * (9 + 4) + 7 * 8


def part(
    shard: int, size: int, columns: tuple[str, ...] = ("a",), format_: str = "parquet"
) -> Part:
    """One unit of a shard."""
    return Part(shard, Unit(str(shard), format_, (), 1, size), columns, {})


MIB = 2**20


@pytest.mark.parametrize(
    ("parts", "groups"),
    [
        ([part(0, 4 * MIB), part(1, 4 * MIB), part(2, 1)], [[0, 1], [2]]),
        ([part(0, 4 * MIB), part(1, 4 * MIB + 1)], [[0], [1]]),
        ([part(0, 1), part(1, 1, ("b",)), part(2, 1, ("b",))], [[0], [1, 2]]),
        ([part(0, 1), part(1, 1, format_="arrow-file")], [[0], [1]]),
        ([part(0, 1), part(1, 1, format_="jsonl"), part(2, 1)], [[0], [1], [2]]),
        ([part(0, 1), part(1, 1), part(1, 1), part(2, 1), part(3, 1)], [[0], [1], [1], [2, 3]]),
        ([part(0, 9 * MIB)], [[0]]),
        ([], []),
    ],
)
def test_small_shards_go_together(parts: list[Part], groups: list[list[int]]) -> None:
    """Up to 8 MiB, of one layout; text goes alone, and so does a shard of several parts."""
    assert [[one.shard for one in group] for group in together(parts)] == groups


def chunk(rows: int, name: str = "a", defects: int = 0) -> Chunk:
    """Rows of a MiB each."""
    batch = pa.record_batch({name: pa.array(np.zeros(rows * MIB // 8, np.int64))})
    return Chunk(batch, (CellDefect(0, name, "text", "x"),) * defects)


@pytest.mark.parametrize(
    ("chunks", "sizes"),
    [
        ([chunk(1), chunk(1)], [2]),
        ([chunk(1), chunk(1), chunk(1), chunk(1)], [3, 1]),
        ([chunk(2), chunk(1)], [2, 1]),
        ([chunk(1), chunk(2), chunk(1)], [1, 2, 1]),
        ([chunk(1), chunk(1, "b")], [1, 1]),
        ([chunk(1), chunk(1, defects=1), chunk(1)], [1, 1, 1]),
        ([], []),
    ],
)
def test_small_batches_go_together(chunks: list[Chunk], sizes: list[int]) -> None:
    """Up to 3 MiB, of one schema; large ones and those with defects stay alone, in order."""
    gathered = Gathered()

    given = [one for made in chunks for one in gathered.add(made)]
    given += gathered.rest()

    assert [one.batch.nbytes // MIB for one in given] == sizes
    assert sum(len(one.defects) for one in given) == sum(len(one.defects) for one in chunks)
    assert not list(gathered.rest())


CONTAINERS = {
    "parquet": ("a.parquet", "a Parquet file"),
    "arrow-file": ("a.arrow", "an Arrow file"),
    "jsonl": ("a.jsonl", "JSON Lines"),
    "arrow-stream": ("a.arrows", "an Arrow stream"),
    "json": ("a.json", "a JSON array"),
}


@pytest.mark.parametrize("due", CONTAINERS)
@pytest.mark.parametrize("is_", ["parquet", "arrow-file", "jsonl"])
def test_a_file_that_is_of_another_kind(tmp_path: Path, is_: str, due: str) -> None:
    """A folder's metadata may promise one; then another is an error that names both."""
    name, what = CONTAINERS[is_]
    path = write(tmp_path / name, clean_rows(3))

    found = scan_split("train", [Shard(str(path), name, due)], judge(), 1)

    errors = [shard.error for shard in found.shards]
    promised = CONTAINERS[due][1]
    expected = f"{what}, where the metadata of its folder promises {promised}"
    assert errors == [None if is_ == due else expected]
    assert found.unreadable is (is_ != due)


@pytest.mark.parametrize("error", [UnreadableFile("no such thing"), StoreError("no such thing")])
def test_files_that_cannot_be_opened(tmp_path: Path, error: Exception) -> None:
    """The other ones are read all the same."""
    paths = [
        write(tmp_path / name, clean_rows(3, n)) for n, name in ((1, "a.arrow"), (2, "b.arrow"))
    ]
    read_header = opening.read_header

    def header(path: Any) -> Any:
        if str(path).endswith("a.arrow"):
            raise error
        return read_header(path)

    with patch.object(opening, "read_header", header):
        found = scan(paths)

    assert [shard.error for shard in found.shards] == ["no such thing", None]
    assert [shard.rows for shard in found.shards] == [0, 3]
    assert found.stamps.keys() == {0, 1}


@pytest.mark.parametrize("cut", [None, PIECES])
def test_every_rule_judges_clean_files(tmp_path: Path, cut: tuple[int, int] | None) -> None:
    """Those that compare rows too: none is left without a verdict."""
    rows = header_rows([22] * 24)
    paths = shards(tmp_path, rows, "parquet")

    found = scan(paths, known=KNOWN["nothing"], cut=cut)
    over = compare_splits([found, scan([], split="test")], judge(), 1)

    assert {"duplicate-rows", "conflicting-labels", "labels-shifted"} <= set(found.findings)
    assert {finding.outcome for finding in found.findings.values()} == {Outcome.PASSED}
    assert over.outcome is Outcome.NOT_EVALUATED
    assert over.because == "no-rows"


def test_files_that_were_not_found(tmp_path: Path) -> None:
    """Their error was known before; the others are read."""
    path = write(tmp_path / "a.parquet", clean_rows(3))
    given = [Shard("x", "x.parquet", error="there is no such file"), Shard(str(path), "a.parquet")]

    found = scan_split("train", given, judge(), 1)

    assert [shard.error for shard in found.shards] == ["there is no such file", None]
    assert [shard.rows for shard in found.shards] == [0, 3]
    other = scan([write(tmp_path / "b.parquet", clean_rows(3, seed=2))], split="test")
    over = compare_splits([other, found], judge(), 1)
    assert (over.outcome, over.because) == (Outcome.NOT_EVALUATED, "unreadable-file")
    assert over.reason is None


def test_files_of_text_that_differ_in_their_values(tmp_path: Path) -> None:
    """Each has types of its own: Axolotl's packing stops at single values, not at lists."""
    paths = []
    for name, value in (("a", [1]), ("b", "text"), ("c", [1])):
        rows = [{**row, "source": value} for row in clean_rows(3, ord(name))]
        paths.append(write(tmp_path / f"{name}.jsonl", rows))
    severities = {"extra-column": Severity.ERROR}
    ours = Judge(load("axolotl", packing=True), Vocabulary(), severities=severities)

    found = scan(paths, ours=ours)

    assert [e.shard for e in found.findings["extra-column"].examples] == ["b.jsonl"]


@pytest.mark.parametrize("absent", ["input_ids", "labels"])
def test_rows_that_cannot_be_compared(tmp_path: Path, absent: str) -> None:
    """Without a column there is no verdict."""
    columns = [name for name in COLUMNS if name != absent]
    path = write(tmp_path / "a.parquet", table_of(clean_rows(6), columns))

    found = scan([path], known=KNOWN["nothing"])

    for rule in ("duplicate-rows", "conflicting-labels"):
        finding = found.findings[rule]
        assert (finding.outcome, finding.because) == (Outcome.NOT_EVALUATED, "missing-column")


def test_columns_that_a_file_has_twice(tmp_path: Path) -> None:
    """All of them are named."""
    cells = pa.array([[1, 2]], pa.list_(pa.int32()))
    names = ["input_ids", "labels", "labels", "input_ids", "attention_mask"]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_arrays([cells] * 5, names), path)

    (shard,) = scan([path]).shards

    assert shard.error == "columns that occur more than once: labels, input_ids"


def test_files_that_differ_in_their_types(tmp_path: Path) -> None:
    """Each is read by its own."""
    made = table_of(clean_rows(3, seed=2))
    paths = [
        write(tmp_path / "a.parquet", clean_rows(3)),
        write(tmp_path / "b.parquet", made.set_column(2, "labels", [["1"] * 3])),
        write(tmp_path / "c.parquet", made.drop_columns(["labels"])),
    ]

    found = scan(paths, known=KNOWN["nothing"])

    assert [(e.row, e.shard) for e in found.findings["column-type"].examples] == [
        (row, "b.parquet") for row in (3, 4, 5)
    ]
    assert [e.shard for e in found.findings["missing-column"].examples] == ["c.parquet"]


@pytest.mark.parametrize(
    ("suffix", "worth", "locked"),
    [("jsonl", 1, True), ("jsonl", 2**20, False), ("parquet", 1, False)],
)
def test_text_that_is_worth_processes(
    tmp_path: Path, suffix: str, worth: int, locked: bool
) -> None:
    """An engine is told whether there is enough of it, in every pass."""
    told: list[tuple[bool, bool]] = []

    class Listening(Fetching):
        def run(
            self, task: Any, units: Sequence[Any], locked: bool = False, apart: bool = False
        ) -> Iterator[tuple[int, Any]]:
            told.append((locked, apart))
            yield from super().run(task, units)

    rows = header_rows([30, 30, 30, *[22] * 20, 31])
    rows[7] = rows[5]
    paths = shards(tmp_path, rows, suffix)
    with patch.object(opening, "WORTH_PROCESSES", worth):
        scan(paths, Listening(0), cut=PIECES, known=KNOWN["nothing"])

    assert told == [(locked, False)] * 3
