"""SIGTERM as an interruption: what CI systems send before they kill.

Knows nothing of the session.
"""

from __future__ import annotations

import signal
from threading import current_thread, main_thread
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM came: pytest ends as it does after Ctrl-C."""


class Termination:
    """SIGTERM raises `Terminated` from now on, until `ignore` or `close`.

    Nothing is done where another handler is in place already, nor outside of the main thread.
    """

    def __init__(self) -> None:
        self._raises = current_thread() is main_thread() and (
            signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        )
        self._ours = self._raises
        if self._ours:
            signal.signal(signal.SIGTERM, self._come)

    def ignore(self) -> None:
        """What is written now is to be written to its end."""
        self._raises = False

    def close(self) -> None:
        """Leave the signal as it was found."""
        if self._ours and signal.getsignal(signal.SIGTERM) == self._come:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._ours = False

    def _come(self, number: int, frame: FrameType | None) -> None:
        if self._raises:
            self._raises = False
            raise Terminated("SIGTERM")
