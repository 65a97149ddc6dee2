"""``pretok check``: pytest's verdict, whatever a repository has set up for its own tests."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Pretok, environment
from tests.plugin.data import FAULT, clean_rows, declare, faulty_rows, write

EXAMPLE = Path(__file__).parents[2] / "example_project"
DECLARED = '[tool.pretok.datasets.sft]\npath = "a.parquet"\n'


def flagged(folder: Path, *words: str) -> int:
    """The exit code of pytest with the flag, in a repository that has set up nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--rootdir=.", "-p", "no:cacheprovider", *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        check=False,
    )
    return done.returncode


def report(path: Path) -> dict[str, Any]:
    """A report that a run wrote."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def outcomes(path: Path) -> dict[str, str]:
    """What became of each rule that was selected, by its id."""
    datasets = report(path)["datasets"]
    rules = [rule for d in datasets for s in [d, *d["splits"]] for rule in s["rules"]]
    return {rule["id"]: rule["outcome"] for rule in rules if rule["id"]}


# -- the verdict


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("data", []),
        ("broken", []),
        (".", ["-Werror::pytest_pretok.PretokWarning"]),
        ("axolotl.yml", []),
        ("broken/clean.jsonl", []),
        ("broken/*.arrow", []),
        ("data/sft/train.parquet", ["--pretok-contract=trl"]),
        ("no-such-folder", []),
        ("text", []),
    ],
)
def test_the_same_verdict(pretok: Pretok, here: Path, path: str, words: list[str]) -> None:
    """Exit code and report are those of ``pytest --pretok-data``."""
    shutil.copytree(EXAMPLE, here, dirs_exist_ok=True)
    own = [f"--{w.removeprefix('--pretok-')}" for w in words if w.startswith("--pretok")]
    own += ["--warnings-as-errors"] if len(own) < len(words) else []
    done = pretok("check", path, "--report=own.json", *own)
    code = flagged(here, f"--pretok-data={path}", "--pretok-report=pytest.json", *words)

    assert done.code == code
    assert (here / "own.json").exists() is (here / "pytest.json").exists() is (code != 4)
    if code != 4:
        assert report(here / "own.json") == report(here / "pytest.json")


def test_without_a_path(pretok: Pretok, here: Path) -> None:
    """The working directory is checked, and ids are seen from there."""
    declare(here, DECLARED)
    write(here / "a.parquet", faulty_rows())
    write(here / "sub/b.parquet", clean_rows(seed=2))
    done = pretok("check", "--report=r.json")
    ids = outcomes(here / "r.json")

    assert done.code == 1
    assert ids[f"pyproject.toml::sft::{FAULT}[train]"] == "failed"
    assert ids[f"sub/b.parquet::{FAULT}"] == "passed"


def test_an_id_is_checked_alone(pretok: Pretok, here: Path) -> None:
    """An id from the list of failures, copied as it stands, is run again."""
    declare(here, DECLARED)
    write(here / "a.parquet", faulty_rows())
    line = next(x for x in pretok("check").out.splitlines() if x.startswith("FAILED "))
    one = line.split()[1]
    again = pretok("check", one, "--report=r.json")

    assert again.code == 1
    assert outcomes(here / "r.json") == {one: "failed"}


def test_the_id_of_a_test_is_no_data(pretok: Pretok, here: Path) -> None:
    """Nothing of the repository's own tests is run."""
    (here / "test_own.py").write_text("import os; os._exit(7)\n", encoding="utf-8")

    assert pretok("check", "test_own.py::test_own").code == 4


def test_ids_and_paths_do_not_mix(pretok: Pretok, here: Path) -> None:
    """What pytest would read as a folder of tests is refused beside an id."""
    write(here / "a.parquet", clean_rows())
    done = pretok("check", f"a.parquet::{FAULT}", ".")

    assert done.code == 4
    assert "one kind at a time" in done.err


def test_a_path_that_begins_with_a_dash(pretok: Pretok, here: Path) -> None:
    """Behind two dashes every word is a path."""
    write(here / "-q.parquet", clean_rows())

    assert pretok("check", "--", "-q.parquet").code == 0
    assert pretok("check", "-q.parquet").code == 4


