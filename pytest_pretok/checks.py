"""The verdicts of one session: which rules each split is checked with, and one scan a split.

Must not know nodes or reports. A scan that raised is kept like a result, so that no later item
begins it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pretok_schemas.contract import Vocabulary
from pretok_schemas.custom import Custom, spread
from pretok_schemas.findings import Budget, Finding, Severity
from pretok_schemas.judge import Judge
from pretok_schemas.rules.corpus import SplitOverlap
from pretok_schemas.text import printable
from pytest_pretok.engines import Engine, EngineError, make_engine
from pytest_pretok.plan import Plan, PlannedDataset, PlannedSplit
from pytest_pretok.scan import SILENT, Progress, Shard, SplitScan, compare_splits, scan_split
from pytest_pretok.settings import DatasetSettings, contract_of

if TYPE_CHECKING:
    from pytest_pretok.baseline import Baselines, Standing
    from pytest_pretok.readers.memory import Held

ACROSS = frozenset({SplitOverlap.name})  # rules that judge a dataset, not a split

# What leaves other rules without a verdict, whether they were asked for or not.
ALWAYS_OBSTRUCT = frozenset({"unreadable-file", "no-rows", "missing-column"})

Selection = Mapping[tuple[int, str | None], frozenset[str]]
Watch = Callable[[str], AbstractContextManager[Progress]]


@dataclass(frozen=True, slots=True)
class Options:
    """How a session scans: examples a finding, workers (None: all), every violation kept.

    With ``update_baseline`` findings are taken down as known rather than judged; ``engine`` is
    where units run (see `engines.make_engine`).
    """

    examples: int = 3
    workers: int | None = None
    keep_all: bool = False
    update_baseline: bool = False
    engine: str = "local"


def unwatched(name: str) -> AbstractContextManager[Progress]:
    """A scan that nobody looks at."""
    return nullcontext(SILENT)


def packs(settings: Mapping[str, Any], split: str | None) -> bool:
    """Whether the rows of a split are packed."""
    own = settings["entries"].get(split or "", {}).get("packing")
    return bool(settings["packing"] if own is None else own)


def contract_line(dataset: PlannedDataset, split: str | None) -> str:
    """The contract that a split is held to, in words."""
    packing = "on" if packs(dataset.settings, split) else "off"
    return f"{dataset.settings['contract']}, packing {packing}"


def make_judge(
    dataset: PlannedDataset,
    options: Options,
    selected: frozenset[str] | None,
    split: str | None = None,
) -> Judge:
    """The judge of a dataset's split, for the selected rules only (None: all of them)."""
    settings = DatasetSettings.from_dict(dataset.settings)
    custom = _custom(settings)
    rules = spread(settings.rules, [one.kind.name for one in custom]).items()
    return Judge(
        contract_of(settings, split),
        _vocabulary(settings),
        names=settings.columns,
        selected=selected,
        severities={rule: Severity(own.severity) for rule, own in rules if own.severity},
        budgets={rule: Budget(own.max_rows, own.max_share) for rule, own in rules},
        examples=options.examples,
        keep_all=options.keep_all,
        custom=custom,
    )


def _custom(settings: DatasetSettings) -> tuple[Custom, ...]:
    if not settings.plugins and settings.own_schema is None:
        return ()
    from pytest_pretok.imports import custom_of  # lazy: few have any

    return custom_of(settings)


def _vocabulary(settings: DatasetSettings) -> Vocabulary:
    tokenizer = None
    if settings.tokenizer is not None:
        from pytest_pretok.tokenizers.shared import shared_tokenizer  # lazy: start cost

        tokenizer = shared_tokenizer(settings.tokenizer)
    return Vocabulary(
        settings.vocab_size,
        settings.bos_token_id,
        settings.eos_token_ids,
        settings.pad_token_id,
        tokenizer,
    )


@dataclass(frozen=True, slots=True)
class Subject:
    """What one item judges: a rule on one split of a dataset, or on the dataset (split None).

    ``only`` limits a rule across splits to the rows of one split.
    """

    number: int
    dataset: PlannedDataset
    split: str | None
    rule: str
    only: str | None = None


