"""``pretok config``: what the declarations ask for, without the data.

Opens no data file; imports nothing of pytest.
"""

from __future__ import annotations

import shutil

import click

from pytest_pretok.cli.common import VIOLATIONS, Command

EPILOG = """\b
Exit codes:
  0  the declarations are sound
  1  declared data is missing (with --files alone)
  2  a declaration is faulty; all faults are listed
  4  there is no declaration, or a wrong option
"""


@click.command(cls=Command, epilog=EPILOG)
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option(
    "--files",
    is_flag=True,
    help="Fail if a declared file is missing. Without it one is named, and no fault: the data "
    "need not be where the declaration is looked at.",
)
@click.option("-q", "--quiet", is_flag=True, help="Faults alone.")
@click.pass_context
def config(ctx: click.Context, /, paths: tuple[str, ...], files: bool, quiet: bool) -> None:
    """Read the declarations at, above and below each PATH, or . if none; open no data.

    Says what `pretok check` would check: datasets, splits and their files by name, the contract,
    the settings, and the rules that are on, off, or lack a setting. PATH is a folder, a
    pyproject.toml, or a trainer's YAML.
    """
    from pathlib import Path  # lazy: start cost, as all below

    from pytest_pretok.imports import installed_rules
    from pytest_pretok.overview import absent_files, lines
    from pytest_pretok.planning import Request, declared_plan

    cwd = Path.cwd()
    plan = declared_plan(Request(cwd, cwd, paths or (".",), plugins=installed_rules()))
    if not quiet:
        click.echo("\n".join(lines(plan, shutil.get_terminal_size().columns)))
    missing = [*absent_files(plan), *(f"{name}: not there" for name in plan.absent)]
    if files and missing:
        told = "\n".join(f"  {one}" for one in missing)
        click.echo(f"Error: declared, but missing\n{told}", err=True)
        ctx.exit(VIOLATIONS)
