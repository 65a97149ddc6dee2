"""pytest on remote data: ids, declarations, reports, and what is said where nothing can be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.conftest import Run
from tests.plugin.data import FAULT, clean_rows, declare, faulty_rows
from tests.remote.servers import S3, Web
from tests.remote.test_verdicts import jsonl, parquet, server

__all__ = ["server"]


def report_of(run: Run, here: Path, *arguments: str, **how: Any) -> dict[str, Any]:
    """The JSON report of a run."""
    run(*arguments, f"--pretok-report={here / 'report.json'}", **how)
    found: dict[str, Any] = json.loads((here / "report.json").read_text())
    return found


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    """By split and rule, what became of it."""
    return {
        f"{split['name']} {rule['rule']}": rule["outcome"]
        for dataset in report["datasets"]
        for split in dataset["splits"]
        for rule in split["rules"]
    }


@pytest.mark.parametrize(("place", "workers"), [("s3", ""), ("s3", "-n2"), ("web", "")])
def test_ids_can_be_run_again(
    server: S3 | Web, run: Run, place: str, workers: str, here: Path
) -> None:
    """An id as printed selects its rule, on one process and on several; ``--lf`` finds it again."""
    url = server.put("ids.parquet", parquet(faulty_rows()))
    first = run(f"--pretok-data={url}", workers, "--cache")
    again = run(f"--pretok-data={url}", workers, "--cache", "--lf")
    alone = run(f"{url}::{FAULT}", workers)

    assert f"{url}::{FAULT}" in first.text
    assert first.outcomes["failed"] == again.outcomes["failed"] == 1
    assert set(again.outcomes) <= {"failed", "warnings", "deselected"}
    assert alone.outcomes == {"failed": 1}
    assert (first.code, again.code, alone.code) == (1, 1, 1)


def test_ids_that_are_seen_from_a_folder(
    web: Web, run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest takes the URL in an id for a path, seen from where one is; so do we."""
    (here / "pytest.ini").touch()
    (here / "sub").mkdir()
    monkeypatch.chdir(here / "sub")
    url = web.put("seen.parquet", parquet(faulty_rows()))
    first = run(f"--pretok-data={url}", "--rootdir=..", "-rf")
    (line,) = (line for line in first.lines if line.startswith("FAILED"))
    shown = line.split()[1]
    again = run(shown, "--rootdir=..")

    assert shown != f"{url}::{FAULT}"
    assert again.outcomes == {"failed": 1}


def test_shards_and_splits_of_a_folder(s3: S3, run: Run, here: Path) -> None:
    """Numbered shards are one split, names tell splits, others are datasets of their own."""
    for number in range(2):
        s3.put(f"folder/sft/train-0000{number}-of-00002.parquet", parquet(clean_rows(6, number)))
    s3.put("folder/sft/val.jsonl", jsonl(clean_rows(5, 3)))
    s3.put("folder/.hidden/a.parquet", parquet(faulty_rows()))
    s3.put("folder/notes.json", b'{"a": 1}')
    s3.put("folder/more/other.jsonl", jsonl(clean_rows(5, 4)))
    report = report_of(run, here, "--pretok-data=s3://bucket/folder")
    ids = run("--pretok-data=s3://bucket/folder/", "--collect-only", "-q").ids
    shard = run("s3://bucket/folder/sft/train-00001-of-00002.parquet::no-rows[train]")
    glob = run("--pretok-data=s3://bucket/folder/*/*.jsonl", "--collect-only", "-q").ids

    assert report["ok"]
    told = {d["path"]: [s["name"] for s in d["splits"]] for d in report["datasets"]}
    assert told == {
        "s3://bucket/folder/more/other.jsonl": ["train"],
        "s3://bucket/folder/sft": ["train", "validation"],
    }
    assert "s3://bucket/folder/sft/train-00000-of-00002.parquet::no-rows[train]" in ids
    assert shard.outcomes == {"passed": 1}
    assert {name.split("::")[0] for name in glob} == {
        "s3://bucket/folder/sft/val.jsonl",
        "s3://bucket/folder/more/other.jsonl",
    }


