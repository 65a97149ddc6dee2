"""The README's generated parts are what the registry says.

``PRETOK_REWRITE=1 pytest tests/unit/test_readme.py`` writes them anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pretok_schemas import load, names
from pretok_schemas.contract import Contract
from pretok_schemas.rules import RULES
from pretok_schemas.rules.base import Rule

README = Path(__file__).parents[2] / "README.md"


def summary_line(rule: type[Rule]) -> str:
    """The first line of a rule's docstring."""
    return (rule.__doc__ or "").strip().splitlines()[0].rstrip(".")


def rule_table() -> str:
    """The README's table of rules."""
    off, on = load("axolotl"), load("axolotl", packing=True)
    lines = ["| rule | a violation is | severity | effect off / on |", "|---|---|---|---|"]
    for rule in RULES:
        effects = [effects_of(contract, rule.name) for contract in (off, on)]
        effect = effects[0] if effects[0] == effects[1] else " / ".join(effects)
        lines.append(f"| `{rule.name}` | {summary_line(rule)} | {rule.severity} | {effect} |")
    return "\n".join(lines) + "\n"


def effects_of(contract: Contract, rule: str) -> str:
    """What a trainer does with a rule's violations, all cases of it."""
    found = [
        fact.effect.value
        for key, fact in contract.consequences.items()
        if key.split(":")[0] == rule
    ]
    return " or ".join(dict.fromkeys(found)) or "-"


def trainer_table() -> str:
    """The README's table of contracts."""
    lines = ["| contract | version | needs | claims known from |", "|---|---|---|---|"]
    for name in names():
        contract = load(name)
        needs = [
            f"`{column.name or column.role}`" for column in contract.columns if column.required
        ]
        known = "running it" if contract.ran else "its source"
        lines.append(f"| `{name}` | {contract.version} | {', '.join(needs)} | {known} |")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("marks", "table"), [("rules", rule_table), ("trainers", trainer_table)])
def test_tables(marks: str, table: Callable[[], str]) -> None:
    """The tables of rules and trainers are generated from the registries and fresh."""
    begin, end = f"<!-- {marks}: begin -->\n", f"<!-- {marks}: end -->\n"
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(begin)
    _, after = rest.split(end)
    fresh = before + begin + table() + end + after
    if os.environ.get("PRETOK_REWRITE"):
        README.write_text(fresh, encoding="utf-8")

    assert fresh == README.read_text(encoding="utf-8")


def test_every_option_is_described() -> None:
    """The README speaks of every option of the plugin, and of no other."""
    import re

    plugin = (README.parent / "pytest_pretok" / "plugin.py").read_text(encoding="utf-8")
    options = set(re.findall(r'"(--pretok-[a-z-]+)"', plugin))

    assert options == set(re.findall(r"--pretok-[a-z-]+", README.read_text(encoding="utf-8")))
