"""The datasets of one plan, declared and undeclared, as they are added.

Knows what declarations say; finds no files.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from pretok_schemas.text import printable
from pytest_pretok.declared import Declaration
from pytest_pretok.discovery import FoundDataset, FoundSplit
from pytest_pretok.plan import PlannedDataset, PlannedShard, PlannedSplit
from pytest_pretok.planning.declarations import Declarations, places_of
from pytest_pretok.planning.request import PlanError, Request, absolute
from pytest_pretok.settings import DatasetSettings, undeclared
from pytest_pretok.stores import Location, identity, redacted
from pytest_pretok.text import node_path


@dataclass(slots=True)
class Datasets:
    """Planned datasets by what tells them apart: a declaration and a name, or their anchors."""

    request: Request
    declared: Declarations
    planned: dict[tuple[str, ...], PlannedDataset] = field(default_factory=dict)

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
        """Add datasets of a declaration; ``wanted`` are their names (None: all of them)."""
        by = self.declared.configs.named_by.get(declaration.file)
        for settings in declaration.datasets:
            known = (str(declaration.file), settings.name) in self.planned
            if not known and (wanted is None or settings.name in wanted):
                settings = self.with_plugins(settings)
                splits = self.declared.splits_of(declaration.file, settings)
                file = node_path(declaration.file, self.request.root)
                self.planned[str(declaration.file), settings.name] = PlannedDataset(
                    settings.name,
                    redacted(", ".join(places_of(settings))),
                    settings.to_dict(),
                    tuple(self.split(split, declaration.file) for split in splits),
                    f"{file}:{settings.line}",
                    settings.line,
                    *_baseline(settings, declaration),
                    "" if by is None else str(by.file),
                )

    def add_undeclared(
        self, dataset: FoundDataset, chosen: Collection[Location] | None = None
    ) -> None:
        """Add a dataset that no declaration names; ``chosen`` are the anchors to collect."""
        # Several datasets of a folder can share its path; no two share their anchors.
        key = tuple(identity(split.anchor) for split in dataset.splits)
        known = self.planned.get(key)
        picked = [chosen is None or split.anchor in chosen for split in dataset.splits]
        if known and all(
            one.collected for one, asked in zip(known.splits, picked, strict=True) if asked
        ):
            return
        declaration = self.declared.nearest(dataset.splits[0].anchor)
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
            self.planned[key] = PlannedDataset(
                name, shown, settings.to_dict(), splits, None, 0, *known_findings
            )
        else:
            # Named once more, by another of its splits, or by a link to the same files.
            both = zip(known.splits, splits, strict=True)
            splits = tuple(replace(a, collected=a.collected or b.collected) for a, b in both)
            self.planned[key] = replace(known, splits=splits)

    def split(self, split: FoundSplit, anchor: Location, collected: bool = True) -> PlannedSplit:
        """A split that was found, as the plan has it; its items hang on ``anchor``."""
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

    def is_planned(self, path: Location) -> bool:
        """Whether a file is among those that will be read anyhow."""
        return any(
            shard.path == str(path)
            for dataset in self.planned.values()
            for split in dataset.splits
            if split.collected
            for shard in split.shards
        )


def _baseline(settings: DatasetSettings, declaration: Declaration | None) -> tuple[str | None, str]:
    """The baseline file of a dataset, and the folder that it is named from."""
    if settings.baseline is None or declaration is None:
        return None, ""
    return str(absolute(settings.baseline, declaration.folder)), str(declaration.folder)
