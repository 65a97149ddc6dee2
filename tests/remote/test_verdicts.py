"""The verdict on remote data is that on the same files here, and no byte too many is fetched."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from pretok_schemas.findings import Finding
from pytest_pretok.engines.local import Local
from pytest_pretok.engines.processes import Processes
from pytest_pretok.scan import Shard, SplitScan, compare_splits, scan_split
from tests.plugin.data import Row, clean_rows, faulty_rows
from tests.remote.servers import S3, Web
from tests.support.verdicts import judge

HEAVY = 400  # bytes a row of a column that nobody asks for


def table(rows: Sequence[Row]) -> pa.Table:
    """Rows with a column that is larger than all others together, and does not compress."""
    noise = np.random.default_rng(5).bytes(HEAVY * len(rows))
    texts = [noise[HEAVY * n : HEAVY * (n + 1)] for n in range(len(rows))]
    return pa.Table.from_pylist(list(rows)).append_column("text", pa.array(texts, pa.binary()))


def parquet(rows: Sequence[Row]) -> bytes:
    """A Parquet file of several row groups."""
    sink = io.BytesIO()
    pq.write_table(table(rows), sink, row_group_size=-(-len(rows) // 3))
    return sink.getvalue()


def arrow_file(rows: Sequence[Row]) -> bytes:
    """An Arrow IPC file of several record batches."""
    sink = io.BytesIO()
    found = table(rows)
    with pa.ipc.new_file(sink, found.schema) as writer:
        writer.write_table(found, -(-len(rows) // 3))
    return sink.getvalue()


def arrow_stream(rows: Sequence[Row]) -> bytes:
    """An Arrow IPC stream of several record batches."""
    sink = io.BytesIO()
    found = table(rows)
    with pa.ipc.new_stream(sink, found.schema) as writer:
        writer.write_table(found, -(-len(rows) // 3))
    return sink.getvalue()


def jsonl(rows: Sequence[Row]) -> bytes:
    """JSON lines."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def jsonl_gz(rows: Sequence[Row]) -> bytes:
    """JSON lines, compressed."""
    return gzip.compress(jsonl(rows))


def jsonl_zst(rows: Sequence[Row]) -> bytes:
    """JSON lines, compressed by what Arrow reads."""
    packed: bytes = pa.compress(jsonl(rows), codec="zstd", asbytes=True)
    return packed


def json_array(rows: Sequence[Row]) -> bytes:
    """One JSON array."""
    return json.dumps(list(rows)).encode()


Writer = Callable[[Sequence[Row]], bytes]
CONTAINERS: dict[str, Writer] = {
    "parquet": parquet,
    "arrow": arrow_file,
    "stream.arrow": arrow_stream,
    "jsonl": jsonl,
    "jsonl.gz": jsonl_gz,
    "jsonl.zst": jsonl_zst,
    "json": json_array,
}
BOTH = pytest.mark.parametrize("container", CONTAINERS)
PLACES = pytest.mark.parametrize("place", ["s3", "web"])


@pytest.fixture
def server(place: str, request: pytest.FixtureRequest) -> S3 | Web:
    """The server that a test is about."""
    found: S3 | Web = request.getfixturevalue(place)
    return found


def scan(paths: Sequence[str], engine: Any = 1) -> SplitScan:
    """A scan of shards that messages name alike, wherever they lie."""
    shards = [Shard(path, f"shard {number}") for number, path in enumerate(paths)]
    return scan_split("train", shards, judge(), engine)


def told(findings: dict[str, Finding]) -> dict[str, Any]:
    """Findings as builtins, less the lines of text files: nobody opens a remote one at a line."""
    found = {name: finding.to_dict() for name, finding in findings.items()}
    for finding in found.values():
        for example in finding["examples"]:
            example.pop("line", None)
    return found


