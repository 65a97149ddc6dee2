"""Files that change while they are read: never a pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pretok_schemas.findings import Outcome
from pytest_pretok.engines.threads import Threads
from pytest_pretok.scan import compare_splits
from tests.plugin.data import clean_rows, table_of, write
from tests.support.verdicts import judge, scan


def appended(path: Path) -> None:
    """A line more, as a script that still runs writes it."""
    with path.open("ab") as file:
        file.write(b"\n")


def replaced(path: Path) -> None:
    """Another file of the same size and time under the same name."""
    status = path.stat()
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def rewritten(path: Path) -> None:
    """The same file with other content of the same size, at another time."""
    status = path.stat()
    path.write_bytes(path.read_bytes())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


CHANGES: dict[str, Callable[[Path], None]] = {
    "appended": appended,
    "replaced": replaced,
    "rewritten": rewritten,
    "removed": Path.unlink,
}


@dataclass
class Meddling:
    """An engine during whose run a file is changed."""

    change: Callable[[], None]
    inner: Threads = Threads(1)  # noqa: RUF009 (it has no state)
    remote: bool = False

    def run(
        self, task: Any, units: Sequence[Any], locked: bool = False, apart: bool = False
    ) -> Iterator[tuple[int, Any]]:
        """The results, and then the change."""
        yield from self.inner.run(task, units)
        self.change()
        self.change = lambda: None

    def close(self) -> None:
        """Nothing was started."""


@pytest.mark.parametrize("container", ["parquet", "arrow"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_file_that_changes(
    tmp_path: Path, change: Callable[[Path], None], container: str
) -> None:
    """It fails as unreadable, and no rule of the split passes."""
    paths = [
        write(tmp_path / f"{name}.{container}", clean_rows(9, seed))
        for seed, name in ((1, "a"), (2, "b"))
    ]
    found = scan(paths, workers=Meddling(lambda: change(paths[1])))

    assert not scan(paths[:1]).findings["unreadable-file"].violations
    unreadable = found.findings["unreadable-file"]
    assert unreadable.outcome is Outcome.FAILED
    assert [example.shard for example in unreadable.examples] == [f"b.{container}"]
    assert "changed while it was read" in str(unreadable.examples[0].found)
    assert Outcome.PASSED not in {finding.outcome for finding in found.findings.values()}


@pytest.mark.parametrize("container", ["parquet", "arrow"])
def test_a_file_that_changes_between_the_passes(tmp_path: Path, container: str) -> None:
    """Splits that were read, and are compared later, have no verdict either."""
    scans = [
        scan([write(tmp_path / name / f"a.{container}", clean_rows(30))], split=name)
        for name in ("train", "test")
    ]
    assert compare_splits(scans, judge(), Threads(1)).violations == 30
    path = tmp_path / "test" / f"a.{container}"
    write(path, table_of(clean_rows(3, seed=4)).combine_chunks())
    found = compare_splits(scans, judge(), Threads(1))

    assert found.outcome is not Outcome.PASSED
    assert found.because == "unreadable-file"


def test_a_file_that_is_written_anew_between_the_passes(tmp_path: Path) -> None:
    """Whatever is in it: what is compared is no longer known to be what was judged."""
    scans = [
        scan([write(tmp_path / name / "a.parquet", clean_rows(30, seed))], split=name)
        for seed, name in enumerate(("train", "test"), start=1)
    ]
    assert compare_splits(scans, judge(), Threads(1)).outcome is Outcome.PASSED
    rewritten(tmp_path / "test" / "a.parquet")
    found = compare_splits(scans, judge(), Threads(1))

    assert (found.outcome, found.because) == (Outcome.NOT_EVALUATED, "unreadable-file")
    assert "changed while it was read" in str(found.reason)
