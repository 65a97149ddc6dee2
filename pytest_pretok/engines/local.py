"""Scan units on this machine: on threads, or in processes where threads would wait for one another,
or where a unit may end the process that reads it.

Must not know what a task does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from pytest_pretok.engines.base import Lost
from pytest_pretok.engines.threads import Threads

if TYPE_CHECKING:
    from pytest_pretok.engines.processes import Processes

U = TypeVar("U")
R = TypeVar("R")


class Local:
    """Threads, or as many processes for work that holds the lock, or must not be done here."""

    remote = False

    def __init__(self, workers: int) -> None:
        self._threads = Threads(workers)
        self._processes: Processes | None = None

    def run(
        self,
        task: Callable[[U], R],
        units: Sequence[U],
        locked: bool = False,
        apart: bool = False,
    ) -> Iterator[tuple[int, R | Lost]]:
        """Results in the order of the units; see `Engine.run`."""
        threads_do = not locked or self._threads.workers == 1 or len(units) == 1
        if threads_do and not apart:
            yield from self._threads.run(task, units)
            return
        if self._processes is None:
            from pytest_pretok.engines.processes import Processes  # lazy: start cost

            self._processes = Processes(self._threads.workers)
        yield from self._processes.run(task, units)

    def close(self) -> None:
        """End the processes, if any were started."""
        if self._processes is not None:
            self._processes.close()
