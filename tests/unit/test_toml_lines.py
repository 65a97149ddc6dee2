"""The line scanner finds every key that tomllib finds, on a line where the key stands."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_pretok.toml_lines import key_lines

DOCUMENTS = {
    "tables": "a = 1\n[b]\nc = 2\n[b.d]\ne = 3\n[f.g.h]\ni = 4\n",
    "dotted": "a.b.c = 1\na.b.d = 2\n[t]\nx.y = 1\n",
    "quoted": '"a.b" = 1\n\'c d\' = 2\n["x.y".\'z\']\n"\\u0061\\t" = 3\n',
    "inline": "a = { b = 1, c = { d = 2 }, 'e' = [1, 2] }\nf = {}\n",
    "arrays": "a = [1, { b = 2 }, [3, { c = 4 }],\n # no = 1\n]\nd = []\n",
    "array of tables": "[[a]]\nx = 1\n[[a]]\nx = 2\n[a.b]\ny = 3\n[[a.c]]\nz = 4\n",
    "strings": 'a = """\n[no]\nno = 1 # " \\"""\n"""\nb = \'\'\'\nno = 2\n\'\'\'\nc = "x # = ["\n',
    "quotes at the end": "a = \"\"\"x\"\"\"\"\"\nb = '''y'''''\nc = 1\n",
    "comments": "# a = 1\nb = 2 # c = 3\n[d] # [e]\n",
    "carriage returns": "a = 1\r\n[b]\r\nc = 2\r\n",
    "values": "a = 1979-05-27T07:32:00Z\nb = -1_000\nc = inf\nd = true\ne = 1e3\nf = 0xff\n",
    "no final newline": "[a]\nb = 1",
    "blank": "\n\n  \n\ta = 1\n",
    "empty": "",
}


def paths_of(value: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Every key and table in what tomllib parsed; elements that are no tables or lists are none."""
    found: set[tuple[str, ...]] = set()
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= {(*path, key)} | paths_of(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            if isinstance(inner, dict | list):
                found |= {(*path, str(number))} | paths_of(inner, (*path, str(number)))
    return found


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_same_keys_as_tomllib(text: str) -> None:
    """The scanner names the paths that tomllib names, no more and no fewer."""
    assert paths_of(tomllib.loads(text)) == set(key_lines(text))


@pytest.mark.parametrize(
    ("document", "path", "line"),
    [
        ("tables", ("b", "d", "e"), 5),
        ("tables", ("f", "g"), 6),
        ("dotted", ("a", "b", "d"), 2),
        ("quoted", ("x.y", "z", "a\t"), 4),
        ("inline", ("a", "c", "d"), 1),
        ("arrays", ("a", "2", "1", "c"), 1),
        ("array of tables", ("a", "1", "x"), 4),
        ("array of tables", ("a", "1", "b", "y"), 6),
        ("strings", ("c",), 8),
        ("quotes at the end", ("c",), 3),
        ("carriage returns", ("b", "c"), 3),
        ("blank", ("a",), 4),
    ],
)
def test_line(document: str, path: tuple[str, ...], line: int) -> None:
    """A key is on the line of its first mention, counted from 1."""
    assert line == key_lines(DOCUMENTS[document])[path]


KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=4)
SCALARS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.booleans(), st.text(st.characters(codec="ascii"))
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


def inline(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(k)} = {inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(inline(v) for v in value) + "]"
    if isinstance(value, str):
        return quoted(value)
    return json.dumps(value)


def quoted(text: str) -> str:
    """A string or key in double quotes; TOML has no surrogate pairs, and wants DEL escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@given(
    st.dictionaries(KEYS, VALUES, max_size=4),
    st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=3), max_size=3),
)
def test_generated_documents(top: dict[str, Any], tables: dict[str, dict[str, Any]]) -> None:
    """On documents of any keys and values the paths agree, and each line holds its key."""
    lines = [f"{quoted(key)} = {inline(value)}" for key, value in top.items()]
    for name, table in tables.items():
        if name not in top:
            lines.append(f"[{quoted(name)}]")
            lines += [f"{quoted(key)} = {inline(value)}" for key, value in table.items()]
    text = "\n".join(lines)

    found = key_lines(text)

    assert paths_of(tomllib.loads(text)) == set(found)
    for path, line in found.items():
        if not path[-1].isdigit():
            assert quoted(path[-1]) in lines[line - 1]
