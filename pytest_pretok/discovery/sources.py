"""Datasets of a trainer configuration -> the files that the trainer would load.

Looks at names, folders and headers; knows no plan and no rule. A path that leads to nothing
becomes an unreadable shard: it must fail.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_pretok.discovery.declared import declared_splits
from pytest_pretok.discovery.names import FoundShard, FoundSplit
from pytest_pretok.discovery.saved import DICT_FILE, format_type, is_saved_folder
from pytest_pretok.paths import exists, is_file, is_folder, matching
from pytest_pretok.readers import UnreadableFile, data_suffix, read_header
from pytest_pretok.stores import RemotePath, is_url
from pytest_pretok.trainer_configs.base import Source

# The library `datasets` reads files by these names; there need be no folder that is called so.
BUILDERS = frozenset({"json", "parquet", "arrow", "csv", "text"})
_HUB = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True, slots=True)
class Located:
    """What one dataset of a configuration leads to.

    ``splits`` are those that the trainer takes, under the names that test ids have; ``found`` are
    the names of all that it chooses from, empty where it does not choose. See `Entry` for the
    others.
    """

    place: Literal["file", "files", "folder", "saved"]
    splits: tuple[FoundSplit, ...]
    found: tuple[str, ...] = ()
    format_type: str | None = None
    absent: bool = False


def is_elsewhere(source: Source, base: Path) -> str | None:
    """Why the data of a source cannot be looked at here, None if it can (or should be here)."""
    if is_url(source.path):
        return "a URL"
    if exists(base / source.path) or (source.path in BUILDERS and source.data_files):
        return None
    if data_suffix(source.path) or not _HUB.fullmatch(source.path):
        return None  # nobody calls a repository so: the file is missing
    owner = source.path.split("/")[0]
    if "/" in source.path and is_folder(base / owner):
        return None
    return "a dataset of the Hub"


def locate(source: Source, base: Path, anchor: Path, columns: Collection[str] | None) -> Located:
    """The files of a source, relative to ``base``; items hang on ``anchor``.

    Without ``columns`` no file is opened.
    """
    path = base / source.path
    if source.data_files and not is_file(path) and (is_folder(path) or source.path in BUILDERS):
        shards = tuple(shard for text in source.data_files for shard in _files(text, base))
        split = _named(source, shards, anchor)
        absent = not is_folder(path)
        # A list of files is one split, train, and is never looked through for another name.
        return Located("files", (split,), ("train",), absent=absent)
    if is_folder(path):
        return _folder(source, path, base, anchor, columns)
    shards = (FoundShard(path, error=None if exists(path) else _why_missing(source)),)
    return Located("file", (_named(source, shards, anchor),), ("train",) if source.split else ())


def is_tokenised(located: Located, columns: Collection[str]) -> bool:
    """Whether the first file that can be opened has one of the columns; True where none can."""
    for split in located.splits:
        for shard in split.shards:
            try:
                if shard.error is None:
                    return not set(columns).isdisjoint(read_header(shard.path).columns)
            except UnreadableFile:
                continue
    return True


def _folder(
    source: Source, path: Path, base: Path, anchor: Path, columns: Collection[str] | None
) -> Located:
    saved = is_saved_folder(path)
    splits = declared_splits(source.path, None, base, columns)
    if source.whole:
        if not saved:
            shard = FoundShard(path, error="the folder was not written by save_to_disk")
            splits = (FoundSplit("train", (shard,), anchor, named=True),)
        taken = tuple(
            FoundSplit(split.name, split.shards, anchor, named=True)
            for split in splits
            if split.name == "train" or split.name.startswith("validation")
        )
        # Whatever the names are, a folder that the trainer cannot start on is still looked at.
        rest = taken or tuple(FoundSplit(s.name, s.shards, anchor, named=True) for s in splits)
        return Located("saved", rest, tuple(s.name for s in splits), _format(path, splits))
    names = tuple(split.name for split in splits)
    one = saved and not is_file(path / DICT_FILE)
    wanted = [name.split("[")[0].strip() for name in (source.split or source.wanted).split("+")]
    chosen = [split for split in splits if split.name in wanted]
    if saved and not chosen:  # the trainer falls back to the name that it always looks for
        chosen = [split for split in splits if split.name == ("train" if source.trains else "test")]
    if one or not chosen:
        chosen = list(splits)
    shards = tuple(shard for split in chosen for shard in split.shards)
    found = () if one or (set(wanted) <= set(names)) else names
    return Located(
        "saved" if saved else "folder",
        (_named(source, shards, anchor),),
        found,
        _format(path, chosen) if saved else None,
    )


def _format(path: Path, splits: Collection[FoundSplit]) -> str | None:
    if not is_file(path / DICT_FILE):
        return format_type(path)
    found = [format_type(path / split.name) for split in splits]
    return "numpy" if "numpy" in found else next(iter(found), None)


def _named(source: Source, shards: tuple[FoundShard, ...], anchor: Path) -> FoundSplit:
    return FoundSplit("train" if source.trains else "test", shards, anchor, named=True)


def _files(text: str, base: Path) -> tuple[FoundShard, ...]:
    if is_url(text):
        why = "a URL; declare it as a dataset's path in pyproject.toml to have it checked"
        return (FoundShard(RemotePath(text), error=why),)
    path = base / text
    if is_file(path):
        return (FoundShard(path),)
    matches = matching(str(path)) if glob.has_magic(text) else []
    found = tuple(FoundShard(Path(match)) for match in matches if is_file(Path(match)))
    why = "there is no such file; data_files are relative to the working directory, not to path"
    return found or (FoundShard(path, error=why),)


def _why_missing(source: Source) -> str:
    if glob.has_magic(source.path):
        return "a path takes no pattern: name the folder, or the files under data_files"
    if source.path.startswith("~"):
        return "there is no such file or folder: the trainer does not read ~ as your home"
    return "there is no such file or folder"
