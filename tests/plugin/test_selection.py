"""pytest's own ways to choose tests choose rules, and never turn a violation into a pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.conftest import Ran, Run
from tests.plugin.data import (
    FAULT,
    clean_rows,
    declare,
    faulty_rows,
    overlapping_rows,
    shards,
    write,
)


def failed_ids(ran: Ran) -> set[str]:
    """The ids that the short summary names as failed."""
    return {line.split()[1] for line in ran.lines if line.startswith("FAILED")}


def cut(path: Path, share: float = 0.9) -> None:
    """Take the end of a file away."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def warned_rows() -> list[dict[str, list[int]]]:
    """Rows that break one rule of severity "warning"."""
    return clean_rows(4) + clean_rows(1)


@pytest.fixture
def two(here: Path) -> Path:
    """A declared dataset whose two splits are faulty, and a faulty file of its own."""
    declare(
        here,
        """
        [tool.pretok.datasets.sft]
        splits = { train = "sft/a.parquet", test = "sft/b.parquet" }
        """,
    )
    write(here / "sft/a.parquet", faulty_rows(seed=1))
    write(here / "sft/b.parquet", faulty_rows(seed=2))
    write(here / "data/one.parquet", faulty_rows(seed=3))
    return here


TWO_FAILED = {
    f"pyproject.toml::sft::{FAULT}[train]",
    f"pyproject.toml::sft::{FAULT}[test]",
    f"data/one.parquet::{FAULT}",
}


@pytest.mark.usefixtures("two")
def test_by_keyword(run: Run, workers: str) -> None:
    """-k chooses rules by name, on every split."""
    ran = run("--pretok-data=.", "-k", FAULT, "-rf", workers)

    assert ran.code == 1
    assert ran.outcomes["failed"] == 3
    assert "passed" not in ran.outcomes
    assert failed_ids(ran) == TWO_FAILED


@pytest.mark.usefixtures("two")
def test_by_keyword_and_split(run: Run) -> None:
    """-k chooses a split by its brackets."""
    ran = run("--pretok-data=.", "-k", f"{FAULT}[test]", "-rf")

    assert failed_ids(ran) == {f"pyproject.toml::sft::{FAULT}[test]"}


