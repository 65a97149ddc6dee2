"""``pretok schema``: the JSON Schemas that the package speaks.

Reads no file.
"""

from __future__ import annotations

import json

import click

from pytest_pretok.cli.common import Command


@click.command(cls=Command)
@click.option(
    "--of",
    "subject",
    type=click.Choice(["declaration", "pyproject", "report"]),
    default="declaration",
    show_default=True,
    help="The table [tool.pretok], the file that it stands in, or what --report=FILE.json writes.",
)
def schema(subject: str) -> None:
    """Print a JSON Schema (draft-07): for editors, validators and whoever reads reports."""
    if subject == "report":
        from pytest_pretok.report.schema import report_schema as made  # lazy: start cost
    elif subject == "pyproject":
        from pytest_pretok.json_schema import file_schema as made
    else:
        from pytest_pretok.json_schema import declaration_schema as made
    click.echo(json.dumps(made(), indent=1))
