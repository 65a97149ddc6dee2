"""What reading data never does: open a connection, unpickle, or start a process."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

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
