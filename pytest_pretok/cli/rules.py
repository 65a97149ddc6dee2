"""``pretok explain`` and ``pretok rules``: what the rules say, without a run.

Reads no data.
"""

from __future__ import annotations

from difflib import get_close_matches

import click

from pretok_schemas.rules import NAMES, RULES, rule_named
from pytest_pretok.explain import first_line, page


@click.command()
@click.argument("rule")
def explain(rule: str) -> None:
    """Say what a RULE checks, why it matters, and what each trainer does with a violation."""
    if rule not in NAMES:
        near = get_close_matches(rule, NAMES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(NAMES)}"
        raise click.BadParameter(f"there is no rule {rule!r}; {hint}", param_hint="RULE")
    click.echo(page(rule_named(rule)))


@click.command()
def rules() -> None:
    """List the rules in judging order: name, severity, and what a violation is."""
    width = max(map(len, NAMES))
    for rule in RULES:
        click.echo(f"{rule.name:{width}}  {rule.severity:7}  {first_line(rule)}")
