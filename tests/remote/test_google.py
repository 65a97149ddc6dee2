"""Google Cloud Storage, as far as an emulator of this machine goes: reading and listing."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.plugin.conftest import Run
from tests.plugin.data import FAULT, clean_rows, faulty_rows
from tests.remote.test_plugin import outcomes, report_of
from tests.remote.test_verdicts import HEAVY, parquet


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an emulator with an empty bucket ``bucket``."""
    from gcp_storage_emulator.server import create_server

    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")
    with redirect_stderr(StringIO()):  # it tells of every connection that is closed
        server.start()
        url = f"http://127.0.0.1:{server._api._httpd.server_port}"
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        monkeypatch.setenv("FSSPEC_GS_TOKEN", "anon")
        yield url
        server.stop()


def put(url: str, name: str, content: bytes) -> None:
    """Upload by the JSON API."""
    where = f"{url}/upload/storage/v1/b/bucket/o?uploadType=media&name={quote(name, safe='')}"
    headers = {"Content-Type": "application/octet-stream"}
    with urllib.request.urlopen(urllib.request.Request(where, content, headers)) as answer:
        assert json.load(answer)["name"] == name


def test_the_same_verdict(google: str, run: Run, here: Path) -> None:
    """A folder there has the verdict of the same folder here, and the heavy column stays there."""
    contents = {
        "train-00000-of-00002.parquet": parquet(clean_rows(1500)),
        "train-00001-of-00002.parquet": parquet(faulty_rows()),
    }
    (here / "sft").mkdir()
    for name, content in contents.items():
        (here / "sft" / name).write_bytes(content)
        put(google, f"sft/{name}", content)
    local = report_of(run, here, "--pretok-data=sft")
    remote = report_of(run, here, "--pretok-data=gs://bucket/sft", subprocess=True)

    assert outcomes(local)[f"train {FAULT}"] == "failed"
    assert outcomes(remote) == outcomes(local)
    (split,) = remote["datasets"][0]["splits"]
    assert split["rows"] == 1506
    assert 0 < split["fetched_bytes"] < sum(map(len, contents.values())) - 500 * HEAVY


def test_what_is_not_there(google: str, run: Run) -> None:
    """An object and a pattern that lead to nothing."""
    for name, why in (("a.parquet", "no such object"), ("a-*.parquet", "no object matches")):
        ran = run(f"--pretok-data=gs://bucket/{name}", subprocess=True)

        assert ran.code == 4
        assert why in ran.text
