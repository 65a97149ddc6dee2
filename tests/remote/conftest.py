"""Servers for the tests of remote data, and an environment that leads to them alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import aiohttp
import datasets
import pytest

# Loaded here, since pytester drops what is loaded during a test of its: `datasets` would announce
# its protocols to fsspec a second time, and aiohttp would have two kinds of one time limit.
from pytest_pretok.stores import fsspec_store, opening, snapshot
from tests.plugin.conftest import here, run
from tests.remote.servers import S3, Hub, Web, hub_server, s3_server, web_server

__all__ = ["aiohttp", "datasets", "fsspec_store", "here", "run", "snapshot"]


@pytest.fixture(scope="session")
def _one_s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No credentials and settings of whoever runs the tests; few and short tries."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HF_TOKEN", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    settings = {
        "AWS_ACCESS_KEY_ID": "key-of-the-tests",
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-tests",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "PRETOK_REMOTE_TRIES": "3",
        "PRETOK_REMOTE_TIMEOUT": "30",  # of a busy machine; a test of slow servers says less
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    opening._store.cache_clear()
    yield
    opening._store.cache_clear()


@pytest.fixture
def s3(_one_s3: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """An S3 with an empty log; objects of other tests may lie in it under other names."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", _one_s3.url)
    _one_s3.log.served.clear()
    _one_s3.log.faults.clear()
    return _one_s3


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server with no files."""
    with web_server() as server:
        yield server


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A Hub with an empty dataset, and an empty cache; its library reads where from as it loads."""
    with hub_server() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
        monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield server
