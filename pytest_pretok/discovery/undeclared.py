"""Files that no declaration names -> datasets with splits and shards.

Knows names and headers; no settings beyond the column names that make a file a dataset.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from pytest_pretok.discovery.names import (
    FoundDataset,
    FoundSplit,
    read_name,
    shard_groups,
    split_rank,
    split_word,
    with_missing,
)
from pytest_pretok.discovery.walk import has_columns


def group_files(files: Sequence[Path], columns: Collection[str]) -> tuple[list[FoundDataset], int]:
    """Undeclared files -> datasets, and how many files were passed over as something else.

    Files of one folder named NAME-00000-of-0000N.EXT are the shards of one split. Files or splits
    of one folder that differ by the words train, validation and test alone are the splits of one
    dataset.
    """
    passed_over = 0
    splits: dict[tuple[str, str], list[FoundSplit]] = {}
    for members in shard_groups(files):
        verdicts = [has_columns(path, columns) for path in members]
        if not any(verdict is not False for verdict in verdicts):
            passed_over += len(members)
            continue
        split, key = _undeclared_split(members)
        splits.setdefault(key, []).append(split)
    datasets: list[FoundDataset] = []
    for (folder, pattern), found in splits.items():
        datasets += _pair_up(found, Path(folder), pattern)
    return sorted(datasets, key=lambda dataset: str(dataset.path)), passed_over


def _undeclared_split(members: list[Path]) -> tuple[FoundSplit, tuple[str, str]]:
    found = read_name(members[0])
    word = split_word(found.name)
    # Without a word for its split, a file is a dataset of its own.
    pattern = found.pattern if word else f"{found.name} {members[0].name}"
    numbered = found.count is not None
    split = FoundSplit(word or "train", with_missing(members), members[0], named=numbered)
    return split, (str(members[0].parent), pattern)


def _pair_up(splits: list[FoundSplit], folder: Path, pattern: str) -> list[FoundDataset]:
    """Splits of one folder and name: one dataset if each is another split, train among them.

    ``pattern`` is their common name with a star for the split; a star alone is the folder.
    """
    names = [split.name for split in splits]
    if len(splits) > 1 and len(set(names)) == len(names) and "train" in names:
        ordered = tuple(sorted(splits, key=lambda split: split_rank(split.name)))
        return [FoundDataset(folder if pattern == "*" else folder / pattern, ordered)]
    return [FoundDataset(split.anchor, (split,)) for split in splits]
