"""What a task tells of units that break off, run out of memory, or that nobody waits for."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest

from pretok_schemas import Judge, TokenBatch, Vocabulary, load, rule
from pretok_schemas.custom import custom_rules
from pytest_pretok.abandon import Abandoned, stoppable
from pytest_pretok.readers import Chunk, Unit, UnreadableFile
from pytest_pretok.scan import tasks
from pytest_pretok.scan.tasks import Asked, DigestTask, LookTask, Part
from tests.plugin.data import COLUMNS, clean_rows, table_of
from tests.support.verdicts import judge

BATCHES = table_of(clean_rows(12)).combine_chunks().to_batches(max_chunksize=4)
Reading = Callable[..., Iterator[Chunk]]


def part(shard: int = 0, path: str = __file__) -> Part:
    """A unit of a file, with columns of token rows."""
    return Part(shard, Unit(path, "parquet", (0, 3), 12, 1000), COLUMNS, {})


def asked(*rows: int, path: str = __file__) -> Asked:
    """Some rows of a unit."""
    return Asked(part(path=path), np.array(rows, np.int64))


def reading(*outcomes: Sequence[int | Exception]) -> Reading:
    """A reader that gives batches by number, or raises; one list of these a unit."""
    units = iter(outcomes)

    def read(unit: Unit, columns: Sequence[str], **further: Any) -> Iterator[Chunk]:
        for one in next(units):
            if isinstance(one, Exception):
                raise one
            yield Chunk(BATCHES[one])

    return read


def look(parts: Sequence[Part], *outcomes: Sequence[int | Exception]) -> list[tuple[Any, ...]]:
    """What a first look at units tells, without the state but for its rows."""
    with patch.object(tasks, "read_chunks", reading(*outcomes)):
        found = LookTask(judge())(tuple(parts))
    return [
        (one.value.rows, one.rows, one.error, one.absent_on, one.no_memory, one.fetched)
        for one in found
    ]


BROKEN = UnreadableFile("bad page")
OUT = "memory ran out over it"


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ([[0, 1, 2]], [(12, (12,), None, None, False, 0)]),
        ([[0], [1, 2], []], [(12, (4, 8, 0), None, None, False, 0)]),
        ([[0, BROKEN]], [(4, (4,), "bad page", None, False, 0)]),
        ([[BROKEN]], [(0, (0,), "bad page", None, False, 0)]),
        (
            [[0], [1, BROKEN], [2]],
            [(8, (4, 4), "bad page", None, False, 0), (4, (4,), None, None, False, 0)],
        ),
        (
            [[0], [BROKEN]],
            [(4, (4, 0), "bad page", None, False, 0)],
        ),
        ([[0, MemoryError()]], [(0, (4,), OUT, None, True, 0)]),
        (
            [[0], [1, MemoryError()], [2]],
            [(0, (4, 4), OUT, None, True, 0), (4, (4,), None, None, False, 0)],
        ),
    ],
)
def test_units_that_break_off(
    outcomes: list[Sequence[int | Exception]], told: list[tuple[Any, ...]]
) -> None:
    """What was read before counts, save where memory ran out; the units behind go on."""
    parts = [part(number) for number in range(len(outcomes))]

    assert look(parts, *outcomes) == told


@pytest.mark.parametrize("again", [False, True])
def test_memory_that_runs_out_at_the_end(again: bool) -> None:
    """Small batches are judged when all have been read: that may fail, too."""
    ours = judge()
    task = LookTask(ours, {"prompt-boundary": "1 2 3"}) if again else LookTask(ours)
    name = "look_again" if again else "look"
    with (
        patch.object(tasks, "read_chunks", reading([0, 1])),
        patch.object(type(ours), name, side_effect=MemoryError),
    ):
        (done,) = task((part(),))

    assert (done.value.rows, done.rows, done.error, done.no_memory) == (0, (8,), OUT, True)


@pytest.mark.parametrize(
    ("path", "here", "absent"),
    [
        (__file__, False, False),
        (str(Path(__file__).parent / "nothing"), False, True),
        ("s3://a/b", False, False),
        ("s3://a/b", True, True),
    ],
)
def test_files_that_a_machine_lacks(path: str, here: bool, absent: bool) -> None:
    """It names itself where there is no such file, or no way to the store."""
    error = UnreadableFile("no", here=here)
    with patch.object(tasks, "read_chunks", reading([error], [error])):
        (done,) = LookTask(judge())((part(path=path),))
        again = DigestTask(judge(), False)(asked(0, path=path))

    assert done.absent_on == again.absent_on == (socket.gethostname() if absent else None)


@pytest.mark.parametrize(
    ("rows", "outcome", "found", "told"),
    [
        ((0, 5), [0, 1, 2], [0, 5], (8, None, False)),
        ((3, 4, 11), [0, 1, 2], [3, 4, 11], (12, None, False)),
        ((3,), [0, BROKEN], [3], (4, None, False)),  # what follows was not asked for
        ((3, 11), [0, 1], [3], (8, None, False)),  # fewer rows than there were before
        ((3, 4), [0, BROKEN], [3], (4, "bad page", False)),
        ((3, 8), [0, 1, MemoryError()], [3], (8, OUT, True)),
    ],
)
def test_rows_that_are_looked_at_again(
    rows: tuple[int, ...],
    outcome: Sequence[int | Exception],
    found: list[int],
    told: tuple[int, str | None, bool],
) -> None:
    """Their numbers within the unit, up to the last one or to the damage."""
    with patch.object(tasks, "read_chunks", reading(outcome)):
        done = DigestTask(judge(), True)(asked(*rows))
        with patch.object(tasks, "read_chunks", reading([0, 1, 2])):
            every = dict(DigestTask(judge(), True)(asked(*range(12))).value)

    assert done.value == [(row, every[row]) for row in found]
    assert (*done.rows, done.error, done.no_memory) == told
    assert len(set(every.values())) == 12
    assert {len(digest) for digest in every.values()} == {32}


def test_columns_that_are_read() -> None:
    """Those of the part, and further ones for rules of a person's own."""
    seen: list[tuple[Any, ...]] = []

    def read(unit: Unit, columns: Sequence[str], further: Sequence[str] = ()) -> Iterator[Chunk]:
        seen.append((unit, columns, further))
        yield Chunk(BATCHES[0])

    one = Part(0, part().unit, COLUMNS, {}, ("source",))
    with patch.object(tasks, "read_chunks", read):
        LookTask(judge())((one,))

    assert seen == [(one.unit, COLUMNS, ("source",))]


