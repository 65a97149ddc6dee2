"""The rules that compare rows: within a split, and across the splits of a dataset.

Rows whose keys meet are read again and compared by their digests. Knows no pytest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from pretok_schemas.comparing import Digests, compares_rows, tally_rows, tally_within
from pretok_schemas.findings import Finding, Outcome
from pretok_schemas.flat import Ints
from pretok_schemas.judge import Judge
from pretok_schemas.rules import corpus
from pretok_schemas.state import Place, Tally
from pytest_pretok.engines import Engine
from pytest_pretok.engines.threads import Threads
from pytest_pretok.scan.damage import Damage
from pytest_pretok.scan.found import SplitScan
from pytest_pretok.scan.keys import repeated, shared
from pytest_pretok.scan.lines import with_lines
from pytest_pretok.scan.shards import holds_lock, is_mapped
from pytest_pretok.scan.tasks import Asked, DigestTask, Done
from pytest_pretok.scan.watch import SILENT, Progress


def repeated_digests(
    scan: SplitScan, judge: Judge, engine: Engine, damage: Damage, progress: Progress
) -> Digests:
    """Row and digest of every row of a split whose key another row has, in row order.

    Nothing is read where no rule asks for them.
    """
    if not compares_rows(judge):
        return []
    eligible = corpus.DuplicateRows.eligible
    rows = scan.keys.rows_with(repeated(scan.keys, eligible), eligible)
    return list(_digests(scan, DigestTask(judge, True, progress), rows, engine, damage))


def compare_rows(scan: SplitScan, judge: Judge, digests: Digests) -> None:
    """Add the findings of the rules that compare the rows of one split."""
    tallies = tally_within(judge, digests, scan.split, partial(_places_of, scan))
    for rule in judge.rules:
        if rule.name not in tallies:
            continue
        tally = tallies[rule.name]
        because = judge.because(rule, scan.state, scan.shards)
        finding = judge.finding(rule, tally, scan.state.rows, scan.facts, scan.state, because)
        scan.findings[rule.name] = finding
        if tally.tables:
            scan.tables[rule.name] = tally.tables


def compare_splits(
    scans: Sequence[SplitScan],
    judge: Judge,
    engine: Engine | int,
    only: str | None = None,
    progress: Progress = SILENT,
) -> Finding:
    """The finding of `split-overlap` over a dataset's splits, in their order.

    A row counts once, in the later of the splits that it stands in; with ``only``, rows of that
    split alone are counted. A finding without a verdict has a reason of its own if rows that the
    scans had read could not be read again.
    """
    engine = Threads(engine) if isinstance(engine, int) else engine
    rule = next(rule for rule in judge.rules if isinstance(rule, corpus.SplitOverlap))
    values = shared([scan.keys for scan in scans], rule.eligible)
    first: dict[bytes, str] = {}
    tally = Tally()
    task = DigestTask(judge, False, progress)
    damage = [Damage(list(scan.shards), engine.remote) for scan in scans]
    for scan, seen in zip(scans, damage, strict=True):
        candidates = scan.keys.rows_with(values, rule.eligible)
        hits: list[tuple[int, str]] = []
        own: dict[bytes, str] = {}
        for row, digest in _digests(scan, task, candidates, engine, seen):
            if digest in first:
                hits.append((row, first[digest]))
            else:
                own.setdefault(digest, f"{scan.split}[{row}]")
        first.update(own)
        seen.compare(scan.paths, scan.stamps)
        if only is not None and scan.split != only:
            continue
        found = tally_rows(hits, judge, partial(_places_of, scan))
        if found.tables:
            scan.tables[rule.name] = found.tables
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
    return with_lines({rule.name: finding}, scans)[rule.name]


def _late_error(scans: Sequence[SplitScan], damage: Sequence[Damage]) -> str | None:
    """Why rows that were read once could not be read again."""
    for scan, seen in zip(scans, damage, strict=True):
        for before, now in zip(scan.shards, seen.facts, strict=True):
            if before.error is None and now.error is not None:
                return f"{now.path}: {now.error}"
    return None


def _digests(
    scan: SplitScan,
    task: DigestTask,
    rows: Ints,
    engine: Engine,
    damage: Damage,
) -> Iterator[tuple[int, bytes]]:
    """A second look at some rows of a split: (row, digest), in row order.

    ``damage`` is told what became of every unit that was asked.
    """
    placed = scan.parts
    starts = [one.place.row for one in placed]
    cuts = np.searchsorted(rows, [*starts, np.iinfo(np.int64).max])
    wanted = [
        (start, Asked(one.part, rows[low:high] - start))
        for one, start, low, high in zip(placed, starts, cuts, cuts[1:], strict=False)
        if high > low
    ]
    task.progress.begin([asked.part.unit for _, asked in wanted], again=True)
    parts = [asked.part for _, asked in wanted]
    units = [asked for _, asked in wanted]
    locked = task.judge.travels and holds_lock(parts)
    for index, done in engine.run(task, units, locked, is_mapped(parts)):
        start, asked = wanted[index]
        task.progress.finish(asked.part.unit, 0)
        damage.note(asked.part, done)
        if isinstance(done, Done):
            scan.fetched += done.fetched
            for row, digest in done.value:
                yield row + start, digest


def _places_of(scan: SplitScan, rows: Sequence[int]) -> list[Place]:
    """Where the units begin that some rows of the split lie in."""
    starts = [one.place.row for one in scan.parts]
    # Empty units share their start with the next one; the last of them holds the row.
    at = np.searchsorted(starts, rows, side="right") - 1
    return [scan.parts[number].place for number in at.tolist()]
