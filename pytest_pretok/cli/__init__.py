"""The command ``pretok``: its subcommands, each in a module that is imported when it is called.

Must not import what a subcommand needs: help and completion stay quick.
"""

from __future__ import annotations

from importlib import import_module

import click

from pytest_pretok import __version__

# name -> where it lives, and what the list of commands says of it
COMMANDS = {
    "explain": ("rules:explain", "What a rule checks, why, and what each trainer does."),
    "init": ("init:init", "Write a declaration for the data that lies here."),
    "rules": ("rules:rules", "The rules, a line each."),
    "sample": ("sample:sample", "Cut a small trial set for a first run."),
    "show": ("show:show", "Show a row token by token."),
    "stats": ("stats:stats", "Rows, tokens, lengths, batches: what the data is like."),
}


class _Commands(click.Group):
    """A group whose commands are imported one by one."""

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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in COMMANDS.items()])


@click.group(cls=_Commands)
@click.version_option(__version__, prog_name="pretok")
def main() -> None:
    """Quality gate for pre-tokenised LLM training data."""
