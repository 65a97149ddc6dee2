"""How far a scan is, shown while it lasts: a bar on a terminal, now and then a line in a log.

Writes to a descriptor of its own, which no capture redirects. Must not know rules, nodes or
pytest.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from pytest_pretok.scan import Silent

if TYPE_CHECKING:
    from pytest_pretok.readers import Unit

PATIENCE = 2.0  # seconds of a scan before its bar appears
FRAME = 0.2  # seconds between two drawings of a bar
QUIET = 30.0  # seconds of a scan between two lines in a log
CI = ("CI", "GITHUB_ACTIONS", "BUILD_NUMBER", "TF_BUILD", "TEAMCITY_VERSION")
_LONGEST_BAR = 40
_SHORTEST_BAR = 5  # below that, it says less than the percentage beside it
_ROOM_FOR_WORDS = 44  # kept free even if they are shorter, so that the bar keeps its length
_LONGEST_NAME = 0.4  # of a terminal's width
_FULL = "\N{FULL BLOCK}"


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a pass over a split stands.

    ``share`` is the part of the pass that is done, 0 to 1, or None where nothing tells how much
    there is; ``seconds`` are those since the pass began.
    """

    name: str
    rows: int
    tokens: int
    share: float | None
    seconds: float
    again: bool = False


def amount(number: float) -> str:
    """A number as people say it: 37 M, 1.2 B."""
    power = next((one for one in range(4) if number / 1000**one < 999.5), 4)
    scaled, letter = number / 1000**power, ("", " k", " M", " B", " T")[power]
    return f"{scaled:.1f}{letter}" if letter and scaled < 9.95 else f"{scaled:.0f}{letter}"


def duration(seconds: float) -> str:
    """Seconds as people say them: 58 s, 12 min, 2.5 h."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 99.5 else f"{minutes / 60:.1f} h"


def words(moment: Moment, brief: bool) -> str:
    """Done, of how many, how fast, how much longer; ``brief`` where a bar stands beside it."""
    counts = ((moment.tokens, "tokens"), (moment.rows, "rows"))
    count, noun = next((pair for pair in counts if pair[0]), (0, ""))
    said = ["second look"] if moment.again else []
    if count and moment.share:
        said.append(f"{amount(count)} of ~{amount(count / moment.share)} {noun}")
    elif count:
        said.append(f"{amount(count)} {noun}")
    if count and moment.seconds and not (brief and moment.again):
        what = "" if brief else f" {noun}"
        said.append(f"{amount(count / moment.seconds)}{what}/s")
    if moment.share:
        left = moment.seconds * (1 - moment.share) / moment.share
        said.append(f"{duration(left)} left" if brief else f"about {duration(left)} left")
    return ", ".join(said)


def bar_line(moment: Moment, columns: int, ascii_only: bool) -> str:
    """One line of at most ``columns`` columns: name, percentage, bar and words."""
    from tqdm import tqdm  # lazy: few scans are long enough to be drawn
    from tqdm.utils import disp_len, disp_trim

    longest = int(columns * _LONGEST_NAME)
    name = moment.name if len(moment.name) <= longest else f"...{moment.name[3 - longest :]}"
    said = words(moment, brief=True)
    line: str
    if moment.share is None:
        line = disp_trim(f"{name}: {said}", columns)
        return line
    room = columns - disp_len(f"{name} 100 %|| ") - max(len(said), _ROOM_FOR_WORDS)
    if room < _SHORTEST_BAR:
        line = disp_trim(f"{name} {100 * moment.share:3.0f} %, {said}", columns)
        return line
    # The drawing alone is taken from tqdm. Its objects would bring a thread, a lock shared among
    # processes, and a place on the screen that they reckon without pytest's own line.
    line = tqdm.format_meter(
        moment.share,
        1,
        moment.seconds,
        ncols=columns,
        prefix=name,
        ascii=ascii_only,
        bar_format=f"{{desc}} {{percentage:3.0f}} %|{{bar:{min(room, _LONGEST_BAR)}}}| {{said}}",
        said=said,
    )
    return line


@dataclass(frozen=True, slots=True)
class Output:
    """Where text goes: a descriptor, its encoding, and the column at which pytest's text ends."""

    descriptor: int
    encoding: str
    column: Callable[[], int]

    def write(self, text: str) -> None:
        """Write all of a text, past every buffer."""
        left = text.encode(self.encoding, "replace")
        while left:
            left = left[os.write(self.descriptor, left) :]

    @property
    def columns(self) -> int:
        """The width of the terminal, 80 where it tells none."""
        try:
            return os.get_terminal_size(self.descriptor).columns or 80
        except OSError:
            return 80

    @property
    def ascii_only(self) -> bool:
        """Whether block characters cannot be written."""
        try:
            _FULL.encode(self.encoding)
        except UnicodeEncodeError:
            return True
        return False


class View(Protocol):
    """What shows one scan: first after ``first`` seconds, then every ``every`` seconds."""

    first: float
    every: float

    def show(self, moment: Moment) -> None:
        """Show where the scan stands."""

    def clear(self) -> None:
        """The scan is over."""


