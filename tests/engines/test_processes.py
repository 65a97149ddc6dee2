"""Processes of this machine, for text: the same report, deaths cost nothing, no orphans."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_pretok.engines import Lost
from pytest_pretok.engines.local import Local
from pytest_pretok.engines.processes import Processes
from tests.engines.test_runs import body, gone
from tests.plugin.conftest import Run
from tests.plugin.data import clean_rows, faulty_rows, write

ROOT = str(Path(__file__).parents[2])


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Two of them."""
    made = Processes(2)
    yield made
    made.close()


@dataclass(frozen=True)
class Crash:
    """A task that reads memory that is not its own at the unit 13, as a decoder at fault does."""

    def __call__(self, unit: int) -> int:
        """The unit; lines go to standard output as some libraries write them."""
        os.write(1, b"a line of a decoder\n")
        sys.stdout.write("a line of a library\n")
        return ctypes.string_at(0)[0] if unit == 13 else unit


def test_a_crash_in_a_decoder(processes: Processes) -> None:
    """The unit is lost, by the signal that ended its process; the others are done."""
    found = dict(processes.run(Crash(), range(10, 17)))
    lost = found.pop(3)

    assert found == {0: 10, 1: 11, 2: 12, 4: 14, 5: 15, 6: 16}
    assert lost == Lost("3 processes in turn died over it, the last one by SIGSEGV")


@dataclass(frozen=True)
class Place:
    """A task that tells which process does it."""

    def __call__(self, unit: int) -> int:
        """Its number."""
        time.sleep(0.05)
        return os.getpid()


@pytest.mark.parametrize(("locked", "others"), [(True, 2), (False, 0)])
def test_where_units_are_done(locked: bool, others: int) -> None:
    """In as many processes as asked for if threads would wait for one another, else here."""
    engine = Local(2)
    places = {place for _, place in engine.run(Place(), range(8), locked)}
    again = {place for _, place in engine.run(Place(), range(8), locked)}
    engine.close()

    assert len(places - {os.getpid()}) == others
    assert again == places
    assert not [one for one in places - {os.getpid()} if Path(f"/proc/{one}").exists()]


IN_PROCESSES = """
from pathlib import Path

import pytest_pretok.engines.processes as processes
import pytest_pretok.readers.jsonl
import pytest_pretok.scan.shards


class Noted(processes.Worker):
    def do(self, task, unit):
        Path(f"done-{{id(self)}}").touch()
        return super().do(task, unit)


processes.Worker = Noted

pytest_pretok.readers.jsonl._MOST_BYTES = 20_000
pytest_pretok.scan.shards.WORTH_PROCESSES = {worth}
"""


@pytest.mark.usefixtures("here")
def test_reports_are_the_same(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text in processes and on threads: the same text and report, broken lines and all."""
    monkeypatch.setenv("PYTHONPATH", ROOT)
    write(here / "data/train.jsonl", [*clean_rows(400), *faulty_rows(200), *clean_rows(200)])
    write(here / "data/test.jsonl", [*clean_rows(7, seed=3), *faulty_rows(5)])
    lines = (here / "data/train.jsonl").read_bytes()
    (here / "torn.jsonl").write_bytes(lines + b'{"input_ids": [1, 2')
    ran, reports, used = [], [], 0
    for worth in (0, 10**12):
        (here / "conftest.py").write_text(IN_PROCESSES.format(worth=worth), encoding="utf-8")
        ran.append(
            run(
                *("--pretok-data=data", "--pretok-data=torn.jsonl"),
                *("--pretok-report=r.json", "--pretok-workers=2"),
                subprocess=True,
            )
        )
        used = used or len(list(here.glob("done-*")))
        reports.append(json.loads((here / "r.json").read_text(encoding="utf-8")))

    assert len(list(here.glob("done-*"))) == used == 2
    assert [one.code for one in ran] == [1, 1]
    assert body(ran[0]) == body(ran[1])
    assert reports[0] == reports[1]
    assert "is cut off, the file ends within it" in ran[0].text


ENDLESS = """
import sys
from pytest_pretok.engines.processes import Processes
from tests.engines.test_processes import Place

for number, _ in Processes(2).run(Place(), range(10**6)):
    if number == 5:
        sys.stdout.write("at work\\n")
        sys.stdout.flush()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_orphans(tmp_path: Path, how: signal.Signals) -> None:
    """The processes end when the one that asks them does, be it killed or by Ctrl-C."""
    environ = {**os.environ, "PYTHONPATH": ROOT, "PRETOK_TEST_MARK": str(tmp_path)}
    asking = subprocess.Popen(
        [sys.executable, "-c", ENDLESS],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert asking.stdout is not None
    with asking.stdout:
        assert asking.stdout.readline() == "at work\n"
        asking.send_signal(how)
        assert asking.wait(20) != 0

    assert gone(f"PRETOK_TEST_MARK={tmp_path}")
