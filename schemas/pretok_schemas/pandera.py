"""A contract as a Pandera schema, for pyarrow tables and for pandas and Polars frames.

The rules are judged as `validate` judges them, once for all checks; Pandera never renders a row.
Pandera is imported when a schema is asked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from inspect import signature
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from pretok_schemas.contract import Backend, Contract
from pretok_schemas.findings import Finding, Outcome
from pretok_schemas.judge import Judge
from pretok_schemas.outcome import Report
from pretok_schemas.rules.base import NOWHERE
from pretok_schemas.rules.corpus import SplitOverlap
from pretok_schemas.validation import judge_table, make_judge

BACKENDS: tuple[Backend, ...] = ("pyarrow", "pandas", "polars")
# Of the table of failure cases: those of Pandera, and two of our own.
_FAILURES = pa.schema(
    {
        "schema_context": pa.string(),
        "column": pa.string(),
        "check": pa.string(),
        "check_number": pa.int64(),
        "failure_case": pa.string(),
        "index": pa.int64(),
        "row": pa.int64(),
        "position": pa.int64(),
    }
)


def pandera_schema(contract: Contract, backend: Backend = "pyarrow", **settings: Any) -> Any:
    """A Pandera ``DataFrameSchema`` whose ``validate`` says what the plugin says, row for row.

    ``settings`` are those of `validate`, save for the contract's own. Types are those that the
    contract accepts, whatever their width or list layout. Each rule is a check of its name.
    A rule of severity warning warns with Pandera's ``SchemaWarning``. Further columns and checks
    can be added as to any schema; they are Pandera's to judge. ``head``, ``tail`` and ``sample``
    concern those alone: rules look at whole tables.

    The errors are Pandera's ``SchemaErrors`` (``lazy=True``) and ``SchemaError``, with the texts of
    `Report` and a table of all failure cases: check, row and position, what was found. ``index`` is
    the frame's own label of the row in pandas, else the row.

    Raises:
        ValueError: there is no such backend.
        ImportError: Pandera, or the library of the backend, is not installed.
        TypeError: a setting has a name that does not exist.
    """
    if backend not in BACKENDS:
        raise ValueError(f"no backend {backend!r}; there are: {', '.join(BACKENDS)}")
    _check_names(settings)
    name = settings.pop("name", "table")
    split = settings.pop("split", None)
    judge = make_judge(contract, every=True, **settings)
    parts = _parts(backend)
    columns = {
        judge.columns.names[column.role]: parts.column(
            None, required=column.required, nullable=True
        )
        for column in contract.columns
        if column.required
    }
    checks = [
        parts.check(_Holds(judge, rule.name), name=rule.name, error=rule.help, native=True)
        for rule in judge.selected
        if not isinstance(rule, SplitOverlap)
    ]
    schema = parts.schema(columns, checks=checks, name=contract.name)
    schema.judge, schema.table_name, schema.split = judge, name, split
    schema.own_columns = dict(schema.columns)
    return schema


def _check_names(settings: Mapping[str, Any]) -> None:
    known = [*signature(make_judge).parameters, "name", "split"]
    known.remove("contract")
    for name in settings:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
            raise TypeError(f"unknown setting {name!r}; {hint}")


@dataclass(frozen=True, slots=True)
class _Holds:
    """A rule as the function of a Pandera check: whether a whole table keeps it.

    `ContractSchema` does not call it, but has all rules judged at once; it is here for schemas
    that borrow a check.
    """

    judge: Judge
    rule: str

    def __call__(self, data: Any) -> bool:
        table = data[0] if isinstance(data, tuple) else data  # Pandera's pair of frame and key
        finding = judge_table(self.judge, table).findings[self.rule]
        return finding.outcome in (Outcome.PASSED, Outcome.WARNED)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What Pandera has for one backend: its column, its check, and our schema class."""

    column: Any
    check: Any
    schema: Any


