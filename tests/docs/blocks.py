"""The fenced blocks of a Markdown page, and what HTML comments say of them.

Runs nothing. A comment stands in a line of its own, right above its block (several in a row are
fine); readers of the page do not see it:

- ``<!-- file: NAME -->``: the block is written to this file, where the page's commands run
- ``<!-- shown by: COMMAND -->``: the text is part of what a command prints
- ``<!-- not run: WHY -->``: the block is not run, for this reason
- ``<!-- not run (WORD): WHY -->``: the commands that begin with the word are not run

``<!-- run in: FOLDER -->`` anywhere on a page names the folder of the repository whose copy the
page's commands run in; ``nothing`` is an empty folder. Without it they run in the example project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[^\n`]*)$")
_COMMENT = re.compile(
    r"^ *<!-- (?P<key>file|shown by|not run)(?: \((?P<of>[^)]+)\))?: (?P<value>.+) -->$"
)
_FOLDER = re.compile(r"^<!-- run in: (.+) -->$", re.MULTILINE)
EXAMPLE = "example_project"


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its page, the line of its fence (from 1), and its text.

    ``not_run`` is why it is not run ("" if it is), ``not_run_of`` the word that the commands begin
    with that are not ("" for all of them).
    """

    page: str
    line: int
    language: str
    text: str
    file: str = ""
    shown_by: str = ""
    not_run: str = ""
    not_run_of: str = ""

    @property
    def where(self) -> str:
        """Where it stands, for a message."""
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> tuple[Command, ...]:
        """The commands of a ``console`` block, each with the output that is shown below it."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif found:
                found[-1][1].append(line)
        return tuple(Command(text, tuple(shown), self._skips(text)) for text, shown in found)

    def _skips(self, command: str) -> str:
        return self.not_run if command.startswith(self.not_run_of) else ""


@dataclass(frozen=True, slots=True)
class Command:
    """A command, the lines shown below it, and why it is not run ("" if it is)."""

    text: str
    shown: tuple[str, ...]
    not_run: str


def folder_of(text: str) -> str:
    """The folder that a page's commands run in."""
    found = _FOLDER.search(text)
    return found[1] if found else EXAMPLE


def blocks_of(path: Path, page: str) -> tuple[Block, ...]:
    """All blocks of a page, in order; directives of Sphinx (``{toctree}``) are none."""
    return tuple(_blocks(path.read_text(encoding="utf-8").splitlines(), page))


def _blocks(lines: list[str], page: str) -> Iterator[Block]:
    told: dict[str, str] = {}
    at = 0
    while at < len(lines):
        fence = _FENCE.match(lines[at])
        if fence is None:
            told = _told(lines[at], told)
            at += 1
            continue
        indent = fence["indent"]
        end = next(n for n in range(at + 1, len(lines)) if lines[n].strip() == "```")
        if not fence["language"].startswith("{"):
            body = [line.removeprefix(indent) for line in lines[at + 1 : end]]
            yield Block(page, at + 1, fence["language"], "\n".join([*body, ""]), **told)
        told, at = {}, end + 1


def _told(line: str, before: dict[str, str]) -> dict[str, str]:
    """What the comments above a block say so far; any other line than a comment ends them."""
    found = _COMMENT.match(line)
    if found is None:
        return {}
    key = found["key"].replace(" ", "_")
    return {**before, key: found["value"], **({f"{key}_of": found["of"]} if found["of"] else {})}


def matches(shown: tuple[str, ...], printed: str) -> bool:
    """Whether an output is what is shown of it: ``...`` stands for any text or lines."""
    return re.fullmatch(_pattern(shown), "\n".join(_trimmed(printed)) + "\n") is not None


def contains(shown: tuple[str, ...], printed: str) -> bool:
    """Whether an output holds the lines that are shown, one after another."""
    text = "\n" + "\n".join(_trimmed(printed)) + "\n"
    return re.search("\n" + _pattern(shown), text) is not None


def _pattern(shown: tuple[str, ...]) -> str:
    return "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else _line(line.rstrip()) + r"\n" for line in shown
    )


def _line(line: str) -> str:
    return ".*?".join(re.escape(part) for part in line.split("..."))


def _trimmed(printed: str) -> list[str]:
    return [line.rstrip() for line in printed.strip("\n").splitlines()]
