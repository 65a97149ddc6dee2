"""Files that are cut off, removed, replaced or added to between two units of a scan.

In every container. In `tests/unit/test_changing_files.py` the change comes after the last unit.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pretok_schemas.findings import Outcome
from pytest_pretok.engines.local import Local
from pytest_pretok.engines.threads import Threads
from pytest_pretok.scan import SplitScan
from pytest_pretok.scan.shards import Opening, Shard, is_mapped
from tests.plugin.data import Row, clean_rows, table_of
from tests.support.sabotage import CutOff, Sabotaged
from tests.support.verdicts import judge, scan

ROWS = 2_000


def parquet(path: Path, rows: list[Row]) -> None:
    """Row groups of 100 rows."""
    pq.write_table(table_of(rows), path, row_group_size=100)


def arrow(maker: Callable[..., Any], path: Path, rows: list[Row]) -> None:
    """Record batches of 100 rows."""
    table = table_of(rows)
    with pa.OSFile(str(path), "wb") as sink, maker(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=100)


def lines(path: Path, rows: list[Row]) -> None:
    """A line a row."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def packed_lines(path: Path, rows: list[Row]) -> None:
    """Lines that are compressed: one unit."""
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))


def array(path: Path, rows: list[Row]) -> None:
    """One JSON array: one unit."""
    path.write_text(json.dumps(rows), encoding="utf-8")


CONTAINERS: dict[str, Callable[[Path, list[Row]], None]] = {
    "parquet": parquet,
    "arrow": partial(arrow, pa.ipc.new_file),
    "stream.arrow": partial(arrow, pa.ipc.new_stream),
    "jsonl": lines,
    "jsonl.gz": packed_lines,
    "json": array,
}


def cut_off(path: Path) -> None:
    """A third of the file is left, as when it is written anew from its start."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 3)


def emptied(path: Path) -> None:
    """Nothing is left."""
    path.write_bytes(b"")


def replaced(path: Path) -> None:
    """Another file under the same name."""
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes()[::-1])
    other.replace(path)


def added_to(path: Path) -> None:
    """More at its end."""
    with path.open("ab") as file:
        file.write(path.read_bytes()[:200])


CHANGES: dict[str, Callable[[Path], object]] = {
    "cut off": cut_off,
    "emptied": emptied,
    "removed": Path.unlink,
    "replaced": replaced,
    "added to": added_to,
}


@dataclass
class Meddling:
    """An engine that has a file changed once a unit is done, or within the only one."""

    change: Callable[[], object]
    inner: Any = field(default_factory=lambda: Threads(1))
    remote: bool = False

    def run(
        self, task: Any, units: Sequence[Any], locked: bool = False, apart: bool = False
    ) -> Iterator[tuple[int, Any]]:
        """The results, and the change after the first of them."""
        for number, result in self.inner.run(task, units, locked, apart):
            yield number, result
            self.change()
            self.change = bool

    def close(self) -> None:
        """The engine within is whoever made it's to close."""


@pytest.fixture
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Units of a few kilobytes, so that each file has many of them."""
    monkeypatch.setattr("pytest_pretok.scan.shards.UNIT", 20_000)
    monkeypatch.setattr("pytest_pretok.scan.shards.TOGETHER", 20_000)


def is_unreadable(found: SplitScan, name: str) -> str:
    """What is said of the one file that failed; no rule of the split may have passed."""
    unreadable = found.findings["unreadable-file"]
    assert unreadable.outcome is Outcome.FAILED
    assert [example.shard for example in unreadable.examples] == [name]
    assert Outcome.PASSED not in {one.outcome for one in found.findings.values()}
    return str(unreadable.examples[0].found)


@pytest.mark.usefixtures("small_units")
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_shard_that_changes_in_the_middle(
    tmp_path: Path, change: Callable[[Path], object], container: str
) -> None:
    """While units of it are still to be read: unreadable, with the reason that helps."""
    path = tmp_path / f"a.{container}"
    CONTAINERS[container](path, clean_rows(ROWS))
    found = scan([path], workers=Meddling(lambda: change(path)))

    assert "changed while it was read" in is_unreadable(found, path.name)


@pytest.mark.parametrize("container", ["arrow", "stream.arrow"])
def test_a_mapped_file_that_is_cut_off(
    tmp_path: Path, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Huge record batches are mapped, and read in processes that may die of it: this one lives."""
    monkeypatch.setattr("pytest_pretok.readers.LARGEST_READ", 0)
    monkeypatch.setattr("pytest_pretok.readers.arrow.LARGEST_READ", 0)
    path = tmp_path / f"a.{container}"
    CONTAINERS[container](path, clean_rows(ROWS))
    engine = Local(1)
    cut = Sabotaged(engine, ["first"], partial(CutOff, notes=str(tmp_path)), remote=False)
    found = scan([path], workers=cut)
    engine.close()

    assert "changed while it was read" in is_unreadable(found, path.name)
    assert len(list(tmp_path.glob("mapped-by-*"))) > 1  # the first one died
    assert not list(tmp_path.glob(f"mapped-by-{os.getpid()}"))


def test_what_is_mapped(tmp_path: Path) -> None:
    """Record batches of usual size are read; a stream of pictures is mapped for its tokens."""
    usual, pictures = tmp_path / "usual.arrow", tmp_path / "pictures.arrow"
    table = table_of(clean_rows(300))
    arrow(pa.ipc.new_stream, usual, clean_rows(300))
    pixels = pa.array([b"\0" * 100_000] * 300, pa.binary())
    table = table.append_column("pixels", pixels)
    with pa.OSFile(str(pictures), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    opening = {}
    for path in (usual, pictures):
        opened = Opening(judge())
        opened.open(0, Shard(str(path), path.name))
        opening[path.stem] = is_mapped(opened.parts)

    assert opening == {"usual": False, "pictures": True}
    engine = Local(1)
    found = scan([pictures], workers=engine).findings
    engine.close()
    assert found["unreadable-file"].outcome is Outcome.PASSED
    assert found["duplicate-rows"].outcome is Outcome.PASSED
