"""Where padding ends and the text's own token begins, if one id is both."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pretok_schemas import Judge, Vocabulary, load
from pretok_schemas.findings import Outcome
from pretok_schemas.rules.base import ShardFacts
from tests.support.judging import judged


@pytest.mark.parametrize(
    ("vocabulary", "rows"),
    [
        (Vocabulary(pad=7), [1]),
        (Vocabulary(pad=7, bos=7), [1]),
        (Vocabulary(pad=7, bos=3), [0, 1]),
    ],
)
def test_the_last_leading_pad_may_be_bos(vocabulary: Vocabulary, rows: list[int]) -> None:
    """A single pad id at the start is BOS unless another BOS is declared; two are padding."""
    table = pa.record_batch(
        {
            "input_ids": [[7, 5, 6, 2], [7, 7, 5, 2]],
            "attention_mask": [[1, 1, 1, 1]] * 2,
            "labels": [[-100, 5, 6, 2], [-100, -100, 5, 2]],
        }
    )
    judge = Judge(load("axolotl"), vocabulary)

    state = judge.look(judge.columns.batch(table))
    shards = [ShardFacts("memory", 2, tuple(table.schema.names))]
    finding = judge.conclude(state, shards)["leading-padding"]

    assert rows == [example.row for example in finding.examples]


@pytest.mark.parametrize(
    ("pad", "outcome"), [(None, Outcome.WARNED), (7, Outcome.FAILED), (9, Outcome.PASSED)]
)
def test_leading_pads_that_nobody_declared(pad: int | None, outcome: Outcome) -> None:
    """Four equal ids without loss are likely to be padding, and no more than that."""
    row = {
        "input_ids": [7, 7, 7, 7, 5, 6, 2],
        "attention_mask": [1] * 7,
        "labels": [-100] * 4 + [5, 6, 2],
    }

    findings, _ = judged([row], load("axolotl"), Vocabulary(pad=pad))

    assert findings["leading-padding"].outcome is outcome
