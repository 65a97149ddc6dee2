"""Scan units on threads of this machine; decoding and comparing release the interpreter lock.

Must not know what a task does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

from pytest_pretok.abandon import stoppable
from pytest_pretok.engines.base import AHEAD, in_order

U = TypeVar("U")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Threads:
    """At most ``workers`` units at a time; none is ever lost."""

    workers: int
    remote: bool = False

    def run(
        self,
        task: Callable[[U], R],
        units: Sequence[U],
        locked: bool = False,
        apart: bool = False,
        *,
        give_up: Callable[[], object] = bool,
    ) -> Iterator[tuple[int, R]]:
        """Results in the order of the units; see `Engine.run`.

        ``give_up`` is called when the caller stops early, before what is under way is waited for.
        """
        if self.workers <= 1 or len(units) <= 1:
            for index, unit in enumerate(units):
                yield index, task(unit)
            return
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="pretok")
        stop = Event()

        def begin(unit: U) -> Future[R]:
            return pool.submit(stoppable, stop, task, unit)

        try:
            yield from in_order(units, begin, Future.result, Future.cancel, AHEAD * self.workers)
        finally:
            # After Ctrl-C nobody should wait for a unit of minutes.
            stop.set()
            give_up()
            pool.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        """Nothing is kept between runs."""
