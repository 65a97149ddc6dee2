"""A contract and Arrow schemas: the one to write, and why another one is not accepted.

Types only, no values: what stands in the rows is for `validate`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from pretok_schemas.arrow import describe
from pretok_schemas.columns import Columns
from pretok_schemas.contract import (
    IDS,
    LABELS,
    MASK,
    Column,
    Contract,
    Vocabulary,
)
from pretok_schemas.findings import Severity
from pretok_schemas.rules import rule_named
from pretok_schemas.rules.files import MissingColumn, NarrowInteger
from pretok_schemas.text import printable

METADATA = "pretok.contract"  # the key of the schema's metadata; further ones begin with it


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one column of a schema is not accepted: the rule that would say so of a file.

    ``column`` is its name in the schema and ``role`` what it is to the contract; ``severity`` is
    that of the rule. One of severity warning does no harm.
    """

    column: str
    role: str
    rule: str
    severity: Severity
    found: str
    expected: str

    def __str__(self) -> str:
        shown = printable(self.column, 80)
        return f"{self.rule}: {shown}: {self.found}, expected {self.expected}"


def arrow_schema(
    contract: Contract,
    *,
    optional: Collection[str] = (),
    columns: Mapping[str, str] | None = None,
) -> pa.Schema:
    """The schema to write for a trainer: int32 ids, an int8 mask, int64 for all else.

    These are the types that `datasets` gives columns of these names: sets that it wrote can be
    trained on together with yours, which other widths may prevent. ``optional`` are roles of
    columns that the trainer can do without, to be written too; ``columns`` maps roles to other
    names. The metadata names the contract and the trainer.

    Raises:
        ValueError: the contract has no column of such a role.
    """
    known = [column.role for column in contract.columns]
    optional = (optional,) if isinstance(optional, str) else optional
    if unknown := sorted({*optional, *(columns or {})} - set(known)):
        there = f"there are: {', '.join(known)}"
        raise ValueError(f"{contract.name} has no column {', '.join(unknown)}; {there}")
    names = Columns(contract, Vocabulary(), columns).names
    fields = [
        pa.field(names[column.role], pa.list_(_item(contract, column)))
        for column in contract.columns
        if column.required or column.role in optional
    ]
    metadata = {
        METADATA: contract.name,
        f"{METADATA}.trainer": f"{contract.trainer} {contract.version}",
        f"{METADATA}.packing": "on" if contract.packing else "off",
    }
    return pa.schema(fields, metadata)


def _item(contract: Contract, column: Column) -> pa.DataType:
    if column.role == IDS:
        return pa.int32()
    if column.role == MASK:
        return pa.int32() if contract.numbers_documents else pa.int8()
    return pa.int64()


def refusals(
    contract: Contract,
    schema: pa.Schema,
    *,
    columns: Mapping[str, str] | None = None,
    vocab_size: int | None = None,
) -> tuple[Refusal, ...]:
    """Why a schema is not accepted, column by column; empty if it is.

    The verdicts are those of `missing-column`, `column-type`, `null-row` (a column of Arrow's type
    null), `narrow-integer`, and `unreadable-file` (a column that is there twice) on a file of this
    schema. ``columns`` maps roles to other names in the schema; ``vocab_size`` tells how large ids
    get.

    Raises:
        TypeError: it is no schema.
    """
    if not isinstance(schema, pa.Schema):
        kind = type(schema).__name__
        raise TypeError(f"a {kind} is no pyarrow.Schema: pass table.schema; validate takes tables")
    held = Columns(contract, Vocabulary(vocab_size), columns)
    types = dict(zip(schema.names, schema.types, strict=True))
    found = [
        *_repeated(held, schema.names),
        *_absent(held, types),
        *_foreign(held, types),
        *_narrow(held, types),
    ]
    order = {column.role: at for at, column in enumerate(contract.columns)}
    told = [one for one in found if one.severity is not Severity.OFF]
    return tuple(sorted(told, key=lambda one: order[one.role]))


def _repeated(held: Columns, names: Sequence[str]) -> list[Refusal]:
    rule = "unreadable-file"
    severity = _severity(held.contract, rule)
    return [
        Refusal(name, role, rule, severity, f"{names.count(name)} columns", "one of the name")
        for role, name in held.names.items()
        if names.count(name) > 1
    ]


def _absent(held: Columns, types: Mapping[str, pa.DataType]) -> list[Refusal]:
    rule = MissingColumn(held.contract, held.vocabulary)
    return [
        Refusal(
            name := held.names[role],
            role,
            rule.name,
            _severity(held.contract, rule.name),
            rule.absent(role, name, tuple(types)),
            "a list of integers",
        )
        for role in rule.lacking(held.names, types)
    ]


def _foreign(held: Columns, types: Mapping[str, pa.DataType]) -> list[Refusal]:
    found = []
    for role, what in held.foreign(types).items():
        rule = "null-row" if what.kind == "null" else "column-type"
        severity = _severity(held.contract, rule, mild=what.mild)
        name = held.names[role]
        found.append(Refusal(name, role, rule, severity, what.text, "a list of integers"))
    return found


def _narrow(held: Columns, types: Mapping[str, pa.DataType]) -> list[Refusal]:
    rule = NarrowInteger(held.contract, held.vocabulary)
    found = []
    for role in (IDS, LABELS):
        name = held.names.get(role, role)
        example = rule.narrow("", role, describe(types[name])) if name in types else None
        if example is not None and held.contract.column(role) is not None:
            severity = _severity(held.contract, rule.name, mild=example.mild)
            told = (str(example.found), str(example.expected))
            found.append(Refusal(name, role, rule.name, severity, *told))
    return found


def _severity(contract: Contract, rule: str, mild: bool = False) -> Severity:
    """The severity of a rule, as the judge has it; off where it does not apply."""
    if not contract.applies(rule):
        return Severity.OFF
    if mild and rule not in contract.severities:
        return Severity.WARNING
    return contract.severities.get(rule, rule_named(rule).severity)
