"""Tasks that go wrong on purpose, and an engine that puts them in the place of a scan's own.

Imported by the workers of real clusters, so that it imports nothing of pytest.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_pretok.abandon import go_on
from pytest_pretok.engines import Engine, Lost
from pytest_pretok.readers import arrow
from pytest_pretok.scan.tasks import Asked, DigestTask, LookTask, Part

Task = Callable[[Any], Any]
PASSES = ("first", "second", "compare")


def pass_of(task: Task) -> str:
    """Which of a scan's passes a task belongs to."""
    if isinstance(task, DigestTask):
        return "compare"
    assert isinstance(task, LookTask)
    return "first" if task.norms is None else "second"


@dataclass(frozen=True)
class Killed:
    """Kills the process that works on one unit: once a pass, if it can take that down somewhere."""

    task: Task
    unit: int
    notes: Path | None = None

    def __call__(self, numbered: tuple[int, Any]) -> Any:
        """The task's own result, if we live to see it."""
        number, unit = numbered
        if number == self.unit and (self.notes is None or self._first(self.notes)):
            os.kill(os.getpid(), signal.SIGKILL)
        return self.task(unit)

    def _first(self, notes: Path) -> bool:
        try:
            (notes / f"killed-{pass_of(self.task)}").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


@dataclass(frozen=True)
class Elsewhere:
    """Looks for the file of one unit where there is none, as on a machine without it."""

    task: Task
    unit: int

    def __call__(self, numbered: tuple[int, Any]) -> Any:
        """The task's own result."""
        number, unit = numbered
        if number != self.unit:
            return self.task(unit)
        if isinstance(unit, Asked):
            return self.task(replace(unit, part=away(unit.part)))
        return self.task(tuple(map(away, unit)))


def away(part: Part) -> Part:
    """The part of a file that is not there."""
    return replace(part, unit=replace(part.unit, path=f"/nowhere{part.unit.path}"))


@dataclass(frozen=True)
class Gone:
    """Stands for a unit that an engine gave up: `LosesUnits` makes it a lost one."""

    task: Task
    unit: int

    def __call__(self, numbered: tuple[int, Any]) -> Any:
        """Nothing for the one unit, and the task's own result for the others."""
        number, unit = numbered
        return None if number == self.unit else self.task(unit)


@dataclass
class Sabotaged:
    """An engine whose tasks are wrapped in some of the passes of a scan."""

    engine: Engine
    at: Sequence[str]
    wrap: Callable[[Task], Task]
    remote: bool = True  # what the scan is told
    locked: bool = False  # what the engine is told

    def run(
        self, task: Task, units: Sequence[Any], locked: bool = False, apart: bool = False
    ) -> Iterator[tuple[int, Any]]:
        """The engine's own results; None is a lost unit."""
        if pass_of(task) not in self.at:
            yield from self.engine.run(task, units)
            return
        wrapped = self.wrap(task)
        for index, result in self.engine.run(wrapped, list(enumerate(units)), self.locked, apart):
            yield index, Lost("it was given up") if result is None else result

    def close(self) -> None:
        """The engine is whoever made it's to close."""


@dataclass(frozen=True)
class Stuck:
    """Says with a file that the first unit of a shard named so is at work, and stays at it.

    For a minute, chunk after chunk, as a large unit does: it can be given up in between.
    """

    task: Task
    sign: str

    def __call__(self, numbered: tuple[int, Any]) -> Any:
        """The task's own result, in the end."""
        number, unit = numbered
        if number == 0 and "stuck" in unit[0].unit.path:
            Path(self.sign).touch()
            for _ in range(600):
                go_on()
                time.sleep(0.1)
        return self.task(unit)


@dataclass(frozen=True)
class CutOff:
    """Truncates the file of a mapped unit once it is mapped: who looks at it then dies of it."""

    task: Task
    notes: str

    def __call__(self, numbered: tuple[int, Any]) -> Any:
        """The task's own result, if we live to see it."""
        opened = arrow._opened

        def cut_off(unit: Any) -> Any:
            source = opened(unit)
            assert unit.mapped
            Path(self.notes, f"mapped-by-{os.getpid()}").touch()
            os.truncate(unit.path, 4096)
            return source

        arrow._opened = cut_off
        try:
            return self.task(numbered[1])
        finally:
            arrow._opened = opened


@dataclass(frozen=True)
class Limited:
    """Allows the process so many more bytes of address space while a unit of `dense` is done."""

    task: Task
    more: int

    def __call__(self, numbered: tuple[int, Any]) -> Any:
        """The task's own result, if the memory lasts."""
        import resource

        if "dense" not in numbered[1][0].unit.path:
            return self.task(numbered[1])
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        before = resource.getrlimit(resource.RLIMIT_AS)
        allowed = pages * resource.getpagesize() + self.more
        resource.setrlimit(resource.RLIMIT_AS, (allowed, before[1]))
        try:
            return self.task(numbered[1])
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)
