"""What a run writes: the JSON report, every violation as a row, JUnit; the same with workers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pyarrow.parquet as pq
import pytest

from pytest_pretok.report.schema import report_schema
from tests.plugin.conftest import Run
from tests.plugin.data import (
    FAULT,
    clean_rows,
    declare,
    faulty_rows,
    overlapping_rows,
    shards,
    table_of,
    write,
    write_saved,
)

Report = dict[str, Any]
WORKERS = {"n2": ["-n2"], "loadscope": ["-n2", "--dist", "loadscope"]}


@pytest.fixture
def several(here: Path) -> Path:
    """Datasets of every form, clean, faulty, warned and unreadable."""
    declare(
        here,
        """
        [tool.pretok.datasets.sft]
        splits = { train = "sft/a.parquet", test = "sft/b.jsonl" }
        sequence-len = 100
        rules = { label-not-input-id = { max-rows = 1 } }

        [tool.pretok.datasets.other]
        path = "other.arrow"
        rules = { mask-hole = "off" }
        """,
    )
    write(here / "sft/a.parquet", faulty_rows(seed=1) + faulty_rows(seed=2))
    write(here / "sft/b.jsonl", overlapping_rows(seed=1))
    write(here / "other.arrow", clean_rows(seed=3) + clean_rows(2, seed=3))
    write_saved(here / "data/saved", {"train": faulty_rows(seed=4), "test": clean_rows(seed=5)})
    shards(here / "data/hub", "train", [faulty_rows(seed=6), faulty_rows(seed=7)])
    write(here / "data/hub/test.parquet", overlapping_rows(seed=6))
    cut = write(here / "data/cut.parquet", clean_rows(seed=8))
    cut.write_bytes(cut.read_bytes()[:-9])
    return here


def closed(schema: Any) -> Any:
    """The report's schema with no room for a key that it does not speak of."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    tight = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
    return {**{key: closed(value) for key, value in schema.items()}, **tight}


CLOSED = jsonschema.Draft7Validator(closed(report_schema()))


