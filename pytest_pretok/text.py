"""Paths and URLs as test ids and messages have them.

Knows no data.
"""

from __future__ import annotations

from pathlib import Path

from pretok_schemas.text import printable
from pytest_pretok.stores import Location, RemotePath


def node_path(path: Location, root: Path) -> str:
    """A path as test ids have it: from ``root`` on if it lies there, else whole; always with /.

    A URL is shown without what may be secret in it.
    """
    if isinstance(path, RemotePath):
        return printable(path.shown)
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return printable(shown.as_posix())