@lru_cache(maxsize=len(BACKENDS))
def _parts(backend: Backend) -> _Parts:
    try:
        home = import_module(f"pandera.{backend}")
        errors = import_module("pandera.errors")
        config = import_module("pandera.config")
    except ImportError as error:
        raise ImportError(
            f"a Pandera schema for {backend} needs Pandera: "
            f"pip install 'pandera[{backend}]>=0.33' ({error})"
        ) from error
    failures = _failure_classes(errors)
    return _Parts(home.Column, home.Check, _schema_class(home, errors, config, failures))


def _failure_classes(errors: Any) -> Any:
    """Pandera's error for several failures, with our own texts and failure cases."""

    class ContractErrors(errors.SchemaErrors):  # type: ignore[misc]
        """All failures of one table.

        ``report`` is the verdict of the rules, ``failure_cases`` a table of the backend's kind,
        ``message`` the texts by check, ``error_counts`` the failures by reason.
        """

        TO_STRING_KEYS = [*errors.SchemaErrors.TO_STRING_KEYS, "schema_errors"]  # noqa: RUF012

        def __init__(self, schema: Any, schema_errors: Sequence[Any], data: Any, report: Report):
            texts = {_check_name(error): str(error) for error in schema_errors}
            Exception.__init__(self, texts)
            self.schema = schema
            self.schema_errors = list(schema_errors)
            self.data = data
            self.report = report
            self.message = texts
            self.failure_cases = _failure_cases(data, schema_errors)
            counts: dict[str, int] = {}
            for error in schema_errors:
                reason = error.reason_code.name if error.reason_code else "NO_ERROR"
                counts[reason] = counts.get(reason, 0) + 1
            self.error_counts = counts

        def __str__(self) -> str:
            ours = {finding.rule for finding in (*self.report.failed, *self.report.undecided)}
            theirs = [text[:1000] for name, text in self.message.items() if name not in ours]
            told = [self.report.text(warnings=False)] if ours else []
            return "\n\n".join([*told, *theirs[:10]])

    return ContractErrors


def _check_name(error: Any) -> str:
    name = getattr(error.check, "name", None) or error.check
    return str(name) if error.column_name is None else f"{error.column_name}: {name}"


def _schema_class(home: Any, errors: Any, config: Any, failures: Any) -> Any:
    """Our subclass of a backend's schema."""

    class ContractSchema(home.DataFrameSchema):  # type: ignore[misc]
        """A schema whose checks are rules of a contract, judged together in one pass."""

        # Pandera makes schemas of a class from columns alone, to take their columns over: these
        # have no judge, and judge nothing.
        judge: Judge
        table_name = "table"
        split: str | None = None
        own_columns: Mapping[str, Any] = MappingProxyType({})

        def validate(
            self,
            check_obj: Any,
            head: int | None = None,
            tail: int | None = None,
            sample: int | None = None,
            random_state: int | None = None,
            lazy: bool = False,
            inplace: bool = False,
        ) -> Any:
            """Return the table if it keeps the contract.

            Raises:
                SchemaErrors: with ``lazy``, all failures.
                SchemaError: without it, the first one.
            """
            if not config.get_config_context().validation_enabled:
                return check_obj
            report = judge_table(self.judge, check_obj, self.table_name, self.split)
            found = [self._error(check_obj, report, one) for one in report.failed]
            found += [self._error(check_obj, report, one) for one in report.undecided]
            if found and not lazy:
                raise found[0]
            made = check_obj
            try:
                made = self._further(check_obj, head, tail, sample, random_state, lazy, inplace)
            except errors.SchemaErrors as error:
                found += error.schema_errors
            if found:
                raise failures(self, found, check_obj, report)
            for finding in report.warned:
                warnings.warn(report.describe(finding.rule), errors.SchemaWarning, stacklevel=2)
            return made

        def _further(self, check_obj: Any, *choice: Any) -> Any:
            """What has been added to the contract's own columns and checks, left to Pandera."""
            checks = [c for c in self.checks if not isinstance(c._check_fn, _Holds)]
            columns = {n: c for n, c in self.columns.items() if c != self.own_columns.get(n)}
            if not checks and not columns:
                return check_obj
            rest = home.DataFrameSchema(columns, checks=checks, name=self.name)
            return rest.validate(check_obj, *choice)

        def _error(self, data: Any, report: Report, finding: Finding) -> Any:
            checks = [check.name for check in self.checks]
            at = checks.index(finding.rule) if finding.rule in checks else None
            reasons = errors.SchemaErrorReason
            judged = finding.outcome is Outcome.FAILED
            return errors.SchemaError(
                self,
                data,
                report.describe(finding.rule),
                failure_cases=_cases(report, finding, at, data),
                check=None if at is None else self.checks[at],
                check_index=at,
                reason_code=reasons.DATAFRAME_CHECK if judged else reasons.CHECK_ERROR,
            )

    return ContractSchema


