"""The command ``pretok``: what the rules say, without a run.

Reads no data. click is imported here only.
"""

from __future__ import annotations

from difflib import get_close_matches

import click

from pretok_schemas.rules import NAMES, rule_named
from pytest_pretok import __version__
from pytest_pretok.explain import page


@click.group()
@click.version_option(__version__, prog_name="pretok")
def main() -> None:
    """Quality gate for pre-tokenised training data; `pytest --pretok-data=PATH` checks it."""


@main.command()
@click.argument("rule")
def explain(rule: str) -> None:
    """Say what a RULE checks, why it matters, and what each trainer does with a violation."""
    if rule not in NAMES:
        near = get_close_matches(rule, NAMES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(NAMES)}"
        raise click.BadParameter(f"there is no rule {rule!r}; {hint}", param_hint="RULE")
    click.echo(page(rule_named(rule)))
