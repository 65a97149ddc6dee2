"""Text that comes from data or from a file system, made safe to show; numbers with their nouns.

Imports nothing of the project.
"""

from __future__ import annotations


def printable(text: str, limit: int | None = None) -> str:
    """Text without control, direction or surrogate characters, shortened to ``limit``."""
    shown = text
    if not text.isprintable():
        shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    if limit is not None and len(shown) > limit:
        return shown[: limit - 3] + "..."
    return shown


def plural(number: int, noun: str, plural_noun: str | None = None) -> str:
    """A number with separators and its noun."""
    return f"{number:,} {noun if number == 1 else plural_noun or noun + 's'}"
