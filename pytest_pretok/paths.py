"""Questions about paths that are answered, never raised: what may not be looked at is not there.

`pathlib` raises where a folder above may not be entered, or where a name is too long to be one, or
holds what the file system cannot spell, and a store where it cannot be asked.
"""

from __future__ import annotations

import glob

from pytest_pretok.stores import Location, RemotePath, info_of


def is_file(path: Location) -> bool:
    """Whether a path leads to a regular file."""
    try:
        return _kind(path) == "file" if isinstance(path, RemotePath) else path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Location) -> bool:
    """Whether a path leads to a folder."""
    try:
        return _kind(path) == "folder" if isinstance(path, RemotePath) else path.is_dir()
    except (OSError, ValueError):
        return False


def exists(path: Location) -> bool:
    """Whether a path leads to anything."""
    try:
        return _kind(path) is not None if isinstance(path, RemotePath) else path.exists()
    except (OSError, ValueError):
        return False


def matching(pattern: str) -> list[str]:
    """The paths that a pattern matches, in order; none where folders lie too deep for Python."""
    try:
        return sorted(glob.glob(pattern, recursive=True))
    except RecursionError:
        return []


def _kind(path: RemotePath) -> str | None:
    found = info_of(path)
    return None if found is None else found.kind
