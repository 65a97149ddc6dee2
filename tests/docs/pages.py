"""The pages of the documentation that follow from the code, as text.

Knows where a page lies in ``docs/``, and writes none: `test_pages` does. One of them is read, for
the part of it that is written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

# The options' group is what `pytest --help` prints; pytest has no public way to a parser.
from _pytest.config.argparsing import Parser

from pretok_schemas.contract import Contract
from pretok_schemas.findings import BY_HARM, Effect
from pretok_schemas.rules import RULES
from pretok_schemas.trainers import names
from pytest_pretok import explain, plugin
from pytest_pretok.cli import COMMANDS, main
from pytest_pretok.json_schema import declaration_schema
from pytest_pretok.report.schema import report_schema

DOCS = Path(__file__).parents[2] / "docs"

MEANS = {
    Effect.CRASH: "the run stops with an error, at load or hours later",
    Effect.SILENT: "the run goes on, and trains something else than you meant",
    Effect.DROPPED: "rows are left out",
    Effect.WASTED: "work is done that teaches nothing",
    Effect.HARMLESS: "nothing happens",
}


def made() -> dict[str, str]:
    """Every generated page, by its path in the documentation."""
    own = {f"effects/{name}.md": _trainer(name) for name in names()}
    return {
        **explain.pages(),
        **own,
        "effects.md": _effects(),
        "configuration.md": _configuration(),
        "command-line.md": _command_line(),
        "json-report.md": _report_keys(),
    }


# -- what each trainer does with each fault


def _effects() -> str:
    settings = list(explain.settings())
    lines = [
        "# What each trainer does with each fault",
        "",
        "Made from the contracts. A cell holds all that a trainer does with a rule's violations,",
        "the worst first; which case does what is on the rule's page and on the trainer's.",
        "",
        *(f"- **{effect}**: {MEANS[effect]}." for effect in BY_HARM),
        "- **–**: the rule does not apply to this trainer.",
        "",
        "## Seen by running the trainer",
        "",
        "[Conformance](conformance.md) has the datasets, and what was seen of each.",
        "",
        *_matrix([one for one in settings if one[1].ran]),
        "",
        "## Read in the trainer's source",
        "",
        *_matrix([one for one in settings if not one[1].ran]),
        "",
        "```{toctree}",
        ":hidden:",
        "",
        *(f"effects/{name}" for name in names()),
        "```",
    ]
    return "\n".join(lines) + "\n"


def _matrix(settings: list[tuple[str, Contract]]) -> list[str]:
    heads = [_head(label) for label, _ in settings]
    lines = [f"| rule | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for rule in RULES:
        cells = [_worst_first(contract, rule.name) for _, contract in settings]
        lines.append(f"| [{rule.name}](rules/{rule.name}.md) | {' | '.join(cells)} |")
    return lines


def _head(label: str) -> str:
    name, _, setting = label.partition(", ")
    return f"[{name}](effects/{name}.md)" + (f" {setting}" if setting else "")


def _worst_first(contract: Contract, rule: str) -> str:
    found = {f.effect for key, f in contract.consequences.items() if key.split(":")[0] == rule}
    return ", ".join(effect for effect in BY_HARM if effect in found) or "–"


def _trainer(name: str) -> str:
    settings = [(s, c) for s, c in explain.settings() if s.split(",")[0] == name]
    first = settings[0][1]
    known = "seen by running it" if first.ran else "read in its source, not run"
    columns = [f"`{one.name or one.role}`" for one in first.columns if one.required]
    lines = [
        f"# Faults under {name}",
        "",
        f"Version {first.version}; needs {', '.join(columns)}; {known}.",
    ]
    if first.ran and first.read:
        also = ", ".join(f"`{rule}`" for rule in sorted(first.read))
        lines.append(f"Read in its source, not run: {also}.")
    if name == "transformers":
        lines.append("Needed by the collator `seq2seq`; [others](../trainers/others.md) need less.")
    for effect in BY_HARM:
        rows = list(_facts(settings, effect))
        if rows:
            lines += ["", f"## {effect.capitalize()}", "", f"{MEANS[effect].capitalize()}.", ""]
            lines += ["| rule | case | what happens | setting |", "|---|---|---|---|", *rows]
    absent = [r.name for r in RULES if not any(c.applies(r.name) for _, c in settings)]
    if absent:
        lines += ["", "## Rules that do not apply", ""]
        lines += [", ".join(f"[{rule}](../rules/{rule}.md)" for rule in absent) + "."]
    return "\n".join(lines) + "\n"


def _facts(settings: list[tuple[str, Contract]], effect: Effect) -> Iterable[str]:
    """A line for each fact of an effect; settings that share one share the line."""
    for rule in RULES:
        told: dict[tuple[str, str], list[str]] = {}
        for label, contract in settings:
            for key, fact in contract.consequences.items():
                of, _, case = key.partition(":")
                if of == rule.name and fact.effect is effect:
                    told.setdefault((case or "-", fact.text), []).append(label.partition(", ")[2])
        for (case, text), where in told.items():
            setting = "any" if len(where) == len(settings) else ", ".join(where)
            yield f"| [{rule.name}](../rules/{rule.name}.md) | {case} | {text} | {setting} |"


# -- the keys of a declaration


def _configuration() -> str:
    schema = declaration_schema()
    top, own = schema["properties"], schema["properties"]["datasets"]["additionalProperties"]
    here = [key for key in top if key not in own["properties"]]
    there = [key for key in own["properties"] if key not in top]
    shared = [key for key in top if key in own["properties"]]
    lines = [
        "# Configuration",
        "",
        "Made from the settings themselves: every key of `[tool.pretok]` in `pyproject.toml`.",
        "[Declare your data](declare.md) tells how they work together, and",
        "[pretok.schema.json](pretok.schema.json) is the same as JSON Schema, for editors. Unknown",
        "keys, rules and contracts are errors, which name the line and the nearest spelling.",
        "",
        "## Keys of one dataset",
        "",
        "In `[tool.pretok.datasets.NAME]`: either `path` or `splits`, and any of the keys below.",
        "A name is made of letters, digits, `.`, `_` and `-`.",
        "",
        *_keys(own["properties"], there),
        "",
        "## Keys of a dataset, or of all",
        "",
        "In `[tool.pretok.datasets.NAME]`, or in `[tool.pretok]` as the default of every dataset.",
        "",
        *_keys(top, shared),
        "",
        "## Keys of the whole declaration",
        "",
        "In `[tool.pretok]` alone.",
        "",
        *_keys(top, here),
        "",
        "## The value of a rule",
        "",
        'In `rules`, by the name of the rule: `"error"`, `"warning"`, `"off"`, or a table.',
        "[Rules](rules.md) has their names.",
        "",
        *_rule_keys(top["rules"]),
    ]
    return "\n".join(lines) + "\n"


def _keys(properties: dict[str, Any], chosen: list[str]) -> list[str]:
    lines = ["| key | value | meaning | default |", "|---|---|---|---|"]
    for key in chosen:
        value = properties[key]
        default = f"`{_toml(value['default'])}`" if value.get("default") not in (None, {}) else ""
        meaning = value.get("description", "")
        lines.append(f"| `{key}` | {_values(value)} | {meaning} | {default} |")
    return lines


def _rule_keys(rules: dict[str, Any]) -> list[str]:
    one = next(iter(rules["properties"].values()))
    table = next(kind for kind in _kinds(one) if kind.get("type") == "object")
    return _keys(table["properties"], list(table["properties"]))


def _kinds(value: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for kind in value.get("anyOf", [value]):
        yield from [kind] if "anyOf" not in kind else _kinds(kind)


def _values(value: dict[str, Any]) -> str:
    return ", or ".join(dict.fromkeys(_value(kind) for kind in _kinds(value)))


def _value(kind: dict[str, Any]) -> str:
    if "enum" in kind:
        return ", ".join(f"`{_toml(one)}`" for one in kind["enum"])
    if kind["type"] == "array":
        return "a list of such"
    if kind["type"] in ("integer", "number"):
        word = "integer" if kind["type"] == "integer" else "number"
        least, most = kind.get("minimum"), kind.get("maximum")
        bound = f" from {least:g}" if least is not None else ""
        return word + bound + (f" to {most:g}" if most is not None else "")
    return {"string": "text", "boolean": "`true` or `false`", "object": "a table"}[kind["type"]]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


# -- the keys of the JSON report

KEYS = ("<!-- keys: begin -->\n", "<!-- keys: end -->\n")


def _report_keys() -> str:
    """A page that is written by hand, with the tables of keys between two marks."""
    before, rest = (DOCS / "json-report.md").read_text(encoding="utf-8").split(KEYS[0])
    _, after = rest.split(KEYS[1])
    return "".join([before, KEYS[0], *_report_tables(), KEYS[1], after])


def _report_tables() -> Iterable[str]:
    """A table for each kind of object in the report, the outer ones first."""
    run = report_schema()
    dataset = _inner(run["properties"]["datasets"])
    split = _inner(dataset["properties"]["splits"])
    verdict = _inner(split["properties"]["rules"])
    tables = {
        "The report": run,
        "A dataset": dataset,
        "A split": split,
        "A file of a split": _inner(split["properties"]["shards"]),
        "The lengths of a split's rows": _inner(split["properties"]["lengths"]),
        "A rule on a split": verdict,
        "An example": _inner(verdict["properties"]["examples"]),
    }
    for title, schema in tables.items():
        yield f"\n## {title}\n\n| key | meaning |\n|---|---|\n"
        for key, value in schema["properties"].items():
            words = ", ".join(f"`{one}`" for one in _words(value))
            said = value["description"] + (f": {words}" if words else "")
            if {"type": "null"} in value.get("anyOf", ()) and "null" not in said:
                said += "; or null"
            yield f"| `{key}` | {_cell(said)} |\n"
    yield "\n"


def _inner(value: dict[str, Any]) -> dict[str, Any]:
    """The schema of the objects that a list, or a key that may be null, holds."""
    if "items" in value:
        found: dict[str, Any] = value["items"]
        return found
    return next(kind for kind in _kinds(value) if kind.get("type") == "object")


def _words(value: dict[str, Any]) -> list[str]:
    return [word for kind in _kinds(value) for word in kind.get("enum", ())]


# -- the command line


def _command_line() -> str:
    lines = [
        "# Command line",
        "",
        "Made from the options themselves. [Run under pytest](pytest.md) tells how they are used.",
        "",
        "## pytest",
        "",
        "What the plugin adds to `pytest`:",
        "",
        "| option | does |",
        "|---|---|",
        *_options(),
        "",
        "## pretok",
        "",
        "`pretok --help` lists the commands, `pretok --version` prints the version.",
    ]
    for name in COMMANDS:
        lines += ["", f"### pretok {name}", "", *_command(name)]
    return "\n".join(lines) + "\n"


def _options() -> Iterable[str]:
    parser = Parser(_ispytest=True)
    plugin.pytest_addoption(parser)
    for option in parser.getgroup("pretok").options:
        told = option.attrs()
        value = told.get("metavar") or "|".join(told.get("choices") or ())
        text = " ".join(str(told["help"]).replace("%(default)s", str(told.get("default"))).split())
        spelled = f"{option.names()[0]}={value}" if value else option.names()[0]
        yield f"| `{_cell(spelled)}` | {_cell(text)} |"


def _command(name: str) -> Iterable[str]:
    context = click.Context(main, info_name="pretok")
    command = main.get_command(context, name)
    assert command is not None
    own = click.Context(command, info_name=name, parent=context)
    usage = " ".join(command.collect_usage_pieces(own))
    yield f"`pretok {name} {usage}`"
    yield ""
    yield re.sub(r"[ \t]*\n[ \t]*", "\n", (command.help or "").replace("\b", "").strip())
    rows = [one.get_help_record(own) for one in command.params]
    told = [row for row in rows if row is not None and row[1]]
    if told:
        yield from ["", "| option | does |", "|---|---|"]
        yield from (f"| `{_cell(left)}` | {_cell(right)} |" for left, right in told)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
