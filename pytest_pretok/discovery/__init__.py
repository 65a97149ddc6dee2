"""Paths, globs, folders and URLs -> datasets with their splits and shards.

Looks at names, folders and file headers; reads no rows, judges nothing, knows no settings.
"""

from __future__ import annotations

from pytest_pretok.discovery.around import Surroundings
from pytest_pretok.discovery.declared import declared_splits
from pytest_pretok.discovery.names import (
    FoundDataset,
    FoundShard,
    FoundSplit,
    shard_key,
    split_word,
)
from pytest_pretok.discovery.remote import NOTHING, matches, search_remote
from pytest_pretok.discovery.saved import (
    DICT_FILE,
    STATE_FILE,
    is_saved_folder,
    saved_dataset,
)
from pytest_pretok.discovery.undeclared import group_files
from pytest_pretok.discovery.walk import Search, walk

__all__ = [
    "DICT_FILE",
    "NOTHING",
    "STATE_FILE",
    "FoundDataset",
    "FoundShard",
    "FoundSplit",
    "Search",
    "Surroundings",
    "declared_splits",
    "group_files",
    "is_saved_folder",
    "matches",
    "saved_dataset",
    "search_remote",
    "shard_key",
    "split_word",
    "walk",
]
