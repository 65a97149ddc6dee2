"""The display of a scan's progress: what it says by a clock of ours, and what a terminal shows.

The terminal is a pseudo-terminal of the system, its screen is pyte's.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import random
import struct
import termios
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pyte
import pytest
from wcwidth import wcswidth

from pytest_pretok import progress
from pytest_pretok.progress import Bar, Log, Moment, Output, ScanProgress
from pytest_pretok.readers import Unit
from pytest_pretok.scan import SILENT, Shard, Silent, compare_splits, scan_split
from tests.support.containers import WRITERS
from tests.support.rows import clean_rows, header_rows
from tests.support.verdicts import judge, scan

WIDE = "\u6570\u636e\u96c6" * 10  # two columns each
HALF = Moment("sft[train]", 10_000, 1_200_000_000, 0.35, 32.4)


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@dataclass
class Watcher:
    """A view that keeps what it was told to show."""

    first: float = 2.0
    every: float = 0.5
    shown: list[Moment] = field(default_factory=list)
    cleared: int = 0

    def show(self, moment: Moment) -> None:
        """Keep it."""
        self.shown.append(moment)

    def clear(self) -> None:
        """Count it."""
        self.cleared += 1


def unit(size: int, rows: int | None = None) -> Unit:
    """A unit of so many bytes, and rows if its footer tells."""
    return Unit("a", "jsonl", (), rows, size)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (999.6, "1.0 k"),
        (1_000, "1.0 k"),
        (9_949, "9.9 k"),
        (9_951, "10 k"),
        (999_499, "999 k"),
        (999_500, "1.0 M"),
        (37_400_000, "37 M"),
        (1_234_567_890, "1.2 B"),
        (15_000_000_000_000, "15 T"),
        (2_000_000_000_000_000, "2000 T"),
    ],
)
def test_amounts(number: float, text: str) -> None:
    """Numbers have two digits or three, and the letter of their thousands."""
    assert progress.amount(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (58.4, "58 s"), (99.6, "2 min"), (3_600, "60 min"), (9_000, "2.5 h")],
)
def test_durations(seconds: float, text: str) -> None:
    """Times are told in the unit that fits them."""
    assert progress.duration(seconds) == text


@pytest.mark.parametrize(
    ("moment", "brief", "text"),
    [
        (HALF, False, "1.2 B of ~3.4 B tokens, 37 M tokens/s, about 60 s left"),
        (HALF, True, "1.2 B of ~3.4 B tokens, 37 M/s, 60 s left"),
        (Moment("a", 10, 5_000, None, 2.0), False, "5.0 k tokens, 2.5 k tokens/s"),
        (Moment("a", 500, 0, 0.5, 2.0), False, "500 of ~1.0 k rows, 250 rows/s, about 2 s left"),
        (Moment("a", 500, 0, 0.5, 2.0, True), True, "second look, 500 of ~1.0 k rows, 2 s left"),
        (Moment("a", 0, 0, None, 2.0, True), False, "second look"),
        (Moment("a", 0, 0, None, 0.0), False, ""),
        (Moment("a", 7, 70, 1.0, 0.0), False, "70 of ~70 tokens, about 0 s left"),
    ],
)
def test_words(moment: Moment, brief: bool, text: str) -> None:
    """What is done, of how much, how fast and how long still; only what is known."""
    assert progress.words(moment, brief) == text


@pytest.mark.parametrize("columns", [20, 40, 60, 79, 159, 300])
@pytest.mark.parametrize(
    "name",
    ["a", "sft[train]", "/far/away/" * 9 + "train.parquet", "{0} {x", WIDE],
    ids=["short", "split", "path", "braces", "wide"],
)
def test_a_bar_fits_its_terminal(columns: int, name: str) -> None:
    """No line is longer than its terminal, nor has it characters that cannot be written."""
    for share, ascii_only in product([None, 0.0, 0.35, 1.0], [False, True]):
        line = progress.bar_line(Moment(name, 10, 10**9, share, 3.0), columns, ascii_only)

        assert 0 < wcswidth(line) <= columns
        assert line.isascii() or not ascii_only or name == WIDE
        assert "\n" not in line
        if columns >= 159:
            assert "1.0 B" in line
            assert line.startswith(name if len(name) < 0.4 * columns else "...")
            assert (" %|" in line) == (share is not None)


def test_a_bar() -> None:
    """The whole line at 80 columns: a share of the bar as long as the share of the pass."""
    line = progress.bar_line(HALF, 79, True)

    assert line == "sft[train]  35 %|#####6          | 1.2 B of ~3.4 B tokens, 37 M/s, 60 s left"


def test_nothing_is_shown_before_its_time() -> None:
    """The first two seconds show nothing; later, what is shown waits for the view's next turn."""
    clock, view = Clock(), Watcher()
    times = []
    with ScanProgress("a", view, clock) as scan:
        scan.begin([unit(100)])
        for step in range(40):
            clock.now = 100 + step / 10
            before = len(view.shown)
            scan.read(1, 10)
            times += [step / 10] if len(view.shown) > before else []

    assert times == [2.0, 2.5, 3.0, 3.5]
    assert view.cleared == 1


