"""A sample of a `save_to_disk` folder: the folder that `datasets.load_from_disk` reads.

Imports no `datasets`: its metadata are small JSON files, taken over from the source.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from pytest_pretok.discovery import DICT_FILE, STATE_FILE
from pytest_pretok.discovery.saved import INFO_FILE

DATA_FILE = "data-00000-of-00001.arrow"
# What is said of all rows, and is not true of some of them.
_SIZES = ("splits", "download_size", "dataset_size", "size_in_bytes", "download_checksums")

Write = Callable[[Path], None]


def write_saved(folders: Mapping[Path, tuple[Path, Write]], source: Path, out: Path) -> None:
    """Write a saved folder: by folder of the source, its place in ``out`` and who writes the rows.

    ``source`` is the folder as a whole; where it is a DatasetDict its list of splits is kept, less
    those that ``folders`` does not name.
    """
    out.mkdir()
    if (source / DICT_FILE).is_file():
        names = {folder.name for folder in folders}
        told = _read(source / DICT_FILE)
        kept = [name for name in told.get("splits", ()) if name in names]
        _write(out / DICT_FILE, {**told, "splits": kept})
    for folder, (place, write) in folders.items():
        place.mkdir(exist_ok=True)
        write(place / DATA_FILE)
        state = _read(folder / STATE_FILE)
        state["_data_files"] = [{"filename": DATA_FILE}]
        state["_fingerprint"] = sha256((place / DATA_FILE).read_bytes()).hexdigest()[:16]
        for key in ("_indices_data_files", "_indices_files"):
            state.pop(key, None)
        _write(place / STATE_FILE, state)
        info = {k: v for k, v in _read(folder / INFO_FILE).items() if k not in _SIZES}
        _write(place / INFO_FILE, info)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")