# -- the rules that count


def test_one_rule(pretok: Pretok, here: Path) -> None:
    """Only the rules that are named have a verdict."""
    write(here / "a.parquet", faulty_rows())
    broken = pretok("check", f"--rule={FAULT}", "--rule=mask-hole", "--report=r.json")
    both = outcomes(here / "r.json")
    sound = pretok("check", "--rule", "mask-hole")

    assert (broken.code, sound.code) == (1, 0)
    assert {key.split("::")[1]: value for key, value in both.items()} == {
        FAULT: "failed",
        "mask-hole": "passed",
    }


def test_a_rule_without_a_verdict_is_no_pass(pretok: Pretok, here: Path) -> None:
    """A rule whose cause is left out fails by itself."""
    path = write(here / "a.parquet", clean_rows())
    path.write_bytes(path.read_bytes()[:-9])
    done = pretok("check", "--rule", "mask-hole")

    assert done.code == 1
    assert "mask-hole: no verdict" in done.out
    assert "unreadable-file" in done.out


def test_a_rule_that_does_not_apply(pretok: Pretok, here: Path) -> None:
    """A rule that exists but lacks a setting leaves nothing to check: code 5, with the reason."""
    write(here / "a.parquet", clean_rows())
    done = pretok("check", "--rule", "unknown-tokens")

    assert done.code == 5
    assert "not checked for want of" in done.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--rule=mask-holes"], "did you mean 'mask-hole'?"),
        (["--rule=zzz"], "'pretok rules' lists them"),
        (["--reprot=a.json"], "--report"),
        (["--examples=0"], "'--examples': 0 is not in the range"),
        (["--workers=none"], "'none' is neither 'auto' nor a number"),
        (["--engine=spark"], "'spark' is not one of 'local', 'processes'"),
        (["--contract=axolotle"], "Error: --contract=axolotle: known are axolotl"),
        (["--report=a.txt"], "Error: --report=a.txt: the suffix is no known format"),
        (["--violations=a.csv"], "Error: --violations=a.csv: the file must end in .parquet"),
        (["nowhere"], "Error: nowhere: there is no such file or folder"),
        (["-q", "-v"], "-q and -v exclude each other"),
        (["--update-baseline"], "Error: --update-baseline: no dataset of this run declares"),
    ],
)
def test_wrong_words(pretok: Pretok, here: Path, words: list[str], told: str) -> None:
    """A wrong option ends with 4, and is told in this command's words."""
    write(here / "a.parquet", clean_rows())
    done = pretok("check", *words)

    assert done.code == 4
    assert told in done.err
    assert "--pretok-" not in done.err
    assert done.out == ""


def test_a_faulty_declaration(pretok: Pretok, here: Path) -> None:
    """All faults are told, with code 2."""
    declare(here, DECLARED + "pakcing = true\nsequence-len = 0\n")
    done = pretok("check")

    assert done.code == 2
    assert done.err.startswith("Error: 2 faults in pyproject.toml\n  pyproject.toml:3: ")


# -- the other options


def test_options_reach_the_run(pretok: Pretok, here: Path) -> None:
    """Reports, violations, examples and contract do what pytest's own options do."""
    write(here / "a.parquet", faulty_rows(8) + faulty_rows(8, seed=2))
    words = ["--report=a.json", "--report=b.json", "--violations=v.parquet", "--examples=1"]
    done = pretok("check", "a.parquet", *words, "--contract=trl", "--workers=1")
    found = report(here / "a.json")

    assert found == report(here / "b.json")
    assert found["datasets"][0]["contract"] == "trl"
    rules = found["datasets"][0]["splits"][0]["rules"]
    assert [len(r["examples"]) for r in rules if r["rule"] == FAULT] == [1]
    assert pq.read_table(here / "v.parquet").num_rows == 2
    assert done.out.count("position  ") == 1


def test_options_as_pytest_spells_them(pretok: Pretok, here: Path) -> None:
    """A failure names pytest's option: it can be given as it stands there."""
    write(here / "a.parquet", [row for seed in (1, 2, 3, 4) for row in faulty_rows(seed=seed)])
    done = pretok("check")
    pretok("check", "--pretok-violations=FILE.parquet")

    assert "--pretok-violations=FILE.parquet" in done.out
    assert pq.read_table(here / "FILE.parquet").num_rows == 4