@pytest.mark.parametrize("again", [False, True])
def test_work_that_nobody_waits_for(again: bool) -> None:
    """It ends at the next batch."""
    stop = Event()
    read: list[int] = []

    def chunks(*_: Any, **__: Any) -> Iterator[Chunk]:
        for number, batch in enumerate(BATCHES):
            read.append(number)
            stop.set()
            yield Chunk(pa.record_batch(batch))

    task: Any = DigestTask(judge(), True) if again else LookTask(judge())
    with patch.object(tasks, "read_chunks", chunks), pytest.raises(Abandoned):
        stoppable(stop, task, asked(11) if again else (part(),))

    assert read == [0]


@pytest.mark.parametrize(("format_", "untyped"), [("parquet", False), ("jsonl", True)])
def test_types_that_are_only_what_values_show(format_: str, untyped: bool) -> None:
    """A batch tells whether it is from a file of text."""
    seen: list[bool] = []

    @rule
    def watching(batch: TokenBatch) -> list[int]:
        """A row is seen."""
        seen.append(batch.untyped)
        return []

    ours = Judge(load("axolotl"), Vocabulary(), custom=custom_rules([watching], {}))
    one = Part(0, Unit(__file__, format_, (), 4, 1000), COLUMNS, {})
    with patch.object(tasks, "read_chunks", reading([0])):
        LookTask(ours)((one,))

    assert seen == [untyped]
