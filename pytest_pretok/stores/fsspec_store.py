"""Object stores, web servers and the Hub by way of fsspec, the only module that knows it.

fsspec's own caches are left out: what a store says is asked anew, and `ranges` keeps what was read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, TypeVar, cast

from pytest_pretok.stores.base import Failure, Info, Patience, StoreError
from pytest_pretok.stores.failures import ShortBody, explain

T = TypeVar("T")

# scheme -> the package that fsspec needs for it, and the extra that brings it
_PACKAGES = {
    "s3": ("s3fs", "remote"),
    "gs": ("gcsfs", "remote"),
    "az": ("adlfs", "remote"),
    "abfs": ("adlfs", "remote"),
    "http": ("aiohttp", "remote"),
    "https": ("aiohttp", "remote"),
    "hf": ("huggingface_hub", "hf"),
}
_STAMPS = (
    *("ETag", "etag", "VersionId", "generation", "blob_id", "xet_hash", "Content-MD5", "Digest"),
    *("LastModified", "Last-Modified", "last_modified", "updated", "mtime"),
)
_WHOLE_DATASET = re.compile(r"datasets/[^/]+/[^/@]+(@(refs/[^/]+/[^/]+|[^/]+))?")
_WHOLE = (
    "the server sends whole files where a part is asked for (no range requests): copy the file, or "
    "serve it with one that does"
)
_HUB_TRIES = 2  # its own library tries each request several times


def missing_package(scheme: str) -> str | None:
    """How to install what a scheme needs, or None if it is there."""
    package, extra = _PACKAGES[scheme]
    missing = next((name for name in ("fsspec", package) if find_spec(name) is None), None)
    if missing is None:
        return None
    return (
        f"{scheme}:// needs the package {missing}, which is not installed; "
        f"pip install 'pytest-pretok[{extra}]'"
    )


class FsspecStore:
    """A filesystem of fsspec as a store. ``url`` is one of its URLs: some name the account."""

    def __init__(self, scheme: str, url: str, patience: Patience) -> None:
        """Make the filesystem; nothing is asked of it yet.

        Raises:
            StoreError: a package is missing, or the settings in force are not right.
        """
        missing = missing_package(scheme)
        if missing is not None:
            raise StoreError(missing, here=True)
        self._scheme = scheme
        self._is_web = scheme in ("http", "https")
        self._patience = patience
        self._tries = _HUB_TRIES if scheme == "hf" else None
        self._fs = self._ask(lambda: _filesystem(scheme, url, patience))

    def info(self, url: str) -> Info | None:
        """What stands under a URL; see `Store`."""
        path = self._path(url)
        if self._is_web:
            told = self._ask_for(lambda: _web_part(self._fs, path, 0, 1))
            return None if told is None else Info("file", told.total, told.stamp)
        asked = {"refresh": True} if self._scheme in ("s3", "az", "abfs", "hf") else {}
        if self._scheme == "hf":
            # Only so are its files told with their hashes; a whole dataset is not to be asked so.
            asked["expand_info"] = _WHOLE_DATASET.fullmatch(path) is None
        found = self._ask_for(lambda: self._fs.info(path, **asked))
        if found is None:
            return None
        if found.get("type") == "directory":
            return Info("folder")
        return Info("file", int(found["size"]), _stamp(found["size"], found))

    def read(self, url: str, start: int, stop: int) -> bytes:
        """Some bytes; see `Store`."""
        path = self._path(url)

        def fetch() -> bytes:
            data = self._range(path, start, stop)
            if len(data) < stop - start:
                raise ShortBody(f"{len(data):,} of {stop - start:,} bytes came")
            return data

        data = self._ask(fetch)
        if len(data) > stop - start:
            raise StoreError(_WHOLE)
        return data

    def _range(self, path: str, start: int, stop: int) -> bytes:
        if self._is_web:
            return _web_part(self._fs, path, start, stop).body
        if self._scheme != "hf":
            return cast(bytes, self._fs.cat_file(path, start=start, end=stop))
        # Its files would read ahead, and ask once more how long they are.
        with self._fs.open(path, "rb", cache_type="none", size=stop) as file:
            file.seek(start)
            return cast(bytes, file.read(stop - start))

    def find(self, url: str) -> list[str]:
        """The objects below a folder; see `Store`."""
        path = self._path(url)
        return self._urls(self._ask(lambda: self._fs.find(path)))

    def glob(self, url: str) -> list[str]:
        """The objects that fit a pattern; see `Store`."""
        path = self._path(url)
        found = self._ask_for(lambda: self._fs.glob(path, detail=True)) or {}
        return self._urls(name for name, told in found.items() if told.get("type") == "file")

    def _path(self, url: str) -> str:
        return cast(str, self._fs._strip_protocol(url))

    def _urls(self, paths: Any) -> list[str]:
        return sorted(f"{self._scheme}://{path}" for path in paths)

    def _ask_for(self, call: Callable[[], T]) -> T | None:
        """What a call gives, None where there is no such object."""
        value, failure = self._attempt(call)
        if failure is not None and failure.absent:
            return None
        if failure is not None:
            raise StoreError(failure.reason, failure.here)
        return value

    def _ask(self, call: Callable[[], T]) -> T:
        value, failure = self._attempt(call)
        if failure is not None:
            raise StoreError(failure.reason, failure.here)
        return cast(T, value)

    def _attempt(self, call: Callable[[], T]) -> tuple[T | None, Failure | None]:
        return self._patience.attempt(call, lambda e: explain(e, self._scheme), self._tries)


def _stamp(size: int, found: Mapping[str, Any]) -> tuple[str, ...]:
    return (str(size), *(f"{key}={found[key]}" for key in _STAMPS if found.get(key)))


@dataclass(frozen=True, slots=True)
class _Part:
    """Some bytes of a file on the web, and what the answer says of the whole of it."""

    body: bytes
    total: int
    stamp: tuple[str, ...]


def _web_part(fs: Any, url: str, start: int, stop: int) -> _Part:
    """A range of a file on the web.

    The file is looked at by its first byte, not by a HEAD: signed URLs allow a GET alone, and the
    answer to it tells the length that ranges are taken from, and that they can be.
    """
    from fsspec.asyn import sync

    async def ask() -> _Part:
        session = await fs.set_session()
        headers = {**fs.kwargs.get("headers", {}), "Range": f"bytes={start}-{stop - 1}"}
        async with session.get(fs.encode_url(url), headers=headers) as answer:
            told = answer.headers
            total = told.get("Content-Range", "").rpartition("/")[2]
            if answer.status == 416 and total == "0":
                return _Part(b"", 0, _stamp(0, told))
            answer.raise_for_status()
            if answer.status != 206 or not total.isdecimal():
                raise StoreError(_WHOLE)  # nothing more of it is read
            return _Part(await answer.read(), int(total), _stamp(int(total), told))

    return cast(_Part, sync(fs.loop, ask))


def _filesystem(scheme: str, url: str, patience: Patience) -> Any:
    import fsspec
    from fsspec.config import conf

    kind = fsspec.get_filesystem_class(scheme)
    options = {**_options(scheme, patience), "use_listings_cache": False}
    configured = conf.get(scheme, {})  # FSSPEC_S3_..., and fsspec's own files
    options = {name: value for name, value in options.items() if name not in configured}
    found = kind(**{**options, **kind._get_kwargs_from_urls(url)}, skip_instance_cache=True)
    if scheme == "s3":
        found.retries = 1  # they are ours
    return found


def _options(scheme: str, patience: Patience) -> dict[str, Any]:
    """What a filesystem is told where the environment says nothing: time limits, no retries."""
    seconds = patience.timeout
    if scheme == "s3":
        once = {"total_max_attempts": 1}
        limits = {"connect_timeout": seconds, "read_timeout": seconds, "retries": once}
        return {"config_kwargs": limits}
    if scheme in ("http", "https"):
        from aiohttp import ClientTimeout

        limit = ClientTimeout(total=None, sock_connect=seconds, sock_read=seconds)
        # Bytes as they are stored; proxies as the environment has them.
        client = {"timeout": limit, "auto_decompress": False, "trust_env": True}
        return {"client_kwargs": client, "headers": {"Accept-Encoding": "identity"}}
    return {}
