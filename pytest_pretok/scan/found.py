"""What a scan of one split found out, as plain data. Reads and judges nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from pretok_schemas.findings import Finding
from pretok_schemas.rules.base import ShardFacts, SplitFacts
from pretok_schemas.state import HitTable, Place, State
from pytest_pretok.scan.keys import RowKeys
from pytest_pretok.scan.tasks import Part
from pytest_pretok.stores import Stamp


@dataclass(frozen=True, slots=True)
class Placed:
    """A unit that was read, and where its rows turned out to begin."""

    part: Part
    place: Place


@dataclass(slots=True)
class SplitScan:
    """Everything that one pass over a split found out.

    ``keys`` are those of its rows, for rules that compare rows. ``tables`` holds every violation,
    by rule, if they were asked for. ``together`` counts the rows that two rules both report (see
    `Judge.together`). ``lost`` tells whether a shard's error may be the cluster's and not the
    file's: another scan may then not meet it. ``stamps`` are those of the files at ``paths`` from
    before they were opened. ``fetched`` counts the bytes of remote objects that it took.
    """

    split: str
    state: State
    shards: list[ShardFacts]
    findings: dict[str, Finding] = field(default_factory=dict)
    parts: list[Placed] = field(default_factory=list)
    keys: RowKeys = field(default_factory=RowKeys)
    tables: dict[str, list[HitTable]] = field(default_factory=dict)
    together: dict[tuple[str, str], int] = field(default_factory=dict)
    lost: bool = False
    paths: tuple[str, ...] = ()
    stamps: dict[int, Stamp] = field(default_factory=dict)
    fetched: int = 0

    @property
    def unreadable(self) -> bool:
        """Whether some shard could not be read to its end."""
        return any(shard.error is not None for shard in self.shards)

    @property
    def facts(self) -> SplitFacts:
        """The split's sums, as rules want them."""
        return self.state.stats.facts()
