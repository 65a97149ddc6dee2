"""Trainer configurations -> declarations with their splits, as planning wants them.

Reads configurations, file headers and file times; knows pytest and the command line not at all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pretok_schemas.run import BIN_ROWS, Entry
from pretok_schemas.text import printable
from pretok_schemas.trainers import load
from pytest_pretok.declared import Declaration
from pytest_pretok.discovery import FoundSplit
from pytest_pretok.discovery.sources import BUILDERS, Located, is_elsewhere, is_tokenised, locate
from pytest_pretok.paths import exists, is_file, is_folder
from pytest_pretok.readers import data_suffix
from pytest_pretok.settings import DatasetSettings, Defaults, RuleSetting, dataset_of
from pytest_pretok.text import node_path
from pytest_pretok.tokenizers.shared import readable_tokenizer
from pytest_pretok.trainer_configs.base import Source, TrainerConfig
from pytest_pretok.trainer_configs.model_folder import vocabulary
from pytest_pretok.trainer_configs.read import read_config

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class ConfigPlan:
    """A configuration as a declaration, the splits of its datasets by name, and what to note.

    ``unchecked`` says of each dataset that is not checked why; ``notes`` are other remarks.
    """

    declaration: Declaration
    splits: dict[str, tuple[FoundSplit, ...]]
    unchecked: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """One dataset of a configuration with the files that it leads to."""

    source: Source
    located: Located


def plan_config(
    file: Path,
    bases: Sequence[Path],
    defaults: Defaults | None,
    root: Path,
    opens_data: bool = True,
) -> ConfigPlan | None:
    """What a trainer configuration declares, None for YAML that is no trainer's.

    ``bases`` are the folders that relative paths may be meant from, the likeliest first;
    ``defaults`` are those of the project that the configuration lies in. Without ``opens_data``
    text for the trainer to tokenise cannot be told from tokens, and counts as these.

    Raises:
        DeclarationError: the configuration is faulty; all faults are named.
    """
    shown = node_path(file, root)
    config = read_config(file, shown)
    if config is None:
        return None
    return _Planner(file, shown, config, bases, defaults, root, opens_data).plan()


@dataclass(slots=True)
class _Planner:
    file: Path
    shown: str
    config: TrainerConfig
    bases: Sequence[Path]
    defaults: Defaults | None
    root: Path
    opens_data: bool

    def plan(self) -> ConfigPlan:
        base = self.base()
        parts, unchecked = self.locate(base)
        datasets: list[DatasetSettings] = []
        splits: dict[str, tuple[FoundSplit, ...]] = {}
        notes = self.notes(base, parts)
        for members in self.groups(parts):
            name = _free(dataset_name(members[0].source), splits)
            splits[name], entries = self.members(members, base)
            datasets.append(self.settings(name, members[0].source, base, entries))
        declaration = Declaration(
            self.file, self.file.parent, self.defaults or Defaults(), tuple(datasets)
        )
        return ConfigPlan(declaration, splits, tuple(unchecked), tuple(notes))

    # -- where the data is

    def base(self) -> Path:
        """The folder that relative paths are taken from: the first one in which some exist.

        The trainer takes them from the folder that it is started in, which nobody can know here.
        """
        relative = [
            text
            for source in self.config.sources
            for text in ((source.path, *source.data_files))
            if not Path(text).is_absolute() and "://" not in text and text not in BUILDERS
        ]
        with_some = (base for base in self.bases if any(exists(base / text) for text in relative))
        return next(with_some, self.bases[0])

    def locate(self, base: Path) -> tuple[list[_Part], list[str]]:
        columns = self.columns() if self.opens_data else None
        parts, unchecked = [], [printable(text, 300) for text in self.config.unread]
        for source in self.config.sources:
            why = is_elsewhere(source, base)
            if source.whole and why != "a URL":  # a folder that the trainer writes if need be
                there = exists(base / source.path)
                why = None if there else "not there yet: the trainer would write it"
            if why is not None:
                unchecked.append(f"{printable(source.path, 120)} ({why})")
                continue
            located = locate(source, base, self.file, columns)
            if source.type and columns is not None and not is_tokenised(located, columns):
                text = f"type: {source.type}, text that the trainer tokenises itself"
                unchecked.append(f"{printable(source.path, 120)} ({printable(text, 120)})")
                continue
            parts.append(_Part(source, located))
        return parts, unchecked

    def columns(self) -> frozenset[str]:
        renamed = self.defaults.columns if self.defaults else {}
        roles = [c.role for c in load(self.config.trainer).columns if c.required]
        return frozenset(renamed.get(role, role) for role in roles)

    # -- datasets

    def groups(self, parts: Sequence[_Part]) -> list[list[_Part]]:
        """The parts that are splits of one dataset.

        A single dataset to train on takes what it is evaluated on as splits, so that they are
        compared; of several, each stands for itself.
        """
        if len([part for part in parts if part.source.trains]) == 1:
            ordered = sorted(parts, key=lambda part: not part.source.trains)
            return [ordered]
        return [[part] for part in parts]

    def members(
        self, members: Sequence[_Part], base: Path
    ) -> tuple[tuple[FoundSplit, ...], dict[str, Entry]]:
        """The splits of one dataset, and what the configuration says of each."""
        splits: dict[str, FoundSplit] = {}
        entries = {}
        for part in members:
            for split in part.located.splits:
                name = _free(split.name, splits)
                splits[name] = replace(split, name=name)
                entries[name] = self.entry(part, split, base)
        return tuple(splits.values()), entries

    def entry(self, part: _Part, split: FoundSplit, base: Path) -> Entry:
        source, located = part.source, part.located
        found = (shard.path for shard in split.shards if shard.error is None)
        paths = [path for path in found if isinstance(path, Path)]
        prepared = self.config.prepared.get(source.trains)
        folder = base / prepared if prepared else None
        written = _written(folder) if folder else None
        return Entry(
            source.path,
            located.place,
            located.absent and not self.config.streaming,
            source.trains,
            source.wanted,
            located.found,
            source.ds_type,
            source.type,
            located.format_type,
            node_path(folder, self.root) if folder and written is not None else None,
            written,
            {node_path(path, self.root): time for path in paths if (time := _time(path))},
            self.config.bins,
            self.config.bin_rows or BIN_ROWS,
            self.config.held_out,
            *self.of_split(source),
            self.config.streaming,
        )

    def of_split(self, source: Source) -> tuple[bool | None, int | None]:
        """Packing and length limit where they differ from those of the data to train on."""
        if source.trains or self.config.eval_settings == self.config.settings:
            return None, None
        own = self.config.eval_settings
        return own.get("packing"), own.get("sequence_len")

    def settings(
        self, name: str, source: Source, base: Path, entries: dict[str, Entry]
    ) -> DatasetSettings:
        defaults = self.defaults or Defaults()
        # What is declared goes before what the model says.
        told = {k: v for k, v in self.vocabulary(base).items() if getattr(defaults, k) is None}
        own = dict(self.config.settings if source.trains else self.config.eval_settings)
        rules = dict(defaults.rules)
        if self.several() or not source.trains:
            rules["too-few-tokens-to-pack"] = RuleSetting("off")  # see `notes`
        if self.config.untold:
            rules["stale-prepared-folder"] = RuleSetting("off")
        path = source.path if source.path not in BUILDERS else ", ".join(source.data_files)
        own |= {"rules": rules, "name": name, "line": source.line, "path": path or source.path}
        own["contract"] = self.config.trainer
        own["entries"] = {split: entry.to_dict() for split, entry in entries.items()}
        known = {key: value for key, value in own.items() if value is not None}
        return dataset_of(defaults, **{**told, **known})

    def vocabulary(self, base: Path) -> dict[str, Any]:
        folder = base / self.config.model if self.config.model else None
        if folder is None or not is_folder(folder):
            return {}
        found = vocabulary(folder, self.config.special_tokens, self.config.adds_tokens)
        # A run that adds tokens has a tokenizer that is not there yet.
        if not self.config.adds_tokens and readable_tokenizer(folder):
            found["tokenizer"] = str(folder)
        return found

    def several(self) -> bool:
        """Whether rows of several datasets are trained, and packed, together."""
        return sum(source.trains for source in self.config.sources) > 1

    def notes(self, base: Path, parts: Sequence[_Part]) -> list[str]:
        found = []
        if base != self.bases[0]:
            first, place = (printable(str(folder)) for folder in (self.bases[0], base))
            found.append(
                f"{self.shown}: its paths lead nowhere from {first}; "
                f"they were taken from {place}, where a trainer must be started then"
            )
        trained = sum(part.source.trains for part in parts)
        if len(self.groups(parts)) > 1 and 0 < trained < len(parts):
            found.append(
                f"{self.shown}: test_datasets are not compared with several datasets: "
                "split-overlap is not checked"
            )
        if self.several() and self.config.settings.get("packing"):
            found.append(
                f"{self.shown}: several datasets are packed together; "
                "too-few-tokens-to-pack is not checked"
            )
        if self.config.untold and trained:
            found.append(
                f"{self.shown}: stale-prepared-folder is not checked: {self.config.untold}"
            )
        return found


def dataset_name(source: Source) -> str:
    """The name of a dataset in test ids: the last part of its path, without suffix."""
    text = source.data_files[0] if source.path in BUILDERS and source.data_files else source.path
    last = text.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    suffix = data_suffix(last)
    plain = last[: -len(suffix)] if suffix else last
    return _UNSAFE.sub("_", plain)[:80] if plain.strip(".") else "data"


def _free(name: str, taken: Collection[str]) -> str:
    """The name, or with the first number from 2 on that is free behind it."""
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def _written(folder: Path) -> float | None:
    """When a prepared folder was written; None where there is none, or nothing in it."""
    state = folder / "state.json"
    if is_file(state):
        return _time(state)
    try:
        return min((_time(path) or 0 for path in folder.iterdir()), default=None)
    except OSError:
        return None


def _time(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None
