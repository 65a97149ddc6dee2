"""Paths, globs and folders -> datasets with their splits and shards.

Looks at names, folders and file headers; reads no rows, judges nothing, knows no settings beyond
the column names that make a file a pre-tokenised dataset.
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pytest_pretok.readers import UnreadableFile, data_suffix, read_header

DICT_FILE = "dataset_dict.json"
STATE_FILE = "state.json"
UNSEARCHED = frozenset({"node_modules", "__pycache__", "site-packages"})

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
    """One file that belongs to a split; ``error`` says why it cannot be opened."""

    path: Path
    error: str | None = None


@dataclass(frozen=True, slots=True)
class FoundSplit:
    """One split: its name, its shards in order, and the file that its test items hang on.

    ``named`` tells whether items carry the split's name in brackets.
    """

    name: str
    shards: tuple[FoundShard, ...]
    anchor: Path
    named: bool = False


@dataclass(frozen=True, slots=True)
class FoundDataset:
    """Splits that belong together; ``path`` is the file or folder that stands for them."""

    path: Path
    splits: tuple[FoundSplit, ...]


@dataclass(slots=True)
class Search:
    """What a walk found: files that may hold data, saved folders, and how much was passed over."""

    files: list[Path] = field(default_factory=list)
    saved: list[Path] = field(default_factory=list)
    declarations: list[Path] = field(default_factory=list)
    passed_over: int = 0


def split_word(text: str) -> str | None:
    """The split that a file or folder name speaks of: train, validation, test, or None."""
    found = _WORD.search(text.replace("_", "-"))
    return _SPLIT_WORDS[found.group(1).lower()] if found else None


def is_saved_folder(folder: Path) -> bool:
    """Whether a folder was written by `save_to_disk` (of a Dataset or a DatasetDict)."""
    return (folder / DICT_FILE).is_file() or (
        (folder / STATE_FILE).is_file() and "_data_files" in _json_object(folder / STATE_FILE)
    )


def walk(root: Path, ignored: Collection[Path] = ()) -> Search:
    """Search a folder for data, in a fixed order.

    Hidden folders, virtual environments and `node_modules` are left out (unless ``root`` is one).
    A real file or folder is met once, however many links lead to it.
    """
    search = Search()
    seen: set[str] = set()
    _walk(root, search, seen, frozenset(ignored), top=True)
    search.files = _once(search.files)
    return search


def _walk(
    folder: Path, search: Search, seen: set[str], ignored: frozenset[Path], top: bool
) -> None:
    real = os.path.realpath(folder)
    if real in seen or folder in ignored:
        return
    seen.add(real)
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: (entry.is_symlink(), entry.name))
    except OSError:
        # Nothing in a folder that cannot be listed is checked: it stands for its files and fails.
        search.files.append(folder)
        return
    names = {entry.name for entry in entries}
    if not top and "pyvenv.cfg" in names:
        return
    saved = is_saved_folder(folder) if names & {DICT_FILE, STATE_FILE} else False
    if saved:
        search.saved.append(folder)
    for entry in entries:
        path = folder / entry.name
        if path in ignored:
            continue
        if _is_folder(entry):
            hidden = entry.name.startswith(".") or entry.name in UNSEARCHED
            if not hidden and not saved:
                _walk(path, search, seen, ignored, top=False)
        elif entry.name == "pyproject.toml":
            search.declarations.append(path)
        elif data_suffix(entry.name) and not entry.name.startswith("."):
            if saved:
                search.passed_over += entry.name.endswith(".arrow") and entry.name not in _listed(
                    folder
                )
            else:
                search.files.append(path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False


def _once(paths: Iterable[Path]) -> list[Path]:
    """Each real file once: under its own name where that was met, else under its first link."""
    by_real: dict[str, Path] = {}
    for path in paths:
        real = os.path.realpath(path)
        if real not in by_real or (by_real[real].is_symlink() and not path.is_symlink()):
            by_real[real] = path
    return sorted(by_real.values(), key=str)


def has_columns(path: Path, columns: Collection[str]) -> bool | None:
    """Whether a file found in a folder is a pre-tokenised dataset, by its header.

    None where it cannot be read although its name says that it should hold data. A file that is
    whole but no table (somebody's JSON configuration) is no broken dataset.
    """
    try:
        return any(name in columns for name in read_header(path).columns)
    except UnreadableFile as error:
        return False if error.foreign else None


# -- datasets without a declaration ------------------------------------------------------------


def group_files(files: Sequence[Path], columns: Collection[str]) -> tuple[list[FoundDataset], int]:
    """Undeclared files -> datasets, and how many files were passed over as something else.

    Files of one folder named NAME-00000-of-0000N.EXT are the shards of one split. Files or splits
    of one folder that differ by the words train, validation and test alone are the splits of one
    dataset.
    """
    passed_over = 0
    splits: dict[tuple[str, str], list[FoundSplit]] = {}
    for members in _shard_groups(files):
        verdicts = [has_columns(path, columns) for path in members]
        if not any(verdict is not False for verdict in verdicts):
            passed_over += len(members)
            continue
        split, key = _undeclared_split(members)
        splits.setdefault(key, []).append(split)
    datasets: list[FoundDataset] = []
    for found in splits.values():
        datasets += _pair_up(found)
    return sorted(datasets, key=lambda dataset: str(dataset.path)), passed_over


def _shard_groups(files: Sequence[Path]) -> list[list[Path]]:
    groups: dict[tuple[str, ...], list[Path]] = {}
    for path in files:
        groups.setdefault(_shard_key(path), []).append(path)
    return list(groups.values())


def _shard_key(path: Path) -> tuple[str, ...]:
    stem, suffix = _stem(path)
    match = _SHARD.match(stem)
    if match is None:
        return (str(path),)
    return (str(path.parent), match["name"], match["count"], suffix)


def _stem(path: Path) -> tuple[str, str]:
    suffix = data_suffix(path.name) or path.suffix
    return path.name[: len(path.name) - len(suffix)], suffix


def _undeclared_split(members: list[Path]) -> tuple[FoundSplit, tuple[str, str]]:
    stem, _ = _stem(members[0])
    match = _SHARD.match(stem)
    name = match["name"] if match else stem
    split = split_word(name) or "train"
    shards = _with_missing(members, int(match["count"])) if match else (FoundShard(members[0]),)
    rest = _WORD.sub("*", name.replace("_", "-"), count=1)
    key = (str(members[0].parent), rest if split_word(name) else f"{name} {members[0].name}")
    return FoundSplit(split, shards, members[0], named=match is not None), key


def _with_missing(members: list[Path], count: int) -> tuple[FoundShard, ...]:
    """The shards of a group in order, with those that its names promise but that are not there."""
    by_index: dict[int, Path] = {}
    for path in members:
        match = _SHARD.match(_stem(path)[0])
        if match:
            by_index[int(match["index"])] = path
    shards = [FoundShard(path) for _, path in sorted(by_index.items())]
    absent = [index for index in range(count) if index not in by_index]
    if absent and count <= 100_000:
        stem, suffix = _stem(members[0])
        match = _SHARD.match(stem)
        width = len(match["index"]) if match else 5
        name = match["name"] if match else stem
        for index in absent[:20]:
            path = members[0].with_name(f"{name}-{index:0{width}}-of-{count:0{width}}{suffix}")
            shards.append(FoundShard(path, error="the shard is missing"))
    return tuple(sorted(shards, key=lambda shard: str(shard.path)))


def _pair_up(splits: list[FoundSplit]) -> list[FoundDataset]:
    """Splits of one folder and name: one dataset if each is another split, train among them."""
    names = [split.name for split in splits]
    if len(splits) > 1 and len(set(names)) == len(names) and "train" in names:
        ordered = tuple(sorted(splits, key=lambda split: split_rank(split.name)))
        return [FoundDataset(ordered[0].anchor.parent, ordered)]
    return [FoundDataset(split.anchor, (split,)) for split in splits]


def split_rank(name: str) -> tuple[int, str]:
    """Sorts splits as people list them: train, validation, test, then by name."""
    order = {"train": 0, "validation": 1, "test": 2}
    return order.get(name, 3), name


# -- save_to_disk ------------------------------------------------------------------------------


def saved_dataset(folder: Path) -> FoundDataset:
    """The splits and shards that a `save_to_disk` folder names in its own metadata.

    Only the files named in ``state.json`` belong to it; caches lie beside them in the wild. Names
    that lead out of the folder are refused and make the split unreadable.
    """
    if not (folder / DICT_FILE).is_file():
        split = FoundSplit("train", _state_shards(folder), folder / STATE_FILE)
        return FoundDataset(folder, (split,))
    anchor = folder / DICT_FILE
    names = _json_object(anchor).get("splits")
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        broken = FoundShard(anchor, error=f"{DICT_FILE} names no splits")
        return FoundDataset(folder, (FoundSplit("train", (broken,), anchor, named=True),))
    splits = []
    for name in names:
        if not _stays_inside(name) or "/" in name:
            broken = FoundShard(
                anchor, error=f"{DICT_FILE} names a split outside its folder: {name!r}"
            )
            splits.append(FoundSplit(_plain_name(name), (broken,), anchor, named=True))
        else:
            shards = _state_shards(folder / name)
            splits.append(FoundSplit(_plain_name(name), shards, anchor, named=True))
    return FoundDataset(folder, tuple(sorted(splits, key=lambda split: split_rank(split.name))))


def _plain_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[:80] or "_"


def _state_shards(folder: Path) -> tuple[FoundShard, ...]:
    state = folder / STATE_FILE
    if not state.is_file():
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
        elif not (folder / name).is_file():
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


def _listed(folder: Path) -> set[str]:
    listed = _json_object(folder / STATE_FILE).get("_data_files")
    names = (
        [entry.get("filename") for entry in listed if isinstance(entry, dict)]
        if isinstance(listed, list)
        else []
    )
    return {name for name in names if isinstance(name, str)}


def _json_object(path: Path) -> dict[str, object]:
    """The object in a small JSON file, empty where there is none."""
    try:
        if path.stat().st_size > 2**26:
            return {}
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


# -- declared paths ----------------------------------------------------------------------------


def declared_splits(
    path: str | None, splits: dict[str, str] | None, folder: Path, columns: Collection[str]
) -> tuple[FoundSplit, ...]:
    """The splits of a declared dataset; ``folder`` is the declaration's.

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
        if glob.has_magic(part) or not (base / part).is_dir():
            break
        base = base / part
    return base


def _split_of_path(path: Path, base: Path) -> str:
    """The split by file name, else by the folders below ``base``, else train."""
    names = [_stem(path)[0]]
    if path.is_relative_to(base):
        names += reversed(path.relative_to(base).parts[:-1])
    return next((word for name in names if (word := split_word(name))), "train")


def _declared_shards(text: str, folder: Path, columns: Collection[str]) -> tuple[FoundShard, ...]:
    path = folder / text
    if path.is_dir():
        if is_saved_folder(path):
            saved = saved_dataset(path)
            return tuple(shard for split in saved.splits for shard in split.shards)
        files = list(_data_files(path, columns))
        return _complete(files) or (FoundShard(path, error="the folder holds no data files"),)
    if path.exists():
        return (FoundShard(path),)
    if glob.has_magic(text):
        found = sorted(glob.glob(str(path), recursive=True))
        files = _once(Path(name) for name in found if Path(name).is_file())
        return _complete(files) or (FoundShard(path, error="no file matches this pattern"),)
    return (FoundShard(path, error="there is no such file or folder"),)


def _data_files(folder: Path, columns: Collection[str]) -> Iterator[Path]:
    for path in walk(folder).files:
        # JSON beside data is often metadata; a table of any other kind is taken at its word.
        if path.suffix.lower() != ".json" or has_columns(path, columns) is not False:
            yield path


def _complete(files: list[Path]) -> tuple[FoundShard, ...]:
    """The files as shards, with the shards that their own names promise but that are missing."""
    shards: list[FoundShard] = []
    for members in _shard_groups(files):
        match = _SHARD.match(_stem(members[0])[0])
        shards += _with_missing(members, int(match["count"])) if match else [FoundShard(members[0])]
    return tuple(shards)


def siblings(path: Path) -> list[Path]:
    """The files that could belong to the same split or dataset as a file named on its own."""
    stem, _ = _stem(path)
    match = _SHARD.match(stem)
    name = match["name"] if match else stem
    if match is None and split_word(name) is None:
        return [path]
    rest = _WORD.sub("*", name.replace("_", "-"), count=1)
    found = []
    for entry in sorted(os.listdir(path.parent)):
        other = path.parent / entry
        if other == path:
            found.append(other)
            continue
        if not data_suffix(entry) or not other.is_file():
            continue
        other_match = _SHARD.match(_stem(other)[0])
        other_name = other_match["name"] if other_match else _stem(other)[0]
        same = _WORD.sub("*", other_name.replace("_", "-"), count=1) == rest
        if same and os.path.realpath(other) != os.path.realpath(path):
            found.append(other)
    return found
