"""The declarations of one plan: which is in force where, and which files they take.

Each is read once. Makes no datasets of them.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from pretok_schemas.rules import NAMES
from pretok_schemas.trainers import names
from pytest_pretok import discovery
from pytest_pretok.declared import DECLARATION, Declaration, has_declaration
from pytest_pretok.discovery import FoundSplit
from pytest_pretok.paths import is_file, is_folder
from pytest_pretok.planning.configs import Configs
from pytest_pretok.planning.request import Request, absolute
from pytest_pretok.settings import DatasetSettings, contract_of, undeclared
from pytest_pretok.stores import Location, RemotePath, identity, is_url, lies_in
from pytest_pretok.text import node_path

if TYPE_CHECKING:
    from pytest_pretok.planning.config_plan import ConfigPlan


@dataclass(slots=True)
class Declarations:
    """What is declared, as far as it was asked for.

    ``claimed`` has, by a file's real path, the declaration and the dataset that it belongs to;
    ``found`` the splits of each of these; ``named`` the declarations that the command line names;
    ``absent`` what only the machine of the run has (see `Request.declared_only`).
    """

    request: Request
    configs: Configs
    read: dict[Path, Declaration | None] = field(default_factory=dict)
    claimed: dict[str, tuple[Path, str]] = field(default_factory=dict)
    found: dict[tuple[Path, str], tuple[FoundSplit, ...]] = field(default_factory=dict)
    baselines: dict[str, str] = field(default_factory=dict)  # path -> text
    baseline_of: dict[str, Path] = field(default_factory=dict)  # real path -> declaration
    named: set[Path] = field(default_factory=set)
    absent: dict[str, None] = field(default_factory=dict)
    _nearest_of: dict[Path, Declaration | None] = field(default_factory=dict)

    def of(self, file: Path) -> Declaration | None:
        """What a file declares, None if it declares nothing."""
        if file not in self.read:
            read = None
            if has_declaration(file):
                # lazy: start cost, and pydantic comes with it
                from pytest_pretok.declaration import read_declaration

                read = read_declaration(
                    file,
                    NAMES,
                    names(),
                    lambda path: self.baseline_fault(path, file),
                    self.miss if self.request.declared_only else None,
                    self.request.plugins,
                    self.request.cwd,
                )
            self.read[file] = read
            for settings in read.datasets if read else ():
                if not all(is_url(text) for text in places_of(settings)):
                    self.splits_of(file, settings)
            if read is not None and read.configs:
                self.configs.read_named(read)
                for plan in self.configs.of(read):
                    self.take(plan)
        return self.read[file]

    def splits_of(self, file: Path, settings: DatasetSettings) -> tuple[FoundSplit, ...]:
        """The splits of a declared dataset. Stores are asked for it only when it is wanted."""
        if (file, settings.name) not in self.found:
            columns = None if self.request.declared_only else self.columns(settings)
            splits = discovery.declared_splits(
                settings.path, settings.splits, file.parent, columns, asks=self.is_users(file)
            )
            self.claim(file, settings.name, splits)
        return self.found[file, settings.name]

    def is_users(self, file: Path) -> bool:
        """Whether a declaration is the user's own, and not one that came with the data.

        Such a one stands at or above the working directory, or was named. URLs of any other are
        not followed: whoever wrote it would decide whom this machine asks, and with what rights.
        """
        home, cwd = (Path(os.path.realpath(path)) for path in (file.parent, self.request.cwd))
        return cwd.is_relative_to(home) or file in self.named

    def baseline_fault(self, text: str, declaration: Path) -> str | None:
        """Read a baseline file; what is wrong with it, None if nothing is."""
        from pytest_pretok import baseline  # lazy: start cost

        path = absolute(text, declaration.parent)
        owner = self.baseline_of.setdefault(os.path.realpath(path), declaration)
        if os.path.realpath(owner) != os.path.realpath(declaration):
            return f"belongs to {node_path(owner, self.request.root)}; name a file of its own here"
        try:
            entries = baseline.read(path)
        except baseline.BaselineError as error:
            return str(error)
        if entries is None and self.request.declared_only:
            self.miss(path)
        elif entries is None and not self.request.update_baseline:
            return "is not there; --pretok-update-baseline writes it"
        self.baselines[str(path)] = baseline.dump(entries or {})
        return None

    def miss(self, path: Path) -> None:
        """Take down that something which a declaration names is not there."""
        self.absent[node_path(path, self.request.root)] = None

    def claim(self, file: Path, name: str, splits: tuple[FoundSplit, ...]) -> None:
        """Keep the splits of a declared dataset, and their files for it."""
        self.found[file, name] = splits
        for split in splits:
            for shard in split.shards:
                self.claimed.setdefault(identity(shard.path), (file, name))

    def take(self, plan: ConfigPlan) -> None:
        """Keep a trainer configuration as the declaration that it is."""
        file = plan.declaration.file
        if file not in self.read:
            self.read[file] = plan.declaration
            for name, splits in plan.splits.items():
                self.claim(file, name, splits)

    def with_configs(self, declaration: Declaration) -> list[Declaration]:
        """A declaration and the trainer configurations that it names."""
        return [declaration, *(plan.declaration for plan in self.configs.of(declaration))]

    def nearest(self, path: Location) -> Declaration | None:
        """The declaration in force for a file or folder: the nearest one from it upward.

        For a URL it is that of the working directory.
        """
        if isinstance(path, RemotePath):
            return self.in_force(self.request.cwd)
        return self.in_force(path if is_folder(path) else path.parent)

    def in_force(self, folder: Path) -> Declaration | None:
        """The declaration of a folder, or of the nearest one above it that has any."""
        if folder not in self._nearest_of:
            file = folder / DECLARATION
            found = self.of(file) if is_file(file) else None
            if found is None and folder.parent != folder:
                found = self.in_force(folder.parent)
            self._nearest_of[folder] = found
        return self._nearest_of[folder]

    def columns(self, settings: DatasetSettings) -> frozenset[str]:
        """The columns by which a file is known to be data, under a dataset's settings."""
        columns = contract_of(settings).columns
        return frozenset(settings.columns.get(c.role, c.name or c.role) for c in columns)

    def is_claimed(self, path: Location) -> bool:
        """Whether a file belongs to a declared dataset."""
        return identity(path) in self.claimed

    def touching(self, declaration: Declaration, path: Path) -> set[str]:
        """Declared datasets that have a file at, below or above a path."""
        wanted = set()
        for settings in declaration.datasets:
            for split in self.found.get((declaration.file, settings.name), ()):
                for own in (shard.path for shard in split.shards):
                    if lies_in(own, path) or lies_in(path, own):
                        wanted.add(settings.name)
        return wanted

    def touching_url(self, declaration: Declaration, url: RemotePath) -> set[str]:
        """Declared datasets that have an object at, below or above a URL."""
        wanted = set()
        for settings in declaration.datasets:
            if any(_may_meet(text, url.text) for text in places_of(settings)):
                for split in self.splits_of(declaration.file, settings):
                    for path in (shard.path for shard in split.shards):
                        meets = lies_in(path, url) or lies_in(url, path)
                        if meets or fnmatch(str(path), url.text):
                            wanted.add(settings.name)
        return wanted

    def default_columns(self, path: Location) -> frozenset[str]:
        """The columns by which a file is known to be data, where no dataset is declared for it."""
        declaration = self.nearest(path)
        return self.columns(undeclared(declaration.defaults if declaration else None, "x"))


def places_of(settings: DatasetSettings) -> list[str]:
    """The paths and URLs that a declared dataset is read from."""
    return [settings.path] if settings.path else list((settings.splits or {}).values())


def _may_meet(declared: str, url: str) -> bool:
    """Whether a declared URL can have an object at, below or above another URL."""
    heads = [re.split(r"[*?\[]", text)[0] for text in (declared, url)]
    return is_url(declared) and any(
        one.startswith(other.rstrip("/")) for one, other in (heads, heads[::-1])
    )
