"""Kinds of schemas: what one asks of further columns, and how it looks at them; pyarrow's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from pretok_schemas.arrow import as_numpy
from pretok_schemas.flat import Bools

_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_BINARIES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)


class SchemaFault(ValueError):
    """A schema that cannot be judged in batches, or that is none; the message says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that a schema asks: a rule of its own.

    ``part`` is what of the column (None: of the whole row) is meant: required, dtype, nullable or a
    check; ``check`` is Pandera's.
    """

    name: str
    part: str
    column: str | None
    text: str
    check: Any = None
    warns: bool = False


class Flavour(Protocol):
    """How one kind of schema looks at columns."""

    def asked(self) -> Iterator[Asked]:
        """Everything that the schema asks, in its order, without what belongs to all columns."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns."""

    @property
    def strict(self) -> bool:
        """Whether there may be no other columns."""

    @property
    def ordered(self) -> bool:
        """Whether the columns must have the order of the schema."""

    def frame(self, table: pa.Table) -> Any:
        """Columns as its checks want them."""

    def typed(self, frame: Any, column: str, untyped: bool) -> tuple[Any, str | None]:
        """The frame with one column in the type asked for, and the type found if it is another."""

    def nulls(self, frame: Any, column: str) -> Bools:
        """The rows in which a column has no value."""

    def failing(self, frame: Any, asked: Asked) -> Bools:
        """The rows that fail a check.

        Raises:
            SchemaFault: the check does not judge rows.
        """


class ArrowFlavour:
    """A pyarrow.Schema: columns that must be there, of a type, and without nulls."""

    strict = False
    ordered = False

    def __init__(self, schema: pa.Schema) -> None:
        if len(set(schema.names)) < len(schema.names):
            raise SchemaFault("two of its columns have one name")
        self._schema = schema
        self.columns = tuple(schema.names)

    def asked(self) -> Iterator[Asked]:
        """Presence, type, and nulls where the field does not allow them."""
        for one in self._schema:
            yield Asked(f"{one.name}.required", "required", one.name, "the column")
            yield Asked(f"{one.name}.dtype", "dtype", one.name, str(one.type))
            if not one.nullable:
                yield Asked(f"{one.name}.nullable", "nullable", one.name, "no null")

    def frame(self, table: pa.Table) -> pa.Table:
        """The table itself."""
        return table

    def typed(self, frame: pa.Table, column: str, untyped: bool) -> tuple[pa.Table, str | None]:
        """The table, with numbers of files without types in the type that is asked for."""
        wanted, found = self._schema.field(column).type, frame.schema.field(column).type
        if _alike(found, wanted):
            return frame, None
        if untyped and is_number(found) and is_number(wanted):
            try:
                made = frame.column(column).cast(wanted)
            except pa.ArrowInvalid:
                return frame, str(found)
            return frame.set_column(frame.schema.get_field_index(column), column, made), None
        return frame, str(found)

    def nulls(self, frame: pa.Table, column: str) -> Bools:
        """Null rows."""
        return flags(frame.column(column).is_null())

    def failing(self, frame: pa.Table, asked: Asked) -> Bools:
        """Nothing: such a schema has no checks."""
        raise NotImplementedError


def is_number(dtype: pa.DataType) -> bool:
    """Whether values are integers or floats."""
    return bool(pa.types.is_integer(dtype) or pa.types.is_floating(dtype))


def _alike(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether two types are the same but for how Arrow lays out texts and lists."""
    for kinds in (_TEXTS, _BINARIES):
        if any(kind(found) for kind in kinds) and any(kind(wanted) for kind in kinds):
            return True
    lists = (pa.types.is_list, pa.types.is_large_list)
    if any(kind(found) for kind in lists) and any(kind(wanted) for kind in lists):
        return _alike(found.value_type, wanted.value_type)
    return bool(found == wanted)


def flags(array: Any) -> Bools:
    """Boolean values without nulls, for numpy."""
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return np.asarray(as_numpy(whole), np.bool_)
