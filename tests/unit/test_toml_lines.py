"""The line scanner finds every key that tomllib finds, on a line where the key stands."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_pretok.declaration.toml_lines import key_lines

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
    "escapes": '"C:\\\\e" = 1\n"\\\\U0001F600" = 2\n"\\\\x41" = 3\n"\\U0001F600\\"" = 4\n',
    "short escapes": '"\\b\\f\\r\\n" = 1\n',
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
        ("escapes", ("C:\\e",), 1),
    ],
)
def test_line(document: str, path: tuple[str, ...], line: int) -> None:
    """A key is on the line of its first mention, counted from 1."""
    assert line == key_lines(DOCUMENTS[document])[path]


# tomllib of today refuses these; the one of Python 3.15 does not.
NEWER = """\
a = {
  b = 1, # c = 2
  d = { e = 3,
        f = [ { g = 4 } ], },
}
"\\x6a\\e" = 5
"""


def test_newer_toml() -> None:
    """Inline tables over several lines, trailing commas and the escapes of TOML 1.1 are read."""
    assert key_lines(NEWER) == {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "d"): 3,
        ("a", "d", "e"): 3,
        ("a", "d", "f"): 4,
        ("a", "d", "f", "0"): 4,
        ("a", "d", "f", "0", "g"): 4,
        ("j\x1b",): 6,
    }


@pytest.mark.parametrize(
    ("opening", "filling", "closing"),
    [('"', "x", '"'), ("'", "x", "'"), ('"""', '" \\\\', '"""'), ("'''", "' ", "'''")],
)
def test_long_strings(opening: str, filling: str, closing: str) -> None:
    """A string of any length is passed over whole."""
    text = f"a = {opening}{filling * 200_000}{closing}\nb = 1\n"

    assert key_lines(text) == {("a",): 1, ("b",): 2}


@pytest.mark.parametrize(("text", "line"), [("a = 1\nb = \n", 2), ("= 1", 1), ('\n\na = "x', 3)])
def test_no_toml(text: str, line: int) -> None:
    """What tomllib would have refused comes to an end, with the line."""
    with pytest.raises(ValueError, match=f"no valid TOML at line {line}"):
        key_lines(text)


