"""The baseline: its file, what it allows, what an update changes, and no way past it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretok_schemas.findings import Finding, Outcome
from pretok_schemas.rules import NAMES
from pytest_pretok import baseline
from pytest_pretok.baseline import (
    BaselineError,
    Baselines,
    Key,
    Known,
    Standing,
    dump,
    merge,
    parse,
)
from pytest_pretok.checks import Checks, Options, offered_rules
from pytest_pretok.plan import Plan, PlannedDataset
from pytest_pretok.planning import Request, make_plan
from pytest_pretok.report import known
from pytest_pretok.report.records import Records
from tests.plugin.data import clean_rows, declare, write

SIZES = st.integers(1, 10**9)
KNOWN = st.tuples(SIZES, SIZES).map(lambda pair: Known(min(pair), max(pair)))
KEYS = st.builds(
    Key,
    st.sampled_from(["dataset", "file"]),
    st.text(max_size=4),
    st.sampled_from(["", "train", "test"]),
    st.sampled_from(["mask-hole", "too-long", "split-overlap", "no-rows", "of-a-later-version"]),
)
ENTRIES = st.dictionaries(KEYS, KNOWN, max_size=6)


# -- what it allows


@given(KNOWN, st.integers(0, 10**9), st.integers(0, 10**9))
@settings(deadline=None)
def test_shares_are_compared_exactly(one: Known, violations: int, total: int) -> None:
    """Rows are no worse if their share, as a fraction, is no greater."""
    worse = Fraction(violations, max(total, 1)) > Fraction(one.violations, one.total)
    if total == 0:
        worse = violations > 0

    assert (violations <= one.allows(total, "row")) is not worse


def test_shares_beyond_the_reach_of_floats() -> None:
    """Where floats are equal, one row more is still one row too many."""
    one = Known(10**17, 10**18)

    assert one.violations / one.total == (one.violations + 1) / one.total
    assert one.allows(one.total, "row") == one.violations


@pytest.mark.parametrize("unit", ["file", "split"])
@pytest.mark.parametrize("total", [1, 3, 1000])
def test_files_and_splits_are_counted(unit: str, total: int) -> None:
    """A rule about files or a split is allowed as many as were known, however many there are."""
    assert Known(1, 3).allows(total, unit) == 1


@pytest.mark.parametrize(("max_rows", "allowed"), [(None, 10), (3, 10), (30, 30)])
def test_budget_or_baseline(max_rows: int | None, allowed: int) -> None:
    """Whichever allows more."""
    assert baseline.Allowance(max_rows, None, Known(5, 50)).allowed(100) == allowed


def test_unreadable_files_are_never_loosened() -> None:
    """Not even an update takes a file that cannot be read for known."""
    dataset = PlannedDataset("sft", "x", {"rules": {}}, (), "pyproject.toml:1", 1, "b.json")
    plan = Plan((dataset,), (), {"b.json": dump({})})

    loosened = Baselines(plan, updating=True).loosen(dataset, "train", None)

    assert set(NAMES) - loosened.keys() == {"unreadable-file"}
    assert Baselines(plan).loosen(dataset, "train", None) == {}


# -- the file


@given(ENTRIES)
@settings(deadline=None)
def test_round_trip(entries: dict[Key, Known]) -> None:
    """What is written is read again, and does not depend on the order in which it was found."""
    text = dump(entries)

    assert parse(text.encode()) == entries
    assert dump(dict(reversed(entries.items()))) == text
    assert text.isascii()


def test_text_of_a_file() -> None:
    """One line a finding, sorted; nothing but the version and the findings."""
    overlap = (
        '"dataset": "sft", "split": null, "rule": "split-overlap", "violations": 2, "total": 5'
    )
    hole = '"dataset": "sft", "split": "train", "rule": "mask-hole", "violations": 3, "total": 20'
    undeclared = '"file": "\\u00e4.jsonl", "split": "a", "rule": "x", "violations": 1, "total": 6'
    text = dump(
        {
            Key("file", "ä.jsonl", "a", "x"): Known(1, 6),
            Key("dataset", "sft", "train", "mask-hole"): Known(3, 20),
            Key("dataset", "sft", "", "split-overlap"): Known(2, 5),
        }
    )

    assert text.splitlines() == [
        "{",
        '  "version": 1,',
        '  "findings": [',
        f"    {{{overlap}}},",
        f"    {{{hole}}},",
        f"    {{{undeclared}}}",
        "  ]",
        "}",
    ]
    assert dump({}) == '{\n  "version": 1,\n  "findings": []\n}\n'


GOOD: dict[str, Any] = {
    "dataset": "sft",
    "split": "train",
    "rule": "mask-hole",
    "violations": 1,
    "total": 6,
}


def with_entry(**changes: object) -> bytes:
    """A baseline of one finding, changed."""
    return json.dumps({"version": 1, "findings": [{**GOOD, **changes}]}).encode()


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "no valid JSON, line 1"),
    "cut": (dump({Key(*("dataset", "a", "b", "c")): Known(1, 2)}).encode()[:-9], "no valid JSON"),
    "merge": (b'{\n<<<<<<< ours\n"version": 1}', "line 2; a merge left its marks"),
    "encoding": (b'{"version": "\xff"}', "it is not UTF-8"),
    "mark": (b'\xef\xbb\xbf{"version": 1, "findings": []}', "no valid JSON"),
    "nested": (b"[" * 100_000, "nested too deeply"),
    "digits": (b'{"version": ' + b"1" * 5000 + b"}", "thousands of digits"),
    "list": (b"[1]", "it has no version"),
    "number": (b"1", "it has no version"),
    "no-version": (b'{"findings": []}', "it has no version"),
    "later": (b'{"version": 2, "findings": []}', "has version 2; this pytest-pretok reads"),
    "true": (b'{"version": true, "findings": []}', "has version True"),
    "float": (b'{"version": 1.0, "findings": []}', "has version 1.0"),
    "text": (b'{"version": "\\u001b[2J", "findings": []}', "has version '\\x1b[2J'"),
    "no-findings": (b'{"version": 1}', "expected the keys"),
    "other-key": (b'{"version": 1, "findings": [], "x": 1}', "expected the keys"),
    "table": (b'{"version": 1, "findings": {}}', "expected the keys"),
    "key-twice": (b'{"version": 1, "findings": [], "findings": []}', "a key twice"),
    "entry": (b'{"version": 1, "findings": [1]}', "finding 1 needs the keys"),
    "entry-key": (with_entry(path="/x"), "and no others"),
    "both": (with_entry(file="x"), "and no others"),
    "no-text": (with_entry(dataset=1), "are text"),
    "no-split": (with_entry(split=""), "split may be null"),
    "list-split": (with_entry(split=[]), "split may be null"),
    "rule": (with_entry(rule=None), "are text"),
    "none": (with_entry(violations=0), "at least 1"),
    "negative": (with_entry(violations=-5), "at least 1"),
    "too-many": (with_entry(violations=7), "at most total"),
    "endless": (with_entry(violations=1, total=10**40), "at most total"),
    "half": (with_entry(violations=0.5), "whole numbers"),
    "bool": (with_entry(violations=True), "whole numbers"),
    "nan": (with_entry(total=float("nan")), "whole numbers"),
    "unread": (with_entry(rule="unreadable-file"), "cannot be known, only repaired"),
    "twice": (
        json.dumps({"version": 1, "findings": [GOOD, {**GOOD, "violations": 2}]}).encode(),
        "it has sft [train] mask-hole twice",
    ),
}


@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files(content: bytes, message: str) -> None:
    """What is no sound baseline is refused with one line, safe for a terminal."""
    with pytest.raises(BaselineError) as caught:
        parse(content)

    text = str(caught.value)
    assert message in text
    assert text.isprintable()
    assert len(text) < 300


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is told apart from one that cannot be used."""
    assert baseline.read(tmp_path / "x.json") is None
    assert baseline.read(tmp_path / ("x" * 5000)) is None
    with pytest.raises(BaselineError, match="no regular file"):
        baseline.read(tmp_path)


