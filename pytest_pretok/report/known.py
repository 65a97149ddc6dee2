"""What a run says of the baselines in force, and the files that an update writes.

Works on the records of a session, where it is reported; judges nothing.
"""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pretok_schemas.text import plural
from pytest_pretok import baseline
from pytest_pretok.baseline import Baselines, Change, Key, Known, key_of
from pytest_pretok.checks import ACROSS, offered_rules
from pytest_pretok.plan import Plan, PlannedDataset
from pytest_pretok.report.records import Records
from pytest_pretok.text import node_path

SHOWN = 20  # findings listed one by one
_WORDS = ("new", "grew", "restated", "shrank", "gone")


@dataclass(slots=True)
class Seen:
    """What a run saw of the findings that one baseline file is about.

    ``now`` are those with a verdict: what there is to tolerate, None if nothing; ``tolerated``
    are those that pass by the baseline alone; ``unsettled`` have no verdict that may be written.
    """

    now: dict[Key, Known | None] = field(default_factory=dict)
    tolerated: dict[Key, int] = field(default_factory=dict)
    unsettled: set[Key] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Update:
    """What became of one baseline file; ``error`` is why it could not be written.

    ``checked`` is False where the run looked at none of its datasets, so that nothing was to do.
    """

    path: str
    changes: tuple[Change, ...] = ()
    left: int = 0
    unsettled: int = 0
    error: str | None = None
    checked: bool = True


def header(plan: Plan, root: Path, updating: bool) -> list[str]:
    """A loud line for each baseline in force."""
    if updating:
        return [
            f"pretok: UPDATING THE BASELINE {node_path(Path(path), root)}: what is found is "
            "taken down as known, not judged"
            for path in plan.baselines
        ]
    entries = Baselines(plan).entries
    found = []
    for path, known in entries.items():
        names = {(key.kind, key.name) for key in _expected(plan, path)}
        count = sum((key.kind, key.name) in names for key in known)
        found.append(
            f"pretok: BASELINE IN FORCE, {node_path(Path(path), root)}: "
            f"{plural(count, 'known finding')} tolerated"
        )
    return found


def lines(records: Records, root: Path, width: int) -> list[str]:
    """What the summary says while a baseline is in force."""
    found = []
    entries = Baselines(records.plan).entries
    looked_at = _seen(records)
    for path, known in entries.items():
        seen = looked_at.get(path, Seen())
        name = node_path(Path(path), root)
        count = plural(len(seen.tolerated), "finding")
        found.append(f"BASELINE IN FORCE, {name}: {count} tolerated")
        texts = [
            f"{key}: {seen.now[key]}; the baseline allows {allowed:,}"
            for key, allowed in sorted(seen.tolerated.items())
        ]
        found += _bounded(texts, width, "finding")
        _, changes = baseline.merge(known, seen.now)
        better = sum(change.word in ("shrank", "gone") for change in changes)
        if better:
            what = f"{plural(better, 'finding')} better than {name} says"
            found.append(f"  {what}: --pretok-update-baseline makes it smaller")
    return found


def update_lines(updates: list[Update], root: Path, width: int) -> list[str]:
    """What the summary says of an update: what changed, entry by entry, and what did not."""
    found = []
    for update in updates:
        name = node_path(Path(update.path), root)
        if update.error is not None:
            found.append(f"BASELINE NOT WRITTEN, {name}: {update.error}")
            continue
        if not update.checked:
            found.append(f"BASELINE LEFT AS IT WAS, {name}: nothing of it was checked")
            continue
        words = Counter(change.word for change in update.changes)
        counts = ", ".join(f"{words[word]:,} {word}" for word in _WORDS if words[word])
        found.append(f"BASELINE UPDATED, {name}: {counts or 'nothing changed'}")
        changed = sorted(
            (change for change in update.changes if change.word in _WORDS),
            key=lambda change: (_WORDS.index(change.word), change.key),
        )
        found += _bounded([str(change) for change in changed], width, "change")
        if update.left:
            left = plural(update.left, "entry", "entries")
            found.append(f"  left as it was, without a verdict in this run: {left}")
        if update.unsettled:
            what = f"{plural(update.unsettled, 'rule')} without a verdict"
            found.append(f"  not recorded: {what}; repair what leaves them without one")
    return found


def update(records: Records, interrupted: bool) -> list[Update]:
    """Write the baselines of a run anew, each whole or not at all."""
    done = []
    seen = _seen(records)
    for path in records.plan.baselines:
        if interrupted:
            done.append(Update(path, error="the run was interrupted"))
        elif path not in seen:
            done.append(Update(path, checked=False))
        else:
            done.append(_update_one(records.plan, path, seen[path]))
    return done


def _update_one(plan: Plan, path: str, seen: Seen) -> Update:
    expected = list(_expected(plan, path))
    missed = {(k.kind, k.name) for k in expected if k not in seen.now and k not in seen.unsettled}
    whole = {(key.kind, key.name) for key in expected} - missed
    file = Path(path)
    try:
        # Read anew: another run may have written it since this one began.
        old = baseline.read(file)
        entries, changes = baseline.merge(old or {}, seen.now, seen.unsettled, whole)
        text = baseline.dump(entries)
        if old is None or text != file.read_text(encoding="utf-8"):
            baseline.write(file, text)
    except (OSError, baseline.BaselineError) as error:
        return Update(path, error=str(error))
    left = len(old or {}) - sum(change.old is not None for change in changes)
    return Update(path, tuple(changes), left, len(seen.unsettled))


def _seen(records: Records) -> dict[str, Seen]:
    found: dict[str, Seen] = defaultdict(Seen)
    for (number, split, rule, only), standing in records.standings.items():
        dataset = records.plan.datasets[number]
        key = key_of(dataset, split, rule, only)
        name = rule if only is None else f"{rule} {only}"
        violations = records.findings[number, split][name]["violations"]
        seen = found[dataset.baseline or ""]
        if not standing["settled"]:
            seen.unsettled.add(key)
            continue
        tolerated = standing["tolerated"]
        seen.now[key] = Known(violations, standing["total"]) if tolerated else None
        if tolerated:
            seen.tolerated[key] = standing["allowed"]
    return dict(found)


def _expected(plan: Plan, path: str) -> Iterator[Key]:
    """The keys of all items whose findings a baseline file holds."""
    for dataset in plan.datasets:
        if dataset.baseline == path:
            yield from _keys(dataset)


def _keys(dataset: PlannedDataset) -> Iterator[Key]:
    rules = offered_rules(dataset.settings)
    for split in dataset.splits:
        for rule in rules:
            if rule not in ACROSS:
                yield key_of(dataset, split.name, rule)
    if len(dataset.splits) < 2:
        return
    together = len({split.anchor for split in dataset.splits}) == 1
    for rule in ACROSS.intersection(rules):
        if together:
            yield key_of(dataset, None, rule)
        else:
            for split in dataset.splits[1:]:
                yield key_of(dataset, None, rule, split.name)


def _bounded(texts: list[str], width: int, noun: str) -> list[str]:
    found = []
    for text in texts[:SHOWN]:
        found += textwrap.wrap(
            text,
            max(width - 1, 40),
            initial_indent="  ",
            subsequent_indent="      ",
            break_on_hyphens=False,
            break_long_words=False,
        )
    if len(texts) > SHOWN:
        found.append(f"  ... and {plural(len(texts) - SHOWN, f'more {noun}')}")
    return found
