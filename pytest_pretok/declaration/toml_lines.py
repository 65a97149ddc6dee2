"""Where each key of a TOML document stands: tomllib gives values without line numbers.

A scanner for valid TOML (tomllib has parsed it before). Imports nothing of the project.
"""

from __future__ import annotations

import re

Path = tuple[str, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# Possessive runs, so that a long string is one step and not one a character. The groups are not:
# before Python 3.11.5 such groups could match wrongly.
_BASIC = re.compile(r'"(?:[^"\\\n]++|\\.)*"')
_LITERAL = re.compile(r"'[^'\n]*'")
# Up to five quotes may end a multi-line string: two of them can be its own last characters.
_MULTI_BASIC = re.compile(r'"""(?:[^"\\]++|\\.|"(?!""))*"{3,5}', re.S)
_MULTI_LITERAL = re.compile(r"'''(?:[^']++|'(?!''))*'{3,5}", re.S)
_SCALAR = re.compile(r"[^,\]}#\n]+")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|(.))")
_SHORT = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


def key_lines(text: str) -> dict[Path, int]:
    """For every key and table, its path of unquoted keys -> 1-based line of its first mention.

    Elements of arrays are path parts of their own, counted from "0".
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1  # of the place counted so far
        self.counted = 0
        self.lines: dict[Path, int] = {}
        self.counts: dict[Path, int] = {}  # arrays of tables -> how many elements so far

    def document(self) -> None:
        table: Path = ()
        while self._skip(_BLANK) < len(self.text):
            if self._peek("[["):
                table = self._header(2)
            elif self._peek("["):
                table = self._header(1)
            else:
                self._pair(table)

    def _header(self, brackets: int) -> Path:
        line = self._line()
        self.at += brackets
        keys = self._keys()
        self._skip(_SPACE)
        self.at += brackets
        path: Path = ()
        for key in keys[:-1]:
            path = self._inside((*path, key), line)
        path = (*path, keys[-1])
        if brackets == 1:
            return self._note(path, line)
        self._note(path, line)
        number = self.counts.get(path, 0)
        self.counts[path] = number + 1
        return self._note((*path, str(number)), line)

    def _inside(self, path: Path, line: int) -> Path:
        """A table on the way, or the last element of an array of tables."""
        self._note(path, line)
        return (*path, str(self.counts[path] - 1)) if path in self.counts else path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table
        for key in self._keys():
            path = self._note((*path, key), line)
        self._skip(_SPACE)
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            keys.append(self._key())
            self._skip(_SPACE)
            if not self._peek("."):
                return keys
            self.at += 1

    def _key(self) -> str:
        if self._peek('"'):
            return _unquote(self._take(_BASIC))
        if self._peek("'"):
            return self._take(_LITERAL)[1:-1]
        return self._take(_BARE_KEY)

    def _value(self, path: Path) -> None:
        if self._peek('"""'):
            self._take(_MULTI_BASIC)
        elif self._peek("'''"):
            self._take(_MULTI_LITERAL)
        elif self._peek('"'):
            self._take(_BASIC)
        elif self._peek("'"):
            self._take(_LITERAL)
        elif self._peek("["):
            self._items("]", path, keyed=False)
        elif self._peek("{"):
            self._items("}", path, keyed=True)
        else:
            self._take(_SCALAR)

    def _items(self, end: str, path: Path, keyed: bool) -> None:
        self.at += 1
        number = 0
        while True:
            self._skip(_BLANK)
            if self._peek(","):
                self.at += 1
            elif self._peek(end):
                self.at += 1
                return
            elif keyed:
                self._pair(path)
            else:
                element = (*path, str(number))
                if self._peek("{") or self._peek("["):
                    self._note(element, self._line())
                self._value(element)
                number += 1

    def _note(self, path: Path, line: int) -> Path:
        self.lines.setdefault(path, line)
        return path

    def _line(self) -> int:
        # From the last place on, not from the top: that would be quadratic.
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.line

    def _peek(self, start: str) -> bool:
        return self.text.startswith(start, self.at)

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None or match.end() == self.at:
            raise ValueError(f"no valid TOML at line {self._line()}")
        self.at = match.end()
        return match.group()


def _unquote(quoted: str) -> str:
    """The key in double quotes, with the escapes of TOML 1.0 and 1.1."""
    return _ESCAPE.sub(_escaped, quoted[1:-1])


def _escaped(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    return chr(int(code, 16)) if code else _SHORT.get(match[4], match[4])
