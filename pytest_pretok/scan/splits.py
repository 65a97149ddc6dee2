"""One pass over a split: its shards' units through every needed rule, merged in order.

Has units done by an engine; knows neither pytest nor how files were found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pretok_schemas.judge import Judge
from pretok_schemas.rules.base import ShardFacts
from pretok_schemas.state import Place, State
from pytest_pretok.engines import Engine, Lost
from pytest_pretok.engines.threads import Threads
from pytest_pretok.scan.compare import compare_rows, repeated_digests
from pytest_pretok.scan.damage import Damage
from pytest_pretok.scan.found import Placed, SplitScan
from pytest_pretok.scan.lines import with_lines
from pytest_pretok.scan.shards import Opening, Shard, holds_lock, is_mapped, together
from pytest_pretok.scan.tasks import Done, LookTask, Part
from pytest_pretok.scan.watch import SILENT, Progress


def scan_split(
    split: str,
    shards: Sequence[Shard],
    judge: Judge,
    engine: Engine | int,
    progress: Progress = SILENT,
) -> SplitScan:
    """Read a split once and judge it; rules across splits are judged by `compare_splits`.

    ``engine`` may be a number of threads.
    """
    engine = Threads(engine) if isinstance(engine, int) else engine
    damage = Damage([ShardFacts(s.shown, error=s.error) for s in shards], engine.remote)
    opening = Opening(judge)
    for number, shard in enumerate(shards):
        if shard.error is None:
            damage.facts[number] = opening.open(number, shard)

    scan = SplitScan(split, State(), damage.facts, fetched=opening.fetched)
    _look(scan, opening.parts, judge, engine, damage, progress)
    norms = judge.norms(scan.state)
    if norms:
        task = LookTask(judge, norms, progress, frozenset(scan.state.tallies))
        again = _look_again(scan, task, engine, damage)
        scan.state.retake(norms, again)
    digests = repeated_digests(scan, judge, engine, damage, progress)
    scan.stamps = opening.stamps
    scan.paths = tuple(shard.path for shard in shards)
    damage.compare(scan.paths, scan.stamps)

    scan.findings = judge.conclude(scan.state, damage.facts)
    damage.explain(scan.findings)
    scan.lost = bool(damage.lost)
    scan.together = judge.together(scan.state, damage.facts)
    if judge.keep_all:
        scan.tables = judge.tables(scan.state, damage.facts)
    compare_rows(scan, judge, digests)
    scan.findings = with_lines(scan.findings, [scan])
    return scan


def _look(
    scan: SplitScan,
    parts: Sequence[Part],
    judge: Judge,
    engine: Engine,
    damage: Damage,
    progress: Progress,
) -> None:
    """The first pass: what is known of all rows, and where each unit's rows begin."""
    rows = _RowCount(scan.split, damage)
    groups = list(together(parts))
    progress.begin([part.unit for part in parts])
    # Rules of a person's own may not find their modules in another process.
    task, locked = LookTask(judge, progress=progress), judge.travels and holds_lock(parts)
    for index, found in engine.run(task, groups, locked, is_mapped(parts)):
        left = groups[index]
        if isinstance(found, Lost):
            for part in left:
                rows.lose(part, found)
        for done in found if isinstance(found, list) else ():
            own, left = left[: len(done.rows)], left[len(done.rows) :]
            scan.fetched += done.fetched
            placed = rows.place(own, done)
            if placed:
                scan.parts += placed
                state, place = done.value, _joined(placed)
                for start, keys in state.keys:
                    scan.keys.add(start + place.row, keys)
                state.keys = []
                scan.state.extend(state, judge.examples, place)
            for part in own:
                progress.finish(part.unit, done.value.stats.tokens if part is own[-1] else 0)
    pairs = zip(damage.facts, rows.in_shard, strict=True)
    damage.facts[:] = [replace(fact, rows=count) for fact, count in pairs]


class _RowCount:
    """How many rows of a split, and of each shard, lie before the next unit."""

    def __init__(self, split: str, damage: Damage) -> None:
        self._split = split
        self._damage = damage
        self._row = 0  # not those read: a unit that broke off takes up the rows its footer told
        self.in_shard = [0] * len(damage.facts)

    def place(self, parts: Sequence[Part], done: Done[State]) -> list[Placed]:
        """Where the rows of some units begin that were looked at together; none if unknown."""
        if self._unnumbered(parts[0]):
            return []
        placed = []
        for part, count in zip(parts, done.rows, strict=True):
            path = self._damage.facts[part.shard].path
            place = Place(self._row, self.in_shard[part.shard], path, self._split)
            placed.append(Placed(part, place))
            self._advance(part, count)
        self._damage.note(parts[-1], done)
        if done.error is not None:
            self._advance(parts[-1], max(0, (parts[-1].unit.rows or 0) - done.rows[-1]))
        return placed

    def lose(self, part: Part, lost: Lost) -> None:
        """A unit that nobody looked at still takes up the rows its footer told."""
        if not self._unnumbered(part):
            self._damage.note(part, lost)
            self._advance(part, part.unit.rows or 0)

    def _unnumbered(self, part: Part) -> bool:
        """Whether nobody can number the rows: there is no footer, and damage before them."""
        return self._damage.broken(part.shard) and part.unit.rows is None

    def _advance(self, part: Part, count: int) -> None:
        self._row += count
        self.in_shard[part.shard] += count


def _joined(placed: Sequence[Placed]) -> Place:
    """The place of neighbouring units that were looked at together."""
    first = placed[0].place
    others = (one.place for one in placed[1:])
    return replace(first, later=tuple((place.row - first.row, place.shard) for place in others))


def _look_again(scan: SplitScan, task: LookTask, engine: Engine, damage: Damage) -> State:
    """A second pass over a split, for rules that know only now what nearly all rows do."""
    state, placed = State(), scan.parts
    task.progress.begin([one.part.unit for one in placed], again=True)
    parts = [one.part for one in placed]
    groups = [(part,) for part in parts]
    locked = task.judge.travels and holds_lock(parts)
    for index, found in engine.run(task, groups, locked, is_mapped(parts)):
        part, place = placed[index].part, placed[index].place
        for done in (found,) if isinstance(found, Lost) else found:
            damage.note(part, done)
            if isinstance(done, Done):
                scan.fetched += done.fetched
                state.extend(done.value, task.judge.examples, place)
        task.progress.finish(part.unit, 0)
    return state
