"""Command line and declarations -> the plan.

Made once, before collection. Reads declarations and file headers; knows pytest only by the few
words in `Request`.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from pretok_schemas.rules import NAMES
from pretok_schemas.text import plural, printable
from pretok_schemas.trainers import names
from pytest_pretok import discovery
from pytest_pretok.configs import Configs
from pytest_pretok.declared import DECLARATION, Declaration, has_declaration
from pytest_pretok.discovery import FoundDataset, FoundSplit
from pytest_pretok.faults import DeclarationError, Fault
from pytest_pretok.paths import exists, is_file, is_folder, matching
from pytest_pretok.plan import Plan, PlannedDataset, PlannedShard, PlannedSplit
from pytest_pretok.readers import data_suffix
from pytest_pretok.settings import DatasetSettings, contract_of, undeclared
from pytest_pretok.stores import (
    SCHEMES,
    Location,
    RemotePath,
    StoreError,
    fault_of,
    identity,
    info_of,
    is_url,
    lies_in,
    missing_package,
    redacted,
)
from pytest_pretok.text import node_path
from pytest_pretok.trainer_configs import SUFFIXES

if TYPE_CHECKING:
    from pytest_pretok.config_planning import ConfigPlan


class PlanError(Exception):
    """The command line asks for something that cannot be checked; the text says what there is."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for.

    ``paths`` are the values of ``--pretok-data``; ``named`` are positional arguments that may
    name our nodes (see `Plan`). ``ignored`` and ``ignored_globs`` are pytest's own options;
    with ``update_baseline`` a baseline file need not be there yet. With ``declared_only`` no data
    file is opened, and what a declaration names need not be there (see `Plan.absent`).
    ``plugins`` are references to rules from hooks and installed packages (see `imports`).
    """

    root: Path
    cwd: Path
    paths: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    contract: str | None = None
    ignored: tuple[Path, ...] = ()
    ignored_globs: tuple[str, ...] = ()
    update_baseline: bool = False
    declared_only: bool = False
    plugins: tuple[str, ...] = ()


@dataclass(slots=True)
class _Builder:
    request: Request
    configs: Configs
    datasets: dict[tuple[str, ...], PlannedDataset] = field(default_factory=dict)
    declarations: dict[Path, Declaration | None] = field(default_factory=dict)
    nearest_of: dict[Path, Declaration | None] = field(default_factory=dict)
    claimed: dict[str, tuple[Path, str]] = field(default_factory=dict)  # real path -> key of found
    found: dict[tuple[Path, str], tuple[FoundSplit, ...]] = field(default_factory=dict)
    baselines: dict[str, str] = field(default_factory=dict)  # path -> text
    baseline_of: dict[str, Path] = field(default_factory=dict)  # real path -> declaration
    around: discovery.Surroundings = field(default_factory=discovery.Surroundings)
    left_over: list[Location] = field(default_factory=list)
    named: set[Path] = field(default_factory=set)  # declarations that the command line names
    url_of: dict[str, str] = field(default_factory=dict)  # as ids show it -> the whole of it
    passed_over: int = 0
    absent: dict[str, None] = field(default_factory=dict)  # what only the machine of the run has

    # -- declarations

    def declaration(self, file: Path) -> Declaration | None:
        if file not in self.declarations:
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
            self.declarations[file] = read
            for settings in read.datasets if read else ():
                if not all(is_url(text) for text in _places(settings)):
                    self.splits_of(file, settings)
            if read is not None and read.configs:
                self.configs.read_named(read)
                for plan in self.configs.of(read):
                    self.take(plan)
        return self.declarations[file]

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

        path = _absolute(text, declaration.parent)
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
        if file not in self.declarations:
            self.declarations[file] = plan.declaration
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
        if folder not in self.nearest_of:
            file = folder / DECLARATION
            found = self.declaration(file) if is_file(file) else None
            if found is None and folder.parent != folder:
                found = self.in_force(folder.parent)
            self.nearest_of[folder] = found
        return self.nearest_of[folder]

    def columns(self, settings: DatasetSettings) -> frozenset[str]:
        columns = contract_of(settings).columns
        return frozenset(settings.columns.get(c.role, c.name or c.role) for c in columns)

    # -- what to check

    def check_options(self, settings: DatasetSettings) -> None:
        """Return if all rules of people's own can judge undeclared data.

        Raises:
            PlanError: one lacks an option.
        """
        from pytest_pretok.imports import lacking_option  # lazy: few have such rules

        lacking = lacking_option(settings)
        if lacking is not None:
            why = "declare the dataset, or give it in [tool.pretok.rules]"
            raise PlanError(f"{settings.name}: {lacking}; {why}")

    def with_plugins(self, settings: DatasetSettings) -> DatasetSettings:
        """Settings with the rules that hold everywhere, where no declaration has them already."""
        further = [one for one in self.request.plugins if one not in settings.plugins]
        if not further:
            return settings
        return replace(settings, plugins=(*further, *settings.plugins))

    def add_declared(self, declaration: Declaration, wanted: Collection[str] | None = None) -> None:
        for settings in declaration.datasets:
            known = (str(declaration.file), settings.name) in self.datasets
            if not known and (wanted is None or settings.name in wanted):
                settings = self.with_plugins(settings)
                splits = self.splits_of(declaration.file, settings)
                file = node_path(declaration.file, self.request.root)
                self.datasets[str(declaration.file), settings.name] = PlannedDataset(
                    settings.name,
                    redacted(", ".join(_places(settings))),
                    settings.to_dict(),
                    tuple(self.split(split, declaration.file) for split in splits),
                    f"{file}:{settings.line}",
                    settings.line,
                    *_baseline(settings, declaration),
                    str(by.file) if (by := self.configs.named_by.get(declaration.file)) else "",
                )

    def add_undeclared(
        self, dataset: FoundDataset, chosen: Collection[Location] | None = None
    ) -> None:
        """Add a dataset that no declaration names; ``chosen`` are the anchors to collect."""
        # Several datasets of a folder can share its path; no two share their anchors.
        key = tuple(identity(split.anchor) for split in dataset.splits)
        known = self.datasets.get(key)
        picked = [chosen is None or split.anchor in chosen for split in dataset.splits]
        if known and all(
            one.collected for one, asked in zip(known.splits, picked, strict=True) if asked
        ):
            return
        declaration = self.nearest(dataset.splits[0].anchor)
        shown = node_path(dataset.path, self.request.root)
        # The root itself is "." among paths; a person knows it by its name.
        name = shown if shown != "." else printable(self.request.root.name) or shown
        settings = undeclared(declaration.defaults if declaration else None, name)
        settings = self.with_plugins(settings)
        if settings.plugins:
            self.check_options(settings)
        if self.request.contract is not None and not (declaration and declaration.names_contract):
            settings = replace(settings, contract=self.request.contract)
        splits = tuple(
            self.split(split, split.anchor, asked)
            for split, asked in zip(dataset.splits, picked, strict=True)
        )
        if known is None:
            known_findings = _baseline(settings, declaration)
            self.datasets[key] = PlannedDataset(
                name, shown, settings.to_dict(), splits, None, 0, *known_findings
            )
        else:
            # Named once more, by another of its splits, or by a link to the same files.
            both = zip(known.splits, splits, strict=True)
            splits = tuple(replace(a, collected=a.collected or b.collected) for a, b in both)
            self.datasets[key] = replace(known, splits=splits)

    def split(self, split: FoundSplit, anchor: Location, collected: bool = True) -> PlannedSplit:
        shards = tuple(
            PlannedShard(
                str(shard.path),
                node_path(shard.path, self.request.root),
                shard.error,
                shard.format,
                shard.columns,
            )
            for shard in split.shards
        )
        return PlannedSplit(split.name, shards, str(anchor), split.named, collected)

    def add_declaring(self, file: Path, text: str) -> None:
        """All that one file declares."""
        if file.suffix.lower() in SUFFIXES:
            self.add_config(file, text)
        elif (declaration := self.declaration(file)) is not None:
            for one in self.with_configs(declaration):
                self.add_declared(one)

    # -- one argument

    def add_path(self, text: str) -> None:
        if is_url(text):
            self.add_url(RemotePath(text))
            return
        path = _absolute(text, self.request.cwd)
        if not exists(path):
            matches = matching(str(path)) if glob.has_magic(text) else []
            if not matches:
                raise PlanError(_not_there(text, path))
            for match in matches:
                self.add_existing(Path(match), match)
            return
        self.add_existing(path, text)

    def add_existing(self, path: Path, text: str) -> None:
        if is_folder(path):
            self.add_folder(path)
        elif path.suffix.lower() in SUFFIXES:
            self.add_config(path, text)
        elif path.name == DECLARATION:
            self.named.add(path)
            declaration = self.declaration(path)
            if declaration is None:
                raise PlanError(f"{text} has no [tool.pretok] table")
            for one in self.with_configs(declaration):
                self.add_declared(one)
        elif path.name in (discovery.DICT_FILE, discovery.STATE_FILE):
            self.add_folder(path.parent)
        else:
            self.add_file(path)

    def add_config(self, path: Path, text: str, wanted: Collection[str] | None = None) -> None:
        """A trainer configuration; ``wanted`` are names of its datasets (None: all of them)."""
        above = self.nearest(path)  # it may name the configuration, and read it
        plan = self.configs.read(path, above)
        if plan is None:
            keys = "datasets, test_datasets, pretraining_dataset, tokenized_path"
            raise PlanError(f"{text}: no trainer configuration, it has none of the keys {keys}")
        if not plan.splits:
            why = "; ".join(plan.unchecked) or "it names no datasets"
            raise PlanError(f"{text}: nothing to check: {why}")
        self.take(plan)
        self.add_declared(plan.declaration, wanted)

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
        above = self.nearest(url)
        touched = False
        for one in self.with_configs(above) if above else ():
            wanted = self.touching_url(one, url)
            self.add_declared(one, wanted)
            touched = touched or bool(wanted)
        if url.name in (discovery.DICT_FILE, discovery.STATE_FILE):
            url = url.parent
        try:
            self.add_undeclared_url(url, touched)
        except StoreError as error:
            # Nothing is known of it: what stands for it is an object that cannot be read.
            shard = discovery.FoundShard(url, error=error.reason)
            alone = FoundSplit(discovery.split_word(url.stem) or "train", (shard,), url)
            self.add_undeclared(FoundDataset(url, (alone,)))

    def add_undeclared_url(self, url: RemotePath, touched: bool) -> None:
        """What no declaration names; there must be something unless a declared one is ``touched``.

        Raises:
            PlanError: the URL leads to nothing.
            StoreError: the store cannot be asked.
        """
        if url.text in self.claimed:
            return
        found = info_of(url)
        if found is not None and found.kind == "folder":
            self.add_search(discovery.search_remote(url), self.default_columns(url))
        elif found is not None:
            self.add_file(url)
        else:
            matches = discovery.matches(url)
            if not matches and not touched:
                why = "no object matches this pattern" if glob.has_magic(url.bare) else ""
                raise PlanError(f"--pretok-data={url.shown}: {why or discovery.NOTHING}")
            for match in matches:
                if not self.is_planned(match):
                    self.add_file(match)

    def is_planned(self, path: Location) -> bool:
        """Whether a file is among those that will be read anyhow."""
        return any(
            shard.path == str(path)
            for dataset in self.datasets.values()
            for split in dataset.splits
            if split.collected
            for shard in split.shards
        )

    def touching_url(self, declaration: Declaration, url: RemotePath) -> set[str]:
        """Declared datasets that have an object at, below or above a URL."""
        wanted = set()
        for settings in declaration.datasets:
            if any(_may_meet(text, url.text) for text in _places(settings)):
                for split in self.splits_of(declaration.file, settings):
                    for path in (shard.path for shard in split.shards):
                        meets = lies_in(path, url) or lies_in(url, path)
                        if meets or fnmatch(str(path), url.text):
                            wanted.add(settings.name)
        return wanted

    def add_file(self, path: Location) -> None:
        """A file named explicitly: always checked, with the whole dataset it belongs to."""
        self.nearest(path)
        owner = self.claimed.get(identity(path))
        if owner is not None:
            self.add_owner(*owner)
            return
        saved = self.around.saved(path)
        if saved is not None:
            self.add_undeclared(saved)
            return
        dataset, split = self.around.owner(path, self.claimed, self.default_columns(path))
        self.add_undeclared(dataset, {split.anchor})

    def add_owner(self, file: Path, name: str) -> None:
        declaration = self.declarations[file]
        if declaration is not None:
            self.add_declared(declaration, {name})

    def add_folder(self, path: Path) -> None:
        """A folder: the declared datasets that touch it, then what no declaration names."""
        search = discovery.walk(path, self.request.ignored)
        above = self.nearest(path)
        below = [found for file in search.declarations if (found := self.declaration(file))]
        for declaration in _distinct([*([above] if above else []), *below]):
            whole = declaration.folder.is_relative_to(path)
            for one in self.with_configs(declaration):
                self.add_declared(one, None if whole else self.touching(one, path))
        self.add_search(search, self.default_columns(path))

    def add_search(self, search: discovery.Search, columns: frozenset[str]) -> None:
        """What a search found and no declaration names."""
        self.passed_over += search.passed_over
        free = [file for file in search.files if not self.is_ignored(file)]
        taken_up = {*self.claimed, *self.baseline_of}
        free = [file for file in free if identity(file) not in taken_up]
        datasets, passed = discovery.group_files(free, columns)
        self.passed_over += passed
        datasets += [discovery.saved_dataset(folder) for folder in search.saved]
        taken_keys = {discovery.shard_key(file) for file in search.files if self.is_claimed(file)}
        for splits in self.found.values():
            taken_keys.update(discovery.shard_key(s.path) for one in splits for s in one.shards)
        for dataset in sorted(datasets, key=lambda dataset: str(dataset.path)):
            shards = [shard.path for split in dataset.splits for shard in split.shards]
            left = [shard for shard in shards if not self.is_claimed(shard)]
            if len(left) < len(shards) or _has_key(dataset, taken_keys):
                self.left_over += left
            else:
                self.add_undeclared(dataset)

    def is_claimed(self, path: Location) -> bool:
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

    def default_columns(self, path: Location) -> frozenset[str]:
        declaration = self.nearest(path)
        return self.columns(undeclared(declaration.defaults if declaration else None, "x"))

    def is_ignored(self, path: Location) -> bool:
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


def make_plan(request: Request) -> Plan:
    """The plan for a command line.

    Raises:
        DeclarationError: a declaration is faulty; all its faults are in the text.
        PlanError: a path is missing, or nothing under the paths can be checked.
    """
    builder = _Builder(request, Configs(request.root, request.cwd))
    # What a configuration names is not found once more as undeclared files.
    for text in sorted(request.paths, key=lambda text: not text.lower().endswith(SUFFIXES)):
        builder.add_path(text)
    for text in request.named:
        file, parts = split_argument(text, request.cwd)
        if file is None:
            continue
        if isinstance(file, RemotePath):
            builder.add_url(file)
        elif file.name == DECLARATION and parts:
            builder.named.add(file)
            declaration = builder.declaration(file)
            if declaration is not None:
                builder.add_declared(declaration, {parts[0]})
        elif file.suffix.lower() in SUFFIXES:
            builder.add_config(file, text, {parts[0]} if parts else None)
        else:
            builder.add_existing(file, text)
    datasets = tuple(builder.datasets.values())
    if request.paths and not datasets:
        raise PlanError(_nothing(request, builder))
    used = {dataset.baseline for dataset in datasets}
    baselines = {path: text for path, text in builder.baselines.items() if path in used}
    unchecked = tuple(builder.configs.unchecked)
    return Plan(datasets, tuple(_notes(builder, request.root)), baselines, unchecked)


def declared_plan(request: Request) -> Plan:
    """What the declarations at, above and below the paths ask for; no data file is opened.

    Raises:
        DeclarationError: declarations are faulty; all faults of all of them are in the text.
        PlanError: a path is missing, or there is no declaration.
    """
    request = replace(request, declared_only=True)
    builder = _Builder(request, Configs(request.root, request.cwd, opens_data=False))
    faults: list[Fault] = []
    for text in request.paths:
        if is_url(text):
            raise PlanError(f"{redacted(text)}: a declaration is a local file")
        for file in _declaring(_absolute(text, request.cwd), text, request):
            try:
                builder.add_declaring(file, text)
            except DeclarationError as error:
                faults += error.faults
    if faults:
        raise DeclarationError(list(dict.fromkeys(faults)))
    if not builder.datasets and not any(builder.declarations.values()):
        where = ", ".join(request.paths)
        raise PlanError(f"{where}: no {DECLARATION} with a [tool.pretok] table at, above or below")
    unchecked = tuple(builder.configs.unchecked)
    notes = tuple(builder.configs.notes)
    return Plan(tuple(builder.datasets.values()), notes, {}, unchecked, tuple(builder.absent))


def _declaring(path: Path, text: str, request: Request) -> list[Path]:
    """The files that may declare what lies at a path: the nearest above, and all below."""
    if not exists(path):
        raise PlanError(_not_there(text, path).removeprefix("--pretok-data="))
    if path.name == DECLARATION or path.suffix.lower() in SUFFIXES:
        return [path]
    start = path if is_folder(path) else path.parent
    above = (folder / DECLARATION for folder in (start, *start.parents))
    nearest = next((file for file in above if is_file(file) and has_declaration(file)), None)
    below = discovery.walk(path, request.ignored).declarations if is_folder(path) else []
    files = [*([nearest] if nearest else []), *below]
    return [file for file in dict.fromkeys(files) if has_declaration(file)]


def split_argument(text: str, cwd: Path) -> tuple[Location | None, list[str]]:
    """The file of a positional argument that may name our nodes, and the parts behind it.

    A file name may hold ``::`` itself: the longest prefix that is a file wins. None where the
    argument names neither a declaration nor data.
    """
    pieces = text.split("::")
    url = _URL_ARGUMENT.match(text)
    if url is not None:
        pieces[0] = f"{url['scheme']}://{pieces[0][url.end() :]}"
        ends = (n for n in range(len(pieces), 0, -1) if data_suffix("::".join(pieces[:n])))
        cut = next(ends, 1)
        return RemotePath("::".join(pieces[:cut])), pieces[cut:]
    for cut in range(len(pieces), 0, -1):
        path = _absolute("::".join(pieces[:cut]), cwd)
        if is_file(path) and _is_ours(path):
            return path, pieces[cut:]
    return None, []


# pytest takes the URL of an id for a path: it loses a slash, and may be seen from another folder.
_URL_ARGUMENT = re.compile(rf"(?:\.\./)*(?P<scheme>{'|'.join(SCHEMES)}):/+")


def _is_ours(path: Path) -> bool:
    if path.name == DECLARATION:
        return has_declaration(path)
    if path.suffix.lower() in SUFFIXES:
        from pytest_pretok.trainer_configs.read import looks_like_config  # lazy: start cost

        return looks_like_config(path)
    if path.name in (discovery.DICT_FILE, discovery.STATE_FILE):
        return discovery.is_saved_folder(path.parent)
    return data_suffix(path.name) is not None


def _absolute(text: str, cwd: Path) -> Path:
    # Not resolved: ids and messages name a file the way the user does.
    return Path(os.path.normpath(cwd / Path(text).expanduser()))


def _baseline(settings: DatasetSettings, declaration: Declaration | None) -> tuple[str | None, str]:
    """The baseline file of a dataset, and the folder that it is named from."""
    if settings.baseline is None or declaration is None:
        return None, ""
    return str(_absolute(settings.baseline, declaration.folder)), str(declaration.folder)


def _places(settings: DatasetSettings) -> list[str]:
    """The paths and URLs that a declared dataset is read from."""
    return [settings.path] if settings.path else list((settings.splits or {}).values())


def _may_meet(declared: str, url: str) -> bool:
    """Whether a declared URL can have an object at, below or above another URL."""
    heads = [re.split(r"[*?\[]", text)[0] for text in (declared, url)]
    return is_url(declared) and any(
        one.startswith(other.rstrip("/")) for one, other in (heads, heads[::-1])
    )


def _distinct(declarations: Iterable[Declaration]) -> list[Declaration]:
    return list({declaration.file: declaration for declaration in declarations}.values())


def _not_there(text: str, path: Path) -> str:
    if glob.has_magic(text):
        return f"--pretok-data={text}: no file matches this pattern"
    folder = path.parent
    message = f"--pretok-data={text}: there is no such file or folder"
    try:
        there = os.listdir(folder)
    except PermissionError:
        return f"--pretok-data={text}: no permission to look into {folder}"
    except OSError:
        return message
    near = get_close_matches(path.name, there, n=1)
    return f"{message}; did you mean {near[0]!r}?" if near else message


def _nothing(request: Request, builder: _Builder) -> str:
    where = ", ".join(request.paths)
    lines = [f"--pretok-data={where}: nothing to check"]
    if builder.passed_over:
        lines.append(
            f"{plural(builder.passed_over, 'file')} passed over: "
            "none of the columns input_ids, attention_mask, labels"
        )
    for file, declaration in builder.declarations.items():
        if declaration is not None:
            declared = ", ".join(d.name for d in declaration.datasets) or "no datasets"
            lines.append(f"{node_path(file, request.root)} declares {declared}, none of it here")
    lines += builder.configs.unchecked
    if len(lines) == 1:
        lines.append("no Parquet, Arrow or JSON file was found there, and no declaration")
    return "; ".join(lines)


def _notes(builder: _Builder, root: Path) -> list[str]:
    notes = builder.configs.notes
    if builder.passed_over:
        notes.append(f"{plural(builder.passed_over, 'file')} without token columns passed over")
    if builder.left_over:
        shown = [node_path(path, root) for path in builder.left_over[:3]]
        more = f" and {len(builder.left_over) - 3:,} more" if len(builder.left_over) > 3 else ""
        notes.append(f"not in the declaration, not checked: {', '.join(shown)}{more}")
    return notes
