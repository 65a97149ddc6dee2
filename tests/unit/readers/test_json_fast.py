"""The fast reading of JSON lines, against the exact one."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_pretok.readers import json_fast
from pytest_pretok.readers.base import Chunk
from pytest_pretok.readers.json_fast import read_rows_fast, without_lists
from pytest_pretok.readers.json_rows import LineFault, read_rows

ASKED = ["a", "b"]
SPACES = st.sampled_from(["", "", " ", "\t", "\r", " \r "])
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1).map(str),
    st.integers(-100, 70_000).map(str),
    st.sampled_from(
        ["-0", "00", "01", "-01", "-", "1-2", "--1", "1.0", "1e2", "9223372036854775808"]
    ),
)
SEPARATORS = st.sampled_from([",", ",", ", ", " , ", ",,", " ", ",\t", ",\r"])


@st.composite
def lists(draw: st.DrawFn) -> str:
    """A list, mostly of integers in JSON's grammar."""
    items = draw(st.lists(NUMBERS, max_size=4))
    text = draw(SPACES)
    for number, item in enumerate(items):
        text += (draw(SEPARATORS) if number else "") + item
    return f"[{text}{draw(st.sampled_from(['', '', ' ', ',']))}]"


OTHERS = st.sampled_from(
    [
        "null",
        "1",
        "2.5",
        "true",
        "NaN",
        '"x"',
        '"[1,2]"',
        '"\\":[1-2]"',
        '":[1]"',
        "{}",
        "[[1]]",
        "[true]",
        "[1.0]",
        "[null,1]",
        '{"a":[1]}',
        '["1"]',
        "[{}]",
        '"\\ud800"',
        "Infinity",
        "[1]x",
    ]
)
KEYS = st.sampled_from(["a", "a", "b", "b", "c", "a\\u0062", "\\u0061", 'a\\":[1]', ""])


