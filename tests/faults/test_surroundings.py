"""Where a check runs: full and read-only disks, streams without a reader, other settings."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import ROOT
from tests.plugin.data import clean_rows, declare, faulty_rows, write

OLD = '{"old": true}'
MODULE = [sys.executable, "-m", "pytest_pretok"]
PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]


def ran(
    *words: str,
    cwd: Path,
    environ: Mapping[str, str | None] | None = None,
    limit: Callable[[], None] | None = None,
    stdout: Any = subprocess.PIPE,
) -> subprocess.CompletedProcess[bytes]:
    """A command that ran in a folder, with further variables (None: without)."""
    wanted = {**os.environ, "PYTHONPATH": ROOT, **(environ or {})}
    own = {name: value for name, value in wanted.items() if value is not None}
    return subprocess.run(
        words,
        cwd=cwd,
        env=own,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        preexec_fn=limit,
        timeout=60,
        check=False,
    )


def files_end_at(size: int) -> Callable[[], None]:
    """No file may become larger than so many bytes: what is written beyond fails, as on a full
    disk.
    """

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """A folder with one faulty file, and what earlier runs wrote."""
    write(tmp_path / "data/a.parquet", faulty_rows(40))
    for name in ("r.json", "r.html", "r.md", "r.sarif", "v.parquet"):
        (tmp_path / name).write_text(OLD, encoding="utf-8")
    return tmp_path


REPORTS = ("r.json", "r.html", "r.md", "r.sarif")
ASKED = [*(f"--pretok-report={name}" for name in REPORTS), "--pretok-violations=v.parquet"]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_full_disk(faulty: Path, workers: str) -> None:
    """The verdict survives, each file that was not written is named, and the old ones stay."""
    run = ran(*PYTEST, "--pretok-data=data", *ASKED, workers, cwd=faulty, limit=files_end_at(100))
    text = run.stdout.decode()

    assert run.returncode == 1
    assert "label-not-input-id: 1 of 40 rows" in text
    for name in REPORTS:
        assert f"REPORT NOT WRITTEN, {name}: File too large" in text
        assert (faulty / name).read_text(encoding="utf-8") == OLD
    assert "VIOLATIONS NOT WRITTEN, v.parquet: " in text
    assert (faulty / "v.parquet").read_text(encoding="utf-8") == OLD
    assert sorted(p.name for p in faulty.iterdir()) == sorted(["data", *REPORTS, "v.parquet"])


def test_a_full_disk_and_clean_data(tmp_path: Path) -> None:
    """What was asked for and is not there is no success."""
    write(tmp_path / "a.parquet", clean_rows())
    limit = files_end_at(100)
    run = ran(*PYTEST, "--pretok-data=.", "--pretok-report=r.json", cwd=tmp_path, limit=limit)

    assert run.returncode == 4
    assert b"REPORT NOT WRITTEN, r.json" in run.stdout


def test_a_full_disk_under_a_baseline(faulty: Path) -> None:
    """A baseline that cannot be written stays as it was."""
    declare(
        faulty,
        """
        [tool.pretok.datasets.sft]
        path = "data"
        baseline = "known.toml"
        """,
    )
    update = (*PYTEST, "--pretok-data=.", "--pretok-update-baseline")
    assert ran(*update, cwd=faulty).returncode == 0
    known = (faulty / "known.toml").read_bytes()
    write(faulty / "data/a.parquet", faulty_rows(40, row=5) + faulty_rows(40, seed=2))
    run = ran(*update, cwd=faulty, limit=files_end_at(50))

    assert run.returncode == 4
    assert b"BASELINE NOT WRITTEN, known.toml" in run.stdout
    assert (faulty / "known.toml").read_bytes() == known
    assert ran(*update, cwd=faulty).returncode == 0
    assert (faulty / "known.toml").read_bytes() != known


SURROUNDINGS: dict[str, dict[str, str | None]] = {
    "no HOME": {"HOME": None, "XDG_CACHE_HOME": None},
    "a HOME that is not there": {"HOME": "/nowhere/at/all"},
    "a TMPDIR that is not there": {"TMPDIR": "/nowhere/at/all"},
    "no TMPDIR that can be written to": {"TMPDIR": "/proc/self"},
    "no PATH": {"PATH": None},
    "no TERM": {"TERM": None, "COLUMNS": "0"},
}


@pytest.mark.parametrize("environ", SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_without_usual_surroundings(faulty: Path, environ: Mapping[str, str | None]) -> None:
    """The verdict is the same."""
    words = ("check", "data", "--report=r.json")
    run = ran(*MODULE, *words, cwd=faulty, environ=environ)

    assert run.returncode == 1, run.stderr
    assert b"label-not-input-id: 1 of 40 rows" in run.stdout
    assert b"Traceback" not in run.stdout + run.stderr


def test_a_folder_that_cannot_be_written_to(faulty: Path) -> None:
    """A read-only working directory (here: one where even root can make no file)."""
    data = str(faulty / "data")
    run = ran(*MODULE, "check", data, cwd=Path("/proc/self"))
    asked = ran(*MODULE, "check", data, "--report=r.json", cwd=Path("/proc/self"))

    assert (run.returncode, asked.returncode) == (1, 1)
    assert b"label-not-input-id: 1 of 40 rows" in run.stdout
    assert b"REPORT NOT WRITTEN, r.json" in asked.stdout
    assert b"Traceback" not in run.stderr + asked.stderr


STREAMS = ("1>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-", "2>&-", "| true", "| head -1")


@pytest.mark.parametrize(
    ("closed", "data", "code"),
    [*((closed, faulty_rows(40), 1) for closed in STREAMS), ("| true", clean_rows(40), 0)],
    ids=[*STREAMS, "clean"],
)
def test_output_that_nobody_reads(tmp_path: Path, closed: str, data: Any, code: int) -> None:
    """The exit code is the verdict, the report is written, and nobody is told of a pipe."""
    write(tmp_path / "a.parquet", data)
    check = '"$0" -m pytest_pretok check a.parquet --report=r.json'
    command = f"{check} {closed}; echo ${{PIPESTATUS[0]}} >&9"
    run = ran("bash", "-c", f"exec 9>code; {command}", sys.executable, cwd=tmp_path)
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))

    assert int((tmp_path / "code").read_text(encoding="utf-8")) == code
    assert (report["ok"], report["complete"]) == (code == 0, True)
    assert not run.stderr


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_a_stream_that_a_program_has_taken_away(tmp_path: Path, name: str) -> None:
    """Where a program runs the command without one of its streams, nothing comes through it."""
    program = f"import sys; sys.{name} = None\nfrom pytest_pretok.cli import main; main(['rules'])"
    run = ran(sys.executable, "-c", program, cwd=tmp_path)

    assert run.returncode == 0
    assert (b"label-not-input-id" in run.stdout) is (name != "stdout")
    assert not run.stderr


def test_output_that_is_lost(tmp_path: Path) -> None:
    """On a full disk: a clean verdict that nobody can read is no success."""
    write(tmp_path / "a.parquet", clean_rows())
    write(tmp_path / "b.parquet", faulty_rows())
    with Path("/dev/full").open("wb") as full:
        clean = ran(*MODULE, "check", "a.parquet", cwd=tmp_path, stdout=full)
        faulty = ran(*MODULE, "check", "b.parquet", cwd=tmp_path, stdout=full)
        told = ran(*MODULE, "stats", "a.parquet", cwd=tmp_path, stdout=full)

    assert (clean.returncode, faulty.returncode, told.returncode) == (4, 1, 4)
    for run in (clean, faulty, told):
        assert run.stderr.decode() == (
            "Error: the output was not written: No space left on device\n"
        )


def test_output_in_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """At a limit or a quota, too, a text that breaks off is no success."""
    write(tmp_path / "a.parquet", clean_rows())
    with (tmp_path / "out").open("wb") as out:
        told = ran(
            *(*MODULE, "stats", "a.parquet"),
            cwd=tmp_path,
            environ={"PYTHONUNBUFFERED": None},
            limit=files_end_at(100),
            stdout=out,
        )

    assert told.returncode == 4
    assert told.stderr.decode().splitlines()[0] == (
        "Error: the output was not written: File too large"
    )


def test_pytest_without_a_reader_passes_nothing(tmp_path: Path) -> None:
    """Where pytest itself gives up before the end, neither exit code nor report say that all is
    well.
    """
    write(tmp_path / "a.parquet", clean_rows())
    pytest_ = '"$0" -m pytest -p no:cacheprovider --pretok-data=. --pretok-report=r.json -v'
    command = f"{pytest_} | true; echo ${{PIPESTATUS[0]}} >code"
    ran("bash", "-c", command, sys.executable, cwd=tmp_path)

    assert int((tmp_path / "code").read_text(encoding="utf-8")) != 0
    report = tmp_path / "r.json"
    assert not report.exists() or not json.loads(report.read_bytes())["ok"]


SETTINGS: dict[str, dict[str, str | None]] = {
    "hash 0": {"PYTHONHASHSEED": "0"},
    "hash 1": {"PYTHONHASHSEED": "1"},
    "hash random": {"PYTHONHASHSEED": "random"},
    "C": {"LC_ALL": None, "LC_CTYPE": None, "LANG": "C", "PYTHONUTF8": "0"},
    "POSIX, utf8": {"LC_ALL": "POSIX", "PYTHONUTF8": "1"},
    "C.UTF-8": {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "0"},
    "de_DE": {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "latin-1": {"PYTHONIOENCODING": "latin-1:strict", "LC_ALL": "C"},
    "time zone": {"TZ": "Pacific/Kiritimati"},
}


def test_reports_do_not_depend_on_settings(tmp_path: Path) -> None:
    """Hash seeds, locales and encodings: byte for byte the same report, and no UnicodeError."""
    names = ("häns/größe-日本.parquet", "häns/b.parquet", "häns/c.jsonl")
    write(tmp_path / names[0], faulty_rows(40) + clean_rows(40) + clean_rows(9, seed=2))
    write(tmp_path / names[1], faulty_rows(40, seed=3) + faulty_rows(20, row=7))
    write(tmp_path / names[2], faulty_rows(9, seed=4))
    seen = {}
    for name, environ in SETTINGS.items():
        run = ran(
            *(*MODULE, "check", "häns", "--violations=v.parquet"),
            *(f"--report={report}" for report in REPORTS),
            cwd=tmp_path,
            environ=environ,
        )
        assert run.returncode == 1, (name, run.stdout, run.stderr)
        assert b"UnicodeEncodeError" not in run.stdout + run.stderr
        assert b"label-not-input-id: 1 of 89 rows" in run.stdout
        seen[name] = [(tmp_path / one).read_bytes() for one in (*REPORTS, "v.parquet")]

    for name, found in seen.items():
        assert found == seen["hash 0"], name
