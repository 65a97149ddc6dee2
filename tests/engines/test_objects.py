"""Objects in memory on clusters: their rows go to the workers, and the findings are the same."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import datasets
import pandas as pd
import pyarrow as pa
import pytest

from pretok_schemas import TokenBatch, rule
from pytest_pretok import check
from tests.engines.conftest import Cluster
from tests.engines.test_clusters import faulty_rows
from tests.support.containers import table
from tests.unit.test_api import dicts, mapped, told


@rule
def odd_start(batch: TokenBatch) -> Any:
    """A row begins with an odd id."""
    view = batch.view("input_ids")
    return view["input_ids"][view.starts] % 2 == 1


MAKERS = {
    "Table": lambda rows, folder: table(rows),
    "pandas": lambda rows, folder: pd.DataFrame(rows),
    "Dataset": lambda rows, folder: datasets.Dataset(table(rows)),
    "Dataset-mapped": lambda rows, folder: mapped(rows, folder, random.Random(1)),
    "dicts": lambda rows, folder: dicts(rows, folder, random.Random(1)),
}


@pytest.mark.parametrize("name", MAKERS)
def test_the_same_findings(name: str, cluster: Cluster, tmp_path: Path) -> None:
    """With a rule and a schema of one's own."""
    rows = faulty_rows()
    schema = pa.schema([pa.field("labels", pa.list_(pa.int64()), nullable=False)])
    own: dict[str, Any] = {"plugins": [odd_start], "schema": schema, "vocab_size": 1000}
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        folder.mkdir()

    expected = told(check(MAKERS[name](rows, folders[0]), **own))
    found = told(check(MAKERS[name](rows, folders[1]), engine=cluster.name, workers=2, **own))

    assert found == expected
    assert expected["odd-start"].violations > 5
    assert expected["label-not-input-id"].violations