def subjects(
    number: int, dataset: PlannedDataset, splits: Sequence[PlannedSplit]
) -> Iterator[Subject]:
    """What there is to judge of some splits of a dataset, rules across splits last."""
    for split in splits:
        for rule in offered_rules(dataset.settings, split.name):
            if rule not in ACROSS:
                yield Subject(number, dataset, split.name, rule)
    if len(dataset.splits) < 2:
        return
    together = len({split.anchor for split in dataset.splits}) == 1
    for rule in offered_rules(dataset.settings):
        if rule not in ACROSS:
            continue
        if together:
            yield Subject(number, dataset, None, rule)
            continue
        # Without a declaration the splits are files: the evaluation file carries the finding.
        for split in splits:
            if split is not dataset.splits[0] and split.name != dataset.splits[0].name:
                yield Subject(number, dataset, None, rule, split.name)


@dataclass(slots=True)
class Checks:
    """Scans and findings of the datasets of a plan, made when first asked for.

    ``select`` gives the rules of the items that will run: by dataset number and split name, None
    for the rules across splits. ``watch`` opens what shows the progress of a scan, by its name.
    ``held`` are the rows of shards that are no files, by the shards' paths.
    """

    plan: Plan
    options: Options
    select: Callable[[], Selection]
    watch: Watch = unwatched
    held: Mapping[str, Held] = field(default_factory=dict)
    _scans: dict[tuple[int, str], SplitScan | BaseException] = field(default_factory=dict)
    _overlaps: dict[tuple[int, str | None], Finding] = field(default_factory=dict)
    _selection: Selection | None = None
    _engine: Engine | Exception | None = None
    _baselines: Baselines | None = None

    @property
    def engine(self) -> Engine:
        """Where scans run; started when the first of them begins.

        Raises:
            EngineError: it cannot be started. It is tried once.
        """
        if self._engine is None:
            try:
                self._engine = make_engine(self.options.engine, self.options.workers)
            except Exception as error:
                self._engine = error
                raise
        if isinstance(self._engine, Exception):
            raise self._engine.with_traceback(None)
        return self._engine

    def close(self) -> None:
        """Stop the engine, if one was started."""
        engine, self._engine = self._engine, EngineError("the session is over")
        if engine is not None and not isinstance(engine, Exception):
            engine.close()

    @property
    def selection(self) -> Selection:
        """The rules that run, asked for once."""
        if self._selection is None:
            self._selection = self.select()
        return self._selection

    def judge(self, number: int, split: str | None, only: str | None = None) -> Judge:
        """The judge of one split with the rules that run on it, and those across splits."""
        own = self.selection.get((number, split), frozenset()) if split else frozenset()
        across = self.selection.get((number, None), frozenset())
        dataset = self.plan.datasets[number]
        judge = make_judge(dataset, self.options, own | across, split)
        if dataset.baseline is not None:
            rules = [rule.name for rule in judge.rules]
            known = self.baselines.loosen(dataset, split, only, rules)
            judge.budgets = {**judge.budgets, **known}
        return judge

    @property
    def baselines(self) -> Baselines:
        """The baselines in force, read once."""
        if self._baselines is None:
            from pytest_pretok.baseline import Baselines  # lazy: start cost

            self._baselines = Baselines(self.plan, self.options.update_baseline)
        return self._baselines

    def scan(self, number: int, split: str) -> SplitScan:
        """The one scan of a split."""
        key = (number, split)
        if key not in self._scans:
            try:
                self._scans[key] = self._scan(number, split)
            except BaseException as error:  # pytest-timeout raises one that is no Exception
                self._scans[key] = error
                raise
        kept = self._scans[key]
        if isinstance(kept, BaseException):
            raise kept
        return kept

    def _scan(self, number: int, split: str) -> SplitScan:
        planned = next(s for s in self.plan.datasets[number].splits if s.name == split)
        shards = [
            Shard(one.path, one.shown, one.format, one.error, self.held.get(one.path), one.columns)
            for one in planned.shards
        ]
        judge = self.judge(number, split)
        name = printable(self.plan.datasets[number].name)
        if planned.named or len(self.plan.datasets[number].splits) > 1:
            name += f"[{printable(split)}]"
        with self.watch(name) as progress:
            return scan_split(split, shards, judge, self.engine, progress)

    def finding(self, number: int, split: str, rule: str) -> Finding:
        """The finding of a rule on one split."""
        return self.scan(number, split).findings[rule]

    def overlap(self, number: int, only: str | None) -> Finding:
        """The finding of `split-overlap`: over all splits, or for the rows of one of them."""
        key = (number, only)
        if key not in self._overlaps:
            names = [split.name for split in self.plan.datasets[number].splits]
            if only is not None:
                names = [*names[: names.index(only)], only]
            scans = [self.scan(number, name) for name in names]
            judge = self.judge(number, None, only)
            with self.watch(printable(self.plan.datasets[number].name)) as progress:
                self._overlaps[key] = compare_splits(scans, judge, self.engine, only, progress)
        return self._overlaps[key]

    def weighed(
        self, number: int, split: str | None, rule: str, only: str | None = None
    ) -> tuple[Finding, Standing | None]:
        """The finding of a rule, and how it stands to the baseline, if one is in force."""
        dataset = self.plan.datasets[number]
        obstructs = False
        if split is None:
            finding = self.overlap(number, only)
        else:
            finding = self.finding(number, split, rule)
            others = self.scan(number, split).findings.values()
            obstructs = rule in ALWAYS_OBSTRUCT or any(other.because == rule for other in others)
        if dataset.baseline is None:
            return finding, None
        from pytest_pretok.baseline import key_of  # lazy: start cost

        key = key_of(dataset, split, rule, only)
        return self.baselines.weigh(finding, dataset, key, obstructs=obstructs)

    def tolerates(self, number: int, split: str, rule: str) -> bool:
        """Whether a rule that would fail passes by the baseline alone."""
        finding, standing = self.weighed(number, split, rule)
        return standing is not None and standing.tolerated and finding.severity is Severity.ERROR

    def runs(self, number: int, split: str | None, rule: str | None, apart: bool = False) -> bool:
        """Whether a rule is judged too (for a rule across splits: on every split).

        One that passes by a baseline alone does not count: nobody would see what it hides. Nor
        does a unit that a cluster lost where ``apart``, another process, may read it for the rule.
        """
        splits = [s.name for s in self.plan.datasets[number].splits] if split is None else [split]
        if apart and any(self.scan(number, name).lost for name in splits):
            return False
        return rule is not None and all(
            rule in self.selection.get((number, name), frozenset())
            and not self.tolerates(number, name, rule)
            for name in splits
        )

    def cause_of(self, subject: Subject, finding: Finding) -> Finding | None:
        """The finding that left a rule without a verdict."""
        names = [split.name for split in self.plan.datasets[subject.number].splits]
        for name in [subject.split] if subject.split is not None else names:
            cause = self.scan(subject.number, name).findings.get(finding.because or "")
            if cause is not None and cause.violations:
                return cause
        return None

    def finished_scans(self) -> dict[tuple[int, str], SplitScan]:
        """Scans made in this process that did not raise."""
        return {key: scan for key, scan in self._scans.items() if isinstance(scan, SplitScan)}


