"""The files of a split as a sample's source: their kind, and the length of every row.

Reads lengths through `readers`; chooses and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pretok_schemas.columns import Columns
from pretok_schemas.contract import IDS
from pretok_schemas.flat import Ints
from pytest_pretok.engines.threads import Threads
from pytest_pretok.inspect.reading import OpenShard, batch_of, wanted
from pytest_pretok.plan import PlannedShard
from pytest_pretok.readers import Unit, UnreadableFile, read_chunks, read_header
from pytest_pretok.stores import Stamp, is_url, stamp_of


class SampleError(Exception):
    """A sample that cannot be made; the text says why. ``unreadable`` where data is at fault."""

    def __init__(self, text: str, unreadable: bool = False) -> None:
        super().__init__(text)
        self.unreadable = unreadable


@dataclass(frozen=True, slots=True)
class Source:
    """Files of one kind with, for every row of all of them, its length and the number of its file.

    A row without readable ids has the length 0. ``stamps`` are those of the files, from before
    their rows were counted.
    """

    files: tuple[Path, ...]
    stamps: tuple[Stamp, ...]
    kind: str
    lengths: Ints
    shards: Ints


@dataclass(frozen=True, slots=True)
class _Task:
    columns: Columns

    def __call__(self, work: tuple[OpenShard, Unit]) -> Ints:
        shard, unit = work
        found = [np.zeros(0, np.int64)]
        names = wanted(shard, self.columns, (IDS,))
        try:
            for chunk in read_chunks(unit, names):
                lists = batch_of(chunk, self.columns, shard.foreign).columns.get(IDS)
                rows = chunk.batch.num_rows
                found.append(np.zeros(rows, np.int64) if lists is None else np.diff(lists.offsets))
        except UnreadableFile as error:
            raise SampleError(f"{shard.shown}: {error.reason}", unreadable=True) from error
        return np.concatenate(found)


def look_at(
    planned: Sequence[PlannedShard],
    opened: Sequence[OpenShard],
    columns: Columns,
    workers: int,
) -> Source:
    """The lengths of all rows of some files.

    Raises:
        SampleError: a file cannot be read, or the files are of several kinds.
    """
    if any(is_url(shard.path) for shard in planned):
        raise SampleError("a sample is cut from local files: copy them first")
    for shard in opened:
        if shard.error is not None:
            raise SampleError(f"{shard.shown}: {shard.error}", unreadable=True)
    files = tuple(Path(shard.path) for shard in planned)
    stamps = tuple(stamp_of(file) for file in files)
    kinds = [read_header(file).format for file in files]
    if len(set(kinds)) > 1:
        raise SampleError(f"the files are of several kinds ({', '.join(sorted(set(kinds)))}): "
                          "name those of one kind")  # fmt: skip
    work = [(shard, unit) for shard in opened for unit in shard.units]
    number = {id(shard): at for at, shard in enumerate(opened)}
    lengths, shards = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for index, found in Threads(workers).run(_Task(columns), work):
        lengths.append(found)
        shards.append(np.full(len(found), number[id(work[index][0])], np.int64))
    return Source(files, stamps, kinds[0], np.concatenate(lengths), np.concatenate(shards))
