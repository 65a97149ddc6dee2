"""The README's generated parts are what the registry says.

``PRETOK_REWRITE=1 pytest tests/unit/test_readme.py`` writes them anew.
"""

from __future__ import annotations

import os
from pathlib import Path

from pretok_schemas import Vocabulary, load
from pretok_schemas.rules import RULES
from pretok_schemas.rules.base import Rule

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- rules: begin -->\n", "<!-- rules: end -->\n"


def summary_line(rule: type[Rule]) -> str:
    """The first line of a rule's docstring."""
    return (rule.__doc__ or "").strip().splitlines()[0].rstrip(".")


def rule_table() -> str:
    """The README's table of rules."""
    off, on = load("axolotl"), load("axolotl", packing=True)
    lines = ["| rule | a violation is | severity | effect off / on |", "|---|---|---|---|"]
    for rule in RULES:
        effects = [
            contract.consequence(rule.name, rule(contract, Vocabulary()).cases({})).effect.value
            if contract.applies(rule.name)
            else "other trainers only"
            for contract in (off, on)
        ]
        effect = effects[0] if effects[0] == effects[1] else " / ".join(effects)
        lines.append(f"| `{rule.name}` | {summary_line(rule)} | {rule.severity} | {effect} |")
    return "\n".join(lines) + "\n"


def test_rule_table() -> None:
    """The table of rules is generated from the registry and fresh."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    fresh = before + BEGIN + rule_table() + END + after
    if os.environ.get("PRETOK_REWRITE"):
        README.write_text(fresh, encoding="utf-8")

    assert fresh == README.read_text(encoding="utf-8")


def test_every_option_is_described() -> None:
    """The README speaks of every option of the plugin, and of no other."""
    import re

    plugin = (README.parent / "pytest_pretok" / "plugin.py").read_text(encoding="utf-8")
    options = set(re.findall(r'"(--pretok-[a-z-]+)"', plugin))

    assert options == set(re.findall(r"--pretok-[a-z-]+", README.read_text(encoding="utf-8")))
