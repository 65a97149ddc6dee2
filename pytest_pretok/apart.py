"""Headers looked at in a process of their own: one over which a decoder crashes costs that process.

What reads the rest of a file apart is the engine ``processes``. Knows no container.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pytest_pretok.engines import Lost
from pytest_pretok.engines.processes import Processes
from pytest_pretok.readers import UnreadableFile
from pytest_pretok.readers.apart import look_elsewhere
from pytest_pretok.stores import count_fetched, metered

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Call(Generic[R]):
    """A function of a module as the task of an engine; also counts what was fetched."""

    function: Callable[..., R]

    def __call__(self, arguments: tuple[object, ...]) -> tuple[R, int]:
        with metered() as meter:
            found = self.function(*arguments)
        return found, meter.fetched


class _Process:
    """A process that calls functions; another one, where it dies."""

    def __init__(self) -> None:
        self._process = Processes(1)

    def __call__(self, function: Callable[..., R], /, *arguments: object) -> R:
        [(_, answer)] = self._process.run(_Call(function), [arguments])
        if isinstance(answer, Lost):
            raise UnreadableFile(answer.reason)
        found, fetched = answer
        count_fetched(fetched)
        return found

    def close(self) -> None:
        self._process.close()


def look_apart() -> Callable[[], None]:
    """Have headers looked at in another process, until what is returned is called."""
    process = _Process()
    as_before = look_elsewhere(process)

    def close() -> None:
        as_before()
        process.close()

    return close
