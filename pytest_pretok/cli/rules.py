"""``pretok explain`` and ``pretok rules``: what the rules say, without a run.

Reads no data.
"""

from __future__ import annotations

import click

from pretok_schemas.rules import NAMES, RULES, rule_named
from pytest_pretok.cli.common import Command, known_rule
from pytest_pretok.explain import page


@click.command(cls=Command)
@click.argument("rule")
def explain(rule: str) -> None:
    """Say what a RULE checks, why it matters, and what each trainer does with a violation."""
    known_rule(rule, rule)
    click.echo(page(rule_named(rule)))


@click.command(cls=Command)
def rules() -> None:
    """List the rules in judging order: name, severity, and what a violation is."""
    width = max(map(len, NAMES))
    for rule in RULES:
        click.echo(f"{rule.name:{width}}  {rule.severity:7}  {rule.summary()}")
