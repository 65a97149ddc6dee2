"""What a contract makes of the columns of a file: roles, usable types, token batches.

Opens no file and judges nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pretok_schemas.arrow import TypeFacts, describe, kind_of
from pretok_schemas.batch import Defect, Foreign, Lists, TokenBatch, lists_from_arrow
from pretok_schemas.contract import IDS, LABELS, Contract, Vocabulary
from pretok_schemas.flat import Bools
from pretok_schemas.rules.base import ShardFacts


@dataclass(frozen=True, slots=True)
class Layout:
    """What a contract makes of the columns of a file or table, before a value is read.

    ``types`` are those of its columns, as far as they are known, and ``typed`` tells whether all
    of them are. ``foreign`` and ``usable`` go by role (see `Columns`); ``wanted`` are the names of
    the columns to be read, ``further`` those of columns without a role.
    """

    columns: tuple[str, ...]
    types: Mapping[str, TypeFacts]
    typed: bool
    foreign: Mapping[str, Foreign]
    usable: frozenset[str]
    wanted: tuple[str, ...]
    further: tuple[str, ...] = ()

    def facts(self, name: str) -> ShardFacts:
        """What rules about files are told of it, under a name; no row is counted yet."""
        return ShardFacts(
            name, columns=self.columns, types=self.types, schema=self.typed, usable=self.usable
        )


class Columns:
    """The columns of one contract under the names that one dataset gives them.

    ``names`` maps every role of the contract to the column's name in the files. ``reads`` are the
    names of further columns that rules look at.
    """

    def __init__(
        self,
        contract: Contract,
        vocabulary: Vocabulary,
        names: Mapping[str, str] | None = None,
        reads: tuple[str, ...] = (),
    ) -> None:
        self.contract = contract
        self.vocabulary = vocabulary
        own = {column.role: column.name or column.role for column in contract.columns}
        self.names: Mapping[str, str] = own | dict(names or {})
        self.reads = reads

    def usable(self, columns: Collection[str], foreign: Mapping[str, Foreign]) -> frozenset[str]:
        """The roles that can be read in a file of these columns, made ones included."""
        found = {
            role
            for role, name in self.names.items()
            if name in columns and (role not in foreign or foreign[role].mild)
        }
        if IDS in found and self._makes_labels(self.names.get(LABELS) in columns):
            found.add(LABELS)
        return frozenset(found)

    def _makes_labels(self, present: bool) -> bool:
        made = self.contract.makes_labels
        return made == "always" or (made == "if-absent" and not present)

    def layout(
        self,
        columns: Mapping[str, pa.DataType | None],
        types: Mapping[str, pa.DataType],
        roles: Collection[str],
    ) -> Layout:
        """What the columns of a file amount to, of which some roles are to be read.

        ``columns`` maps their names to the types that all rows have, None where there is none;
        ``types`` are those, and the types that the first rows of others seem to have.
        """
        foreign = self.foreign(columns)
        usable = self.usable(columns, foreign)
        named = (self.names[role] for role in roles if role in usable)
        wanted = tuple(name for name in named if name in columns)
        typed = bool(columns) and None not in columns.values()
        # Where rows need not have the same columns, one may begin behind those that were looked at.
        further = (name for name in self.reads if name in columns or not typed)
        return Layout(
            tuple(columns),
            {name: describe(dtype) for name, dtype in types.items()},
            typed,
            foreign,
            usable,
            wanted,
            tuple(name for name in further if name not in wanted),
        )

    def foreign(self, types: Mapping[str, pa.DataType | None]) -> dict[str, Foreign]:
        """By role, the columns of a file whose type the contract does not accept.

        ``types`` maps column names to their types, None where a file format has none.
        """
        found = {}
        for column in self.contract.columns:
            dtype = types.get(self.names[column.role])
            if dtype is not None and (kind := kind_of(dtype)) not in column.accepts:
                mild = kind in column.tolerates
                found[column.role] = Foreign(kind.value, str(dtype), mild)
        return found

    def batch(
        self,
        table: pa.RecordBatch,
        cells: Iterable[tuple[int, str, str, str]] = (),
        foreign: Mapping[str, Foreign] | None = None,
        mixed: Collection[str] = (),
        untyped: bool = False,
    ) -> TokenBatch:
        """View a record batch as the contract sees it.

        ``cells`` are JSON cells that are no lists of integers: (row, column name, kind, text).
        ``foreign`` are columns known to be of a wrong type, which need not be in ``table``.
        ``mixed`` and ``untyped`` are those of `TokenBatch`.
        """
        columns, defects = {}, []
        foreign = {
            **self.foreign(dict(zip(table.schema.names, table.schema.types, strict=True))),
            **(foreign or {}),
        }
        by_name = {self.names[column.role]: column for column in self.contract.columns}
        for name, array in zip(table.schema.names, table.columns, strict=True):
            column = by_name.get(name)
            if column and (column.role not in foreign or foreign[column.role].mild):
                columns[column.role] = lists_from_arrow(array)
        for row, name, kind_name, text in cells:
            column = by_name.get(name)
            if column is None:
                continue
            # Fractions, and truth values among numbers, come without values: nobody can read them.
            lists = columns.get(column.role)
            read = lists is None or lists.null_rows is None or not bool(lists.null_rows[row])
            if read and kind_name in {kind.value for kind in column.accepts}:
                continue
            mild = read and kind_name in {kind.value for kind in column.tolerates}
            defects.append(Defect(row, column.role, kind_name, text, mild))
        if IDS in columns and self._makes_labels(LABELS in columns or LABELS in foreign):
            columns[LABELS] = self._made_labels(columns)
        return TokenBatch(
            table.num_rows,
            columns,
            foreign,
            tuple(defects),
            self.vocabulary,
            self.contract.labels_ahead,
            {
                name: array
                for name, array in zip(table.schema.names, table.columns, strict=True)
                if name in self.reads
            },
            mixed,
            untyped,
        )

    def _made_labels(self, columns: Mapping[str, Lists]) -> Lists:
        """The labels that the trainer makes: the ids, less what its loss masks leave out."""
        ids = columns[IDS]
        hidden = None
        for role in self.contract.loss_masks:
            mask = columns.get(role)
            if mask is not None:
                zero = _hidden(ids, mask)
                hidden = zero if hidden is None else hidden | zero
        if self.contract.makes_labels == "always" and self.vocabulary.pad is not None:
            pads = ids.values == self.vocabulary.pad
            hidden = pads if hidden is None else hidden | pads
        if hidden is None or not hidden.any():
            return ids
        values = np.where(hidden, self.contract.ignore_index, ids.values.astype(np.int64))
        return Lists(ids.offsets, values, ids.null_rows, ids.null_tokens)


def _hidden(ids: Lists, mask: Lists) -> Bools:
    """By token, whether a loss mask leaves it out: it is 0 there, or ends before."""
    if np.array_equal(mask.offsets, ids.offsets):
        zero: Bools = mask.values == 0
        return zero
    lengths = np.diff(ids.offsets)
    place = np.arange(int(ids.offsets[-1])) - np.repeat(ids.offsets[:-1], lengths)
    there = place < np.repeat(np.diff(mask.offsets), lengths)
    at = (np.repeat(mask.offsets[:-1], lengths) + place)[there]
    hidden = np.ones(len(place), np.bool_)
    hidden[there] = mask.values[at] == 0
    return hidden
