"""JSON lines read by arrays: integer lists are lifted out, what is left is read exactly.

Agrees with `json_rows` by construction: every list of plain integers that is an object's value is
replaced by its number, ``"labels":[-100,7]`` becomes ``"labels":[2]``, and the short lines that
remain go through the same strict parser; the lifted text is checked against JSON's integer grammar
and converted at once. Whatever does not fit returns None, and is read by `json_rows`. (pyarrow's
own JSON reader takes NaN, bytes that are not UTF-8 and several objects a line without a word, and
crashes the process on a line that says null.) Knows no files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pytest_pretok.readers.base import Chunk
from pytest_pretok.readers.json_rows import BLANK, parse_line

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_NUMBER, _SPACE, _COMMA, _OTHER = 1, 2, 4, 8
_GAPS = b", \t\r"
_GROUP_BYTES = 2**18
_MOST_BYTES = 2**31 - 1  # Arrow's texts are addressed by 32 bits


def _classes() -> bytes:
    table = bytearray([_OTHER] * 256)
    for byte in b"0123456789-":
        table[byte] = _NUMBER
    for byte in b" \t\r":
        table[byte] = _SPACE
    table[ord(",")] = _COMMA
    return bytes(table)


_CLASS = _classes()


@dataclass(frozen=True, slots=True)
class _Lists:
    """The lifted lists: list i holds ``data[starts[i]:stops[i]]``, without its brackets."""

    data: bytes
    starts: list[int]
    stops: list[int]


def read_rows_fast(data: bytes, columns: Sequence[str]) -> Chunk | None:
    """What `json_rows.read_rows` returns for these lines, or None where that has to decide."""
    wanted = list(dict.fromkeys(columns))
    if not wanted or len(data) > _MOST_BYTES:
        return None
    if any("[" in name for name in wanted):
        return None  # In a key, too, what looks like a list is replaced.
    lists = _find_lists(data)
    places = _places(_skeleton(lists), wanted)
    if places is None:
        return None
    arrays = [_column(lists, places[name]) for name in wanted]
    used = {place for column in places.values() for place in column if place is not None}
    # What is not asked for must be JSON all the same.
    others = [i for i in range(len(lists.starts)) if i not in used]
    if any(array is None for array in arrays) or _column(lists, others) is None:
        return None
    return Chunk(pa.RecordBatch.from_arrays(arrays, names=wanted))


def without_lists(data: bytes) -> bytes:
    """The same lines with every list of plain integers that is a value replaced by a short one."""
    return _skeleton(_find_lists(data))


def _find_lists(data: bytes) -> _Lists:
    """Every ``[...]`` of number characters alone that stands behind a key and its colon."""
    text = np.frombuffer(data, np.uint8)
    places = np.flatnonzero(np.frombuffer(data.translate(_CLASS), np.uint8) == _OTHER)
    marks = text[places]
    bare = (marks[2:-1] == ord("[")) & (marks[3:] == ord("]"))
    valued = (marks[:-3] == ord('"')) & (marks[1:-2] == ord(":"))
    found = np.flatnonzero(bare & valued) + 2
    return _Lists(data, (places[found] + 1).tolist(), places[found + 1].tolist())


def _skeleton(lists: _Lists) -> bytes:
    parts: list[bytes] = []
    end = 0
    for number, (start, stop) in enumerate(zip(lists.starts, lists.stops, strict=True)):
        parts.append(lists.data[end:start])
        parts.append(b"%d" % number)
        end = stop
    parts.append(lists.data[end:])
    return b"".join(parts)


def _places(skeleton: bytes, wanted: Sequence[str]) -> dict[str, list[int | None]] | None:
    """For each asked column the number of each row's list, None for null; None if any is odd."""
    names = frozenset(wanted)
    places: dict[str, list[int | None]] = {name: [] for name in wanted}
    try:
        for line in skeleton.split(b"\n"):
            if line.strip(BLANK):
                row = parse_line(line, names)
                for name in wanted:
                    places[name].append(_place(row.get(name)))
    except ValueError:
        return None
    return places


def _place(value: Any) -> int | None:
    if value is None:
        return None
    # A list of one integer can only be one of ours: all such lists were replaced.
    if isinstance(value, list) and len(value) == 1 and type(value[0]) is int:
        return value[0]
    raise ValueError("no plain list of integers")


def _column(lists: _Lists, places: Sequence[int | None]) -> pa.Array | None:
    texts = [
        b"" if place is None else lists.data[lists.starts[place] : lists.stops[place]]
        for place in places
    ]
    filled = [bool(text.strip(BLANK)) for text in texts]
    values = [pa.array([], pa.int64())]
    counts = [np.zeros(0, np.int64)]
    for group in _groups(
        [text for text, is_filled in zip(texts, filled, strict=True) if is_filled]
    ):
        found = _integers(b",".join(group))
        if found is None:
            return None
        ends = np.cumsum(np.fromiter((len(text) + 1 for text in group), np.int64, len(group)))
        counts.append(np.diff(np.searchsorted(found[1], ends), prepend=0))
        values.append(found[0])
    offsets = np.zeros(len(texts) + 1, np.int32)
    offsets[1:][filled] = np.concatenate(counts)
    offsets = np.cumsum(offsets, dtype=np.int32)
    nulls = pa.array([place is None for place in places], pa.bool_()) if None in places else None
    return pa.ListArray.from_arrays(pa.array(offsets), pa.concat_arrays(values), mask=nulls)


def _groups(texts: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Texts in groups small enough for the arrays made of them to stay in the cache."""
    group: list[bytes] = []
    size = 0
    for text in texts:
        group.append(text)
        size += len(text)
        if size >= _GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _integers(body: bytes) -> tuple[pa.Array, Ints] | None:
    """The integers of a list's text as int64 and where each begins; None if it is no such list."""
    kinds = np.frombuffer(body.translate(_CLASS), np.uint8)
    number = np.zeros(len(kinds) + 2, np.bool_)
    number[1:-1] = kinds == _NUMBER
    edges = np.flatnonzero(number[1:] != number[:-1])
    starts, stops = edges[::2], edges[1::2]
    commas = np.flatnonzero(kinds == _COMMA)
    if len(commas) != max(0, len(starts) - 1):
        return None
    if (commas < stops[:-1]).any() or (commas > starts[1:]).any():
        return None
    if _has_leading_zero(np.frombuffer(body, np.uint8), starts, stops):
        return None
    offsets = np.zeros(len(starts) + 1, np.int32)
    np.cumsum(stops - starts, out=offsets[1:])
    digits = pa.py_buffer(body.translate(None, delete=_GAPS))
    texts = pa.StringArray.from_buffers(len(starts), pa.py_buffer(offsets), digits)
    try:
        return pc.cast(texts, pa.int64()), starts
    except pa.ArrowInvalid:  # beyond int64, or a minus out of place
        return None


def _has_leading_zero(text: Bytes, starts: Ints, stops: Ints) -> bool:
    first = text[starts]
    if ((first == ord("0")) & (stops - starts > 1)).any():
        return True
    minus = np.flatnonzero(first == ord("-"))
    negative = starts[minus]
    long = stops[minus] - negative > 2
    return bool((text[negative[long] + 1] == ord("0")).any())
