"""What lies under a path that a declaration can name: datasets, tokenizers, configurations.

Looks at names and headers, through `discovery`; reads no rows.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_pretok import discovery
from pytest_pretok.discovery import FoundDataset, FoundSplit
from pytest_pretok.discovery.names import read_name
from pytest_pretok.paths import exists, is_file, is_folder
from pytest_pretok.readers import data_suffix
from pytest_pretok.starting.contracts import MAKE_A_DATASET
from pytest_pretok.stores import Location, RemotePath, identity
from pytest_pretok.trainer_configs import SUFFIXES
from pytest_pretok.trainer_configs.read import looks_like_config

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tekken.json")


class StartError(Exception):
    """No declaration can be written; the text says why. ``faulty``: one that is there is broken."""

    def __init__(self, text: str, faulty: bool = False) -> None:
        super().__init__(text)
        self.faulty = faulty


@dataclass(frozen=True, slots=True)
class Named:
    """A dataset under the name and with the paths (one, or one a split) that a declaration gives.

    Paths are relative to the declaration's folder where they lie in it.
    """

    name: str
    dataset: FoundDataset
    path: str | None
    splits: dict[str, str] | None

    @property
    def files(self) -> list[Location]:
        """All its shards."""
        return _files(self.dataset.splits)


def datasets_under(path: Path) -> list[FoundDataset]:
    """The datasets at a file or in a folder, grouped as those that no declaration names.

    Raises:
        StartError: there is nothing of that name, or no data.
    """
    if not exists(path):
        raise StartError(f"{path}: there is no such file or folder")
    if is_folder(path):
        search = discovery.walk(path)
        found, _ = discovery.group_files(search.files, MAKE_A_DATASET)
        found += [discovery.saved_dataset(folder) for folder in search.saved]
        return sorted(found, key=lambda dataset: str(dataset.path))
    around = discovery.Surroundings()
    saved = around.saved(path)
    if saved is not None:
        return [saved]
    found, _ = discovery.group_files(around.siblings(path), MAKE_A_DATASET)
    return [one for one in found if path in _files(one.splits)]


def _files(splits: Iterable[FoundSplit]) -> list[Location]:
    return [shard.path for split in splits for shard in split.shards]


def name_all(datasets: Sequence[FoundDataset], base: Path) -> list[Named]:
    """The datasets with names and paths for a declaration in the folder ``base``.

    Raises:
        StartError: a file cannot be named there.
    """
    taken: set[str] = set()
    found = []
    for dataset in datasets:
        name = plain = _plain_name(dataset, base)
        number = 2
        while name in taken:
            name, number = f"{plain}-{number}", number + 1
        taken.add(name)
        path, splits = _declarable(dataset, base)
        found.append(Named(name, dataset, path, splits))
    return found


def _declarable(dataset: FoundDataset, base: Path) -> tuple[str | None, dict[str, str] | None]:
    """A path, or one a split, that leads to the files of a dataset and to no other."""
    for number in ("*", "[0-9]"):  # the plain pattern, if it does
        path, splits = _paths(dataset, base, number)
        told = discovery.declared_splits(path, splits, base, MAKE_A_DATASET)
        if _real(told) == _real(dataset.splits):
            return path, splits
    raise StartError(f"{dataset.path}: no path names just these files; declare them by hand")


def _real(splits: Iterable[FoundSplit]) -> set[tuple[str, str | None]]:
    return {(identity(one.path), one.error) for split in splits for one in split.shards}


def _plain_name(dataset: FoundDataset, base: Path) -> str:
    path = dataset.path
    text = read_name(path).name if data_suffix(path.name) else path.name
    text = text.replace("*", "")
    if discovery.split_word(text) and not re.search(r"[-_.]", text) and path.parent != base:
        text = path.parent.name  # hub/train.parquet: the folder says more
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._") or "data"


def _paths(
    dataset: FoundDataset, base: Path, number: str
) -> tuple[str | None, dict[str, str] | None]:
    if discovery.is_saved_folder(dataset.path):
        return relative(dataset.path, base), None
    told = {split.name: _pattern(split, base, number) for split in dataset.splits}
    return (next(iter(told.values())), None) if len(told) == 1 else (None, told)


def _pattern(split: FoundSplit, base: Path, number: str) -> str:
    if len(split.shards) == 1:
        return relative(split.shards[0].path, base)
    first = split.shards[0].path
    told = read_name(first)
    number = number if number == "*" else number * told.digits
    name = f"{glob.escape(told.name)}-{number}-of-{told.count:0{told.digits}}"
    hashed = len(first.name) > len(f"{told.name}-{told.suffix}") + 2 * told.digits + len("-of-")
    name += ("-*" if hashed else "") + glob.escape(told.suffix)
    folder = glob.escape(relative(first.parent, base))
    return name if folder == "." else f"{folder}/{name}"


def relative(path: Location, base: Path) -> str:
    """A path as a declaration in the folder ``base`` writes it."""
    if isinstance(path, RemotePath):
        return path.text
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()


def configs_beside(path: Path, base: Path) -> list[Path]:
    """Trainer configurations at the top of the searched folder and of ``base``."""
    folders = dict.fromkeys((path if is_folder(path) else path.parent, base))
    return [
        file
        for folder in folders
        for file in _entries(folder)
        if file.suffix.lower() in SUFFIXES and is_file(file) and looks_like_config(file)
    ]


def tokenizers_beside(path: Path, base: Path) -> list[Path]:
    """Folders that hold a tokenizer: the searched one, its parent, ``base``, and those in them."""
    here = path if is_folder(path) else path.parent
    tops = [here, base, *([here.parent] if here.parent.is_relative_to(base) else [])]
    found: dict[str, Path] = {}
    for top in dict.fromkeys(tops):
        for folder in (top, *(one for one in _entries(top) if is_folder(one))):
            if any(is_file(folder / name) for name in TOKENIZER_FILES):
                found.setdefault(os.path.realpath(folder), folder)
    return list(found.values())


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(one for one in folder.iterdir() if not one.name.startswith("."))
    except OSError:
        return []
