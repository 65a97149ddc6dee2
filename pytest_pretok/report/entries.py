"""The findings of a JSON report one by one, and where each belongs in a checkout.

What Markdown, SARIF and annotations are made from: control characters in it are made visible. Opens
no file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pretok_schemas.findings import Finding
from pretok_schemas.text import printable
from pytest_pretok.stores import is_url

Report = dict[str, Any]
_SILENT = ("passed", "not-selected")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file: ``path`` as the report has it, ``line`` from 1 or None for the file."""

    path: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule on one split, or across the splits (``split`` None) of a dataset of a report.

    ``tolerated`` tells that the finding passes by a baseline alone, which knows ``known``
    violations.
    """

    dataset: str
    declared: Spot | None
    split: str | None
    id: str
    finding: Finding
    tolerated: bool
    known: int | None
    file: str

    @property
    def subject(self) -> str:
        """The dataset, and the split in brackets."""
        return self.dataset if self.split is None else f"{self.dataset} [{self.split}]"

    @property
    def spot(self) -> Spot:
        """The line of the first example where it has one, else the declaration, else the file."""
        first = next((example for example in self.finding.examples if example.line), None)
        if first is not None:
            return Spot(first.shard, first.line)
        if self.declared is not None:
            return self.declared
        shown = next((example.shard for example in self.finding.examples if example.shard), None)
        return Spot(shown or self.file)


def entries(report: Report) -> Iterator[Entry]:
    """Every rule that did not simply pass, by dataset and split; those across splits come last."""
    for dataset in report["datasets"]:
        for split in dataset["splits"]:
            file = next((shard["path"] for shard in split["shards"]), dataset["path"])
            yield from _entries(dataset, split["rules"], file)
        yield from _entries(dataset, dataset["rules"], dataset["path"])


def _entries(dataset: dict[str, Any], rules: list[dict[str, Any]], file: str) -> Iterator[Entry]:
    declared = None
    if dataset["declared_at"]:
        path, _, line = printable(dataset["declared_at"]).rpartition(":")
        declared = Spot(path, max(1, int(line)))
    for rule in rules:
        if rule["tolerated"] or rule["outcome"] not in _SILENT:
            shown = _shown(rule)
            yield Entry(
                dataset=printable(dataset["name"]),
                declared=declared,
                split=shown["split"],
                id=shown["id"],
                finding=Finding.from_dict(shown),
                tolerated=shown["tolerated"],
                known=shown["baseline"],
                file=printable(file),
            )


def _shown(value: Any) -> Any:
    """A JSON value whose strings hold no control, direction or surrogate characters."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _shown(inner) for key, inner in value.items()}
    return [_shown(inner) for inner in value] if isinstance(value, list) else value


def in_checkout(report: Report, path: str) -> str | None:
    """A path as the host of the checkout knows it, with /; None if it lies elsewhere."""
    if is_url(path):
        return None
    whole = PurePosixPath(whole_path(report, path))
    root = report["source_root"]
    if root and whole.is_relative_to(root):
        return whole.relative_to(root).as_posix()
    return None


def whole_path(report: Report, path: str) -> str:
    """A path from the root of the file system on; as it is where the root is not known."""
    return (PurePosixPath(report["root"]) / path).as_posix()
