"""pytest's positional arguments, rewritten so that collection meets the plan's nodes.

Knows how pytest reads arguments, and nothing of data.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

from pytest_pretok import discovery
from pytest_pretok.declared import DECLARATION
from pytest_pretok.paths import is_folder
from pytest_pretok.plan import Plan, sort_arguments
from pytest_pretok.planning import Request, split_argument
from pytest_pretok.stores import Location, RemotePath, identity, is_url, lies_in, located

ANCHOR = Path(__file__).with_name("anchor.txt")


@dataclass(frozen=True, slots=True)
class Arguments:
    """What pytest collects instead of what was written on the command line.

    ``positional`` are the paths that the user named for their tests, ``asked`` the folders named
    as data; ``odd_files`` are named files and URLs that pytest cannot take as arguments.
    """

    arguments: tuple[str, ...]
    positional: tuple[Path, ...]
    asked: tuple[Path, ...]
    odd_files: tuple[Location, ...]


def rewrite_arguments(config: pytest.Config, plan: Plan, request: Request) -> Arguments:
    """The arguments for a plan.

    ``--pretok-data`` alone replaces ``testpaths`` and the working directory, as a path would;
    beside other arguments it adds to them, unless one of them names our nodes already.
    """
    given = list(config.args) if keeps_arguments(config, bool(request.paths)) else []
    rewritten: list[str] = []
    positional: list[Path] = []
    odd: list[Location] = []
    ours = False
    for argument in given:
        file, parts = split_argument(argument, request.cwd)
        if file is None:
            rewritten.append(argument)
            positional.append(_path(argument.split("::")[0], request.cwd))
            continue
        ours = True
        rewritten += _own(file, parts, plan, odd)
    asked = tuple(_asked(text, request.cwd) for text in request.paths if not is_url(text))
    if request.paths and not ours:
        for path in sort_arguments(plan, positional, asked):
            rewritten += _own(located(path), [], plan, odd)
    return Arguments(tuple(rewritten), tuple(positional), asked, tuple(odd))


def keeps_arguments(config: pytest.Config, flagged: bool) -> bool:
    """Whether pytest's own arguments count beside ``--pretok-data`` (``flagged``: if given)."""
    if not flagged or config.args_source is config.ArgsSource.ARGS:
        return True
    # A flag from addopts or the environment must not switch a repository's own tests off.
    words = [str(word) for word in config.invocation_params.args]
    return not any(word == "--pretok-data" or word.startswith("--pretok-data=") for word in words)


def _own(file: Location, parts: list[str], plan: Plan, odd: list[Location]) -> list[str]:
    """The arguments for one of our files, and the parts of an id behind it."""
    anchors = _anchors_of(file, parts, plan)
    found = []
    for anchor, rest in anchors:
        name = str(anchor)
        if isinstance(anchor, RemotePath) or (
            not is_folder(anchor) and ("::" in name or "[" in name)
        ):
            if anchor not in odd:
                odd.append(anchor)
            name = f"{ANCHOR}::odd{odd.index(anchor)}"
        found.append("::".join([name, *rest]))
    return found


def _anchors_of(file: Location, parts: list[str], plan: Plan) -> list[tuple[Location, list[str]]]:
    """The anchor that a file's items hang on: itself, its first shard, or a declaration."""
    if file.name == DECLARATION and not parts:
        # The datasets of the trainer configurations that it names hang on those.
        named = [s.anchor for d in plan.datasets if d.by == str(file) for s in d.splits]
        own = [str(file)] if str(file) in plan.anchors or not named else []
        return [(Path(anchor), []) for anchor in dict.fromkeys([*own, *named])]
    folder = isinstance(file, Path) and is_folder(file)
    if folder or str(file) in plan.anchors or file.name == DECLARATION:
        return [(file, parts)]
    in_saved = file.name in (discovery.DICT_FILE, discovery.STATE_FILE)
    real = identity(file)
    found: dict[Location, list[str]] = {}
    for dataset in plan.datasets:
        for split in dataset.splits:
            shards = [located(shard.path) for shard in split.shards]
            inside = in_saved and any(lies_in(shard, file.parent) for shard in shards)
            if inside or any(_leads_to(file, real, shard) for shard in shards):
                names = [dataset.name] if dataset.declared_at and not parts else []
                found.setdefault(located(split.anchor), [*names, *parts])
    return list(found.items()) or [(file, parts)]


def _leads_to(file: Location, real: str, shard: Location) -> bool:
    """Whether an argument names a shard; a URL may be a folder or a pattern, too."""
    if isinstance(file, RemotePath):
        return lies_in(shard, file) or fnmatch(str(shard), file.text)
    return identity(shard) == real


def _asked(text: str, cwd: Path) -> Path:
    path = _path(text, cwd)
    return path if is_folder(path) else path.parent


def _path(text: str, cwd: Path) -> Path:
    return Path(os.path.normpath(cwd / Path(text).expanduser()))
