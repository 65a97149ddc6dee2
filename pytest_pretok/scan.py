"""One pass over a split: its shards' units through every needed rule, merged in order.

Plans units through `readers`, has them done by an engine, judges through `pretok_schemas`; knows
neither pytest nor how files were found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pretok_schemas.arrow import describe
from pretok_schemas.batch import Ints
from pretok_schemas.findings import Example, Finding, Outcome
from pretok_schemas.judge import Judge
from pretok_schemas.rules import corpus
from pretok_schemas.rules.base import NOWHERE, Rule, ShardFacts, SplitFacts
from pretok_schemas.state import HitTable, Place, State, Tally
from pytest_pretok.engines import Engine, Lost
from pytest_pretok.engines.local import Threads
from pytest_pretok.readers import Unit, UnreadableFile, read_header, split_units
from pytest_pretok.tasks import Asked, DigestTask, Done, LookTask, Part

# Rules that compare the rows of one split -> what they make of the digests of rows whose keys meet.
WITHIN = {
    corpus.DuplicateRows.name: corpus.later_equals,
    corpus.ConflictingLabels.name: corpus.first_conflicts,
}


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of a split: where it is, how messages name it, or why it cannot be opened."""

    path: str
    shown: str
    format: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A unit that was read, and where its rows turned out to begin."""

    part: Part
    place: Place


@dataclass(slots=True)
class SplitScan:
    """Everything that one pass over a split found out.

    ``tables`` holds every violation, by rule, if they were asked for. ``lost`` tells whether a
    shard's error may be the cluster's and not the file's: another scan may then not meet it.
    """

    split: str
    state: State
    shards: list[ShardFacts]
    findings: dict[str, Finding]
    parts: list[Placed] = field(default_factory=list)
    tables: dict[str, list[HitTable]] = field(default_factory=dict)
    lost: bool = False

    @property
    def unreadable(self) -> bool:
        """Whether some shard could not be read to its end."""
        return any(shard.error is not None for shard in self.shards)

    @property
    def facts(self) -> SplitFacts:
        """The split's sums, as rules want them."""
        return self.state.stats.facts()


@dataclass(slots=True)
class _Damage:
    """What is known of the shards of a split while their units come in, and what went wrong.

    ``lost`` holds the shards whose errors may be the cluster's.
    """

    facts: list[ShardFacts]
    remote: bool
    lost: set[int] = field(default_factory=set)

    def broken(self, shard: int) -> bool:
        """Whether a shard is known not to be read to its end."""
        return self.facts[shard].error is not None

    def note(self, part: Part, done: Done[Any] | Lost) -> None:
        """Take down why a unit was not read to its end, if so; a shard's first reason stands."""
        error = _error_of(part, done, self.remote)
        if error is None or self.broken(part.shard):
            return
        fact = self.facts[part.shard]
        # A format without a schema has told no columns where it breaks off.
        typed = part.unit.format not in ("json", "jsonl")
        self.facts[part.shard] = replace(fact, error=error, columns=fact.columns if typed else None)
        if _is_lost(done, self.remote):
            self.lost.add(part.shard)

    def explain(self, findings: dict[str, Finding]) -> None:
        """Say of files that are unreadable for the cluster's sake alone what that means."""
        broken = {number for number, fact in enumerate(self.facts) if fact.error is not None}
        found = findings.get("unreadable-file")
        if found is None or not broken or not broken <= self.lost:
            return
        findings[found.rule] = replace(
            found,
            effect=None,
            consequence="nothing is known of these files, and what was not read cannot pass",
            help="look at the cluster: whether its workers see the same files, and have the "
            "memory; --pretok-engine=local does without it",
        )


def _is_lost(done: Done[Any] | Lost, remote: bool) -> bool:
    return isinstance(done, Lost) or (remote and done.absent_on is not None)


def _error_of(part: Part, done: Done[Any] | Lost, remote: bool) -> str | None:
    if isinstance(done, Lost):
        return f"lost on the cluster: {_name_of(part.unit)}: {done.reason}"
    if done.absent_on is not None and remote:
        return f"the worker on {done.absent_on} could not open it: {done.error}"
    return done.error


def _name_of(unit: Unit) -> str:
    """What a person would call a unit."""
    if not unit.part:
        return "the whole file"
    if unit.format == "parquet":
        what, first, last = "row group", unit.part[0], unit.part[-1]
    else:
        what = "record batch" if unit.format == "arrow-file" else "byte"
        first, last = unit.part[0], unit.part[1] - 1
    if first == last:
        return f"{what} {first}"
    return f"{what}{'es' if what.endswith('ch') else 's'} {first} to {last}"


