"""Paths, URLs and declarations, one after the other, to the datasets that lie there.

Looks at names and headers through `discovery`.
"""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from pytest_pretok import discovery
from pytest_pretok.declared import DECLARATION, Declaration
from pytest_pretok.discovery import FoundDataset, FoundSplit
from pytest_pretok.paths import exists, is_folder, matching
from pytest_pretok.planning.configs import Configs
from pytest_pretok.planning.datasets import Datasets
from pytest_pretok.planning.declarations import Declarations
from pytest_pretok.planning.request import PlanError, Request, absolute, not_there
from pytest_pretok.readers import data_suffix
from pytest_pretok.stores import (
    Location,
    RemotePath,
    StoreError,
    fault_of,
    identity,
    info_of,
    is_url,
    lies_in,
    missing_package,
)
from pytest_pretok.trainer_configs import SUFFIXES


@dataclass(slots=True)
class Builder:
    """A plan in the making: what was added so far, and what was passed over or left."""

    request: Request
    declared: Declarations
    datasets: Datasets
    around: discovery.Surroundings = field(default_factory=discovery.Surroundings)
    left_over: list[Location] = field(default_factory=list)
    url_of: dict[str, str] = field(default_factory=dict)  # as ids show it -> the whole of it
    passed_over: int = 0

    @classmethod
    def of(cls, request: Request) -> Builder:
        """One with nothing in it."""
        configs = Configs(request.root, request.cwd, opens_data=not request.declared_only)
        declared = Declarations(request, configs)
        return cls(request, declared, Datasets(request, declared))

    def add_declaring(self, file: Path, text: str) -> None:
        """All that one file declares."""
        if file.suffix.lower() in SUFFIXES:
            self.add_config(file, text)
        elif (declaration := self.declared.of(file)) is not None:
            for one in self.declared.with_configs(declaration):
                self.datasets.add_declared(one)

    def add_path(self, text: str) -> None:
        """Whatever a value of ``--pretok-data`` leads to."""
        if is_url(text):
            self.add_url(RemotePath(text))
            return
        path = absolute(text, self.request.cwd)
        if not exists(path):
            matches = matching(str(path)) if glob.has_magic(text) else []
            if not matches:
                raise PlanError(not_there(text, path))
            for match in matches:
                self.add_existing(Path(match), match)
            return
        self.add_existing(path, text)

    def add_existing(self, path: Path, text: str) -> None:
        """A file or folder that is there, and was written as ``text``."""
        if is_folder(path):
            self.add_folder(path)
        elif path.suffix.lower() in SUFFIXES:
            self.add_config(path, text)
        elif path.name == DECLARATION:
            self.declared.named.add(path)
            declaration = self.declared.of(path)
            if declaration is None:
                raise PlanError(f"{text} has no [tool.pretok] table")
            for one in self.declared.with_configs(declaration):
                self.datasets.add_declared(one)
        elif path.name in (discovery.DICT_FILE, discovery.STATE_FILE):
            self.add_folder(path.parent)
        else:
            self.add_file(path)

    def add_config(self, path: Path, text: str, wanted: Collection[str] | None = None) -> None:
        """A trainer configuration; ``wanted`` are names of its datasets (None: all of them)."""
        above = self.declared.nearest(path)  # it may name the configuration, and read it
        plan = self.declared.configs.read(path, above)
        if plan is None:
            keys = "datasets, test_datasets, pretraining_dataset, tokenized_path"
            raise PlanError(f"{text}: no trainer configuration, it has none of the keys {keys}")
        if not plan.splits:
            why = "; ".join(plan.unchecked) or "it names no datasets"
            raise PlanError(f"{text}: nothing to check: {why}")
        self.declared.take(plan)
        self.datasets.add_declared(plan.declaration, wanted)

    def add_url(self, url: RemotePath) -> None:
        """A URL: an object, a folder or a pattern, with the declared datasets that it lies in."""
        fault = fault_of(url.text)
        if fault is None and url.suffix.lower() in SUFFIXES:
            fault = "a trainer's configuration must be a local file"
        if fault is None and self.url_of.setdefault(url.shown, url.text) != url.text:
            fault = "another URL has the same test ids, they differ in their queries; declare them"
        fault = fault or missing_package(url)
        if fault is not None:
            raise PlanError(f"--pretok-data={url.shown}: {fault}")
        above = self.declared.nearest(url)
        touched = False
        for one in self.declared.with_configs(above) if above else ():
            wanted = self.declared.touching_url(one, url)
            self.datasets.add_declared(one, wanted)
            touched = touched or bool(wanted)
        if url.name in (discovery.DICT_FILE, discovery.STATE_FILE):
            url = url.parent
        try:
            self.add_undeclared_url(url, touched)
        except StoreError as error:
            # Nothing is known of it: what stands for it is an object that cannot be read.
            shard = discovery.FoundShard(url, error=error.reason)
            alone = FoundSplit(discovery.split_word(url.stem) or "train", (shard,), url)
            self.datasets.add_undeclared(FoundDataset(url, (alone,)))

    def add_undeclared_url(self, url: RemotePath, touched: bool) -> None:
        """What no declaration names; there must be something unless a declared one is ``touched``.

        Raises:
            PlanError: the URL leads to nothing.
            StoreError: the store cannot be asked.
        """
        if url.text in self.declared.claimed:
            return
        found = info_of(url)
        if found is not None and found.kind == "folder":
            self.add_search(discovery.search_remote(url), self.declared.default_columns(url))
        elif found is not None:
            self.add_file(url)
        else:
            matches = discovery.matches(url)
            if not matches and not touched:
                why = "no object matches this pattern" if glob.has_magic(url.bare) else ""
                raise PlanError(f"--pretok-data={url.shown}: {why or discovery.NOTHING}")
            for match in matches:
                if not self.datasets.is_planned(match):
                    self.add_file(match)

    def add_file(self, path: Location) -> None:
        """A file named explicitly: always checked, with the whole dataset it belongs to."""
        self.declared.nearest(path)
        owner = self.declared.claimed.get(identity(path))
        if owner is not None:
            self.add_owner(*owner)
            return
        saved = self.around.saved(path)
        if saved is not None:
            self.datasets.add_undeclared(saved)
            return
        dataset, split = self.around.owner(
            path, self.declared.claimed, self.declared.default_columns(path)
        )
        self.datasets.add_undeclared(dataset, {split.anchor})

    def add_owner(self, file: Path, name: str) -> None:
        """A declared dataset, which a file that was named belongs to."""
        declaration = self.declared.read[file]
        if declaration is not None:
            self.datasets.add_declared(declaration, {name})

    def add_folder(self, path: Path) -> None:
        """A folder: the declared datasets that touch it, then what no declaration names."""
        search = discovery.walk(path, self.request.ignored)
        above = self.declared.nearest(path)
        below = [found for file in search.declarations if (found := self.declared.of(file))]
        for declaration in _distinct([*([above] if above else []), *below]):
            whole = declaration.folder.is_relative_to(path)
            for one in self.declared.with_configs(declaration):
                self.datasets.add_declared(
                    one, None if whole else self.declared.touching(one, path)
                )
        self.add_search(search, self.declared.default_columns(path))

    def add_search(self, search: discovery.Search, columns: frozenset[str]) -> None:
        """What a search found and no declaration names."""
        self.passed_over += search.passed_over
        free = [file for file in search.files if not self.is_ignored(file)]
        taken_up = {*self.declared.claimed, *self.declared.baseline_of}
        free = [file for file in free if identity(file) not in taken_up]
        datasets, passed = discovery.group_files(free, columns)
        self.passed_over += passed
        datasets += [discovery.saved_dataset(folder) for folder in search.saved]
        taken_keys = {
            discovery.shard_key(file) for file in search.files if self.declared.is_claimed(file)
        }
        for splits in self.declared.found.values():
            taken_keys.update(discovery.shard_key(s.path) for one in splits for s in one.shards)
        for dataset in sorted(datasets, key=lambda dataset: str(dataset.path)):
            shards = [shard.path for split in dataset.splits for shard in split.shards]
            left = [shard for shard in shards if not self.declared.is_claimed(shard)]
            if len(left) < len(shards) or _has_key(dataset, taken_keys):
                self.left_over += left
            else:
                self.datasets.add_undeclared(dataset)

    def is_ignored(self, path: Location) -> bool:
        """Whether ``--ignore`` or ``--ignore-glob`` leaves it out."""
        return any(lies_in(path, i) for i in self.request.ignored) or any(
            fnmatch(str(path), pattern) for pattern in self.request.ignored_globs
        )


def _has_key(dataset: FoundDataset, keys: Collection[tuple[str, ...]]) -> bool:
    """Whether a declaration took some shards of the same group and left these."""
    return any(
        split.named and discovery.shard_key(split.anchor) in keys
        for split in dataset.splits
        if data_suffix(split.anchor.name)
    )


def _distinct(declarations: Iterable[Declaration]) -> list[Declaration]:
    return list({declaration.file: declaration for declaration in declarations}.values())