@st.composite
def objects(draw: st.DrawFn) -> str:
    """An object with some of the asked keys."""
    keys = draw(st.lists(KEYS, max_size=4, unique=draw(st.integers(0, 9)) > 0))
    values = [draw(st.one_of(lists(), lists(), OTHERS)) for _ in keys]
    pairs = zip(keys, values, strict=True)
    inner = ",".join(f'"{key}"{draw(SPACES)}:{draw(SPACES)}{value}' for key, value in pairs)
    return f"{{{inner}}}"


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Lines of JSON in which single bytes may have been changed, left out or put in."""
    odd = st.sampled_from(["", " ", "null", "[1]", "3", "{}{}", '"a"'])
    parts = draw(st.lists(st.one_of(objects(), objects(), objects(), odd), max_size=4))
    data = bytearray("\n".join(parts).encode() + draw(st.sampled_from([b"", b"\n", b"\r\n"])))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        place = draw(st.integers(0, len(data)))
        byte = draw(st.sampled_from(b'[]{},":\\- 019\n\r\0\xff\tae'))
        data[place : place + draw(st.integers(0, 1))] = bytes([byte])
    return bytes(data)


def outcome(data: bytes) -> Any:
    """The exact reading of lines, or its fault."""
    try:
        return read_rows(data, ASKED)
    except LineFault as fault:
        return fault


def assert_exact(fast: Chunk, data: bytes) -> None:
    """The exact reading finds no fault, the same types, values and nulls, and no defect."""
    exact = outcome(data)
    assert not isinstance(exact, LineFault), exact.fault
    fast.batch.validate(full=True)
    assert exact.batch.schema == fast.batch.schema
    assert exact.batch.equals(fast.batch)
    assert exact.defects == fast.defects == ()


@given(texts())
def test_fast_is_exact_or_silent(data: bytes) -> None:
    """What the fast reading returns is what the exact one returns, for any bytes."""
    fast = read_rows_fast(data, ASKED)

    if fast is not None:
        assert_exact(fast, data)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"a": st.lists(st.integers(-(2**63), 2**63 - 1))},
            optional={
                "b": st.none() | st.lists(st.integers(-100, 100)),
                "text": st.text(),
                "c": st.lists(st.integers()) | st.dictionaries(st.text(), st.integers()),
            },
        ),
        min_size=1,
    )
)
def test_plain_rows_are_read_fast(rows: list[dict[str, Any]]) -> None:
    """Rows of integer lists never need the exact reading, whatever stands beside them."""
    data = "\n".join(json.dumps(row) for row in rows).encode()

    fast = read_rows_fast(data, ASKED)

    beyond = any(
        not -(2**63) <= n < 2**63 for row in rows if isinstance(c := row.get("c"), list) for n in c
    )
    if not beyond:
        assert fast is not None
        assert fast.batch.to_pylist() == [{name: row.get(name) for name in ASKED} for row in rows]


ODD_BYTES = b'[]{},":\\- 0123456789\n\r\t\0./+eE_N\xff\xc3'


def token_rows(chance: random.Random) -> bytes:
    """A few rows as tokenisers write them: ids, a mask of ones, masked labels."""
    comma, colon = chance.choice([(",", ":"), (", ", ": ")])
    rows = []
    for _ in range(chance.randint(1, 4)):
        ids = [chance.randrange(10 ** chance.randint(1, 9)) for _ in range(chance.randint(0, 30))]
        masked = chance.randint(0, len(ids))
        labels = [-100] * masked + ids[masked:]
        row = {"a": ids, "c": [1] * len(ids), "b": labels, "text": 'see [1], "x":[2]'}
        rows.append(json.dumps(row, separators=(comma, colon)))
    return "\n".join(rows).encode()


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes with up to three places changed, left out, put in or repeated."""
    changed = bytearray(data)
    for _ in range(chance.randint(0, 3)):
        place = chance.randrange(len(changed))
        odd = bytes([chance.choice(ODD_BYTES)])
        new = chance.choice([b"", odd, odd, bytes(changed[place : place + 9])])
        changed[place : place + chance.randint(0, 2)] = new
    return bytes(changed)


@pytest.mark.parametrize("group", [1, 100, json_fast._GROUP_BYTES])
def test_mutated_rows_are_read_exactly_or_not(group: int) -> None:
    """However bytes are changed and lists are grouped: the exact reading's values, or none."""
    chance = random.Random(group)
    read = 0
    with patch.object(json_fast, "_GROUP_BYTES", group):
        for _ in range(700):
            data = mutated(token_rows(chance), chance)
            fast = read_rows_fast(data, ASKED)
            if fast is not None:
                read += 1
                assert_exact(fast, data)
            without_lists(data)
    assert 200 < read < 600


@pytest.mark.parametrize("comma", [",", ", ", " ,", "  ,  ", ",\t", "\r,"])
@pytest.mark.parametrize(
    "numbers",
    [
        [0],
        [7] * 40,
        [-100] * 9,
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 12],
        [12, 1, 12, 1],
        [-1, -10, 0, 9, 10, 99_999_999, -99_999_999],
        [100_000_000, -100_000_000, 1],
        [2**63 - 1, -(2**63), 0],
    ],
)
def test_numbers_of_every_length_in_every_spelling(numbers: list[int], comma: str) -> None:
    """Digits beyond a machine word, signs, repetitions and blanks are read fast, and rightly."""
    for edge in ("", " ", "\t "):
        spelt = f"[{edge}{comma.join(map(str, numbers))}{edge}]"
        data = f'{{"a":{spelt},"b" :\t{spelt}}}\n{{"b": [5], "a":[]}}'.encode()

        fast = read_rows_fast(data, ASKED)

        assert fast is not None
        assert fast.batch.to_pydict() == {"a": [numbers, []], "b": [numbers, [5]]}


