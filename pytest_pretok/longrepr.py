"""pytest's own shape of a failure, the only one that pytest-xdist carries whole.

The only module that imports from ``_pytest``; checked on pytest 8.1 and 9.2. The classes are those
that doctest's items use; a plain string would lose the message of the short summary.
"""

from __future__ import annotations

from _pytest._code.code import (
    ReprEntryNative,
    ReprExceptionInfo,
    ReprFileLocation,
    ReprTraceback,
)


def failure(path: str, line: int, message: str, text: str) -> ReprExceptionInfo:
    """A failure with its text as it stands, and one line for the short summary."""
    return ReprExceptionInfo(
        reprtraceback=ReprTraceback([ReprEntryNative([f"{text}\n"])], None, style="native"),
        reprcrash=ReprFileLocation(path, line, message),
    )
