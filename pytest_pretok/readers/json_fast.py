"""JSON lines read by arrays: integer lists are lifted out, what is left is read exactly.

Agrees with `json_rows` by construction: every list of plain integers that is an object's value is
replaced by its number within the line, ``"labels":[-100,7]`` becomes ``"labels":[2]``, and the
short lines that remain go through the same strict parser, each different one once; the lifted text
is checked against JSON's integer grammar and converted at once. Whatever does not fit returns None,
and is read by `json_rows`. (pyarrow's own JSON reader takes NaN, bytes that are not UTF-8 and
several objects a line without a word, and crashes the process on a line that says null.) Knows no
files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pytest_pretok.readers.base import Chunk
from pytest_pretok.readers.json_rows import BLANK, LISTS, Row, parse_line, with_further

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

_GAPS = b" \t\r"
_IN_LISTS = b"0123456789-," + _GAPS
_GROUP_BYTES = 2**17
_MOST_BYTES = 2**31 - 1  # Arrow's lists are addressed by 32 bits
_AT_ONCE = 8  # digits, as many as bytes in a machine word
_LONGEST_NUMBER = 20  # bytes of an integer within int64, and one more


@dataclass(frozen=True, slots=True)
class _Lifted:
    """Lines without their lists of integers, and the lists' texts without brackets.

    In place of a list a line holds its number within the line; ``firsts[i]`` is the index of the
    first list of line i among the texts.
    """

    lines: list[bytes]
    firsts: list[int]
    texts: list[bytes]


def read_rows_fast(
    data: bytes, columns: Sequence[str], further: Sequence[str] = ()
) -> Chunk | None:
    """What `json_rows.read_rows` returns for these lines, or None where that has to decide."""
    wanted = list(dict.fromkeys(columns))
    if not wanted or len(data) > _MOST_BYTES:
        return None
    if any("[" in name for name in (*wanted, *further)):
        return None  # In a key, too, what looks like a list is replaced.
    lifted = _lift(data)
    others: list[Row] = []
    places = _places(lifted, wanted, further, others)
    if places is None:
        return None
    arrays = [_column(lifted.texts, places[name]) for name in wanted]
    used = {place for column in places.values() for place in column if place is not None}
    # What is not asked for must be JSON all the same.
    unused = [i for i in range(len(lifted.texts)) if i not in used]
    if any(array is None for array in arrays) or _column(lifted.texts, unused) is None:
        return None
    return with_further(Chunk(pa.RecordBatch.from_arrays(arrays, names=wanted)), others, further)


def without_lists(data: bytes) -> bytes:
    """The same lines with every list of plain integers that is a value replaced by a short one."""
    return b"\n".join(_lift(data).lines)


def _lift(data: bytes) -> _Lifted:
    spans = _spans(data)
    texts = [data[start:stop] for start, stop in spans]
    plain = _are_plain(texts)
    parts: list[bytes] = []
    firsts = [0]
    end = count = 0
    for start, stop in compress(spans, plain):
        between = data[end:start]
        firsts += [count] * between.count(b"\n")
        parts += (between, b"%d" % (count - firsts[-1]))
        count += 1
        end = stop
    rest = data[end:]
    firsts += [count] * rest.count(b"\n")
    return _Lifted(b"".join([*parts, rest]).split(b"\n"), firsts, list(compress(texts, plain)))


def _spans(data: bytes) -> list[tuple[int, int]]:
    """Start and stop of what stands in innermost brackets behind a key and its colon."""
    found: list[tuple[int, int]] = []
    stop = -1
    before = 0
    place = data.find(b"[")
    while place >= 0:
        following = data.find(b"[", place + 1)
        if stop < place:  # Else it closes this one too: no text is searched twice.
            stop = data.find(b"]", place)
            if stop < 0:
                break
        if not 0 <= following < stop and _is_value(data, before, place):
            found.append((place + 1, stop))
        before = place + 1
        place = following
    return found


def _is_value(data: bytes, start: int, place: int) -> bool:
    """Whether a key and its colon end right before a place, looking back to ``start`` at most."""
    if data.endswith((b'":', b'": '), start, place):
        return True
    key = data[start:place].rstrip(_GAPS)
    return key.endswith(b":") and key[:-1].rstrip(_GAPS).endswith(b'"')


def _are_plain(texts: Sequence[bytes]) -> list[bool]:
    """Which texts hold nothing but digits, minus signs, commas and blanks."""
    plain: list[bool] = []
    for group in _groups(texts):
        body = b"".join(group)
        text = np.frombuffer(body, np.uint8)
        # From the comma to the nine only the point and the slash do not belong.
        odd = (text - np.uint8(ord(","))) > ord("9") - ord(",")
        if np.count_nonzero(odd) > body.count(b" ") or b"." in body or b"/" in body:
            plain += [not text.translate(None, _IN_LISTS) for text in group]
        else:
            plain += [True] * len(group)
    return plain


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


def _places(
    lifted: _Lifted, wanted: Sequence[str], further: Sequence[str], others: list[Row]
) -> dict[str, list[int | None]] | None:
    """For each asked column the index of each row's list, None for null; None if any is odd.

    The further columns of each row are appended to ``others``.
    """
    names = frozenset([*wanted, *further])
    known: dict[bytes, tuple[list[int | None], Row]] = {}
    rows: list[list[int | None]] = []
    try:
        for line, first in zip(lifted.lines, lifted.firsts, strict=True):
            found = known.get(line)
            if found is None:
                if not line.strip(BLANK):
                    continue
                row = parse_line(line, names)
                numbers = [_number(row.get(name)) for name in wanted]
                found = known[line] = numbers, _plain(row, further)
            rows.append([None if number is None else first + number for number in found[0]])
            if further:
                others.append(found[1])
    except ValueError:
        return None
    return {name: [row[i] for row in rows] for i, name in enumerate(wanted)}


def _plain(row: Row, further: Sequence[str]) -> Row:
    """The further columns of a row; a list among them may be one that was replaced."""
    found = {name: row.get(name) for name in further}
    if any(isinstance(value, list | dict) for value in found.values()):
        raise ValueError("no plain value")
    return found


def _number(value: Any) -> int | None:
    if value is None:
        return None
    # A list of one integer can only be one of ours: all such lists were replaced.
    if isinstance(value, list) and len(value) == 1 and type(value[0]) is int:
        return value[0]
    raise ValueError("no plain list of integers")


def _column(lists: Sequence[bytes], places: Sequence[int | None]) -> pa.Array | None:
    texts = [b"" if place is None else lists[place] for place in places]
    filled = [bool(text.strip(_GAPS)) for text in texts]
    # Arrow's allocator keeps the memory of the block before; numpy would have it cleared anew.
    most = sum(map(len, texts)) // 2 + len(texts)
    values = np.frombuffer(pa.allocate_buffer(8 * most), np.int64)
    counts = [np.zeros(0, np.int64)]
    end = 0
    for group in _groups(list(compress(texts, filled))):
        found = _read_group(group, values[end:])
        if found is None:
            return None
        counts.append(found)
        end += int(found.sum())
    offsets = np.zeros(len(texts) + 1, np.int32)
    offsets[1:][filled] = np.concatenate(counts)
    np.cumsum(offsets, out=offsets)
    return _list_array(offsets, values[:end], [place is not None for place in places])


def _list_array(offsets: npt.NDArray[np.int32], values: Ints, valid: list[bool]) -> pa.Array:
    # pyarrow.array would import pandas, wherever that is installed: half a second.
    bits = None if all(valid) else pa.py_buffer(np.packbits(valid, bitorder="little"))
    flat = pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values)])
    buffers = [bits, pa.py_buffer(offsets)]
    return pa.Array.from_buffers(LISTS, len(valid), buffers, children=[flat])


def _read_group(texts: Sequence[bytes], values: Ints) -> Ints | None:
    """Write the integers of lists into ``values``; how many each has, int64, of shape (texts,).

    None if a text is no list of integers, or one of them beyond int64. The texts are not blank,
    and hold the bytes of `_IN_LISTS` alone.
    """
    several = next((text for text in texts if b"," in text), b"")
    gap = b", " if b", " in several[:24] else b","
    body = gap.join([*texts, b""])
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + len(gap)
    period = body.find(b",") + len(gap)
    if 2 * period < len(body) and _repeats(body, period):
        if _read_group([body[: period - len(gap)]], values) is None:
            return None
        values[1 : len(body) // period] = values[0]
        return lengths // period
    text = np.frombuffer(body, np.uint8)
    commas = text == ord(",")
    stops = np.flatnonzero(commas)
    if blanks := np.count_nonzero(text <= ord(" ")):
        behind = np.count_nonzero(commas[:-1] & (text[1:] == ord(" ")))
        if len(gap) == 1 or not blanks == behind == len(stops):
            return _read_spaced(texts, values)
    if not _convert(text, stops, len(gap), values[: len(stops)]):
        return None
    return np.diff(np.searchsorted(stops, np.cumsum(lengths)), prepend=0)


def _repeats(body: bytes, period: int) -> bool:
    """Whether a text, of whole elements, is its first one over and over: a mask of ones, say."""
    head = body[: 8 * period]
    return head[period:] == head[:-period] and body[period:] == body[:-period]


def _read_spaced(texts: Sequence[bytes], values: Ints) -> Ints | None:
    text = np.frombuffer(b",".join(texts), np.uint8)
    solid = text >= ord("-")
    numbers = np.count_nonzero(solid[1:] & ~solid[:-1]) + int(solid[0])
    if numbers != np.count_nonzero(text == ord(",")) + 1:
        return None
    # As many numbers as places for them, and no place is empty: each has one, without a blank.
    return _read_group([text.translate(None, _GAPS) for text in texts], values)


def _convert(text: Bytes, stops: Ints, gap: int, values: Ints) -> bool:
    """Write the numbers that end before ``stops``, each ``gap`` bytes behind the stop before.

    False if one of them is none, or beyond int64.
    """
    widths = np.empty_like(stops)
    widths[0] = stops[0]
    np.subtract(stops[1:], stops[:-1] + gap, out=widths[1:])
    if widths.max() > _LONGEST_NUMBER:
        return False
    digits = widths.astype(np.uint8)
    starts = stops - widths
    minus = text == ord("-")
    negative = None
    if minus.any():
        negative = minus.take(starts)
        if np.count_nonzero(negative) != np.count_nonzero(minus):
            return False
        starts += negative
        digits -= negative
    if not digits.all():
        return False
    windows = _windows(text, starts)
    zero = windows.view(np.uint8)[::_AT_ONCE] == ord("0")
    if (zero & (digits > 1)).any():
        return False
    if digits.max() > _AT_ONCE:
        return _convert_long(text, values)
    _decimal(windows, digits, values.view(np.uint64))
    if negative is not None:
        np.negative(values, where=negative, out=values)
    return True


def _windows(text: Bytes, starts: Ints) -> Words:
    """The eight bytes from each start, the first one lowest."""
    padded = np.full(len(text) + _AT_ONCE, ord("0"), np.uint8)
    padded[: len(text)] = text
    every = np.frombuffer(pa.allocate_buffer(_AT_ONCE * len(text)), "<u8")
    every[:] = np.ndarray((len(text),), "<u8", padded, 0, (1,))
    return every.take(starts)


def _decimal(windows: Words, digits: Bytes, values: Words) -> None:
    """Write the numbers that begin the words; the words are used up.

    Neighbours are joined three times over: digits to pairs, pairs to fours, fours to eight.
    """
    windows <<= (_AT_ONCE - digits) << np.uint8(3)
    windows &= np.uint64(0x0F0F0F0F0F0F0F0F)
    windows *= np.uint64((10 << 8) + 1)
    windows >>= np.uint64(8)
    windows &= np.uint64(0x00FF00FF00FF00FF)
    windows *= np.uint64((100 << 16) + 1)
    windows >>= np.uint64(16)
    windows &= np.uint64(0x0000FFFF0000FFFF)
    windows *= np.uint64((10_000 << 32) + 1)
    np.right_shift(windows, np.uint64(32), out=values)


def _convert_long(text: Bytes, values: Ints) -> bool:
    try:
        values[:] = list(map(int, text.tobytes().split(b",")[:-1]))
    except OverflowError:
        return False
    return True
