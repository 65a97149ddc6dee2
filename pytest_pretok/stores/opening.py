"""Where data lies, local or remote, and how it is opened: what everybody else asks of this room.

Local files are opened as they always were; a remote object is asked for its size, and read by
ranges. Must not know what the bytes mean.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from pytest_pretok.stores.base import Info, Patience, Store, StoreError
from pytest_pretok.stores.ranges import LEAST, MOST, RemoteFile
from pytest_pretok.stores.remote_path import RemotePath, fault_of, is_url

if TYPE_CHECKING:
    import pyarrow as pa

Location = Path | RemotePath
Stamp = tuple[int | str, ...] | None  # what tells one state of a file from another; None: not there
_SMALL = 2**26  # bytes of a file that is read at once


def located(text: str | os.PathLike[str]) -> Location:
    """What a path of a plan or a unit names."""
    text = os.fspath(text)
    return RemotePath(text) if is_url(text) else Path(text)


def identity(path: Location) -> str:
    """What is the same for every name of a file."""
    return path.text if isinstance(path, RemotePath) else os.path.realpath(path)


def lies_in(path: Location, folder: Location) -> bool:
    """Whether a path is another one or lies in it, by their names."""
    if isinstance(path, RemotePath):
        return path.is_relative_to(folder)
    return isinstance(folder, Path) and path.is_relative_to(folder)


def store_of(path: RemotePath) -> Store:
    """The store that an object is in.

    Raises:
        StoreError: the URL is of no known kind, or a package is missing.
    """
    fault = fault_of(path.text)
    if fault is not None:
        raise StoreError(fault)
    scheme = path.scheme
    # An account of Azure stands in the URL; of all others the environment knows one.
    account = re.match(r"[a-z]+://[^/]*@[^/]*", path.text) if scheme == "abfs" else None
    return _store(scheme, account[0] if account else f"{scheme}://x/x", os.getpid())


def missing_package(path: RemotePath) -> str | None:
    """How to install what a URL needs, or None if it is there."""
    from pytest_pretok.stores.fsspec_store import missing_package as missing  # lazy: as `_store`

    return missing(path.scheme)


@lru_cache(maxsize=16)
def _store(scheme: str, url: str, process: int) -> Store:
    """One for all threads of a process, so that connections are used again."""
    # lazy: a run without URLs needs none of it
    from pytest_pretok.stores.fsspec_store import FsspecStore, missing_package

    if scheme == "hf" and missing_package(scheme) is None:
        from pytest_pretok.stores.snapshot import Snapshots, is_offline

        if is_offline():
            return Snapshots()
    return FsspecStore(scheme, url, Patience.of_environment())


def info_of(path: RemotePath) -> Info | None:
    """What stands under a URL now, None if nothing does.

    Raises:
        StoreError: it cannot be told.
    """
    return store_of(path).info(path.text)


def stamp_of(path: Location) -> Stamp:
    """Which file or object stands under a path, how large it is, and when it was last written to.

    Raises:
        StoreError: a store does not tell.
    """
    if isinstance(path, RemotePath):
        found = info_of(path)
        return None if found is None else found.stamp
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns


def size_of(path: Location) -> int:
    """The size of a file or object in bytes.

    Raises:
        OSError: there is none.
    """
    return _object(path).size if isinstance(path, RemotePath) else path.stat().st_size


def _object(path: RemotePath) -> Info:
    found = info_of(path)
    if found is None:
        what = "look at the spelling, and whether it was moved or deleted"
        raise StoreError(f"there is no such object (404): {what}")
    if found.kind == "folder":
        raise StoreError("a folder, not a file")
    return found


def _remote(path: RemotePath, stop: int | None = None, **how: Any) -> RemoteFile:
    store = store_of(path)
    size = _object(path).size if stop is None else stop
    return RemoteFile(partial(store.read, path.text), size, **how)


def open_bytes(path: Location, start: int = 0, stop: int | None = None) -> BinaryIO:
    """A file or object to be read on and on from ``start``; of an object no byte from ``stop`` on.

    Raises:
        OSError: it cannot be opened.
    """
    file: BinaryIO
    if isinstance(path, RemotePath):
        whole = stop is not None
        ahead = MOST if whole else LEAST
        file = cast(BinaryIO, _remote(path, stop, ahead=ahead, grows=not whole))
    else:
        file = path.open("rb")
    file.seek(start)
    return file


def open_head(path: Location, size: int) -> bytes:
    """The first bytes of a file or object.

    Raises:
        OSError: it cannot be read.
    """
    if isinstance(path, RemotePath):
        with _remote(path, ahead=size) as file:
            return file.read(size)
    with path.open("rb") as local:
        return local.read(size)


def open_stream(path: Location) -> pa.NativeFile:
    """A file or object for Arrow to read on and on.

    Raises:
        OSError: it cannot be opened.
    """
    import pyarrow as pa

    if isinstance(path, RemotePath):
        return pa.PythonFile(_remote(path, grows=True), mode="r")
    return pa.OSFile(str(path), "rb")


def open_parts(path: Location, ahead: int = LEAST) -> pa.NativeFile:
    """A file, or an object to be read by ranges of at least ``ahead`` bytes.

    Raises:
        OSError: it cannot be opened.
    """
    import pyarrow as pa

    if isinstance(path, RemotePath):
        return pa.PythonFile(_remote(path, ahead=ahead), mode="r")
    return pa.OSFile(str(path), "rb")


def read_small(path: Location) -> bytes | None:
    """The content of a small file or object, None where it is not small or cannot be read."""
    try:
        if size_of(path) > _SMALL:
            return None
        with open_bytes(path) as file:
            return file.read()
    except OSError:
        return None
