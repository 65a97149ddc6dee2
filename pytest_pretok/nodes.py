"""pytest's view of the plan: folders, declaration and data files, datasets, and rule items.

Every node has an explicit node id (see `text.node_path`): ids made from paths outside the root
would collide. Data folders are plain collectors, so that no code that lies in them is run.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pretok_schemas import rendering
from pretok_schemas.findings import Finding, Outcome
from pytest_pretok import checks, longrepr
from pytest_pretok.checks import Subject
from pytest_pretok.engines import EngineError
from pytest_pretok.notices import PretokWarning
from pytest_pretok.plan import Plan, PlannedDataset, PlannedSplit
from pytest_pretok.stores import Location, RemotePath, is_url
from pytest_pretok.text import node_path

if TYPE_CHECKING:
    from pytest_pretok.baseline import Standing


class Data(Protocol):
    """What nodes ask of the session that they belong to."""

    plan: Plan
    odd_files: tuple[Location, ...]

    def files_in(self, folder: str) -> list[str]:
        """Anchor files directly in a folder."""

    def folders_in(self, folder: str) -> list[str]:
        """Planned folders directly in a folder."""

    def judge(self, item: RuleItem) -> Finding:
        """The finding of an item."""

    def runs(self, number: int, split: str | None, rule: str | None) -> bool:
        """Whether the item of a rule runs too."""

    def cause_of(self, subject: Subject, finding: Finding) -> Finding | None:
        """The finding that left a rule without a verdict."""

    def standing(self, subject: Subject) -> Standing | None:
        """How an item's finding stands to the baseline, if one is in force."""


class Violation(Exception):
    """A rule is broken, or could not be judged. Carries the finding; the text is made later."""

    def __init__(self, finding: Finding, rendered: str) -> None:
        super().__init__(rendered)
        self.finding = finding
        self.rendered = rendered


class _Hooks:
    """A node whose hooks are its parent's, so that a conftest.py that lies in data never counts."""

    parent: Any

    @cached_property
    def ihook(self) -> Any:
        """The hooks of the folder above the data."""
        return self.parent.ihook


class _Node(_Hooks, pytest.Collector):
    data: Data


class DataFolder(_Node):
    """A folder at or above planned data, yielding planned children only.

    Not a `pytest.Directory`: pytest would execute a conftest.py or ``__init__.py`` in it.
    """

    @classmethod
    def make(cls, parent: pytest.Collector, path: Path, data: Data) -> DataFolder:
        """The node of a folder."""
        nodeid = node_path(path, parent.config.rootpath)
        node: DataFolder = cls.from_parent(
            parent, name=path.name or str(path), path=path, nodeid=nodeid
        )
        node.data = data
        return node

    def collect(self) -> Iterator[pytest.Collector]:
        """Planned files, then planned folders, by name."""
        for file in self.data.files_in(str(self.path)):
            yield DataFile.make(self, Path(file), self.data)
        for folder in self.data.folders_in(str(self.path)):
            yield DataFolder.make(self, Path(folder), self.data)


class DataFile(_Hooks, pytest.File):
    """A declaration or a data file that test items hang on."""

    data: Data

    @classmethod
    def make(cls, parent: pytest.Collector, path: Path, data: Data) -> DataFile:
        """The node of a planned file."""
        nodeid = node_path(path, parent.config.rootpath)
        node: DataFile = cls.from_parent(parent, name=path.name, path=path, nodeid=nodeid)
        node.data = data
        return node

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """One collector a declared dataset, one item a rule of an undeclared one."""
        yield from _children(self, str(self.path), self.data)


class Anchor(_Node):
    """Stands for arguments that pytest could not parse: URLs, and file names that hold ``::`` or
    ``[``.

    A plain collector: pytest's ``--lf`` skips files that no failing id begins with.
    """

    def collect(self) -> Iterator[pytest.Collector]:
        """One collector a file, named by its number."""
        for number, path in enumerate(self.data.odd_files):
            nodeid = node_path(path, self.config.rootpath)
            # pytest wants a path of every node, and looks for nothing there.
            place = Path(path.shown) if isinstance(path, RemotePath) else path
            node = OddFile.from_parent(self, name=f"odd{number}", path=place, nodeid=nodeid)
            node.data, node.anchor = self.data, str(path)
            yield node


class OddFile(_Node):
    """A data file or URL under the anchor."""

    anchor: str

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """The file's items."""
        yield from _children(self, self.anchor, self.data)


class DatasetNode(_Node):
    """One declared dataset."""

    number: int

    def collect(self) -> Iterator[pytest.Item]:
        """Its items, split by split."""
        dataset = self.data.plan.datasets[self.number]
        yield from _items(self, self.number, dataset, dataset.splits, self.data)


