"""Tables in memory are judged as files of the same rows are, by a slow reader and by the plugin."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretok_schemas import Report, validate
from pretok_schemas.findings import Finding, Outcome
from pretok_schemas.rendering import REST, render
from tests.gate.test_mixtures import names_for, piled
from tests.support.containers import jsonl, parquet
from tests.support.corruptions import CORRUPTIONS
from tests.support.examples import examples
from tests.support.frames import FRAMES, OBJECTS
from tests.support.rows import KNOWN, Known, clean_rows
from tests.support.slow_reader import violations
from tests.support.verdicts import scan

SEEDS = st.integers(0, 2**32)
# What the types of a column tell beside its values.
OF_TYPES = {"narrow-integer"}


def checked(data: Any, known: Known, **more: Any) -> Report:
    """The report on a table of rows as `support.rows` makes them."""
    return validate(
        data,
        vocab_size=known.vocab,
        bos_token_id=known.bos,
        eos_token_ids=known.eos,
        pad_token_id=known.pad,
        sequence_len=known.sequence_len,
        min_sample_len=known.min_sample_len,
        every=True,
        **{"split": "train", **more},
    )


def rows_of(report: Report) -> dict[str, list[int]]:
    """The violating rows of each rule; -1 for the table as a whole."""
    found = {}
    for rule, finding in report.findings.items():
        if finding.violations and rule not in OF_TYPES:
            rows = report.rows(rule).tolist()
            assert finding.unit != "row" or len(rows) == finding.violations
            found[rule] = rows if finding.unit == "row" else [-1]
    return found


@pytest.mark.parametrize("kind", FRAMES)
@given(seed=SEEDS, count=st.integers(1, 25), known=st.sampled_from(sorted(KNOWN)))
@examples(40)
def test_mixtures(kind: str, seed: int, count: int, known: str) -> None:
    """Corruptions of any kind, several at once: the slow reader agrees on every row."""
    rng = random.Random(seed)
    names = names_for("jsonl" if kind in OBJECTS else "parquet")
    rows = [piled(row, names, rng) for row in clean_rows(count, rng)]
    expected = violations(rows, KNOWN[known])

    report = checked(FRAMES[kind](rows, rng), KNOWN[known])

    assert rows_of(report) == {rule: sorted(faults) for rule, faults in expected.items()}
    assert report.ok == all(f.outcome is not Outcome.FAILED for f in report.findings.values())


def without_lines(finding: Finding) -> Finding:
    """A finding less the lines of a file, which a table does not have."""
    return replace(finding, examples=tuple(replace(one, line=None) for one in finding.examples))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_plugin_says_the_same(name: str, tmp_path: Path) -> None:
    """Findings and failure texts are those of the plugin on a file of these rows."""
    rng = random.Random(7)
    one = CORRUPTIONS[name]
    known = KNOWN[one.known]
    rows = clean_rows(30, rng)
    if one.dress is not None:
        rows = [one.dress(row, rng) for row in rows]
    many = {"one": 1, "third": 10, "all": 30}
    for at in range(many["third" if "third" in one.shares else one.shares[0]]):
        rows[at] = one.change(rows[at], rng)
    writer, kind = (jsonl, "mapping") if one.json_only else (parquet, "arrow-chunked")
    files = writer(tmp_path, rows, rng)

    plugin = scan(files, known=known)
    report = checked(FRAMES[kind](rows, rng), known, name=files[0].name)

    across = {"split-overlap"}
    assert dict(report.findings) == {
        rule: without_lines(finding)
        for rule, finding in plugin.findings.items()
        if rule not in across
    }
    assert report.failed or report.warned
    for finding in (*report.failed, *report.warned):
        theirs = render(plugin.findings[finding.rule], "train", "axolotl, packing off")
        rest = "validate(..., every=True).rows(RULE) has them all"
        assert report.describe(finding.rule) == theirs.replace(REST, rest)
        assert theirs.splitlines()[0] in str(report)
