"""``pretok config``: what declarations ask for, without a look at the data."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Pretok, environment
from tests.plugin.data import clean_rows, declare, shards, write, write_saved

EXAMPLE = Path(__file__).parents[2] / "example_project"
DECLARED = """
[tool.pretok]
vocab-size = 32000

[tool.pretok.datasets.sft]
splits = { train = "data/train-*.parquet", test = "data/test.jsonl" }
packing = true
sequence-len = 4096
columns = { labels = "targets" }
rules = { too-long = "error", mask-hole = "off", repetition = { max-share = 0.1 } }
"""


def test_what_is_told(pretok: Pretok, here: Path) -> None:
    """Datasets, splits with their files, contract, settings, and the rules by their state."""
    declare(here, DECLARED)
    shards(here / "data", "train", [clean_rows(), clean_rows(seed=2)])
    write(here / "data/test.jsonl", clean_rows(seed=3))
    done = pretok("config", COLUMNS="400")
    lines = {line.split("  ")[1]: line for line in done.out.splitlines() if line[:2] == "  "}

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("sft (pyproject.toml:5)\n")
    assert "axolotl, packing on (axolotl 0.19.0)" in lines["contract"]
    assert "sequence-len = 4096" in lines["settings"]
    assert "vocab-size = 32000" in lines["settings"]
    assert "labels = targets" in lines["columns"]
    assert "data/train-00000-of-00002.parquet" in lines["train"]
    assert "data/train-00001-of-00002.parquet" in lines["train"]
    assert "data/test.jsonl" in lines["test"]
    assert "declared: too-long error; repetition max-share = 0.1; off: " in lines["rules"]
    assert "mask-hole" in lines["rules"].split("off: ")[1]
    assert "unknown-tokens" in done.out.split("lacking     tokenizer, for ")[1].splitlines()[0]
    assert done.out.endswith("\n1 dataset, 2 splits\n")


@pytest.mark.parametrize("path", [".", "broken", "pyproject.toml", "axolotl.yml"])
def test_it_is_what_is_checked(pretok: Pretok, here: Path, path: str) -> None:
    """As many rules are on as a run of declared data has items."""
    shutil.copytree(EXAMPLE, here, dirs_exist_ok=True)
    shutil.rmtree(here / "broken/labels-shifted")
    told = pretok("config", path).out
    items = pretok("check", path, "-v").out
    known = {}
    for part in told.split("\n\n"):
        name, _, rest = part.partition(" (")
        if "\n  rules " in rest:
            rules = rest.split("\n  rules ")[1].split()
            known[name] = known[rules[2]] if rules[0] == "as" else int(rules[0])
    names = {line.split("[")[0].split(" ")[0] for line in items.splitlines() if "::" in line[:60]}
    ran = {tuple(name.split("::")[1:]) for name in names if len(name.split("::")) == 3}

    assert known
    assert known == {d: sum(one[0] == d for one in ran) for d in known}


def test_missing_files_are_no_fault(pretok: Pretok, here: Path) -> None:
    """Where the data is not there it is named, and fails only if asked for."""
    text = DECLARED.replace("vocab-size", 'tokenizer = "models/gone.json"\nvocab-size')
    declare(here, text.replace("packing", 'baseline = "known.json"\npacking'))
    plain, strict = pretok("config"), pretok("config", "--files")

    assert (plain.code, plain.err) == (0, "")
    assert "MISSING: data/test.jsonl (there is no such file or folder)" in " ".join(
        plain.out.split()
    )
    assert "models/gone.json is not there" in plain.out
    assert "known.json is not there" in plain.out
    assert strict.code == 1
    for name in ("data/train-*.parquet", "data/test.jsonl", "models/gone.json", "known.json"):
        assert f"  {name}: " in strict.err


def test_files_that_are_there(pretok: Pretok, here: Path) -> None:
    """With all of the data at hand --files passes."""
    declare(here, '[tool.pretok.datasets.sft]\npath = "a.parquet"\n')
    write(here / "a.parquet", clean_rows())

    assert pretok("config", "--files").code == 0


def test_all_faults_of_all_files(pretok: Pretok, here: Path) -> None:
    """Every fault of every declaration is told at once, with code 2."""
    declare(here, "[tool.pretok]\nzzz = 1\nsequence-len = 0\n")
    declare(here / "sub", "[tool.pretok]\ncontract = 'axolotle'\n")
    done = pretok("config")

    assert (done.code, done.out) == (2, "")
    assert "3 faults in pyproject.toml, sub/pyproject.toml" in done.err
    assert "pyproject.toml:2: [tool.pretok] zzz" in done.err
    assert "sub/pyproject.toml:2: [tool.pretok] contract" in done.err


def test_faults_of_a_configuration(pretok: Pretok, here: Path) -> None:
    """A trainer's YAML is a declaration too, named by another one or on the command line."""
    declare(here, "[tool.pretok]\ntrainer-config = 'axolotl.yml'\n")
    (here / "axolotl.yml").write_text("sequence_len: x\ndatasets:\n  - path: 5\n", encoding="utf-8")
    named, alone = pretok("config"), pretok("config", "axolotl.yml")

    assert (named.code, alone.code) == (2, 2)
    for done in (named, alone):
        assert "2 faults in axolotl.yml" in done.err
        assert "axolotl.yml:1: sequence_len" in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], ".: no pyproject.toml with a [tool.pretok] table at, above or below"),
        (["gone.toml"], "gone.toml: there is no such file or folder"),
        (["--zzz"], "No such option '--zzz'"),
    ],
)
def test_nothing_declared(pretok: Pretok, words: list[str], told: str) -> None:
    """Without a declaration, and for a wrong word, the code is that of a usage error."""
    done = pretok("config", *words)

    assert done.code == 4
    assert told in done.err


