"""``pretok check``: the words of the command line as pytest's, for a run that is shielded.

Imports nothing of pytest before it is called.
"""

from __future__ import annotations

import click

from pytest_pretok.cli.common import Command, Workers, known_rule
from pytest_pretok.engines import ENGINES

EPILOG = """\b
Exit codes:
  0  all is well (warnings do not count)
  1  a rule is broken
  2  the declaration is faulty, or the run was interrupted
  3  an error of pytest-pretok itself
  4  nothing to check, a wrong option, or a report not written
  5  no rule was left to check
"""


@click.command(cls=Command, epilog=EPILOG)
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--contract", metavar="NAME", help="Contract for data that declares none.")
@click.option("--rule", "rules", metavar="RULE", multiple=True, help="Only this rule; repeatable.")
@click.option(
    "--report", "reports", metavar="FILE", multiple=True, help="Write a report; repeatable."
)
@click.option("--violations", metavar="FILE.parquet", help="Write every violation as a row.")
@click.option("--examples", type=click.IntRange(1), metavar="N", help="Examples a finding shows.")
@click.option("--update-baseline", is_flag=True, help="Take down what is found as known.")
@click.option("--warnings-as-errors", is_flag=True, help="What would only warn fails, too.")
@click.option("--engine", type=click.Choice(ENGINES), help="Where scans run.")
@click.option("--workers", type=Workers(), help="Threads or processes of a scan, or auto.")
@click.option("--annotations", type=click.Choice(["github"]), help="Mark failures in CI.")
@click.option("-q", "--quiet", is_flag=True, help="A line a failure.")
@click.option(
    "-v", "--verbose", is_flag=True, help="A line a rule, and what pytest says of itself."
)
@click.option(
    "--color",
    type=click.Choice(["auto", "yes", "no"]),
    default="auto",
    help="Colours; auto: on a terminal, unless NO_COLOR is set.",
)
@click.pass_context
def check(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    rules: tuple[str, ...],
    quiet: bool,
    verbose: bool,
    **options: object,
) -> None:
    """Check the data under each PATH: a file, a folder, a glob, a URL, a trainer's YAML; . if none.

    The verdict is that of `pytest --pretok-data=PATH`, whatever the repository's own pytest
    settings, conftest.py and plugins are. A PATH may also be an id, copied from a failure.
    """
    if quiet and verbose:
        raise click.UsageError("-q and -v exclude each other")
    for rule in rules:
        known_rule(rule, f"--rule={rule}")
    from pytest_pretok.shielded import Manner, run  # lazy: start cost

    words = [*_targets(paths or (".",)), *_words(options)]
    ctx.exit(run(words, Manner(rules, quiet, verbose)))


def _targets(paths: tuple[str, ...]) -> list[str]:
    """Paths as values of the plugin's flag; ids as they are."""
    ids = [path for path in paths if "::" in path and _is_id(path)]
    if ids and len(ids) < len(paths):
        from pytest_pretok.stores import redacted  # lazy: as everything here

        other = redacted(next(path for path in paths if path not in ids))
        raise click.UsageError(
            f"{redacted(ids[0])} is an id, {other} is a path: check one kind at a time"
        )
    return ids or [f"--pretok-data={path}" for path in paths]


def _is_id(text: str) -> bool:
    from pathlib import Path

    from pytest_pretok.planning import split_argument  # lazy: start cost

    file, parts = split_argument(text, Path.cwd())
    return file is not None and bool(parts)


def _words(options: dict[str, object]) -> list[str]:
    """The other options as pytest has them."""
    words = [f"--color={options['color']}"]
    for name in ("contract", "violations", "examples", "engine", "workers", "annotations"):
        if options[name] is not None:
            words.append(f"--pretok-{name}={options[name]}")
    reports = options["reports"]
    words += [f"--pretok-report={file}" for file in reports] if isinstance(reports, tuple) else []
    if options["update_baseline"]:
        words.append("--pretok-update-baseline")
    if options["warnings_as_errors"]:
        words.append("-Werror::pytest_pretok.PretokWarning")
    return words
