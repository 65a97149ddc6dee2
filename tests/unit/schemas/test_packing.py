"""Where the start of a document recurs in a row, and which BOS stands inside a text."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest

from pretok_schemas import Judge, Vocabulary, load
from pretok_schemas.batch import TokenBatch
from pretok_schemas.rules.packing import inner_bos, recurrences

BOS, EOS = 1, 2


def batch(rows: Sequence[Sequence[int]], zeros: int = 0, bos: int | None = BOS) -> TokenBatch:
    """Rows of ids, behind so many places that the mask hides."""
    table = pa.table(
        {
            "input_ids": [[9] * zeros + list(ids) for ids in rows],
            "attention_mask": [[0] * zeros + [1] * len(ids) for ids in rows],
        },
        pa.schema(
            {
                "input_ids": pa.list_(pa.int32()),
                "attention_mask": pa.list_(pa.int8()),
            }
        ),
    )
    judge = Judge(load("axolotl"), Vocabulary(99, bos, (EOS,)))
    return judge.columns.batch(table.to_batches()[0])


@pytest.mark.parametrize("zeros", [0, 3])
@pytest.mark.parametrize(
    ("ids", "at"),
    [
        ([5, 6, 7, 5, 6, 7], 3),
        ([5, 6, 7, 8, 5, 6, 7], 4),
        ([5, 6, 7, 8, 5, 6, 7, 5, 6, 7], 4),
        ([5, 6, 7, 8, 5, 6], None),
        ([5, 6, 7, 8, 5, 7, 6], None),
        ([5, 6, 7, 8, 8, 6, 7], None),
        ([5, 6, 7, 8, 5, 9, 7], None),
        ([5, 6, 7, 8, 5, 6, 9], None),
        ([5, 5, 5, 5, 5, 8], None),  # begins anew within its own start
        ([5, 5, 5, 5, 5, 5], 3),
        ([5, 6, 7], None),
        ([], None),
    ],
)
def test_a_start_that_recurs(ids: list[int], at: int | None, zeros: int) -> None:
    """The first three ids once more, behind themselves and before the row's end."""
    other = [20, 21, 22, 23, 24, 5]
    following = [6, 7, 30, 31, 32, 33]  # would complete what the other row's end begins
    found = recurrences(batch([other, ids, other, following], zeros, None))
    starts = len(other) + 2 * zeros

    assert found.local.tolist() == ([] if at is None else [1])
    assert found.at.tolist() == ([] if at is None else [starts + at])


def test_a_start_that_another_row_completes() -> None:
    """Rows are no text together."""
    rows = [[5, 6, 7, 8, 9, 5], [6, 7, 8, 9, 10, 5, 6], [7, 1, 1, 1, 1, 1]]

    assert recurrences(batch(rows, bos=None)).local.tolist() == []


@pytest.mark.parametrize("zeros", [0, 2])
@pytest.mark.parametrize(
    ("ids", "inside"),
    [
        ([BOS, 5, 6, 7], []),
        ([BOS, BOS, 5, 6], []),
        ([BOS, BOS, BOS, 5, BOS], [4]),
        ([BOS, 5, BOS, BOS], [2, 3]),
        ([5, BOS, 6], [1]),
        ([5, BOS, BOS], [1, 2]),
        ([BOS], []),
        ([], []),
    ],
)
def test_bos_inside_a_text(ids: list[int], inside: list[int], zeros: int) -> None:
    """Not those that lead, in whichever row they do."""
    rows = [[BOS, 8, 8, BOS, 8], ids, [BOS, BOS, 8], ids]
    starts = [sum(len(row) + zeros for row in rows[:n]) + zeros for n in range(4)]

    expected = [zeros + 3, *(start + at for start in (starts[1], starts[3]) for at in inside)]

    assert inner_bos(batch(rows, zeros)).tolist() == expected


@pytest.mark.parametrize(("bos", "eos"), [(None, (EOS,)), (BOS, (EOS, BOS))])
def test_a_bos_that_says_nothing(bos: int | None, eos: tuple[int, ...]) -> None:
    """One that is not known, or ends texts as well."""
    made = batch([[5, BOS, 6]])
    made.vocabulary = Vocabulary(99, bos, eos)

    assert inner_bos(made).tolist() == []
