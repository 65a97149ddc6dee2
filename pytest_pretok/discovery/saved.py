"""`save_to_disk` folders of the library `datasets`: the splits and shards that they name.

Reads their small JSON files and believes nothing that leads out of the folder.
"""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath

from pytest_pretok.discovery.names import FoundDataset, FoundShard, FoundSplit, split_rank
from pytest_pretok.paths import is_file
from pytest_pretok.stores import Location, read_small

DICT_FILE = "dataset_dict.json"
STATE_FILE = "state.json"
INFO_FILE = "dataset_info.json"


def is_saved_folder(folder: Location) -> bool:
    """Whether a folder was written by `save_to_disk` (of a Dataset or a DatasetDict).

    A state file alone may be anybody's; beside `INFO_FILE` a broken one is a broken dataset.
    """
    if is_file(folder / DICT_FILE):
        return True
    state = folder / STATE_FILE
    return is_file(state) and ("_data_files" in _json_object(state) or is_file(folder / INFO_FILE))


def saved_dataset(folder: Location) -> FoundDataset:
    """The splits and shards that a `save_to_disk` folder names in its own metadata.

    Only the files named in ``state.json`` belong to it; caches lie beside them in the wild. Names
    that lead out of the folder are refused and make the split unreadable.
    """
    if not is_file(folder / DICT_FILE):
        split = FoundSplit("train", _state_shards(folder), folder / STATE_FILE)
        return FoundDataset(folder, (split,))
    anchor = folder / DICT_FILE
    names = _json_object(anchor).get("splits")
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        broken = FoundShard(anchor, error=f"{DICT_FILE} names no splits")
        return FoundDataset(folder, (FoundSplit("train", (broken,), anchor, named=True),))
    splits: dict[str, FoundSplit] = {}
    for name in dict.fromkeys(names):
        shards: tuple[FoundShard, ...]
        if not _stays_inside(name) or "/" in name:
            error = f"{DICT_FILE} names a split outside its folder: {name!r}"
            shards = (FoundShard(anchor, error=error[:200]),)
        else:
            shards = _state_shards(folder / name)
        plain = _plain_name(name)
        while plain in splits:  # two names that look the same once they are made plain
            plain += "_"
        splits[plain] = FoundSplit(plain, shards, anchor, named=True)
    ordered = sorted(splits.values(), key=lambda split: split_rank(split.name))
    return FoundDataset(folder, tuple(ordered))


def saved_around(path: Location) -> FoundDataset | None:
    """The saved dataset that a file is a shard of, by its own metadata."""
    for folder in (path.parent.parent, path.parent):
        if is_saved_folder(folder):
            dataset = saved_dataset(folder)
            if any(shard.path == path for split in dataset.splits for shard in split.shards):
                return dataset
    return None


def _plain_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[:80] or "_"


def _state_shards(folder: Location) -> tuple[FoundShard, ...]:
    state = folder / STATE_FILE
    if not is_file(state):
        return (FoundShard(state, error=f"{STATE_FILE} is missing"),)
    listed = _json_object(state).get("_data_files")
    if not isinstance(listed, list) or not listed:
        return (FoundShard(state, error=f"{STATE_FILE} names no data files"),)
    shards = []
    for entry in listed:
        name = entry.get("filename") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not _stays_inside(name):
            text = f"{STATE_FILE} names a file outside its folder: {name!r}"
            shards.append(FoundShard(state, error=text[:200]))
        elif not is_file(folder / name):
            shards.append(
                FoundShard(folder / name, error=f"{STATE_FILE} names it, but it is missing")
            )
        else:
            shards.append(FoundShard(folder / name))
    return tuple(shards)


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/"))
    inside = bool(name) and not parts.is_absolute() and ".." not in parts.parts
    return inside and ":" not in parts.parts[0] and "\x00" not in name


def format_type(folder: Location) -> str | None:
    """The format in which a saved folder gives its values back (``numpy``), None for plain ones."""
    found = _json_object(folder / STATE_FILE).get("_format_type")
    return found if isinstance(found, str) else None


def listed_files(folder: Location) -> set[str]:
    """The data files that a folder's ``state.json`` names."""
    listed = _json_object(folder / STATE_FILE).get("_data_files")
    names = (
        [entry.get("filename") for entry in listed if isinstance(entry, dict)]
        if isinstance(listed, list)
        else []
    )
    return {name for name in names if isinstance(name, str)}


def _json_object(path: Location) -> dict[str, object]:
    """The object in a small JSON file, empty where there is none."""
    try:
        found = json.loads(read_small(path) or b"")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