# -- what an update changes


@given(ENTRIES, st.dictionaries(KEYS, st.none() | KNOWN, max_size=6), st.sets(KEYS))
@settings(deadline=None)
def test_a_part_updates_its_part(
    old: dict[Key, Known], seen: dict[Key, Known | None], unsettled: set[Key]
) -> None:
    """What was looked at becomes what was found; all else stays; every change is told."""
    entries, changes = merge(old, seen, unsettled)

    assert {key: entries.get(key) for key in seen} == seen
    assert {k: v for k, v in entries.items() if k not in seen} == {
        k: v for k, v in old.items() if k not in seen
    }
    told = {change.key for change in changes if change.word != "as it was"}
    assert told == {key for key in {*old, *entries} if old.get(key) != entries.get(key)}


def test_a_whole_dataset_is_written_anew() -> None:
    """Of a dataset checked whole, entries that stand for nothing go; those unread stay."""
    gone, unread, other = (
        Key("dataset", "a", "gone", "mask-hole"),
        Key("dataset", "a", "train", "mask-hole"),
        Key("dataset", "b", "gone", "mask-hole"),
    )
    old = {key: Known(1, 2) for key in (gone, unread, other)}

    entries, changes = merge(old, {}, {unread}, {("dataset", "a")})

    assert set(entries) == {unread, other}
    assert [str(change) for change in changes] == ["gone: a [gone] mask-hole: 1 of 2"]


