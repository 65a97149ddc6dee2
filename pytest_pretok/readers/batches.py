"""Record batches made ready for the scan: picked columns, checked, cut by tokens without copies.

Knows record batches only, no files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from pretok_schemas.cuts import cut_by_tokens, empty_columns, list_lengths
from pytest_pretok.readers.base import LONGEST_LIST, UnreadableFile
from pytest_pretok.readers.guard import check_batch, is_list


def first_of_each(names: Sequence[str]) -> dict[str, int]:
    """Where each name stands first in a list of names."""
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        places.setdefault(name, place)
    return places


def repeated_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names that occur more than once, in order."""
    places = first_of_each(names)
    extra = (name for place, name in enumerate(names) if places[name] != place)
    return tuple(dict.fromkeys(extra))


def pick(batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
    """The asked columns that a batch has, in the order asked; the first one of equal names."""
    places = first_of_each(batch.schema.names)
    found = [name for name in dict.fromkeys(columns) if name in places]
    if not found:
        return empty_columns(batch.num_rows)
    return pa.RecordBatch.from_arrays([batch.column(places[name]) for name in found], names=found)


def deliver(batch: pa.RecordBatch, columns: Sequence[str], tokens: int) -> Iterator[pa.RecordBatch]:
    """Slices of a batch with about ``tokens`` tokens in the first list column, picked and checked.

    No slice has more than ``tokens`` rows, or more than twice ``tokens`` tokens unless it is one
    row. Nothing is copied.

    Raises:
        UnreadableFile: an array points outside of its own buffers, or has a list that would take
            gigabytes to judge.
    """
    picked = pick(batch, columns)
    check_batch(picked)
    _check_lengths(picked)
    start = 0
    for stop in cut_by_tokens(picked, max(1, tokens)):
        yield picked.slice(start, stop - start)
        start = stop


def _check_lengths(batch: pa.RecordBatch) -> None:
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        if is_list(array.type) and pa.types.is_integer(array.type.value_type):
            longest = list_lengths(array).max(initial=0)
            if longest > LONGEST_LIST:
                told = f"a row of {longest:,} values, at most {LONGEST_LIST:,} are judged"
                raise UnreadableFile(f"column {name!r}: {told}")
