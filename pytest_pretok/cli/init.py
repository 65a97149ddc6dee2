"""``pretok init``: a first declaration.

Reads its arguments and prints; the work is done in `starting`.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from pytest_pretok.cli.common import Command, Faulty, Refused, Workers


@click.command(cls=Command)
@click.argument("path", default=".")
@click.option("-o", "--output", "out", default="pyproject.toml", show_default=True, metavar="FILE",
              help="The pyproject.toml to append to; - prints only.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print only.")
@click.option("--workers", type=Workers(), help="Threads, or auto: one a processor.")
def init(path: str, out: str, dry_run: bool, workers: int | None) -> None:
    """Write a [tool.pretok] table for the data under PATH (default: this folder).

    It names the datasets and splits that are found, a tokenizer and an Axolotl configuration that
    lie beside them, and what the rows make evident: sequence-len is the least power of two that
    no row exceeds; special ids are written where at least 95 % of the rows agree. Each line says
    what speaks for it. Nothing is asked, and a table that is there is never touched.
    """
    from pytest_pretok.engines.base import auto_workers
    from pytest_pretok.starting.found import StartError
    from pytest_pretok.starting.proposal import append, check, propose
    from pytest_pretok.stores import is_url, redacted

    if is_url(path):
        raise Refused(f"{redacted(path)}: init looks at local files; declare a URL by hand")
    cwd = Path.cwd()
    printed = dry_run or out == "-"
    file = cwd / ("pyproject.toml" if out == "-" else Path(out).expanduser())
    try:
        if not printed:
            check(file)
        place = Path(os.path.normpath(cwd / Path(path).expanduser()))
        text = propose(place, file.parent, workers or auto_workers())
        if not printed:
            append(file, text)
    except StartError as error:
        raise (Faulty if error.faulty else Refused)(str(error)) from None
    click.echo(text, nl=False)
    if not printed:
        click.echo(f"\nWritten to {out}. Next: pretok check {out}", err=True)
