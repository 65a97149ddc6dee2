"""The faults of one declaration while it is read, each with the line of its key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_pretok.faults import Fault, place_of

Key = tuple[str, ...]  # of a table, or within one
Wrong = tuple[Key, str]  # a key, and what is wrong with it


class Notes:
    """Gathers faults; ``lines`` are those of the keys of a file, empty where there is no file."""

    def __init__(self, file: str, lines: Mapping[Key, int]) -> None:
        self._file = file
        self._lines = lines
        self.faults: list[Fault] = []

    def fault(self, table: Key, key: Key, message: str) -> None:
        """Note a fault of a key of a table, or of the table itself if the key is empty."""
        line = self.line((*table, *key))
        self.faults.append(Fault(self._file, line, place_of(table, key), message))

    def all(self, table: Key, wrong: Iterable[Wrong]) -> bool:
        """Note what is wrong with some keys of a table; whether nothing was."""
        before = len(self.faults)
        for key, message in wrong:
            self.fault(table, key, message)
        return len(self.faults) == before

    def line(self, path: Key) -> int:
        """The line of a key, or of the table that should hold it."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)
