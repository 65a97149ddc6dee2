"""YAML with the line of every key, and every fault of a file at once.

Reads one file with PyYAML's safe loader: no tag makes an object. Knows no trainer.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pretok_schemas.text import printable
from pytest_pretok.faults import DeclarationError, Fault, quote
from pytest_pretok.small_files import read_regular

Key = tuple[str | int, ...]

LARGEST = 2**18  # bytes; PyYAML takes ten seconds for as much
MOST_VALUES = 100_000  # once aliases are written out
_INSTALL = "reading YAML needs PyYAML: pip install 'pytest-pretok[yaml]'"


class Document:
    """One YAML file: its values, the lines of its keys, and the faults found so far."""

    def __init__(self, file: str, values: Mapping[str, Any], lines: Mapping[Key, int]) -> None:
        self.file = file
        self.values = values
        self.lines = lines
        self.faults: list[Fault] = []

    def line(self, key: Key) -> int:
        """The line of a key, or of what should hold it."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def fault(self, key: Key, message: str) -> None:
        """Note a fault; all of them are raised together by `check`."""
        self.faults.append(Fault(self.file, self.line(key), _shown(key), message))

    def faults_at(self, key: Key) -> bool:
        """Whether a key has a fault already."""
        return any(fault.key == _shown(key) for fault in self.faults)

    def check(self) -> None:
        """Raise the faults.

        Raises:
            DeclarationError: there are some; all of them are named.
        """
        if self.faults:
            raise DeclarationError(self.faults)

    # -- values of one type each; a value of another type is a fault and counts as absent

    def text(self, key: Key, value: Any) -> str | None:
        """Text, or None."""
        if value is None or isinstance(value, str):
            if isinstance(value, str) and "\0" in value:
                self._wrong(key, value, "text without null characters")
                return None
            return value
        self._wrong(key, value, "text")
        return None

    def flag(self, key: Key, value: Any) -> bool | None:
        """True, false, or None."""
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"  # trainers read quoted ones too
        if value is None or isinstance(value, bool):
            return value
        self._wrong(key, value, "true or false")
        return None

    def size(self, key: Key, value: Any, least: int = 1) -> int | None:
        """A whole number from ``least`` on, or None."""
        if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
            value = int(value)  # trainers read quoted ones too
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self._wrong(key, value, f"a whole number >= {least}")
            return None
        return value

    def number(self, key: Key, value: Any) -> float | None:
        """A number that is not negative, or None."""
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                self._wrong(key, value, "a number >= 0")
                return None
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            self._wrong(key, value, "a number >= 0")
            return None
        return value

    def one_of(self, key: Key, value: Any, allowed: tuple[str, ...]) -> str | None:
        """One of some words, or None."""
        if value is None or value in allowed:
            return None if value is None else str(value)
        self._wrong(key, value, f"one of {', '.join(allowed)}")
        return None

    def texts(self, key: Key, value: Any) -> tuple[str, ...]:
        """Text or a list of texts."""
        if value is None or isinstance(value, str):
            found = self.text(key, value)
            return () if found is None else (found,)
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(
                text for at, one in enumerate(value) if (text := self.text((*key, at), one))
            )
        self._wrong(key, value, "text or a list of texts")
        return ()

    def table(self, key: Key, value: Any) -> dict[str, Any]:
        """Keys and values, empty for None."""
        if value is None or isinstance(value, dict):
            return value or {}
        self._wrong(key, value, "keys and values")
        return {}

    def _wrong(self, key: Key, value: Any, expected: str) -> None:
        self.fault(key, f"found {quote(value)}, expected {expected}")


