"""Arrow types: those that hold token lists do not change a verdict, the others are one finding."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretok_schemas.findings import Outcome
from tests.gate.test_mixtures import names_for, piled
from tests.support.corruptions import CORRUPTIONS
from tests.support.examples import examples
from tests.support.rows import COLUMNS, KNOWN, Known, Row, clean_rows
from tests.support.slow_reader import violations
from tests.support.verdicts import Cut, any_cut, listed, rows_by_rule, same_places, scan

SEEDS = st.integers(0, 2**32)
INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64()]
INTEGERS += [pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
LAYOUTS = {
    "list": pa.list_,
    "large_list": pa.large_list,
    "list_view": pa.list_view,
    "large_list_view": pa.large_list_view,
}


def write(folder: Path, columns: dict[str, pa.Array], container: str = "arrow") -> list[Path]:
    """One file of the columns, in batches of a few rows."""
    made = pa.table(columns)
    path = folder / f"x.{container}"
    if container == "parquet":
        pq.write_table(made, path, row_group_size=7)
        return [path]
    with pa.ipc.new_file(path, made.schema) as writer:
        for batch in made.to_batches(max_chunksize=5):
            writer.write_batch(batch)
    return [path]


def fitting(cells: list[Any], layout: str, rng: random.Random) -> pa.Array:
    """Cells in a list type of a random integer width that holds them all."""
    choice = rng.sample(INTEGERS, len(INTEGERS))
    for item in choice:
        try:
            plain = pa.array(cells, pa.large_list(item))
        except (pa.ArrowInvalid, OverflowError):
            continue
        if layout in ("list_view", "large_list_view"):
            # Values in another order than rows, as a view may have them.
            order = rng.sample(range(len(cells)), len(cells))
            back = [order.index(i) for i in range(len(cells))]
            view = pa.array([cells[i] for i in order], LAYOUTS[layout](item))
            return view.take(pa.array(back, pa.int64())) if len(cells) else view
        return plain.cast(LAYOUTS[layout](item))
    return pa.array(cells, LAYOUTS[layout](pa.int64()))


def judged(
    columns: dict[str, pa.Array],
    container: str = "arrow",
    known: Known = KNOWN["all"],
    cut: Cut | None = None,
) -> Any:
    """The scan of a file of the columns."""
    with tempfile.TemporaryDirectory() as folder:
        return scan(write(Path(folder), columns, container), known=known, cut=cut)


@pytest.mark.parametrize("layout", LAYOUTS)
@given(seed=SEEDS, count=st.integers(1, 20), known=st.sampled_from(sorted(KNOWN)))
@examples(50)
def test_layouts_and_widths(layout: str, seed: int, count: int, known: str) -> None:
    """Whatever list type and integer width a column has, the verdict is that of its values."""
    rng = random.Random(seed)
    names = names_for("parquet")
    rows = [piled(row, names, rng) for row in clean_rows(count, rng)]
    columns = {name: fitting([row[name] for row in rows], layout, rng) for name in COLUMNS}
    expected = violations(rows, KNOWN[known])
    container = "arrow" if "view" in layout else rng.choice(["arrow", "parquet"])

    found = judged(columns, container, KNOWN[known], any_cut(rng))

    tripped = rows_by_rule(found)
    narrow = {columns["labels"].type.value_type, columns["input_ids"].type.value_type}
    unsigned = pa.types.is_unsigned_integer(columns["labels"].type.value_type)
    assert ("narrow-integer" in tripped) == (
        unsigned or (known != "nothing" and bool(narrow & {pa.int8(), pa.uint8()}))
    )
    tripped.pop("narrow-integer", None)
    assert tripped == {rule: sorted(faults) for rule, faults in expected.items()}
    same_places(found, expected)


@pytest.mark.parametrize("container", ["arrow", "parquet"])
@given(seed=SEEDS, count=st.integers(1, 20))
@examples(40)
def test_fixed_size_lists(container: str, seed: int, count: int) -> None:
    """Rows of one length may come as fixed_size_list, with nulls and all."""
    rng = random.Random(seed)
    size = rng.randint(8, 30)
    rows: list[Row] = []
    for row in clean_rows(count, rng):
        cells: Row = {name: (values * 3)[:size] for name, values in row.items()}
        for name in ("labels", "input_ids"):
            if rng.random() < 0.2:
                cells[name][rng.randrange(size)] = rng.choice([None, -100, 3, -1, 1000])
        if rng.random() < 0.1:
            cells[rng.choice(COLUMNS)] = None
        rows.append(cells)
    columns = {
        name: pa.array([row[name] for row in rows], pa.list_(pa.int32(), size)) for name in COLUMNS
    }
    expected = violations(rows, KNOWN["all"])

    found = judged(columns, container)

    assert rows_by_rule(found) == {rule: sorted(faults) for rule, faults in expected.items()}
    same_places(found, expected)


@given(seed=SEEDS, count=st.integers(1, 20))
@examples(30)
def test_boolean_masks(seed: int, count: int) -> None:
    """A mask of truth values is judged as one of 0 and 1."""
    rng = random.Random(seed)
    fit = [n for n in names_for("parquet") if not n.startswith("mask-values")]
    rows = [piled(row, fit, rng) for row in clean_rows(count, rng)]
    for row in rows:
        if row["attention_mask"] is not None:
            row["attention_mask"] = [
                None if v is None else int(v != 0) for v in row["attention_mask"]
            ]
    masks = pa.array([row["attention_mask"] for row in rows], pa.list_(pa.int8()))
    plain = {name: pa.array([row[name] for row in rows], pa.list_(pa.int64())) for name in COLUMNS}
    expected = violations(rows, KNOWN["all"])

    found = judged({**plain, "attention_mask": masks.cast(pa.list_(pa.bool_()))})

    assert rows_by_rule(found) == {rule: sorted(faults) for rule, faults in expected.items()}


@pytest.mark.parametrize("known", ["all", "nothing"])
@pytest.mark.parametrize("bits", [8, 16, 32, 64])
@given(seed=SEEDS, count=st.integers(1, 20))
@examples(15)
def test_wrapped_labels(bits: int, known: str, seed: int, count: int) -> None:
    """-100 that an unsigned type has wrapped is a label out of range, in rows that hold one, and
    the type is named.
    """
    rng = random.Random(seed)
    rows = clean_rows(count, rng)
    for row in rows:
        # 8 bits hold no large ids, and 156 must not be a right label by chance.
        row["input_ids"] = (
            [3 + i % 150 for i in row["input_ids"]] if bits == 8 else row["input_ids"]
        )
        row["labels"] = [
            token if label != -100 else -100
            for token, label in zip(row["input_ids"], row["labels"], strict=True)
        ]
        if rng.random() < 0.5:
            row["labels"] = list(row["input_ids"])
    wrapped = [i for i, row in enumerate(rows) if -100 in row["labels"]]
    labels = [[2**bits - 100 if x == -100 else x for x in row["labels"]] for row in rows]
    dtype = {8: pa.uint8(), 16: pa.uint16(), 32: pa.uint32(), 64: pa.uint64()}[bits]
    columns = {
        name: pa.array([row[name] for row in rows], pa.list_(pa.int64())) for name in COLUMNS
    }

    found = judged({**columns, "labels": pa.array(labels, pa.list_(dtype))}, known=KNOWN[known])

    # Few ids make equal rows and rows without end; those are not meant here.
    tripped = {r: rows for r, rows in rows_by_rule(found).items() if r.startswith("label")}
    assert tripped == ({"label-out-of-range": wrapped} if wrapped else {})
    cause = found.findings["label-out-of-range"].cause
    assert not wrapped or str(2**bits - 100) in (cause or "")


@pytest.mark.parametrize(
    ("dtype", "value", "named"),
    [
        (pa.uint64(), 2**64 - 100, 2**64 - 100),
        (pa.uint64(), 2**63 + 5, None),
        (pa.uint64(), 2**32 - 100, 2**32 - 100),
        (pa.int64(), 2**63 - 1, None),
    ],
)
def test_large_labels_that_are_no_wrapped_ones(
    dtype: pa.DataType, value: int, named: int | None
) -> None:
    """Only -100 itself, wrapped, is told as such; other labels without bound are wrong labels."""
    row = [1, 5, 6, 7, 2]
    columns = {
        "input_ids": pa.array([row], pa.list_(pa.int64())),
        "attention_mask": pa.array([[1] * 5], pa.list_(pa.int64())),
        "labels": pa.array([[*row[:2], value, *row[3:]]], pa.list_(dtype)),
    }

    found = judged(columns, known=Known(vocab=None))

    rule = "label-not-input-id" if named is None else "label-out-of-range"
    labels = {r: rows for r, rows in rows_by_rule(found).items() if r.startswith("label")}
    assert labels == {rule: [0]}
    cause = found.findings[rule].cause or ""
    assert (f"{named} is -100 wrapped" in cause) == (named is not None)


FOREIGN: dict[str, pa.DataType] = {
    "text": pa.string(),
    "bytes": pa.large_binary(),
    "float list": pa.list_(pa.float32()),
    "nested list": pa.list_(pa.list_(pa.int64())),
    "text list": pa.large_list(pa.string()),
    "scalar": pa.int64(),
    "truth": pa.bool_(),
    "struct": pa.struct([("ids", pa.list_(pa.int64()))]),
    "struct list": pa.list_(pa.struct([("id", pa.int64())])),
    "map": pa.map_(pa.string(), pa.int64()),
    "dictionary": pa.dictionary(pa.int32(), pa.string()),
    "timestamp": pa.timestamp("s"),
    "decimal list": pa.list_(pa.decimal128(5, 0)),
    "boolean list": pa.list_(pa.bool_()),
}
SAMPLES: dict[str, Any] = {
    "text": "1 2",
    "bytes": b"12",
    "float list": [1.0, 2.5],
    "nested list": [[1, 2]],
    "text list": ["1"],
    "scalar": 1,
    "truth": True,
    "struct": {"ids": [1]},
    "struct list": [{"id": 1}],
    "map": [("a", 1)],
    "dictionary": "a",
    "timestamp": 0,
    "decimal list": [1],
    "boolean list": [True, False],
}


# A mask of floats or truth values can be read: those are tested apart.
CASES = [
    (kind, column)
    for kind in FOREIGN
    for column in COLUMNS
    if column != "attention_mask" or kind not in ("float list", "boolean list")
]


@pytest.mark.parametrize("container", ["arrow", "parquet"])
@pytest.mark.parametrize(("kind", "column"), CASES)
def test_foreign_types(kind: str, column: str, container: str) -> None:
    """A column of a wrong type is one finding on every row, and what reads other columns alone
    has its verdict.
    """
    rows = clean_rows(9, random.Random(1))
    rows[4] = CORRUPTIONS["token-out-of-vocab"].change(rows[4], random.Random(1))
    rows[5] = CORRUPTIONS["label-not-input-id"].change(rows[5], random.Random(1))
    rows[6] = CORRUPTIONS["mask-hole"].change(rows[6], random.Random(1))
    columns = {
        name: pa.array([row[name] for row in rows], pa.list_(pa.int64())) for name in COLUMNS
    }
    columns[column] = pa.array([SAMPLES[kind], *[None] * 2, *[SAMPLES[kind]] * 6], FOREIGN[kind])

    found = judged(columns, container)

    expected = {"column-type": list(range(9))}
    if column != "input_ids":
        expected["token-out-of-vocab"] = [4]
    if column == "attention_mask":
        expected["label-not-input-id"] = [5]
    if column == "labels":
        expected["mask-hole"] = [6]
    assert rows_by_rule(found) == expected
    assert found.findings["column-type"].outcome is Outcome.FAILED
    untold = [f.because for f in found.findings.values() if f.outcome is Outcome.NOT_EVALUATED]
    assert set(untold) == {"column-type"}


@pytest.mark.parametrize("container", ["arrow", "parquet"])
@pytest.mark.parametrize("column", COLUMNS)
def test_null_columns(column: str, container: str) -> None:
    """A column of Arrow's null type is null in every row."""
    rows = clean_rows(4, random.Random(1))
    columns = {
        name: pa.array([row[name] for row in rows], pa.list_(pa.int64())) for name in COLUMNS
    }

    found = judged({**columns, column: pa.nulls(4)}, container)

    assert rows_by_rule(found) == {"null-row": [0, 1, 2, 3]}


