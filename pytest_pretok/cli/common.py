"""What the commands share: pytest's exit codes, errors as one text, terminals and their width.

Must not know what any command does.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from pytest_pretok.cli.command import UsageFault

VIOLATIONS = 1


class Broken(click.ClickException):
    """The data is at fault; the text names it."""

    exit_code = VIOLATIONS


class Faulty(click.ClickException):
    """A declaration is at fault, or what it names; the text has all its faults."""

    exit_code = 2


class Refused(click.ClickException):
    """The command cannot be carried out as it was given; the text says what there is."""

    exit_code = 4


class Command(click.Command):
    """A command whose errors have pytest's exit codes, and are texts rather than tracebacks."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the arguments; a faulty one ends with 4."""
        with as_failures():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with as_failures():
            return super().invoke(ctx)


@contextmanager
def as_failures() -> Iterator[None]:
    """Turn what is the user's to mend into one text; what is ours keeps its traceback."""
    try:
        yield
    except click.UsageError as error:
        raise UsageFault(error.format_message(), error.ctx) from None
    except click.ClickException:
        raise
    except BrokenPipeError:
        # Nobody reads on (`| head`): flushing what is left at the end would only complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except Exception as error:
        known = _failure(error)
        if known is None:
            raise
        raise known from None


def _failure(error: Exception) -> click.ClickException | None:
    from pytest_pretok.faults import DeclarationError  # lazy: help costs nothing

    if isinstance(error, DeclarationError):
        return Faulty(str(error))
    from pytest_pretok.inspect.rows import NoSuchRow, UnreadableRow
    from pytest_pretok.inspect.targets import TargetError
    from pytest_pretok.readers import UnreadableFile
    from pytest_pretok.tokenizers import TokenizerError

    if isinstance(error, TargetError | NoSuchRow):
        return Refused(str(error))
    if isinstance(error, UnreadableRow | UnreadableFile):
        return Broken(str(error))
    if isinstance(error, TokenizerError):
        return Faulty(f"the tokenizer cannot be read: {error}")
    return None


def terminal_width() -> int:
    """Columns of the terminal, or what COLUMNS says; 80 where there is none."""
    return max(40, shutil.get_terminal_size((80, 24)).columns)


def has_colour(plain: bool) -> bool:
    """Whether to colour: on a terminal, unless asked not to (NO_COLOR, TERM=dumb)."""
    if plain or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty()
