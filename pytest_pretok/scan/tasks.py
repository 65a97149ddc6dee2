"""What is done with scan units, on whatever machine: plain data that engines carry around.

Reads through `readers`, judges through `pretok_schemas`; knows no engine and nothing of the split
around the units.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
import pyarrow as pa

from pretok_schemas.batch import Foreign
from pretok_schemas.flat import Ints
from pretok_schemas.judge import Judge
from pretok_schemas.rules import corpus
from pretok_schemas.state import State
from pytest_pretok.abandon import go_on
from pytest_pretok.readers import TYPED, Chunk, Unit, UnreadableFile, read_chunks
from pytest_pretok.scan.watch import SILENT, Progress
from pytest_pretok.stores import is_url, metered

T = TypeVar("T")

Digests = list[tuple[int, bytes]]  # (row within the unit, digest), rows rising

GATHERED = 3 * 2**20  # bytes of small batches that are judged as one


@dataclass(frozen=True, slots=True)
class Part:
    """One scan unit of one shard of a split, and which of its columns are read.

    ``further`` are columns without a role, which rules of a person's own look at.
    """

    shard: int
    unit: Unit
    columns: tuple[str, ...]
    foreign: Mapping[str, Foreign]
    further: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """Some rows of a unit, by their numbers within it (int64, rising, at least one)."""

    part: Part
    rows: Ints


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """What a task made of units: its value, up to the error of the last one if there was one.

    ``rows`` are those read of each unit. ``absent_on`` names the machine if there is no such file
    on it, or none that may be read; ``no_memory`` says that the machine's memory did not suffice.
    ``fetched`` counts the bytes of remote objects.
    """

    value: T
    rows: tuple[int, ...]
    error: str | None = None
    absent_on: str | None = None
    no_memory: bool = False
    fetched: int = 0


@dataclass(frozen=True, slots=True)
class LookTask:
    """Some units through the rules: what departs from the norms alone, if they are given.

    ``beside`` names the rules that are looked at along with these (see `Judge.look_again`).
    """

    judge: Judge
    norms: Mapping[str, str] | None = None
    progress: Progress = SILENT
    beside: frozenset[str] = frozenset()

    def __call__(self, parts: tuple[Part, ...]) -> list[Done[State]]:
        """The states of the units' rows, counted from the first; one ends where a unit breaks off.

        Small batches are judged together, of several units too if these are several.
        """
        with metered() as meter:
            found = self._states(parts)
        found[-1] = replace(found[-1], fetched=meter.fetched)
        return found

    def _states(self, parts: tuple[Part, ...]) -> list[Done[State]]:
        found: list[Done[State]] = []
        state, rows, gathered = State(), list[int](), Gathered()
        for part in parts:
            rows.append(0)
            try:
                for chunk in read_chunks(part.unit, part.columns, further=part.further):
                    go_on()
                    rows[-1] += chunk.batch.num_rows
                    self._look(gathered.add(chunk), part, state)
            except UnreadableFile as error:
                self._look(gathered.rest(), part, state)
                found.append(_broken_off(state, tuple(rows), part, error))
                state, rows = State(), []
            except MemoryError:
                # Some rules have looked at the last batch, others not: nothing of it is kept.
                found.append(_out_of_memory(State(), tuple(rows)))
                state, rows, gathered = State(), [], Gathered()
        if rows:
            found.append(self._rest(gathered, parts[-1], state, tuple(rows)))
        return found

    def _rest(
        self, gathered: Gathered, part: Part, state: State, rows: tuple[int, ...]
    ) -> Done[State]:
        try:
            self._look(gathered.rest(), part, state)
        except MemoryError:
            return _out_of_memory(State(), rows)
        return Done(state, rows)

    def _look(self, chunks: Iterator[Chunk], part: Part, state: State) -> None:
        for chunk in chunks:
            cells = [(cell.row, cell.column, cell.kind, cell.text) for cell in chunk.defects]
            batch = self.judge.columns.batch(
                chunk.batch, cells, part.foreign, chunk.mixed, part.unit.format not in TYPED
            )
            before = state.stats.tokens
            if self.norms is None:
                self.judge.look(batch, state)
            else:
                self.judge.look_again(batch, self.norms, state, self.beside)
            self.progress.read(batch.rows, state.stats.tokens - before)


class Gathered:
    """Chunks on their way to the judge, small neighbours of one schema joined."""

    def __init__(self) -> None:
        self._held: list[pa.RecordBatch] = []
        self._bytes = 0

    def add(self, chunk: Chunk) -> Iterator[Chunk]:
        """Take a chunk, and give what is large enough now."""
        size = chunk.batch.nbytes
        small = size < GATHERED // 2 and not chunk.defects and not chunk.mixed
        if not small or (self._held and self._held[0].schema != chunk.batch.schema):
            yield from self.rest()
        if not small:
            yield chunk
            return
        self._held.append(chunk.batch)
        self._bytes += size
        if self._bytes >= GATHERED:
            yield from self.rest()

    def rest(self) -> Iterator[Chunk]:
        """What is left, as one chunk."""
        held, self._held, self._bytes = self._held, [], 0
        if held:
            yield Chunk(held[0] if len(held) == 1 else pa.concat_batches(held))


@dataclass(frozen=True, slots=True)
class DigestTask:
    """A second look at some rows, for rules that compare rows; with their labels or without."""

    judge: Judge
    labels: bool
    progress: Progress = SILENT

    def __call__(self, asked: Asked) -> Done[Digests]:
        """The digests of the rows that were asked for."""
        with metered() as meter:
            done = self._digests(asked)
        return replace(done, fetched=meter.fetched)

    def _digests(self, asked: Asked) -> Done[Digests]:
        part, found, before = asked.part, list[tuple[int, bytes]](), 0
        try:
            for chunk in read_chunks(part.unit, part.columns):
                go_on()
                batch = self.judge.columns.batch(chunk.batch, foreign=part.foreign)
                low, high = np.searchsorted(asked.rows, [before, before + batch.rows])
                rows = asked.rows[low:high]
                made = corpus.row_digests(batch, rows - before, self.labels)
                found += zip(rows.tolist(), made, strict=True)
                before += batch.rows
                self.progress.read(batch.rows, 0)
                if before > asked.rows[-1]:
                    break  # what follows was not asked for, and may be the damage of a broken unit
        except UnreadableFile as error:
            return _broken_off(found, (before,), part, error)
        except MemoryError:
            return _out_of_memory(found, (before,))
        return Done(found, (before,))


def _broken_off(value: T, rows: tuple[int, ...], part: Part, error: UnreadableFile) -> Done[T]:
    path = part.unit.path
    absent = error.here if is_url(path) else not os.access(path, os.R_OK)
    return Done(value, rows, error.reason, socket.gethostname() if absent else None)


def _out_of_memory(value: T, rows: tuple[int, ...]) -> Done[T]:
    return Done(value, rows, "memory ran out over it", no_memory=True)
