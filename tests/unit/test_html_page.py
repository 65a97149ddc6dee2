"""The page of the HTML report from any JSON report: bounded, and made of text alone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_pretok.report import html, page, pictures
from tests.support.pages import attributes, elements, parsed, text_of

HOSTILE = (
    "<script>alert(1)</script>\"'><img onerror=alert(2)>\x1b[31m\u202e\n`<b>`{{7*7}}&amp;\ud800"
)
KEPT = ("rule", "outcome", "unit", "severity")  # what no data can set


def rule_of(name: str, outcome: str, violations: int = 0, examples: int = 0) -> dict[str, Any]:
    """An entry of the report."""
    example = {
        "split": "train",
        "shard": "a.parquet",
        "row": 3,
        "shard_row": 3,
        "position": 1,
        "column": "labels",
        "found": "x",
        "expected": 7,
        "window": {
            "start": 0,
            "columns": [
                {"role": "input_ids", "values": [1, 7]},
                {"role": "labels", "values": [-100, "x", None]},
            ],
            "text": ["a", " b", "c"],
        },
    }
    return {
        "rule": name,
        "id": f"a.parquet::{name}",
        "outcome": outcome,
        "severity": "error",
        "effect": "silent" if violations else None,
        "consequence": "trains `towards` a wrong id" if violations else "",
        "unit": "row",
        "violations": violations,
        "total": 40,
        "share": violations / 40,
        "budget": 1,
        "baseline": None,
        "because": "null-row" if outcome == "not-evaluated" else None,
        "reason": None,
        "cause": "a join" if violations else None,
        "help": "look at `it`",
        "about": "a mask has a hole",
        "evidence": "found",
        "examples": [example] * examples,
    }


def split_of(name: str, rules: list[dict[str, Any]], **others: Any) -> dict[str, Any]:
    """A split of the report."""
    return {
        "name": name,
        "shards": [{"path": "a.parquet", "rows": 40}],
        "rows": 40,
        "tokens": 900,
        "trainable_tokens": 300,
        "lengths": {"min": 3, "p50": 20, "p95": 40, "p99": 50, "max": 50},
        "length_histogram": {"start": 0, "width": 10, "rows": [3, 7, 20, 6, 3], "beyond": 1},
        "trainable_shares": [4, *([0] * 12), 36, *([0] * 7)],
        "together": [],
        "together_left_out": [],
        "rules": rules,
        **others,
    }


def report_of(datasets: dict[str, list[dict[str, Any]]], ok: bool = False) -> dict[str, Any]:
    """A report of datasets by name, each with its splits."""
    return {
        "version": 1,
        "tool": "pytest-pretok 0",
        "ok": ok,
        "complete": True,
        "not_checked": [],
        "datasets": [
            {
                "name": name,
                "declared_at": "pyproject.toml:2",
                "contract": "axolotl",
                "trainer": "axolotl 1",
                "settings": {"packing": False, "sequence-len": 44},
                "path": "a.parquet",
                "rules": [],
                "splits": splits,
            }
            for name, splits in datasets.items()
        ],
    }


def poisoned(value: Any, key: str = "") -> Any:
    """A report with hostile text wherever text may come from data or a file system."""
    if isinstance(value, dict):
        return {k: poisoned(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [poisoned(one, key) for one in value]
    return f"{HOSTILE}{value}" if isinstance(value, str) and key not in KEPT else value


def test_hostile_text_anywhere() -> None:
    """Whatever text a report holds, the elements and attributes are those of a harmless one."""
    rules = [
        rule_of("label-not-input-id", "failed", 9, 2),
        rule_of("mask-hole", "not-evaluated"),
        rule_of("too-long", "passed"),
        rule_of("no-rows", "not-selected"),
    ]
    report = report_of({"sft": [split_of("train", rules), split_of("test", rules)]})
    report["not_checked"] = ["a note"]
    harmless, hostile = (parsed(html.render(it)) for it in (report, poisoned(report)))
    changed = {"code"}  # what stands in backticks

    def shape(node: Any) -> list[str]:
        return [str(n.tag) for n in node.iter() if n.tag not in changed]

    assert shape(hostile) == shape(harmless)
    assert sorted(attributes(hostile)) == sorted(attributes(harmless))
    assert "\\x1b[31m\\u202e\\n" in text_of(hostile)
    assert all(c.isprintable() or c == "\n" for c in html.render(poisoned(report)))


def test_pictures_say_what_they_show() -> None:
    """Each has a role, a title and a caption; lengths have a line at sequence-len."""
    found = parsed(
        html.render(report_of({"sft": [split_of("train", [rule_of("no-rows", "passed")])]}))
    )
    beyond = "1 row of 50 tokens and more"
    ids = {node.get("id"): text_of(node) for node in found.iter() if node.get("id")}
    told = [
        [ids[i] for i in (svg.get("aria-labelledby") or "").split()]
        for svg in elements(found, "svg")
    ]

    assert [svg.get("role") for svg in elements(found, "svg")] == ["img", "img"]
    assert told == [
        [
            "Row lengths",
            f"Rows by length in tokens; the line is sequence-len, 44; {beyond} not shown.",
        ],
        ["Trained shares", "Rows by the share of their tokens that is trained; 4 train none."],
    ]


@pytest.mark.parametrize("limit", [None, 44, 3, 10**6])
def test_a_length_picture(limit: int | None) -> None:
    """Bars are as high as their rows are many; what lies beyond the limit is drawn as bad."""
    rows = [3, 7, 20, 6, 3]
    drawn = pictures.lengths({"start": 10, "width": 10, "rows": rows}, limit)
    outlines = {
        colour: re.findall(rf'd="([^"]+)" style="fill: var\(--{colour}\)', drawn)
        for colour in ("bar", "bad")
    }
    heights = {
        colour: [
            {float(y) for y in re.findall(r"[\d.]+ ([\d.]+)", outline)}
            for outline in outlines[colour]
        ]
        for colour in outlines
    }
    bad = [edge > limit for edge in (10, 20, 30, 40, 50)] if limit is not None else [False] * 5

    assert len(outlines["bad"]) == any(bad)
    # One height for each number of rows, and the ground.
    for colour, kind in (("bar", False), ("bad", True)):
        expected = {n for n, b in zip(rows, bad, strict=True) if b is kind}
        if heights[colour] and expected:
            assert len(heights[colour][0]) == len(expected | {0})
    assert ("stroke: var(--bad)" in drawn) == (limit is not None and limit >= 10)
    assert "id=" not in drawn
    assert "#0" not in drawn


def test_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 300 datasets with 20 splits, the worst are told, and it is said what is left out."""
    for name in ("lengths", "shares"):
        monkeypatch.setattr(pictures, name, lambda *_: "<path></path>")
    names = [f"name-of-a-rule-{i}" for i in range(50)]
    good = [rule_of(name, "passed") for name in names]
    bad = [rule_of("label-not-input-id", "failed", 30, 50), rule_of("mask-hole", "warned", 9, 50)]
    datasets = {
        f"data/{'x' * 60}/{n}": [
            split_of(f"part-{m}", (bad if (n + m) % 20 == 0 else []) + good) for m in range(20)
        ]
        for n in range(300)
    }
    text = html.render(report_of(datasets))
    notes = text[: text.index("<nav")]
    overview = text[text.index("<nav") : text.index("</nav>")]

    assert len(text) < 10_000_000
    assert text.count("<svg") == 2 * page.PICTURED
    assert overview.count("<tr") == 1 + page.LINES
    assert overview.count(">fails<") == 300  # all of them
    assert text.count("<article") == 2 * page.SPLITS
    assert text.count('"example"') == page.FINDINGS * page.EXAMPLES
    assert "5,000 of 6,000 splits are left out of the overview." in notes
    assert "200 of 6,000 splits are told in full" in notes
    assert "300 of 400 findings have examples." in notes


