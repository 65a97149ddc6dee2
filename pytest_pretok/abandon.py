"""Whether anybody still waits for what a thread does: work that nobody waits for should end soon.

Knows neither the work nor who waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, local
from typing import TypeVar

U = TypeVar("U")
R = TypeVar("R")

_here = local()  # of each thread: the event that tells it to stop


class Abandoned(Exception):
    """Nobody waits for this work any more; its result is thrown away."""


def stoppable(stop: Event, task: Callable[[U], R], unit: U) -> R:
    """Do a unit on this thread; once ``stop`` is set, `go_on` raises in it."""
    _here.stop = stop
    try:
        return task(unit)
    finally:
        del _here.stop


def go_on() -> None:
    """Return if somebody waits for what this thread does; called now and then in long work.

    Raises:
        Abandoned: nobody does.
    """
    stop: Event | None = getattr(_here, "stop", None)
    if stop is not None and stop.is_set():
        raise Abandoned
