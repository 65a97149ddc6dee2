"""What the command line asks for, and how it is refused; paths as people write them.

Knows no declaration and opens no file.
"""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path


class PlanError(Exception):
    """The command line asks for something that cannot be checked; the text says what there is."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for.

    ``paths`` are the values of ``--pretok-data``; ``named`` are positional arguments that may
    name our nodes (see `Plan`). ``ignored`` and ``ignored_globs`` are pytest's own options;
    with ``update_baseline`` a baseline file need not be there yet. With ``declared_only`` no data
    file is opened, and what a declaration names need not be there (see `Plan.absent`).
    ``plugins`` are references to rules from hooks and installed packages (see `imports`).
    """

    root: Path
    cwd: Path
    paths: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    contract: str | None = None
    ignored: tuple[Path, ...] = ()
    ignored_globs: tuple[str, ...] = ()
    update_baseline: bool = False
    declared_only: bool = False
    plugins: tuple[str, ...] = ()


def absolute(text: str, cwd: Path) -> Path:
    """A path as a person wrote it, seen from a folder."""
    # Not resolved: ids and messages name a file the way the user does.
    return Path(os.path.normpath(cwd / Path(text).expanduser()))


def not_there(text: str, path: Path) -> str:
    """What is said of a path that leads to nothing, with the nearest name beside it."""
    if glob.has_magic(text):
        return f"--pretok-data={text}: no file matches this pattern"
    folder = path.parent
    message = f"--pretok-data={text}: there is no such file or folder"
    try:
        there = os.listdir(folder)
    except PermissionError:
        return f"--pretok-data={text}: no permission to look into {folder}"
    except OSError:
        return message
    near = get_close_matches(path.name, there, n=1)
    return f"{message}; did you mean {near[0]!r}?" if near else message
