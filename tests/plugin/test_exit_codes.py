"""The exit codes are pytest's own: 0 clean, 1 violations, 2 declaration, 4 usage, 5 nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.conftest import Run
from tests.plugin.data import clean_rows, declare, faulty_rows, write


def test_clean(run: Run, here: Path, workers: str) -> None:
    """Clean data ends with 0."""
    write(here / "a.parquet", clean_rows())

    assert run("--pretok-data=a.parquet", workers).code == 0


def test_violations(run: Run, here: Path, workers: str) -> None:
    """Violations end with 1."""
    write(here / "a.parquet", faulty_rows())

    assert run("--pretok-data=a.parquet", workers).code == 1


@pytest.mark.parametrize("number", ["1", "3", "auto"])
def test_any_number_of_threads(run: Run, here: Path, number: str) -> None:
    """However many threads scan, the same items fail."""
    write(here / "a.parquet", faulty_rows())
    one = run("--pretok-data=a.parquet", "--pretok-workers=1")
    ran = run("--pretok-data=a.parquet", f"--pretok-workers={number}")

    assert ran.code == 1
    assert ran.outcomes == one.outcomes


@pytest.mark.parametrize("way", ["--pretok-data=.", "pyproject.toml", "pyproject.toml::sft"])
def test_faulty_declaration(run: Run, here: Path, way: str) -> None:
    """A faulty declaration ends with 2; all its faults are told with their lines."""
    declare(here, '[tool.pretok]\npaking = true\n\n[tool.pretok.datasets.sft]\npath = ""\n')
    ran = run(way, subprocess=True)

    assert ran.code == 2
    assert "2 faults in pyproject.toml" in ran.text
    assert "pyproject.toml:2: [tool.pretok] paking: unknown key; did you mean" in ran.text
    assert "pyproject.toml:5: [tool.pretok.datasets.sft] path: the path is empty" in ran.text
    assert "Traceback" not in ran.text


def test_faulty_declaration_on_workers(run: Run, here: Path) -> None:
    """Under pytest-xdist a faulty declaration ends with 2 as well."""
    declare(here, "[tool.pretok]\npaking = true\n")
    ran = run("--pretok-data=.", "-n2")

    assert ran.code == 2
    assert "paking: unknown key" in ran.text
    assert "INTERNALERROR" not in ran.text


USAGE = {
    "missing": (["--pretok-data=data/on.parquet"], "did you mean 'one.parquet'?"),
    "missing-folder": (["--pretok-data=nowhere/x.parquet"], "no such file or folder"),
    "glob": (["--pretok-data=data/*.arrow"], "no file matches this pattern"),
    "nothing": (["--pretok-data=empty"], "nothing to check"),
    "no-data": (["--pretok-data=other"], "1 file passed over"),
    "contract": (["--pretok-data=data", "--pretok-contract=axolot"], "known are axolotl"),
    "url": (["--pretok-data=ftp://bucket/a.parquet"], "is not supported"),
    "report": (["--pretok-data=data", "--pretok-report=a.txt"], "use .html, .json"),
    "violations": (["--pretok-data=data", "--pretok-violations=a.csv"], "must end in .parquet"),
    "examples": (["--pretok-data=data", "--pretok-examples=0"], "--pretok-examples"),
    "workers": (["--pretok-data=data", "--pretok-workers=x"], "--pretok-workers"),
    "pytest": (["--pretok-data=data", "--no-such-option"], "--no-such-option"),
    "id": (["data/one.parquet::no-such-rule"], "not found"),
    "declared-id": (["pyproject.toml::sfd::no-rows"], "not found"),
    "undeclared-id": (["mention/pyproject.toml::sft::no-rows"], "not found"),
    "missing-id": (["data/two.parquet::no-rows"], "not found"),
    "no-declaration": (["--pretok-data=empty/pyproject.toml"], "no [tool.pretok] table"),
    "trainer-config": (["--pretok-data=axolotl.yml"], "no trainer configuration"),
}


@pytest.fixture
def some(here: Path) -> Path:
    """One file, one declared dataset, an empty folder and one with text only."""
    write(here / "data/one.parquet", clean_rows())
    write(here / "sft.parquet", clean_rows(seed=2))
    declare(here, '[tool.pretok.datasets.sft]\npath = "sft.parquet"\n')
    (here / "empty").mkdir()
    (here / "empty/pyproject.toml").write_text('[project]\nname = "x"\n', encoding="utf-8")
    declare(here / "mention", "# there is no [tool.pretok] here\n")
    write(here / "other/text.jsonl", [{"text": "hello"}])
    (here / "axolotl.yml").touch()
    return here


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(("arguments", "text"), USAGE.values(), ids=USAGE)
def test_usage(run: Run, arguments: list[str], text: str) -> None:
    """What cannot be done ends with 4 and says what there is, without a traceback."""
    ran = run(*arguments)

    assert ran.code == 4
    assert text in ran.text
    assert "Traceback" not in ran.text


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("case", ["missing", "contract", "report"])
def test_usage_on_workers(run: Run, case: str) -> None:
    """Under pytest-xdist usage errors end with 4 as well."""
    arguments, text = USAGE[case]
    ran = run(*arguments, "-n2")

    assert ran.code == 4
    assert text in ran.text
    assert "INTERNALERROR" not in ran.text


@pytest.mark.usefixtures("some")
def test_nothing_names_what_is_declared(run: Run) -> None:
    """A PATH with nothing in it says which datasets are declared elsewhere."""
    assert "pyproject.toml declares sft" in run("--pretok-data=other").text


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("workers", ["", "-n2"], ids=["plain", "n2"])
def test_nothing_selected(run: Run, workers: str) -> None:
    """A -k that chooses nothing ends with 5."""
    assert run("--pretok-data=data", "-k", "nothing-of-the-kind", workers).code == 5


def test_options_without_data(run: Run, here: Path) -> None:
    """Without data to check the other options change nothing: own tests run."""
    (here / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")

    assert run("--pretok-report=a.json", "--pretok-contract=axolotl").code == 0
    assert not (here / "a.json").exists()


def test_help(run: Run) -> None:
    """The options are in pytest's help, under a heading of their own."""
    ran = run("--help")

    assert ran.code == 0
    assert "pre-tokenised datasets (pytest-pretok):" in ran.text
