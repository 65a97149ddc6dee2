"""Datasets of the Hub: private ones, revisions, and no network but the local cache."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin.conftest import Run
from tests.plugin.data import FAULT, clean_rows, declare, faulty_rows
from tests.remote.servers import Hub
from tests.remote.test_verdicts import jsonl, parquet

TOKEN = "hf_token_of_the_tests"
DATA = "hf://datasets/org/data"


@pytest.fixture
def data(hub: Hub) -> Hub:
    """A dataset with a faulty branch."""
    hub.files["main"] = {
        "README.md": b"---\n---\n",
        "data/train-00000-of-00002.parquet": parquet(clean_rows(400)),
        "data/train-00001-of-00002.parquet": parquet(clean_rows(9, 2)),
        "data/test.jsonl": jsonl(clean_rows(5, 3)),
    }
    hub.files["v2"] = {"data/a.parquet": parquet(faulty_rows())}
    return hub


def download(*arguments: str) -> None:
    """Fill the cache as people do, in a process that has read the environment anew."""
    code = "import sys, huggingface_hub as h; h.snapshot_download('org/data', repo_type='dataset', "
    subprocess.run([sys.executable, "-c", code + ", ".join(arguments) + ")"], check=True)


def test_a_private_dataset(
    data: Hub, run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the token it is read, by ranges; the token goes with every request."""
    data.token = TOKEN
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    declare(here, f'[tool.pretok.datasets.sft]\npath = "{DATA}/data/train-*.parquet"\n')
    ran = run("pyproject.toml", "--pretok-report=r.json", subprocess=True)
    (dataset,) = json.loads((here / "r.json").read_text())["datasets"]
    (split,) = dataset["splits"]

    assert ran.code == 0
    assert split["rows"] == 409
    assert split["fetched_bytes"] == data.log.fetched("/resolve/")
    size = sum(len(content) for path, content in data.files["main"].items() if "train" in path)
    assert split["fetched_bytes"] < size
    assert {served.authorization for served in data.log.served} == {f"Bearer {TOKEN}"}
    assert TOKEN not in ran.text


def test_without_the_token(data: Hub, run: Run) -> None:
    """What is private is not there, and the message says both."""
    data.token = TOKEN
    ran = run(f"--pretok-data={DATA}/data/test.jsonl", subprocess=True)

    text = " ".join(ran.text.split())
    assert ran.code == 1
    assert "or a private one that is not open to you" in text
    assert "HF_TOKEN" in text
    assert "passed" not in ran.outcomes


@pytest.mark.parametrize("revision", ["v2", "main"])
def test_a_revision(data: Hub, run: Run, revision: str) -> None:
    """A pinned revision is read, and stands in the ids."""
    data.files["main"] = {"data/a.parquet": parquet(clean_rows())}
    url = f"{DATA}@{revision}/data/a.parquet"
    ran = run(f"{url}::{FAULT}", "-v", subprocess=True)

    assert ran.outcomes == ({"failed": 1} if revision == "v2" else {"passed": 1})
    assert f"{url}::{FAULT}" in ran.text
    asked = {s.path.split("/resolve/")[1] for s in data.log.served if "/resolve/" in s.path}
    assert asked == {f"{revision}/data/a.parquet"}


def test_no_such_revision(data: Hub, run: Run) -> None:
    """A revision that nobody made."""
    ran = run(f"--pretok-data={DATA}@v3/data/a.parquet", subprocess=True)

    assert ran.code in (1, 4)
    assert "no such revision" in " ".join(ran.text.split())


def test_a_folder(data: Hub, run: Run) -> None:
    """All data files of a dataset, shards and splits by their names."""
    ran = run(f"--pretok-data={DATA}", "--collect-only", "-q", subprocess=True)

    assert {name.split("::")[0] for name in ran.ids} == {
        f"{DATA}/data/train-00000-of-00002.parquet",
        f"{DATA}/data/test.jsonl",
    }


def test_offline(data: Hub, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a snapshot in the cache and no network, the same is read, and nobody is asked."""
    download()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    data.log.served.clear()
    whole = run(f"--pretok-data={DATA}", subprocess=True)
    glob = run(f"--pretok-data={DATA}@main/data/train-*.parquet", subprocess=True)
    one = run(f"{DATA}/data/test.jsonl::no-rows", subprocess=True)
    other = run(f"--pretok-data={DATA}@v2/data/a.parquet", subprocess=True)

    assert not data.log.served
    assert (whole.code, glob.code, one.code) == (0, 0, 0)
    assert "409 rows" in whole.text
    assert "409 rows" in glob.text
    assert one.outcomes == {"passed": 1}
    assert other.code == 1
    assert "no snapshot of v2" in " ".join(other.text.split())


def test_offline_with_a_part(data: Hub, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shard that was never downloaded is missed, not passed over."""
    download("allow_patterns='data/train-00000*'")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    ran = run(f"--pretok-data={DATA}/data/", subprocess=True)

    assert ran.code == 1
    assert "only a part of it" in " ".join(ran.text.split())


def test_a_hub_that_is_out_of_order(data: Hub, run: Run) -> None:
    """Some failures change nothing; the library tries again by itself."""
    data.log.faults += ["503"]
    ran = run(f"--pretok-data={DATA}/data/test.jsonl", subprocess=True)

    assert ran.code == 0
    assert not data.log.faults
