"""``pretok stats``: what splits are like, in numbers.

Reads its arguments and prints; the work is done in `inspect`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_pretok.cli.common import VIOLATIONS, Command, terminal_width

if TYPE_CHECKING:
    from pytest_pretok.inspect.targets import Target


@click.command(cls=Command)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--batch-size", type=click.IntRange(1), help="Rows (bins, when packing) a batch.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@click.option("--contract", metavar="NAME", help="The contract of undeclared data.")
@click.option("--workers", type=click.IntRange(1), help="Threads (default: one a processor).")
def stats(
    paths: tuple[str, ...],
    batch_size: int | None,
    as_json: bool,
    contract: str | None,
    workers: int | None,
) -> None:
    """Say what the data under each PATH is like, split by split, without a verdict.

    Rows, tokens, the share that is trained, lengths, special ids, how trained runs begin and end,
    and the batches of an epoch: bins and their fill where packing is declared, padding where it
    is not. Ends with 1 if a file cannot be read.
    """
    from pretok_schemas.text import printable
    from pretok_schemas.trainers import names
    from pytest_pretok.engines.base import auto_workers
    from pytest_pretok.inspect.targets import asked_for

    if contract is not None and contract not in names():
        known = ", ".join(names())
        raise click.BadParameter(
            f"{printable(contract, 60)!r} is none of {known}", param_hint="--contract"
        )
    found: list[tuple[Target, dict[str, Any]]] = []
    for target in asked_for(paths, Path.cwd(), contract):
        facts = _facts(target, batch_size, workers or auto_workers())
        found.append((target, facts))
        if not as_json:
            _print(target, facts, first=len(found) == 1)
    if as_json:
        click.echo(json.dumps(_document(found), indent=2, ensure_ascii=False))
    broken = [one for _, facts in found for one in facts["unreadable"]]
    if broken:
        click.echo(f"Error: not everything could be read: {broken[0]['file']}", err=True)
        raise SystemExit(VIOLATIONS)


def _facts(target: Target, batch_size: int | None, workers: int) -> dict[str, Any]:
    from pytest_pretok.checks import Options, make_judge
    from pytest_pretok.inspect.facts import known_ids, split_facts
    from pytest_pretok.inspect.measure import measure
    from pytest_pretok.inspect.reading import open_shard

    judge = make_judge(target.dataset, Options(), frozenset(), target.split.name)
    vocabulary = judge.columns.vocabulary
    ids = known_ids(vocabulary, vocabulary.tokenizer)
    shards = [open_shard(shard, judge.columns) for shard in target.shards]
    measures = measure(shards, judge.columns, [one for own in ids.values() for one in own], workers)
    return split_facts(measures, judge.contract, ids, batch_size)


def _print(target: Target, facts: dict[str, Any], first: bool) -> None:
    from pytest_pretok.inspect.stats_text import paragraphs

    if not first:
        click.echo()
    files = target.shards[0].shown
    if len(target.shards) > 1:
        files += f" and {len(target.shards) - 1:,} more"
    lines = paragraphs(target.name, files, facts, _namer(target), min(terminal_width(), 120))
    click.echo("\n".join(lines))


def _namer(target: Target) -> Any:
    path = target.dataset.settings.get("tokenizer")
    if path is None:
        return lambda ids: ""
    from pretok_schemas.text import printable
    from pytest_pretok.tokenizers.shared import shared_tokenizer

    tokenizer = shared_tokenizer(path)
    return lambda ids: printable(json.dumps(tokenizer.decode(ids), ensure_ascii=False), 40)


def _document(found: list[tuple[Target, dict[str, Any]]]) -> dict[str, Any]:
    from pytest_pretok.inspect.facts import VERSION

    return {
        "version": VERSION,
        "splits": [
            {
                "dataset": target.dataset.name,
                "split": target.split.name,
                "contract": target.dataset.settings["contract"],
                "files": [shard.shown for shard in target.shards],
                **facts,
            }
            for target, facts in found
        ],
    }
