"""The HTML report: what stands on the page, in a parser and in a browser."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from pytest_pretok.report import formats, html
from tests.plugin.conftest import Run
from tests.plugin.data import FAULT, clean_rows, declare, faulty_rows, write
from tests.support import toy_tokenizers as toys
from tests.support.browser import Browser
from tests.support.pages import attributes, elements, parsed, text_of

HOSTILE = (
    "<script>alert(1)<\\script>\"'><img src=x onerror=alert(2)>\x1b[31m\u202e\u2028\n&lt;{{7*7}}"
)
WIDTHS = (400, 1400)


@pytest.fixture
def mixed(here: Path) -> Path:
    """A faulty, a warned and a clean dataset, one of them with two splits."""
    declare(
        here,
        """
        [tool.pretok.datasets.sft]
        splits = { train = "a.parquet", test = "b.jsonl" }
        sequence-len = 30

        [tool.pretok.datasets.other]
        path = "c.parquet"
        """,
    )
    rows = faulty_rows(12, seed=1)
    rows[3]["attention_mask"][4] = 0  # two rules report this row
    write(here / "a.parquet", rows)
    write(here / "b.jsonl", clean_rows(1, seed=1) + clean_rows(4, seed=2))
    write(here / "c.parquet", clean_rows(8, seed=3) + clean_rows(1, seed=3))
    return here


def page_of(run: Run, here: Path, *arguments: str) -> tuple[Any, dict[str, Any]]:
    """The page of a run, parsed, and its JSON report."""
    run("--pretok-data=.", "--pretok-report=r.html", "--pretok-report=r.json", *arguments)
    report: dict[str, Any] = json.loads((here / "r.json").read_text(encoding="utf-8"))
    return parsed((here / "r.html").read_text(encoding="utf-8")), report


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_structure(run: Run, here: Path, workers: str) -> None:
    """The verdict, every dataset, every split, and every finding of the JSON report; no other."""
    page, report = page_of(run, here, workers)
    broken = [
        rule["rule"]
        for dataset in report["datasets"]
        for rules in (dataset["rules"], *(split["rules"] for split in dataset["splits"]))
        for rule in rules
        if rule["violations"]
    ]

    assert [text_of(h) for h in elements(page, "h1")] == [
        "Not fit to train on: 1 of 2 datasets breaks 3 rules."
    ]
    assert [text_of(h) for h in elements(page, "h2")] == [d["name"] for d in report["datasets"]]
    assert sorted(text_of(code) for code in elements(page, "code", "tone")) == sorted(broken)
    assert sorted(broken) == ["duplicate-rows", FAULT, "mask-hole", "split-overlap"]
    assert len(elements(page, "svg")) == 2 * sum(len(d["splits"]) for d in report["datasets"])


@pytest.mark.usefixtures("mixed")
def test_a_window(run: Run, here: Path) -> None:
    """The value at fault is marked, under its position, among its neighbours."""
    page, report = page_of(run, here)
    rules = report["datasets"][0]["splits"][0]["rules"]
    example = next(rule for rule in rules if rule["rule"] == FAULT)["examples"][0]
    finding = next(
        a for a in elements(page, "article") if text_of(elements(a, "code", "tone")[0]) == FAULT
    )
    lines = {
        text_of(elements(line, "th")[0]): [text_of(cell) for cell in elements(line, "td")]
        for line in elements(finding, "tr")
    }
    at = lines["position"].index(str(example["position"]))

    assert [text_of(mark) for mark in elements(finding, "mark")] == [str(example["found"])]
    assert lines["labels"][at] == str(example["found"])
    assert lines["input_ids"][at] == str(example["expected"])
    assert [text_of(b) for b in elements(finding, "b")] == [str(example["position"])]


@pytest.mark.usefixtures("mixed")
def test_rows_that_two_rules_report(run: Run, here: Path) -> None:
    """The matrix has the pair that one row makes, and the rows of each rule."""
    page, report = page_of(run, here)
    matrix = elements(page, "div", "matrix")
    lines = [[text_of(c) for c in elements(m, "td")[1:]] for m in matrix]

    assert report["datasets"][0]["splits"][0]["together"] == [
        {"rules": ["mask-hole", FAULT], "rows": 1}
    ]
    assert lines == [["1", "1", "1"]]


def test_a_clean_page(run: Run, here: Path) -> None:
    """On clean data the page says so, and holds no finding."""
    write(here / "a.parquet", clean_rows())
    page, _ = page_of(run, here)

    assert text_of(elements(page, "h1")[0]) == "Fit to train on: a.parquet breaks no rule."
    assert not elements(page, "article")
    assert not elements(page, "div", "matrix")


def test_a_run_cut_short(run: Run, here: Path) -> None:
    """Clean as far as it was read is no clean run."""
    write(here / "a.parquet", clean_rows())
    (here / "test_own.py").write_text("def test_own(): assert 0\n", encoding="utf-8")
    page, _ = page_of(run, here, "test_own.py", "-x")

    assert "cut short" in text_of(elements(page, "h1")[0])


@pytest.fixture
def hostile(here: Path) -> Path:
    """Names of files and columns, and the text of tokens, that would run or hide if they could."""
    tokenizer = toys.byte_level()
    toys.save(tokenizer, here / "model")
    text = "<\x1b[31m</td><script>alert(1)</script>\u202e<b onclick=x>"
    ids = [*tokenizer.encode(text).ids, tokenizer.token_to_id("<|eot_id|>")]
    rows = []
    for number in range(40):
        at = number % (len(ids) - 2)
        labels = [-100, *ids[1:]]
        labels[at + 1] += 1
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels})
    column = json.dumps(HOSTILE)
    declare(
        here,
        f"""
        [tool.pretok]
        tokenizer = "model"
        [tool.pretok.datasets.sft]
        path = "data/*.jsonl"
        columns = {{ input_ids = {column} }}
        rules = {{ extra-column = "error" }}
        """,
    )
    renamed = [{HOSTILE if k == "input_ids" else k: v for k, v in r.items()} for r in rows]
    write(here / "data" / f"{HOSTILE}.jsonl", renamed)
    write(here / f"x{HOSTILE}.parquet", faulty_rows())
    return here


@pytest.mark.usefixtures("hostile")
def test_hostile_text(run: Run, here: Path) -> None:
    """It is text and visible: no element, no handler and no address comes of it."""
    page, _ = page_of(run, here, "--pretok-examples=40")
    source = (here / "r.html").read_text(encoding="utf-8")
    policies = [
        meta.get("content") or ""
        for meta in elements(page, "meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]

    for tag in ("script", "img", "iframe", "object", "embed", "link", "base", "form"):
        assert elements(page, tag) == [], tag
    for tag, name, value in attributes(page):
        assert not name.startswith("on"), (tag, name)
        assert name not in ("src", "srcset", "action", "data"), (tag, name)
        assert name != "href" or value.startswith("#"), (tag, value)
    assert all(character.isprintable() or character == "\n" for character in source)
    assert "url(" not in source
    assert "@import" not in source
    assert [policy.split(";")[0] for policy in policies] == ["default-src 'none'"]
    shown = text_of(page)
    assert "<script>alert(1)<\\script>\"'><img src=x onerror=alert(2)>\\x1b[31m" in shown
    assert "\\u202e" in shown
    assert "{{7*7}}" in shown
    cells = {text_of(cell) for cell in elements(page, "td")}
    assert {'"<"', '"\\u001b"', '"["'} <= cells


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_a_missing_package(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    """Before anything is read, one line says which package, and how to install it."""
    write(here / "a.parquet", clean_rows())
    find = formats.find_spec
    monkeypatch.setattr(formats, "find_spec", lambda n: None if n == package else find(n))
    ran = run("--pretok-data=.", "--pretok-report=r.html")

    assert ran.code == 4
    assert (
        f"the package {package} is not installed; pip install 'pytest-pretok[report]'" in ran.text
    )
    assert not (here / "r.html").exists()


# -- in a browser


@pytest.mark.usefixtures("hostile")
def test_in_a_browser(run: Run, here: Path, chromium: Browser) -> None:
    """In a narrow window and a wide one, by day and by night (one run: it is the dear part)."""
    run("--pretok-data=.", "--pretok-report=r.html", "--pretok-examples=9")

    for width, dark in product(WIDTHS, (False, True)):
        opens_well(chromium, here / "r.html", width, dark)


def opens_well(chromium: Browser, page: Path, width: int, dark: bool) -> None:
    """The page opens without a complaint or a request, has its pictures, and fits its window."""
    chromium.open(page, width, dark=dark)
    boxes = chromium.tell(
        "[...document.querySelectorAll('svg')].map(svg => [svg, ...svg.querySelectorAll('path')]"
        ".map(node => { const box = node.getBoundingClientRect();"
        " return Math.max(box.width, 0) + Math.max(box.height, 0); }))"
    )
    paper, bar = chromium.tell(
        "['body', 'svg path[style*=bar]'].map(name => getComputedStyle("
        "document.querySelector(name))[name == 'body' ? 'backgroundColor' : 'fill'])"
    )
    brightness = sum(map(int, paper.strip("rgb()").split(",")))

    assert chromium.complaints == []
    assert chromium.requests == [page.as_uri()]
    assert chromium.tell("document.documentElement.scrollWidth") <= width
    assert len(boxes) == 4
    assert all(len(sizes) > 2 and min(sizes) > 0 for sizes in boxes)
    assert bar.startswith("rgb(")
    assert brightness < 150 if dark else brightness > 600
    assert chromium.tell("document.querySelectorAll('details').length") > 0


@pytest.mark.usefixtures("mixed")
def test_on_paper(run: Run, here: Path, chromium: Browser) -> None:
    """On paper a page is light whatever the screen is, and nothing stays folded."""
    run("--pretok-data=.", "--pretok-report=r.html")
    chromium.open(here / "r.html", 800, dark=True)
    visible = "document.querySelector('details p').checkVisibility()"
    on_screen = chromium.tell(visible)
    chromium.call(
        "Emulation.setEmulatedMedia",
        media="print",
        features=[{"name": "prefers-color-scheme", "value": "dark"}],
    )
    ink = "getComputedStyle(document.body).color + getComputedStyle(document.body).colorScheme"

    assert not on_screen
    assert chromium.tell(visible)
    assert chromium.tell(ink) == "rgb(33, 32, 28)light only"


def test_the_policy_holds(tmp_path: Path, chromium: Browser) -> None:
    """A script that got into the page nevertheless would not run, and be complained of."""
    text = html.render(
        {"tool": "x", "ok": True, "complete": True, "not_checked": [], "datasets": []}
    )
    page = tmp_path / "r.html"
    planted = "<script>document.title = 'ran'</script><img src='https://example.org/x.png'>"
    page.write_text(text.replace("<main>", f"<main>{planted}"), encoding="utf-8")
    chromium.open(page, 1400)

    assert chromium.tell("document.title") != "ran"
    assert any("Content Security Policy" in complaint for complaint in chromium.complaints)
