"""What will be checked, as plain values: datasets, splits, shards, and the files they hang on.

Crosses to pytest-xdist's workers as builtins. Makes no plan (see `planning`) and opens no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_pretok.stores import is_url


@dataclass(frozen=True, slots=True)
class PlannedShard:
    """One file or remote object: its path or URL, how messages name it, and why it cannot be opened
    (None: it may be).

    ``format`` is the only one that it may have (None: any), ``columns`` are the only ones that its
    rows show (None: all).
    """

    path: str
    shown: str
    error: str | None = None
    format: str | None = None
    columns: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class PlannedSplit:
    """One split: its shards in order, and the file whose node holds its items.

    ``named`` tells whether the items carry the split's name in brackets; ``collected`` is False
    for a split that is known only to be compared with.
    """

    name: str
    shards: tuple[PlannedShard, ...]
    anchor: str
    named: bool
    collected: bool = True


@dataclass(frozen=True, slots=True)
class PlannedDataset:
    """One dataset to check. ``declared_at`` is FILE:LINE of its declaration, None without one.

    ``baseline`` is the path of the file with its known findings, if it has one; ``home`` is the
    folder of the declaration that says so. ``by`` is the path of the declaration that names the
    trainer configuration it comes from, if one does.
    """

    name: str
    path: str
    settings: dict[str, Any]
    splits: tuple[PlannedSplit, ...]
    declared_at: str | None = None
    line: int = 0
    baseline: str | None = None
    home: str = ""
    by: str = ""


@dataclass(frozen=True)
class Plan:
    """Everything that will be checked; ``notes`` are lines for the header.

    ``baselines`` holds the text of every baseline in force, by path; ``unchecked`` names what was
    asked for but cannot be checked, and why; ``absent`` are files, other than data, that a
    declaration names but that are not there (only where no data is looked at).
    """

    datasets: tuple[PlannedDataset, ...] = ()
    notes: tuple[str, ...] = ()
    baselines: dict[str, str] = field(default_factory=dict)
    unchecked: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The plan as builtins."""
        return {
            "datasets": [asdict(dataset) for dataset in self.datasets],
            "notes": self.notes,
            "baselines": self.baselines,
            "unchecked": self.unchecked,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Plan:
        """The plan that `to_dict` was called on."""
        datasets = []
        for dataset in values["datasets"]:
            splits = tuple(
                PlannedSplit(
                    **{**split, "shards": tuple(PlannedShard(**s) for s in split["shards"])}
                )
                for split in dataset["splits"]
            )
            datasets.append(PlannedDataset(**{**dataset, "splits": splits}))
        notes, unchecked = tuple(values["notes"]), tuple(values["unchecked"])
        return cls(tuple(datasets), notes, values["baselines"], unchecked)

    @cached_property
    def anchors(self) -> dict[str, list[int]]:
        """By path of an anchor file, the datasets (by number) that have collected splits there."""
        found: dict[str, list[int]] = {}
        for number, dataset in enumerate(self.datasets):
            for split in dataset.splits:
                here = found.setdefault(split.anchor, []) if split.collected else []
                if number not in here:
                    here.append(number)
        return found

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder at or above an anchor."""
        local = (Path(anchor) for anchor in self.anchors if not is_url(anchor))
        return frozenset(str(parent) for anchor in local for parent in anchor.parents)


def is_ours(plan: Plan, folder: Path, positional: Sequence[Path], paths: Sequence[Path]) -> bool:
    """Whether a folder is collected as data only: no conftest.py, no test in it is run.

    So it is for folders that hold anchors, unless the user named the folder, or something in it,
    for its tests (``positional``). ``paths`` are the folders asked for as data.
    """
    if str(folder) not in plan.folders or any(p.is_relative_to(folder) for p in positional):
        return False
    asked = any(folder.is_relative_to(path) for path in paths)
    return asked or not any(folder.is_relative_to(p) for p in positional)


def _is_data_folder(folder: Path, positional: Sequence[Path], paths: Sequence[Path]) -> bool:
    asked = any(folder.is_relative_to(path) for path in paths)
    return asked and not any(p.is_relative_to(folder) for p in positional)


def sort_arguments(plan: Plan, positional: Sequence[Path], paths: Sequence[Path]) -> list[str]:
    """The paths to hand to pytest's collection so that it meets every anchor exactly once.

    A folder stands for all anchors below it: one argument a file would make collection quadratic.
    ``positional`` are folders and files that pytest walks anyway; ``paths`` are the folders asked
    for.
    """
    arguments: list[str] = []
    for anchor in plan.anchors:
        if is_url(anchor):
            arguments.append(anchor)
            continue
        path = Path(anchor)
        if any(path.is_relative_to(other) for other in positional):
            continue
        if any(path.is_relative_to(argument) for argument in arguments):
            continue
        tops = [folder for folder in path.parents if _is_data_folder(folder, positional, paths)]
        arguments.append(str(tops[-1] if tops else path))
    return arguments