class Bar:
    """A line below pytest's own, redrawn in place; pytest goes on where it was."""

    def __init__(self, output: Output) -> None:
        self.first, self.every = PATIENCE, FRAME
        self._output = output
        self._back: str | None = None

    def show(self, moment: Moment) -> None:
        """Draw the bar, on a new line if pytest is in the middle of one."""
        columns = self._output.columns
        # A full last column would make some terminals wrap.
        line = bar_line(moment, columns - 1, self._output.ascii_only)
        start = "\r"
        if self._back is None:
            column = self._output.column()
            start = "\n\r" if column else "\r"
            # A line that ends at the edge goes on below it, which is where the bar is.
            place = column % columns
            self._back = f"\x1b[A\x1b[{place}C" if place else ""
        self._output.write(f"{start}{line}\x1b[K")

    def clear(self) -> None:
        """Leave no trace."""
        if self._back is not None:
            self._output.write(f"\r\x1b[K{self._back}")
            self._back = None


class Log:
    """A line now and then; pytest goes on below, in the column where it was."""

    def __init__(self, output: Output) -> None:
        self.first = self.every = QUIET
        self._output = output
        self._column: int | None = None

    def show(self, moment: Moment) -> None:
        """Write one line."""
        start = ""
        if self._column is None:
            self._column = self._output.column()
            start = "\n" if self._column else ""
        self._output.write(f"{start}pretok: {moment.name} {words(moment, brief=False)}\n")

    def clear(self) -> None:
        """Move on to the column that pytest counts from."""
        if self._column is not None:
            self._output.write(" " * self._column)
            self._column = None


class ScanProgress:
    """The progress of one scan, for one view; a context that ends what the view shows.

    ``clock`` gives seconds.
    """

    def __init__(self, name: str, view: View, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._view = view
        self._clock = clock
        self._lock = threading.Lock()
        self._due = clock() + view.first
        self._closed = False
        self.begin(())

    def __enter__(self) -> ScanProgress:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
            _harmless(self._view.clear)

    def __reduce__(self) -> tuple[Any, ...]:
        # What a task takes along to another process has nothing to show there.
        return Silent, ()

    def begin(self, units: Sequence[Unit], again: bool = False) -> None:
        """A pass begins."""
        with self._lock:
            self._began = self._clock()
            self._again = again
            self._size = sum(unit.size for unit in units)
            self._rows = _total(unit.rows for unit in units)
            self._read_rows = self._read_tokens = 0
            self._done_size = self._done_rows = self._done_tokens = 0

    def read(self, rows: int, tokens: int) -> None:
        """More rows were looked at."""
        with self._lock:
            self._read_rows += rows
            self._read_tokens += tokens
            self._show()

    def finish(self, unit: Unit, tokens: int) -> None:
        """A unit is done with."""
        with self._lock:
            self._done_size += unit.size
            self._done_rows += unit.rows or 0
            self._done_tokens += tokens
            self._show()

    def _show(self) -> None:
        now = self._clock()
        if self._closed or now < self._due:
            return
        self._due = now + self._view.every
        moment = self._moment(now)
        self._closed = not _harmless(lambda: self._view.show(moment))

    def _moment(self, now: float) -> Moment:
        # Units that run elsewhere tell of themselves only when they are done with.
        rows = max(self._read_rows, self._done_rows)
        tokens = max(self._read_tokens, self._done_tokens)
        share = self._share(rows, tokens)
        return Moment(self._name, rows, tokens, share, now - self._began, self._again)

    def _share(self, rows: int, tokens: int) -> float | None:
        if self._rows:
            return min(1.0, rows / self._rows)
        if not self._done_size:
            return None
        done = self._done_size / self._size
        # Units under way have counted tokens, but no bytes.
        return min(1.0, done * tokens / self._done_tokens if self._done_tokens else done)


def _total(rows: Iterable[int | None]) -> int | None:
    known = list(rows)
    return None if None in known else sum(row or 0 for row in known)


def _harmless(action: Callable[[], None]) -> bool:
    """Whether an action worked; a terminal that is gone must not cost a verdict."""
    try:
        action()
    except (OSError, ImportError):
        return False
    return True


class Display:
    """Shows the scans of one session, each by its name."""

    def __init__(self, output: Output, view: Callable[[Output], View]) -> None:
        self._output = output
        self._view = view

    def watch(self, name: str) -> ScanProgress:
        """The progress of a scan that begins now."""
        return ScanProgress(name, self._view(self._output))

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._output.descriptor)


def open_display(
    stream: TextIO, column: Callable[[], int], environ: Mapping[str, str]
) -> Display | None:
    """What shows scans where a stream leads to now, whatever it is redirected to later.

    None where the stream is no file. ``column`` tells where the stream's current line ends.
    """
    try:
        descriptor = os.dup(stream.fileno())
    except (AttributeError, OSError, ValueError):  # streams of notebooks and of tests
        return None
    # A Windows console takes no escapes on a descriptor that nobody prepared for them.
    plain = os.name == "nt" or environ.get("TERM") == "dumb" or any(map(environ.get, CI))
    view = Log if plain or not os.isatty(descriptor) else Bar
    return Display(Output(descriptor, stream.encoding or "utf-8", column), view)
