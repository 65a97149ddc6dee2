"""Where headers are looked at: in this process, unless another was asked to, since a decoder may
crash over one.

Knows neither engines nor containers.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Protocol, TypeVar

R = TypeVar("R")


class Elsewhere(Protocol):
    """Another process, as a way to call a function of a module."""

    def __call__(self, function: Callable[..., R], /, *arguments: object) -> R:
        """What the function returns; what it raises is raised here.

        Raises:
            UnreadableFile: no process survived the call.
        """


_ELSEWHERE: ContextVar[Elsewhere | None] = ContextVar("pretok_elsewhere", default=None)


def look_elsewhere(elsewhere: Elsewhere) -> Callable[[], None]:
    """Have headers looked at elsewhere, until what is returned is called."""
    token = _ELSEWHERE.set(elsewhere)
    return lambda: _ELSEWHERE.reset(token)


def apart(function: Callable[..., R], /, *arguments: object) -> R:
    """Call a function wherever headers are looked at."""
    elsewhere = _ELSEWHERE.get()
    return function(*arguments) if elsewhere is None else elsewhere(function, *arguments)
