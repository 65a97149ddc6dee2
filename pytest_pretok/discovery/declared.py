"""Declared paths, globs and folders -> splits with their shards.

A path that leads to nothing becomes an unreadable shard: it must fail.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from pytest_pretok.discovery.names import (
    FoundShard,
    FoundSplit,
    read_name,
    shard_groups,
    split_rank,
    split_word,
    with_missing,
)
from pytest_pretok.discovery.remote import remote_shards
from pytest_pretok.discovery.saved import is_saved_folder, saved_dataset
from pytest_pretok.discovery.walk import has_columns, once, walk
from pytest_pretok.paths import exists, is_file, is_folder, matching
from pytest_pretok.stores import Location, RemotePath, is_url

_NOT_YOURS = (
    "the declaration lies with the data, its URLs are not followed: name it "
    "(--pretok-data=.../pyproject.toml) if it is yours"
)


def declared_splits(
    path: str | None,
    splits: dict[str, str] | None,
    folder: Path,
    columns: Collection[str] | None,
    asks: bool = True,
) -> tuple[FoundSplit, ...]:
    """The splits of a declared dataset; ``folder`` is the declaration's.

    Without ``columns`` no file is opened, and JSON in a folder is judged by what lies beside it.
    Unless it ``asks``, no store is asked, and a URL cannot be opened.
    A path that leads to nothing becomes a split with an unreadable shard: it must fail.
    """
    anchor = folder / "pyproject.toml"
    if splits is not None:
        return tuple(
            FoundSplit(name, _declared_shards(text, folder, columns, asks), anchor, named=True)
            for name, text in splits.items()
        )
    text = path or ""
    place = RemotePath(text) if is_url(text) else folder / text
    # A URL that nothing may be asked about, or nothing can be found out about, is no folder.
    looked_at = isinstance(place, Path) or (columns is not None and asks and not place.is_web)
    if looked_at and is_saved_folder(place):
        return tuple(
            FoundSplit(split.name, split.shards, anchor, named=True)
            for split in saved_dataset(place).splits
        )
    by_split: dict[str, list[FoundShard]] = {}
    base = _static_base(text, folder)
    for shard in _declared_shards(text, folder, columns, asks):
        by_split.setdefault(_split_of_path(shard.path, base), []).append(shard)
    return tuple(
        FoundSplit(name, tuple(by_split[name]), anchor, named=True)
        for name in sorted(by_split, key=split_rank)
    )


def _static_base(text: str, folder: Path) -> Location:
    """The deepest folder of a declared path that holds no pattern."""
    if is_url(text):
        head, magic, _ = re.sub(r"[*?\[]", "\0", text).partition("\0")
        return RemotePath(head.rpartition("/")[0] if magic else head)
    base = folder
    for part in Path(text).parts:
        if glob.has_magic(part) or not is_folder(base / part):
            break
        base = base / part
    return base


def _split_of_path(path: Location, base: Location) -> str:
    """The split by file name, else by the folders below ``base``, else train."""
    names = [read_name(path).name]
    if isinstance(path, RemotePath):
        names += reversed(path.parts_below(base)[:-1] if isinstance(base, RemotePath) else ())
    elif isinstance(base, Path) and path.is_relative_to(base):
        names += reversed(path.relative_to(base).parts[:-1])
    return next((word for name in names if (word := split_word(name))), "train")


def _declared_shards(
    text: str, folder: Path, columns: Collection[str] | None, asks: bool
) -> tuple[FoundShard, ...]:
    if is_url(text) and not asks:
        return (FoundShard(RemotePath(text), error=_NOT_YOURS),)
    if is_url(text):
        return remote_shards(RemotePath(text), columns)
    path = folder / text
    if is_folder(path):
        if is_saved_folder(path):
            saved = saved_dataset(path)
            return tuple(shard for split in saved.splits for shard in split.shards)
        search = walk(path)
        shards = list(_complete(_data_files(search.files, columns)))
        for saved_folder in search.saved:
            splits = saved_dataset(saved_folder).splits
            shards += (shard for split in splits for shard in split.shards)
        return tuple(shards) or (FoundShard(path, error="the folder holds no data files"),)
    if exists(path):
        return (FoundShard(path),)
    if glob.has_magic(text):
        found = matching(str(path))
        files = once(Path(name) for name in found if is_file(Path(name)))
        return _complete(files) or (FoundShard(path, error="no file matches this pattern"),)
    return (FoundShard(path, error="there is no such file or folder"),)


def _data_files(files: Sequence[Location], columns: Collection[str] | None) -> list[Location]:
    """Of the files in a declared folder, those that are data.

    JSON beside data is often metadata; a table of any other kind is taken at its word.
    """
    tables = [path for path in files if path.suffix.lower() != ".json"]
    if columns is None:
        return tables or list(files)
    return [path for path in files if path in tables or has_columns(path, columns) is not False]


def _complete(files: Iterable[Location]) -> tuple[FoundShard, ...]:
    """The files as shards, with the shards that their own names promise but that are missing."""
    return tuple(shard for members in shard_groups(files) for shard in with_missing(members))
