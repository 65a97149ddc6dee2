"""What a schema asks, as rules: presence, types, nulls, checks, and the columns of whole files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pretok_schemas.batch import TokenBatch
from pretok_schemas.custom import SCHEMA, Custom
from pretok_schemas.findings import Example, Severity
from pretok_schemas.rules.base import (
    NOTHING,
    NOWHERE,
    FileRule,
    Hits,
    Look,
    RowRule,
    Rule,
    ShardFacts,
    SplitFacts,
    SplitRule,
    Unjudged,
)
from pretok_schemas.user_schemas.flavour import Asked
from pretok_schemas.user_schemas.seen import OwnSchema, Seen

_SHOWN = 80  # characters of a value or of what a check asks for


def schema_rules(schema: Any, source: str = "the schema") -> tuple[Custom, ...]:
    """A schema for further columns as rules ``schema.COLUMN.CHECK`` and ``schema.CHECK``.

    ``schema`` is a pyarrow.Schema, or a Pandera DataFrameSchema or DataFrameModel for pandas,
    Polars or pyarrow. Columns that it does not name are let be, unless it is strict; those of the
    contract never count as further ones.

    Raises:
        SchemaFault: it is none of these, or asks for what no batch of rows can tell.
    """
    return _rules(OwnSchema(schema, source))


def _rules(schema: OwnSchema) -> tuple[Custom, ...]:
    """The rules, in the order of the schema."""
    found: list[Custom] = [
        SchemaRule(_kind_of(schema, asked), {}, schema) for asked in schema.asked
    ]
    for part in ("strict", "ordered"):
        if getattr(schema.flavour, part):
            found.append(SchemaRule(_kind_of_files(schema, part), {}, schema))
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class SchemaRule(Custom):
    """One thing that a schema asks, as a rule; it travels with the whole schema, packed once."""

    schema: OwnSchema | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _named, (self.schema, self.kind.name)


def _named(schema: OwnSchema, name: str) -> Custom:
    return next(rule for rule in _rules(schema) if rule.kind.name == name)


class _OfSchema:
    """What the rules of a schema have in common."""

    schema: ClassVar[OwnSchema]
    asked: ClassVar[Asked]

    def seen(self, batch: TokenBatch) -> Seen:
        """What a batch shows, looked at once for all rules."""
        return batch.once(type(self).schema.examine)

    def origin(self) -> str:
        """Which schema asks for it."""
        return f"{type(self).schema.source} asks for something else"

    def because(self, part: str) -> str | None:
        """The rule for another part of the same column, if the schema asks for it."""
        column = type(self).asked.column
        every = type(self).schema.asked
        found = (a.name for a in every if a.column == column and a.part == part)
        name = next(found, None)
        return None if name is None else f"{SCHEMA}.{name}"


class _Rows(_OfSchema, RowRule):
    """Nulls and checks: rows that fail."""

    def look(self, batch: TokenBatch) -> Look:
        """The failing rows."""
        seen, asked = self.seen(batch), type(self).asked
        if asked.name in seen.errors:
            raise seen.errors[asked.name]
        failing = seen.failing.get(asked.name)
        if failing is None:
            return Look(counts=self._why_not(batch, seen, asked))
        rows = np.flatnonzero(failing)
        if not len(rows):
            return NOTHING
        found = None
        if asked.column is not None and asked.part == "check":
            array = batch.further[asked.column]
            texts = [str(array[row].as_py())[:_SHOWN] for row in rows.tolist()]
            found = np.array(texts, object)
        expected = np.full(len(rows), asked.text[:_SHOWN], object)
        return Look(Hits(rows, found=found, expected=expected))

    def _why_not(self, batch: TokenBatch, seen: Seen, asked: Asked) -> dict[str, int]:
        absent = asked.column in seen.absent
        if not batch.rows or (absent and self.because("required") is None):
            return {}  # a column that need not be there
        return {"absent" if absent else "dtype": 1}

    def unjudged(self, counts: Mapping[str, int]) -> Unjudged | None:
        """Without a verdict where the column is not there, or of another type, in some batch."""
        for part, key in (("required", "absent"), ("dtype", "dtype")):
            if counts.get(key):
                first = self.because(part)
                reason = None if first else f"column {type(self).asked.column!r} cannot be judged"
                return Unjudged(first, reason)
        return None


class _Required(_OfSchema, SplitRule):
    """A column that must be there."""

    def survey(self, batch: TokenBatch) -> Mapping[str, int]:
        """Whether this batch has it, and whether it holds a value."""
        seen, column = self.seen(batch), str(type(self).asked.column)
        return {"absent": int(column in seen.absent), "filled": int(column in seen.filled)}

    def conclude(self, counts: Mapping[str, int], facts: SplitFacts) -> str | None:
        """Violated where a file lacks the column; in text files, where no row has it."""
        column = str(type(self).asked.column)
        if counts.get("absent") or (
            not counts.get("filled") and not any(column in found for found in facts.columns)
        ):
            return f"there is no column {column!r}"
        return None


class _DType(_OfSchema, SplitRule):
    """The type of a column."""

    def survey(self, batch: TokenBatch) -> Mapping[str, int]:
        """Other types that were found, and whether a batch lacks the column."""
        seen, asked = self.seen(batch), type(self).asked
        found = seen.dtypes.get(str(asked.column))
        counts = {} if found is None else {f"found {found}": 1}
        absent = asked.column in seen.absent and self.because("required") is not None
        return {**counts, "absent": int(absent)}

    def conclude(self, counts: Mapping[str, int], facts: SplitFacts) -> str | None:
        """Violated where some rows have the column with another type."""
        types = sorted(key.removeprefix("found ") for key in counts if key.startswith("found "))
        if not types:
            return None
        asked = type(self).asked
        return f"column {asked.column!r} is {', '.join(types)}, expected {asked.text}"

    def unjudged(self, counts: Mapping[str, int]) -> Unjudged | None:
        """Without a verdict where the column is not there."""
        return Unjudged(self.because("required")) if counts.get("absent") else None


def _kind_of(schema: OwnSchema, asked: Asked) -> type[Rule]:
    base = {"required": _Required, "dtype": _DType}.get(asked.part, _Rows)
    whose = "the row" if asked.column is None else f"column {asked.column!r}"
    abouts = {
        "required": f"{whose} is not there",
        "dtype": f"{whose} is not of the type {asked.text}",
        "nullable": f"{whose} holds a null",
    }
    about = abouts.get(asked.part, f"{whose} fails {asked.text}")
    severity = Severity.WARNING if asked.warns else Severity.ERROR
    return _made(base, schema, asked.name, about, severity, asked)


def _kind_of_files(schema: OwnSchema, part: str) -> type[Rule]:
    about = {
        "strict": "a file has a column that the schema does not name",
        "ordered": "the columns do not have the order of the schema",
    }[part]
    base = {"strict": _Strict, "ordered": _Ordered}[part]
    return _made(base, schema, part, about, Severity.ERROR, Asked(part, part, None, ""))


def _made(
    base: type[Rule], schema: OwnSchema, name: str, about: str, severity: Severity, asked: Asked
) -> type[Rule]:
    members = {
        "__doc__": f"{about[:200]}.",
        "__module__": __name__,
        "name": f"{SCHEMA}.{name}",
        "severity": severity,
        "reads": schema.columns,
        "help": f"mend the data, or what {schema.source} asks for",
        "schema": schema,
        "asked": asked,
    }
    return type(base.__name__.strip("_"), (base,), members)


class _Strict(_OfSchema, FileRule):
    """No column but those of the schema and of the contract."""

    def look_at_files(
        self, shards: Sequence[ShardFacts], names: Mapping[str, str]
    ) -> list[Example]:
        """One example for each file with others."""
        allowed = {*type(self).schema.columns, *names.values()}
        return list(_by_file(shards, lambda columns: [c for c in columns if c not in allowed]))


class _Ordered(_OfSchema, FileRule):
    """The columns of the schema in its order."""

    def look_at_files(
        self, shards: Sequence[ShardFacts], names: Mapping[str, str]
    ) -> list[Example]:
        """One example for each file with another order."""
        wanted = type(self).schema.columns

        def astray(columns: Sequence[str]) -> list[str]:
            there = [name for name in columns if name in wanted]
            return [] if there == [name for name in wanted if name in there] else there

        return list(_by_file(shards, astray))


def _by_file(
    shards: Sequence[ShardFacts], odd: Callable[[Sequence[str]], list[str]]
) -> Iterator[Example]:
    for shard in shards:
        found = odd(shard.columns or ())
        if found:
            yield Example(NOWHERE, NOWHERE, shard.path, found=", ".join(found)[:300])
