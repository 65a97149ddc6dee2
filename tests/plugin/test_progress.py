"""The progress of long scans as users see it: pytest in another process, on a real terminal.

The terminal is a pseudo-terminal, its screen is pyte's. What takes seconds for users is made due at
once; nothing waits. Several sessions follow one another in one process, which starts but once.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import struct
import subprocess
import sys
import termios
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pyte
import pytest

from tests.plugin.data import clean_rows, declare, faulty_rows, shards

DECLARATION = """
    [tool.pretok.datasets.sft]
    path = "sft/*.parquet"
    vocab-size = 32000
"""
SESSIONS = """
import json
import sys

import pytest

from pytest_pretok import progress, session

progress.PATIENCE = progress.FRAME = progress.QUIET = 0
opened = session.open_display
for shown, arguments in json.loads(sys.argv[1]):
    session.open_display = opened if shown else lambda *_: None
    code = pytest.main(arguments)
    print(f"@@@{int(code)}@@@", flush=True)
"""
LINES = 120  # so that nothing scrolls away
CI = ("CI", "GITHUB_ACTIONS", "BUILD_NUMBER", "TF_BUILD", "TEAMCITY_VERSION", "COLUMNS")
COUNT = r"(second look, )?[\d.]+( k)? of ~[\d.]+( k)? (tokens|rows)"
SPEED = r"[\d.]+( [kMB])?"
BLOCKS = r"[ \u2588-\u258f]+"
BAR = re.compile(rf"sft\[train\] +\d+ %\|{BLOCKS}\| {COUNT}(, {SPEED}/s)?, \d+ s left")
LINE = re.compile(
    rf"pretok: sft\[train\] {COUNT}, {SPEED} (tokens|rows)/s, about \d+ s left",
)
RUNS: dict[int, list[list[str]]] = {
    80: [
        [],
        ["-v", "--capture=sys"],
        ["--capture=tee-sys"],
        ["-s"],
        ["-s", "-v"],
        ["-o", "console_output_style=classic"],
    ],
    160: [["-vv"], ["-rA", "--setup-show", "-o", "console_output_style=count"]],
}


@dataclass(frozen=True)
class Seen:
    """A session: its exit code, all that it sent, every bar that stood there, its last screen."""

    code: int
    sent: bytes
    bars: tuple[str, ...]
    end: list[str]


@pytest.fixture
def faulty(pytester: pytest.Pytester) -> Path:
    """Three shards of a split, one faulty, and a repository's own tests, one of which prints."""
    rows = [clean_rows(seed=1), faulty_rows(seed=2), clean_rows(seed=1)]
    shards(pytester.path / "sft", "train", rows)
    declare(pytester.path, DECLARATION)
    (pytester.path / "sessions.py").write_text(SESSIONS, encoding="utf-8")
    pytester.makepyfile(test_own="def test_own(): print('own words')\ndef test_more(): pass\n")
    return pytester.path


def command(*arguments: str) -> list[str]:
    """What pytest is given: tests, data, and what a test wants."""
    plugins = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    return ["test_own.py", "--pretok-data=.", *plugins, *arguments]


def environment(**further: str) -> dict[str, str]:
    """That of a person: no CI, a capable terminal."""
    kept = {name: value for name, value in os.environ.items() if name not in CI}
    return {**kept, "TERM": "xterm-256color", **further}


