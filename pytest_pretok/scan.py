"""One pass over a split: its shards' units through every needed rule, merged in order.

Reads through `readers`, judges through `pretok_schemas`; knows neither pytest nor how files were
found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from pretok_schemas.arrow import describe
from pretok_schemas.batch import Foreign
from pretok_schemas.findings import Example, Finding
from pretok_schemas.flat import Ints
from pretok_schemas.judge import Judge
from pretok_schemas.rules import corpus
from pretok_schemas.rules.base import NOWHERE, Rule, ShardFacts, SplitFacts
from pretok_schemas.state import HitTable, Place, State, Tally
from pytest_pretok.engines import local
from pytest_pretok.readers import Unit, UnreadableFile, read_chunks, read_header, split_units

# Rules that compare the rows of one split -> what they make of the digests of rows whose keys meet.
WITHIN = {
    corpus.DuplicateRows.name: corpus.later_equals,
    corpus.ConflictingLabels.name: corpus.first_conflicts,
}


class Progress(Protocol):
    """Told how far a scan is; what it makes of it costs no time to speak of, and never raises."""

    def begin(self, units: Sequence[Unit], again: bool = False) -> None:
        """A pass over these units begins; ``again`` if their split was read before."""

    def read(self, rows: int, tokens: int) -> None:
        """So many more rows were looked at, of any unit of the pass. Called from any thread."""

    def finish(self, unit: Unit, tokens: int) -> None:
        """A unit is done with. ``tokens`` in all, or 0 where they are not counted."""


class Silent:
    """Progress that nobody looks at."""

    def begin(self, units: Sequence[Unit], again: bool = False) -> None:
        """Nothing to do."""

    def read(self, rows: int, tokens: int) -> None:
        """Nothing to do."""

    def finish(self, unit: Unit, tokens: int) -> None:
        """Nothing to do."""


SILENT = Silent()


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of a split: where it is, how messages name it, or why it cannot be opened."""

    path: str
    shown: str
    format: str | None = None
    error: str | None = None


@dataclass(slots=True)
class _Part:
    """One scan unit of one shard, and where its rows turned out to begin."""

    shard: int
    unit: Unit
    columns: tuple[str, ...]
    foreign: Mapping[str, Foreign]
    place: Place | None = None


@dataclass(slots=True)
class _Seen:
    """What became of one unit: its state, up to the error if there was one."""

    state: State
    error: str | None = None


@dataclass(slots=True)
class SplitScan:
    """Everything that one pass over a split found out.

    ``tables`` holds every violation, by rule, if they were asked for.
    """

    split: str
    state: State
    shards: list[ShardFacts]
    findings: dict[str, Finding]
    parts: list[_Part] = field(default_factory=list)
    tables: dict[str, list[HitTable]] = field(default_factory=dict)

    @property
    def unreadable(self) -> bool:
        """Whether some shard could not be read to its end."""
        return any(shard.error is not None for shard in self.shards)

    @property
    def facts(self) -> SplitFacts:
        """The split's sums, as rules want them."""
        return self.state.stats.facts()


def scan_split(
    split: str, shards: Sequence[Shard], judge: Judge, workers: int, progress: Progress = SILENT
) -> SplitScan:
    """Read a split once and judge it; rules across splits are judged by `compare_splits`."""
    facts = [ShardFacts(shard.shown, error=shard.error) for shard in shards]
    parts: list[_Part] = []
    for index, shard in enumerate(shards):
        if shard.error is None:
            facts[index] = _open(index, shard, judge, parts)

    state = State()
    in_shard = [0] * len(shards)

    def look(part: _Part) -> _Seen:
        return _look(part, judge, progress)

    progress.begin([part.unit for part in parts])
    row = 0  # not state.rows: a unit that broke off still takes up the rows its footer told
    for index, seen in local.run(look, parts, workers):
        part = parts[index]
        progress.finish(part.unit, seen.state.stats.tokens)
        broken = facts[part.shard].error is not None
        if broken and part.unit.rows is None:
            continue  # without a footer nobody can number the rows behind the damage
        part.place = Place(row, in_shard[part.shard], facts[part.shard].path, split)
        state.extend(seen.state, judge.examples, part.place)
        took_up = seen.state.rows
        if seen.error is not None:
            took_up = max(took_up, part.unit.rows or 0)
            if not broken:
                typed = part.unit.format not in ("json", "jsonl")
                facts[part.shard] = _broken(facts[part.shard], seen.error, typed)
        row += took_up
        in_shard[part.shard] += took_up
    facts = [replace(fact, rows=rows) for fact, rows in zip(facts, in_shard, strict=True)]

    norms = judge.norms(state)
    if norms:
        state.retake(norms, _look_again(parts, judge, norms, workers, progress))
    findings = judge.conclude(state, facts)
    scan = SplitScan(split, state, facts, findings, parts)
    if judge.keep_all:
        scan.tables = judge.tables(state, facts)
    within = [rule for rule in judge.rules if rule.name in WITHIN]
    if within:
        _compare_rows(within, scan, judge, workers, progress)
    return scan


def _open(index: int, shard: Shard, judge: Judge, parts: list[_Part]) -> ShardFacts:
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
        found = [_Part(index, unit, wanted, foreign) for unit in split_units(path, header)]
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


