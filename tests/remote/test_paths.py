"""URLs as names, and ranges as files: nothing is asked of anybody here."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from huggingface_hub import constants
from hypothesis import given
from hypothesis import strategies as st

from pytest_pretok.stores import RemotePath, StoreError, fault_of, is_url, redacted
from pytest_pretok.stores.ranges import RemoteFile, metered
from pytest_pretok.stores.snapshot import Snapshots, _fits

SHOWN = {
    "s3://bucket/a/b.parquet": "s3://bucket/a/b.parquet",
    "s3://bucket/a/train-?.parquet": "s3://bucket/a/train-?.parquet",
    "s3://bucket/a.parquet?X-Amz-Signature=1": "s3://bucket/a.parquet",
    "https://me:pw@host:8/a.parquet?sig=1#x": "https://host:8/a.parquet",
    "https://host/a?b": "https://host/a",
    "abfs://box@acc.dfs.core.windows.net/a.parquet": "abfs://box@acc.dfs.core.windows.net/a.parquet",
    "abfs://me:pw@acc.net/a": "abfs://acc.net/a",
    "az://box/a?sv=1&sig=2": "az://box/a",
    "hf://datasets/org/name@refs/convert/parquet/a.parquet": (
        "hf://datasets/org/name@refs/convert/parquet/a.parquet"
    ),
    "see https://me:pw@host/a?sig=1 and s3://b/c?sig=2": "see https://host/a and s3://b/c",
}


@pytest.mark.parametrize("text", SHOWN)
def test_what_is_shown(text: str) -> None:
    """A URL, or a text that holds some, without what may be secret."""
    assert redacted(text) == SHOWN[text]


def test_parts() -> None:
    """Names, folders and neighbours."""
    url = RemotePath("s3://bucket/sft/train-00000-of-00002.jsonl.gz")

    assert (url.name, url.suffix, url.scheme) == ("train-00000-of-00002.jsonl.gz", ".gz", "s3")
    assert url.parent == RemotePath("s3://bucket/sft/")
    assert url.parent.parent == RemotePath("s3://bucket")
    assert url.parent.parent.parent == RemotePath("s3://bucket")
    assert url.with_name("a") == url.parent / "a"
    assert url.is_relative_to(RemotePath("s3://bucket"))
    assert not url.is_relative_to(RemotePath("s3://buck"))
    assert not url.is_relative_to("s3://bucket")
    assert url.parts_below(RemotePath("s3://other")) == ()
    assert url.parts_below(RemotePath("s3://bucket")) == ("sft", url.name)
    assert RemotePath("https://h/a/b.parquet?x=/y.zip").name == "b.parquet"
    assert "secret" not in repr(RemotePath("https://h/a?secret"))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("ftp://a/b", "is not supported"),
        ("s3:///b", "names nothing"),
        ("http://", "names nothing"),
        ("https://h/a*.parquet", "takes no pattern"),
        ("hf://org/name/x", "hf://datasets/ORG/NAME"),
        ("s3://b/a", None),
        ("https://h/a?b=*", None),
        ("http://[::1]:80/a", None),
        ("hf://datasets/org/name", None),
    ],
)
def test_faults(text: str, part: str | None) -> None:
    """What can never be read is told before anybody is asked."""
    found = fault_of(text)

    assert is_url(text)
    assert found is None if part is None else part in (found or "")


@given(
    st.binary(max_size=400),
    st.integers(0, 50),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 450), st.integers(-1, 120)), max_size=12),
)
def test_a_file_of_ranges(
    content: bytes, ahead: int, grows: bool, reads: list[tuple[int, int]]
) -> None:
    """Reads as a file in memory does; no byte is fetched twice, none beyond the end."""
    fetched: list[tuple[int, int]] = []

    def fetch(start: int, stop: int) -> bytes:
        assert 0 <= start < stop <= len(content)
        fetched.append((start, stop))
        return content[start:stop]

    truth = io.BytesIO(content)
    with metered() as meter, RemoteFile(fetch, len(content), ahead, grows) as file:
        for place, size in reads:
            assert file.seek(place) == truth.seek(place)
            assert file.read(size) == truth.read(size)
            assert file.tell() == max(truth.tell(), min(place, file.tell()))
        assert meter.fetched == sum(stop - start for start, stop in fetched)
        covered = [place for start, stop in fetched for place in range(start, stop)]
        assert len(covered) == len(set(covered))


def test_a_file_of_ranges_as_others_read_it() -> None:
    """By what `io` offers beside `read`: into a buffer, from the end, and all of it."""
    content = random.Random(2).randbytes(3_000_000)
    with RemoteFile(lambda start, stop: content[start:stop], len(content), 0, False) as file:
        assert file.readable()
        assert file.seekable()
        assert file.size() == len(content)
        buffer = bytearray(10)
        file.seek(-5, io.SEEK_END)
        assert file.readinto(memoryview(buffer)) == 5
        assert bytes(buffer[:5]) == content[-5:]
        file.seek(7)
        assert file.readall() == content[7:]
        for place in range(0, len(content), 500_000):
            file.seek(place)
            assert file.read(400_000) == content[place : place + 400_000]


def test_what_is_held_of_a_large_file() -> None:
    """What was read last is not fetched again; memory holds no more than 32 MiB of it."""
    part, asked = 2**24, list[int]()

    def fetch(start: int, stop: int) -> bytes:
        asked.append(start // part)
        return bytes(stop - start)

    with RemoteFile(fetch, 4 * part, 0, False) as file:
        for number in (0, 1, 2, 1, 2, 3, 0):
            file.seek(number * part)
            assert len(file.read(part)) == part

    assert asked == [0, 1, 2, 3, 0]


def test_reading_on_and_on() -> None:
    """Requests grow for one who reads in order, and stay small for one who jumps."""
    content = random.Random(1).randbytes(100_000)

    def requests(places: list[int], grows: bool) -> list[int]:
        sizes: list[int] = []

        def fetch(start: int, stop: int) -> bytes:
            sizes.append(stop - start)
            return content[start:stop]

        with RemoteFile(fetch, len(content), 100, grows) as file:
            for place in places:
                file.seek(place)
                assert file.read(100) == content[place : place + 100]
        return sizes

    in_order = requests(list(range(0, 100_000, 100)), grows=True)

    assert in_order[:4] == [100, 200, 400, 800]
    assert sum(in_order) == 100_000
    assert set(requests([0, 50_000, 20_000], grows=True)) == {100}
    assert set(requests(list(range(0, 100_000, 100)), grows=False)) == {100}


@pytest.mark.parametrize(
    ("pattern", "fitting"),
    [
        ("data/*.parquet", ["data/a.parquet"]),
        ("**/*.parquet", ["data/a.parquet", "data/x/b.parquet", "c.parquet"]),
        ("data/**", ["data/a.parquet", "data/x/b.parquet"]),
        ("*.parquet", ["c.parquet"]),
        ("data/?/b.parquet", ["data/x/b.parquet"]),
    ],
)
def test_patterns_of_the_cache(pattern: str, fitting: list[str]) -> None:
    """A star stays within a folder, two do not."""
    names = ["data/a.parquet", "data/x/b.parquet", "c.parquet"]

    assert [name for name in names if _fits(name, pattern)] == fitting


@pytest.fixture
def snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the only snapshot in the Hub's local cache, with a file beside the cache."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "cache/datasets--org--data/snapshots/main"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_bytes(b"0123456789")
    return folder


def test_a_file_of_the_cache_that_becomes_shorter(snapshot: Path) -> None:
    """Bytes that are no longer there are missed, not passed over."""
    store, url = Snapshots(), "hf://datasets/org/data/a.jsonl"
    assert store.read(url, 2, 10) == b"23456789"
    (snapshot / "a.jsonl").write_bytes(b"01234")

    with pytest.raises(StoreError, match="became shorter while it was read"):
        store.read(url, 2, 10)


@pytest.mark.parametrize("path", ["../a.jsonl", "x/../../../a.jsonl", ".."])
def test_nothing_outside_of_the_cache_is_read(snapshot: Path, path: str) -> None:
    """A URL whose path leads out of its snapshot is none of the Hub."""
    (snapshot.parent / "a.jsonl").write_bytes(b"0123456789")
    url = f"hf://datasets/org/data/{path}"

    for ask in (Snapshots().info, Snapshots().find, Snapshots().glob):
        with pytest.raises(StoreError, match="a URL of the Hub is"):
            ask(url)
