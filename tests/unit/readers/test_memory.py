"""Rows that another library holds, on their way to another process."""

from __future__ import annotations

import pickle
import random
from typing import Any

import datasets
import pandas as pd
import pyarrow as pa
import pytest

from pretok_schemas.tables import open_table
from pytest_pretok.objects import splits_of
from pytest_pretok.readers import Unit
from pytest_pretok.readers.memory import Held, HeldUnit, chunks
from tests.support.containers import table
from tests.support.rows import COLUMNS, clean_rows

ROWS = clean_rows(90, random.Random(5))


def held_of(data: Any) -> Held:
    """The rows of an object, held."""
    (found,) = splits_of(data, lambda: pytest.fail("nothing is written"))
    assert isinstance(found.rows, Held)
    return found.rows


@pytest.mark.parametrize(
    "data",
    [
        table(ROWS),
        table(ROWS, large=True),
        pa.concat_tables([table(ROWS[:40]), table(ROWS[40:])]),
        datasets.Dataset(table(ROWS[::-1])).select(range(89, -1, -1)),
        pd.DataFrame(ROWS),
        {name: [row[name] for row in ROWS] for name in COLUMNS},
    ],
    ids=["table", "large", "chunks", "Dataset", "pandas", "mapping"],
)
def test_a_unit_takes_its_rows_along(data: Any) -> None:
    """What is unpickled gives the rows of the unit, and costs no more than they do."""
    held = held_of(data)
    units = held.units(held.size // 9)
    assert len(units) > 5

    given = []
    for unit in units:
        packed = pickle.dumps(unit)
        assert len(packed) < 2 * unit.size + 5000
        again = pickle.loads(packed)
        assert isinstance(again, HeldUnit)
        assert (again.rows, again.size) == (unit.rows, unit.size)
        mine = [row for one in chunks(unit, COLUMNS) for row in one.batch.to_pylist()]
        assert [row for one in chunks(again, COLUMNS) for row in one.batch.to_pylist()] == mine
        given += mine
    assert given == ROWS


def test_columns_of_no_rows() -> None:
    """Neither columns nor rows are needed."""
    for nothing in (pa.table({}), table([]), {}):
        unit = HeldUnit("", "table", (0, 0), 0, 0, held=Held.table(open_table(nothing)))
        (chunk,) = chunks(pickle.loads(pickle.dumps(unit)), ())
        assert chunk.batch.num_rows == 0


def test_a_unit_without_rows() -> None:
    """A unit that does not hold its rows is another reader's, and says so."""
    with pytest.raises(TypeError, match="no unit of held rows"):
        list(chunks(Unit("", "table", (0, 1), 1, 1), COLUMNS))