def test_brackets_that_nothing_closes() -> None:
    """Any number of open brackets is left to the exact reading, without a search for each."""
    data = b'{"a":' + b'":[' * 200_000

    assert read_rows_fast(data, ASKED) is None
    assert read_rows_fast(data + b"]}", ASKED) is None


def test_pandas_is_not_imported(tmp_path: Path) -> None:
    """Reading rows costs no import of pandas, although it is installed here."""
    code = (
        "import sys; from pytest_pretok.readers.json_fast import read_rows_fast; "
        """read = read_rows_fast(b'{"a": [1, 2]}\\n{"a": null}', ["a", "b"]); """
        "print(read.batch.to_pydict(), 'pandas' in sys.modules)"
    )

    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )

    assert process.stdout.strip() == "{'a': [[1, 2], None], 'b': [None, None]} False"


@pytest.mark.parametrize(
    "value",
    [
        "[1,,2]",
        "[,1]",
        "[1,]",
        "[1 2]",
        "[01]",
        "[-]",
        "[-01]",
        "[00]",
        "[1-2]",
        "[--1]",
        "[,]",
        "[9223372036854775808]",
        "[01,01,01]",
        "[9223372036854775808,9223372036854775808,9223372036854775808]",
        "[1.0]",
        "[1e2]",
        "[true]",
        "[null]",
        "[[1]]",
        '"1"',
        "1",
    ],
)
@pytest.mark.parametrize("key", ["a", "c"])
@pytest.mark.parametrize("around", [0, 2])
def test_what_is_no_list_of_integers_is_left_to_the_exact_reading(
    value: str, key: str, around: int
) -> None:
    """Broken and odd lists are not decided fast, asked for or not; nor is anything beside them."""
    good = '{"a":[1,2],"b":[3]}\n' * around
    data = f'{good}{{"{key}":{value}}}\n{good}'.encode()

    fast = read_rows_fast(data, ASKED)

    assert fast is None or (key == "c" and json.loads(value) is not None)


@pytest.mark.parametrize("text", ["[1-2]", "[ ]", "[,]", '"]', "see [3], [4]"])
def test_texts_do_not_slow_down(text: str) -> None:
    """What looks like a list within a text is no reason for the exact reading."""
    data = json.dumps({"text": text, "a": [1], "meta": [text]}).encode()

    fast = read_rows_fast(data, ASKED)

    assert fast is not None
    assert fast.batch.to_pydict() == {"a": [[1]], "b": [None]}


@pytest.mark.parametrize(
    "values",
    [("[1,]", "[2 3]"), ("[1 2]", "[,3]"), ("[,]", "[1 2 3]"), ("[1]", "[2,]"), ("[-]", "[1]")],
)
def test_faults_of_two_lists_do_not_cancel_out(values: tuple[str, str]) -> None:
    """Each list must be right by itself, although the lists of a column are read together."""
    data = "".join(f'{{"a": {value}}}\n' for value in values).encode()

    assert read_rows_fast(data, ASKED) is None


def test_a_key_that_looks_like_a_list() -> None:
    """A key may hold what looks like a value; it is still found under its own name."""
    data = b'{"x\\":[7]": [1, 2]}\n'

    exact = read_rows(data, ['x":[7]'])

    assert exact.batch.to_pydict() == {'x":[7]': [[1, 2]]}
    assert read_rows_fast(data, ['x":[7]']) is None


@pytest.mark.parametrize("value", ["[7,8]", "[]", '{"x":[7]}', '["x"]'])
def test_a_further_column_of_lists_is_left_to_the_exact_reading(value: str) -> None:
    """Columns that need not hold tokens are given as they stand in the file."""
    data = f'{{"a":[1,2],"tags":{value}}}\n'.encode()

    exact = read_rows(data, ["a"], ["tags"])

    assert read_rows_fast(data, ["a"], ["tags"]) is None
    assert exact.batch.to_pylist() == [{"a": [1, 2], "tags": json.loads(value)}]
