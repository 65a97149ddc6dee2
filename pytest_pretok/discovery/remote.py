"""URLs -> the objects that they lead to: one, those of a folder, those that fit a pattern.

Asks stores what there is and reads no rows. Nothing is asked that a URL does not name.
"""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterable

from pytest_pretok.discovery.names import (
    FoundDataset,
    FoundShard,
    read_name,
    shard_groups,
    split_word,
    with_missing,
)
from pytest_pretok.discovery.saved import DICT_FILE, STATE_FILE, is_saved_folder, saved_dataset
from pytest_pretok.discovery.walk import UNSEARCHED, Search, has_columns
from pytest_pretok.readers import data_suffix
from pytest_pretok.stores import Location, RemotePath, StoreError, info_of, store_of

NOTHING = "there is no such object or folder"


def search_remote(folder: RemotePath) -> Search:
    """The objects below a folder that may hold data; hidden folders are left out.

    Raises:
        StoreError: it cannot be listed.
    """
    objects = [RemotePath(text) for text in store_of(folder).find(folder.text)]
    objects = [path for path in objects if not _is_hidden(path.parts_below(folder))]
    marks = {path.parent for path in objects if path.name in (DICT_FILE, STATE_FILE)}
    search = Search()
    for mark in sorted(marks):
        around = any(mark.is_relative_to(saved) for saved in search.saved)
        if not around and is_saved_folder(mark):
            search.saved.append(mark)
    for path in objects:
        if data_suffix(path.name) and not any(path.is_relative_to(own) for own in search.saved):
            search.files.append(path)
    return search


def _is_hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") or part in UNSEARCHED for part in parts)


def matches(pattern: RemotePath) -> list[Location]:
    """The objects that fit a pattern, in order.

    Raises:
        StoreError: nothing can be listed.
    """
    if pattern.is_web or not glob.has_magic(pattern.text):
        return []
    return [RemotePath(text) for text in store_of(pattern).glob(pattern.text)]


def remote_shards(url: RemotePath, columns: Collection[str] | None) -> tuple[FoundShard, ...]:
    """The objects of a declared URL. One that leads to nothing is an unreadable shard: it fails.

    Without ``columns`` no store is asked, and the URL stands for what it may lead to.
    """
    if columns is None or url.is_web:
        return (FoundShard(url),)
    try:
        return _shards(url, columns)
    except StoreError as error:
        return (FoundShard(url, error=error.reason),)


def _shards(url: RemotePath, columns: Collection[str]) -> tuple[FoundShard, ...]:
    found = info_of(url)
    if found is None:
        shards = _complete(matches(url))
        why = "no object matches this pattern" if glob.has_magic(url.text) else NOTHING
        return shards or (FoundShard(url, error=why),)
    if found.kind == "file":
        return (FoundShard(url),)
    if is_saved_folder(url):
        return _all_of(saved_dataset(url))
    search = search_remote(url)
    shards = _complete(
        path
        for path in search.files
        # JSON beside data is often metadata; a table of any other kind is taken at its word.
        if path.suffix.lower() != ".json" or has_columns(path, columns) is not False
    )
    for folder in search.saved:
        shards += _all_of(saved_dataset(folder))
    return shards or (FoundShard(url, error="the folder holds no data files"),)


def _all_of(dataset: FoundDataset) -> tuple[FoundShard, ...]:
    return tuple(shard for split in dataset.splits for shard in split.shards)


def _complete(files: Iterable[Location]) -> tuple[FoundShard, ...]:
    return tuple(shard for members in shard_groups(files) for shard in with_missing(members))


def remote_siblings(url: RemotePath) -> list[Location]:
    """The objects that could belong to the same split or dataset as one named on its own.

    Where nothing can be listed, the fellows of a numbered shard are taken for there.
    """
    own = read_name(url)
    if own.count is None and split_word(own.name) is None:
        return [url]
    try:
        beside = [] if url.is_web else store_of(url).glob(f"{url.parent.text}/*")
    except StoreError:
        beside = []
    others = (RemotePath(text) for text in beside)
    found: list[Location] = [
        path
        for path in others
        if path != url and data_suffix(path.name) and read_name(path).pattern == own.pattern
    ]
    if not found and own.count is not None and url.bare == url.text:
        found = _fellows(url)
    return sorted([*found, url], key=str)


def _fellows(url: RemotePath) -> list[Location]:
    own = read_name(url)
    count = own.count or 0
    numbers = (f"{i:0{own.digits}}-of-{count:0{own.digits}}" for i in range(min(count, 100_000)))
    names = (f"{own.name}-{number}{own.suffix}" for number in numbers)
    return [url.with_name(name) for name in names if name != url.name]