@pytest.mark.parametrize(
    ("rule", "new", "word"),
    [
        ("mask-hole", Known(2, 10), "as it was"),
        ("mask-hole", Known(4, 20), "restated"),
        ("mask-hole", Known(3, 20), "shrank"),
        ("mask-hole", Known(2, 9), "grew"),
        ("missing-column", Known(2, 20), "restated"),
        ("missing-column", Known(3, 20), "grew"),
        ("missing-column", Known(1, 1), "shrank"),
    ],
)
def test_words(rule: str, new: Known, word: str) -> None:
    """Rows grow and shrink by share, files by number."""
    key = Key("dataset", "a", "train", rule)

    assert [change.word for change in merge({key: Known(2, 10)}, {key: new})[1]] == [word]


# -- the property: an update makes the next run clean, and one row more fails it

Row = dict[str, Any]
FAULTS: dict[str, Callable[[Row], object]] = {
    "label-not-input-id": lambda row: row["labels"].__setitem__(-2, row["labels"][-2] + 1),
    "mask-hole": lambda row: row["attention_mask"].__setitem__(5, 0),
    "mask-values": lambda row: row["attention_mask"].__setitem__(5, 7),
    "ignore-index-in-ids": lambda row: row["input_ids"].__setitem__(4, -100),
    "null-row": lambda row: row.__setitem__("labels", None),
    "length-mismatch": lambda row: row["labels"].pop(),
    "empty-row": lambda row: row.update({name: [] for name in row}),
}


def broken_row(number: int, fault: str | None) -> Row:
    """A row like no other, with one fault."""
    row = clean_rows(1, seed=number + 1)[0]
    if fault is not None:
        FAULTS[fault](row)
    return row


def check(folder: Path, update: bool = False) -> dict[str, tuple[Finding, Standing | None]]:
    """The findings of a declared dataset, by rule; with ``update`` its baseline is written."""
    request = Request(root=folder, cwd=folder, paths=(str(folder),), update_baseline=update)
    plan = make_plan(request)
    rules = offered_rules(plan.datasets[0].settings)
    options = Options(1, 1, False, update)
    checks = Checks(plan, options, lambda: {(0, "train"): frozenset(rules)})
    records = Records(plan)
    found = {}
    for rule in set(rules) - {"split-overlap"}:
        finding, standing = found[rule] = checks.weighed(0, "train", rule)
        record = {"dataset": 0, "split": "train", "only": None, "id": rule, "scan": None}
        plain = standing and standing.to_dict()
        records.add({**record, "finding": finding.to_dict(), "baseline": plain}, "passed")
    if update:
        assert all(done.error is None for done in known.update(records, False))
    return found


def not_passed(found: dict[str, tuple[Finding, Standing | None]]) -> set[str]:
    """The rules that do not pass."""
    return {rule for rule, (finding, _) in found.items() if finding.outcome is not Outcome.PASSED}


@given(
    st.lists(st.none() | st.sampled_from(sorted(FAULTS)), max_size=12),
    st.sampled_from(sorted(FAULTS)),
)
@settings(deadline=None, max_examples=25)
def test_updating_makes_clean_and_one_row_more_fails(faults: list[str | None], more: str) -> None:
    """After an update nothing fails; with one more violating row, of any rule, that rule does."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        declare(
            folder,
            """
            [tool.pretok]
            baseline = "b.json"
            [tool.pretok.datasets.sft]
            path = "a.parquet"
            """,
        )
        rows = [broken_row(number, fault) for number, fault in enumerate([None, *faults])]
        write(folder / "a.parquet", rows)

        check(folder, update=True)
        again = check(folder)
        tolerated = {
            rule for rule, (_, standing) in again.items() if standing and standing.tolerated
        }
        assert not_passed(again) == set()
        assert tolerated == {fault for fault in faults if fault is not None}
        text = (folder / "b.json").read_text(encoding="utf-8")
        check(folder, update=True)
        assert (folder / "b.json").read_text(encoding="utf-8") == text

        write(folder / "a.parquet", [*rows, broken_row(99, more)])
        assert not_passed(check(folder)) == {more}


@pytest.mark.parametrize(("count", "last"), [(20, "new: s19 "), (21, "... and 1 more change")])
def test_a_summary_of_many_changes(count: int, last: str) -> None:
    """Twenty are told one by one, and then how many more there are."""
    seen = {Key("dataset", f"s{n:02}", "train", "mask-hole"): Known(1, 2) for n in range(count)}
    done = known.Update("/x/b.json", tuple(merge({}, dict(seen))[1]))

    lines = known.update_lines([done], Path("/x"), 100)

    assert lines[0] == f"BASELINE UPDATED, b.json: {count} new"
    assert len(lines) == 1 + min(count, 21)
    assert lines[-1].strip().startswith(last)
