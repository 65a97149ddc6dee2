"""Scan units on this machine: on threads, since decoding and comparing release the interpreter
lock, and in processes where it would be held.

Must not know what a task does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pytest_pretok.engines.base import AHEAD, Lost, in_order

if TYPE_CHECKING:
    from pytest_pretok.engines.processes import Processes

U = TypeVar("U")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Threads:
    """At most ``workers`` units at a time; none is ever lost."""

    workers: int
    remote: bool = False

    def run(
        self, task: Callable[[U], R], units: Sequence[U], locked: bool = False
    ) -> Iterator[tuple[int, R]]:
        """Results in the order of the units; see `Engine.run`."""
        if self.workers <= 1 or len(units) <= 1:
            for index, unit in enumerate(units):
                yield index, task(unit)
            return
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="pretok")

        def begin(unit: U) -> Future[R]:
            return pool.submit(task, unit)

        try:
            yield from in_order(units, begin, Future.result, Future.cancel, AHEAD * self.workers)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        """Nothing is kept between runs."""


class Local:
    """Threads, or as many processes for work that holds the interpreter lock."""

    remote = False

    def __init__(self, workers: int) -> None:
        self._threads = Threads(workers)
        self._processes: Processes | None = None

    def run(
        self, task: Callable[[U], R], units: Sequence[U], locked: bool = False
    ) -> Iterator[tuple[int, R | Lost]]:
        """Results in the order of the units; see `Engine.run`."""
        if not locked or self._threads.workers == 1 or len(units) == 1:
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
