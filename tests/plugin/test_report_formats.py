"""Reports in every format, annotations and JUnit of real runs: the same with workers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from junitparser.xunit2 import JUnitXml

from pytest_pretok.report.formats import FORMATS
from tests.plugin.conftest import Run
from tests.plugin.data import FAULT, clean_rows, declare, faulty_rows, overlapping_rows, write
from tests.support import workflow_commands

DECLARATION = """
[tool.pretok.datasets.sft]
splits = { train = "sft/a.parquet", test = "sft/b.jsonl" }

[tool.pretok.datasets.other]
path = "other.arrow"
baseline = "known.json"
"""
KNOWN = """{"version": 1, "findings": [
{"dataset": "other", "split": "train", "rule": "label-not-input-id", "violations": 1, "total": 6}]}
"""


@pytest.fixture
def several(here: Path) -> Path:
    """Declared and undeclared datasets: clean, faulty, warned, known, unreadable, hostile."""
    declare(here, DECLARATION)
    (here / "known.json").write_text(KNOWN, encoding="utf-8")
    write(here / "sft/a.parquet", faulty_rows(seed=1))
    write(here / "sft/b.jsonl", overlapping_rows(seed=1) + faulty_rows(seed=2))
    write(here / "other.arrow", faulty_rows(seed=3))
    write(here / "data/clean.parquet", clean_rows(seed=4))
    write(here / "data/twice.parquet", clean_rows(seed=5) + clean_rows(2, seed=5))
    cut = write(here / "data/cut.parquet", clean_rows(seed=6))
    cut.write_bytes(cut.read_bytes()[:-9])
    lines = write(here / "data/|<b>`x`%0A,@me.jsonl", faulty_rows(seed=7))
    lines.write_text("\n  \n" + lines.read_text("utf-8"), encoding="utf-8")
    return here


@pytest.mark.usefixtures("several")
def test_bytes_with_workers(run: Run, here: Path) -> None:
    """Reports have the same bytes without xdist, without workers and with two of them."""
    paths = [here / f"out/r{suffix}" for suffix in FORMATS]
    words = [f"--pretok-report={path}" for path in paths]
    found: dict[str, list[bytes]] = {}
    for workers in ("", "-n0", "-n2"):
        run("--pretok-data=.", *words, workers)
        found[workers] = [path.read_bytes() for path in paths]
        for path in paths:
            path.unlink()

    assert all(FAULT.encode() in text for text in found[""])
    assert found["-n0"] == found[""]
    assert found["-n2"] == found[""]


@pytest.mark.usefixtures("several")
def test_annotations(run: Run, here: Path, workers: str) -> None:
    """Failures and warnings are commands, at the declaration or the line of the row."""
    words = ("--pretok-data=.", "--pretok-annotations=github", workers)
    found = workflow_commands.commands("\n".join(run(*words, subprocess=True).lines))
    places = {
        (c.name, c.properties["title"].split(":")[0], c.properties["file"], c.properties["line"])
        for c in found
    }

    assert places == {
        ("error", FAULT, "pyproject.toml", "2"),
        ("error", FAULT, "sft/b.jsonl", "9"),
        ("error", "split-overlap", "sft/b.jsonl", "1"),
        ("error", "unreadable-file", "data/cut.parquet", "1"),
        ("error", FAULT, "data/|<b>`x`%0A,@me.jsonl", "6"),
        ("warning", "duplicate-rows", "data/twice.parquet", "1"),
    }
    assert (here / "sft/b.jsonl").read_text().splitlines()[8] == json.dumps(faulty_rows(seed=2)[3])


def test_annotations_of_clean_data(run: Run, here: Path) -> None:
    """Clean data has none, and other services are refused."""
    write(here / "a.parquet", clean_rows())
    ran = run("--pretok-data=.", "--pretok-annotations=github")

    assert workflow_commands.commands("\n".join(ran.lines)) == []
    assert run("--pretok-data=.", "--pretok-annotations=gitlab", subprocess=True).code == 4


def test_paths_start_at_the_checkout(run: Run, here: Path) -> None:
    """Where the checkout begins above pytest's root, annotations and URIs begin there."""
    (here / ".git").mkdir()
    package = here / "package"
    declare(package, '[tool.pytest.ini_options]\n[tool.pretok.datasets.sft]\npath = "a.parquet"\n')
    write(package / "a.parquet", faulty_rows())
    words = [f"--rootdir={package}", "--pretok-report=r.sarif", "--pretok-annotations=github"]
    ran = run("--pretok-data=package", *words)
    (command,) = workflow_commands.commands("\n".join(ran.lines))
    log = json.loads((here / "r.sarif").read_text("utf-8"))["runs"][0]
    place = log["results"][0]["locations"][0]["physicalLocation"]

    assert command.properties["file"] == "package/pyproject.toml"
    assert place["artifactLocation"]["uri"] == "package/pyproject.toml"
    assert place["region"]["startLine"] == 2
    assert log["originalUriBaseIds"]["%SRCROOT%"]["uri"] == f"{here.as_uri()}/"


