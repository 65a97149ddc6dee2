"""``pretok sample``: a small trial set, cut from a dataset and judged.

Reads its arguments and prints; the work is done in `samples`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_pretok.cli.common import VIOLATIONS, Broken, Command, Refused

if TYPE_CHECKING:
    from pretok_schemas.findings import Finding
    from pretok_schemas.judge import Judge
    from pytest_pretok.inspect.targets import Target
    from pytest_pretok.samples.make import Cut


@click.command(cls=Command)
@click.argument("path")
@click.option("-n", "--rows", "size", type=click.IntRange(1), default=64, show_default=True,
              help="Rows of each split.")  # fmt: skip
@click.option("-o", "--output", "out", required=True, metavar="OUT",
              help="A file; or a folder, for several splits or a save_to_disk folder.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other rows.")
@click.option("--split", help="This split only (default: all of them).")
@click.option("--dataset", help="The dataset, where PATH holds several.")
@click.option("--force", is_flag=True, help="Overwrite OUT.")
@click.option("--workers", type=click.IntRange(1), help="Threads (default: one a processor).")
def sample(
    path: str,
    size: int,
    out: str,
    seed: int,
    split: str | None,
    dataset: str | None,
    force: bool,
    workers: int | None,
) -> None:
    """Cut a small set from the data under PATH, for a first run that should fail early.

    The rows are spread over all files and lengths, with the shortest and the longest one. They
    keep all their columns, and come in the container that they are in: Parquet, Arrow, JSON or a
    save_to_disk folder. The same seed gives the same rows. The sample is checked like any data,
    and the command ends with 1 if it is faulty; it is written all the same.
    """
    from pytest_pretok.engines.base import auto_workers
    from pytest_pretok.inspect.targets import target_of, targets
    from pytest_pretok.samples.make import make_sample
    from pytest_pretok.samples.source import SampleError

    cwd = Path.cwd()
    chosen = target_of(path, cwd, split, dataset)
    asked = [chosen]
    if split is None and not chosen.alone:
        asked = [one for one in targets([path], cwd) if one.dataset == chosen.dataset]
    place = Path(os.path.normpath(cwd / Path(out).expanduser()))
    threads = workers or auto_workers()
    try:
        cuts = make_sample(
            asked, lambda one: _judge(one).columns, place, size, seed, threads, force
        )
    except SampleError as error:
        raise (Broken if error.unreadable else Refused)(str(error)) from None
    faulty = [cut for cut in cuts if not _verdict(cut, cwd, threads)]
    if faulty:
        click.echo("\nThe faults are those of the source; the sample was written all the same.")
        raise SystemExit(VIOLATIONS)


def _judge(target: Target) -> Judge:
    from pytest_pretok.checks import Options, make_judge

    judge = make_judge(target.dataset, Options(), None, target.split.name)
    # What a configuration makes of the source's files says nothing of a copy.
    rows = frozenset(rule.name for rule in judge.offered if rule.family != "config")
    return make_judge(target.dataset, Options(), rows, target.split.name)


def _verdict(cut: Cut, cwd: Path, workers: int) -> bool:
    """Judge a sample and print what is found; whether there is no error."""
    from pretok_schemas.findings import Outcome
    from pretok_schemas.text import plural
    from pytest_pretok.scan import Shard, scan_split
    from pytest_pretok.text import node_path

    shown = node_path(cut.path, cwd)
    click.echo(
        f"{shown}: {cut.rows:,} of {plural(cut.of, 'row')} of {cut.target.name}, "
        f"lengths {cut.shortest:,} to {cut.longest:,}, {plural(cut.tokens, 'token')}"
    )
    judge = _judge(cut.target)
    scan = scan_split(cut.target.split.name, [Shard(str(cut.path), shown)], judge, workers)
    found = [scan.findings[rule.name] for rule in judge.selected if rule.name in scan.findings]
    failed = [one for one in found if one.outcome is Outcome.FAILED]
    warned = [one for one in found if one.outcome is Outcome.WARNED]
    for one in [*failed, *warned]:
        click.echo(f"  {_line(one)}")
    if not failed:
        click.echo(f"  no errors ({cut.target.dataset.settings['contract']})")
    return not failed


def _line(finding: Finding) -> str:
    from pretok_schemas.findings import Outcome
    from pretok_schemas.rendering import summary

    kind = "error  " if finding.outcome is Outcome.FAILED else "warning"
    return f"{kind}  {finding.rule}: {summary(finding)}"
