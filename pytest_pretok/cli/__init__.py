"""The command ``pretok``: its subcommands, each in a module that is imported when it is called.

Must not import what a subcommand needs: help and completion stay quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from pytest_pretok import __version__
from pytest_pretok.cli.common import as_failures, nearest
from pytest_pretok.streams import open_closed

# name -> where it lives, and what the list of commands says of it
COMMANDS = {
    "check": ("check:check", "Check datasets, as pytest --pretok-data=PATH does."),
    "config": ("config:config", "What the declarations ask for; opens no data."),
    "explain": ("rules:explain", "What a rule checks, why, and what each trainer does."),
    "init": ("init:init", "Write a declaration for the data that lies here."),
    "rules": ("rules:rules", "The rules, a line each."),
    "sample": ("sample:sample", "Cut a small trial set for a first run."),
    "schema": ("schema:schema", "The JSON Schema of the declaration, or of the report."),
    "show": ("show:show", "Show a row token by token."),
    "stats": ("stats:stats", "Rows, tokens, lengths, batches: what the data is like."),
}


class _Commands(click.Group):
    """A group whose commands are imported one by one, and end with pytest's exit codes."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a program, with streams to write to even where there are none."""
        open_closed()
        return super().main(*args, **kwargs)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the words before the command's name."""
        with as_failures():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that is named."""
        with as_failures():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, from its module."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names, or a usage error with the nearest one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            hint = nearest(name, COMMANDS, f"known: {', '.join(COMMANDS)}")
            ctx.fail(f"there is no command {name!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in COMMANDS.items()])


@click.group(cls=_Commands)
@click.version_option(__version__, prog_name="pretok")
def main() -> None:
    """Quality gate for pre-tokenised LLM training data."""
