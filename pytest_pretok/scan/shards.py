"""The shards of a split before they are read: what their headers tell, and their scan units.

Reads headers through `readers`; judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from pretok_schemas.columns import Layout
from pretok_schemas.judge import Judge
from pretok_schemas.rules.base import ShardFacts
from pytest_pretok.readers import (
    TYPED,
    UNIT,
    Header,
    Unit,
    UnreadableFile,
    read_header,
    split_units,
)
from pytest_pretok.scan.tasks import Part
from pytest_pretok.stores import Stamp, StoreError, located, metered, stamp_of

if TYPE_CHECKING:
    from pytest_pretok.readers.memory import Held

TOGETHER = 8 * 2**20  # bytes of small shards that are looked at as if they were one
WORTH_PROCESSES = 128 * 2**20  # bytes of text, some 1.5 s of work; two processes start in 0.4 s
_KINDS = {
    "parquet": "a Parquet file",
    "arrow-file": "an Arrow file",
    "arrow-stream": "an Arrow stream",
    "jsonl": "JSON Lines",
    "json": "a JSON array",
}


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of a split: where it is, how messages name it, or why it cannot be opened.

    ``format`` is the only one that it may have, where a folder's metadata names it (None: any).
    ``held`` are its rows if it is no file, but what another library holds. ``columns`` are the only
    ones that its rows show, where that metadata hides others (None: all).
    """

    path: str
    shown: str
    format: str | None = None
    error: str | None = None
    held: Held | None = None
    columns: Sequence[str] | None = None


class Opening:
    """Opens the shards of one split for a judge: facts of files, and parts of them to be read.

    ``stamps`` are those of the files, by shard, from before they were opened; ``fetched`` is how
    many bytes of remote ones it took.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._roles = judge.roles
        self._layouts: dict[object, Layout] = {}
        self.parts: list[Part] = []
        self.stamps: dict[int, Stamp] = {}
        self.fetched = 0

    def open(self, number: int, shard: Shard) -> ShardFacts:
        """The facts of a shard; its units join `parts`, if it can be opened."""
        with metered() as meter:
            facts = self._open(number, shard)
        self.fetched += meter.fetched
        return facts

    def _open(self, number: int, shard: Shard) -> ShardFacts:
        columns: tuple[str, ...] | None = None
        try:
            if shard.held is None:
                self.stamps[number] = stamp_of(located(shard.path))
            header = self._header(shard)
            columns = tuple(header.columns)
            if header.repeated:
                # `datasets` refuses such a table whatever the column, and no reader can choose.
                names = ", ".join(header.repeated)
                raise UnreadableFile(f"columns that occur more than once: {names}")
            layout = self._layout(header)
            held = shard.held
            units = held.units(UNIT) if held else split_units(located(shard.path), header)
        except (UnreadableFile, StoreError) as error:
            return ShardFacts(shard.shown, columns=columns, error=error.reason)
        self.parts += (
            Part(number, unit, layout.wanted, layout.foreign, layout.further) for unit in units
        )
        return replace(layout.facts(shard.shown), format=header.format)

    def _header(self, shard: Shard) -> Header:
        if shard.held is not None:
            return shard.held.header()
        header = read_header(located(shard.path))
        if shard.format not in (None, header.format):
            found, due = _KINDS[header.format], _KINDS[shard.format]
            raise UnreadableFile(f"{found}, where the metadata of its folder promises {due}")
        if shard.columns is None:
            return header
        shown = {name: header.columns[name] for name in header.columns if name in shard.columns}
        return replace(header, columns=shown)

    def _layout(self, header: Header) -> Layout:
        # By their texts: extension types that somebody registered need not be hashable.
        types = (
            (name, str(dtype), str(getattr(dtype, "storage_type", "")))
            for name, dtype in header.columns.items()
        )
        key = (tuple(types), tuple(header.seen.items()))
        if key not in self._layouts:
            self._layouts[key] = self._judge.columns.layout(
                header.columns, header.types, self._roles
            )
        return self._layouts[key]


def together(parts: Sequence[Part]) -> Iterator[tuple[Part, ...]]:
    """The parts in order, those of small shards of one layout in groups of about `TOGETHER` bytes.

    A shard that has several parts stays by itself: where one of them breaks off, the rows of the
    later ones may have no numbers.
    """
    alone = {
        shard for shard, own in groupby(parts, key=lambda part: part.shard) if len(list(own)) > 1
    }
    group: list[Part] = []
    for part in parts:
        single = part.shard in alone or part.unit.format not in TYPED
        fits = bool(group) and _alike(group[0], part) and _size([*group, part]) <= TOGETHER
        if group and (single or not fits):
            yield tuple(group)
            group = []
        if single:
            yield (part,)
        else:
            group.append(part)
    if group:
        yield tuple(group)


def _alike(one: Part, other: Part) -> bool:
    return (
        one.unit.format == other.unit.format
        and one.columns == other.columns
        and one.foreign == other.foreign
        and one.further == other.further
    )


def _size(parts: Sequence[Part]) -> int:
    return sum(part.unit.size for part in parts)


def holds_lock(parts: Sequence[Part]) -> bool:
    """Whether there is enough text in the parts for processes to be worth their start.

    Text is read in steps that hold the interpreter lock: threads do not help.
    """
    texts = (part.unit.size for part in parts if part.unit.format not in TYPED)
    return sum(texts) >= WORTH_PROCESSES


def is_mapped(parts: Sequence[Part]) -> bool:
    """Whether some of the parts are mapped: their file, cut off meanwhile, ends the process."""
    return any(part.unit.mapped for part in parts)


def name_of(unit: Unit) -> str:
    """What a person would call a unit."""
    if not unit.part:
        return "the whole file"
    names = {
        "parquet": ("row group", "row groups"),
        "arrow-file": ("record batch", "record batches"),
        "table": ("row", "rows"),
    }
    one, several = names.get(unit.format, ("byte", "bytes"))
    first, last = unit.part[0], unit.part[1] - 1
    return f"{one} {first}" if first == last else f"{several} {first} to {last}"
