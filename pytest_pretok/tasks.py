"""What is done with one scan unit, on whatever machine: plain data that engines carry around.

Reads through `readers`, judges through `pretok_schemas`; knows no engine and nothing of the split
around the unit.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from pretok_schemas.batch import Foreign, Ints
from pretok_schemas.judge import Judge
from pretok_schemas.rules import corpus
from pretok_schemas.state import State
from pytest_pretok.readers import Unit, UnreadableFile, read_chunks

T = TypeVar("T")

Digests = list[tuple[int, bytes]]  # (row within the unit, digest), rows rising


@dataclass(frozen=True, slots=True)
class Part:
    """One scan unit of one shard of a split, and which of its columns are read."""

    shard: int
    unit: Unit
    columns: tuple[str, ...]
    foreign: Mapping[str, Foreign]


@dataclass(frozen=True, slots=True)
class Asked:
    """Some rows of a unit, by their numbers within it (int64, rising, at least one)."""

    part: Part
    rows: Ints


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """What a task made of a unit: its value, up to the error if there was one.

    ``absent_on`` names the machine if there is no such file on it, or none that may be read.
    """

    value: T
    error: str | None = None
    absent_on: str | None = None


@dataclass(frozen=True, slots=True)
class LookTask:
    """One unit through the rules: what departs from the norms alone, if they are given."""

    judge: Judge
    norms: Mapping[str, str] | None = None

    def __call__(self, part: Part) -> Done[State]:
        """The state of the unit's rows, counted from its first."""
        state = State()
        try:
            for chunk in read_chunks(part.unit, part.columns):
                cells = [(cell.row, cell.column, cell.kind, cell.text) for cell in chunk.defects]
                batch = self.judge.columns.batch(chunk.batch, cells, part.foreign)
                if self.norms is None:
                    self.judge.look(batch, state)
                else:
                    self.judge.look_again(batch, self.norms, state)
        except UnreadableFile as error:
            return _broken_off(state, part, error)
        return Done(state)


@dataclass(frozen=True, slots=True)
class DigestTask:
    """A second look at some rows, for rules that compare rows; with their labels or without."""

    judge: Judge
    labels: bool

    def __call__(self, asked: Asked) -> Done[Digests]:
        """The digests of the rows that were asked for."""
        part, found, before = asked.part, list[tuple[int, bytes]](), 0
        try:
            for chunk in read_chunks(part.unit, part.columns):
                batch = self.judge.columns.batch(chunk.batch, foreign=part.foreign)
                low, high = np.searchsorted(asked.rows, [before, before + batch.rows])
                rows = asked.rows[low:high]
                made = corpus.row_digests(batch, rows - before, self.labels)
                found += zip(rows.tolist(), made, strict=True)
                before += batch.rows
                if before > asked.rows[-1]:
                    break  # what follows was not asked for, and may be the damage of a broken unit
        except UnreadableFile as error:
            return _broken_off(found, part, error)
        return Done(found)


def _broken_off(value: T, part: Part, error: UnreadableFile) -> Done[T]:
    absent = not os.access(part.unit.path, os.R_OK)
    return Done(value, error.reason, socket.gethostname() if absent else None)
