"""`save_to_disk` folders of the library `datasets`: the splits and shards that they name.

Reads their small JSON files and believes nothing that leads out of the folder.
"""

from __future__ import annotations

import json
import os
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
        if wrong := _wrong_with(name, "a split", single="/" not in name):
            shards = (FoundShard(anchor, error=f"{DICT_FILE} names {wrong}"[:200]),)
        else:
            shards = _state_shards(folder / name)
        plain = _plain_name(name)
        while plain in splits:  # two names that look the same once they are made plain
            plain += "_"
        splits[plain] = FoundSplit(plain, shards, anchor, named=True)
    ordered = sorted(splits.values(), key=lambda split: split_rank(split.name))
    return FoundDataset(folder, tuple(ordered))


def _plain_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[:80] or "_"


def _state_shards(folder: Location) -> tuple[FoundShard, ...]:
    state = folder / STATE_FILE
    if not is_file(state):
        return (FoundShard(state, error=f"{STATE_FILE} is missing"),)
    told = _json_object(state)
    listed = told.get("_data_files")
    if not isinstance(listed, list) or not listed:
        return (FoundShard(state, error=f"{STATE_FILE} names no data files"),)
    columns = _shown_columns(told)
    shards = []
    for entry in listed:
        name = entry.get("filename") if isinstance(entry, dict) else None
        path = folder / str(name)
        if wrong := _wrong_with(name, "a file"):
            shards.append(FoundShard(state, error=f"{STATE_FILE} names {wrong}"[:200]))
        elif not is_file(path):
            shards.append(FoundShard(path, error=f"{STATE_FILE} names it, but it is missing"))
        else:
            # `datasets` reads no other format.
            shards.append(FoundShard(path, format="arrow-stream", columns=columns))
    return tuple(shards)


def _shown_columns(state: dict[str, object]) -> tuple[str, ...] | None:
    """The only columns that rows show: those of `set_format`, which is saved with the data."""
    columns = state.get("_format_columns")
    if not isinstance(columns, list) or state.get("_output_all_columns"):
        return None
    return tuple(name for name in columns if isinstance(name, str))


def _wrong_with(name: object, kind: str, single: bool = True) -> str | None:
    """Why a name in a folder's metadata is not followed, None if it is."""
    if not isinstance(name, str) or not single or not _stays_inside(name):
        return f"{kind} outside its folder: {name!r}"
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return f"{kind} that no file system can have: {name!r}"
    return None


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/"))
    inside = bool(parts.parts) and not parts.is_absolute() and ".." not in parts.parts
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
    """The object in a small JSON file, empty where there is none, or one that is not UTF-8."""
    try:
        found = json.loads((read_small(path) or b"").decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
