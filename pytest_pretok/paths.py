"""Questions about paths that are answered, never raised: what may not be looked at is not there.

`pathlib` raises where a folder above may not be entered, or where a name is too long to be one, or
holds what the file system cannot spell.
Imports nothing of the project.
"""

from __future__ import annotations

from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether a path leads to a regular file."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether a path leads to a folder."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def exists(path: Path) -> bool:
    """Whether a path leads to anything."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
