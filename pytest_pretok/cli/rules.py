"""``pretok explain`` and ``pretok rules``: what the rules say, without a run.

Reads no data.
"""

from __future__ import annotations

from pathlib import Path

import click

from pretok_schemas.rules import NAMES, RULES, rule_named
from pytest_pretok.cli.common import Command, known_rule
from pytest_pretok.explain import page


@click.command(cls=Command)
@click.argument("rule")
def explain(rule: str) -> None:
    """Say what a RULE checks, why it matters, and what each trainer does with a violation."""
    if rule in NAMES:
        click.echo(page(rule_named(rule)))
        return
    from pytest_pretok.declaration import rules_in_force  # lazy: pydantic comes with it

    own = {kind.name: kind for kind in rules_in_force(Path.cwd())}
    if rule not in own:
        known_rule(rule, rule)
    click.echo(page(own[rule]))


@click.command(cls=Command)
def rules() -> None:
    """List the rules in judging order: name, severity, and what a violation is.

    Those of your own that hold here come last.
    """
    from pytest_pretok.declaration import rules_in_force  # lazy: pydantic comes with it

    every = [*RULES, *rules_in_force(Path.cwd())]
    width = max(len(rule.name) for rule in every)
    for rule in every:
        click.echo(f"{rule.name:{width}}  {rule.severity:7}  {rule.summary()}")
