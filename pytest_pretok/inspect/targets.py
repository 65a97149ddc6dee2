"""What a path on the command line means: the datasets, splits and files, with their settings.

Plans through `planning`; opens no file itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pretok_schemas.text import printable
from pytest_pretok.imports import installed_rules
from pytest_pretok.paths import is_file
from pytest_pretok.plan import Plan, PlannedDataset, PlannedShard, PlannedSplit
from pytest_pretok.planning import PlanError, Request, make_plan
from pytest_pretok.stores import identity, is_url, located

_IN_BRACKETS = re.compile(r"\[(?:(?P<split>[^\[\]:]+):)?(?P<row>[+-]?\d+)\]$")


class TargetError(Exception):
    """A path, split or row that leads to nothing; the text says what there is."""


@dataclass(frozen=True, slots=True)
class Target:
    """A split to look into, with the dataset whose settings hold; ``shards`` are those asked for.

    ``alone`` tells that a single file was asked for: its rows are counted from its own first.
    """

    dataset: PlannedDataset
    split: PlannedSplit
    shards: tuple[PlannedShard, ...]
    alone: bool = False

    @property
    def name(self) -> str:
        """What to call it: DATASET, or DATASET [SPLIT] where there are several."""
        named = self.split.named or len(self.dataset.splits) > 1
        name = printable(self.dataset.name)
        return f"{name} [{printable(self.split.name)}]" if named else name


def plan_for(paths: Sequence[str], cwd: Path, contract: str | None = None) -> Plan:
    """The plan for some paths, as a run of pytest in ``cwd`` would make it.

    Raises:
        TargetError: a path is missing, or holds nothing that can be looked at.
        DeclarationError: a declaration is faulty.
    """
    try:
        return make_plan(
            Request(cwd, cwd, tuple(paths), contract=contract, plugins=installed_rules())
        )
    except PlanError as error:
        raise TargetError(str(error).replace("--pretok-data=", "")) from None


def targets(paths: Sequence[str], cwd: Path, contract: str | None = None) -> list[Target]:
    """All splits that some paths mean, in the order of the plan; see `plan_for` for errors."""
    plan = plan_for(paths, cwd, contract)
    return [
        Target(dataset, split, split.shards)
        for dataset in plan.datasets
        for split in dataset.splits
        if split.collected
    ]


def asked_for(paths: Sequence[str], cwd: Path, contract: str | None = None) -> list[Target]:
    """What some paths mean, each once: a file of data itself, anything else all its splits.

    See `plan_for` for errors.
    """
    found: dict[tuple[str, ...], Target] = {}
    for path in paths:
        whole = targets([path], cwd, contract)
        alone = _file_alone(path, cwd, whole)
        for one in whole if alone is None else [alone]:
            found.setdefault(tuple(shard.path for shard in one.shards), one)
    return list(found.values())


def target_of(path: str, cwd: Path, split: str | None = None, dataset: str | None = None) -> Target:
    """The one split that a path means; a file by its own name means its rows alone.

    Raises:
        TargetError: it means nothing, or several and none was chosen.
        DeclarationError: a declaration is faulty.
    """
    found = targets([path], cwd)
    alone = _file_alone(path, cwd, found)
    if alone is not None and split in (None, alone.split.name):
        return alone
    if dataset is not None:
        found = _chosen(found, "dataset", dataset, [one.dataset.name for one in found])
    names = list(dict.fromkeys(one.dataset.name for one in found))
    if len(names) > 1:
        raise TargetError(f"{path} holds {_listed(names)}: name one of them with --dataset")
    splits = [one.split.name for one in found]
    if split is not None:
        return _chosen(found, "split", split, splits)[0]
    if len(splits) > 1 and "train" not in splits:
        raise TargetError(f"{path} holds the splits {_listed(splits)}: name one with --split")
    return found[splits.index("train") if "train" in splits else 0]


def _chosen(found: list[Target], what: str, name: str, names: list[str]) -> list[Target]:
    kept = [one for one, own in zip(found, names, strict=True) if own == name]
    if not kept:
        raise TargetError(f"there is no {what} {name!r}; there is {_listed(dict.fromkeys(names))}")
    return kept


def _listed(names: Sequence[str] | dict[str, None]) -> str:
    shown = [printable(name, 80) for name in list(names)[:10]]
    return ", ".join(shown) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")


def _file_alone(path: str, cwd: Path, found: Sequence[Target]) -> Target | None:
    if is_url(path):
        real = identity(located(path))
    else:
        file = Path(os.path.normpath(cwd / Path(path).expanduser()))
        if not is_file(file):
            return None
        real = identity(file)
    for one in found:
        for shard in one.shards:
            if identity(located(shard.path)) == real:
                return replace(one, shards=(shard,), alone=True)
    return None


def spelled_row(text: str, cwd: Path) -> tuple[str, str | None, int | None]:
    """A path that may end in ``[ROW]`` or ``[SPLIT:ROW]``: its path, split and row.

    A file that is really called so is meant as it stands.
    """
    match = _IN_BRACKETS.search(text)
    if match is None or (cwd / Path(text).expanduser()).exists():
        return text, None, None
    return text[: match.start()], match["split"], int(match["row"])


def row_numbers(texts: Sequence[str]) -> Iterator[int]:
    """Numbers of rows as they are written: ``5``, ``-1``, ``[5]``.

    Raises:
        TargetError: a text is no number.
    """
    for text in texts:
        plain = text.removeprefix("[").removesuffix("]")
        if not re.fullmatch(r"[+-]?\d{1,18}", plain):
            raise TargetError(f"{printable(text, 80)!r} is no row number")
        yield int(plain)
