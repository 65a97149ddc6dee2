"""Damage to the bytes of a sound dataset: named ways, chosen by a seeded generator.

Knows no verdict. The way named ``none`` leaves the file as it is.
"""

from __future__ import annotations

import io
import json
import random
import re
import struct
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq

from fuzz.bases import VARIANTS, Base, base_of, pack
from tests.support.rows import COLUMNS

_ONE: object = 1
Way = Callable[[bytes, Base, random.Random], bytes]

ODD = (0, 1, -1, 2**31 - 1, 2**31, -(2**31), 2**31 - 8, 2**32 - 1, 2**62, 2**63 - 1, -(2**63))
NUMBERS = (
    *("NaN", "-NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1.0", "1e2", "1.5", "-0", "-0.0"),
    *("01", "+1", "0x10", "1_0", "1.", ".5", "2147483648", "-2147483649", "4294967196"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551516"),
    *("null", "true", '"1"', "[1]", "{}", "9" * 5000, "-" + "9" * 5000, "1e-400", "", "\u0661"),
    *("1E2", "1e+2", "10e-1", "12e-1", "0e999999999999", "1e309", "0.1e1", "1e", "--1", "tru"),
)
# What a string beside the tokens holds, of which some is no JSON, and some looks like a column.
TEXTS = (
    *(rb"\"labels\": [1], \"input_ids\": [2]", rb"]}", rb"{", rb"}\n{", rb"\\", rb"\\\"", rb"\\\\"),
    *(rb"\u0022labels\u0022: [9]", b"\n", b"\r\n", b"\t", b"\0", rb"\u0000", rb"\x", rb"\ud800"),
    *(
        rb"\udc00\ud800",
        rb"\u12",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xe2\x80\xa8",
        b"\xf0\x9f\x98\x80",
        b"\\",
    ),
)
VALUES = (
    *(
        b'{"labels": [1]}',
        b'[{"input_ids": [7]}]',
        b'{"input_ids": {"labels": [[]]}}',
        b"[[], [1]]",
    ),
    *(b'["input_ids", "labels"]', b"null", b"1e400", b"[1,]", b"{,}", b'{"a" 1}', b"[1 2]", b"'x'"),
)


def flip(data: bytes, base: Base, rng: random.Random) -> bytes:
    """Up to four bits, anywhere."""
    spoilt = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
    return bytes(spoilt)


def flip_near(data: bytes, base: Base, rng: random.Random) -> bytes:
    """One bit close behind a boundary, where headers and metadata are."""
    spoilt = bytearray(data)
    at = rng.choice((*base.marks, len(data) - 300)) + rng.randrange(80)
    spoilt[max(0, min(at, len(spoilt) - 1))] ^= 1 << rng.randrange(8)
    return bytes(spoilt)


def run(data: bytes, base: Base, rng: random.Random) -> bytes:
    """A run of zeros, ones or noise."""
    size, at = rng.choice([1, 4, 8, 64, 512]), rng.randrange(len(data))
    fill = rng.choice([bytes(size), b"\xff" * size, rng.randbytes(size)])
    return data[:at] + fill + data[at + size :]


def cut(data: bytes, base: Base, rng: random.Random) -> bytes:
    """The end is missing."""
    return data[: rng.randrange(len(data))]


def cut_mark(data: bytes, base: Base, rng: random.Random) -> bytes:
    """The end is missing from a boundary on, or from a byte beside it."""
    return data[: max(0, rng.choice(base.marks) + rng.choice([0, 0, -1, 1]))]


def _stretch(data: bytes, base: Base, rng: random.Random) -> tuple[int, int]:
    places = (0, *base.marks, len(data))
    first, last = sorted((rng.choice(places), rng.choice(places)))
    return first, last


def drop(data: bytes, base: Base, rng: random.Random) -> bytes:
    """What lies between two boundaries is missing."""
    first, last = _stretch(data, base, rng)
    return data[:first] + data[last:]


def repeat(data: bytes, base: Base, rng: random.Random) -> bytes:
    """What lies between two boundaries is there twice."""
    first, last = _stretch(data, base, rng)
    return data[:last] + data[first:last] + data[last:]


def swap(data: bytes, base: Base, rng: random.Random) -> bytes:
    """Two neighbouring parts have changed places."""
    places = sorted({0, *base.marks, len(data)})
    if len(places) < 3:
        return data[::-1]
    a, b, c = sorted(rng.sample(places, 3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def exchange(data: bytes, base: Base, rng: random.Random) -> bytes:
    """Two pages, messages, lines or frames have changed places, or one stands in place of both."""
    if len(base.parts) < 2:
        return swap(data, base, rng)
    at = rng.randrange(len(base.parts) - 1)
    far = rng.randrange(at + 1, len(base.parts))
    (a, b), (c, d) = base.parts[at], base.parts[rng.choice([at + 1, far])]
    first, second = rng.choice([(data[c:d], data[a:b]), (data[a:b],) * 2, (data[c:d],) * 2])
    return data[:a] + first + data[b:c] + second + data[d:]


def graft(data: bytes, base: Base, other: Base, rng: random.Random) -> bytes:
    """What stands behind a boundary belongs to another dataset: a footer, a page, the rest."""
    theirs = other.files[other.name]
    if rng.random() < 0.4 and base.parts and other.parts:
        (a, b), (c, d) = rng.choice(base.parts), rng.choice(other.parts)
        return data[:a] + theirs[c:d] + data[b:]
    places = (*base.marks, base.marks[-3:][0], *base.marks[-3:])
    mark = rng.choice(places)
    fitting = [m for m in other.marks if len(theirs) - m == len(data) - mark] or other.marks[-3:]
    return data[:mark] + theirs[rng.choice([rng.choice(other.marks), rng.choice(fitting)]) :]


def number(data: bytes, base: Base, rng: random.Random) -> bytes:
    """An aligned integer is another one: offsets, lengths and counts near every limit."""
    size = rng.choice([4, 8])
    at = rng.randrange(max(1, len(data) // size)) * size
    return data[:at] + _integer(_odd(rng), size) + data[at + size :]


def lie(data: bytes, base: Base, rng: random.Random) -> bytes:
    """A number that the metadata holds is another one, in the encoding that it stands in."""
    true = rng.choice(base.numbers or (1,))
    false = rng.choice([true + 1, true - 1, true * 2, 0, _odd(rng)])
    for size in rng.sample([0, 4, 8], 3):
        old = _integer(true, size) if size else _varint(true)
        new = _integer(false, size) if size else _varint(false, len(old))
        places = [found.start() for found in re.finditer(re.escape(old), data)]
        if places and new != old:
            at = rng.choice(places[-8:]) if rng.random() < 0.7 else rng.choice(places)
            return data[:at] + new + data[at + len(old) :]
    return number(data, base, rng)


def offset(data: bytes, base: Base, rng: random.Random) -> bytes:
    """Where one list begins is another place: before the one ahead, or far outside."""
    found = [(at, size) for size in (4, 8) for at in _offsets(data, size)]
    if not found:
        return number(data, base, rng)
    at, size = rng.choice(found)
    at += rng.randrange(4) * size
    old = int.from_bytes(data[at : at + size], "little")
    new = rng.choice([old + 1, old - 1, old + 40, old + 10_000, 0, _odd(rng)])
    return data[:at] + _integer(new, size) + data[at + size :]


def _offsets(data: bytes, size: int) -> list[int]:
    """Where aligned integers begin with 0 and rise as lengths of rows do."""
    letter = {4: "i", 8: "q"}[size]
    held = struct.unpack(f"<{len(data) // size}{letter}", data[: len(data) // size * size])
    return [
        at * size
        for at, first in enumerate(held[:-4])
        if first == 0 and all(8 < b - a < 64 for a, b in pairwise(held[at : at + 4]))
    ]


def _odd(rng: random.Random) -> int:
    return rng.choice([*ODD, rng.randrange(64)])


def _integer(value: int, size: int) -> bytes:
    return struct.pack("<q", (value + 2**63) % 2**64 - 2**63)[:size]


def _varint(value: int, size: int = 0) -> bytes:
    """A number as Thrift's compact protocol has it, in so many bytes if a size is given."""
    left, found = ((value << 1) ^ (value >> 63)) % 2**64, bytearray()
    while left > 0x7F:
        found.append(left & 0x7F | 0x80)
        left >>= 7
    found.append(left)
    if size:
        found = (found + b"\0" * size)[:size]
        for at, byte in enumerate(found):
            found[at] = byte | 0x80 if at < size - 1 else byte & 0x7F
    return bytes(found)


def name(data: bytes, base: Base, rng: random.Random) -> bytes:
    """A column's name is no UTF-8, another column's, or cut by a NUL."""
    old = rng.choice([b"input_ids", b"labels", b"attention_mask"])
    new = rng.choice([b"\xff\xfe\x80" * 5, b"labels" * 3, b"a\0b" * 5, b"\xed\xa0\x80" * 5])
    return data.replace(old, new[: len(old)], rng.choice([1, -1]))


def joined(data: bytes, base: Base, rng: random.Random) -> bytes:
    """Something follows the end: NULs, noise, or the file once more."""
    return data + rng.choice([b"\0" * 8, b"\n", b"junk", data, rng.randbytes(20)])


def rebuilt(data: bytes, base: Base, rng: random.Random) -> bytes:
    """The dataset written anew with a column twice, or a column of deeply nested lists."""
    table = pa.table({key: [row.get(key) for row in base.rows] for key in COLUMNS})
    if rng.random() < 0.5:
        table = table.append_column("labels", table["labels"])
    else:
        dtype, value = pa.int64(), _ONE
        depths = [10, 50, 90, 200] if base.name.endswith(".parquet") else [10, 50, 60]
        for _ in range(rng.choice(depths)):  # Arrow writes 64 levels at most
            dtype, value = pa.list_(dtype), [value]
        deep = pa.array([value] * table.num_rows, dtype)
        table = table.set_column(0, "input_ids", deep)
    sink = io.BytesIO()
    if base.name.endswith(".parquet"):
        pq.write_table(table, sink)
        return sink.getvalue()
    make = pa.ipc.new_file if data.startswith(b"ARROW1") else pa.ipc.new_stream
    with make(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _numbers(text: bytes) -> list[tuple[int, int]]:
    return [found.span() for found in re.finditer(rb"-?\d+", text)]


def odd_number(data: bytes, base: Base, rng: random.Random) -> bytes:
    """A number is none, or one that few can hold."""
    start, stop = rng.choice(_numbers(data) or [(0, 0)])
    return data[:start] + rng.choice(NUMBERS).encode() + data[stop:]


def odd_key(data: bytes, base: Base, rng: random.Random) -> bytes:
    """A key twice, or none, or with an escape in it."""
    places = [found.span() for found in re.finditer(rb'"(input_ids|labels)"', data)]
    start, stop = rng.choice(places or [(0, 0)])
    new = rng.choice(
        [
            *(b'"labels": [1], "labels"', b'"labels": null, "labels"', b'"x": 1, "x": 2, "labels"'),
            *(b'"l\\u0061bels"', b'"input_ids": [1], "input_\\u0069ds"', b"labels", b'"\\ud800"'),
        ]
    )
    return data[:start] + new + data[stop:]


def odd_text(data: bytes, base: Base, rng: random.Random) -> bytes:
    """Beside the tokens is a key whose value is no JSON, or holds what looks like tokens."""
    places = [found.start() for found in re.finditer(rb'"(input_ids|labels)"', data)]
    at = rng.choice(places or [0])
    text = b'"' + b"".join(rng.choices(TEXTS, k=rng.randint(1, 3))) + b'"'
    value = text if rng.random() < 0.7 else rng.choice(VALUES)
    key = rng.choice([b'"x"', b'"labels "', b'""', text])
    return data[:at] + key + b": " + value + b", " + data[at:]


def odd_byte(data: bytes, base: Base, rng: random.Random) -> bytes:
    """A byte that JSON has no place for, or only one place, or none that matters."""
    at = rng.choice([0, len(data), *base.marks, rng.randrange(len(data))])
    new = rng.choice(
        [
            *(b"\0", b"\xef\xbb\xbf", b"\xff", b"\x0b", b"\x0c", b"\r", b"\r\n", b"\n", b"\n\n"),
            *(b" ", b"\xe2\x80\xa8", b"\xc2\x85", b"\xc2\xa0", b"\x1a", b",", b"{}", b"[]"),
            *(b"null\n", b'"', b"\\", b"{", b"}", b"]", b"[", b"//x\n", b"\xed\xa0\x80"),
        ]
    )
    return data[:at] + new + data[at:]


def deep(data: bytes, base: Base, rng: random.Random) -> bytes:
    """A value is nested as deeply as stacks are not."""
    depth = rng.choice([10, 500, 990, 5000, 100_000])
    start, stop = rng.choice(_numbers(data) or [(0, 0)])
    nest, end = rng.choice([(b"[", b"]"), (b'{"a":', b"}")])
    return data[:start] + nest * depth + b"1" + end * depth + data[stop:]


def crlf(data: bytes, base: Base, rng: random.Random) -> bytes:
    """Other ends of lines."""
    return data.replace(b"\n", rng.choice([b"\r\n", b"\r", b"\n\r\n", b"\n\n"]))


def none(data: bytes, base: Base, rng: random.Random) -> bytes:
    """As it was."""
    return data


BYTES: tuple[Way, ...] = (
    *(flip, flip_near, run, cut, cut_mark, drop, repeat, swap, exchange, joined, name),
)
BINARY: tuple[Way, ...] = (*BYTES, flip, flip_near, number, number, lie, lie, rebuilt)
TEXT: tuple[Way, ...] = (odd_number, odd_key, odd_text, odd_byte, deep, crlf)
WAYS: dict[str, tuple[Way, ...]] = {
    **dict.fromkeys(("parquet", "feather"), BINARY),
    **dict.fromkeys(("arrow-file", "arrow-stream"), (*BINARY, offset, offset)),
    **dict.fromkeys(("jsonl", "json-array"), (*BYTES, *TEXT, *TEXT)),
    **dict.fromkeys(("jsonl-gz", "jsonl-zst"), BYTES),
    "save-to-disk": (*BINARY, offset, offset),
}


CUTS = 10**6  # the number of the first mutant that is cut off at a known place


@lru_cache(maxsize=16)
def cuts(container: str, seed: int) -> tuple[tuple[int, int], ...]:
    """Every place to cut the datasets of a seed off: each boundary, and the bytes beside it."""
    found = []
    for variant in range(VARIANTS):
        base = base_of(container, seed, variant)
        near = {mark + beside for mark in base.marks for beside in (-1, 0, 1)}
        size = len(base.files[base.name])
        found += [(variant, place) for place in sorted(near) if 0 <= place < size]
    return tuple(found)


def mutant(container: str, seed: int, at: int) -> tuple[str, dict[str, bytes]]:
    """The way of damage and the files of one mutant; the first mutants are not damaged.

    From `CUTS` on, there is one for each of `cuts`.
    """
    if at >= CUTS:
        variant, place = cuts(container, seed)[at - CUTS]
        base = base_of(container, seed, variant)
        return "cut_each", {**base.files, base.name: base.files[base.name][:place]}
    rng = random.Random(f"{container} {seed} mutant {at}")
    base = base_of(container, seed, at % VARIANTS)
    if at < VARIANTS:
        return "none", dict(base.files)
    other = base_of(container, seed, rng.randrange(VARIANTS))
    if rng.random() < 0.05:
        data = graft(base.files[base.name], base, other, rng)
        return "graft", {**base.files, base.name: data}
    if container == "save-to-disk" and rng.random() < 0.5:
        return _spoilt_folder(base, other, rng)
    way = rng.choice(WAYS[container])
    kind = base.name.rpartition(".")[2]
    if kind in ("gz", "zst") and rng.random() < 0.5:
        inner = rng.choice(TEXT)
        text = "".join(_line(row) for row in base.rows).encode()
        return inner.__name__, {base.name: pack(inner(text, Base({}, (0,), (), ()), rng), kind)}
    return way.__name__, {**base.files, base.name: way(base.files[base.name], base, rng)}


def _spoilt_folder(base: Base, other: Base, rng: random.Random) -> tuple[str, dict[str, bytes]]:
    """Damage to what `save_to_disk` writes beside its data, or to which files there are."""
    if rng.random() < 0.6:
        target = rng.choice(["state.json", "state.json", "dataset_info.json"])
        way = rng.choice((flip, run, cut, state, state, state, *TEXT))
        return way.__name__, {**base.files, target: way(base.files[target], base, rng)}
    # Without a state.json it is a folder of files, and each of them is read for itself.
    name = rng.choice([name for name in base.files if name != "state.json"])
    files = dict(base.files)
    deed = rng.choice(["gone", "other", "empty", "exchanged"])
    if deed == "gone":
        del files[name]
    elif deed == "exchanged":
        pair = rng.sample(list(files), 2)
        files[pair[0]], files[pair[1]] = files[pair[1]], files[pair[0]]
    else:
        files[name] = other.files[name] if deed == "other" else b""
    return "files", files


def state(data: bytes, base: Base, rng: random.Random) -> bytes:
    """The list of data files, which names one twice, not at all, elsewhere, or is none."""
    names: list[object] = [name for name in base.files if name.endswith(".arrow")]
    kept = str(names[0])
    odd = [
        *(f"./{kept}", f"x/../{kept}", f"../{kept}", f"/{kept}", "", ".", "..", "./.", "/", "\\"),
        *(f"{kept}\0", f"{kept}/", f"{kept}/.", "\ud800", "\udcff", "x" * 300, "state.json", "\n"),
        *(kept.upper(), f" {kept}", "C:", f"C:\\{kept}", 3, None, [], {"filename": kept}, 1e400),
    ]
    deed = rng.choice(["odd", "odd", "twice", "turned", "one", "none", "shape"])
    if deed == "odd":
        names[rng.randrange(len(names))] = rng.choice(odd)
    elif deed == "twice":
        names.append(rng.choice(names))
    elif deed == "turned":
        names.reverse()
    elif deed == "one":
        names = names[:1]
    elif deed == "none":
        names = []
    listed: object = [{"filename": name} for name in names]
    if deed == "shape":
        listed = rng.choice([{"filename": kept}, names, kept, None, 3, [[]], [{}], [None], True])
    told = {"_data_files": listed, "_format_type": None, "_split": "train"}
    return json.dumps(told, indent=rng.choice([None, 2])).encode()


def _line(row: object) -> str:
    return json.dumps(row) + "\n"