def test_a_scan_that_is_over_shows_nothing() -> None:
    """Threads that still run when a scan breaks off draw nothing over what follows."""
    clock, view = Clock(), Watcher(first=0)
    with pytest.raises(ZeroDivisionError), ScanProgress("a", view, clock) as scan:
        raise ZeroDivisionError
    scan.read(1, 10)
    scan.finish(unit(1), 10)

    assert view.shown == []
    assert view.cleared == 1


def shares(units: list[Unit], told: Callable[[ScanProgress], None]) -> Moment:
    """What is shown at last, two seconds into a pass."""
    clock, view = Clock(), Watcher(first=0, every=0)
    with ScanProgress("a", view, clock) as scan:
        scan.begin(units)
        clock.now += 2
        told(scan)
    return view.shown[-1]


def test_rows_tell_how_far_a_pass_is() -> None:
    """Where footers count the rows, a single unit has a share of its own."""
    moment = shares([unit(100, 40), unit(100, 160)], lambda scan: scan.read(50, 7_000))

    assert (moment.share, moment.tokens, moment.seconds) == (0.25, 7_000, 2.0)


def test_bytes_tell_it_otherwise() -> None:
    """Without row counts the units that are done tell; those under way add by their tokens."""

    def told(scan: ScanProgress) -> None:
        scan.read(10, 500)
        scan.read(10, 500)
        scan.finish(unit(100), 500)

    assert shares([unit(100)] * 10, told).share == pytest.approx(0.2)
    assert shares([unit(100)] * 10, lambda scan: scan.read(10, 500)).share is None
    assert shares([unit(100)] * 4, lambda scan: scan.finish(unit(100), 0)).share == 0.25


def test_units_that_ran_elsewhere() -> None:
    """An engine whose tasks run in other processes tells of finished units alone."""
    moment = shares([unit(100, 5)] * 4, lambda scan: scan.finish(unit(100, 5), 800))

    assert (moment.share, moment.rows, moment.tokens) == (0.25, 5, 800)


def test_footers_that_lie() -> None:
    """No share is above one, whatever a footer says."""
    assert shares([unit(100, 5)], lambda scan: scan.read(50, 10)).share == 1
    assert shares([unit(0, 0)], lambda scan: scan.finish(unit(0, 0), 0)).share is None


def test_every_thread_counts() -> None:
    """Nothing is lost where several threads tell at once."""
    view = Watcher(first=0, every=0)
    with ScanProgress("a", view) as scan, ThreadPoolExecutor(4) as pool:
        scan.begin([unit(1, 4_000)])
        for _ in range(4):
            pool.submit(lambda: [scan.read(1, 3) for _ in range(1_000)])

    assert (view.shown[-1].rows, view.shown[-1].tokens) == (4_000, 12_000)
    assert len(view.shown) == 4_000


def test_progress_stays_in_its_process() -> None:
    """What a task takes along to another process is silent there."""
    assert isinstance(pickle.loads(pickle.dumps(ScanProgress("a", Watcher()))), Silent)


