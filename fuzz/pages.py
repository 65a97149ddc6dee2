"""Where the pages of a Parquet file lie: their headers, read as Thrift's compact protocol.

Knows the format's specification, and neither pyarrow nor anything of the project.
"""

from __future__ import annotations

from dataclasses import dataclass

_BOOLEANS, _BYTE, _WHOLE, _DOUBLE, _BINARY, _LISTS, _STRUCT = (
    (1, 2),
    3,
    (4, 5, 6),
    7,
    8,
    (9, 10),
    12,
)
_UNPACKED, _PACKED = 2, 3  # the fields of a page's header that hold sizes
_FIRST = 1  # the field of a data page's own header that counts its values

Fields = dict[int, object]


@dataclass(frozen=True)
class Page:
    """A page: its header from ``start``, its bytes from ``body`` to before ``stop``.

    ``numbers`` are the sizes and counts that its header tells.
    """

    start: int
    body: int
    stop: int
    numbers: tuple[int, ...]


class _Reader:
    """Thrift's compact protocol from one place in some bytes on."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _unsigned(self) -> int:
        found = shift = 0
        while True:
            byte = self._byte()
            found |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return found

    def struct(self) -> Fields:
        """The fields of a struct by their numbers: integers and structs, others as None."""
        fields: Fields = {}
        field = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            field = field + step if step else self._signed()
            fields[field] = self._value(kind)
        return fields

    def _signed(self) -> int:
        found = self._unsigned()
        return found >> 1 ^ -(found & 1)

    def _value(self, kind: int) -> object:
        if kind in _WHOLE:
            return self._signed()
        if kind == _STRUCT:
            return self.struct()
        if kind == _BINARY:
            size = self._unsigned()
            self.at += size
        elif kind in _LISTS:
            head = self._byte()
            count = self._unsigned() if head >> 4 == 15 else head >> 4
            for _ in range(count):
                self._value(head & 15)
        elif kind not in _BOOLEANS:
            self.at += {_BYTE: 1, _DOUBLE: 8}[kind]
        return None


def pages(data: bytes, start: int, stop: int) -> list[Page]:
    """The pages of a column chunk that lies between two offsets."""
    found: list[Page] = []
    while start < stop:
        reader = _Reader(data, start)
        told = reader.struct()
        sizes = [size for size in (told[_UNPACKED], told[_PACKED]) if isinstance(size, int)]
        own = [held[_FIRST] for held in told.values() if isinstance(held, dict) and _FIRST in held]
        counts = [count for count in own if isinstance(count, int)]
        end = reader.at + sizes[1]
        found.append(Page(start, reader.at, end, (*sizes, *counts)))
        start = end
    return found
