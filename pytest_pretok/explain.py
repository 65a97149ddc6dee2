"""A rule as a page for people: its documentation, and what each trainer does with a violation.

Everything comes from the registry and the contracts; knows no data and no pytest.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from functools import cache

from pretok_schemas.contract import Contract
from pretok_schemas.custom import options_of
from pretok_schemas.findings import Consequence, Severity
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


def page(rule: type[Rule], *, linked: bool = False) -> str:
    """One rule as Markdown: heading, facts, documentation, a line for each trainer.

    ``linked`` makes links of the names of other rules, to the pages that lie beside this one.
    """
    first, sections = _parts(rule)
    first = first or f"A rule of {rule.__module__}."
    needs = f" Needs {' and '.join(f'`{key}`' for key in rule.requires)}." if rule.requires else ""
    after = ""
    if rule.left_out_by:
        others = [f"[`{name}`]({name}.md)" if linked else f"`{name}`" for name in rule.left_out_by]
        after = f" Leaves out what {', '.join(others)} explain."
    severity = "off unless asked for" if rule.severity is Severity.OFF else f"{rule.severity}"
    lines = [f"# {rule.name}", "", first, "", f"Family {rule.family}, {severity}.{needs}{after}"]
    for title, text in sections:
        lines += ["", f"**{title}.** {text}"]
    if rule.help:
        lines += ["", f"**Help.** {rule.help.rstrip('.')}."]
    for option in () if rule in RULES else options_of(rule).values():
        shown = "" if option.default is option.empty else f", `{option.default!r}` if not given"
        lines += ["", f"**Option** `{option.name.replace('_', '-')}`{shown}."]
    lines += ["", *_effects(rule)]
    return "\n".join(lines).rstrip() + "\n"


def pages() -> dict[str, str]:
    """A page for each rule, and the page that lists them, by their paths in the documentation."""
    own = {f"rules/{rule.name}.md": page(rule, linked=True) for rule in RULES}
    return {"rules.md": _index(), **own}


def _index() -> str:
    """The rules by family, in judging order."""
    lines = [
        "# Rules",
        "",
        "Made from the rules themselves; `pretok explain RULE` prints a page. In a declaration",
        'the value of a rule is `"error"`, `"warning"`, `"off"`, or a table with `severity` and',
        "`max-rows` or `max-share`.",
    ]
    for family in dict.fromkeys(rule.family for rule in RULES):
        lines += ["", f"## {family.capitalize()}", ""]
        lines += ["| rule | a violation is | severity |", "|---|---|---|"]
        for rule in RULES:
            if rule.family == family:
                name = f"[{rule.name}](rules/{rule.name}.md)"
                lines.append(f"| {name} | {rule.summary().rstrip('.')} | {rule.severity} |")
    return "\n".join([*lines, "", "```{toctree}", ":hidden:", ":glob:", "", "rules/*", "```", ""])


def _parts(rule: type[Rule]) -> tuple[str, list[tuple[str, str]]]:
    text = inspect.cleandoc(rule.__doc__ or "")
    first, _, rest = text.partition("\n")
    pieces = re.split(rf"^({'|'.join(SECTIONS)}):\n", rest, flags=re.MULTILINE)[1:]
    titles, bodies = pieces[::2], pieces[1::2]
    return first, [
        (title, " ".join(body.split())) for title, body in zip(titles, bodies, strict=True)
    ]


def _effects(rule: type[Rule]) -> list[str]:
    """A line for each thing that trainers do, with those that do it."""
    told: dict[tuple[str, Consequence], list[str]] = {}
    for name, contract in settings():
        for key, fact in contract.consequences.items():
            of, _, case = key.partition(":")
            if of == rule.name:
                told.setdefault((case or "-", fact), []).append(name)
    if rule not in RULES:
        return [f"{effect}: {text}" for effect, text in rule.usual.values()]
    lines = ["| effect | case | what happens | trainers | known from |", "|---|---|---|---|---|"]
    for (case, fact), where in told.items():
        seen = "running it" if fact.ran else "its source"
        trainers = ", ".join(_shortened(where))
        lines.append(f"| {fact.effect} | {case} | {fact.text} | {trainers} | {seen} |")
    return lines


def _shortened(labels: Sequence[str]) -> list[str]:
    """Labels of settings, as trainers' names; some settings of a trainer stand in brackets."""
    every: dict[str, list[str]] = {}
    for label, _ in settings():
        every.setdefault(label.partition(", ")[0], []).append(label)
    shown = []
    for name, all_of_it in every.items():
        its = [label for label in labels if label in all_of_it]
        some = ", ".join(label.partition(", ")[2] for label in its)
        shown += [name if its == all_of_it else f"{name} ({some})"] if its else []
    return shown
