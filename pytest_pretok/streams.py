"""Standard streams that are closed, full, or read by nobody any more: a check goes on all the same.

Knows nothing of what is said on them.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any, TextIO


def open_closed() -> None:
    """Open the standard streams that this process was started without (``>&-``), to nowhere.

    Else the next file that is opened would have such a stream's number, and take what is printed.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        flags = os.O_RDONLY if name == "stdin" else os.O_WRONLY
        opened = os.open(os.devnull, flags)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        mode = "r" if name == "stdin" else "w"
        stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)


class Lasting:
    """A text stream that swallows what cannot be written, and remembers the first reason."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        """All else is the stream's."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write the text, if that is still possible."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        """Write what is held back, if that is still possible."""
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Send what is held back, and all to come, nowhere: it would fail at every further step."""
        self.failure = self.failure or error
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
