"""The words that stores share: what one is, what it says of an object, and how it fails.

Knows no library and opens nothing.
"""

from __future__ import annotations

import errno
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

T = TypeVar("T")


class StoreError(OSError):
    """A store did not give what it was asked for. ``reason`` is one line: what, why, what to do.

    ``here`` is true where the fault may be this machine's alone: no package, no credentials, no
    way to the store.
    """

    def __init__(self, reason: str, here: bool = False) -> None:
        super().__init__(errno.EIO, reason)
        self.reason = reason
        self.here = here


@dataclass(frozen=True, slots=True)
class Info:
    """What a store tells of an object or folder: bytes, and what tells one state from another."""

    kind: Literal["file", "folder"]
    size: int = 0
    stamp: tuple[str, ...] = ()


class Store(Protocol):
    """One kind of place for data. Objects are named by whole URLs; any thread may ask."""

    def info(self, url: str) -> Info | None:
        """What stands under a URL now, nothing remembered; None if nothing does.

        Raises:
            StoreError: it cannot be told.
        """

    def read(self, url: str, start: int, stop: int) -> bytes:
        """The bytes from ``start`` to before ``stop``, all of them.

        Raises:
            StoreError: they cannot be had.
        """

    def find(self, url: str) -> list[str]:
        """The objects below a folder, in order.

        Raises:
            StoreError: it cannot be listed.
        """

    def glob(self, url: str) -> list[str]:
        """The objects that fit a pattern, in order.

        Raises:
            StoreError: nothing can be listed.
        """


@dataclass(frozen=True, slots=True)
class Failure:
    """What an exception of a library means: ``again`` if another try may help.

    ``absent`` is true where there simply is no such object; ``here`` as in `StoreError`.
    """

    reason: str
    again: bool = False
    absent: bool = False
    here: bool = False


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is made, and how long one waits for an answer, in seconds.

    The wait between two tries doubles from ``first`` on, and is never the same for two workers.
    """

    tries: int = 5
    timeout: float = 60.0
    first: float = 0.5

    @classmethod
    def of_environment(cls) -> Patience:
        """As PRETOK_REMOTE_TRIES and PRETOK_REMOTE_TIMEOUT say, where they are numbers."""
        own = cls()
        return cls(
            max(1, int(_number("PRETOK_REMOTE_TRIES", own.tries))),
            max(0.1, _number("PRETOK_REMOTE_TIMEOUT", own.timeout)),
        )

    def attempt(
        self,
        call: Callable[[], T],
        explain: Callable[[Exception], Failure],
        tries: int | None = None,
    ) -> tuple[T | None, Failure | None]:
        """What a call gives, tried until it gives something, or the last failure."""
        most = tries or self.tries
        for number in range(most):
            try:
                return call(), None
            except Exception as error:  # noqa: BLE001 (whatever a store's library raises)
                failure = explain(error)
            if not failure.again:
                break
            if number + 1 < most:
                time.sleep(self.first * 2**number * random.uniform(0.8, 1.2))
        return None, failure


def _number(name: str, otherwise: float) -> float:
    try:
        return float(os.environ[name])
    except (KeyError, ValueError):
        return otherwise