@dataclass(frozen=True, slots=True)
class Offer:
    """What there is to say of a rule before it has judged; see `Finding`."""

    name: str
    severity: Severity
    unit: str
    help: str
    about: str
    evidence: str


@dataclass(frozen=True, slots=True)
class _Settings:
    """Settings of a dataset, told apart by what matters to its rules.

    Datasets that differ by name alone have the same ones.
    """

    key: str
    values: Mapping[str, Any] = field(compare=False)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> _Settings:
        import json

        same = {**settings, "name": "x", "line": 0, "path": "x", "splits": None}
        return cls(json.dumps(same, default=id), same)  # a schema may be given as itself


@lru_cache(maxsize=64)
def _rules_of(
    settings: _Settings, split: str | None
) -> tuple[tuple[Offer, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    judge = make_judge(PlannedDataset("", "", dict(settings.values), ()), Options(), None, split)
    offers = (
        Offer(r.name, r.severity, r.unit, r.help, r.summary(), r.evidence) for r in judge.offered
    )
    return tuple(offers), tuple(judge.lacking.items())


def offers(settings: Mapping[str, Any], split: str | None = None) -> tuple[Offer, ...]:
    """The rules that a split of a dataset of these settings is checked with, in judging order."""
    return _rules_of(_Settings.of(settings), split)[0]


def offered_rules(settings: Mapping[str, Any], split: str | None = None) -> tuple[str, ...]:
    """The names of the same."""
    return tuple(offer.name for offer in offers(settings, split))


def lacking_rules(settings: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The rules that lack a setting, and which settings would switch them on."""
    return dict(_rules_of(_Settings.of(settings), None)[1])