def test_a_shard_that_is_missing(s3: S3, web: Web, run: Run) -> None:
    """Where names promise more shards than there are, it fails: with a list or without one."""
    for store in (s3, web):
        name = "gap/train-00000-of-00002.parquet"
        ran = run(f"--pretok-data={store.put(name, parquet(clean_rows()))}")

        assert ran.code == 1
        assert "gap/train-00001-of-00002.parquet" in ran.text


def test_what_save_to_disk_wrote(s3: S3, run: Run, here: Path) -> None:
    """The files that its metadata name, and no cache beside them."""
    from datasets import Dataset, DatasetDict

    both = DatasetDict(
        {"train": Dataset.from_list(clean_rows(9)), "test": Dataset.from_list(clean_rows(5, 2))}
    )
    both.save_to_disk(here / "saved")
    for file in (here / "saved").rglob("*"):
        if file.is_file():
            s3.put(f"saved/{file.relative_to(here / 'saved').as_posix()}", file.read_bytes())
    s3.put("saved/train/cache-1.arrow", b"not data")
    local = report_of(run, here, "--pretok-data=saved")
    remote = report_of(run, here, "--pretok-data=s3://bucket/saved")
    named = report_of(run, here, "--pretok-data=s3://bucket/saved/dataset_dict.json")

    assert local["ok"]
    assert outcomes(remote) == outcomes(local) == outcomes(named)
    rows = [[s["rows"] for s in d["splits"]] for d in remote["datasets"]]
    assert rows == [[9, 5]]


@pytest.mark.parametrize(("place", "workers"), [("s3", ""), ("web", "-n2")])
def test_declared(server: S3 | Web, run: Run, here: Path, place: str, workers: str) -> None:
    """A declared URL is a dataset as declared paths are; the report tells what was fetched."""
    train = server.put("declared/train.parquet", parquet(clean_rows(60)))
    test = server.put("declared/test.jsonl", jsonl(faulty_rows()))
    text = f'[tool.pretok.datasets.sft]\nsplits = {{ train = "{train}", test = "{test}" }}\n'
    declare(here, text)
    server.log.served.clear()
    report = report_of(run, here, "pyproject.toml", workers)
    ran = run(f"pyproject.toml::sft::{FAULT}[test]", workers)
    whole = run(f"--pretok-data={train}", "--collect-only", "-q").ids

    (dataset,) = report["datasets"]
    assert outcomes(report)[f"test {FAULT}"] == "failed"
    assert outcomes(report)[f"train {FAULT}"] == "passed"
    assert [split["rows"] for split in dataset["splits"]] == [60, 6]
    assert [shard["path"] for split in dataset["splits"] for shard in split["shards"]] == [
        train,
        test,
    ]
    if workers != "-n2":
        fetched = [split["fetched_bytes"] for split in dataset["splits"]]
        assert 0 < fetched[1] < fetched[0]
    assert ran.outcomes == {"failed": 1}
    assert whole
    assert all(name.startswith("pyproject.toml::sft::") for name in whole)


def test_declared_folders(s3: S3, run: Run, here: Path) -> None:
    """Of objects, of what `save_to_disk` wrote, by a pattern; and what leads to nothing."""
    from datasets import Dataset

    Dataset.from_list(clean_rows(9)).save_to_disk(here / "saved")
    for file in (here / "saved").iterdir():
        s3.put(f"kept/saved/{file.name}", file.read_bytes())
        s3.put(f"both/inner/{file.name}", file.read_bytes())
    s3.put("both/more.parquet", parquet(clean_rows(5, 7)))
    s3.put("both/notes.json", b'{"a": 1}')
    s3.put("bare/notes.txt", b"nothing")
    declare(
        here,
        """
        [tool.pretok.datasets]
        saved = { path = "s3://bucket/kept/saved" }
        split = { splits = { train = "s3://bucket/kept/saved" } }
        both = { splits = { train = "s3://bucket/both/" } }
        some = { splits = { train = "s3://bucket/both/*.parquet" } }
        bare = { splits = { train = "s3://bucket/bare/" } }
        gone = { splits = { train = "s3://bucket/gone/*.parquet" } }
        lost = { splits = { train = "s3://nobody/a.parquet" } }
        """,
    )
    report = report_of(run, here, "pyproject.toml")

    rows = {one["name"]: sum(s["rows"] for s in one["splits"]) for one in report["datasets"]}
    some = {"saved": 9, "split": 9, "both": 14, "some": 5}
    assert rows == {**some, "bare": 0, "gone": 0, "lost": 0}
    reasons = {
        one["name"]: rule["examples"][0]["found"]
        for one in report["datasets"]
        for split in one["splits"]
        for rule in split["rules"]
        if rule["rule"] == "unreadable-file" and rule["outcome"] == "failed"
    }
    assert set(reasons) == {"bare", "gone", "lost"}
    assert "the folder holds no data files" in reasons["bare"]
    assert "no object matches this pattern" in reasons["gone"]


