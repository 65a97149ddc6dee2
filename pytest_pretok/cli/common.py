"""What the commands share: pytest's exit codes, errors as one text, terminals and their width.

Must not know what any command does.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

import click

# As pytest has them, so that a gate can tell the reasons apart.
VIOLATIONS = 1
FAULTY = 2  # or interrupted
USAGE = 4

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # a disk, a quota, a file that may not grow


class Broken(click.ClickException):
    """The data is at fault; the text names it."""

    exit_code = VIOLATIONS


class Faulty(click.ClickException):
    """A declaration is at fault, or what it names; the text has all its faults."""

    exit_code = FAULTY


class Refused(click.ClickException):
    """The command cannot be carried out as it was given; the text says what there is."""

    exit_code = USAGE


class Command(click.Command):
    """A command whose options may also be spelled as pytest has them (``--pretok-violations``).

    A message that names one may come from either.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words of the command line."""
        end = args.index("--") if "--" in args else len(args)
        words = [f"--{word.removeprefix('--pretok-')}" if _is_long(word) else word for word in args]
        return super().parse_args(ctx, words[:end] + args[end:])


def _is_long(word: str) -> bool:
    return word.startswith("--pretok-")


class Workers(click.ParamType):  # type: ignore[type-arg]  # not generic before 8.5
    """How wide to work: a number from 1 on, or None for ``auto``."""

    name = "N"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """The number that the word is."""
        if isinstance(value, int) or value == "auto":
            return None if value == "auto" else int(value)
        if not (value.isdecimal() and int(value) > 0):
            self.fail(f"{value!r} is neither 'auto' nor a number from 1 on", param, ctx)
        return int(value)


@contextmanager
def as_failures() -> Iterator[None]:
    """Turn what is the user's to mend into one text; what is ours keeps its traceback."""
    try:
        yield
    except click.UsageError as error:
        # click has 2, which is a faulty declaration here
        error.exit_code = USAGE  # type: ignore[misc]
        raise
    except (click.ClickException, click.exceptions.Exit):
        raise
    except KeyboardInterrupt:
        click.echo("\nInterrupted.", err=True)
        raise SystemExit(FAULTY) from None
    except BrokenPipeError:
        # Nobody reads on (`| head`): flushing what is left at the end would only complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not _is_somewhere():
            told = "the working directory is not there any more: change to another"
            raise Refused(told) from None
        if error.errno not in _FULL:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        click.echo(f"Error: the output was not written: {error.strerror}", err=True)
        raise SystemExit(USAGE) from None
    except Exception as error:
        known = _failure(error)
        if known is None:
            raise
        raise known from None


def _is_somewhere() -> bool:
    try:
        return Path.cwd().exists()
    except FileNotFoundError:
        return False


def _failure(error: Exception) -> click.ClickException | None:
    from pytest_pretok.faults import DeclarationError  # lazy: help costs nothing

    if isinstance(error, DeclarationError):
        return Faulty(str(error))
    from pytest_pretok.imports import ImportFault

    if isinstance(error, ImportFault):
        return Faulty(str(error))
    from pytest_pretok.inspect.rows import NoSuchRow, UnreadableRow
    from pytest_pretok.inspect.targets import TargetError
    from pytest_pretok.planning import PlanError
    from pytest_pretok.readers import UnreadableFile
    from pytest_pretok.tokenizers import TokenizerError

    if isinstance(error, TargetError | NoSuchRow | PlanError):
        return Refused(str(error))
    if isinstance(error, UnreadableRow | UnreadableFile):
        return Broken(str(error))
    if isinstance(error, TokenizerError):
        return Faulty(f"the tokenizer cannot be read: {error}")
    return None


def nearest(word: str, known: Collection[str], otherwise: str) -> str:
    """What to say of a name that does not exist: the nearest one, or ``otherwise``."""
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise


def known_rule(name: str, where: str) -> str:
    """The name of a rule, as it is.

    Raises:
        click.UsageError: there is no such rule; ``where`` says what named it.
    """
    from pretok_schemas.rules import NAMES  # lazy: start cost

    if name not in NAMES:
        hint = nearest(name, NAMES, "'pretok rules' lists them")
        raise click.UsageError(f"{where}: there is no such rule; {hint}")
    return name


def terminal_width() -> int:
    """Columns of the terminal, or what COLUMNS says; 80 where there is none."""
    return max(40, shutil.get_terminal_size((80, 24)).columns)


def has_colour(plain: bool) -> bool:
    """Whether to colour: on a terminal, unless asked not to (NO_COLOR, TERM=dumb)."""
    if plain or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty()