def many(seed: int = 1) -> list[Row]:
    """Enough rows for several requests, with faults."""
    return [*clean_rows(300, seed), *faulty_rows(), *clean_rows(40, seed)]


@BOTH
@PLACES
def test_the_same_verdict(server: S3 | Web, tmp_path: Path, container: str, place: str) -> None:
    """Every finding is the same as here; what was fetched is what the server served."""
    local, remote = [], []
    for seed in (1, 2):
        content = CONTAINERS[container](many(seed))
        path = tmp_path / f"{seed}.{container}"
        path.write_bytes(content)
        local.append(str(path))
        remote.append(server.put(f"same/{seed}.{container}", content))
    here, afar = scan(local), scan(remote)

    assert told(afar.findings) == told(here.findings)
    broken = {name for name, finding in here.findings.items() if finding.violations}
    assert broken > {"duplicate-rows"}
    assert afar.state.rows == here.state.rows
    assert (here.fetched, afar.fetched) == (0, server.log.fetched("same/"))


@PLACES
@pytest.mark.parametrize("container", ["parquet", "arrow"])
def test_columns_that_nobody_reads(server: S3 | Web, container: str, place: str) -> None:
    """Of typed files the footer and the needed columns are fetched, by few requests."""
    content = CONTAINERS[container](clean_rows(2000))
    found = scan([server.put(f"heavy.{container}", content)])

    assert not found.unreadable
    assert found.state.rows == 2000
    heavy = 2000 * HEAVY
    assert heavy < len(content)
    assert found.fetched == server.log.fetched("heavy")
    assert found.fetched < len(content) - 0.8 * heavy
    gets = [asked for asked in server.log.asked("heavy") if asked.startswith("GET")]
    assert len(gets) < 40


@PLACES
def test_lines_are_streamed_once(server: S3 | Web, place: str) -> None:
    """Text is fetched once, but for what was looked at to tell its kind and columns."""
    content = jsonl(clean_rows(20_000))
    found = scan([server.put("long.jsonl", content)])

    assert found.state.rows == 20_000
    assert len(content) < found.fetched == server.log.fetched("long") < 1.4 * len(content)


def test_threads_and_processes(s3: S3) -> None:
    """Workers open what they are told to open themselves; the counts come back with the results."""
    urls = [s3.put(f"wide/{n}.jsonl", jsonl(many(n))) for n in range(3)]
    one = scan(urls)
    for engine in (Local(2), Processes(1)):
        s3.log.served.clear()
        found = scan(urls, engine)
        engine.close()

        assert told(found.findings) == told(one.findings)
        assert found.fetched == one.fetched == s3.log.fetched("wide/")


def test_splits_are_compared(s3: S3, web: Web) -> None:
    """Rows in stores of two kinds are found to be the same."""
    train = scan([s3.put("overlap/train.parquet", parquet(clean_rows(50)))])
    test = scan([web.put("overlap.jsonl", jsonl(clean_rows(20)))])
    test.split = "test"

    assert compare_splits([train, test], judge(), 2).violations == 20


@PLACES
@BOTH
def test_an_object_that_is_cut(
    server: S3 | Web, tmp_path: Path, container: str, place: str
) -> None:
    """A file that ends too early fails as it does here, for the same reason."""
    content = CONTAINERS[container](many())[:-200]
    path = tmp_path / f"cut.{container}"
    path.write_bytes(content)
    here, afar = scan([str(path)]), scan([server.put(f"cut.{container}", content)])

    assert here.unreadable
    assert told(afar.findings) == told(here.findings)


@PLACES
def test_nothing_in_it(server: S3 | Web, tmp_path: Path, place: str) -> None:
    """An object of no bytes fails as a file of none."""
    (tmp_path / "empty.parquet").touch()
    here, afar = (
        scan([str(tmp_path / "empty.parquet")]),
        scan([server.put("empty.parquet", b"")]),
    )

    assert told(afar.findings) == told(here.findings)
    assert afar.unreadable