@pytest.mark.parametrize("dtype", [pa.float16(), pa.float32(), pa.float64()])
def test_float_masks(dtype: pa.DataType) -> None:
    """A float mask is a warning; what stands in it is judged as in any other mask."""
    rows = clean_rows(5, random.Random(1))
    masks = [[float(value) for value in row["attention_mask"]] for row in rows]
    masks[1][2] = 0.0
    masks[2][3] = 0.5
    masks[3][4] = float("nan")
    columns = {
        name: pa.array([row[name] for row in rows], pa.list_(pa.int64())) for name in COLUMNS
    }

    found = judged(
        {**columns, "attention_mask": pa.array(masks, pa.list_(pa.float64())).cast(pa.list_(dtype))}
    )

    assert rows_by_rule(found) == {
        "column-type": [0, 1, 2, 3, 4],
        "mask-hole": [1],
        "mask-values": [2, 3],
    }
    assert found.findings["column-type"].outcome is Outcome.WARNED
    assert [entry[3] for entry in listed(found, "mask-values").values()] == ["0.5", "nan"]


def test_columns_of_empty_lists() -> None:
    """What `datasets` writes for empty lists alone is read as empty rows."""
    columns = {name: pa.array([[], []], pa.list_(pa.null())) for name in COLUMNS}

    assert rows_by_rule(judged(columns)) == {"empty-row": [0, 1]}


@pytest.mark.parametrize("value", [2**63, 2**64 - 100, 2**64 - 1])
def test_ids_that_no_tensor_holds(value: int) -> None:
    """An id beyond int64 is no row of any embedding, also where the vocabulary is not known."""
    assert np.array([value], np.uint64).astype(np.int64)[0] < 0  # what a trainer would make of it
    row = [1, 5, value, *range(7, 40), 2]
    columns = {
        "input_ids": pa.array([row], pa.list_(pa.uint64())),
        "attention_mask": pa.array([[1] * len(row)], pa.list_(pa.int64())),
        "labels": pa.array([[-100] * 3 + row[3:]], pa.list_(pa.int64())),
    }

    found = judged(columns, known=Known(vocab=None))

    assert rows_by_rule(found) == {"token-out-of-vocab": [0]}
    (example,) = found.findings["token-out-of-vocab"].examples
    assert example.position == 2
