"""Whatever holds rows, `check` tells the same of them: rows that the public strategies draw."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_pretok import check
from pytest_pretok.strategies import corruptions, tables
from tests.support.examples import examples
from tests.unit.test_api import MAKERS, parquet, told

KNOWN: dict[str, Any] = {
    "vocab_size": 1000,
    "bos_token_id": 1,
    "eos_token_ids": (2,),
    "pad_token_id": 0,
    "sequence_len": 64,
    "min_sample_len": 4,
}
FAULTS = corruptions("axolotl", **KNOWN)


@pytest.mark.parametrize("name", list(MAKERS)[1:])
@given(data=st.data(), seed=st.integers(0, 999))
@examples(4)
def test_the_same_findings(name: str, data: st.DataObject, seed: int) -> None:
    """Faults of any kind in any rows: an object is told the same of as a file of its rows."""
    drawn = data.draw(tables("axolotl", min_rows=14, max_rows=30, **KNOWN))
    rows = drawn.to_pylist()
    chosen = data.draw(st.lists(st.sampled_from(sorted(FAULTS)), min_size=3, max_size=9))
    for row, fault in enumerate(chosen):
        rows[row] = FAULTS[fault].apply(rows[row])
    settings = {**KNOWN, "eos_token_ids": list(KNOWN["eos_token_ids"])}

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        rng = random.Random(seed)
        expected = told(check(parquet(rows, Path(folder), rng), **settings))
        found = told(check(MAKERS[name](rows, Path(folder), rng), **settings))

    assert found == expected
    assert sum(finding.violations for finding in expected.values()) >= 2