@pytest.mark.usefixtures("two")
def test_by_marker(run: Run, here: Path) -> None:
    """-m pretok chooses all rules; -m "not pretok" leaves all of them out."""
    (here / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    strict = "--strict-markers"

    assert run(".", "--pretok-data=.", "-m", "pretok", strict).outcomes["failed"] == 3
    other = run(".", "--pretok-data=.", "-m", "not pretok", strict)
    assert other.code == 0
    assert other.outcomes["passed"] == 1


TIMEOUT = """
import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "timeout(seconds)")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    marks = [item.get_closest_marker("timeout") for item in items]
    print("LIMITS", {5 if mark is None else mark.args[0] for mark in marks})
"""


@pytest.mark.usefixtures("two")
def test_a_limit_on_tests(run: Run, here: Path, pytester: pytest.Pytester) -> None:
    """What pytest-timeout allows a test is not what a scan may take: it has no limit."""
    (here / "timeout.py").write_text(TIMEOUT, encoding="utf-8")
    (here / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    pytester.syspathinsert()
    words = ("-p", "timeout", "--strict-markers", "-s")

    assert "LIMITS {5}" in run("test_own.py", *words).text
    assert "LIMITS {0}" in run("--pretok-data=data", *words).text


@pytest.mark.usefixtures("two")
def test_deselect(run: Run, workers: str) -> None:
    """--deselect leaves out the items whose ids begin with its value."""
    words = [f"--deselect=data/one.parquet::{FAULT}", f"--deselect=pyproject.toml::sft::{FAULT}"]
    ran = run("--pretok-data=.", *words, workers)

    assert ran.code == 0
    assert ran.outcomes["passed"] > 60


@pytest.mark.usefixtures("two")
def test_deselect_one_split(run: Run) -> None:
    """--deselect with a split leaves the other split in."""
    ran = run("--pretok-data=.", f"--deselect=pyproject.toml::sft::{FAULT}[train]", "-rf")

    assert failed_ids(ran) == TWO_FAILED - {f"pyproject.toml::sft::{FAULT}[train]"}


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(("option", "count"), [("-x", 1), ("--maxfail=2", 2)])
def test_stop_early(run: Run, option: str, count: int) -> None:
    """-x and --maxfail stop after so many violations."""
    ran = run("--pretok-data=.", option)

    assert ran.code == 1
    assert ran.outcomes["failed"] == count


@pytest.mark.usefixtures("two")
def test_stop_early_on_workers(run: Run) -> None:
    """-x with workers ends as an interrupted run, never as a pass."""
    assert run("--pretok-data=.", "-x", "-n2").code in (1, 2)


@pytest.mark.usefixtures("two")
def test_collect_only_reads_no_rows(run: Run, here: Path) -> None:
    """--collect-only lists the items of a damaged file, and judges nothing."""
    cut(here / "data/one.parquet", 0.5)
    ran = run("--pretok-data=data", "--co")

    assert ran.code == 0
    assert f"<RuleItem {FAULT}>" in ran.text


@pytest.fixture
def scattered(two: Path, tmp_path: Path) -> tuple[list[str], set[str]]:
    """Data inside and outside of the root: the options that name it, and what fails."""
    outer = write(tmp_path / "elsewhere/one.parquet", faulty_rows(seed=4))
    shards(outer.parent / "hub", "train", [clean_rows(seed=5), faulty_rows(seed=6)])
    numbered = outer.parent / "hub/train-00000-of-00002.parquet"
    ids = {f"{outer}::{FAULT}", f"{numbered}::{FAULT}[train]"}
    flags = ["--pretok-data=.", f"--pretok-data={outer.parent}", f"--rootdir={two}"]
    return flags, TWO_FAILED | ids


def test_last_failed(run: Run, scattered: tuple[list[str], set[str]], workers: str) -> None:
    """--lf runs exactly what failed: ids with brackets too, inside and outside of the root."""
    flags, expected = scattered
    run("--cache", *flags, "--tb=no", workers)
    again = run("--cache", *flags, "--lf", "-rf", "--tb=no", workers)

    assert again.code == 1
    assert again.outcomes["failed"] == len(expected)
    assert "passed" not in again.outcomes
    assert failed_ids(again) == expected


@pytest.mark.usefixtures("two")
def test_last_failed_after_the_repair(run: Run, here: Path) -> None:
    """--lf passes once the data is repaired, and then runs everything again."""
    write(here / "sft/a.parquet", clean_rows(seed=1))
    write(here / "sft/b.parquet", clean_rows(seed=2))
    run("--cache", "--pretok-data=.")
    write(here / "data/one.parquet", clean_rows(seed=3))
    repaired = run("--cache", "--pretok-data=.", "--lf")
    whole = run("--cache", "--pretok-data=.", "--lf")

    assert repaired.outcomes["passed"] == 1
    assert whole.outcomes["passed"] > 60


@pytest.mark.usefixtures("two")
def test_failed_first(run: Run) -> None:
    """--ff runs what failed first, then the rest."""
    first = run("--cache", "--pretok-data=.", "--tb=no")
    again = run("--cache", "--pretok-data=.", "--ff", "-v", "--tb=no")
    results = [line for line in again.lines if " FAILED " in line or " PASSED " in line]

    assert again.outcomes == first.outcomes
    assert all(" FAILED " in line for line in results[:3])


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    "option", ["--ignore=data", "--ignore=data/one.parquet", "--ignore-glob=*one.parquet"]
)
def test_ignore(run: Run, option: str) -> None:
    """--ignore and --ignore-glob leave undeclared data out."""
    ran = run("--pretok-data=.", option, "-rf")

    assert failed_ids(ran) == TWO_FAILED - {f"data/one.parquet::{FAULT}"}


@pytest.mark.usefixtures("two")
def test_ignoring_everything_is_no_pass(run: Run) -> None:
    """A run whose only data is ignored is a usage error."""
    assert run("--pretok-data=data", "--ignore=data/one.parquet").code == 4


# -- no verdict is no pass


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_one_rule_on_a_truncated_file(run: Run, here: Path, share: float, workers: str) -> None:
    """A rule chosen alone on a truncated file fails and names the cause."""
    cut(write(here / "a.parquet", clean_rows()), share)
    ran = run("--pretok-data=a.parquet", "-k", FAULT, workers)

    assert ran.code == 1
    assert ran.outcomes["failed"] == 1
    assert f"{FAULT}: no verdict" in ran.text
    assert "because of unreadable-file" in ran.text


def test_without_the_rule_that_fails(run: Run, here: Path) -> None:
    """With unreadable-file deselected, every other rule that could not be judged fails."""
    cut(write(here / "a.parquet", clean_rows()), 0.5)
    ran = run("--pretok-data=a.parquet", "--deselect=a.parquet::unreadable-file")

    assert ran.code == 1
    assert "skipped" not in ran.outcomes


def test_rules_skipped_for_a_cause_that_fails(run: Run, here: Path) -> None:
    """In a whole run the cause fails, and what it made meaningless is skipped with the reason."""
    cut(write(here / "a.parquet", clean_rows()), 0.5)
    ran = run("--pretok-data=a.parquet", "-rs")

    assert ran.code == 1
    assert ran.outcomes["failed"] == 1
    assert "no verdict: unreadable-file comes first" in ran.text


def test_overlap_alone(run: Run, here: Path) -> None:
    """split-overlap alone on a set with an unreadable split fails and names the cause."""
    write(here / "train.parquet", clean_rows())
    cut(write(here / "test.parquet", clean_rows(seed=2)), 0.5)
    ran = run("--pretok-data=.", "-k", "split-overlap")

    assert ran.code == 1
    assert "because of unreadable-file" in ran.text


def many_faults() -> list[dict[str, list[int]]]:
    """Rows that break several rules, one row each, and one row that breaks two."""
    rows = clean_rows(12)
    rows[1]["labels"][-1] += 1
    rows[2]["attention_mask"] = [1] * 5 + [0] + [1] * (len(rows[2]["attention_mask"]) - 6)
    rows[3]["labels"] = [-100] * len(rows[3]["labels"])
    rows[4]["input_ids"] = rows[4]["input_ids"][:-1]
    rows[5]["input_ids"][3] = -100
    rows[6] = {"input_ids": [], "attention_mask": [], "labels": []}
    rows[7]["attention_mask"] = [0] * len(rows[7]["attention_mask"])
    rows[8]["attention_mask"][-1] = 0
    rows[9]["labels"] = [*rows[9]["input_ids"][1:], -100]
    rows[10] = {name: list(values) for name, values in rows[0].items()}
    return rows


def test_a_rule_alone_gives_the_same_verdict(run: Run, here: Path) -> None:
    """Each rule run alone gives the verdict and the text that it gives among all others."""
    write(here / "a.parquet", many_faults())
    whole = run("--pretok-data=a.parquet", "-rfs", "--tb=no", "-v")
    verdicts = {}
    for line in whole.lines:
        if line.startswith("a.parquet::") and "%" in line:
            test_id, verdict = line.split()[:2]
            verdicts[test_id] = verdict
    summary = {line.split()[1]: line for line in whole.lines if line.startswith("FAILED")}

    assert len(verdicts) > 20
    assert list(verdicts.values()).count("FAILED") >= 6
    for test_id, verdict in verdicts.items():
        alone = run(test_id, "-rf", "--tb=no")
        assert alone.outcomes == {verdict.lower(): 1} or verdict == "PASSED"
        assert alone.code == (verdict == "FAILED")
        if verdict == "FAILED":
            assert summary[test_id] in alone.lines


# -- warnings


@pytest.fixture
def warned(here: Path) -> Path:
    """A file that breaks a rule of severity "warning", and no other."""
    return write(here / "data/w.parquet", warned_rows())


@pytest.mark.usefixtures("warned")
def test_a_warning_passes_and_is_shown(run: Run, workers: str) -> None:
    """A rule of severity "warning" passes; its text is among pytest's warnings."""
    ran = run("--pretok-data=data", workers)

    assert ran.code == 0
    assert ran.outcomes["warnings"] == 1
    assert "duplicate-rows: 1 of 5 rows" in ran.text
    assert "warned: duplicate-rows" in ran.text


@pytest.mark.usefixtures("warned")
def test_filterwarnings_of_a_repository(run: Run, here: Path, workers: str) -> None:
    """`filterwarnings = error` is about code: warned rules pass all the same."""
    (here / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    ran = run("--pretok-data=data", workers)

    assert ran.code == 0
    assert ran.outcomes["warnings"] == 1


@pytest.mark.usefixtures("warned")
@pytest.mark.parametrize("how", ["error", "error::pytest_pretok.PretokWarning"])
def test_warnings_as_errors(run: Run, how: str, workers: str) -> None:
    """-W error and -W error::pytest_pretok.PretokWarning fail, with the text of a violation."""
    ran = run("--pretok-data=data", "-W", how, "-rf", workers)

    assert ran.code == 1
    assert failed_ids(ran) == {"data/w.parquet::duplicate-rows"}
    assert "duplicate-rows: 1 of 5 rows (20 %), split train; allowed: 0" in ran.text
    assert "FAILED data/w.parquet::duplicate-rows - 1 of 5 rows (20 %) - wasted" in ran.text
    assert "Traceback" not in ran.text


@pytest.mark.usefixtures("warned")
def test_filter_that_names_the_warning(run: Run, here: Path) -> None:
    """A repository can choose that warned rules fail."""
    ini = "[pytest]\nfilterwarnings = error::pytest_pretok.PretokWarning\n"
    (here / "pytest.ini").write_text(ini, encoding="utf-8")

    assert run("--pretok-data=data").code == 1


@pytest.mark.usefixtures("warned")
def test_without_the_warnings_plugin(run: Run) -> None:
    """-p no:warnings hides the text, not the fact."""
    ran = run("--pretok-data=data", "-p", "no:warnings", subprocess=True)

    assert ran.code == 0
    assert "warned: duplicate-rows" in ran.text


@pytest.mark.usefixtures("warned")
def test_severity_of_a_declaration(run: Run, here: Path) -> None:
    """A declaration makes a warning an error, an error a warning, and switches a rule off."""
    write(here / "sft.parquet", warned_rows() + faulty_rows(seed=2))
    head = '[tool.pretok.datasets.sft]\npath = "sft.parquet"\n'
    declare(here, head + f'rules = {{ duplicate-rows = "error", {FAULT} = "warning" }}\n')
    ran = run("pyproject.toml::sft", "-rf")
    assert failed_ids(ran) == {"pyproject.toml::sft::duplicate-rows[train]"}
    assert ran.outcomes["warnings"] == 1

    declare(here, head + f'rules = {{ duplicate-rows = "off", {FAULT} = {{ max-rows = 1 }} }}\n')
    ran = run("pyproject.toml::sft", "-v")
    assert ran.code == 0
    assert "duplicate-rows" not in ran.text


# -- the plugin itself


@pytest.mark.usefixtures("two")
def test_strict_modes(run: Run, here: Path) -> None:
    """Strict markers, configuration and (from pytest 9 on) strict mode change no verdict."""
    strict = ["--strict-markers", "--strict-config"]
    if pytest.version_tuple >= (9,):
        strict += ["-o", "strict=true"]

    assert run("--pretok-data=.", *strict).outcomes["failed"] == 3


@pytest.mark.usefixtures("two")
def test_switched_off(run: Run) -> None:
    """With -p no:pretok the flag is unknown; the run does not pass without checking."""
    ran = run("--pretok-data=.", "-p", "no:pretok", subprocess=True)

    assert ran.code == 4
    assert "--pretok-data" in ran.text


@pytest.mark.usefixtures("two")
def test_named_by_hand(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without autoloaded plugins, -p pytest_pretok.plugin loads it."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    ran = run("--pretok-data=.", "-p", "pytest_pretok.plugin", subprocess=True)

    assert ran.code == 1
    assert ran.outcomes["failed"] == 3


def test_overlap_selected_with_one_split(run: Run, here: Path) -> None:
    """An evaluation file named alone is still compared with its training file."""
    write(here / "train.parquet", clean_rows(seed=1))
    write(here / "test.parquet", overlapping_rows(seed=1))
    ran = run("--pretok-data=test.parquet", "-rf")

    assert failed_ids(ran) == {"test.parquet::split-overlap"}
