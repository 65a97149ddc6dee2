"""Memory that runs out in the middle of a scan: a failure that says so, in the end and soon."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.faults.conftest import Begin, outcomes, report_of
from tests.plugin.data import clean_rows, write

# For a conftest.py: no process of the scan may have more than it has when its first unit begins.
LIMITED = """
import pytest_pretok.checks as checks
from functools import partial
from tests.support.sabotage import Limited, Sabotaged

make = checks.make_engine
checks.make_engine = lambda name, workers: Sabotaged(
    make(name, workers), ["first"], partial(Limited, more={more}), remote=False, locked={locked}
)
"""
TOKENS = 12_000_000


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small file with one record batch that takes 144 MB when it is decompressed."""
    path = tmp_path_factory.mktemp("dense") / "a.arrow"
    ids = pa.array(np.full(TOKENS, 7, np.int32))
    offsets = pa.array(np.arange(0, TOKENS + 1, 4_000, dtype=np.int32))
    column = pa.ListArray.from_arrays(offsets, ids)
    names = ["input_ids", "attention_mask", "labels"]
    batch = pa.record_batch([column, column, column], names)
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, batch.schema, options=options) as writer,
    ):
        writer.write_batch(batch)
    return path


@pytest.mark.parametrize("more", [0, 100])
@pytest.mark.parametrize("where", ["threads", "processes"])
def test_no_memory(dense: Path, tmp_path: Path, begin: Begin, where: str, more: int) -> None:
    """The file fails, for want of memory; the others keep their verdicts, and nothing hangs."""
    write(tmp_path / "data/other.parquet", clean_rows())
    (tmp_path / "data/dense-00000-of-00002.arrow").symlink_to(dense)
    write(tmp_path / "data/dense-00001-of-00002.arrow", clean_rows())
    text = LIMITED.format(more=more * 2**20, locked=where == "processes")
    (tmp_path / "conftest.py").write_text(text, encoding="utf-8")
    ended = begin("--pretok-data=data", "--pretok-report=r.json", "--pretok-workers=2").end()
    report = report_of(tmp_path)
    of = {"dense" in one["name"]: {"datasets": [one]} for one in report["datasets"]}

    assert ended.code == 1, ended.text
    assert not report["ok"]
    assert report["complete"]
    assert "passed" not in outcomes(of[True])
    assert outcomes(of[False]) == {"passed"}
    assert "memory ran out" in ended.text