@dataclass
class Terminal:
    """A pseudo-terminal with a screen of 24 lines."""

    master: int
    output: Output
    screen: pyte.Screen
    column: int = 0

    def write(self, text: str) -> None:
        """What pytest writes, with its own reckoning of the column."""
        self.output.write(text)
        self.column = len((" " * self.column + text).rsplit("\n", 1)[-1])
        if "\n" in text:
            self.column = len(text.rsplit("\n", 1)[-1])

    def display(self) -> list[str]:
        """The screen after all that was written."""
        os.set_blocking(self.master, False)
        stream = pyte.ByteStream(self.screen)
        while True:
            try:
                stream.feed(os.read(self.master, 65_536))
            except BlockingIOError:
                return list(self.screen.display)


@pytest.fixture
def terminal() -> Iterator[Callable[[int], Terminal]]:
    """Makes terminals of a width."""
    opened: list[int] = []

    def make(columns: int) -> Terminal:
        master, slave = os.openpty()
        opened.extend((master, slave))
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        made: Terminal
        made = Terminal(
            master, Output(slave, "utf-8", lambda: made.column), pyte.Screen(columns, 24)
        )
        return made

    yield make
    for descriptor in opened:
        os.close(descriptor)


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("above", [0, 22, 23, 40], ids="above{}".format)
@pytest.mark.parametrize("before", [0, 1, 22, 39, 40, 41, 79, 80, 81, 160, 165])
def test_a_bar_leaves_no_trace(
    terminal: Callable[[int], Terminal], columns: int, above: int, before: int
) -> None:
    """Wherever pytest's line ends, edges too, and however full the screen is: once the bar is
    gone, all looks as if it had never been.
    """
    plain, drawn = terminal(columns), terminal(columns)
    for number in range(above):
        for one in (plain, drawn):
            one.write(f"line {number}\n")
    for one in (plain, drawn):
        one.write("x" * before)
    bar = Bar(drawn.output)
    bar.clear()  # of a scan that was too short: nothing to do
    bar.show(HALF)
    bar.show(HALF)
    line = next(text for text in drawn.display() if "sft[train]" in text)
    bar.clear()
    for one in (plain, drawn):
        one.write(". [ 50%]\nnext")

    assert "60 s left" in line or columns == 40
    assert _tail(drawn.display()) == _tail(plain.display())


def _tail(lines: list[str]) -> list[str]:
    """What is on a screen, without the empty lines that a bar at its lower edge scrolled in."""
    text = "\n".join(line.rstrip() for line in lines).strip("\n").split("\n")
    return text[-20:]


def test_a_line_in_a_log(tmp_path: Path) -> None:
    """Lines of their own, one a turn; pytest goes on in the column that it counts from."""
    log = tmp_path / "log"
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT)
    view = Log(Output(descriptor, "ascii", lambda: 5))
    os.write(descriptor, b"a.py ")
    view.clear()
    view.show(Moment("sft[tr\N{LATIN SMALL LETTER AE}in]", 1, 5, None, 1.0))
    view.show(HALF)
    view.clear()
    os.write(descriptor, b". [ 5%]\n")
    os.close(descriptor)

    assert log.read_text() == (
        "a.py \n"
        "pretok: sft[tr?in] 5 tokens, 5 tokens/s\n"
        "pretok: sft[train] 1.2 B of ~3.4 B tokens, 37 M tokens/s, about 60 s left\n"
        "     . [ 5%]\n"
    )


class Gone(Watcher):
    """A view whose terminal is closed."""

    def show(self, moment: Moment) -> None:
        """Fail as the system does."""
        super().show(moment)
        reading, writing = os.pipe()
        os.close(reading)
        try:
            os.write(writing, b"x")
        finally:
            os.close(writing)


def test_a_terminal_that_is_gone() -> None:
    """A closed terminal ends the display, not the scan."""
    view = Gone(first=0, every=0)
    with ScanProgress("a", view) as scan:
        scan.begin([unit(100)])
        scan.finish(unit(50), 7)
        scan.finish(unit(50), 7)

    assert len(view.shown) == 1