def report_of(run: Run, here: Path, *arguments: str) -> Report:
    """The JSON report of a run."""
    run("--pretok-data=.", "--pretok-report=out/r.json", *arguments)
    found = json.loads((here / "out/r.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    assert [one.message for one in CLOSED.iter_errors(found)] == []
    return found


def all_rules(report: Report) -> list[dict[str, Any]]:
    """Every rule entry of a report."""
    found = [rule for dataset in report["datasets"] for rule in dataset["rules"]]
    splits = [split for dataset in report["datasets"] for split in dataset["splits"]]
    return found + [rule for split in splits for rule in split["rules"]]


@pytest.mark.usefixtures("several")
def test_keys(run: Run, here: Path) -> None:
    """The report has every key of its version, at every level."""
    report = report_of(run, here)
    dataset = next(d for d in report["datasets"] if d["name"] == "sft")
    split = dataset["splits"][0]
    rule = next(r for r in split["rules"] if r["rule"] == FAULT)

    assert set(report) >= {"version", "tool", "ok", "complete", "datasets"}
    assert report["version"] == 1
    assert report["tool"].startswith("pytest-pretok ")
    assert set(dataset) >= {
        *("name", "declared_at", "contract", "trainer", "settings", "path", "rules", "splits")
    }
    assert set(split) >= {
        *("name", "shards", "rows", "tokens", "trainable_tokens", "lengths", "rules"),
        *("length_histogram", "trainable_shares", "together", "together_left_out"),
    }
    assert set(split["lengths"]) == {"min", "p50", "p95", "p99", "max"}
    assert set(rule) >= {
        *("rule", "id", "outcome", "severity", "effect", "violations", "share", "budget"),
        *("because", "cause", "help", "examples"),
    }
    assert set(rule["examples"][0]) >= {
        *("shard", "row", "shard_row", "position", "found", "expected")
    }


@pytest.mark.usefixtures("several")
def test_counts(run: Run, here: Path) -> None:
    """Counts, settings and examples are those of the data, as pyarrow reads it."""
    report = report_of(run, here)
    dataset = next(d for d in report["datasets"] if d["name"] == "sft")
    split = dataset["splits"][0]
    rule = next(r for r in split["rules"] if r["rule"] == FAULT)
    rows = pq.read_table(here / "sft/a.parquet").to_pylist()
    lengths = sorted(len(row["input_ids"]) for row in rows)

    assert dataset["declared_at"] == "pyproject.toml:2"
    assert dataset["settings"]["sequence-len"] == 100
    assert split["shards"] == [{"path": "sft/a.parquet", "rows": len(rows), "format": "parquet"}]
    assert split["rows"] == len(rows)
    assert split["tokens"] == sum(lengths)
    assert split["trainable_tokens"] == sum(
        label != -100 for row in rows for label in row["labels"][1:]
    )
    assert (split["lengths"]["min"], split["lengths"]["max"]) == (lengths[0], lengths[-1])
    histogram = split["length_histogram"]
    bins = [(n - histogram["start"]) // histogram["width"] for n in lengths]
    assert histogram["rows"] == [bins.count(i) for i in range(len(histogram["rows"]))]
    trained = [sum(label != -100 for label in r["labels"][1:]) / len(r["labels"]) for r in rows]
    assert split["trainable_shares"] == [
        sum(low < 20 * share <= low + 1 for share in trained) for low in range(-1, 20)
    ]
    assert (split["together"], split["together_left_out"]) == ([], [])
    assert (rule["violations"], rule["budget"], rule["outcome"]) == (2, 1, "failed")
    assert rule["share"] == pytest.approx(2 / len(rows))
    example = rule["examples"][0]
    assert example["found"] == rows[3]["labels"][example["position"]]
    assert example["expected"] == rows[3]["input_ids"][example["position"]]
    window = example["window"]
    for role, values in ((column["role"], column["values"]) for column in window["columns"]):
        assert values == rows[3][role][window["start"] :][: len(values)]
        assert len(values) > example["position"] - window["start"]


@pytest.mark.usefixtures("several")
def test_outcomes(run: Run, here: Path) -> None:
    """Failed, warned, passed and not-evaluated rules are told apart; ok is the run's verdict."""
    report = report_of(run, here)
    outcomes = {rule["id"]: rule["outcome"] for rule in all_rules(report)}
    blocked = [r for r in all_rules(report) if r["outcome"] == "not-evaluated"]

    assert report["ok"] is False
    assert report["complete"] is True
    assert outcomes["pyproject.toml::sft::split-overlap"] == "failed"
    assert outcomes["pyproject.toml::other::duplicate-rows[train]"] == "warned"
    assert outcomes["data/cut.parquet::unreadable-file"] == "failed"
    assert outcomes["data/hub/test.parquet::split-overlap"] == "failed"
    assert blocked
    assert {r["because"] for r in blocked} == {"unreadable-file"}


@pytest.mark.usefixtures("several")
def test_ids_are_those_of_collection(run: Run, here: Path) -> None:
    """The ids in the report are the ids that pytest collects, each once."""
    ids = [rule["id"] for rule in all_rules(report_of(run, here))]

    assert sorted(ids) == sorted(run("--pretok-data=.", "--co", "-q").ids)


def test_a_report_is_no_dataset(run: Run, here: Path) -> None:
    """Reports that an earlier run left among the data are passed over."""
    write(here / "a.parquet", faulty_rows())
    write(here / "b.parquet", table_of(clean_rows()).drop_columns(["labels"]))
    words = ["--pretok-data=.", "--pretok-report=out/r.json", "--pretok-violations=out/v.parquet"]
    first = run(*words)

    assert run(*words).outcomes == first.outcomes


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("workers", WORKERS.values(), ids=WORKERS)
def test_report_with_workers(run: Run, here: Path, workers: list[str]) -> None:
    """With workers the report is the same, but for the order in which rules were judged."""
    assert report_of(run, here, *workers) == report_of(run, here)


@pytest.mark.usefixtures("several")
def test_report_of_a_run_cut_short(run: Run, here: Path) -> None:
    """Under -x the report is not complete, and not ok."""
    report = report_of(run, here, "-x")

    assert report["complete"] is False
    assert report["ok"] is False


def test_a_clean_run_cut_short_is_not_ok(run: Run, here: Path) -> None:
    """A failing test of the repository under -x leaves the report incomplete, thus not ok."""
    write(here / "a.parquet", clean_rows())
    (here / "test_own.py").write_text("def test_own(): assert 0\n", encoding="utf-8")
    report = report_of(run, here, "test_own.py", "-x")

    assert report["complete"] is False
    assert report["ok"] is False


@pytest.mark.usefixtures("several")
def test_rules_that_were_not_selected(run: Run, here: Path) -> None:
    """Rules that -k leaves out are listed as not selected."""
    report = report_of(run, here, "-k", FAULT)
    whole = report_of(run, here)
    entries = [s["rules"] for d in report["datasets"] for s in d["splits"]]

    assert {r["outcome"] for rules in entries for r in rules if r["rule"] != FAULT} == {
        "not-selected"
    }
    assert [[r["rule"] for r in rules] for rules in entries] == [
        [r["rule"] for r in s["rules"]] for d in whole["datasets"] for s in d["splits"]
    ]


def test_a_clean_report(run: Run, here: Path) -> None:
    """A report on clean data is ok, and replaces the one before."""
    write(here / "a.parquet", clean_rows())
    (here / "out").mkdir()
    (here / "out/r.json").write_text("old", encoding="utf-8")
    report = report_of(run, here)

    assert report["ok"] is True
    assert {rule["outcome"] for rule in all_rules(report)} == {"passed"}
    assert [path.name for path in (here / "out").iterdir()] == ["r.json"]


def test_a_warning_made_an_error(run: Run, here: Path) -> None:
    """A warned rule that -W turns into a failure is failed in the report."""
    write(here / "a.parquet", clean_rows() + clean_rows(1))
    report = report_of(run, here, "-W", "error::pytest_pretok.PretokWarning")
    outcomes = {rule["rule"]: rule["outcome"] for rule in all_rules(report)}

    assert outcomes["duplicate-rows"] == "failed"
    assert report["ok"] is False


def test_an_error_of_a_plugin_is_not_ok(run: Run, here: Path) -> None:
    """Where an item ends in an exception of somebody's plugin, the report is not ok."""
    write(here / "a.parquet", clean_rows())
    hook = """
def pytest_runtest_call(item):
    if "mask-hole" in item.name:
        raise OSError("mine")
"""
    (here / "conftest.py").write_text(hook, encoding="utf-8")

    assert report_of(run, here)["ok"] is False


# -- every violation as a row


def violations_of(run: Run, here: Path, *arguments: str) -> list[dict[str, Any]]:
    """The rows of the violations file of a run."""
    path = here / "out/v.parquet"
    run("--pretok-data=.", "--pretok-violations=out/v.parquet", *arguments)
    assert [found.name for found in path.parent.iterdir()] == ["v.parquet"]
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def test_every_violation(run: Run, here: Path) -> None:
    """Each violating row is a row of the file, whatever the number of examples shown."""
    rows = [row for seed in range(1, 9) for row in faulty_rows(5, seed=seed, row=2)]
    table = table_of(rows)
    write(here / "train-00000-of-00002.parquet", table.slice(0, 20))
    write(here / "train-00001-of-00002.parquet", table.slice(20))
    found = violations_of(run, here, "--pretok-examples=1")
    expected = [
        {
            "shard": f"train-0000{number // 20}-of-00002.parquet",
            "row": number,
            "shard_row": number % 20,
            "position": len(row["labels"]) - 2,
            "rule": FAULT,
            "found": str(row["labels"][-2]),
            "expected": str(row["input_ids"][-2]),
        }
        for number, row in enumerate(rows)
        if row["labels"][-2] != row["input_ids"][-2]
    ]

    assert [{key: row[key] for key in expected[0]} for row in found] == expected
    assert {row["split"] for row in found} == {"train"}
    assert len(found) == 8


@pytest.mark.usefixtures("several")
def test_violations_and_report_agree(run: Run, here: Path) -> None:
    """The file has as many rows a rule and split as the report counts."""
    found = violations_of(run, here)
    report = report_of(run, here)
    counted = {
        (dataset["name"], split["name"], rule["rule"]): rule["violations"]
        for dataset in report["datasets"]
        for split in dataset["splits"]
        for rule in split["rules"]
        if rule["violations"] and rule["rule"] != "split-overlap"
    }
    written: dict[tuple[str, str, str], int] = {}
    for row in found:
        if row["rule"] != "split-overlap":
            key = (row["dataset"], row["split"], row["rule"])
            written[key] = written.get(key, 0) + 1

    assert written == counted


@pytest.mark.usefixtures("several")
def test_violations_across_splits(run: Run, here: Path) -> None:
    """Rows that stand in two splits are written as well."""
    found = violations_of(run, here)
    rows = {(row["dataset"], row["split"], row["row"]) for row in found if "overlap" in row["rule"]}

    assert ("sft", "test", 0) in rows


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("workers", WORKERS.values(), ids=WORKERS)
def test_violations_with_workers(run: Run, here: Path, workers: list[str]) -> None:
    """With workers the file has the same rows in the same order."""
    assert violations_of(run, here, *workers) == violations_of(run, here)


def test_violations_of_a_killed_run_are_forgotten(run: Run, here: Path) -> None:
    """What a run that was killed left behind does not reach the file of the next one."""
    write(here / "a.parquet", faulty_rows())
    kill = "import os\nimport pytest_pretok.session as session\n"
    kill += "session.merge_parts = lambda *rest: os._exit(9)\n"
    (here / "conftest.py").write_text(kill, encoding="utf-8")
    run("--pretok-data=.", "--pretok-violations=out/v.parquet", subprocess=True)
    (here / "conftest.py").unlink()
    assert any((here / "out").iterdir())
    write(here / "a.parquet", clean_rows())

    assert violations_of(run, here) == []


def test_no_violations(run: Run, here: Path) -> None:
    """On clean data the file is there, with its columns and no rows."""
    write(here / "a.parquet", clean_rows())

    assert violations_of(run, here) == []
    assert "rule" in pq.read_schema(here / "out/v.parquet").names


# -- JUnit, and the number of scans


def junit_of(run: Run, here: Path, *arguments: str) -> list[Any]:
    """Name, class, verdict, message and properties of every test case of a run, sorted."""
    run("--pretok-data=.", "--junit-xml=junit.xml", *arguments)
    suite = ElementTree.parse(here / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    cases = []
    for case in suite.iter("testcase"):
        verdicts = [(e.tag, e.get("message")) for e in case if e.tag != "properties"]
        properties = [(p.get("name"), p.get("value")) for p in case.iter("property")]
        cases.append((case.get("classname"), case.get("name"), verdicts, properties))
    sums = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")}
    return [sums, *sorted(cases)]


@pytest.mark.usefixtures("several")
def test_junit_with_workers(run: Run, here: Path) -> None:
    """JUnit has the same names, counts, messages and properties with workers."""
    alone = junit_of(run, here)

    assert junit_of(run, here, "-n2") == alone
    assert alone[0]["errors"] == "0"


@pytest.mark.usefixtures("several")
def test_junit_of_a_violation(run: Run, here: Path) -> None:
    """A violation is a failure with its headline and its numbers."""
    case = next(
        case
        for case in junit_of(run, here)[1:]
        if case[:2] == ("pyproject.toml.sft", f"{FAULT}[train]")
    )

    assert case[2][0][0] == "failure"
    assert "2 of 12 rows" in case[2][0][1]
    assert dict(case[3])["violations"] == "2"
    assert dict(case[3])["effect"] == "silent"


SPY = """
import pytest_pretok.checks as checks

scan = checks.scan_split

def scan_split(split, shards, *rest):
    with open({path!r}, "a") as file:
        file.write(f"{{shards[0].shown}}\\n")
    return scan(split, shards, *rest)

checks.scan_split = scan_split
"""


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("workers", [[], ["-n2", "--dist", "loadscope"]], ids=["plain", "n2"])
def test_one_scan_a_split(run: Run, here: Path, workers: list[str]) -> None:
    """Every split is read once; with --dist loadscope also on several workers."""
    log = here / "scans"
    (here / "conftest.py").write_text(SPY.format(path=str(log)), encoding="utf-8")
    run("--pretok-data=.", *workers, subprocess=True)
    scans = log.read_text(encoding="utf-8").split()

    # Files that are splits of one dataset lie in several scopes: one is read again to compare.
    again = {"data/hub/train-00000-of-00002.parquet"} if workers else set()
    assert {shard for shard in scans if scans.count(shard) > 1} <= again
    assert len(set(scans)) == 8


# -- what cannot be written


def stuffed(here: Path, name: str) -> str:
    """A file that cannot be written: a file stands where its folder would."""
    (here / "stuffed").write_text("no folder", encoding="utf-8")
    return f"stuffed/{name}"


@pytest.mark.parametrize("kind", ["json", "html", "md", "sarif", "parquet"])
@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "n2"])
@pytest.mark.parametrize("quiet", [[], ["-qq"]], ids=["loud", "qq"])
def test_the_verdict_outlives_what_cannot_be_written(
    run: Run, here: Path, kind: str, workers: list[str], quiet: list[str]
) -> None:
    """A clean run ends with 4 and says what is missing; what can be written is written."""
    write(here / "clean.parquet", clean_rows())
    name = stuffed(here, f"r.{kind}")
    option = "--pretok-violations" if kind == "parquet" else "--pretok-report"

    ran = run(
        "--pretok-data=clean.parquet",
        f"{option}={name}",
        "--pretok-report=whole.json",
        *workers,
        *quiet,
    )

    what = "VIOLATIONS" if kind == "parquet" else "REPORT"
    assert ran.code == 4
    assert f"{what} NOT WRITTEN, {name}: Not a directory" in ran.lines
    assert "INTERNALERROR" not in ran.text
    assert json.loads((here / "whole.json").read_text(encoding="utf-8"))["ok"]


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "n2"])
def test_violations_stay_the_exit_code(run: Run, here: Path, workers: list[str]) -> None:
    """Data that breaks a rule ends with 1, whatever else went wrong."""
    write(here / "faulty.parquet", faulty_rows())
    name = stuffed(here, "v.parquet")

    ran = run(
        "--pretok-data=faulty.parquet",
        f"--pretok-violations={name}",
        "--pretok-report=stuffed/r.md",
        *workers,
    )

    assert ran.code == 1
    assert f"VIOLATIONS NOT WRITTEN, {name}: Not a directory" in ran.lines
    assert "REPORT NOT WRITTEN, stuffed/r.md: Not a directory" in ran.lines
    assert "INTERNALERROR" not in ran.text


