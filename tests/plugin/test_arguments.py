"""What a command line means: which of the data and which of a repository's own tests it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.conftest import Ran, Run
from tests.plugin.data import FAULT, clean_rows, declare, faulty_rows, shards, write, write_saved

RULE = "no-rows"  # a rule that every dataset has


def collected(ran: Ran) -> list[str]:
    """The ids of our rule `RULE`, and of tests, that a ``--co -q`` run printed."""
    return [i for i in ran.ids if f"::{RULE}" in i or "::test_" in i]


DECLARED = [f"pyproject.toml::sft::{RULE}[train]"]
FREE = [f"data/free.parquet::{RULE}"]
TESTS = ["tests/test_own.py::test_own"]


@pytest.fixture
def repository(here: Path) -> Path:
    """A repository with a test, a declared dataset and a file that is not declared."""
    declare(
        here,
        """
        [tool.pretok.datasets.sft]
        path = "data/sft-*.parquet"
        """,
    )
    write(here / "data/sft-a.parquet", clean_rows(seed=1))
    write(here / "data/sft-b.parquet", clean_rows(seed=2))
    write(here / "data/free.parquet", clean_rows(seed=3))
    (here / "tests").mkdir()
    (here / "tests/test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    return here


TABLE: dict[str, tuple[list[str], list[str]]] = {
    "bare": ([], TESTS),
    "flag": (["--pretok-data=."], DECLARED + FREE),
    "flag-as-two-words": (["--pretok-data", "."], DECLARED + FREE),
    "folder": (["--pretok-data=data"], DECLARED + FREE),
    "tests": (["tests"], TESTS),
    "tests-and-flag": (["tests", "--pretok-data=."], TESTS + DECLARED + FREE),
    "one-test-and-flag": (["tests/test_own.py", "--pretok-data=data"], TESTS + DECLARED + FREE),
    "test-id-and-flag": ([TESTS[0], "--pretok-data=data"], TESTS + DECLARED + FREE),
    "dot-and-flag": ([".", "--pretok-data=data"], TESTS + DECLARED + FREE),
    "dot-and-dot": ([".", "--pretok-data=."], TESTS + DECLARED + FREE),
    "id": ([DECLARED[0]], DECLARED),
    "id-and-flag": ([DECLARED[0], "--pretok-data=."], DECLARED),
    "free-id-and-flag": ([FREE[0], "--pretok-data=data"], FREE),
    "test-and-id-and-flag": (["tests", FREE[0], "--pretok-data=."], TESTS + FREE),
    "declaration": (["pyproject.toml"], DECLARED),
    "declaration-by-flag": (["--pretok-data=pyproject.toml"], DECLARED),
    "file": (["--pretok-data=data/free.parquet"], FREE),
    "file-in-a-declared-dataset": (["--pretok-data=data/sft-b.parquet"], DECLARED),
    "glob": (["--pretok-data=data/*.parquet"], DECLARED + FREE),
    "glob-of-one": (["--pretok-data=data/f*.parquet"], FREE),
    "repeated": (["--pretok-data=data/free.parquet", "--pretok-data=data"], FREE + DECLARED),
    "twice": (["--pretok-data=data", "--pretok-data=./data/"], DECLARED + FREE),
}


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(("arguments", "expected"), TABLE.values(), ids=TABLE)
def test_table(run: Run, arguments: list[str], expected: list[str]) -> None:
    """Each command line collects these, once each."""
    assert sorted(collected(run(*arguments, "--co", "-q"))) == sorted(expected)


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("case", ["dot-and-flag", "test-and-id-and-flag"])
def test_table_on_workers(run: Run, case: str) -> None:
    """Workers collect the same: everything passes, once."""
    arguments, _ = TABLE[case]
    alone = run(*arguments)

    assert alone.code == 0
    assert run(*arguments, "-n2").outcomes == alone.outcomes


@pytest.mark.usefixtures("repository")
def test_absolute_paths(run: Run, here: Path) -> None:
    """Absolute paths mean what relative ones mean."""
    ran = run(here / "tests", f"--pretok-data={here / 'data'}", "--co", "-q")

    assert sorted(collected(ran)) == sorted(TESTS + DECLARED + FREE)


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [([], TESTS + DECLARED), (["tests"], TESTS), (["--pretok-data=data"], DECLARED + FREE)],
    ids=["bare", "tests", "flag"],
)
def test_testpaths(run: Run, here: Path, arguments: list[str], expected: list[str]) -> None:
    """With the declaration among testpaths, a bare run checks data, `pytest tests` does not."""
    with (here / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('\n[tool.pytest.ini_options]\ntestpaths = ["tests", "pyproject.toml"]\n')

    assert sorted(collected(run(*arguments, "--co", "-q"))) == sorted(expected)


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [([], TESTS + DECLARED + FREE), (["tests"], TESTS + DECLARED + FREE), (FREE, FREE)],
    ids=["bare", "tests", "id"],
)
def test_flag_in_addopts(run: Run, here: Path, arguments: list[str], expected: list[str]) -> None:
    """A flag in addopts adds data to the run, and switches no test off."""
    with (here / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('\n[tool.pytest.ini_options]\naddopts = ["--pretok-data=data"]\n')

    assert sorted(collected(run(*arguments, "--co", "-q"))) == sorted(expected)


@pytest.mark.usefixtures("repository")
def test_flag_in_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag in PYTEST_ADDOPTS adds data to the run, and switches no test off."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "--pretok-data=data")

    assert sorted(collected(run("--co", "-q"))) == sorted(TESTS + DECLARED + FREE)


def test_declarations_above_and_below(run: Run, here: Path) -> None:
    """Data is checked by the declaration above PATH and by those below it, each for its own."""
    declare(here, '[tool.pretok.datasets.above]\npath = "all/one/a.parquet"\n')
    declare(here / "all/two", '[tool.pretok.datasets.below]\npath = "b.parquet"\n')
    for number, name in enumerate(["one/a", "two/b", "two/free", "free"]):
        write(here / f"all/{name}.parquet", clean_rows(seed=number + 1))
    ran = run("--pretok-data=all", "--co", "-q")

    assert sorted(collected(ran)) == sorted(
        [
            f"pyproject.toml::above::{RULE}[train]",
            f"all/two/pyproject.toml::below::{RULE}[train]",
            f"all/two/free.parquet::{RULE}",
            f"all/free.parquet::{RULE}",
        ]
    )


def test_declarations_elsewhere_are_left_alone(run: Run, here: Path) -> None:
    """A dataset declared above PATH, whose data lies elsewhere, is not checked."""
    declare(here, '[tool.pretok.datasets.other]\npath = "other/a.parquet"\n')
    write(here / "other/a.parquet", faulty_rows())
    write(here / "data/b.parquet", clean_rows(seed=2))

    assert collected(run("--pretok-data=data", "--co", "-q")) == [f"data/b.parquet::{RULE}"]


def test_defaults_of_the_nearest_declaration(run: Run, here: Path) -> None:
    """Undeclared data takes the defaults of the nearest declaration above it."""
    declare(here, "[tool.pretok]\nsequence-len = 10\n")
    declare(here / "inner", "[tool.pretok]\nsequence-len = 100\n")
    write(here / "outer.parquet", clean_rows(seed=1))
    write(here / "inner/a.parquet", clean_rows(seed=2))
    ran = run("--pretok-data=.", "-k", "too-long", "-rf")

    assert ran.outcomes["failed"] == 1
    assert "FAILED outer.parquet::too-long - 6 of 6 rows" in ran.text


def test_left_overs_are_named(run: Run, here: Path) -> None:
    """Shards of a group that a declaration leaves out are named, and not checked apart."""
    shards(here / "data", "train", [clean_rows(seed=1), clean_rows(seed=2)])
    declare(here, '[tool.pretok.datasets.sft]\npath = "data/train-00000-of-00002.parquet"\n')
    ran = run("--pretok-data=data")

    assert "data/train-00001-of-00002.parquet" in ran.text
    assert "not in the declaration, not checked" in ran.text


def test_left_overs_of_a_saved_folder_are_named(run: Run, here: Path) -> None:
    """Splits of a save_to_disk folder that a declaration leaves out are named."""
    splits = {"train": clean_rows(seed=1), "test": clean_rows(seed=2)}
    write_saved(here / "data/saved", splits)
    declare(here, '[tool.pretok.datasets.sft]\npath = "data/saved/train"\n')
    ran = run("--pretok-data=data")

    assert "data/saved/test/data-00000-of-00001.arrow" in ran.text
    assert "not in the declaration, not checked" in ran.text


def test_files_of_other_kinds_are_passed_over(run: Run, here: Path) -> None:
    """In a folder, tables without token columns and other JSON are passed over and counted."""
    write(here / "data/a.parquet", clean_rows())
    write(here / "data/other.jsonl", [{"text": "hello"}])
    (here / "data/config.json").write_text('{"a": 1}', encoding="utf-8")
    ran = run("--pretok-data=data")

    assert ran.code == 0
    assert "2 files without token columns passed over" in ran.text


def test_a_file_named_is_always_checked(run: Run, here: Path) -> None:
    """A table without token columns that is named explicitly fails, for what it is."""
    write(here / "data/other.jsonl", [{"text": "hello"}])
    ran = run("--pretok-data=data/other.jsonl", "-rf", "--tb=no")

    assert ran.code == 1
    assert "FAILED data/other.jsonl::wrong-kind" in ran.text


@pytest.mark.parametrize("folder", [".hidden", "node_modules", "env"])
def test_folders_that_are_not_searched(run: Run, here: Path, folder: str) -> None:
    """Hidden folders, node_modules and virtual environments are searched only when named."""
    write(here / "a.parquet", clean_rows(seed=1))
    write(here / folder / "b.parquet", clean_rows(seed=2))
    (here / folder / "pyvenv.cfg").touch()

    assert collected(run("--pretok-data=.", "--co", "-q")) == [f"a.parquet::{RULE}"]
    named = run(f"--pretok-data={folder}", "--co", "-q")
    assert collected(named) == [f"{folder}/b.parquet::{RULE}"]


def test_evaluation_files_are_compared(run: Run, here: Path) -> None:
    """Files of one folder named train and test are splits of one dataset; others are not."""
    for number, name in enumerate(["x-train", "x-test", "y-train", "z"]):
        write(here / f"data/{name}.parquet", clean_rows(seed=number + 1))
    ran = run("--pretok-data=data", "--co", "-q")

    overlap = [i for i in ran.ids if i.endswith("::split-overlap")]
    assert overlap == ["data/x-test.parquet::split-overlap"]


def test_one_argument_for_a_thousand_files(run: Run, here: Path) -> None:
    """However many files a folder holds, pytest is handed the folder alone."""
    first = write(here / "data/0.parquet", clean_rows(1))
    for number in range(1, 60):
        (here / f"data/{number}.parquet").write_bytes(first.read_bytes())
    report = "def pytest_collection(session):\n    print('ARGUMENTS', session.config.args)\n"
    (here / "conftest.py").write_text(report, encoding="utf-8")
    ran = run("--pretok-data=data", "--co", "-q", "-s")

    assert f"ARGUMENTS [{str(here / 'data')!r}]" in ran.text
    assert len(collected(ran)) == 60


def test_contract_of_the_run(run: Run, here: Path) -> None:
    """--pretok-contract gives the contract to data that declares none."""
    write(here / "a.parquet", faulty_rows())

    assert run("--pretok-data=.", "--pretok-contract=axolotl").outcomes["failed"] == 1


def test_examples_of_the_run(run: Run, here: Path) -> None:
    """--pretok-examples bounds the examples that a finding shows."""
    rows = [row for seed in range(1, 6) for row in faulty_rows(seed=seed)]
    write(here / "a.parquet", rows)
    ran = run(f"a.parquet::{FAULT}", "--pretok-examples=2")

    assert ran.text.count("a.parquet row ") == 2
    assert "... and 3 more rows" in ran.text