@pytest.mark.parametrize(
    ("environ", "view"),
    [
        ({}, Bar),
        ({"NO_COLOR": "1", "TERM": "xterm"}, Bar),
        ({"CI": ""}, Bar),
        ({"CI": "true"}, Log),
        ({"GITHUB_ACTIONS": "true"}, Log),
        ({"TF_BUILD": "True"}, Log),
        ({"TERM": "dumb"}, Log),
    ],
)
def test_where_a_bar_is_drawn(
    terminal: Callable[[int], Terminal], environ: dict[str, str], view: type
) -> None:
    """On a terminal that a person looks at."""
    slave = terminal(80).output.descriptor
    with open(slave, "w", closefd=False) as stream:
        display = progress.open_display(stream, lambda: 0, environ)
    assert display is not None
    watched = display.watch("a")
    display.close()

    assert type(watched._view) is view


def test_a_file_gets_lines(tmp_path: Path) -> None:
    """What is redirected to a file is a log."""
    with (tmp_path / "log").open("w") as stream:
        display = progress.open_display(stream, lambda: 0, {})
    assert display is not None
    watched = display.watch("a")
    display.close()

    assert type(watched._view) is Log


def test_streams_that_are_no_files() -> None:
    """Nothing is shown where there is no descriptor to write to."""
    import io

    assert progress.open_display(io.StringIO(), lambda: 0, {}) is None


class Witness:
    """Progress that writes down what a scan tells."""

    def __init__(self) -> None:
        self.passes: list[dict[str, Any]] = []

    def begin(self, units: list[Unit], again: bool = False) -> None:
        """A pass of its own."""
        sums = {"rows": 0, "tokens": 0, "finished": 0, "done": []}
        self.passes.append({"units": list(units), "again": again, **sums})

    def read(self, rows: int, tokens: int) -> None:
        """Sums."""
        self.passes[-1]["rows"] += rows
        self.passes[-1]["tokens"] += tokens

    def finish(self, unit: Unit, tokens: int) -> None:
        """Sums and units."""
        self.passes[-1]["finished"] += tokens
        self.passes[-1]["done"].append(unit)


@pytest.mark.parametrize("container", ["parquet", "jsonl"])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_scan_tells_all_of_it(tmp_path: Path, container: str, workers: int) -> None:
    """Rows, tokens and units of a pass add up, by every thread; second passes tell as well."""
    rows = clean_rows(40, random.Random(5))
    rows[30] = rows[3]
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    paths = [path for one in folders for path in WRITERS[container](one, rows, random.Random(1))]
    witness = Witness()
    shards = [Shard(str(path), path.name) for path in paths]
    found = scan_split("train", shards, judge(), workers, witness)
    first, *later = witness.passes
    tokens = 2 * sum(len(row["input_ids"]) for row in rows)

    assert (first["rows"], first["tokens"], first["finished"]) == (80, tokens, tokens)
    assert found.findings["duplicate-rows"].violations == 41
    assert not first["again"]
    assert later
    assert all(one["again"] and one["rows"] for one in later)
    for one in witness.passes:
        assert one["units"] == one["done"] != []
    compared = Witness()
    compare_splits([found, found], judge(), workers, progress=compared)
    assert [one["again"] for one in compared.passes] == [True, True]
    assert all(one["units"] == one["done"] != [] for one in compared.passes)


def test_a_second_look_is_told(tmp_path: Path) -> None:
    """Rows of units that depart from the others are looked at once more."""
    rows = header_rows([30, 30, 30, *[22] * 20])
    paths = WRITERS["jsonl"](tmp_path, rows, random.Random(1))
    witness = Witness()

    found = scan(paths, cut=(1, 1), progress=witness)

    assert found.findings["prompt-boundary"].violations == 3
    told = [(one["again"], one["rows"]) for one in witness.passes if one["units"]]
    assert told == [(False, 23), (True, 23)]


def test_silence_is_the_same_scan(tmp_path: Path) -> None:
    """A scan finds the same whether somebody looks or not."""
    (path,) = WRITERS["parquet"](tmp_path, clean_rows(40, random.Random(5)), random.Random(1))
    shards = [Shard(str(path), path.name)]
    watched = scan_split("train", shards, judge(), 1, Witness())

    assert watched.findings == scan_split("train", shards, judge(), 1, SILENT).findings
