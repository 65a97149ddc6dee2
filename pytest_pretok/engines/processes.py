"""Scan units in processes of this machine, one at a time each, for work that holds the interpreter
lock.

A process that dies costs its unit another try, and nothing else. Must not know what a task does.
"""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import IO, Any, TypeVar

from pytest_pretok import __version__
from pytest_pretok.abandon import go_on
from pytest_pretok.engines.base import Lost
from pytest_pretok.engines.remote import Answer, call, opened, packed
from pytest_pretok.engines.threads import Threads

U = TypeVar("U")
R = TypeVar("R")

TRIES = 3  # processes that a unit may cost
_GRACE = 5.0  # seconds in which a process that has nothing to do must end

# The parent's module path, whatever the environment and the working directory hold.
_BOOT = """import sys; sys.path[:] = {path!r}
from pytest_pretok.engines.processes import serve; serve()"""


class Died(Exception):
    """The process ended before it had answered; the message says how."""


class Worker:
    """A process that does one unit after the other."""

    def __init__(self) -> None:
        flags = ["-I", *(["-B"] if sys.dont_write_bytecode else [])]
        boot = _BOOT.format(path=sys.path)
        self._process = subprocess.Popen(
            [sys.executable, *flags, "-c", boot], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._task: bytes | None = None

    def do(self, task: bytes, unit: bytes) -> Answer:
        """The answer to a packed unit; the task is sent only if it is another one than before.

        Raises:
            Died: the process is gone.
        """
        asked, told = self._pipes()
        try:
            pickle.dump((None if task is self._task else task, unit), asked)
            asked.flush()
            self._task = task
            answer: Answer = pickle.load(told)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self.close(0)
            raise Died(_how(self._process.returncode)) from error
        return answer

    def kill(self) -> None:
        """End the process whatever it is at; who waits for its answer meets `Died`."""
        self._process.kill()

    def close(self, grace: float = _GRACE) -> None:
        """End the process: it stops by itself once nothing more can be asked."""
        asked, told = self._pipes()
        with suppress(OSError):
            asked.close()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        told.close()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        asked, told = self._process.stdin, self._process.stdout
        if asked is None or told is None:
            raise RuntimeError("a process without pipes")
        return asked, told


class Processes:
    """At most ``workers`` processes; started with the first units, kept until `close`."""

    remote = False

    def __init__(self, workers: int) -> None:
        self._threads = Threads(workers)
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()

    def run(
        self,
        task: Callable[[U], R],
        units: Sequence[U],
        locked: bool = True,
        apart: bool = True,
    ) -> Iterator[tuple[int, R | Lost]]:
        """Results in the order of the units; see `Engine.run`."""
        shared = packed(task)

        def do(unit: U) -> Answer | Lost:
            return self._do(shared, unit)

        for index, answer in self._threads.run(do, units, give_up=self._kill_busy):
            yield index, answer if isinstance(answer, Lost) else opened(answer)

    def close(self) -> None:
        """End the processes."""
        idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def _kill_busy(self) -> None:
        """End what nobody waits for any more; `go_on` keeps its thread from trying again."""
        for worker in list(self._busy):
            worker.kill()

    def _do(self, task: bytes, unit: object) -> Answer | Lost:
        """One unit, on a thread of its own."""
        content, how = packed(unit), ""
        for _ in range(TRIES):
            go_on()
            try:
                worker = self._idle.pop()
            except IndexError:
                worker = Worker()
            self._busy.add(worker)
            try:
                answer = worker.do(task, content)
            except Died as death:
                how = str(death)
            except BaseException:  # Ctrl-C, where this is the main thread
                worker.close(0)
                raise
            else:
                self._idle.append(worker)
                return answer
            finally:
                self._busy.discard(worker)
        return Lost(f"{TRIES} processes in turn died over it, the last one {how}")


def _how(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"


def serve() -> None:
    """Do units until none can be asked any more: the whole life of a worker's process.

    Standard output is for answers alone: what libraries print goes to standard error.
    """
    import os

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    asked, told = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    task = b""
    while True:
        try:
            new, unit = pickle.load(asked)
        except EOFError:
            return
        task = new or task
        _answer(told, call(__version__, task, unit))


def _answer(told: IO[bytes], answer: Any) -> None:
    pickle.dump(answer, told)
    told.flush()