def _cases(report: Report, finding: Finding, number: int | None, data: Any) -> pa.Table:
    """The failure cases of one rule, a row each; one without a row for a rule about tables."""
    rows: list[int | None] = []
    positions: list[int | None] = []
    found: list[str | None] = []
    for table in (report.tables or {}).get(finding.rule, ()):
        rows += table.rows.tolist()
        positions += [None if at == NOWHERE else at for at in table.positions.tolist()]
        found += table.found
    if not rows:
        told = next((str(e.found) for e in finding.examples if e.found is not None), None)
        rows, positions, found = [None], [None], [told or finding.reason or finding.because]
    labels = getattr(data, "index", None) if hasattr(data, "iloc") else None
    index = rows if labels is None else [None if r is None else labels[r] for r in rows]
    try:
        index_array = pa.array(index, pa.int64())
    except (pa.ArrowException, TypeError, ValueError):
        index_array = pa.array([None if one is None else str(one) for one in index], pa.string())
    columns: Mapping[str, Any] = {
        "schema_context": ["DataFrameSchema"] * len(rows),
        "column": pa.nulls(len(rows), pa.string()),
        "check": [finding.rule] * len(rows),
        "check_number": pa.array([number] * len(rows), pa.int64()),
        "failure_case": pa.array(found, pa.string()),
        "index": index_array,
        "row": pa.array(rows, pa.int64()),
        "position": pa.array(positions, pa.int64()),
    }
    return pa.table(columns)


def _failure_cases(data: Any, schema_errors: Sequence[Any]) -> Any:
    """All failure cases as a table of the kind that was validated."""
    tables = [_as_cases(error) for error in schema_errors]
    text = any(pa.types.is_string(table.schema.field("index").type) for table in tables)
    if text:
        tables = [_with_text_index(table) for table in tables]
    whole = pa.concat_tables(tables)
    library = type(data).__module__.split(".")[0]
    if library == "pandas":
        return whole.to_pandas()
    if library == "polars":
        return import_module("polars").from_arrow(whole)
    return whole


def _as_cases(error: Any) -> pa.Table:
    if isinstance(error.failure_cases, pa.Table) and error.failure_cases.schema.names == list(
        _FAILURES.names
    ):
        return error.failure_cases
    # Of a check that is none of ours: what Pandera found may be whole rows, which are not shown.
    return pa.Table.from_pylist(
        [
            {
                "schema_context": type(error.schema).__name__,
                "column": None if error.column_name is None else str(error.column_name),
                "check": str(getattr(error.check, "name", None) or error.check)[:200],
                "check_number": error.check_index,
                "failure_case": str(error)[:200],
            }
        ],
        _FAILURES,
    )


def _with_text_index(table: pa.Table) -> pa.Table:
    at = table.schema.get_field_index("index")
    return table.set_column(at, "index", table["index"].cast(pa.string()))
