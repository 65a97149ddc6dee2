"""A rule as a page for people: its documentation, and what each trainer does with a violation.

Everything comes from the registry and the contracts; knows no data and no pytest.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache

from pretok_schemas.contract import Contract
from pretok_schemas.findings import Severity
from pretok_schemas.rules import RULES
from pretok_schemas.rules.base import Rule
from pretok_schemas.trainers import COLLATORS, load, names

SECTIONS = ("What it checks", "Why it matters", "Fails", "Passes", "Options", "References")


@cache
def settings() -> tuple[tuple[str, Contract], ...]:
    """Every contract in each of its settings, with the name that tables give it."""
    return tuple(_settings())


def _settings() -> Iterator[tuple[str, Contract]]:
    for name in names():
        if name == "transformers":
            yield from ((f"transformers, {c}", load(name, collator=c)) for c in COLLATORS)
        elif load(name).consequences == load(name, packing=True).consequences:
            yield name, load(name)
        else:
            yield f"{name}, packing off", load(name)
            yield f"{name}, packing on", load(name, packing=True)


def page(rule: type[Rule]) -> str:
    """One rule as Markdown: heading, facts, documentation, a line for each trainer."""
    first, sections = _parts(rule)
    needs = f" Needs {' and '.join(f'`{key}`' for key in rule.requires)}." if rule.requires else ""
    after = ""
    if rule.left_out_by:
        after = f" Leaves out what {', '.join(f'`{name}`' for name in rule.left_out_by)} explain."
    severity = "off unless asked for" if rule.severity is Severity.OFF else f"{rule.severity}"
    lines = [f"## {rule.name}", "", first, "", f"Family {rule.family}, {severity}.{needs}{after}"]
    for title, text in sections:
        lines += ["", f"**{title}.** {text}"]
    lines += ["", f"**Help.** {rule.help}.", "", *_effects(rule)]
    return "\n".join(lines) + "\n"


def pages() -> str:
    """All rules, in judging order."""
    head = (
        "# Rules\n\nMade from the rules themselves. In a declaration a rule's value is "
        '`"error"`, `"warning"`, `"off"`, or a table with `severity` and `max-rows` or '
        "`max-share`.\n"
    )
    index = "\n".join(f"- [{rule.name}](#{rule.name}): {first_line(rule)}" for rule in RULES)
    return "\n".join([head, index, "", *(page(rule) for rule in RULES)])


def first_line(rule: type[Rule]) -> str:
    """What a violation is, in a sentence."""
    return _parts(rule)[0]


def _parts(rule: type[Rule]) -> tuple[str, list[tuple[str, str]]]:
    text = inspect.cleandoc(rule.__doc__ or "")
    first, _, rest = text.partition("\n")
    pieces = re.split(rf"^({'|'.join(SECTIONS)}):\n", rest, flags=re.MULTILINE)[1:]
    titles, bodies = pieces[::2], pieces[1::2]
    return first, [
        (title, " ".join(body.split())) for title, body in zip(titles, bodies, strict=True)
    ]


def _effects(rule: type[Rule]) -> list[str]:
    lines = ["| trainer | case | effect | | known from |", "|---|---|---|---|---|"]
    for name, contract in settings():
        for key, fact in contract.consequences.items():
            of, _, case = key.partition(":")
            if of == rule.name:
                seen = "running it" if fact.ran else "its source"
                lines.append(f"| {name} | {case or '-'} | {fact.effect} | {fact.text} | {seen} |")
    return lines
