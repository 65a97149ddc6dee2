"""A command whose usage errors end with pytest's code for them.

Knows click alone.
"""

from __future__ import annotations

import click

USAGE = 4  # as pytest has it; 2 is a faulty declaration


class UsageFault(click.UsageError):
    """What was asked for cannot be done; the text says what can."""

    exit_code = USAGE


class GateCommand(click.Command):
    """A command that ends as a pytest run would, so that a gate can tell the reasons apart.

    Options may also be spelled as pytest has them (``--pretok-violations``): a message that names
    one may come from either.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words of the command line.

        Raises:
            UsageFault: they make no sense.
        """
        end = args.index("--") if "--" in args else len(args)
        words = [f"--{word.removeprefix('--pretok-')}" if _is_long(word) else word for word in args]
        try:
            return super().parse_args(ctx, words[:end] + args[end:])
        except click.UsageError as error:
            raise UsageFault(error.format_message(), error.ctx) from None


def _is_long(word: str) -> bool:
    return word.startswith("--pretok-")