def test_baseline(pretok: Pretok, here: Path) -> None:
    """Known findings are taken down, and pass from then on."""
    declare(here, f'[tool.pretok]\nbaseline = "known.json"\n{DECLARED}')
    write(here / "a.parquet", faulty_rows())

    assert pretok("check", "--update-baseline").code == 0
    assert (here / "known.json").exists()
    assert pretok("check").code == 0


def test_warnings_as_errors(pretok: Pretok, here: Path) -> None:
    """A rule that would warn is shown, and fails if asked for."""
    write(here / "a.parquet", clean_rows() + clean_rows(1))
    warned, failed = pretok("check"), pretok("check", "--warnings-as-errors")

    assert (warned.code, failed.code) == (0, 1)
    assert "duplicate-rows: 1 of 7 rows (14.3 %)" in warned.out
    assert "WARNINGS" in warned.out
    assert "FAILED a.parquet::duplicate-rows" in failed.out


OWN = """
import warnings

from pretok_schemas import rule


@rule
def outspoken(batch):
    \"\"\"Says more than it finds.\"\"\"
    warnings.simplefilter("always")
    warnings.warn("a word of a library")
    return []
"""


def test_warnings_of_other_code(pretok: Pretok, here: Path) -> None:
    """What code says by the way is no finding, and not shown as one: whatever it switches on."""
    (here / "my_rules.py").write_text(OWN, encoding="utf-8")
    declare(here, '[tool.pretok]\nplugins = ["my_rules"]\n' + DECLARED)
    write(here / "a.parquet", clean_rows() + clean_rows(1))
    done = pretok("check")

    assert done.code == 0
    assert done.out.count("= WARNINGS =") == 1
    assert "duplicate-rows: 1 of 7 rows" in done.out
    assert "a word of a library" not in done.out


def test_annotations_are_passed_on(pretok: Pretok, here: Path) -> None:
    """The word for annotations is one of a list."""
    write(here / "a.parquet", clean_rows())
    done = pretok("check", "--annotations=gitlab")

    assert done.code == 4
    assert "'gitlab' is not 'github'" in done.err


# -- what is shown


def test_what_is_shown(pretok: Pretok, here: Path) -> None:
    """Datasets, failures, sums and ids; nothing of pytest's own, unless asked for."""
    write(here / "a.parquet", faulty_rows())
    plain, loud, still = pretok("check"), pretok("check", "-v"), pretok("check", "-q")
    junk = ("rootdir", "plugins:", "configfile", "collected", "docs.pytest.org", "[100%]")

    assert plain.out.startswith("pretok: 1 dataset (0 declared), 1 split\n")
    assert [word for word in junk if word in plain.out] == []
    assert f"{FAULT}: 1 of 6 rows" in plain.out
    assert "a.parquet: 6 rows" in plain.out
    assert f"a.parquet::{FAULT} FAILED" in loud.out
    assert "rootdir" in loud.out
    assert f"{FAULT}: 1 of 6 rows" not in still.out
    assert f"FAILED a.parquet::{FAULT}" in still.out
    assert [done.code for done in (plain, loud, still)] == [1, 1, 1]


def test_silence(pretok: Pretok, here: Path) -> None:
    """With -q there is nothing to read where all is well."""
    write(here / "a.parquet", clean_rows())

    assert pretok("check", "-q").out.strip() == ""