def read_document(file: Path, shown: str) -> Document:
    """The YAML of a file.

    Raises:
        DeclarationError: the file cannot be read, is no YAML, or holds no keys; or PyYAML is not
            installed.
    """
    try:
        import yaml  # lazy: an extra that only trainer configurations need
    except ImportError:
        raise DeclarationError([Fault(shown, None, "", _INSTALL)]) from None
    text = _decode(file, shown)
    loader = yaml.SafeLoader("")
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return Document(shown, {}, {})
        nodes = _Nodes(yaml, shown)
        nodes.measure(node)
        nodes.find_twice(node)
        value = loader.construct_document(node)
        if value is None:
            return Document(shown, {}, {})
        if not isinstance(value, dict):
            nodes.faults.append(Fault(shown, 1, "", f"found {quote(value)}, expected keys"))
        nodes.find_lines(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise DeclarationError([Fault(shown, line, "", _reason(error))]) from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        deep = isinstance(error, RecursionError)
        reason = "it is nested too deeply" if deep else printable(str(error).split("\n")[0], 120)
        raise DeclarationError([Fault(shown, None, "", f"no valid YAML: {reason}")]) from None
    finally:
        loader.dispose()
    if nodes.faults:
        raise DeclarationError(nodes.faults)
    return Document(shown, value, nodes.lines)


def _decode(file: Path, shown: str) -> str:
    line = None
    try:
        return read_regular(file, LARGEST).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        reason = "the file is not UTF-8"
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
    raise DeclarationError([Fault(shown, line, "", reason)])


def _reason(error: Any) -> str:
    problem = str(error.problem or error.context or "")
    if "\\t" in problem:
        return "no valid YAML: a tab where a word should begin; indent with spaces"
    if "could not determine a constructor" in problem:
        tag = problem.split("'")[1] if "'" in problem else "of this kind"
        return f"the tag {printable(tag, 60)} is not read: only plain values are"
    if "expected a single document" in f"{error.context} {problem}":
        return "several documents (---) in one file, expected one"
    return printable(f"no valid YAML: {problem}", 160)


class _Nodes:
    """The nodes of one file: how many values they are, keys that occur twice, and lines."""

    def __init__(self, yaml: Any, shown: str) -> None:
        self.yaml = yaml
        self.shown = shown
        self.sizes: dict[int, int] = {}
        self.lines: dict[Key, int] = {}
        self.faults: list[Fault] = []

    def children(self, node: Any) -> list[Any]:
        if isinstance(node, self.yaml.MappingNode):
            return [one for pair in node.value for one in pair]
        return node.value if isinstance(node, self.yaml.SequenceNode) else []

    def measure(self, node: Any) -> int:
        """How many values a node is, each alias counted as what it stands for.

        Raises:
            ValueError: too many, or an alias that holds itself.
        """
        known = self.sizes.get(id(node))
        if known == 0:
            raise ValueError("an alias (*name) stands inside of what it names")
        if known is None:
            self.sizes[id(node)] = 0
            known = 1 + sum(self.measure(child) for child in self.children(node))
            if known > MOST_VALUES:
                raise ValueError(f"more than {MOST_VALUES:,} values once aliases are written out")
            self.sizes[id(node)] = known
        return known

    def find_twice(self, root: Any) -> None:
        """Note the keys that one table has twice: YAML readers keep the last without a word."""
        left, seen = [root], set()
        while left:
            node = left.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            left += self.children(node)
            first: dict[str, Any] = {}
            for key, _ in node.value if isinstance(node, self.yaml.MappingNode) else []:
                if not isinstance(key, self.yaml.ScalarNode) or key.tag.endswith(":merge"):
                    continue
                earlier = first.setdefault(key.value, key)
                if earlier is not key:
                    line, before = key.start_mark.line + 1, earlier.start_mark.line + 1
                    text = f"the key stands in line {before} already; the last one would count"
                    self.faults.append(Fault(self.shown, line, printable(key.value, 60), text))

    def find_lines(self, node: Any, path: Key) -> None:
        """The lines of keys and list items, down to the items of lists at the top."""
        if len(path) > 4:
            return
        if isinstance(node, self.yaml.MappingNode):  # merged keys are in it since construction
            for key, value in node.value:
                if isinstance(key, self.yaml.ScalarNode):
                    here = (*path, key.value)
                    self.lines[here] = key.start_mark.line + 1  # the last one counts
                    self.find_lines(value, here)
        elif isinstance(node, self.yaml.SequenceNode):
            for at, item in enumerate(node.value):
                self.lines[(*path, at)] = item.start_mark.line + 1
                self.find_lines(item, (*path, at))


def _shown(key: Key) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return printable(text.lstrip("."), 120)
