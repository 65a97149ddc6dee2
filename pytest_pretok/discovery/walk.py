"""Search folders for files that may hold data.

Looks at names and headers; knows neither splits nor declarations.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pytest_pretok.discovery.saved import DICT_FILE, STATE_FILE, is_saved_folder, listed_files
from pytest_pretok.paths import is_folder
from pytest_pretok.readers import UnreadableFile, data_suffix, read_header
from pytest_pretok.stores import Location, identity

_DEEPEST = 100  # folders within each other that are searched: Python has a stack of about 1,000
UNSEARCHED = frozenset({"node_modules", "__pycache__", "site-packages"})


@dataclass(slots=True)
class Search:
    """What a walk found: files that may hold data, saved folders, and how much was passed over."""

    files: list[Location] = field(default_factory=list)
    saved: list[Location] = field(default_factory=list)
    declarations: list[Path] = field(default_factory=list)
    passed_over: int = 0


def walk(root: Path, ignored: Collection[Path] = ()) -> Search:
    """Search a folder for data, in a fixed order.

    Hidden folders, virtual environments and `node_modules` are left out (unless ``root`` is one).
    A real file or folder is met once, however many links lead to it.
    """
    search = Search()
    seen: set[str] = set()
    _walk(root, search, seen, frozenset(ignored), level=0)
    search.files = once(search.files)
    return search


def _walk(
    folder: Path, search: Search, seen: set[str], ignored: frozenset[Path], level: int
) -> None:
    real = os.path.realpath(folder)
    if real in seen or folder in ignored:
        return
    seen.add(real)
    if level > _DEEPEST:
        search.files.append(folder)  # as one that cannot be listed
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: (entry.is_symlink(), entry.name))
    except OSError:
        # Nothing in a folder that cannot be listed is checked: it stands for its files and fails.
        search.files.append(folder)
        return
    names = {entry.name for entry in entries}
    if level and "pyvenv.cfg" in names:
        return
    saved = is_saved_folder(folder) if names & {DICT_FILE, STATE_FILE} else False
    listed = listed_files(folder) if saved else set()
    if saved:
        search.saved.append(folder)
    for entry in entries:
        path = folder / entry.name
        if path in ignored:
            continue
        if _is_folder(entry):
            hidden = entry.name.startswith(".") or entry.name in UNSEARCHED
            if not hidden and not saved:
                _walk(path, search, seen, ignored, level + 1)
        elif entry.name == "pyproject.toml":
            search.declarations.append(path)
        elif data_suffix(entry.name) and not entry.name.startswith("."):
            if saved:
                stray = entry.name.endswith(".arrow") and entry.name not in listed
                search.passed_over += stray
            else:
                search.files.append(path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False


def once(paths: Iterable[Location]) -> list[Location]:
    """Each real file once: under its own name where that was met, else under its first link."""
    by_real: dict[str, Location] = {}
    for path in paths:
        real = identity(path)
        if real not in by_real or (_is_link(by_real[real]) and not _is_link(path)):
            by_real[real] = path
    return sorted(by_real.values(), key=str)


def _is_link(path: Location) -> bool:
    return isinstance(path, Path) and path.is_symlink()


def has_columns(path: Location, columns: Collection[str]) -> bool | None:
    """Whether a file found in a folder is a pre-tokenised dataset, by its header.

    None where it cannot be read although its name says that it should hold data, and for a folder,
    which stands for files that cannot be listed. A file that is whole but no table (somebody's
    JSON configuration) is no broken dataset.
    """
    if isinstance(path, Path) and is_folder(path):
        return None
    try:
        header = read_header(path)
    except UnreadableFile as error:
        return False if error.foreign else None
    if header.format == "jsonl" and not header.columns:
        return None  # not one line of it could be parsed
    return any(name in columns for name in header.columns)
