"""Scans on Ray, Dask and in processes say what scans on threads say, and lose nothing."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from pretok_schemas.findings import Outcome
from pytest_pretok.engines import Engine, dask, ray
from pytest_pretok.engines.remote import RemoteTraceback
from pytest_pretok.scan import SplitScan, compare_splits
from tests.support.containers import parquet
from tests.support.corrupted_habits import prompt_boundary, with_header
from tests.support.corruptions import CORRUPTIONS
from tests.support.rows import Row, clean_rows
from tests.support.sabotage import PASSES, Elsewhere, Killed, Sabotaged
from tests.support.verdicts import judge, scan

CUT = (1, 262_144)  # every row group is a unit


def faulty_rows(seed: int = 1) -> list[Row]:
    """Rows with a fault for every pass: wrong labels, another header than all others, which a
    batch of that row alone takes for the norm, repeated rows.
    """
    rng = random.Random(seed)
    rows = [with_header(row, rng) for row in clean_rows(60, rng)]
    rows[12] = prompt_boundary(rows[12], rng)
    for number, name in ((5, "label-not-input-id"), (25, "trailing-padding"), (50, "mask-hole")):
        rows[number] = CORRUPTIONS[name].change(rows[number], rng)
    for number in (7, 40):
        rows[number] = {**rows[number], "labels": list(rows[number]["input_ids"])}
    return [*rows, dict(rows[3]), dict(rows[30])]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Those rows in a file of several row groups."""
    return parquet(tmp_path, faulty_rows(), random.Random(2))[0]


def same(found: SplitScan, expected: SplitScan) -> None:
    """Findings with all their examples, sums and lists of violations are equal."""
    assert found.findings == expected.findings
    assert found.shards == expected.shards
    assert found.state.stats == expected.state.stats
    assert {r: rows_of(found, r) for r in found.tables} == {
        r: rows_of(expected, r) for r in expected.tables
    }


def rows_of(found: SplitScan, rule: str) -> list[int]:
    """The violating rows of a rule."""
    return [row for table in found.tables[rule] for row in table.rows.tolist()]


@dataclass(frozen=True)
class Square:
    """A task; the unit 13 makes it raise."""

    offset: int

    def __call__(self, unit: int) -> int:
        """The square of the sum."""
        if unit == 13:
            raise LookupError(f"no square of {unit}")
        return (unit + self.offset) ** 2


@dataclass(frozen=True)
class Slow:
    """A task that takes a while."""

    def __call__(self, unit: int) -> int:
        """The unit."""
        time.sleep(0.5)
        return unit


@dataclass(frozen=True)
class Awkward:
    """A task whose exception cannot be made again from what it pickles to."""

    def __call__(self, unit: int) -> int:
        """Raise."""
        raise NeedsTwo(unit, "reason")


class NeedsTwo(Exception):
    """An exception of two arguments that keeps one."""

    def __init__(self, unit: int, reason: str) -> None:
        super().__init__(f"{unit}: {reason}")


class Watched(Sequence[int]):
    """Units that take down how many of them were begun."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.begun = 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int | slice) -> int:  # type: ignore[override]
        raise AssertionError("units are taken in turn")

    def __iter__(self) -> Iterator[int]:
        for number in range(self.count):
            self.begun += 1
            yield number + 20


def test_results_come_in_the_order_of_the_units(engine: Engine) -> None:
    """Every unit once, in order, with its own number; few are begun before they are needed."""
    units = Watched(30)
    found = []
    for index, result in engine.run(Square(2), units):
        found.append((index, result))
        assert units.begun <= index + 5  # two ahead for each of two workers, and this one

    assert found == [(number, (number + 22) ** 2) for number in range(30)]


def test_no_units(engine: Engine) -> None:
    """Nothing to do is done at once."""
    assert list(engine.run(Square(0), [])) == []


def test_units_that_take_long(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are waited for as long as there is somebody to do them."""
    for module in (dask, ray):
        monkeypatch.setattr(module, "POLL", 0.05)
        monkeypatch.setattr(module, "PATIENCE", 0.1)

    assert list(engine.run(Slow(), [7, 8])) == [(0, 7), (1, 8)]


def test_a_task_that_raises(engine: Engine) -> None:
    """What a task raises is raised when its turn comes, with the worker's own traceback."""
    results = engine.run(Square(0), [1, 2, 13, 4])

    assert [next(results), next(results)] == [(0, 1), (1, 4)]
    with pytest.raises(LookupError, match="no square of 13") as caught:
        next(results)
    assert isinstance(caught.value.__cause__, RemoteTraceback)
    assert "in __call__" in str(caught.value.__cause__)
    assert list(engine.run(Square(0), [5])) == [(0, 25)]


