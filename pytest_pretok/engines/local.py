"""Scan units on threads of this machine; decoding and comparing release the interpreter lock.

Must not know what a task does.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

U = TypeVar("U")
R = TypeVar("R")

AHEAD = 2  # units begun per worker before the oldest result is taken


def auto_workers() -> int:
    """This machine's processors, shared out among pytest-xdist's workers; at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    share = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT") or 1)
    return max(1, (cores or 1) // share)


def run(task: Callable[[U], R], units: Sequence[U], workers: int) -> Iterator[tuple[int, R]]:
    """Results in the order of the units; at most ``workers`` units run at a time.

    What a task raises is raised here, when its turn comes.
    """
    if workers <= 1 or len(units) <= 1:
        for index, unit in enumerate(units):
            yield index, task(unit)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="pretok")
    pending: deque[tuple[int, Future[R]]] = deque()
    try:
        for index, unit in enumerate(units):
            pending.append((index, pool.submit(task, unit)))
            if len(pending) >= AHEAD * workers:
                first, future = pending.popleft()
                yield first, future.result()
        while pending:
            first, future = pending.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
