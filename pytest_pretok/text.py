"""Paths as test ids and messages have them.

Knows no data.
"""

from __future__ import annotations

from pathlib import Path

from pretok_schemas.text import printable


def node_path(path: Path, root: Path) -> str:
    """A path as test ids have it: from ``root`` on if it lies there, else whole; always with /."""
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return printable(shown.as_posix())
