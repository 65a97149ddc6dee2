"""Declared paths, globs and folders -> splits with their shards.

A path that leads to nothing becomes an unreadable shard: it must fail.
"""

from __future__ import annotations

import glob
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
from pytest_pretok.discovery.saved import is_saved_folder, saved_dataset
from pytest_pretok.discovery.walk import has_columns, once, walk
from pytest_pretok.paths import exists, is_file, is_folder


def declared_splits(
    path: str | None, splits: dict[str, str] | None, folder: Path, columns: Collection[str] | None
) -> tuple[FoundSplit, ...]:
    """The splits of a declared dataset; ``folder`` is the declaration's.

    Without ``columns`` no file is opened, and JSON in a folder is judged by what lies beside it.
    A path that leads to nothing becomes a split with an unreadable shard: it must fail.
    """
    anchor = folder / "pyproject.toml"
    if splits is not None:
        return tuple(
            FoundSplit(name, _declared_shards(text, folder, columns), anchor, named=True)
            for name, text in splits.items()
        )
    text = path or ""
    if is_saved_folder(folder / text):
        return tuple(
            FoundSplit(split.name, split.shards, anchor, named=True)
            for split in saved_dataset(folder / text).splits
        )
    by_split: dict[str, list[FoundShard]] = {}
    base = _static_base(text, folder)
    for shard in _declared_shards(text, folder, columns):
        by_split.setdefault(_split_of_path(shard.path, base), []).append(shard)
    return tuple(
        FoundSplit(name, tuple(by_split[name]), anchor, named=True)
        for name in sorted(by_split, key=split_rank)
    )


def _static_base(text: str, folder: Path) -> Path:
    """The deepest folder of a declared path that holds no pattern."""
    base = folder
    for part in Path(text).parts:
        if glob.has_magic(part) or not is_folder(base / part):
            break
        base = base / part
    return base


def _split_of_path(path: Path, base: Path) -> str:
    """The split by file name, else by the folders below ``base``, else train."""
    names = [read_name(path).name]
    if path.is_relative_to(base):
        names += reversed(path.relative_to(base).parts[:-1])
    return next((word for name in names if (word := split_word(name))), "train")


def _declared_shards(
    text: str, folder: Path, columns: Collection[str] | None
) -> tuple[FoundShard, ...]:
    path = folder / text
    if is_folder(path):
        if is_saved_folder(path):
            saved = saved_dataset(path)
            return tuple(shard for split in saved.splits for shard in split.shards)
        search = walk(path)
        shards = list(_complete(_data_files(search.files, columns)))
        for folder in search.saved:
            shards += (shard for split in saved_dataset(folder).splits for shard in split.shards)
        return tuple(shards) or (FoundShard(path, error="the folder holds no data files"),)
    if exists(path):
        return (FoundShard(path),)
    if glob.has_magic(text):
        found = sorted(glob.glob(str(path), recursive=True))
        files = once(Path(name) for name in found if is_file(Path(name)))
        return _complete(files) or (FoundShard(path, error="no file matches this pattern"),)
    return (FoundShard(path, error="there is no such file or folder"),)


def _data_files(files: Sequence[Path], columns: Collection[str] | None) -> list[Path]:
    """Of the files in a declared folder, those that are data.

    JSON beside data is often metadata; a table of any other kind is taken at its word.
    """
    tables = [path for path in files if path.suffix.lower() != ".json"]
    if columns is None:
        return tables or list(files)
    return [path for path in files if path in tables or has_columns(path, columns) is not False]


def _complete(files: Iterable[Path]) -> tuple[FoundShard, ...]:
    """The files as shards, with the shards that their own names promise but that are missing."""
    return tuple(shard for members in shard_groups(files) for shard in with_missing(members))
