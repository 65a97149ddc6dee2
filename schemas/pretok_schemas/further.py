"""A person's own schema, of Pandera or pyarrow, as rules: one for each thing that it asks.

Rows are judged in batches, as they are read. Pandera is not imported here: whoever has a schema of
it has Pandera. Knows no file.
"""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar, Protocol

import numpy as np
import pyarrow as pa

from pretok_schemas.arrow import as_numpy
from pretok_schemas.batch import TokenBatch
from pretok_schemas.custom import SCHEMA, Custom, packed_with
from pretok_schemas.findings import Example, Severity
from pretok_schemas.flat import Bools
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

_OUTPUT = "check_output"  # what Pandera calls the column of a check's verdicts
_ODD = re.compile(r"[^A-Za-z0-9_.-]+")
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_BINARIES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
_SHOWN = 80  # characters of a value or of what a check asks for


class SchemaFault(ValueError):
    """A schema that cannot be judged in batches, or that is none; the message says why."""


# -- what is asked


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
        if untyped and _is_number(found) and _is_number(wanted):
            try:
                made = frame.column(column).cast(wanted)
            except pa.ArrowInvalid:
                return frame, str(found)
            return frame.set_column(frame.schema.get_field_index(column), column, made), None
        return frame, str(found)

    def nulls(self, frame: pa.Table, column: str) -> Bools:
        """Null rows."""
        return _flags(frame.column(column).is_null())

    def failing(self, frame: pa.Table, asked: Asked) -> Bools:
        """Nothing: such a schema has no checks."""
        raise NotImplementedError


class PanderaFlavour:
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
            made = self._converted(frame, column, True)
            if made is not None and self._is_number(made, column):
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

    def _only(self, frame: Any, column: str) -> Any:
        raise NotImplementedError

    def _with(self, frame: Any, column: str, made: Any) -> Any:
        raise NotImplementedError

    def _dtype(self, frame: Any, column: str) -> str:
        raise NotImplementedError

    def _is_number(self, frame: Any, column: str) -> bool:
        raise NotImplementedError

    def _failing(self, frame: Any, asked: Asked) -> Bools | None:
        raise NotImplementedError

    def frame(self, table: pa.Table) -> Any:
        """Columns as the backend has them."""
        raise NotImplementedError

    def nulls(self, frame: Any, column: str) -> Bools:
        """The rows in which a column has no value."""
        raise NotImplementedError


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
        return _flags(frame.column(column).is_null())

    def _only(self, frame: pa.Table, column: str) -> pa.Table:
        return frame.select([column])

    def _with(self, frame: pa.Table, column: str, made: pa.Table) -> pa.Table:
        at = frame.schema.get_field_index(column)
        return frame.set_column(at, column, made.column(column))

    def _dtype(self, frame: pa.Table, column: str) -> str:
        return str(frame.schema.field(column).type)

    def _is_number(self, frame: pa.Table, column: str) -> bool:
        return _is_number(frame.schema.field(column).type)

    def _failing(self, frame: pa.Table, asked: Asked) -> Bools | None:
        narwhals = import_module("narwhals.stable.v1")
        found = asked.check(frame, asked.column).check_output
        if isinstance(found, narwhals.Expr):
            found = narwhals.from_native(frame, eager_only=True).select(found.alias(_OUTPUT))
        found = found.collect() if hasattr(found, "collect") else found
        verdicts = found[_OUTPUT].to_arrow()
        if isinstance(verdicts, pa.ChunkedArray):
            verdicts = verdicts.combine_chunks()
        return ~_flags(verdicts.fill_null(bool(asked.check.ignore_na)))


def _asked(prefix: str, column: str | None, check: Any) -> Asked:
    text = str(check.error or _called(check))
    return Asked(f"{prefix}{_called(check)}", "check", column, text, check, check.raise_warning)


def _called(check: Any) -> str:
    name = check.name or getattr(check._check_fn, "__name__", "")
    return "check" if name in ("", "<lambda>") else str(name)


def _is_number(dtype: pa.DataType) -> bool:
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


def _flags(array: Any) -> Bools:
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return np.asarray(as_numpy(whole), np.bool_)


def _flavour(schema: Any) -> Flavour:
    if isinstance(schema, pa.Schema):
        return ArrowFlavour(schema)
    libraries = {kind.library: kind for kind in (PandasFlavour, PolarsFlavour, PyArrowFlavour)}
    for base in type(schema).__mro__:
        parts = base.__module__.split(".")
        if parts[0] == "pandera" and base.__name__ == "DataFrameSchema":
            library = next((part for part in parts if part in libraries), None)
            if library is not None:
                return libraries[library](schema)
    raise SchemaFault(
        "is neither a pyarrow.Schema nor a DataFrameSchema or DataFrameModel of pandera.pandas, "
        "pandera.polars or pandera.pyarrow"
    )


# -- what batches show


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
    """A schema and the rules that it amounts to; ``source`` is what messages call it.

    Raises:
        SchemaFault: it cannot be judged, see the message.
    """

    def __init__(self, schema: Any, source: str) -> None:
        made = hasattr(schema, "to_schema") and isinstance(schema, type)
        # A model loses its checks where it is packed by value; what it makes does not.
        self._schema = schema.to_schema() if made else schema
        self._modules = {source.partition(":")[0], getattr(schema, "__module__", "")}
        self.source = source
        self.flavour = _flavour(self._schema)
        self.columns = self.flavour.columns
        self.asked = tuple(_distinct(self.flavour.asked()))

    def __reduce__(self) -> tuple[Any, ...]:
        checks = (a.check for a in self.asked if a.check is not None)
        modules = {getattr(check._check_fn, "__module__", None) or "" for check in checks}
        return _opened, (packed_with(self._schema, modules | self._modules), self.source)

    def rules(self) -> tuple[Custom, ...]:
        """The rules, in the order of the schema."""
        found: list[Custom] = [SchemaRule(_kind_of(self, asked), {}, self) for asked in self.asked]
        for part in ("strict", "ordered"):
            if getattr(self.flavour, part):
                found.append(SchemaRule(_kind_of_files(self, part), {}, self))
        return tuple(found)

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


def schema_rules(schema: Any, source: str = "the schema") -> tuple[Custom, ...]:
    """A schema for further columns as rules ``schema.COLUMN.CHECK`` and ``schema.CHECK``.

    ``schema`` is a pyarrow.Schema, or a Pandera DataFrameSchema or DataFrameModel for pandas,
    Polars or pyarrow. Columns that it does not name are let be, unless it is strict; those of the
    contract never count as further ones.

    Raises:
        SchemaFault: it is none of these, or asks for what no batch of rows can tell.
    """
    return OwnSchema(schema, source).rules()


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


# -- rules


@dataclass(frozen=True, slots=True, eq=False)
class SchemaRule(Custom):
    """One thing that a schema asks, as a rule; it travels with the whole schema, packed once."""

    schema: OwnSchema | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _named, (self.schema, self.kind.name)


def _named(schema: OwnSchema, name: str) -> Custom:
    return next(rule for rule in schema.rules() if rule.kind.name == name)


def _opened(packed: bytes, source: str) -> OwnSchema:
    return OwnSchema(pickle.loads(packed), source)


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