def test_violations_of_a_full_disk(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is full, what was there stays, and no part is left."""
    write(here / "faulty.parquet", faulty_rows())
    (here / "out").mkdir()
    (here / "out/v.parquet").write_bytes(b"old")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "Error writing bytes to file. Detail: [errno 28] ...")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", refuse)
    ran = run("--pretok-data=faulty.parquet", "--pretok-violations=out/v.parquet")

    assert ran.code == 1
    assert "VIOLATIONS NOT WRITTEN, out/v.parquet: No space left on device" in ran.lines
    assert [path.name for path in (here / "out").iterdir()] == ["v.parquet"]
    assert (here / "out/v.parquet").read_bytes() == b"old"


def test_violations_under_a_name_that_is_a_pattern(run: Run, here: Path) -> None:
    """Brackets in the file's name are brackets."""
    write(here / "faulty.parquet", faulty_rows())

    run("--pretok-data=faulty.parquet", "--pretok-violations=v[1].parquet")

    assert pq.read_table(here / "v[1].parquet").num_rows > 0
    assert not [path.name for path in here.iterdir() if path.name.startswith(".v")]


@pytest.mark.parametrize("option", ["report=a.json", "violations=a.parquet"])
def test_a_folder_where_a_file_should_be(run: Run, here: Path, option: str) -> None:
    """It is refused before anything is read."""
    write(here / "clean.parquet", clean_rows())
    (here / option.partition("=")[2]).mkdir()

    ran = run("--pretok-data=clean.parquet", f"--pretok-{option}")

    assert ran.code == 4
    assert f"--pretok-{option}: this is a folder" in ran.text