def test_from_below(pretok: Pretok, here: Path) -> None:
    """The declaration above a folder or file holds for it."""
    declare(here, '[tool.pretok.datasets.sft]\npath = "data/a.parquet"\n')
    write(here / "data/a.parquet", clean_rows())

    assert "sft (pyproject.toml:1)" in pretok("config", "data").out
    assert "sft (pyproject.toml:1)" in pretok("config", "data/a.parquet").out


def test_quiet(pretok: Pretok, here: Path) -> None:
    """With -q only faults are told."""
    declare(here, '[tool.pretok.datasets.sft]\npath = "data/a.parquet"\n')

    assert (pretok("config", "-q").out, pretok("config", "-q").code) == ("", 0)


WATCHED = """
import sys

DATA = (".parquet", ".arrow", ".jsonl", "rows.json")

def watch(event, arguments):
    if event == "open" and str(arguments[0]).endswith(DATA):
        print("OPENED", arguments[0], file=sys.stderr)

sys.addaudithook(watch)
from pytest_pretok.cli import main
main(sys.argv[1:], prog_name="pretok")
"""


@pytest.mark.parametrize("command", ["config", "check"])
def test_no_data_is_opened(here: Path, command: str) -> None:
    """Files, folders and pipes that nobody writes to are named alone; a check does open files."""
    text = "".join(
        f"[tool.pretok.datasets.{name}]\npath = '{path}'\n"
        for name, path in {"a": "a.jsonl", "folder": "folder", "saved": "saved"}.items()
    )
    text = f"[tool.pretok]\ntrainer-config = 'axolotl.yml'\n{text}"
    write(here / "a.jsonl", clean_rows())
    write(here / "folder/b.parquet", clean_rows())
    (here / "folder/rows.json").write_text("[]", encoding="utf-8")
    write_saved(here / "saved", clean_rows())
    yml = "datasets:\n  - path: typed.jsonl\n    type: alpaca\n  - path: folder\n    type:\n"
    (here / "axolotl.yml").write_text(yml, encoding="utf-8")
    write(here / "typed.jsonl", clean_rows())
    if command == "config":
        os.mkfifo(here / "folder/pipe.parquet")
        os.mkfifo(here / "pipe.json")
        text += "[tool.pretok.datasets.pipe]\npath = 'pipe.json'\n"
    declare(here, text)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, command],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert ("OPENED" in done.stderr) is (command == "check")
    if command == "config":
        assert done.returncode == 0
        assert "folder/pipe.parquet" in done.stdout
        assert "saved/data-00000-of-00001.arrow" in done.stdout
        assert "typed.jsonl" in done.stdout