def attached(here: Path, words: list[str], columns: int, variables: dict[str, str]) -> bytes:
    """All that a process sends to the terminal that it runs on."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=here,
        env=environment(**variables),
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    sent = b""
    while True:
        try:
            piece = os.read(master, 65_536)
        except OSError:  # how Linux says that nobody has the other end open
            break
        if not piece:
            break
        sent += piece
    os.close(master)
    process.wait()
    return sent


def on_terminal(
    here: Path, runs: list[list[str]], columns: int = 80, shown: bool = True, **variables: str
) -> list[Seen]:
    """Sessions in turn on one terminal, whose screen is looked at whenever a bar is drawn."""
    text = json.dumps([(shown, command(*arguments)) for arguments in runs])
    sent = attached(here, ["sessions.py", text], columns, variables)
    _, *parts = re.split(rb"@@@(\d)@@@\r\n", b"@@@0@@@\r\n" + sent)
    codes, texts = parts[2::2], parts[1::2]
    assert len(codes) == len(runs)
    return [_seen(int(code), text, columns) for code, text in zip(codes, texts, strict=False)]


def _seen(code: int, sent: bytes, columns: int) -> Seen:
    screen = pyte.Screen(columns, LINES)
    stream = pyte.ByteStream(screen)
    bars: list[str] = []
    for piece in re.split(rb"(?=\r)", sent):
        stream.feed(piece)
        if b" left" in piece:
            bars += [line.rstrip() for line in screen.display if " left" in line]
    end = [re.sub(r"in \d+\.\d+s =+", "", line.rstrip()) for line in screen.display]
    return Seen(code, sent, tuple(bars), end)


def test_a_bar_on_a_terminal(faulty: Path) -> None:
    """Name, share, bar, tokens, speed and time left stand on a line, uncoloured if asked."""
    (seen,) = on_terminal(faulty, [[]], NO_COLOR="1")

    assert seen.code == 1
    assert all(BAR.fullmatch(bar) for bar in seen.bars)
    shares = [int(bar.split("%")[0].split()[-1]) for bar in seen.bars]
    assert len(set(shares)) > 1
    assert shares[-1] == 100
    assert any("second look" in bar for bar in seen.bars)
    assert max(map(len, seen.bars)) < 80
    assert b"\x1b[3" not in seen.sent


@pytest.mark.parametrize("columns", RUNS)
def test_a_bar_leaves_no_trace(faulty: Path, columns: int) -> None:
    """However pytest captures and reports: once the scan is over, the screen looks as if there had
    never been a bar on it.
    """
    # pytest warns of modules in the order of a set.
    shown = on_terminal(faulty, RUNS[columns], columns, PYTHONHASHSEED="1")
    without = on_terminal(faulty, RUNS[columns], columns, shown=False, PYTHONHASHSEED="1")

    for seen, plain in zip(shown, without, strict=True):
        assert seen.bars
        assert not plain.bars
        assert seen.end == plain.end
        assert not any(" left" in line for line in seen.end)


def test_silence(faulty: Path) -> None:
    """Nothing is shown under -q, by workers of pytest-xdist, without a reporter or a scan."""
    runs = [["-q"], ["-qs"], ["-p", "no:terminal"], ["-k", "test_own"], ["-n1"]]
    for seen in on_terminal(faulty, runs):
        assert not seen.bars
        assert b" left" not in seen.sent
        assert b"\x1b[A" not in seen.sent


def test_a_terminal_in_ci(faulty: Path) -> None:
    """No bar is drawn where CI offers a terminal; lines are written as in a log."""
    for seen in on_terminal(faulty, [[], ["-v"]], CI="true"):
        assert b"\x1b[A" not in seen.sent
        assert any(LINE.fullmatch(line) for line in seen.end)
        assert not any(" left" in line for line in seen.end if not LINE.fullmatch(line))


def redirected(here: Path, words: list[str]) -> str:
    """What a process writes to a file that its output goes to."""
    log = here / "log"
    with log.open("w") as file:
        subprocess.run(
            [sys.executable, *words],
            cwd=here,
            env=environment(),
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return log.read_text(encoding="utf-8")


def test_lines_in_a_log(faulty: Path) -> None:
    """Long scans write lines of their own, and pytest's text stays as it is."""
    runs = [[], ["-v", "--capture=sys"], ["-s"], ["-q"]]
    text = json.dumps([(shown, command(*run)) for shown in (True, False) for run in runs])
    found = re.split(r"@@@\d@@@\n", redirected(faulty, ["sessions.py", text]))[:-1]

    assert len(found) == 2 * len(runs)
    for run, log, plain in zip(runs, found, found[len(runs) :], strict=False):
        told = [line for line in log.splitlines() if " left" in line]
        assert bool(told) == (run != ["-q"])
        assert all(LINE.fullmatch(line) for line in told)
        assert "\x1b" not in log
        assert "\r" not in log
        assert _joined(line for line in log.splitlines() if line not in told) == _joined([plain])


def _joined(lines: Iterable[str]) -> str:
    return re.sub(r"\d+\.\d+s( =+)?|\s", "", "".join(lines))


SPY = "import sys\ndef pytest_unconfigure(): print('LOADED', 'tqdm' in sys.modules)\n"


def test_a_short_scan(faulty: Path) -> None:
    """Less than two seconds are worth neither a bar, nor the time to import what draws it; less
    than thirty no line in a log.
    """
    (faulty / "spy.py").write_text(SPY, encoding="utf-8")
    words = ["-m", "pytest", *command("-p", "spy")]
    sent = attached(faulty, words, 80, {})

    assert b" left" not in sent
    assert b"LOADED False" in sent
    assert " left" not in redirected(faulty, words)


def test_reports_hold_nothing_of_it(faulty: Path) -> None:
    """JUnit's file and the captured sections of an item know nothing of the bar."""
    (faulty / "spy.py").write_text(SPY, encoding="utf-8")
    junit = ["--junitxml=junit.xml", "-o", "junit_logging=all"]
    (seen,) = on_terminal(faulty, [[*junit, "-rA", "-p", "spy"]])
    text = (faulty / "junit.xml").read_text(encoding="utf-8")
    printed = [
        case.get("name")
        for case in ET.fromstring(text).iter("testcase")
        if (case.findtext("system-out") or "").strip("- \n")
    ]

    assert seen.bars
    assert b"LOADED True" in seen.sent
    assert "test_own" in printed
    assert " left" not in text
    assert "\u2588" not in text
    assert sum("Captured stdout" in line for line in seen.end) == 1


def test_an_interrupted_scan_leaves_no_bar(faulty: Path) -> None:
    """Ctrl-C in the middle of a scan: the bar is gone before pytest says so."""
    stop = """
        import pytest_pretok.progress as progress

        class Interrupted(progress.ScanProgress):
            def finish(self, unit, tokens):
                super().finish(unit, tokens)
                raise KeyboardInterrupt

        progress.ScanProgress = Interrupted
    """
    (faulty / "stop.py").write_text(dedent(stop), encoding="utf-8")
    (seen,) = on_terminal(faulty, [["-p", "stop"]])

    assert seen.code == 2
    assert seen.bars
    assert not any(" left" in line for line in seen.end)
    assert any("KeyboardInterrupt" in line for line in seen.end)
