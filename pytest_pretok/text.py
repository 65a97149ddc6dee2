"""Text that comes from data or from a file system, made safe to show.

Imports nothing of the project.
"""

from __future__ import annotations

from pathlib import Path


def printable(text: str, limit: int | None = None) -> str:
    """Text without control, direction or surrogate characters, shortened to ``limit``."""
    shown = text
    if not text.isprintable():
        shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    if limit is not None and len(shown) > limit:
        return shown[: limit - 3] + "..."
    return shown


def node_path(path: Path, root: Path) -> str:
    """A path as test ids have it: from ``root`` on if it lies there, else whole; always with /."""
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return printable(shown.as_posix())


def plural(number: int, noun: str, plural_noun: str | None = None) -> str:
    """A number with separators and its noun."""
    return f"{number:,} {noun if number == 1 else plural_noun or noun + 's'}"
