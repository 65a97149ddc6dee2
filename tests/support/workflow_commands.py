"""What a GitHub runner takes for a command in a line of a log, written from its documentation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One command that a runner would carry out."""

    name: str
    properties: dict[str, str]
    text: str


def parse(line: str) -> Command | None:
    """The command in a line, or None for text."""
    line = line.lstrip()
    if not line.startswith("::") or "::" not in line[2:]:
        return None
    head, _, text = line[2:].partition("::")
    name, _, pairs = head.partition(" ")
    properties = {}
    for pair in filter(None, pairs.strip().split(",")):
        key, sign, value = pair.partition("=")
        if sign and value:
            properties[key] = _unescaped(value, ("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"))
            properties[key] = _unescaped(properties[key], ("%2C", ","), ("%25", "%"))
    return Command(name, properties, _unescaped(text, ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")))


def commands(log: str) -> list[Command]:
    """The commands of a log; those between a stop and its token are not carried out."""
    found, token = [], None
    for line in log.splitlines():
        command = parse(line)
        if command is None:
            continue
        if token is not None:
            token = None if command.name == token else token
        elif command.name == "stop-commands":
            token = command.text
        else:
            found.append(command)
    return found


def _unescaped(text: str, *pairs: tuple[str, str]) -> str:
    for escaped, plain in pairs:
        text = text.replace(escaped, plain)
    return text