def test_lines_of_json(run: Run, here: Path) -> None:
    """Examples tell their line in plain JSON Lines, behind blank lines too, and nowhere else."""
    rows = faulty_rows(seed=1)
    text = "\ufeff\n\n" + "\n \n".join(json.dumps(row) for row in rows)
    (here / "plain.jsonl").write_text(text, encoding="utf-8")
    (here / "array.json").write_text(json.dumps(faulty_rows(seed=2)), encoding="utf-8")
    write(here / "binary.parquet", faulty_rows(seed=3))
    packed = gzip.compress("".join(json.dumps(r) + "\n" for r in faulty_rows(seed=4)).encode())
    (here / "packed.jsonl").write_bytes(packed)
    run("--pretok-data=.", "--pretok-report=out/r.json")
    report = json.loads((here / "out/r.json").read_text("utf-8"))
    lines = {
        dataset["name"]: rule["examples"][0]["line"]
        for dataset in report["datasets"]
        for rule in dataset["splits"][0]["rules"]
        if rule["rule"] == FAULT
    }

    expected = text.splitlines().index(json.dumps(rows[3])) + 1
    others = dict.fromkeys(("array.json", "binary.parquet", "packed.jsonl"))
    assert lines == {"plain.jsonl": expected, **others}


# -- JUnit


def keeps_to_xunit2(root: ElementTree.Element) -> None:
    """Hold a file against the elements and attributes of xunit2, and their order."""
    children = {
        "testsuites": ["testsuite"],
        "testsuite": ["properties", "testcase"],
        "testcase": ["properties", "skipped", "error", "failure", "system-out", "system-err"],
        "properties": ["property"],
    }
    attributes = {
        "testcase": {"classname", "name", "time"},
        "property": {"name", "value"},
        "failure": {"message"},
        "skipped": {"message", "type"},
    }
    assert root.tag == "testsuites"
    for element in root.iter():
        order = [children.get(element.tag, []).index(child.tag) for child in element]
        assert order == sorted(order)
        assert set(element.keys()) <= attributes.get(element.tag, set(element.keys()))
    assert {element.tag for element in root.iter()} >= set(children)


@pytest.mark.usefixtures("several")
def test_junit_properties(run: Run, here: Path, workers: str) -> None:
    """Passed, failed, warned, known and skipped items carry their numbers as properties."""
    run("--pretok-data=.", "--junit-xml=junit.xml", workers)
    keeps_to_xunit2(ElementTree.parse(here / "junit.xml").getroot())
    cases = {
        f"{case.classname}.{case.name}": case
        for suite in JUnitXml.fromfile(str(here / "junit.xml"))
        for case in suite
    }
    found = {
        name: {p.name: p.value for p in (case.properties() or ())} for name, case in cases.items()
    }
    passed = {"severity": "error", "effect": "none", "violations": "0"}
    tokens = {"rows": "6", "tokens": str(sum(len(r["input_ids"]) for r in clean_rows()))}
    twice = str(sum(len(r["input_ids"]) for r in clean_rows() + clean_rows(2)))

    assert found["data.clean.parquet.mask-hole"] == {**passed, **tokens}
    assert found[f"pyproject.toml.sft.{FAULT}[train]"] == {
        "severity": "error",
        "effect": "silent",
        "violations": "1",
        **tokens,
    }
    assert found["data.twice.parquet.duplicate-rows"] == {
        "severity": "warning",
        "effect": "wasted",
        "violations": "2",
        "rows": "8",
        "tokens": twice,
    }
    assert found[f"pyproject.toml.other.{FAULT}[train]"] == {
        "severity": "error",
        "effect": "silent",
        "violations": "1",
        "baseline": "1",
        **tokens,
    }
    skipped = {**passed, "effect": "none", "rows": "0", "tokens": "0"}
    assert found["data.cut.parquet.mask-hole"] == skipped
    results = {name: [type(one).__name__ for one in case.result] for name, case in cases.items()}
    assert results[f"pyproject.toml.sft.{FAULT}[train]"] == ["Failure"]
    assert results["data.twice.parquet.duplicate-rows"] == []
    assert results["data.cut.parquet.mask-hole"] == ["Skipped"]
