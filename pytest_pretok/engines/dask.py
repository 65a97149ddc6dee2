"""Scan units on a Dask cluster: the one that Dask's settings name, else one that is started here.

Dask itself redoes the units of workers that die. Must not know what a task does.
"""

from __future__ import annotations

import logging
import pkgutil
import time
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from pytest_pretok import __version__
from pytest_pretok.engines.base import (
    AHEAD,
    PATIENCE,
    REACH,
    EngineError,
    Lost,
    auto_workers,
    in_order,
)
from pytest_pretok.engines.remote import VERSION, call, check_versions, one_line, opened, packed

U = TypeVar("U")
R = TypeVar("R")

POLL = 5.0  # seconds between looks at the cluster while a unit is awaited


class DaskTasks:
    """One task a unit; see `pytest_pretok.engines.make_engine` for ``workers``."""

    remote = True

    def __init__(self, workers: int | None) -> None:
        import dask.config  # an extra

        self._cluster: Any = None
        self._client: Any = None
        address = dask.config.get("scheduler-address", None)
        try:
            self._client = self._connect(address) if address else self._start(workers)
            self._check_workers()
            threads = sum(self._client.nthreads().values())
        except BaseException:
            self.close()
            raise
        self._ahead = (workers if address else None) or AHEAD * threads

    def run(
        self,
        task: Callable[[U], R],
        units: Sequence[U],
        locked: bool = False,
        apart: bool = False,
    ) -> Iterator[tuple[int, R | Lost]]:
        """Results in the order of the units; see `Engine.run`."""
        if not units:
            return
        # The result of a computation, not scattered data: of that nothing is left if the workers
        # that hold it die, and every unit would be lost with it.
        shared = self._client.submit(bytes, packed(task), pure=False)
        self._wait(shared)
        self._client.replicate([shared])

        def begin(unit: U) -> Any:
            return self._client.submit(call, __version__, shared, packed(unit), pure=False)

        yield from in_order(units, begin, self._take, _release, self._ahead)

    def close(self) -> None:
        """Disconnect; a cluster that was started here ends."""
        client, cluster = self._client, self._cluster
        self._client = self._cluster = None
        if client is not None:
            client.close()
        if cluster is not None:
            cluster.close()

    def _connect(self, address: str) -> Any:
        from distributed import Client

        try:
            return Client(address, timeout=REACH, set_as_default=False)
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            raise EngineError(
                f"--pretok-engine=dask: no Dask scheduler at {address}: {one_line(error)}\n"
                "  look whether it runs, or unset DASK_SCHEDULER_ADDRESS to start one here"
            ) from None

    def _start(self, workers: int | None) -> Any:
        from distributed import Client, LocalCluster

        try:
            self._cluster = LocalCluster(
                n_workers=workers or auto_workers(),
                threads_per_worker=1,
                processes=True,
                dashboard_address=":0",  # even without one, a taken port would be warned of
                scheduler_kwargs={"dashboard": False},
                silence_logs=logging.CRITICAL,
            )
        except (OSError, RuntimeError) as error:
            told = f"--pretok-engine=dask: Dask does not start: {one_line(error)}"
            raise EngineError(told) from None
        return Client(self._cluster, set_as_default=False)

    def _check_workers(self) -> None:
        """Ask every worker for its version, once the first one is there."""
        self._wait(self._client.submit(bytes, pure=False))
        check_versions("dask", self._client.run(pkgutil.resolve_name, VERSION, on_error="return"))

    def _take(self, ticket: Any) -> Any:
        from distributed import KilledWorker

        self._wait(ticket)
        try:
            answer = ticket.result()
        except (KilledWorker, CancelledError) as error:
            return Lost(one_line(error))
        except Exception as error:  # noqa: BLE001 (`call` raises nothing: it could not be run)
            raise EngineError(f"--pretok-engine=dask: {one_line(error)}") from None
        return opened(answer)

    def _wait(self, ticket: Any) -> None:
        """Return when a future is done, well or not; raise where nobody is there to do it."""
        alone_since: float | None = None
        while True:
            try:
                ticket.exception(timeout=POLL)
            except CancelledError:
                return
            except TimeoutError:
                if self._client.scheduler_info()["workers"]:
                    alone_since = None
                    continue
                alone_since = alone_since or time.monotonic()
                if time.monotonic() - alone_since > PATIENCE:
                    raise EngineError(
                        f"--pretok-engine=dask: the cluster has had no worker for {PATIENCE:.0f} s"
                    ) from None
            else:
                return


def _release(ticket: Any) -> None:
    ticket.cancel()