def test_an_exception_that_cannot_cross(engine: Engine) -> None:
    """Its text crosses, and the traceback."""
    with pytest.raises(RuntimeError, match=r"NeedsTwo: 1: reason") as caught:
        list(engine.run(Awkward(), [1]))
    assert "raise NeedsTwo" in str(caught.value.__cause__)


def test_a_caller_that_stops(engine: Engine) -> None:
    """What was begun is given up, and the engine works on."""
    results = engine.run(Square(0), range(20, 60))
    next(results)
    results.close()  # type: ignore[attr-defined]

    assert list(engine.run(Square(1), [2])) == [(0, 9)]


def test_killed_workers(engine: Engine, file: Path, tmp_path: Path) -> None:
    """A worker that is killed in each pass costs nothing: its unit is done again."""
    expected = scan([file], workers=1, cut=CUT)
    sabotaged = Sabotaged(engine, PASSES, partial(Killed, unit=1, notes=tmp_path))
    found = scan([file], workers=sabotaged, cut=CUT)

    assert {note.name for note in tmp_path.glob("killed-*")} == {f"killed-{at}" for at in PASSES}
    same(found, expected)
    assert {"label-not-input-id", "prompt-boundary", "mixed-masking", "duplicate-rows"} <= {
        rule for rule, finding in expected.findings.items() if finding.violations
    }


def test_a_unit_that_kills_every_worker(engine: Engine, file: Path) -> None:
    """When the engine gives up, the file is unreadable and nothing else has a verdict."""
    found = scan([file], workers=Sabotaged(engine, ("first",), partial(Killed, unit=1)), cut=CUT)
    lost = found.findings.pop("unreadable-file")

    assert lost.outcome is Outcome.FAILED
    assert lost.examples[0].shard == "x.parquet"
    # A cluster may blame what waited on a worker that died, too.
    assert re.match(r"lost on the cluster: row group \d: ", str(lost.examples[0].found))
    assert len(str(lost.examples[0].found).splitlines()) == 1
    assert found.lost
    undone = {f.because for f in found.findings.values() if not f.violations}
    assert undone == {"unreadable-file"}
    assert Outcome.PASSED not in {finding.outcome for finding in found.findings.values()}
    # The rows behind it keep their numbers.
    whole = scan([file], workers=1, cut=CUT)
    assert found.shards[0].rows == whole.shards[0].rows
    assert set(rows_of(found, "mask-hole")) == set(rows_of(whole, "mask-hole"))


def test_the_engine_works_on(engine: Engine) -> None:
    """After all those deaths."""
    assert [result for _, result in engine.run(Square(0), range(20, 24))] == [400, 441, 484, 529]


@pytest.mark.parametrize("at", PASSES)
def test_a_file_that_a_worker_does_not_have(engine: Engine, file: Path, at: str) -> None:
    """In whichever pass: the file is unreadable, and the finding names the worker's machine."""
    found = scan([file], workers=Sabotaged(engine, (at,), partial(Elsewhere, unit=0)), cut=CUT)
    absent = found.findings["unreadable-file"]

    assert absent.outcome is Outcome.FAILED
    assert "the worker on " in str(absent.examples[0].found)
    assert "could not open it: " in str(absent.examples[0].found)
    assert "No such file or directory" in str(absent.examples[0].found)
    assert Outcome.PASSED not in {finding.outcome for finding in found.findings.values()}


def test_splits_that_could_not_be_compared(engine: Engine, tmp_path: Path) -> None:
    """Rows that cannot be read again leave split-overlap without a verdict, and with a reason."""
    scans = []
    for name, seed in (("train", 1), ("test", 1)):
        (tmp_path / name).mkdir()
        paths = parquet(tmp_path / name, clean_rows(9, random.Random(seed)), random.Random(3))
        scans.append(scan(paths, split=name))
    assert compare_splits(scans, judge(), engine).violations == 9
    lost = compare_splits(
        scans, judge(), Sabotaged(engine, ("compare",), partial(Elsewhere, unit=0))
    )

    assert lost.outcome is Outcome.NOT_EVALUATED
    assert lost.because == "unreadable-file"
    assert lost.reason is not None
    assert lost.reason.startswith("x.parquet: the worker on ")
