"""What file names say: splits, numbered shards; and what discovery finds, as plain values.

Looks at names only; opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_pretok.readers import data_suffix
from pytest_pretok.stores import Location

MISSING_NAMED = 20  # missing shards of a group that are named; one is enough to fail

_SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "valid": "validation",
    "validation": "validation",
    "val": "validation",
    "dev": "validation",
    "eval": "validation",
    "evaluation": "validation",
    "test": "test",
    "testing": "test",
}
_WORD = re.compile(r"(?<![A-Za-z0-9])(" + "|".join(_SPLIT_WORDS) + r")(?![A-Za-z0-9])", re.I)
# What `datasets` and the Hub write: NAME-00000-of-00003.EXT, with or without a hash behind.
_SHARD = re.compile(r"^(?P<name>.+)-(?P<index>\d{4,6})-of-(?P<count>\d{4,6})(?P<hash>-[0-9a-f]+)?$")


@dataclass(frozen=True, slots=True)
class FoundShard:
    """One file that belongs to a split; ``error`` says why it cannot be opened.

    ``format`` is the only one that it may have, where what names it says so; ``columns`` are the
    only ones of it that its rows show (None: all).
    """

    path: Location
    error: str | None = None
    format: str | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class FoundSplit:
    """One split: its name, its shards in order, and the file that its test items hang on.

    ``named`` tells whether items carry the split's name in brackets.
    """

    name: str
    shards: tuple[FoundShard, ...]
    anchor: Location
    named: bool = False


@dataclass(frozen=True, slots=True)
class FoundDataset:
    """Splits that belong together; ``path`` is the file or folder that stands for them."""

    path: Location
    splits: tuple[FoundSplit, ...]


def split_word(text: str) -> str | None:
    """The split that a file or folder name speaks of: train, validation, test, or None."""
    found = _WORD.search(text.replace("_", "-"))
    return _SPLIT_WORDS[found.group(1).lower()] if found else None


def split_rank(name: str) -> tuple[int, str]:
    """Sorts splits as people list them: train, validation, test, then by name."""
    order = {"train": 0, "validation": 1, "test": 2}
    return order.get(name, 3), name


@dataclass(frozen=True, slots=True)
class FileName:
    """A file name in parts: what it is called, its number among its fellows, its data suffix.

    ``index`` and ``count`` are None where the file is not numbered; ``digits`` is how the number
    is written.
    """

    name: str
    suffix: str
    index: int | None = None
    count: int | None = None
    digits: int = 5

    @property
    def pattern(self) -> str:
        """The name with a star for the word that tells its split, if there is one."""
        return _WORD.sub("*", self.name.replace("_", "-"), count=1)


def read_name(path: Location) -> FileName:
    """The parts of a file name; NAME-00000-of-00003.EXT is one of three numbered shards."""
    suffix = data_suffix(path.name) or path.suffix
    stem = path.name[: len(path.name) - len(suffix)]
    match = _SHARD.match(stem)
    if match is None:
        return FileName(stem, suffix)
    index, count = int(match["index"]), int(match["count"])
    return FileName(match["name"], suffix, index, count, len(match["index"]))


def shard_key(path: Location) -> tuple[str, ...]:
    """What the shards of one split have in common; a key of its own for any other file."""
    found = read_name(path)
    if found.count is None:
        return (str(path),)
    return (str(path.parent), found.name, str(found.count), found.suffix)


def shard_groups(files: Iterable[Location]) -> list[list[Location]]:
    """Files by the split that they are shards of, in the order of their first."""
    groups: dict[tuple[str, ...], list[Location]] = {}
    for path in files:
        groups.setdefault(shard_key(path), []).append(path)
    return list(groups.values())


def with_missing(members: Sequence[Location]) -> tuple[FoundShard, ...]:
    """The shards of one group in order, with those that its names promise but that are not there.

    A file that is not numbered is its own only shard; files of one number are all shards.
    """
    names = {path: read_name(path) for path in members}
    first = names[members[0]]
    if first.count is None:
        return tuple(FoundShard(path) for path in members)
    shards = [(name.index or 0, FoundShard(path)) for path, name in names.items()]
    there = {index for index, _ in shards}
    absent = [index for index in range(min(first.count, 100_000)) if index not in there]
    for index in absent[:MISSING_NAMED]:
        digits = first.digits
        number = f"{index:0{digits}}-of-{first.count:0{digits}}"
        path = members[0].with_name(f"{first.name}-{number}{first.suffix}")
        shards.append((index, FoundShard(path, error="the shard is missing")))
    return tuple(shard for _, shard in sorted(shards, key=lambda item: item[0]))