def scan_split(
    split: str, shards: Sequence[Shard], judge: Judge, engine: Engine | int
) -> SplitScan:
    """Read a split once and judge it; rules across splits are judged by `compare_splits`.

    ``engine`` may be a number of threads.
    """
    engine = Threads(engine) if isinstance(engine, int) else engine
    damage = _Damage([ShardFacts(s.shown, error=s.error) for s in shards], engine.remote)
    parts: list[Part] = []
    for index, shard in enumerate(shards):
        if shard.error is None:
            damage.facts[index] = _open(index, shard, judge, parts)

    state, placed = _look(split, parts, judge, engine, damage)
    norms = judge.norms(state)
    if norms:
        state.tallies.update(_look_again(placed, judge, norms, engine, damage).tallies)
    within = [rule for rule in judge.rules if rule.name in WITHIN]
    digests: list[tuple[int, bytes]] = []
    if within:
        rows, keys = corpus.comparable(state.keys, corpus.DuplicateRows.eligible)
        repeated = corpus.repeated_rows(rows, keys)
        digests = list(_digests(placed, DigestTask(judge, True), repeated, engine, damage.note))

    findings = judge.conclude(state, damage.facts)
    damage.explain(findings)
    lost = bool(damage.lost)
    scan = SplitScan(split, state, damage.facts, findings, placed, lost=lost)
    if judge.keep_all:
        scan.tables = judge.tables(state, damage.facts)
    for rule in within:
        _compare_rows(rule, scan, judge, digests)
    return scan


def _look(
    split: str, parts: Sequence[Part], judge: Judge, engine: Engine, damage: _Damage
) -> tuple[State, list[Placed]]:
    """The first pass: what is known of all rows, and where each unit's rows begin."""
    state = State()
    placed: list[Placed] = []
    row = 0  # not state.rows: a unit that broke off still takes up the rows its footer told
    in_shard = [0] * len(damage.facts)
    for index, done in engine.run(LookTask(judge), parts):
        part = parts[index]
        if damage.broken(part.shard) and part.unit.rows is None:
            continue  # without a footer nobody can number the rows behind the damage
        damage.note(part, done)
        took_up = part.unit.rows or 0
        if isinstance(done, Done):
            place = Place(row, in_shard[part.shard], damage.facts[part.shard].path, split)
            placed.append(Placed(part, place))
            state.extend(done.value, judge.examples, place)
            took_up = done.value.rows if done.error is None else max(took_up, done.value.rows)
        row += took_up
        in_shard[part.shard] += took_up
    pairs = zip(damage.facts, in_shard, strict=True)
    damage.facts[:] = [replace(fact, rows=rows) for fact, rows in pairs]
    return state, placed


def _open(index: int, shard: Shard, judge: Judge, parts: list[Part]) -> ShardFacts:
    path = Path(shard.path)
    columns: tuple[str, ...] | None = None
    try:
        header = read_header(path, shard.format)
        columns = tuple(header.columns)
        types = {name: describe(dtype) for name, dtype in header.types.items()}
        if header.repeated:
            # `datasets` refuses such a table whatever the column, and no reader can choose for it.
            raise UnreadableFile(f"columns that occur more than once: {', '.join(header.repeated)}")
        foreign = judge.columns.foreign(header.columns)
        usable = judge.columns.usable(columns, foreign)
        names = (judge.columns.names[role] for role in judge.roles if role in usable)
        wanted = tuple(name for name in names if name in columns)
        found = [Part(index, unit, wanted, foreign) for unit in split_units(path, header)]
    except UnreadableFile as error:
        return ShardFacts(shard.shown, columns=columns, error=error.reason)
    parts.extend(found)
    schema = bool(header.columns) and None not in header.columns.values()
    return ShardFacts(
        shard.shown,
        columns=columns,
        types=types,
        schema=schema,
        usable=usable,
        format=header.format,
    )


def _look_again(
    placed: Sequence[Placed],
    judge: Judge,
    norms: Mapping[str, str],
    engine: Engine,
    damage: _Damage,
) -> State:
    """A second pass over a split, for rules that know only now what nearly all rows do."""
    state = State()
    task = LookTask(judge, norms)
    for index, done in engine.run(task, [one.part for one in placed]):
        damage.note(placed[index].part, done)
        if isinstance(done, Done):
            state.extend(done.value, judge.examples, placed[index].place)
    return state


def _digests(
    placed: Sequence[Placed],
    task: DigestTask,
    rows: Ints,
    engine: Engine,
    note: Callable[[Part, Done[Any] | Lost], None],
) -> Iterator[tuple[int, bytes]]:
    """A second look at some rows of a split: (row, digest), in row order.

    ``note`` is told what became of every unit that was asked.
    """
    starts = [one.place.row for one in placed]
    cuts = np.searchsorted(rows, [*starts, np.iinfo(np.int64).max])
    wanted = [
        (start, Asked(one.part, rows[low:high] - start))
        for one, start, low, high in zip(placed, starts, cuts, cuts[1:], strict=False)
        if high > low
    ]
    for index, done in engine.run(task, [asked for _, asked in wanted]):
        start, asked = wanted[index]
        note(asked.part, done)
        if isinstance(done, Done):
            for row, digest in done.value:
                yield row + start, digest


