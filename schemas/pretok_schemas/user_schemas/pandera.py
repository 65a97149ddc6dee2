"""Schemas of Pandera: for pandas, for Polars, and for pyarrow tables."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from pretok_schemas.flat import Bools
from pretok_schemas.user_schemas.flavour import Asked, SchemaFault, flags, is_number

_OUTPUT = "check_output"  # what Pandera calls the column of a check's verdicts


class PanderaFlavour(ABC):
    """A Pandera DataFrameSchema of some backend; what differs between backends is below."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._home = import_module(f"pandera.{type(self).library}")
        self._errors = import_module("pandera.errors")
        self._bare: dict[str, tuple[Any, Any]] = {}
        self.columns = tuple(str(name) for name in schema.columns)
        self.strict = schema.strict is True
        self.ordered = bool(schema.ordered)
        if fault := next(self._faults(), None):
            raise SchemaFault(fault)

    library: ClassVar[str]

    def _faults(self) -> Iterator[str]:
        """What of the schema cannot be judged in batches."""
        schema = self._schema
        if getattr(schema, "unique", None):
            yield "asks for unique rows, which no batch can tell; duplicate-rows can"
        if getattr(schema, "index", None) is not None:
            yield "asks for an index, which files do not have"
        if getattr(schema, "dtype", None) is not None:
            yield "asks one dtype of all columns; ask it of each"
        checks = [(None, check) for check in schema.checks or ()]
        parsers = list(getattr(schema, "parsers", None) or ())
        for name, column in schema.columns.items():
            if column.regex:
                yield f"column {name!r} is a pattern of names; name each column"
            if getattr(column, "unique", False):
                yield f"column {name!r} asks for unique values, which no batch can tell"
            checks += [(name, check) for check in column.checks or ()]
            parsers += list(getattr(column, "parsers", None) or ())
        if parsers:
            yield "has parsers, which change the data; nothing is changed here"
        for _, check in checks:
            if getattr(check, "groupby", None) is not None:
                yield f"check {_called(check)} groups rows, and a batch is no whole group"
            if type(check).__name__ == "Hypothesis":
                yield f"{_called(check)} is a test of statistics, which no batch can tell"

    def asked(self) -> Iterator[Asked]:
        """By column presence, type, nulls and checks; then the checks of whole rows."""
        for name, column in self._schema.columns.items():
            if column.required:
                yield Asked(f"{name}.required", "required", name, "the column")
            if column.dtype is not None:
                yield Asked(f"{name}.dtype", "dtype", name, str(column.dtype))
            if not column.nullable:
                yield Asked(f"{name}.nullable", "nullable", name, "no null")
            for check in column.checks or ():
                yield _asked(f"{name}.", name, check)
        for check in self._schema.checks or ():
            yield _asked("", None, check)

    def typed(self, frame: Any, column: str, untyped: bool) -> tuple[Any, str | None]:
        """The frame, with the column converted where the schema does so (``coerce``)."""
        own = self._schema.columns[column]
        if own.dtype is None:
            return frame, None
        coerces = bool(own.coerce or self._schema.coerce)
        made = self._converted(frame, column, coerces)
        if made is not None:
            return self._with(frame, column, made), None
        if untyped and not coerces and self._is_number(frame, column):
            # A file of text has numbers, and no types of them.
            made = self._from_text(frame, column)
            if made is not None and self._is_same(frame, made, column):
                return self._with(frame, column, made), None
        return frame, self._dtype(frame, column)

    def _converted(self, frame: Any, column: str, coerces: bool) -> Any:
        """One column by itself if it has the type that is asked for, or could be made so."""
        key = f"{column} {coerces}"
        if key not in self._bare:
            bare = copy.deepcopy(self._schema.columns[column])
            bare.checks, bare.nullable, bare.coerce, bare.required = [], True, coerces, True
            self._bare[key] = self._home.DataFrameSchema({column: bare}), None
        try:
            return self._bare[key][0].validate(self._only(frame, column), lazy=True)
        except (self._errors.SchemaErrors, self._errors.SchemaError):
            return None

    def _from_text(self, frame: Any, column: str) -> Any:
        return self._converted(frame, column, True)

    def failing(self, frame: Any, asked: Asked) -> Bools:
        """The rows that fail a check, as the check itself tells.

        Raises:
            SchemaFault: it judges all rows at once.
        """
        rows = len(frame)
        failing = self._failing(frame, asked)
        if failing is None or len(failing) != rows:
            raise SchemaFault(
                f"the check {_called(asked.check)} gives one verdict for many rows, and rows are "
                "read in batches: make it judge each row"
            )
        return failing

    # What backends do differently.

    @abstractmethod
    def _only(self, frame: Any, column: str) -> Any: ...

    @abstractmethod
    def _with(self, frame: Any, column: str, made: Any) -> Any: ...

    @abstractmethod
    def _dtype(self, frame: Any, column: str) -> str: ...

    @abstractmethod
    def _is_number(self, frame: Any, column: str) -> bool: ...

    @abstractmethod
    def _is_same(self, frame: Any, made: Any, column: str) -> bool:
        """Whether numbers are numbers still, and none is cut off or wrapped."""

    @abstractmethod
    def _failing(self, frame: Any, asked: Asked) -> Bools | None: ...

    @abstractmethod
    def frame(self, table: pa.Table) -> Any:
        """Columns as the backend has them."""

    @abstractmethod
    def nulls(self, frame: Any, column: str) -> Bools:
        """The rows in which a column has no value."""


