"""Rules and schemas of people's own travel to every engine: no worker has their modules."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.engines.conftest import Cluster
from tests.engines.test_processes import IN_PROCESSES, ROOT
from tests.engines.test_runs import At
from tests.plugin.conftest import Run
from tests.plugin.data import clean_rows, declare, write

CODE = """
    import numpy as np
    import pandera.pandas as pa

    from pretok_schemas import SplitRule, hits_at, rule

    LIMIT = 3


    def odd(values):
        return values % 2 == 1


    class Helper:
        wrong = 17


    @rule(columns=["input_ids"], reads=["source"])
    def odd_start(batch, *, least: int = 2):
        view = batch.view("input_ids")
        at = view.starts[view.lengths > 1] + 1
        assert batch.column("source").null_count == 0
        return hits_at(view, at[odd(view["input_ids"][at])], found=view["input_ids"])


    @rule
    def raises_at_times(batch):
        if (batch.view("input_ids")["input_ids"] == Helper.wrong).any():
            raise ValueError(f"met {Helper.wrong}")
        return []


    class Few(SplitRule):
        name = "few"
        views = (("input_ids",),)

        def survey(self, batch):
            return {"rows": batch.rows}

        def conclude(self, counts, facts):
            return f"{counts['rows']} rows" if counts["rows"] > LIMIT else None


    class Rows(pa.DataFrameModel):
        source: str = pa.Field(isin=["a", "b"])

        @pa.check("source", name="brief")
        def brief(cls, values):
            return values.str.len() < LIMIT


    SCHEMA = pa.DataFrameSchema({"source": pa.Column(str, pa.Check(lambda s: s != "b"))})
"""


@pytest.fixture
def own(here: Path) -> Path:
    """Parquet and JSON Lines with a further column, and a module of rules and schemas."""
    (here / "own_code.py").write_text(textwrap.dedent(CODE), encoding="utf-8")
    declare(
        here,
        """
        [tool.pretok]
        plugins = ["own_code"]
        [tool.pretok.datasets.one]
        path = "one.parquet"
        schema = "own_code:Rows"
        [tool.pretok.datasets.two]
        path = "two.jsonl"
        schema = "own_code:SCHEMA"
        """,
    )
    sources = ["a", "b", "long", "a"] * 50
    rows = [{**r, "source": s} for r, s in zip(clean_rows(200), sources, strict=True)]
    rows[150]["input_ids"][3] = rows[150]["labels"][3] = 17
    pq.write_table(pa.Table.from_pylist(rows), here / "one.parquet", row_group_size=40)
    write(here / "two.jsonl", rows)
    return here


def findings(file: Path) -> dict[str, list[int]]:
    """Violations by dataset and rule."""
    report = json.loads(file.read_text(encoding="utf-8"))
    return {
        f"{dataset['name']} {rule['rule']}": rule["violations"]
        for dataset in report["datasets"]
        for split in dataset["splits"]
        for rule in split["rules"]
        if rule["outcome"] in ("failed", "not-evaluated")
    }


@pytest.mark.usefixtures("own")
def test_clusters_need_no_copy_of_the_module(
    run: Run, tmp_path: Path, cluster: Cluster, at: At
) -> None:
    """The report is that of threads; an error keeps its line there too."""
    at(cluster)
    ran = {
        name: run(
            "--pretok-data=.",
            f"--pretok-engine={name}",
            f"--pretok-report={tmp_path}/{name}.json",
            subprocess=True,
        )
        for name in ("local", cluster.name)
    }
    assert [one.code for one in ran.values()] == [1, 1]
    found = findings(tmp_path / "local.json")
    assert found == findings(tmp_path / f"{cluster.name}.json")
    assert found["one schema.source.isin"] == found["one schema.source.brief"] == 50
    assert found["two schema.source.check"] == 50
    assert found["one few"] == found["two few"] == 1
    assert found["one odd-start"] == found["two odd-start"] > 50
    assert "ValueError: met 17" in ran[cluster.name].text
    assert "one raises-at-times" in found


def test_processes_of_this_machine(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large text is read in processes, which are handed the rules by value."""
    monkeypatch.setenv("PYTHONPATH", ROOT)
    ran, reports = [], []
    for worth in (0, 10**12):
        (own / "conftest.py").write_text(IN_PROCESSES.format(worth=worth), encoding="utf-8")
        ran.append(
            run("--pretok-data=.", "--pretok-report=r.json", "--pretok-workers=2", subprocess=True)
        )
        reports.append(findings(own / "r.json"))
        assert len(list(own.glob("done-*"))) == 2  # of the first run alone
    assert [one.code for one in ran] == [1, 1]
    assert all("ValueError: met 17" in one.text for one in ran)
    assert reports[0] == reports[1]
    assert reports[0]["two schema.source.check"] == 50