class RuleItem(_Hooks, pytest.Item):
    """One rule on one split."""

    subject: Subject
    data: Data

    @property
    def afar(self) -> bool:
        """Whether it hangs on a URL, which is no path."""
        return isinstance(self.parent, OddFile) and is_url(self.parent.anchor)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the dataset is declared, and the item's name."""
        dataset = self.subject.dataset
        name = f"{dataset.name}::{self.name}" if dataset.declared_at else self.nodeid
        # pytest turns the dots of a name that ends the id into colons; the space keeps them.
        return self.path, max(0, dataset.line - 1), f"{name} "

    def runtest(self) -> None:
        """Judge, and say what the judgement is.

        Raises:
            Violation: the rule is broken, or has no verdict and its cause is not among the items.
        """
        finding = self.data.judge(self)
        match finding.outcome:
            case Outcome.PASSED:
                return
            case Outcome.WARNED:
                self._warn(finding)
            case Outcome.NOT_EVALUATED:
                self._give_up(finding)
            case _:  # whatever else an outcome may be, it is no pass
                raise Violation(finding, self.rendered(finding))

    def _give_up(self, finding: Finding) -> None:
        subject = self.subject
        if finding.reason is None and self.data.runs(
            subject.number, subject.split or subject.only, finding.because
        ):
            pytest.skip(f"no verdict: {finding.because} comes first")
        cause = self.data.cause_of(subject, finding)
        raise Violation(finding, rendering.render_no_verdict(finding, subject.split, cause))

    def _warn(self, finding: Finding) -> None:
        # item.warn() would make linecache read the whole data file for a line to quote.
        warning = PretokWarning(f"{self.rendered(finding)}\n")
        try:
            warnings.warn_explicit(warning, None, filename=f"<{self.nodeid}>", lineno=1)
        except PretokWarning:
            raise Violation(finding, self.rendered(finding)) from None

    def rendered(self, finding: Finding) -> str:
        """The finding as text."""
        contract = checks.contract_line(self.subject.dataset, self.subject.split)
        standing = self.data.standing(self.subject)
        note = standing.note if standing is not None else ""
        return rendering.render(finding, self.subject.split or self.subject.only, contract, note)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A violation as its text, and an engine's error; all else keeps its traceback."""
        path, line, _ = self.reportinfo()
        shown = self.parent.nodeid if self.afar else node_path(path, self.config.rootpath)
        if isinstance(excinfo.value, EngineError):
            told = str(excinfo.value)
            return longrepr.failure(shown, line + 1, told.splitlines()[0], told)
        if not isinstance(excinfo.value, Violation):
            return super().repr_failure(excinfo, style)
        violation = excinfo.value
        return longrepr.failure(
            shown, line + 1, rendering.summary(violation.finding), violation.rendered
        )


def _children(
    parent: pytest.Collector, anchor: str, data: Data
) -> Iterator[pytest.Item | pytest.Collector]:
    for number in data.plan.anchors.get(anchor, ()):
        dataset = data.plan.datasets[number]
        if dataset.declared_at:
            nodeid = f"{parent.nodeid}::{dataset.name}"
            node = DatasetNode.from_parent(
                parent, name=dataset.name, path=parent.path, nodeid=nodeid
            )
            node.number, node.data = number, data
            yield node
        else:
            here = [split for split in dataset.splits if split.anchor == anchor and split.collected]
            yield from _items(parent, number, dataset, here, data)


def _items(
    parent: pytest.Collector,
    number: int,
    dataset: PlannedDataset,
    splits: Sequence[PlannedSplit],
    data: Data,
) -> Iterator[RuleItem]:
    _mark(parent)
    named = {split.name for split in splits if split.named}
    for subject in checks.subjects(number, dataset, splits):
        suffix = f"[{subject.split}]" if subject.split in named else ""
        yield _item(parent, f"{subject.rule}{suffix}", subject, data)


def _item(parent: pytest.Collector, name: str, subject: Subject, data: Data) -> RuleItem:
    item: RuleItem = RuleItem.from_parent(parent, name=name, nodeid=f"{parent.nodeid}::{name}")
    item.subject, item.data = subject, data
    return item


def _mark(node: pytest.Collector) -> None:
    """Mark the items below a node, once for all of them."""
    node.add_marker("pretok")
    if node.config.pluginmanager.hasplugin("timeout"):
        # A scan is as long as its data; a limit meant for unit tests says nothing about it.
        node.add_marker(pytest.mark.timeout(0))