def test_the_bytes_are_told(s3: S3, run: Run, here: Path) -> None:
    """The summary and the report say how much one scan fetched, of remote data alone."""
    url = s3.put("bytes.parquet", parquet(clean_rows(1500)))
    text = f'[tool.pretok.datasets.sft]\nsplits = {{ train = "{url}", test = "a.jsonl" }}\n'
    declare(here, text)
    (here / "a.jsonl").write_bytes(jsonl(clean_rows(5, 2)))
    s3.log.served.clear()
    ran = run(
        "pyproject.toml", "--deselect=pyproject.toml::sft::split-overlap", "--pretok-report=r.json"
    )
    (dataset,) = json.loads((here / "r.json").read_text())["datasets"]
    train, test = dataset["splits"]

    assert train["fetched_bytes"] == s3.log.fetched("bytes.parquet")
    assert test["fetched_bytes"] is None
    shown = " ".join(ran.text.split())
    assert f"{train['fetched_bytes'] / 1024:,.1f} KiB fetched" in shown
    assert shown.count("fetched") == 1


def test_patterns_and_folders_that_are_declared(s3: S3, run: Run, here: Path) -> None:
    """They are found anew in every run; what a pattern does not match fails."""
    s3.put("pattern/train-a.parquet", parquet(clean_rows(6)))
    s3.put("pattern/train-b.parquet", parquet(clean_rows(5, 2)))
    declare(here, '[tool.pretok.datasets.sft]\npath = "s3://bucket/pattern/train-?.parquet"\n')
    (dataset,) = report_of(run, here, "pyproject.toml")["datasets"]
    declare(here, '[tool.pretok.datasets.sft]\npath = "s3://bucket/pattern/val-*.parquet"\n')
    ran = run("pyproject.toml")
    (here / "a.jsonl").write_bytes(jsonl(clean_rows(5, 2)))
    flag = run("--pretok-data=a.jsonl", "--pretok-data=s3://bucket/pattern/other-*.parquet")

    assert [split["rows"] for split in dataset["splits"]] == [11]
    assert ran.code == 1
    assert "no object matches this pattern" in ran.text
    assert "passed" not in ran.outcomes
    assert flag.code == 4
    assert "no object matches this pattern" in flag.text


def test_what_cannot_be_asked(s3: S3, run: Run) -> None:
    """A store that refuses when it is looked into: a failure, and no usage error."""
    url = s3.put("refused.parquet", parquet(clean_rows()))
    s3.log.faults += ["!AccessDenied"] * 50
    ran = run(f"--pretok-data={url}")
    s3.log.faults.clear()

    assert ran.code == 1
    assert "access denied (403)" in " ".join(ran.text.split())
    assert "passed" not in ran.outcomes


def test_other_datasets_are_not_asked_for(web: Web, run: Run, here: Path) -> None:
    """Who checks a local file makes no request for the URLs beside it in the declaration."""
    url = web.put("a.parquet", parquet(clean_rows()))
    (here / "a.jsonl").write_bytes(jsonl(clean_rows(5, 2)))
    declare(here, f'[tool.pretok.datasets.sft]\npath = "{url}"\n')

    assert run("--pretok-data=a.jsonl").code == 0
    assert not web.log.served
    assert run("--pretok-data=.").code == 0
    assert web.log.served


