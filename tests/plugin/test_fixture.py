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
    with pytest.raises(LookupError, match=r"no \\[tool.pretok.datasets.goood\\].* mean 'good'"):
        pretok.dataset("goood").check()


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


HOOKED = """
def pytest_pretok_rules(config):
    from house import brief_rows
    return [brief_rows]
"""
HOUSE = """
from pretok_schemas import rule

@rule(columns=["input_ids"])
def brief_rows(batch, *, most: int = 5):
    \"\"\"A row is long.\"\"\"
    return batch.view("input_ids").lengths > most
"""
USES = """
from house import HOUSE_ROWS


def test_an_object(pretok):
    assert [one.rule for one in pretok.check(HOUSE_ROWS).failed] == ["brief-rows"]
    assert pretok.check(HOUSE_ROWS, rules={"brief-rows": {"most": 99}}).ok


def test_a_path(pretok):
    assert [one.rule for one in pretok.check("data/b.parquet").failed] == ["brief-rows"]
    assert pretok.check("data/b.parquet", rules={"brief-rows": {"most": 99}}).ok
    assert pretok.check("data/b.parquet", rules={"plain": "off", "brief-rows": "off"}).ok


def test_a_declared_one(pretok):
    pretok.dataset("lenient").assert_valid()
    assert [one.rule for one in pretok.dataset("strict").check().failed] == ["brief-rows"]


def test_misspelt(pretok):
    pretok.check("data/b.parquet", rules={"brief-row": "off"})
"""


def test_rules_of_hooks_and_declarations(run: Run, here: Path) -> None:
    """What holds for the data in pytest holds for objects, paths and declared data in tests."""
    for name in "ab":
        write(here / f"data/{name}.parquet", clean_rows(12))
    declare(
        here,
        """
        [tool.pretok]
        plugins = ["plain"]
        [tool.pretok.datasets.lenient]
        path = "data/a.parquet"
        rules = { brief-rows = { most = 99 } }
        [tool.pretok.datasets.strict]
        path = "data/a.parquet"
        """,
    )
    (here / "conftest.py").write_text(HOOKED, encoding="utf-8")
    rows = f"\nHOUSE_ROWS = {clean_rows(12)!r}\n"
    (here / "house.py").write_text(HOUSE + rows, encoding="utf-8")
    (here / "plain.py").write_text(
        "from pretok_schemas import rule\n\n@rule\ndef plain(batch):\n    return []\n"
    )
    (here / "test_rows.py").write_text(USES, encoding="utf-8")
    ran = run("test_rows.py", subprocess=True)

    assert ran.outcomes == {"passed": 3, "failed": 1}, ran.text
    assert "rules.brief-row: unknown rule; did you mean 'brief-rows'?" in ran.text
    assert '>       pretok.check("data/b.parquet", rules={"brief-row": "off"})' in ran.text
    assert "testing.py" not in ran.text
    assert "given.py" not in ran.text
