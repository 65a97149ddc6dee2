"""What reading data never does: open a connection, unpickle, start a process, or leave what it
wrote for others to read.
"""

from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pytest_pretok import check
from pytest_pretok.scan import keys
from tests.support.containers import WRITERS
from tests.support.rows import clean_rows

ROOT = Path(__file__).parents[2]
# Python's own audit events say what is done, whoever does it. What is noted before the check is of
# libraries that are imported.
WATCHED = """
import sys, pickle, socket, subprocess
import pytest_pretok
from pytest_pretok import check
check(sys.argv[1])
seen = []
NAMES = ("socket.connect", "socket.getaddrinfo", "pickle.find_class", "subprocess.Popen",
         "os.system", "os.exec", "os.posix_spawn", "os.fork")
sys.addaudithook(lambda event, given: seen.append(event) if event in NAMES else None)
for folder in sys.argv[2:]:
    check(folder)
before = list(seen)
pickle.loads(pickle.dumps(print))
assert "pickle.find_class" in seen
try:
    socket.getaddrinfo("127.0.0.1", 1)
except OSError:
    pass
assert "socket.getaddrinfo" in seen
assert not before, before
print("watched")
"""


def test_reading_is_all_that_is_done(tmp_path: Path) -> None:
    """No connection, no unpickling and no process, in any container, sound or damaged."""
    folders = []
    for container, write in WRITERS.items():
        rng = random.Random(1)
        for state in ("sound", "broken"):
            folders.append(tmp_path / container / state)
            folders[-1].mkdir(parents=True)
            paths = write(folders[-1], clean_rows(12, rng), rng)
        paths[0].write_bytes(paths[0].read_bytes()[: paths[0].stat().st_size // 2])
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(folders[0]), *map(str, folders)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "watched\n"), done.stderr


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Whatever does not ask for privacy has none."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
@pytest.mark.parametrize("kind", ["dicts", "record batches"])
def test_streams_are_kept_in_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A stream that has to be written down lies in a folder of its owner alone, and goes again."""
    rows = clean_rows(3, random.Random(1))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[tuple[int, int]] = []

    def look() -> None:
        seen.extend((stat.S_IMODE(one.stat().st_mode), one.stat().st_uid) for one in held())

    def held() -> list[Path]:
        return list(tmp_path.iterdir())

    def stream() -> Iterator[Any]:
        for row in rows:
            yield row
            look()

    if kind == "dicts":
        check(stream())
    else:
        schema = pa.Table.from_pylist(rows).schema
        batches = (pa.RecordBatch.from_pylist([row], schema) for row in stream())
        check(pa.RecordBatchReader.from_batches(schema, batches))

    assert seen
    assert set(seen) == {(0o700, os.geteuid())}
    assert not held()


@pytest.mark.usefixtures("open_umask")
def test_keys_are_kept_in_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that hold keys have no name, and are their owner's alone while they had one."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    store = keys.RowKeys(limit=10)
    store.add(0, np.arange(100, dtype=np.uint64))

    assert store.spilled
    assert not list(tmp_path.iterdir())
    files = [os.fstat(file.fileno()) for file in store._files or ()]
    assert [stat.S_IMODE(file.st_mode) & 0o077 for file in files] == [0, 0]
    assert [file.st_nlink for file in files] == [0, 0]