def _compare_rows(
    rule: Rule, scan: SplitScan, judge: Judge, digests: Sequence[tuple[int, bytes]]
) -> None:
    """The finding of a rule that compares the rows of one split."""
    hits = [(row, f"{scan.split}[{earlier}]") for row, earlier in WITHIN[rule.name](digests)]
    tally = _tally_rows(rule.name, scan, hits, judge)
    because = judge.because(rule, scan.state, scan.shards)
    finding = judge.finding(rule, tally, scan.state.rows, scan.facts, scan.state, because)
    scan.findings[rule.name] = finding


def compare_splits(
    scans: Sequence[SplitScan], judge: Judge, engine: Engine | int, only: str | None = None
) -> Finding:
    """The finding of `split-overlap` over a dataset's splits, in their order.

    A row counts once, in the later of the splits that it stands in; with ``only``, rows of that
    split alone are counted. A finding without a verdict has a reason of its own if rows that the
    scans had read could not be read again.
    """
    engine = Threads(engine) if isinstance(engine, int) else engine
    rule = next(rule for rule in judge.rules if rule.name == corpus.SplitOverlap.name)
    keys = [corpus.comparable(scan.state.keys, corpus.SplitOverlap.eligible) for scan in scans]
    shared = _shared_keys([key for _, key in keys])
    first: dict[bytes, str] = {}
    tally = Tally()
    task = DigestTask(judge, False)
    damage = [_Damage(list(scan.shards), engine.remote) for scan in scans]
    for scan, seen, (rows, key) in zip(scans, damage, keys, strict=True):
        candidates = rows[np.isin(key, shared)]
        hits: list[tuple[int, str]] = []
        own: dict[bytes, str] = {}
        for row, digest in _digests(scan.parts, task, candidates, engine, seen.note):
            if digest in first:
                hits.append((row, first[digest]))
            else:
                own.setdefault(digest, f"{scan.split}[{row}]")
        first.update(own)
        if only is not None and scan.split != only:
            continue
        found = _tally_rows(rule.name, scan, hits, judge)
        tally.violations += found.violations
        tally.examples = [*tally.examples, *found.examples][: judge.examples]
    total = sum(s.state.rows for s in scans[1:] if only is None or s.split == only)
    reasons = (judge.because(rule, scan.state, scan.shards) for scan in scans)
    because = next((reason for reason in reasons if reason is not None), None)
    late = _late_error(scans, damage)
    if because is None and late is not None:
        because = "unreadable-file"
    finding = judge.finding(rule, tally, total, scans[0].facts, scans[0].state, because)
    if late is not None and finding.outcome is Outcome.NOT_EVALUATED:
        finding = replace(finding, reason=late)
    return finding


def _late_error(scans: Sequence[SplitScan], damage: Sequence[_Damage]) -> str | None:
    """Why rows that were read once could not be read again."""
    for scan, seen in zip(scans, damage, strict=True):
        for before, now in zip(scan.shards, seen.facts, strict=True):
            if before.error is None and now.error is not None:
                return f"{now.path}: {now.error}"
    return None


def _shared_keys(keys: Sequence[corpus.Keys]) -> corpus.Keys:
    distinct = [np.unique(key) for key in keys]
    if not distinct:
        return np.zeros(0, np.uint64)
    every, many = np.unique(np.concatenate(distinct), return_counts=True)
    return every[many > 1]


def _tally_rows(rule: str, scan: SplitScan, hits: Sequence[tuple[int, str]], judge: Judge) -> Tally:
    tally = Tally(len(hits))
    for row, found in hits[: judge.examples]:
        place = _place_of(scan, row)
        example = Example(row - place.row, row - place.row, found=found)
        tally.examples.append(place.move(example))
    if judge.keep_all and hits:
        for row, found in hits:
            place = _place_of(scan, row)
            one = np.array([row])
            scan.tables.setdefault(rule, []).append(
                HitTable(
                    one,
                    one - place.row + place.shard_row,
                    np.array([NOWHERE]),
                    (found,),
                    (None,),
                    place.shard,
                )
            )
    return tally


def _place_of(scan: SplitScan, row: int) -> Place:
    """Where the unit begins that a row of the split lies in."""
    places = [one.place for one in scan.parts]
    starts = [place.row for place in places]
    # Empty units share their start with the next one; the last of them holds the row.
    return places[int(np.searchsorted(starts, row, side="right")) - 1]