class PandasFlavour(PanderaFlavour):
    """A schema for pandas; columns are as ``read_parquet`` gives them."""

    library = "pandas"

    def frame(self, table: pa.Table) -> Any:
        """A frame whose index counts its rows."""
        return table.to_pandas(ignore_metadata=True)

    def nulls(self, frame: Any, column: str) -> Bools:
        """What pandas calls missing, NaN too."""
        return np.asarray(frame[column].isna(), np.bool_)

    def _only(self, frame: Any, column: str) -> Any:
        return frame[[column]]

    def _with(self, frame: Any, column: str, made: Any) -> Any:
        return frame.assign(**{column: made[column]})

    def _dtype(self, frame: Any, column: str) -> str:
        return str(frame[column].dtype)

    def _is_number(self, frame: Any, column: str) -> bool:
        return getattr(frame[column].dtype, "kind", "O") in "iuf"

    def _is_same(self, frame: Any, made: Any, column: str) -> bool:
        before, after = frame[column], made[column]
        if getattr(after.dtype, "kind", "O") in "iu":
            return bool(((before == after) | (before.isna() & after.isna())).all())
        return self._is_number(made, column)

    def _failing(self, frame: Any, asked: Asked) -> Bools | None:
        target = (frame, asked.column) if asked.column is not None else (frame,)
        found = asked.check(*target).check_output
        if hasattr(found, "columns"):
            found = found.all(axis=1)
        if not hasattr(found, "index"):
            return None
        failing = np.zeros(len(frame), np.bool_)
        failing[np.asarray(found.index[~found.fillna(False).astype(bool)], np.int64)] = True
        return failing


class PolarsFlavour(PanderaFlavour):
    """A schema for Polars."""

    library = "polars"

    def frame(self, table: pa.Table) -> Any:
        """A frame; large strings and lists stay as they are."""
        return import_module("polars").from_arrow(table)

    def nulls(self, frame: Any, column: str) -> Bools:
        """Null rows; NaN is a value."""
        return np.asarray(frame[column].is_null().to_numpy(), np.bool_)

    def _only(self, frame: Any, column: str) -> Any:
        return frame.select(column)

    def _with(self, frame: Any, column: str, made: Any) -> Any:
        return frame.with_columns(made[column])

    def _dtype(self, frame: Any, column: str) -> str:
        return str(frame[column].dtype)

    def _is_number(self, frame: Any, column: str) -> bool:
        return bool(frame[column].dtype.is_numeric())

    def _is_same(self, frame: Any, made: Any, column: str) -> bool:
        before, after = frame[column], made[column]
        if after.dtype.is_integer():
            return bool(before.eq_missing(after).all())
        return self._is_number(made, column)

    def _failing(self, frame: Any, asked: Asked) -> Bools | None:
        found = asked.check(frame.lazy(), asked.column).check_output
        verdicts = found.collect() if hasattr(found, "collect") else found
        return ~np.asarray(verdicts[_OUTPUT].to_numpy(), np.bool_)


class PyArrowFlavour(PanderaFlavour):
    """A Pandera schema for pyarrow tables, which it reads through narwhals."""

    library = "pyarrow"

    def frame(self, table: pa.Table) -> pa.Table:
        """The table itself."""
        return table

    def nulls(self, frame: pa.Table, column: str) -> Bools:
        """Null rows."""
        return flags(frame.column(column).is_null())

    def _only(self, frame: pa.Table, column: str) -> pa.Table:
        return frame.select([column])

    def _with(self, frame: pa.Table, column: str, made: pa.Table) -> pa.Table:
        at = frame.schema.get_field_index(column)
        return frame.set_column(at, column, made.column(column))

    def _dtype(self, frame: pa.Table, column: str) -> str:
        return str(frame.schema.field(column).type)

    def _is_number(self, frame: pa.Table, column: str) -> bool:
        return is_number(frame.schema.field(column).type)

    def _is_same(self, frame: pa.Table, made: pa.Table, column: str) -> bool:
        return self._is_number(made, column)  # pyarrow refuses to cut off and to wrap

    def _from_text(self, frame: pa.Table, column: str) -> pa.Table | None:
        # By narwhals itself: Pandera converts nothing here, and warns that it does not.
        narwhals = import_module("narwhals")
        wanted = narwhals.col(column).cast(self._schema.columns[column].dtype.type)
        try:
            made = narwhals.from_native(self._only(frame, column), eager_only=True).select(wanted)
        except (pa.ArrowException, TypeError, ValueError):
            return None
        return self._converted(made.to_native(), column, False)

    def _failing(self, frame: pa.Table, asked: Asked) -> Bools | None:
        narwhals = import_module("narwhals.stable.v1")
        found = asked.check(frame, asked.column).check_output
        if isinstance(found, narwhals.Expr):
            found = narwhals.from_native(frame, eager_only=True).select(found.alias(_OUTPUT))
        found = found.collect() if hasattr(found, "collect") else found
        verdicts = found[_OUTPUT].to_arrow()
        return ~flags(verdicts.fill_null(bool(asked.check.ignore_na)))


def _asked(prefix: str, column: str | None, check: Any) -> Asked:
    text = str(check.error or _called(check))
    return Asked(f"{prefix}{_called(check)}", "check", column, text, check, check.raise_warning)


def _called(check: Any) -> str:
    name = check.name or getattr(check._check_fn, "__name__", "")
    return "check" if name in ("", "<lambda>") else str(name)


KINDS = {kind.library: kind for kind in (PandasFlavour, PolarsFlavour, PyArrowFlavour)}
