"""A remote object as a file that can be sought in: what is read is fetched, and little besides.

Knows a function that fetches a range, and no store. Also counts what was fetched, for whoever
asked to be told.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

LEAST = 2**16  # bytes of a request: less costs as much time
MOST = 2**23  # bytes that are read ahead of one who reads on and on
_HELD = 2**25  # bytes of what was read last, kept in case that it is asked for again


@dataclass(slots=True)
class Meter:
    """How many bytes of remote objects were fetched."""

    fetched: int = 0


_METER: ContextVar[Meter | None] = ContextVar("pretok_meter", default=None)


@contextmanager
def metered() -> Iterator[Meter]:
    """Count what files that are opened inside fetch, until they are closed."""
    meter = Meter()
    token = _METER.set(meter)
    try:
        yield meter
    finally:
        _METER.reset(token)


def count_fetched(many: int) -> None:
    """Count bytes that another process has fetched for this one."""
    meter = _METER.get()
    if meter is not None:
        meter.fetched += many


class RemoteFile(io.RawIOBase):
    """The bytes of an object up to ``size``; nothing beyond is ever asked for.

    A request takes ``ahead`` bytes at least; with ``grows`` it takes twice as many each time that
    someone reads on from where they left off. What was fetched of late is not fetched again.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], bytes],
        size: int,
        ahead: int = LEAST,
        grows: bool = False,
    ) -> None:
        super().__init__()
        self._fetch = fetch
        self._size = size
        self._ahead = ahead
        self._grows = grows
        self._meter = _METER.get()
        self._place = 0
        self._next = 0  # where one who reads on would be
        self._held: list[tuple[int, bytes]] = []  # (start, bytes), what was used last at the end

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._place

    def size(self) -> int:
        """The size in bytes."""
        return self._size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place; nothing is fetched."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer as far as there are bytes."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Everything from here on."""
        return self.read(self._size - self._place)

    def read(self, size: int | None = -1, /) -> bytes:
        """So many bytes, fewer only at the end.

        Raises:
            StoreError: they cannot be had.
        """
        rest = max(0, self._size - self._place)
        wanted = rest if size is None or size < 0 else min(size, rest)
        pieces, place, stop = [], self._place, self._place + wanted
        while place < stop:
            piece = self._piece(place, stop)
            pieces.append(piece)
            place += len(piece)
        self._place = self._next = stop
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Let go of what is held."""
        self._held.clear()
        super().close()

    def _piece(self, place: int, stop: int) -> bytes:
        """Some bytes at a place, at most up to ``stop``."""
        for number, (start, held) in enumerate(self._held):
            if start <= place < start + len(held):
                self._held.append(self._held.pop(number))
                return held[place - start : stop - start]
        follows = self._grows and 0 < place == self._next
        self._ahead = min(MOST, 2 * self._ahead) if follows else self._ahead
        # What is held further on is not fetched once more.
        limit = min([self._size, *(start for start, _ in self._held if start > place)])
        end = min(max(stop, place + self._ahead), limit)
        data = self._fetch(place, end)
        if self._meter is not None:
            self._meter.fetched += len(data)
        self._hold(place, data)
        return data[: stop - place]

    def _hold(self, start: int, data: bytes) -> None:
        self._held.append((start, data))
        while len(self._held) > 1 and sum(len(held) for _, held in self._held) > _HELD:
            self._held.pop(0)
