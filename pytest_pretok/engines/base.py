"""The words that engines share: what one is, a lost unit, and units in order; knows no engine.

Must not know what a task does.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

U = TypeVar("U")
R = TypeVar("R")
T = TypeVar("T")

AHEAD = 2  # units begun per worker before the oldest result is taken
REACH = 10.0  # seconds until an address has answered
PATIENCE = 120.0  # seconds for which a cluster may be without a single worker


class EngineError(Exception):
    """An engine that cannot start, or has nobody left to work. The message is for a person."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A unit that nobody finished, however often the engine tried: ``reason`` is one line."""

    reason: str


class Engine(Protocol):
    """Runs one task over many units.

    ``remote`` tells whether workers may be on other machines, with other files and packages.
    """

    @property
    def remote(self) -> bool:
        """Whether workers may see other files than this process does."""

    def run(
        self,
        task: Callable[[U], R],
        units: Sequence[U],
        locked: bool = False,
        apart: bool = False,
    ) -> Iterator[tuple[int, R | Lost]]:
        """Results by the numbers of their units, in the order of the units.

        Task, units and results are plain data that can be pickled. Few units are under way at a
        time, however many there are. What a task raises is raised here, when its turn comes.
        ``locked`` tells that there is much work, and that most of it holds the interpreter lock:
        threads would only wait for one another. ``apart`` tells that a unit may end the process
        that does it, which must not be this one.

        Raises:
            EngineError: there is nobody left to work.
        """

    def close(self) -> None:
        """Let go of what was started for the session; nothing if it is closed already."""


def auto_workers() -> int:
    """This machine's processors, shared out among pytest-xdist's workers; at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    share = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT") or 1)
    return max(1, (cores or 1) // share)


def in_order(
    units: Sequence[U],
    begin: Callable[[U], T],
    take: Callable[[T], R],
    drop: Callable[[T], object],
    ahead: int,
) -> Iterator[tuple[int, R]]:
    """Begin units, at most ``ahead`` before the oldest is taken, and yield what they became.

    ``begin`` gives a ticket, ``take`` waits for its result, ``drop`` gives up one that nobody will
    take any more: after an error, or when the caller stops.
    """
    pending: deque[tuple[int, T]] = deque()
    try:
        for index, unit in enumerate(units):
            if len(pending) >= ahead:
                result = pending[0][0], take(pending[0][1])
                pending.popleft()
                yield result
            pending.append((index, begin(unit)))
        while pending:
            result = pending[0][0], take(pending[0][1])
            pending.popleft()
            yield result
    finally:
        for _, ticket in pending:
            drop(ticket)
