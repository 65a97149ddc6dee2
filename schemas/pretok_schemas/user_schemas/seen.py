"""A schema at work: what one batch shows of everything that it asks."""

from __future__ import annotations

import pickle
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from pretok_schemas.batch import TokenBatch
from pretok_schemas.custom import packed_with
from pretok_schemas.flat import Bools
from pretok_schemas.user_schemas.flavour import ArrowFlavour, Asked, Flavour, SchemaFault
from pretok_schemas.user_schemas.pandera import KINDS

_ODD = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(slots=True)
class Seen:
    """What one batch shows of everything that a schema asks, by the names of `Asked`.

    ``failing`` are rows, ``dtypes`` types that were found instead, ``absent`` columns that are not
    there, ``filled`` those that hold a value, ``errors`` what kept a check from its verdict.
    """

    failing: dict[str, Bools] = field(default_factory=dict)
    dtypes: dict[str, str] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    filled: set[str] = field(default_factory=set)
    errors: dict[str, Exception] = field(default_factory=dict)


class OwnSchema:
    """A schema, ready to be asked of batches; ``source`` is what messages call it.

    Raises:
        SchemaFault: it cannot be judged, see the message.
    """

    def __init__(self, schema: Any, source: str) -> None:
        # A model loses its checks where it is packed by value; what it makes does not.
        self._schema = _made(schema) if _is_model(schema) else schema
        self._modules = {source.partition(":")[0], getattr(schema, "__module__", "")}
        self.source = source
        self.flavour = _flavour(self._schema)
        self.columns = self.flavour.columns
        self.asked = tuple(_distinct(self.flavour.asked()))

    def __reduce__(self) -> tuple[Any, ...]:
        checks = (a.check for a in self.asked if a.check is not None)
        modules = {getattr(check._check_fn, "__module__", None) or "" for check in checks}
        return _opened, (packed_with(self._schema, modules | self._modules), self.source)

    def examine(self, batch: TokenBatch) -> Seen:
        """Everything that is asked, of one batch."""
        seen = Seen()
        there = [name for name in self.columns if name in batch.further]
        seen.absent.update(set(self.columns) - set(there))
        arrays = {name: batch.further[name] for name in there if name not in batch.mixed}
        # In a text file, a column of nulls is what a column that is not there looks like.
        seen.filled.update(n for n, array in arrays.items() if array.null_count < len(array))
        seen.filled.update(batch.mixed)
        seen.dtypes.update({n: "values of several kinds" for n in batch.mixed if n in there})
        if not batch.rows:
            return seen
        frame = self.flavour.frame(pa.table(arrays))
        for name in arrays:
            if name in seen.filled:
                frame, found = self.flavour.typed(frame, name, batch.untyped)
                if found is not None:
                    seen.dtypes[name] = found
        for asked in self.asked:
            if asked.part in ("nullable", "check"):
                self._judge(asked, frame, arrays, seen)
        return seen

    def _judge(self, asked: Asked, frame: Any, arrays: Collection[str], seen: Seen) -> None:
        if asked.column is not None and (asked.column not in arrays or asked.column in seen.dtypes):
            return  # another rule says so
        if asked.column is not None and asked.column not in seen.filled and asked.part == "check":
            seen.failing[asked.name] = np.zeros(len(frame), np.bool_)
            return  # nothing but nulls, which have no type either
        try:
            if asked.part == "nullable":
                seen.failing[asked.name] = self.flavour.nulls(frame, str(asked.column))
            else:
                seen.failing[asked.name] = self.flavour.failing(frame, asked)
        except Exception as error:  # noqa: BLE001 (a check is a person's code)
            seen.errors[asked.name] = error


def _is_model(schema: Any) -> bool:
    return hasattr(schema, "to_schema") and isinstance(schema, type)


def _made(model: Any) -> Any:
    """The schema that a model makes, which looks at its annotations only now."""
    try:
        return model.to_schema()
    except Exception as error:
        raise SchemaFault(f"makes no schema: {type(error).__name__}: {error}") from error


def _distinct(asked: Iterator[Asked]) -> Iterator[Asked]:
    """The same with names that ids and reports can hold, each once."""
    taken: set[str] = {"strict", "ordered"}
    for one in asked:
        name = _ODD.sub("-", one.name).strip("-.") or "check"
        number, free = 2, name
        while free in taken:
            free, number = f"{name}-{number}", number + 1
        taken.add(free)
        yield Asked(free, one.part, one.column, one.text, one.check, one.warns)


def _opened(packed: bytes, source: str) -> OwnSchema:
    return OwnSchema(pickle.loads(packed), source)


def _flavour(schema: Any) -> Flavour:
    if isinstance(schema, pa.Schema):
        return ArrowFlavour(schema)
    for base in type(schema).__mro__:
        parts = base.__module__.split(".")
        if parts[0] == "pandera" and base.__name__ == "DataFrameSchema":
            library = next((part for part in parts if part in KINDS), None)
            if library is not None:
                return KINDS[library](schema)
    raise SchemaFault(
        "is neither a pyarrow.Schema nor a DataFrameSchema or DataFrameModel of pandera.pandas, "
        "pandera.polars or pandera.pyarrow"
    )
