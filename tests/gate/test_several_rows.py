"""Rules that compare rows: repeated rows of a split, and rows that two splits share."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_pretok.scan import compare_splits
from tests.support.containers import WRITERS
from tests.support.examples import examples
from tests.support.rows import KNOWN, clean_rows
from tests.support.slow_reader import violations
from tests.support.verdicts import judge, rows_by_rule, scan, scan_rows

SEEDS = st.integers(0, 2**32)


@pytest.mark.parametrize("container", WRITERS)
@given(seed=SEEDS, count=st.integers(2, 30))
@examples(15)
def test_duplicate_rows(container: str, seed: int, count: int) -> None:
    """Every repetition of an earlier row is reported with it, the first of them is not."""
    rng = random.Random(seed)
    rows = clean_rows(count, rng)
    chosen = sorted(rng.sample(range(count), rng.randint(1, count)))
    source = rows[chosen[0]]
    rows = [dict(source) if i in chosen else row for i, row in enumerate(rows)]

    found = scan_rows(WRITERS[container], rows, rng)

    assert rows_by_rule(found).get("duplicate-rows", []) == chosen[1:]
    assert {e.found for e in found.findings["duplicate-rows"].examples} <= {f"train[{chosen[0]}]"}


@given(seed=SEEDS, count=st.integers(2, 20))
@examples(40)
def test_nearly_equal_rows(seed: int, count: int) -> None:
    """Rows that differ in one id, in one label or in length alone are no duplicates; rows that
    differ in the mask alone are.
    """
    rng = random.Random(seed)
    rows = clean_rows(1, rng)
    for _ in range(count):
        ids, labels = list(rows[0]["input_ids"]), list(rows[0]["labels"])
        at = rng.randrange(len(ids))
        match rng.randrange(3):
            case 0:
                ids[at] = 3 + rng.randrange(990)
            case 1:
                labels[at] = -100 if labels[at] != -100 else ids[at]
            case _:
                ids, labels = ids[:at], labels[:at]
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels})
    rows.append({**rows[0], "attention_mask": [0, *rows[0]["attention_mask"][1:]]})

    found = rows_by_rule(scan_rows(WRITERS["parquet-shards"], rows, rng))

    expected = violations(rows, KNOWN["all"])["duplicate-rows"]
    assert found["duplicate-rows"] == sorted(expected)
    conflicts = violations(rows, KNOWN["all"]).get("conflicting-labels", {})
    assert found.get("conflicting-labels", []) == sorted(conflicts)
    assert len(rows) - 1 in expected


@pytest.mark.parametrize("container", WRITERS)
@given(seed=SEEDS, count=st.integers(1, 20))
@examples(8)
def test_split_overlap(container: str, seed: int, count: int) -> None:
    """Rows of the later split that stand in the earlier one are counted, by ids alone."""
    rng = random.Random(seed)
    train, test = clean_rows(count, rng), clean_rows(count, random.Random(seed + 1))
    chosen = sorted(rng.sample(range(count), rng.randint(0, count)))
    for i in chosen:
        other = train[rng.randrange(count)]
        test[i] = {**other, "labels": [-100, *other["input_ids"][1:]]}
    with tempfile.TemporaryDirectory() as folder:
        scans = []
        for name, rows in (("train", train), ("test", test)):
            (Path(folder) / name).mkdir()
            paths = WRITERS[container](Path(folder) / name, rows, rng)
            scans.append(scan(paths, split=name))
        finding = compare_splits(scans, judge(), engine=1)

        assert finding.violations == len(chosen)
        assert [example.row for example in finding.examples] == chosen[:3]
        assert {example.split for example in finding.examples} <= {"test"}


@pytest.mark.parametrize(("length", "counts"), [(15, 0), (16, 1), (17, 1)])
def test_short_rows_may_stand_in_two_splits(length: int, counts: int, tmp_path: Path) -> None:
    """Rows of 16 tokens or more are compared across splits, shorter ones recur by nature."""
    ids = list(range(3, 3 + length))
    row = {"input_ids": ids, "attention_mask": [1] * length, "labels": ids}
    scans = []
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
        paths = WRITERS["parquet"](tmp_path / name, [row], random.Random(1))
        scans.append(scan(paths, split=name))

    assert compare_splits(scans, judge(), engine=1).violations == counts


def test_a_tie_of_shifts(tmp_path: Path) -> None:
    """Where ids alternate, shifts of one to either side fit alike: the positive one is named."""
    ids = [3, 4] * 12
    labels = [-100, *(7 - token for token in ids[1:-1]), -100]
    labels[10] = 5  # no shift fits wholly, so that shares are compared
    row = {"input_ids": ids, "attention_mask": [1] * 24, "labels": labels}

    found = scan(WRITERS["parquet"](tmp_path, [row], random.Random(1)))

    assert rows_by_rule(found) == {"labels-shifted": [0]}
    assert (found.findings["labels-shifted"].cause or "").startswith("k = +1")