def quoted(text: str) -> str:
    """A string or key in double quotes; TOML has no surrogate pairs, and wants DEL escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


NAMES = st.sampled_from(
    ["a", "b-c", "1", "d.e", "", "f g", "[h]", "#i", '"j"', "'k'", "\\", "é", "l=m"]
) | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=4)
SNIPPETS = st.lists(
    st.sampled_from(
        ["x", " ", "\n", "a = 1", "\n[no]\n", "# no", '"', '""', "'", "''", "\\", ",]}"]
    ),
    max_size=6,
).map("".join) | st.text(st.characters(codec="ascii"))
TREES = st.recursive(
    st.integers(-(2**63), 2**63 - 1) | st.booleans() | SNIPPETS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.dictionaries(NAMES, inner, max_size=2), min_size=1, max_size=3)
        | st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=12,
)


class Writer:
    """Writes a document in any of TOML's forms, and notes the line of each key as it goes."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[tuple[str, ...], int] = {}

    def choose(self, *options: str) -> str:
        """One of some spellings."""
        return self.draw(st.sampled_from(options))

    def note(self, path: tuple[str, ...]) -> None:
        """Remember a key that is written on this line, unless it was before."""
        self.lines.setdefault(path, self.text.count("\n") + 1)

    def table(self, table: dict[str, Any], path: tuple[str, ...], spelt: list[str]) -> None:
        """Pairs first, then what gets headers of its own."""
        later = []
        for key, value in table.items():
            form = self.choose("inline", "dotted", "header")
            if form == "header" and _takes_header(value):
                later.append((key, value))
            elif form == "dotted" and isinstance(value, dict) and value:
                for inner, scalar in value.items():
                    self.pair((key, inner), scalar, path)
                    self.text += self.choose("\n", " # a = 1\n", "\n\n\t")
            else:
                self.pair((key,), value, path)
                self.text += self.choose("\n", " # [no]\n", "\n  \n")
        for key, value in later:
            self.headed(value, (*path, key), [*spelt, self.key(key)])

    def headed(self, value: Any, path: tuple[str, ...], spelt: list[str]) -> None:
        """A table or an array of tables under its header."""
        for number, table in enumerate(value if isinstance(value, list) else [value]):
            for end in range(1, len(path) + 1):
                self.note(path[:end])
            inner = path
            if isinstance(value, list):
                inner = (*path, str(number))
                self.note(inner)
            pad = self.choose("", " ")
            header = f"[{pad}{self.dot().join(spelt)}{pad}]"
            self.text += f"[{header}]\n" if isinstance(value, list) else f"{header} # x = 1\n"
            self.table(table, inner, spelt)

    def pair(self, keys: tuple[str, ...], value: Any, path: tuple[str, ...]) -> None:
        """A key, plain or dotted, and its value."""
        for end in range(1, len(keys) + 1):
            self.note((*path, *keys[:end]))
        self.text += self.dot().join(map(self.key, keys)) + self.choose("=", " = ")
        self.value(value, (*path, *keys))

    def value(self, value: Any, path: tuple[str, ...]) -> None:
        """A value as it stands behind an equals sign or in an array."""
        if isinstance(value, dict):
            self.text += "{"
            for number, (key, inner) in enumerate(value.items()):
                self.text += ", " if number else " "
                self.pair((key,), inner, path)
            self.text += "}"
        elif isinstance(value, list):
            self.text += "["
            for number, inner in enumerate(value):
                self.text += self.choose("", " ", "\n", " # ], b = 1\n")
                if isinstance(inner, dict | list):
                    self.note((*path, str(number)))
                self.value(inner, (*path, str(number)))
                self.text += self.choose(",", " ,", "\n,")
            self.text += self.choose("]", "\n]")
        else:
            self.text += self.string(value) if isinstance(value, str) else json.dumps(value)

    def string(self, value: str) -> str:
        """One of the four kinds of string that can hold a text."""
        forms = [quoted(value), f'"""\n{quoted(value)[1:-1]}"""']
        if value.replace("\n", "").isprintable():  # others must be escaped
            many = value.replace("\\", "\\\\").replace('"""', '""\\"')
            forms.append(f'"""\n{many}"""')
            if "'" not in value and "\n" not in value:
                forms.append(f"'{value}'")
            if "'''" not in value:
                forms.append(f"'''\n{value}'''")
        return self.choose(*forms)

    def key(self, key: str) -> str:
        """One of the spellings of a key."""
        forms = [quoted(key), '"' + "".join(f"\\U{ord(c):08x}" for c in key) + '"']
        if key and key.isascii() and key.replace("-", "").isalnum():
            forms.append(key)
        if "'" not in key:
            forms.append(f"'{key}'")
        return self.choose(*forms)

    def dot(self) -> str:
        """What stands between the parts of a dotted key."""
        return self.choose(".", " . ", ".\t")


def _takes_header(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(inner, dict) for inner in value)
    return isinstance(value, dict)


@st.composite
def documents(draw: st.DrawFn) -> tuple[dict[str, Any], str, dict[tuple[str, ...], int]]:
    """A document's content, its text, and the line of each of its keys."""
    content = draw(st.dictionaries(NAMES, TREES, max_size=4))
    writer = Writer(draw)
    writer.table(content, (), [])
    return content, writer.text, writer.lines


@settings(deadline=None)
@given(documents(), st.sampled_from(["\n", "\r\n"]))
def test_every_form(
    document: tuple[dict[str, Any], str, dict[tuple[str, ...], int]], newline: str
) -> None:
    """Headers, dotted and quoted keys, all strings, comments, line ends: each key, on its line."""
    content, text, lines = document
    text = text.replace("\n", newline)

    assert tomllib.loads(text) == content
    assert set(key_lines(text)) == paths_of(content)
    assert key_lines(text) == lines