def _broken(fact: ShardFacts, error: str, typed: bool) -> ShardFacts:
    """The facts of a shard that broke off; a format without a schema has told no columns then."""
    return replace(fact, error=error, columns=fact.columns if typed else None)


def _look(
    part: _Part, judge: Judge, progress: Progress, norms: Mapping[str, str] | None = None
) -> _Seen:
    """One unit through the rules: what departs from the norms alone, if they are given."""
    seen = _Seen(State())
    try:
        for chunk in read_chunks(part.unit, part.columns):
            cells = [(cell.row, cell.column, cell.kind, cell.text) for cell in chunk.defects]
            batch = judge.columns.batch(chunk.batch, cells, part.foreign)
            before = seen.state.stats.tokens
            if norms is None:
                judge.look(batch, seen.state)
            else:
                judge.look_again(batch, norms, seen.state)
            progress.read(batch.rows, seen.state.stats.tokens - before)
    except UnreadableFile as error:
        seen.error = error.reason
    return seen


def _look_again(
    parts: Sequence[_Part],
    judge: Judge,
    norms: Mapping[str, str],
    workers: int,
    progress: Progress,
) -> State:
    """A second pass over a split, for rules that know only now what nearly all rows do."""
    placed = [part for part in parts if part.place]
    state = State()

    def look(part: _Part) -> _Seen:
        return _look(part, judge, progress, norms)

    progress.begin([part.unit for part in placed], again=True)
    for index, seen in local.run(look, placed, workers):
        progress.finish(placed[index].unit, 0)
        place = placed[index].place
        if place is not None:
            state.extend(seen.state, judge.examples, place)
    return state


def _digests(
    scan: SplitScan, judge: Judge, rows: Ints, labels: bool, workers: int, progress: Progress
) -> Iterator[tuple[int, bytes]]:
    """A second look at some rows of a scanned split: (row, digest), in row order."""
    starts = [part.place.row for part in scan.parts if part.place]
    parts = [part for part in scan.parts if part.place]
    cuts = np.searchsorted(rows, [*starts, np.iinfo(np.int64).max])
    wanted = [
        (part, rows[low:high] - start)
        for part, start, low, high in zip(parts, starts, cuts, cuts[1:], strict=False)
        if high > low
    ]

    def read(item: tuple[_Part, Ints]) -> list[tuple[int, bytes]]:
        part, local_rows = item
        found: list[tuple[int, bytes]] = []
        before, start = 0, part.place.row if part.place else 0
        for chunk in read_chunks(part.unit, part.columns):
            batch = judge.columns.batch(chunk.batch, foreign=part.foreign)
            low, high = np.searchsorted(local_rows, [before, before + batch.rows])
            asked = local_rows[low:high]
            made = corpus.row_digests(batch, asked - before, labels)
            found += zip((asked + start).tolist(), made, strict=True)
            before += batch.rows
            progress.read(batch.rows, 0)
            if before > local_rows[-1]:
                break  # what follows was not asked for, and may be the damage of a broken unit
        return found

    progress.begin([part.unit for part, _ in wanted], again=True)
    for index, found in local.run(read, wanted, workers):
        progress.finish(wanted[index][0].unit, 0)
        yield from found


def _compare_rows(
    rules: Sequence[Rule], scan: SplitScan, judge: Judge, workers: int, progress: Progress
) -> None:
    """The findings of the rules that compare the rows of one split, from one second look."""
    rows, keys = corpus.comparable(scan.state.keys, corpus.DuplicateRows.eligible)
    repeated = corpus.repeated_rows(rows, keys)
    digests = list(_digests(scan, judge, repeated, True, workers, progress))
    for rule in rules:
        pairs = WITHIN[rule.name](digests)
        hits = [(row, f"{scan.split}[{earlier}]") for row, earlier in pairs]
        tally = _tally_rows(rule.name, scan, hits, judge)
        because = judge.because(rule, scan.state, scan.shards)
        finding = judge.finding(rule, tally, scan.state.rows, scan.facts, scan.state, because)
        scan.findings[rule.name] = finding


def compare_splits(
    scans: Sequence[SplitScan],
    judge: Judge,
    workers: int,
    only: str | None = None,
    progress: Progress = SILENT,
) -> Finding:
    """The finding of `split-overlap` over a dataset's splits, in their order.

    A row counts once, in the later of the splits that it stands in; with ``only``, rows of that
    split alone are counted.
    """
    rule = next(rule for rule in judge.rules if rule.name == corpus.SplitOverlap.name)
    keys = [corpus.comparable(scan.state.keys, corpus.SplitOverlap.eligible) for scan in scans]
    shared = _shared_keys([key for _, key in keys])
    first: dict[bytes, str] = {}
    tally = Tally()
    for scan, (rows, key) in zip(scans, keys, strict=True):
        candidates = rows[np.isin(key, shared)]
        hits: list[tuple[int, str]] = []
        own: dict[bytes, str] = {}
        for row, digest in _digests(scan, judge, candidates, False, workers, progress):
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
    return judge.finding(rule, tally, total, scans[0].facts, scans[0].state, because)


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
    places = [part.place for part in scan.parts if part.place]
    starts = [place.row for place in places]
    # Empty units share their start with the next one; the last of them holds the row.
    return places[int(np.searchsorted(starts, row, side="right")) - 1]
