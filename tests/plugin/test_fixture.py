"""The fixture `pretok`, for people's own tests of what they tokenise."""

from __future__ import annotations

from pathlib import Path

from tests.plugin.conftest import Run
from tests.plugin.data import clean_rows, declare, faulty_rows, write

TOKENISER = """
def tokenise(prompt, answer, mask=True):
    ids = [1, *prompt, *answer, 2]
    labels = [-100] * (1 + len(prompt)) + [*answer, 2] if mask else [i + 1 for i in ids]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}


def rows(**options):
    return [tokenise([n, n + 1, n + 2], [n + 7, n + 8], **options) for n in range(10, 30)]
"""
TESTS = """
from tokenise import rows

LIKE = {"bos_token_id": 1, "eos_token_ids": [2], "vocab_size": 1000}


def test_rows_are_trainable(pretok):
    pretok.assert_valid(rows(), "axolotl", **LIKE)


def test_labels_are_ids(pretok):
    pretok.assert_valid(rows(mask=False), **LIKE)


def test_the_report(pretok):
    report = pretok.check(rows(mask=False), **LIKE)
    assert [result.rule for result in report.failed] == ["FAILS"]
"""


def test_a_tokenising_function(run: Run, here: Path) -> None:
    """Its rows are checked as they come; a failure shows the caller's line and our text."""
    (here / "tokenise.py").write_text(TOKENISER, encoding="utf-8")
    (here / "test_tokenise.py").write_text(TESTS.replace("FAILS", "label-not-input-id"))
    ran = run("test_tokenise.py", "-p", "no:cacheprovider")

    assert ran.outcomes == {"passed": 2, "failed": 1}
    assert ">       pretok.assert_valid(rows(mask=False), **LIKE)" in ran.text
    assert "pretok_schemas.ContractViolation: 1 failed" in ran.text
    assert "label-not-input-id: 20 of 20 rows" in ran.text
    assert "testing.py" not in ran.text


DECLARED = """
import pytest


def test_sound(pretok):
    pretok.dataset("good").assert_valid()


def test_faulty(pretok):
    report = pretok.dataset("bad").check()
    assert [result.rule for result in report.failed] == ["label-not-input-id"]
    assert report.failed[0].dataset == "bad"
    assert report.to_dict()["datasets"][0]["declared_at"].startswith("pyproject.toml:")


def test_unknown(pretok):
    with pytest.raises(LookupError, match=r"no \\[tool.pretok.datasets.other\\]"):
        pretok.dataset("other").check()


def test_one_for_the_session(pretok, request):
    assert request.getfixturevalue("pretok") is pretok
"""


def test_declared_datasets(run: Run, here: Path) -> None:
    """They are found from pytest's root, whatever the working directory of a test."""
    write(here / "data/good.parquet", clean_rows(30))
    write(here / "data/bad.parquet", faulty_rows(30))
    declare(
        here,
        """
        [tool.pretok.datasets.good]
        path = "data/good.parquet"
        [tool.pretok.datasets.bad]
        path = "data/bad.parquet"
        """,
    )
    (here / "tests").mkdir()
    (here / "tests/test_data.py").write_text(DECLARED, encoding="utf-8")
    ran = run("tests")

    assert ran.outcomes == {"passed": 4}
