"""Files that no declaration names -> datasets with splits and shards.

Knows names and headers; no settings beyond the column names that make a file a dataset.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

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
from pytest_pretok.stores import Location, located


def group_files(
    files: Sequence[Location], columns: Collection[str] | None
) -> tuple[list[FoundDataset], int]:
    """Undeclared files -> datasets, and how many files were passed over as something else.

    Without ``columns`` no file is opened, and each is taken for data.

    Files of one folder named NAME-00000-of-0000N.EXT are the shards of one split. Files or splits
    of one folder that differ by the words train, validation and test alone are the splits of one
    dataset.
    """
    passed_over = 0
    splits: dict[tuple[str, str], list[FoundSplit]] = {}
    for members in shard_groups(files):
        # One that is data is enough: headers of remote shards take a while.
        if columns and all(has_columns(path, columns) is False for path in members):
            passed_over += len(members)
            continue
        split, key = _undeclared_split(members)
        splits.setdefault(key, []).append(split)
    datasets: list[FoundDataset] = []
    for (folder, pattern), found in splits.items():
        datasets += _pair_up(found, located(folder), pattern)
    return sorted(datasets, key=lambda dataset: str(dataset.path)), passed_over


def _undeclared_split(members: list[Location]) -> tuple[FoundSplit, tuple[str, str]]:
    found = read_name(members[0])
    word = split_word(found.name)
    # Without a word for its split, a file is a dataset of its own.
    pattern = found.pattern if word else f"{found.name} {members[0].name}"
    numbered = found.count is not None
    split = FoundSplit(word or "train", with_missing(members), members[0], named=numbered)
    return split, (str(members[0].parent), pattern)


def _pair_up(splits: list[FoundSplit], folder: Location, pattern: str) -> list[FoundDataset]:
    """Splits of one folder and name: one dataset if each is another split, train among them.

    ``pattern`` is their common name with a star for the split; a star alone is the folder.
    """
    names = [split.name for split in splits]
    if len(splits) > 1 and len(set(names)) == len(names) and "train" in names:
        ordered = tuple(sorted(splits, key=lambda split: split_rank(split.name)))
        return [FoundDataset(folder if pattern == "*" else folder / pattern, ordered)]
    return [FoundDataset(split.anchor, (split,)) for split in splits]