def test_declarations_that_lie_with_the_data(web: Web, run: Run, here: Path) -> None:
    """Whoever made the data does not decide whom this machine asks."""
    url = web.put("a.parquet", parquet(clean_rows()))
    declare(here / "data", f'[tool.pretok.datasets.sft]\npath = "{url}"\n')
    ran = run("--pretok-data=data")

    assert ran.code == 1
    assert "its URLs are not followed" in " ".join(ran.text.split())
    assert not web.log.served
    assert run("--pretok-data=data/pyproject.toml").code == 0
    assert web.log.served


REFUSED = {
    "ftp://host/a.parquet": "ftp:// is not supported",
    "http://host/*.parquet": "takes no pattern",
    "hf://org/name/a.parquet": "hf://datasets/ORG/NAME",
    "s3://bucket/axolotl.yml": "must be a local file",
}


@pytest.mark.parametrize("url", REFUSED)
def test_urls_that_lead_nowhere(run: Run, url: str) -> None:
    """They are usage errors, before anything is asked."""
    ran = run(f"--pretok-data={url}")

    assert ran.code == 4
    assert REFUSED[url] in ran.text


def test_a_missing_package(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that says how to install it."""
    from pytest_pretok.stores import fsspec_store

    monkeypatch.setattr(fsspec_store, "find_spec", lambda name: None if name == "s3fs" else name)
    ran = run("--pretok-data=s3://bucket/a.parquet")

    assert ran.code == 4
    line = "s3:// needs the package s3fs, which is not installed; pip install"
    assert f"{line} 'pytest-pretok[remote]'" in ran.text


def test_secrets_are_shown_nowhere(web: Web, run: Run, here: Path) -> None:
    """Neither ids, messages, summary nor reports hold a signature or a password."""
    bare = web.put("signed.parquet", parquet(faulty_rows()))
    url = bare.replace("http://", "http://me:pass-word@") + "?X-Amz-Signature=sig-nature"
    reports = [f"--pretok-report={here / f'r.{kind}'}" for kind in ("json", "md", "html", "sarif")]
    ran = run(f"--pretok-data={url}", *reports, "--pretok-annotations=github", "-v")
    declare(here, f'[tool.pretok.datasets.sft]\npath = "{url}"\n')
    declared = run("pyproject.toml", *reports, "-v", "--pretok-report=d.json")

    assert ran.code == declared.code == 1
    assert f"{bare}::{FAULT}" in ran.text
    written = [path.read_text() for path in here.glob("[rd].*")]
    assert len(written) == 5
    for text in (ran.text, declared.text, *written):
        assert "pass-word" not in text
        assert "sig-nature" not in text


def test_places_in_reports(s3: S3, run: Run, here: Path) -> None:
    """Hosts are told where an object is by its URL, and are not sent to a file of that name."""
    url = s3.put("places/a [1].parquet", parquet(faulty_rows()))
    ran = run(
        f"--pretok-data={url}", "--pretok-report=r.sarif", "--pretok-annotations=github", "-qq"
    )
    (result,) = (
        one
        for one in json.loads((here / "r.sarif").read_text())["runs"][0]["results"]
        if one["ruleId"] == FAULT
    )

    place = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "s3://bucket/places/a%20%5B1%5D.parquet"}
    (command,) = (line for line in ran.lines if line.startswith("::error"))
    assert "file=" not in command
    assert url in command


def test_two_urls_of_one_id(web: Web, run: Run) -> None:
    """URLs that differ in their queries alone would share their ids: one would be lost."""
    url = web.put("q.parquet", parquet(clean_rows()))
    ran = run(f"--pretok-data={url}?a=1", f"--pretok-data={url}?a=2")

    assert ran.code == 4
    assert "same test ids" in ran.text


def test_on_a_cluster(s3: S3, run: Run) -> None:
    """Dask's workers ask the store themselves."""
    url = s3.put("ray.parquet", parquet(faulty_rows()))
    ran = run(f"--pretok-data={url}", "--pretok-engine=dask", "--pretok-workers=1", subprocess=True)

    assert ran.outcomes["failed"] == 1
    assert "fetched" in ran.text
