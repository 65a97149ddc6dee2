"""``pretok show``: a row as the trainer meets it.

Reads its arguments and prints; the work is done in `inspect`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from pytest_pretok.cli.common import Command, has_colour, terminal_width

EPILOG = """\b
Examples:
  pretok show data/train.parquet 5
  pretok show 'data/train.parquet[5]' -1      # -1 is the last row
  pretok show pyproject.toml --dataset sft --split validation 0
  pretok show data/sft 'validation:7'
"""


@click.command(cls=Command, epilog=EPILOG, context_settings={"ignore_unknown_options": True})
@click.argument("path")
@click.argument("rows", nargs=-1)
@click.option("--split", help="The split, where PATH holds several (default: train).")
@click.option("--dataset", help="The dataset, where PATH holds several.")
@click.option("--tokenizer", metavar="FILE", help="Decode with this tokenizer file or folder.")
@click.option("--tokens", metavar="A:B", help="Show these tokens only (default: the first 2,000).")
@click.option("--ids", is_flag=True, help="Show ids even where a tokenizer is known.")
@click.option("--plain", is_flag=True, help="Marks instead of colours.")
def show(
    path: str,
    rows: tuple[str, ...],
    split: str | None,
    dataset: str | None,
    tokenizer: str | None,
    tokens: str | None,
    ids: bool,
    plain: bool,
) -> None:
    """Show rows of PATH token by token: what is trained, what carries no loss, what is wrong.

    PATH is a file, a folder or a declaration; inside a declared dataset its tokenizer and
    settings hold. ROWS count from 0, from the end if negative. The rows of a file that is named
    are its own; those of a dataset are counted over all shards of the split, as in the messages
    of a run. PATH[ROW] and PATH[SPLIT:ROW] may be written as well (in quotes).
    """
    from pretok_schemas.contract import Vocabulary
    from pretok_schemas.text import printable
    from pytest_pretok.checks import Options, make_judge
    from pytest_pretok.inspect import reading, show_text, targets
    from pytest_pretok.inspect.rows import find_row
    from pytest_pretok.inspect.tokens import take_apart

    cwd = Path.cwd()
    path, in_brackets, first = targets.spelled_row(path, cwd)
    numbers = [] if first is None else [first]
    texts = []
    for text in rows:
        word, colon, written = text.strip("[]").rpartition(":")
        in_brackets = word if colon else in_brackets
        texts.append(written)
    numbers += targets.row_numbers(texts)
    if not numbers:
        raise click.UsageError("which row? Write its number behind the path: pretok show PATH 0")
    target = targets.target_of(path, cwd, split or in_brackets, dataset)
    settings = dict(target.dataset.settings)
    if tokenizer is not None:
        settings["tokenizer"] = str(cwd / Path(tokenizer).expanduser())
    planned = replace(target.dataset, settings=settings)
    judge = make_judge(planned, Options(), None, target.split.name)
    vocabulary: Vocabulary = judge.columns.vocabulary
    colour, width = has_colour(plain), terminal_width()
    shards = [reading.open_shard(shard, judge.columns) for shard in target.shards]
    for place, number in enumerate(numbers):
        row = find_row(shards, judge.columns, number)
        anatomy = take_apart(row.batch, judge, vocabulary.tokenizer)
        try:
            start, stop = show_text.window_of(tokens, len(anatomy.tokens))
        except ValueError as error:
            raise click.BadParameter(printable(str(error), 200), param_hint="--tokens") from None
        if place:
            click.echo()
        heading = show_text.header(
            target.name, row.number, row.shard.shown, row.in_shard, target.alone, anatomy, width
        )
        click.echo("\n".join(heading) + "\n", color=colour)
        lines = show_text.body(anatomy.tokens, start, stop, width, colour, ids)
        click.echo("\n".join(lines) or "  no tokens", color=colour)
    as_ids = ids or vocabulary.tokenizer is None
    click.echo(f"\n  {show_text.legend(colour, as_ids)}", color=colour)