@pytest.mark.parametrize(
    ("words", "variables", "coloured"),
    [
        ([], {}, False),
        (["--color=yes"], {}, True),
        ([], {"FORCE_COLOR": "1"}, True),
        (["--color=no"], {"FORCE_COLOR": "1"}, False),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour(
    pretok: Pretok, here: Path, words: list[str], variables: dict[str, str], coloured: bool
) -> None:
    """Colours are for terminals, or for whoever asks for them."""
    write(here / "a.parquet", faulty_rows())

    assert ("\x1b[" in pretok("check", *words, **variables).out) is coloured


# -- the shield


def hostile(folder: Path) -> None:
    """Everything in a repository that could end or bend a pytest run."""
    (folder / "conftest.py").write_text("import os; os._exit(7)\n", encoding="utf-8")
    (folder / "tests").mkdir()
    (folder / "tests/conftest.py").write_text("import os; os._exit(8)\n", encoding="utf-8")
    (folder / "tests/test_own.py").write_text("import os; os._exit(9)\n", encoding="utf-8")
    (folder / "__init__.py").write_text("import os; os._exit(10)\n", encoding="utf-8")
    text = "[pytest]\naddopts = --cov --zzz -k nothing\nfilterwarnings = error\n"
    text += "testpaths = tests\npython_files = *\nrequired_plugins = nope\nminversion = 99\n"
    (folder / "pytest.ini").write_text(text, encoding="utf-8")
    (folder / "tox.ini").write_text(text, encoding="utf-8")
    (folder / "setup.cfg").write_text("[tool:pytest]\nfilterwarnings = error\n", encoding="utf-8")
    for name in ("numpy", "pyarrow", "pytest", "click", "json"):
        (folder / f"{name}.py").write_text("import os; os._exit(11)\n", encoding="utf-8")


SETTINGS = {
    "PYTEST_ADDOPTS": "--boo",
    "PYTEST_PLUGINS": "nowhere",
    "PYTHONWARNINGS": "error",
    "PYTEST_DEBUG": "1",
}


@pytest.mark.parametrize("python", [("-O",), ("-Werror",)], ids=["O", "Werror"])
def test_a_hostile_repository(pretok: Pretok, here: Path, python: tuple[str, ...]) -> None:
    """Nothing that lies in the repository or the environment is run, read or changed."""
    hostile(here)
    declare(here, DECLARED + '[tool.pytest.ini_options]\naddopts = "--zzz"\n')
    write(here / "a.parquet", clean_rows() + clean_rows(1))
    before = sorted(here.rglob("*"))
    words = ("-P", *python)  # as an installed command: the folder is not on Python's path
    clean = pretok("check", python=words, **SETTINGS)
    write(here / "a.parquet", faulty_rows())
    broken = pretok("check", python=words, **SETTINGS)

    assert (clean.code, clean.err) == (0, "")
    assert "duplicate-rows: 1 of 7 rows" in clean.out
    assert (broken.code, broken.err) == (1, "")
    assert sorted(here.rglob("*")) == before


CHILD = """
import os, sys
from pytest_pretok.shielded import Manner, run
import pytest_pretok.checks as checks

scan = checks.scan_split
def scan_split(*given):
    with open("during", "w") as file:
        print({name: os.environ.get(name) for name in NAMES}, file=file)
    return scan(*given)
checks.scan_split = scan_split
NAMES = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
before = dict(os.environ)
code = run(["--pretok-data=a.parquet"], Manner())
assert dict(os.environ) == before
sys.exit(code)
"""


def test_the_environment_is_given_back(here: Path) -> None:
    """What a scan starts has the user's environment, and so has whatever runs afterwards."""
    write(here / "a.parquet", clean_rows())
    more = {"PYTEST_ADDOPTS": "--boo", "PYTEST_PLUGINS": "nowhere"}
    done = subprocess.run([sys.executable, "-c", CHILD], env=environment(**more), check=False)

    expected = {**more, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": None}
    assert done.returncode == 0
    assert (here / "during").read_text(encoding="utf-8") == f"{expected}\n"


SLOW = """
from pytest_pretok import progress
from pytest_pretok.cli import main

progress.PATIENCE = progress.FRAME = progress.QUIET = 0
main(prog_name="pretok")
"""


@pytest.mark.parametrize(("words", "shown"), [([], True), (["-q"], False)], ids=["plain", "q"])
def test_the_progress_of_a_long_scan(here: Path, words: list[str], shown: bool) -> None:
    """A scan that takes its time says how far it is, unless -q asks for quiet."""
    declare(here, DECLARED)
    write(here / "a.parquet", clean_rows(200))
    done = subprocess.run(
        [sys.executable, "-c", SLOW, "check", *words],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert ("pretok: sft[train] " in done.stdout + done.stderr) is shown
