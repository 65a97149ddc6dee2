"""Files named one by one -> the datasets that they belong to, each folder looked through once.

A shell or a pattern names thousands of them. Knows names and headers; no settings beyond the
column names that make a file a dataset.
"""

from __future__ import annotations

import os
from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_pretok.discovery.names import (
    FoundDataset,
    FoundShard,
    FoundSplit,
    read_name,
    split_word,
)
from pytest_pretok.discovery.remote import remote_siblings
from pytest_pretok.discovery.saved import is_saved_folder, saved_dataset
from pytest_pretok.discovery.undeclared import group_files
from pytest_pretok.paths import is_file
from pytest_pretok.readers import data_suffix
from pytest_pretok.stores import Location, RemotePath, identity

Owned = tuple[FoundDataset, FoundSplit]
_Key = tuple[Location, str, int, frozenset[str]]


@dataclass(slots=True)
class Surroundings:
    """What lies around files, remembered for as long as this lives."""

    _named: dict[Path, dict[str, list[str]]] = field(default_factory=dict)
    _fellows: dict[tuple[Path, str], dict[Path, str]] = field(default_factory=dict)
    _owned: dict[_Key, dict[Location, Owned | None]] = field(default_factory=dict)
    _saved: dict[Location, tuple[FoundDataset, frozenset[Location]] | None] = field(
        default_factory=dict
    )

    def saved(self, path: Location) -> FoundDataset | None:
        """The saved dataset that a file is a shard of, by its own metadata."""
        if isinstance(path, RemotePath) and path.suffix != ".arrow":
            return None  # `save_to_disk` writes no other; a store is not asked for others' sake
        for folder in (path.parent.parent, path.parent):
            if folder not in self._saved:
                self._saved[folder] = _shards_of(folder) if is_saved_folder(folder) else None
            found = self._saved[folder]
            if found is not None and path in found[1]:
                return found[0]
        return None

    def siblings(self, path: Path) -> list[Path]:
        """The files that could belong to the same split or dataset as a file, itself included.

        Of links to it, and of those that a link to it names, none is among them.
        """
        own = read_name(path)
        if own.count is None and split_word(own.name) is None:
            return [path]
        real, fellows = os.path.realpath(path), self._real_paths(path.parent, own.pattern)
        found = [other for other, theirs in fellows.items() if theirs != real and other != path]
        insort(found, path, key=lambda other: other.name)
        return found

    def owner(
        self, path: Location, claimed: Mapping[str, object], columns: frozenset[str]
    ) -> Owned:
        """The dataset and split that a file is a shard of; a dataset of its own if of no other.

        ``claimed`` are the identities of files that belong to others, and only grow in number.
        """
        alone = FoundSplit(split_word(path.stem) or "train", (FoundShard(path),), path)
        if isinstance(path, RemotePath):
            # No header is fetched: an object that is named is data.
            found = _owned(remote_siblings(path), claimed, None)
            return found.get(path) or (FoundDataset(path, (alone,)), alone)
        pattern = read_name(path).pattern
        fellows = self._real_paths(path.parent, pattern)
        # Without links among them, files that could belong together are the same for all of them.
        alike = path in fellows and len(set(fellows.values())) == len(fellows)
        key = (path.parent, pattern, len(claimed), columns)
        known = self._owned.setdefault(key, {}) if alike else {}
        if path not in known:
            known.update(_owned(self.siblings(path), claimed, columns))
        return known.get(path) or (FoundDataset(path, (alone,)), alone)

    def _real_paths(self, folder: Path, pattern: str) -> dict[Path, str]:
        """The files of a folder whose names have a pattern, by name, and where each leads."""
        if (folder, pattern) not in self._fellows:
            paths = [folder / name for name in self._names(folder).get(pattern, ())]
            self._fellows[folder, pattern] = {
                path: os.path.realpath(path) for path in paths if is_file(path)
            }
        return self._fellows[folder, pattern]

    def _names(self, folder: Path) -> dict[str, list[str]]:
        """The names in a folder that data files have, by what they have in common."""
        if folder not in self._named:
            by_pattern: dict[str, list[str]] = {}
            try:
                entries = sorted(os.listdir(folder))
            except OSError:
                entries = []
            for entry in entries:
                if data_suffix(entry):
                    by_pattern.setdefault(read_name(Path(entry)).pattern, []).append(entry)
            self._named[folder] = by_pattern
        return self._named[folder]


def _shards_of(folder: Location) -> tuple[FoundDataset, frozenset[Location]]:
    dataset = saved_dataset(folder)
    return dataset, frozenset(s.path for split in dataset.splits for s in split.shards)


def _owned(
    files: Sequence[Location], claimed: Mapping[str, object], columns: frozenset[str] | None
) -> dict[Location, Owned | None]:
    groups, _ = group_files([p for p in files if identity(p) not in claimed], columns)
    found: dict[Location, Owned | None] = dict.fromkeys(files)
    for dataset in groups:
        for split in dataset.splits:
            found.update((shard.path, (dataset, split)) for shard in split.shards)
    return found
