"""Faults put into our own code, to prove that the harness reports them; applied in a worker."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa


def no_guard() -> None:
    """Arrays are viewed without a look at their offsets."""
    from pytest_pretok.readers import batches

    vars(batches)["check_batch"] = lambda batch: None


def swallowed_error() -> None:
    """What cannot be read is taken for the end of the file."""
    _swallow("")


def no_end() -> None:
    """An Arrow stream ends wherever its file does."""
    _swallow("no end marker")


def _swallow(text: str) -> None:
    from pytest_pretok.readers import UnreadableFile
    from pytest_pretok.scan import tasks

    read = tasks.read_chunks

    def swallow(*given: Any, **how: Any) -> Iterator[Any]:
        try:
            yield from read(*given, **how)
        except UnreadableFile as error:
            if text not in error.reason:
                raise

    vars(tasks)["read_chunks"] = swallow


def nulls_as_told() -> None:
    """A file's own count of nulls is believed."""
    from pytest_pretok.readers import batches

    check = batches.check_batch
    vars(batches)["check_batch"] = lambda batch: check(_counted_anew(batch))


def _counted_anew(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = map(_recounted, batch.columns)
    return pa.RecordBatch.from_arrays(list(columns), names=batch.schema.names)


def _recounted(array: pa.Array) -> pa.Array:
    if not hasattr(array, "offsets"):
        return array  # no lists, or all of one size
    values = array.values
    inner = pa.Array.from_buffers(values.type, len(values), values.buffers(), offset=values.offset)
    outer, at = array.buffers()[: 3 if "view" in str(array.type) else 2], array.offset
    return pa.Array.from_buffers(array.type, len(array), outer, offset=at, children=[inner])


def last_row_skipped() -> None:
    """The last row of every batch is never looked at."""
    from pytest_pretok.readers import batches, jsonl, parquet

    deliver = batches.deliver

    def less(batch: pa.RecordBatch, columns: Sequence[str], tokens: int) -> Iterator[Any]:
        yield from deliver(batch.slice(0, max(0, batch.num_rows - 1)), columns, tokens)

    for module in (jsonl, parquet):
        vars(module)["deliver"] = less


def _at_damage(act: Callable[[], object]) -> None:
    from pytest_pretok.scan import tasks

    read = tasks.read_chunks

    def first(*given: Any, **how: Any) -> Iterator[Any]:
        from pytest_pretok.readers import UnreadableFile

        try:
            yield from read(*given, **how)
        except UnreadableFile:
            act()
            raise

    vars(tasks)["read_chunks"] = first


def traceback() -> None:
    """Damage meets an error that nobody expects."""

    def act() -> None:
        raise ZeroDivisionError("planted")

    _at_damage(act)


def hang() -> None:
    """Damage is pondered for ever."""
    _at_damage(lambda: time.sleep(10**6))


def crash() -> None:
    """Damage ends the process."""
    _at_damage(os.abort)


SABOTAGES: dict[str, Callable[[], None]] = {
    "no-guard": no_guard,
    "swallowed-error": swallowed_error,
    "no-end": no_end,
    "nulls-as-told": nulls_as_told,
    "last-row-skipped": last_row_skipped,
    "traceback": traceback,
    "hang": hang,
    "crash": crash,
}
