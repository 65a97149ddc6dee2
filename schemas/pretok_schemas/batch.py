"""A stretch of rows as flat value arrays plus offsets, viewed over Arrow lists without copies.

Must not know rules, trainers or files. What several rules need to know of a batch is computed
once and kept (`TokenBatch.once`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from pretok_schemas.arrow import Kind, as_numpy, kind_of, null_flags
from pretok_schemas.contract import IDS, IGNORE, Vocabulary
from pretok_schemas.findings import Window
from pretok_schemas.flat import Bools, Ints, Values, cumulated, heads

T = TypeVar("T")

_NUMBERS = (Kind.INTEGER, Kind.BOOLEAN, Kind.FLOAT)
CLIPPED = 2**63 - 1  # what -100 wrapped by an unsigned 64-bit column is delivered as
WINDOW = 2  # places shown on each side of a fault
_DENSE = 32  # from one in so many tokens on, a table of rows beats a search for each
_STRETCH = 32  # from so many tokens on, copying a stretch beats picking token by token


@dataclass(frozen=True, slots=True)
class Lists:
    """One column of a batch: row i holds ``values[offsets[i]:offsets[i + 1]]``.

    ``offsets`` is int64 of shape (rows + 1,), starts at 0 and never falls; ``values`` is flat, of
    the column's own integer, boolean or float dtype, with zeros at the places of ``null_tokens``
    (bool, shape of values, None where there are none). ``null_rows`` is bool of shape (rows,), or
    None where there are none. ``clipped`` says that values stood beyond int64, see `CLIPPED`.
    """

    offsets: Ints
    values: Values
    null_rows: Bools | None = None
    null_tokens: Bools | None = None
    clipped: bool = False


@dataclass(frozen=True, slots=True)
class Defect:
    """A cell that is no list of tokens: ``row`` within the batch, what it is, and how it reads.

    A ``mild`` one can be read all the same (a float mask).
    """

    row: int
    role: str
    kind: str
    text: str
    mild: bool = False


@dataclass(frozen=True, slots=True)
class Foreign:
    """A column of a type that the contract does not accept: its kind, and the type as text.

    A ``mild`` one can be read all the same and has its lists in the batch too.
    """

    kind: str
    text: str
    mild: bool = False


def lists_from_arrow(array: pa.Array) -> Lists:
    """View an Arrow list array of integers, booleans or floats as flat numpy values.

    Values are shared with Arrow wherever it stores them as plain integers; booleans (packed bits)
    and arrays with nulls are copied. Unsigned 64-bit values beyond int64 are clipped: -100 wrapped
    to `CLIPPED`, others to one less; no vocabulary reaches them.

    Raises:
        ValueError: the array is no list of integers, booleans or floats.
    """
    dtype = array.type
    if kind_of(dtype) not in _NUMBERS:
        raise ValueError(f"no list of numbers: {dtype}")
    null_rows = null_flags(array)
    if pa.types.is_list(dtype) or pa.types.is_large_list(dtype):
        raw = as_numpy(array.offsets).astype(np.int64)
        if null_rows is None:
            offsets = raw - raw[0]
            child = array.values.slice(int(raw[0]), int(offsets[-1]))
        else:
            lengths = np.diff(raw)
            lengths[null_rows] = 0  # null slots may cover values, which flatten() leaves out
            offsets, child = cumulated(lengths), array.flatten()
    else:
        import pyarrow.compute as pc  # lazy: a tenth of the start, and rarely needed

        # List views may lie in any order: flatten() mends that.
        offsets = cumulated(as_numpy(pc.fill_null(pc.list_value_length(array), 0)))
        child = array.flatten()
    null_tokens = null_flags(child)
    values = _to_values(child, null_tokens)
    clipped = values.dtype == np.uint64 and bool(len(values)) and int(values.max()) >= CLIPPED
    return Lists(offsets, _to_signed(values), null_rows, null_tokens, clipped)


def _to_values(child: pa.Array, nulls: Bools | None) -> Values:
    if pa.types.is_null(child.type):
        return np.zeros(len(child), np.int64)
    values: Values = as_numpy(child)
    if nulls is not None:
        values = values.copy()
        values[nulls] = 0
    return values


def _to_signed(values: Values) -> Values:
    if values.dtype != np.uint64:
        return values
    below = np.minimum(values, np.uint64(CLIPPED - 1)).astype(np.int64)
    below[values == 2**64 + IGNORE] = CLIPPED
    return below


class View:
    """The rows of a batch in which some columns are sound and equally long, side by side.

    ``rows`` (int64) are the rows' numbers within the batch, None where it is every row;
    ``offsets`` (int64, shape (len + 1,)) cut each flat array in ``values``: ``starts`` is the flat
    index of each row's first token, ``lengths`` its tokens. Where every row is sound nothing is
    copied.
    """

    __slots__ = ("_row_of", "lengths", "offsets", "rows", "starts", "values")

    def __init__(self, rows: Ints | None, offsets: Ints, values: Mapping[str, Values]) -> None:
        self.rows = rows
        self.offsets = offsets
        self.values = values
        self.starts = offsets[:-1]
        self.lengths: Ints = offsets[1:] - offsets[:-1]
        self._row_of: Ints | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, role: str) -> Values:
        return self.values[role]

    @property
    def tokens(self) -> int:
        """Tokens in all rows of the view."""
        return int(self.offsets[-1])

    def batch_rows(self, local: Ints) -> Ints:
        """Row numbers within the batch of rows of this view."""
        return local if self.rows is None else self.rows[local]

    def rows_at(self, flat: Ints) -> Ints:
        """The row of this view that each flat index lies in."""
        if len(flat) * _DENSE < self.tokens:
            return np.searchsorted(self.offsets, flat, side="right") - 1
        return self.row_of[flat]

    @property
    def row_of(self) -> Ints:
        """The row of this view that each token lies in, flat."""
        if self._row_of is None:
            self._row_of = np.repeat(np.arange(len(self)), self.lengths)
        return self._row_of

    def first_in_row(self, flat: Ints) -> tuple[Ints, Ints]:
        """Of rising flat indices, the first in each row: (rows of this view, flat indices)."""
        rows = self.rows_at(flat)
        first = heads(rows)
        return rows[first], flat[first]

    def take(self, local: Ints) -> View:
        """The same columns for some rows only, copied together; ``local`` must rise."""
        lengths = self.lengths[local]
        offsets = cumulated(lengths)
        first = heads(local - np.arange(len(local)))  # of each stretch of neighbouring rows
        if len(first) * _STRETCH < offsets[-1]:
            last = np.append(first[1:], len(local)) - 1
            begins, ends = self.starts[local[first]], self.offsets[local[last] + 1]
            stretches = list(map(slice, begins.tolist(), ends.tolist()))
            values = {
                role: np.concatenate([flat[:0], *(flat[stretch] for stretch in stretches)])
                for role, flat in self.values.items()
            }
        else:
            index = np.repeat(self.starts[local] - offsets[:-1], lengths) + np.arange(offsets[-1])
            values = {role: flat[index] for role, flat in self.values.items()}
        return View(self.batch_rows(local), offsets, values)


class TokenBatch:
    """Some rows of a split, each column once as flat values.

    ``columns`` maps a role to its lists; a role that the files lack is in neither ``columns`` nor
    ``foreign``, one of a type that the contract does not accept is in ``foreign``. ``vocabulary``
    and ``labels_ahead`` (see `Contract`) are what it takes to read them. ``further`` holds other
    columns by their names in the files, as far as rules read them; ``mixed`` names those whose
    values have no common type. ``untyped`` tells that the types of further columns are only what
    their values show, as in a file of text.
    """

    def __init__(
        self,
        rows: int,
        columns: Mapping[str, Lists],
        foreign: Mapping[str, Foreign] | None = None,
        defects: tuple[Defect, ...] = (),
        vocabulary: Vocabulary | None = None,
        labels_ahead: int = 0,
        further: Mapping[str, pa.Array] | None = None,
        mixed: Collection[str] = (),
        untyped: bool = False,
    ) -> None:
        self.rows = rows
        self.vocabulary = vocabulary or Vocabulary()
        self.labels_ahead = labels_ahead
        self.columns = _sharing_offsets(columns)
        self.foreign = foreign or {}
        self.defects = defects
        self.further = further or {}
        self.mixed = frozenset(mixed)
        self.untyped = untyped
        self._views: dict[tuple[str, ...], View] = {}
        self._kept: dict[Callable[[TokenBatch], Any], Any] = {}

    def once(self, compute: Callable[[TokenBatch], T]) -> T:
        """The value of ``compute(self)``, computed at the first call and kept."""
        if compute not in self._kept:
            self._kept[compute] = compute(self)
        kept: T = self._kept[compute]
        return kept

    @cached_property
    def unusable(self) -> Mapping[str, Bools]:
        """By role, the rows (bool) that cannot be read there: null, holding a null, or no list."""
        found: dict[str, Bools] = {}
        for role, lists in self.columns.items():
            bad = (
                np.zeros(self.rows, np.bool_) if lists.null_rows is None else lists.null_rows.copy()
            )
            if lists.null_tokens is not None:
                holed = np.flatnonzero(lists.null_tokens)
                bad[np.searchsorted(lists.offsets, holed, side="right") - 1] = True
            for defect in self.defects:
                if defect.role == role and not defect.mild:
                    bad[defect.row] = True
            if bad.any():
                found[role] = bad
        return found

    def view(self, *roles: str) -> View:
        """The rows in which all of the roles are present, sound and equally long."""
        if roles not in self._views:
            self._views[roles] = self._build_view(roles)
        return self._views[roles]

    def column(self, name: str) -> pa.Array:
        """The values of a further column, one a row.

        Raises:
            LookupError: the file has no such column, or one of values without a common type.
        """
        if name in self.mixed:
            raise LookupError(f"the values of column {name!r} have no common type")
        if name not in self.further:
            raise LookupError(f"the file has no column {name!r}")
        return self.further[name]

    def _build_view(self, roles: tuple[str, ...]) -> View:
        if not all(role in self.columns for role in roles):
            empty = np.zeros(0, np.int64)
            return View(empty, np.zeros(1, np.int64), dict.fromkeys(roles, empty))
        first = self.columns[roles[0]]
        bad = np.zeros(self.rows, np.bool_)
        for role in roles:
            if role in self.unusable:
                bad |= self.unusable[role]
            offsets = self.columns[role].offsets
            if offsets is not first.offsets:
                bad |= np.diff(offsets) != np.diff(first.offsets)
        if not bad.any():
            return View(None, first.offsets, {role: self.columns[role].values for role in roles})
        good = np.flatnonzero(~bad)
        views = {
            role: View(None, lists.offsets, {role: lists.values}).take(good)
            for role in roles
            if (lists := self.columns[role])
        }
        return View(good, views[roles[0]].offsets, {role: views[role][role] for role in roles})

    def window(self, row: int, position: int) -> Window:
        """The places around a position of a row, in every column that has them."""
        start = max(0, position - WINDOW)
        values = {}
        for role, lists in self.columns.items():
            low, high = int(lists.offsets[row]) + start, int(lists.offsets[row + 1])
            high = min(high, int(lists.offsets[row]) + position + WINDOW + 1)
            nulls = lists.null_tokens
            values[role] = tuple(
                None if nulls is not None and nulls[at] else lists.values[at].item()
                for at in range(low, high)
            )
        tokenizer, ids = self.vocabulary.tokenizer, values.get(IDS, ())
        if tokenizer is None:
            return Window(start, values)
        return Window(
            start, values, tokenizer.pieces([-1 if one is None else int(one) for one in ids])
        )

    def length(self, row: int, role: str) -> int | None:
        """Tokens of a row in one column, None where the column is absent."""
        lists = self.columns.get(role)
        return None if lists is None else int(lists.offsets[row + 1] - lists.offsets[row])


def _sharing_offsets(columns: Mapping[str, Lists]) -> dict[str, Lists]:
    """The same columns; those cut like the first one have its very offsets, known by identity."""
    shared: dict[str, Lists] = {}
    first: Ints | None = None
    for role, lists in columns.items():
        if first is None:
            first = lists.offsets
        elif lists.offsets is not first and np.array_equal(lists.offsets, first):
            lists = replace(lists, offsets=first)
        shared[role] = lists
    return shared
