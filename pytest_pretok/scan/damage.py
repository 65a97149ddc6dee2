"""What went wrong with the units of a split: of which files, and what that means for a person.

Opens no file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pretok_schemas.findings import Finding
from pretok_schemas.rules.base import ShardFacts
from pytest_pretok.engines import Lost
from pytest_pretok.scan.shards import name_of
from pytest_pretok.scan.tasks import Done, Part
from pytest_pretok.stores import Stamp, StoreError, is_url, located, stamp_of

_ON_A_CLUSTER = (
    "look at the cluster: whether its workers see the same files, and have the memory; "
    "--pretok-engine=local does without it"
)
_AFAR = (
    "do what the reason says; where the way to the data is sound, store the object again from its "
    "source"
)
_HERE = (
    "look whether memory ran out (SIGKILL in the system's log): fewer workers need less "
    "(--pretok-workers=1); if not, the file crashes its decoder: write it anew from its source"
)


@dataclass(slots=True)
class Damage:
    """What is known of the shards of a split while their units come in, and what went wrong.

    ``lost`` holds the shards whose errors may be those of the machines that read them.
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

    def compare(self, paths: Sequence[str], stamps: Mapping[int, Stamp]) -> None:
        """Take down which files are no longer those that were opened."""
        for shard, before in stamps.items():
            if self.broken(shard) and is_url(paths[shard]):
                continue  # the store has said why, and is not asked once more
            why = _changed(paths[shard], before)
            if why is None:
                continue
            met = self.facts[shard].error  # what the change led to, if anything
            self.facts[shard] = replace(self.facts[shard], error=f"{why} ({met})" if met else why)
            self.lost.discard(shard)

    def explain(self, findings: dict[str, Finding]) -> None:
        """Say of files that are unreadable for the machines' sake alone what that means."""
        broken = {number for number, fact in enumerate(self.facts) if fact.error is not None}
        found = findings.get("unreadable-file")
        if found is None or not broken:
            return
        if not broken <= self.lost:
            if all(is_url(self.facts[number].path) for number in broken):
                findings[found.rule] = replace(found, help=_AFAR)
            return
        findings[found.rule] = replace(
            found,
            effect=None,
            consequence="nothing is known of these files, and what was not read cannot pass",
            help=_ON_A_CLUSTER if self.remote else _HERE,
        )


def _changed(path: str, before: Stamp) -> str | None:
    """Why a file cannot be taken for the one that was opened, None if it can."""
    try:
        now = stamp_of(located(path))
    except StoreError as error:
        return f"whether it changed while it was read cannot be told: {error.reason}"
    same = now == before
    return None if same else "the file changed while it was read; check it again once it is written"


def _is_lost(done: Done[Any] | Lost, remote: bool) -> bool:
    if isinstance(done, Lost) or done.no_memory:
        return True
    return remote and done.absent_on is not None


def _error_of(part: Part, done: Done[Any] | Lost, remote: bool) -> str | None:
    if isinstance(done, Lost):
        where = "lost on the cluster" if remote else "lost"
        return f"{where}: {name_of(part.unit)}: {done.reason}"
    if done.no_memory:
        return f"{name_of(part.unit)}: {done.error}"
    if done.absent_on is not None and remote:
        return f"the worker on {done.absent_on} could not open it: {done.error}"
    return done.error