@pytest.mark.parametrize(
    ("outcomes", "ok", "verdict"),
    [
        (["failed", "passed"], False, "Not fit to train on: sft breaks 1 rule."),
        (["warned", "passed"], True, "Fit to train on; sft has warnings."),
        (["passed", "not-selected"], True, "Fit to train on: sft breaks no rule."),
        (["not-evaluated"], False, "No verdict: some checks could not be made."),
        (["not-selected"], True, "Nothing was checked."),
    ],
)
def test_verdict(outcomes: list[str], ok: bool, verdict: str) -> None:
    """The page's first sentence is that of the worst outcome."""
    rules = [rule_of("mask-hole", o, 9 * (o in ("failed", "warned"))) for o in outcomes]

    assert page.page_of(report_of({"sft": [split_of("train", rules)]}, ok)).verdict == verdict


def test_tones() -> None:
    """A dataset has the tone of its worst split, and a split that of its worst rule."""
    rules = {"clean": ["passed"], "warned": ["passed", "warned"], "bad": ["warned", "failed"]}
    splits = {
        name: split_of(name, [rule_of("mask-hole", o, 9 * (o != "passed")) for o in outcomes])
        for name, outcomes in rules.items()
    }
    seen = page.page_of(report_of({"sft": list(splits.values()), "ok": [splits["clean"]]}, False))

    assert [dataset.tone for dataset in seen.datasets] == ["failed", "passed"]
    assert [split.tone for split in seen.datasets[0].splits] == ["passed", "warned", "failed"]
    text = html.render(report_of({"sft": list(splits.values())}, False))
    for tone in ("passed", "warned", "failed"):
        assert re.search(rf'class="[^"]*\b{tone}\b', text)


def test_a_split_of_several_files_and_odd_findings() -> None:
    """How many files there are; what is at fault as a whole; why there is no verdict."""
    whole = {**rule_of("eos-never-trained", "failed", 1, 1), "unit": "split"}
    whole["examples"] = [{**whole["examples"][0], "split": ""}]
    lost = {**rule_of("mask-hole", "not-evaluated"), "reason": "a worker died over it"}
    shards = [{"path": f"{name}.parquet", "rows": 20} for name in "ab"]

    text = html.render(report_of({"sft": [split_of("train", [whole, lost], shards=shards)]}))

    assert "the split as a whole" in text
    assert "a worker died over it" in text
    assert re.search(r"files\W+<[^>]*>\W*2\b", text) or ">2<" in text
