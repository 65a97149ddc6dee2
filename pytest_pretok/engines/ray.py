"""Scan units as tasks of a Ray cluster: the one at RAY_ADDRESS, else one that is started here.

Ray itself redoes the units of workers that die. Must not know what a task does.
"""

from __future__ import annotations

import logging
import os
import pkgutil
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import current_thread, main_thread
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

RETRIES = 3  # after a worker's death
POLL = 5.0  # seconds between looks at the cluster while a unit is awaited

# For a cluster of our own, unless the user says otherwise: nothing is sent home, and `uv run` does
# not pack up the working directory, which may hold the data.
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}


class RayTasks:
    """One task a unit; see `pytest_pretok.engines.make_engine` for ``workers``."""

    remote = True

    def __init__(self, workers: int | None) -> None:
        address = os.environ.get("RAY_ADDRESS", "")
        with _settings({} if address else _QUIET):
            import ray  # heavy, and an extra

            self._ray = ray
            self._ours = not ray.is_initialized()  # a test session may have connected already
            if self._ours:
                with _own_termination():
                    _connect(ray, address, workers)
        try:
            self._check_nodes()
            self._ahead = workers or AHEAD * self._processors()
            if not address and self._ours:
                self._ahead = AHEAD * (workers or auto_workers())
        except BaseException:
            self.close()
            raise
        self._call = ray.remote(call).options(max_retries=RETRIES, name="pretok")

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
        shared = self._ray.put(packed(task))

        def begin(unit: U) -> Any:
            return self._call.remote(__version__, shared, packed(unit))

        yield from in_order(units, begin, self._take, _let_run, self._ahead)

    def close(self) -> None:
        """Disconnect; a cluster that was started here ends."""
        if self._ours:
            self._ours = False
            self._ray.shutdown()

    def _take(self, ticket: Any) -> Any:
        errors = self._ray.exceptions
        alone_since: float | None = None
        while not self._ray.wait([ticket], timeout=POLL)[0]:
            if self._processors():
                alone_since = None
                continue
            alone_since = alone_since or time.monotonic()
            if time.monotonic() - alone_since > PATIENCE:
                raise EngineError(_nobody())
        try:
            answer = self._ray.get(ticket)
        except errors.RayTaskError as error:  # `call` raises nothing: it could not be run
            raise EngineError(f"--pretok-engine=ray: {one_line(error.cause)}") from None
        except errors.LocalRayletDiedError as error:  # nothing can be handed to the cluster now
            raise EngineError(f"--pretok-engine=ray: {one_line(error)}") from None
        except errors.RayError as error:
            return Lost(one_line(error))
        return opened(answer)

    def _processors(self) -> int:
        return int(self._ray.cluster_resources().get("CPU", 0))

    def _check_nodes(self) -> None:
        """Ask every node that can work for its version."""
        began = time.monotonic()
        while not (nodes := [node for node in self._ray.nodes() if _works(node)]):
            if time.monotonic() - began > PATIENCE:
                raise EngineError(_nobody())
            time.sleep(0.5)
        ask = self._ray.remote(pkgutil.resolve_name)
        asked = {
            node["NodeManagerAddress"]: ask.options(
                num_cpus=0, name="pretok", scheduling_strategy=self._on(node["NodeID"])
            ).remote(VERSION)
            for node in nodes
        }
        self._ray.wait(list(asked.values()), num_returns=len(asked), timeout=PATIENCE)
        check_versions("ray", {place: self._version(ref) for place, ref in asked.items()})

    def _on(self, node: str) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(node, soft=False)

    def _version(self, ref: Any) -> object:
        errors = self._ray.exceptions
        try:
            return self._ray.get(ref, timeout=0.1)
        except errors.RayTaskError as error:
            return error.cause
        except errors.RayError as error:
            return error


def _let_run(_: Any) -> None:
    """Not `ray.cancel`: where it meets a task that ends, Ray 2.60 aborts the whole process."""


def _works(node: Mapping[str, Any]) -> bool:
    return bool(node["Alive"] and node["Resources"].get("CPU"))


def _nobody() -> str:
    return f"--pretok-engine=ray: the cluster has had no processor for {PATIENCE:.0f} s"


@contextmanager
def _own_termination() -> Iterator[None]:
    """Keep a handler of SIGTERM: that of `ray.init` raises what pytest takes for a failed item."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if callable(before) and current_thread() is main_thread():
            signal.signal(signal.SIGTERM, before)


def _connect(ray: Any, address: str, workers: int | None) -> None:
    if address and address != "local":
        _reach(address)
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, RuntimeError, ValueError) as error:  # ConnectionError is an OSError
            raise EngineError(_unreached(address, error)) from None
        return
    try:
        ray.init(
            address="local",
            num_cpus=workers or auto_workers(),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (OSError, RuntimeError) as error:
        raise EngineError(f"--pretok-engine=ray: Ray does not start: {one_line(error)}") from None


def _reach(address: str) -> None:
    """Knock first: Ray itself tries for minutes, and without a word to the caller."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return  # "auto", or a name that Ray looks up itself
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACH).close()
    except (OSError, OverflowError) as error:
        raise EngineError(_unreached(address, error)) from None


def _unreached(address: str, error: BaseException) -> str:
    return (
        f"--pretok-engine=ray: no Ray cluster at RAY_ADDRESS={address}: {one_line(error)}\n"
        "  look whether it runs (ray status), or unset RAY_ADDRESS to start one here"
    )


@contextmanager
def _settings(settings: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for a while, where they are not set."""
    new = {name: value for name, value in settings.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)
