"""`pretok init`: what it writes is a declaration of just the files that lie there."""

from __future__ import annotations

import json
import os
import random
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from datasets import Dataset, DatasetDict
from hypothesis import given
from hypothesis import strategies as st

from pretok_schemas.rules import NAMES
from pretok_schemas.trainers import names
from pytest_pretok.cli import main
from pytest_pretok.declaration import read_declaration
from pytest_pretok.inspect.targets import plan_for
from pytest_pretok.starting.toml_text import comment, key, string, table
from tests.plugin.data import clean_rows, write
from tests.support.toy_tokenizers import byte_level


def run(*args: object) -> Result:
    """The command with these arguments."""
    return CliRunner().invoke(main, ["init", *map(str, args)])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test stands in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written() -> dict[str, Any]:
    """The table that stands in pyproject.toml, after our own reader took it."""
    file = Path.cwd() / "pyproject.toml"
    assert read_declaration(file, NAMES, names()) is not None
    found: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))["tool"]["pretok"]
    return found


def files_of(plan: Any) -> set[str]:
    """The real paths of all shards of a plan."""
    return {
        os.path.realpath(shard.path)
        for dataset in plan.datasets
        for split in dataset.splits
        for shard in split.shards
    }


def check_same_files() -> None:
    """With the declaration, a run over the folder sees the files that it saw without."""
    cwd = Path.cwd()
    file = cwd / "pyproject.toml"
    declared = files_of(plan_for([str(file)], cwd))
    aside = file.rename(cwd / "aside.toml")
    without = plan_for([str(cwd)], cwd)
    aside.rename(file)
    assert declared == files_of(without)
    assert all(dataset.declared_at for dataset in plan_for([str(cwd)], cwd).datasets)


def everything(folder: Path) -> None:
    """Data of every kind, with names that need care."""
    write(folder / "plain.parquet", clean_rows())
    write(folder / "pair/train.jsonl", clean_rows())
    write(folder / "pair/val.jsonl", clean_rows(4, 2))
    for at in range(3):
        write(folder / f"hub/sft-0000{at}-of-00003.parquet", clean_rows(6, at + 1))
        write(folder / f"hub/other-0000{at}-of-00003.parquet", clean_rows(6, at + 1))
    for at in range(2):
        write(folder / f"odd [x] *é/da[ta]-0000{at}-of-00002.parquet", clean_rows(6, at + 1))
        write(folder / f"hash/train-0000{at}-of-00002-a1b2c3.parquet", clean_rows(6, at + 1))
        write(folder / f"hash/test-0000{at}-of-00002-a1b2c3.parquet", clean_rows(6, at + 4))
    write(folder / "quote \" \\ tab\t/it's.jsonl", clean_rows())
    write(folder / "new\nline/Ünïcode 数据.jsonl", clean_rows())
    write(folder / "a/sft.jsonl", clean_rows())
    write(folder / "b/sft.jsonl", clean_rows())
    made = {k: Dataset.from_list(clean_rows(5, s)) for k, s in (("train", 1), ("test", 2))}
    DatasetDict(made).save_to_disk(folder / "saved")
    made["train"].save_to_disk(folder / "one saved", num_shards=2)
    (folder / "config.json").write_text('{"a": 1}')


def test_the_same_files(here: Path) -> None:
    """Whatever the names are, the table leads to the files that lie there, and to no other."""
    everything(here)

    done = run()

    assert done.exit_code == 0, done.output
    told = written()["datasets"]
    assert set(told) == {
        *("plain", "pair", "hash", "other", "sft", "sft-2", "sft-3", "da-ta", "it-s", "n-code"),
        *("saved", "one-saved"),
    }
    assert told["sft-3"]["path"] == "hub/sft-*-of-00003.parquet"
    assert told["pair"]["splits"] == {"train": "pair/train.jsonl", "validation": "pair/val.jsonl"}
    assert told["saved"]["path"] == "saved"
    check_same_files()


@pytest.mark.parametrize(
    "path",
    [
        *("pair/train.jsonl", "pair", "saved", "hub", "plain.parquet"),
        "saved/train/data-00000-of-00001.arrow",
    ],
)
def test_a_part(here: Path, path: str) -> None:
    """A file means its dataset, a folder what is in it."""
    everything(here)

    assert run(path).exit_code == 0

    found = files_of(plan_for([str(here / "pyproject.toml")], here))
    expected = plan_for([str(here / path)], here)
    assert found == files_of(expected)


def test_data_elsewhere(here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What lies outside of the folder is declared by its whole path."""
    other = tmp_path_factory.mktemp("other")
    path = write(other / "rows.jsonl", clean_rows())

    assert run(other).exit_code == 0

    assert written()["datasets"]["rows"]["path"] == str(path)


def test_a_neighbour_that_looks_like_a_shard(here: Path) -> None:
    """Where a star would take another file too, the pattern asks for digits."""
    for at in range(2):
        write(here / f"sft-0000{at}-of-00002.parquet", clean_rows(6, at + 1))
    write(here / "sft-old-of-00002.parquet", clean_rows(6, 5))

    assert run().exit_code == 0

    assert "[0-9]" in written()["datasets"]["sft"]["path"]
    check_same_files()


def test_shards_that_no_pattern_names(here: Path) -> None:
    """Where any pattern would miss a file, nothing is written, and that is said."""
    write(here / "sft-00000-of-00002-a1b2c3.parquet", clean_rows(6, 1))
    write(here / "sft-00001-of-00002.parquet", clean_rows(6, 2))

    done = run()

    assert done.exit_code == 4
    assert "no path names just these files; declare them by hand" in done.output
    assert not (here / "pyproject.toml").exists()


def test_a_file_called_by_its_split(here: Path) -> None:
    """Its folder says more."""
    write(here / "hub/train.parquet", clean_rows())

    assert run().exit_code == 0

    assert written()["datasets"]["hub"]["path"] == "hub/train.parquet"


def chat_rows(count: int, pad: int = 0, bos: bool = True) -> list[dict[str, Any]]:
    """Rows of two turns that 7 opens and 2 ends, behind a BOS if asked, before padding."""
    rng = random.Random(5)
    rows = []
    for _ in range(count):
        head = [1] if bos else []
        prompt = [7, *(rng.randint(100, 900) for _ in range(rng.randint(2, 9))), 8, 7]
        answer = [*(rng.randint(100, 900) for _ in range(rng.randint(2, 30))), 2]
        ids = [*head, *prompt, *answer]
        labels = [-100] * (len(ids) - len(answer)) + answer
        rows.append({
            "input_ids": ids + [0] * pad,
            "attention_mask": [1] * len(ids) + [0] * pad,
            "labels": labels + [-100] * pad,
        })  # fmt: skip
    return rows


def test_what_is_evident(here: Path) -> None:
    """Lengths and special ids, each with its evidence."""
    rows = chat_rows(100, pad=3)
    rows[7]["input_ids"][0] = 99
    write(here / "rows.jsonl", rows)
    longest = max(len(row["input_ids"]) for row in rows)

    text = run().stdout

    told = written()["datasets"]["rows"]
    assert told["sequence-len"] == 64
    assert 32 < longest <= 64
    assert (told["bos-token-id"], told["eos-token-ids"], told["pad-token-id"]) == (1, [2], 0)
    assert f"# the longest row has {longest} tokens" in text
    assert "# 99 % of the rows begin with it, once" in text
    assert "# 100 % of the trained runs end with it" in text


def test_an_id_that_opens_every_turn_is_no_bos(here: Path) -> None:
    """Rows without BOS begin with the id of a turn; that it stands inside too gives it away."""
    write(here / "rows.jsonl", chat_rows(100, bos=False))

    run()

    assert "bos-token-id" not in written()["datasets"]["rows"]


@pytest.mark.parametrize(("longest", "length"), [(16, 16), (17, 32), (1, 1), (1000, 1024)])
def test_sequence_len(here: Path, longest: int, length: int) -> None:
    """The least power of two that no row exceeds."""
    ids = list(range(5, 5 + longest))
    row = {"input_ids": ids, "attention_mask": [1] * longest, "labels": ids}
    write(here / "rows.jsonl", [row])

    run()

    assert written()["datasets"]["rows"]["sequence-len"] == length


def test_few_rows_show_nothing(here: Path) -> None:
    """Nine rows are no habit."""
    write(here / "rows.jsonl", chat_rows(9, pad=2))

    run()

    assert set(written()["datasets"]["rows"]) == {"path", "sequence-len"}


@pytest.mark.parametrize(
    ("columns", "contract"),
    [
        (("input_ids", "attention_mask", "labels"), "axolotl"),
        (("tokens", "labels"), "torchtune"),
        (("input_ids", "completion_mask"), "trl"),
        (("input_ids", "attention_mask", "labels", "seq_lengths"), "trl"),
        (("input_ids", "labels"), "trl"),
        (("input_ids", "attention_mask"), "axolotl"),
    ],
)
def test_contracts(here: Path, columns: tuple[str, ...], contract: str) -> None:
    """The columns decide on the contract."""
    (here / "rows.jsonl").write_text(json.dumps({name: [1, 2, 3] for name in columns}) + "\n")

    run()

    assert written()["contract"] == contract


def test_two_contracts(here: Path) -> None:
    """The first is the default, another stands with its dataset."""
    write(here / "a.jsonl", clean_rows())
    (here / "b.jsonl").write_text(json.dumps({"tokens": [1, 2], "labels": [2, -100]}) + "\n")

    run()

    told = written()
    assert told["contract"] == "axolotl"
    assert told["datasets"]["b"]["contract"] == "torchtune"
    assert "contract" not in told["datasets"]["a"]


def test_a_tokenizer_beside(here: Path) -> None:
    """One tokenizer is taken, and its ids are not guessed; of several, none is."""
    write(here / "data/rows.jsonl", chat_rows(40))
    (here / "model").mkdir()
    byte_level().save(str(here / "model/tokenizer.json"))

    run()

    told = written()
    assert told["tokenizer"] == "model"
    assert "bos-token-id" not in told["datasets"]["rows"]
    (here / "pyproject.toml").unlink()
    (here / "model2").mkdir()
    byte_level().save(str(here / "model2/tokenizer.json"))
    assert "# tokenizer = one of model, model2" in run().stdout
    assert "tokenizer" not in written()


def test_a_broken_tokenizer(here: Path) -> None:
    """It is named in a comment, and does not keep the table from being read."""
    write(here / "rows.jsonl", clean_rows())
    (here / "tokenizer.json").write_text("{")

    assert run().exit_code == 0

    assert "tokenizer" not in written()
    assert "# tokenizer = " in (here / "pyproject.toml").read_text()


def test_a_configuration_beside(here: Path) -> None:
    """An Axolotl YAML is named, and what it declares is not declared twice."""
    write(here / "data/rows.jsonl", clean_rows())
    write(here / "data/more.jsonl", clean_rows(4, 2))
    (here / "axolotl.yml").write_text(
        "base_model: x\nsequence_len: 128\ndatasets:\n  - path: data/rows.jsonl\n    type:\n"
    )

    assert run().exit_code == 0

    told = written()
    assert told["trainer-config"] == "axolotl.yml"
    assert list(told["datasets"]) == ["more"]
    found = files_of(plan_for([str(here)], here))
    assert found == {str(here / "data/rows.jsonl"), str(here / "data/more.jsonl")}


def test_a_configuration_that_names_everything(here: Path) -> None:
    """Nothing is left to declare but the configuration itself."""
    write(here / "rows.jsonl", clean_rows())
    (here / "axolotl.yml").write_text("base_model: x\ndatasets: [{path: rows.jsonl, type: }]\n")

    assert run().exit_code == 0

    assert written() == {"trainer-config": "axolotl.yml"}


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_what_stands_there_stays(here: Path, end: str) -> None:
    """The table is put behind; nothing before it changes, nor who may read the file."""
    before = ('[project]\nname = "x" # ü\n\n[tool.other]\na = 1' + end).encode()
    before = before.replace(b"\n", b"\r\n") if end == "\r\n" else before
    before = before.replace(b"\r\r\n", b"\r\n")
    (here / "pyproject.toml").write_bytes(before)
    (here / "pyproject.toml").chmod(0o640)
    write(here / "rows.jsonl", clean_rows())

    assert run().exit_code == 0

    after = (here / "pyproject.toml").read_bytes()
    assert after.startswith(before)
    assert tomllib.loads(after.decode())["tool"]["other"] == {"a": 1}
    assert (b"\r\n" in after[len(before) :]) is (end == "\r\n")
    assert stat.S_IMODE((here / "pyproject.toml").stat().st_mode) == 0o640
    assert written()["datasets"]["rows"]


@pytest.mark.parametrize("args", [("--dry-run",), ("-o", "-")])
def test_printing_only(here: Path, args: tuple[str, ...]) -> None:
    """What is printed is what would be written, table or no table."""
    write(here / "rows.jsonl", clean_rows())
    printed = run(*args).stdout
    assert not (here / "pyproject.toml").exists()

    run()

    assert (here / "pyproject.toml").read_text() == printed
    assert run(*args).stdout == printed


def test_the_next_command(here: Path) -> None:
    """The message names a command that runs."""
    write(here / "rows.jsonl", clean_rows())

    done = run()

    assert "Next: pretok check pyproject.toml" in done.stderr
    assert done.stdout == (here / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("there", "args", "code", "says"),
    [
        ("[tool.pretok]\n", (), 4, "has a [tool.pretok] table already"),
        ("[tool.pretok.datasets.x]\npath = 'x'\n", (), 4, "has a [tool.pretok] table already"),
        ("[tool\n", (), 2, "no valid TOML"),
        ("tool = {a = 1}\n", (), 2, "write it yourself"),
        ("", ("nowhere",), 4, "there is no such file or folder"),
        ("", ("empty",), 4, "nothing to declare"),
        ("", (".", "-o", "other.toml"), 4, "read from pyproject.toml alone"),
    ],
)
def test_refusals(here: Path, there: str, args: tuple[str, ...], code: int, says: str) -> None:
    """One clear line, pytest's exit code, and the file as it was."""
    write(here / "rows.jsonl", clean_rows())
    (here / "empty").mkdir()
    (here / "pyproject.toml").write_text(there)

    done = run(*args)

    assert done.exit_code == code, done.output
    assert says in done.output
    assert (here / "pyproject.toml").read_text() == there
    assert not list(here.glob(".*"))


def test_a_folder_in_the_place_of_the_declaration(here: Path) -> None:
    """It is refused with a line."""
    write(here / "rows.jsonl", clean_rows())
    (here / "pyproject.toml").mkdir()

    done = run()

    assert done.exit_code == 4
    assert "pyproject.toml cannot be read: Is a directory" in done.output


def test_nothing_can_be_read(here: Path) -> None:
    """The file is declared under the usual contract, and what is wrong stands beside it."""
    (here / "rows.parquet").write_bytes(b"PAR1 no more")

    assert run().exit_code == 0

    assert written() == {"contract": "axolotl", "datasets": {"rows": {"path": "rows.parquet"}}}
    assert "# rows.parquet could not be read: " in (here / "pyproject.toml").read_text()


def test_damage_is_noted(here: Path) -> None:
    """A file that breaks off is declared all the same, with a comment."""
    path = write(here / "rows.jsonl", clean_rows())
    path.write_bytes(path.read_bytes()[:-30])

    assert run().exit_code == 0

    assert (
        "# rows.jsonl could not be read: line 6 is cut off" in (here / "pyproject.toml").read_text()
    )
    assert written()["datasets"]["rows"]["path"] == "rows.jsonl"


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(text=TEXT)
def test_strings(text: str) -> None:
    """What is written as TOML is read as what it was."""
    assert tomllib.loads(f"a = {string(text)}") == {"a": text}


@given(text=TEXT)
def test_keys(text: str) -> None:
    """Keys too, bare or not."""
    assert tomllib.loads(f"[t.{key(text)}]\na = 1") == {"t": {text: {"a": 1}}}


@given(values=st.dictionaries(TEXT, TEXT))
def test_tables(values: dict[str, str]) -> None:
    """Inline tables too."""
    assert tomllib.loads(f"a = {table(values)}") == {"a": values}


@given(text=st.text())
def test_comments(text: str) -> None:
    """A comment stays one, whatever is said in it."""
    line = comment(text)

    assert tomllib.loads(f"a = 1 {line}\nb = 2") == {"a": 1, "b": 2}


def test_paths_that_toml_cannot_say(here: Path) -> None:
    """A name that is no UTF-8 is refused with a line, not a traceback."""
    folder = os.fsencode(here) + b"/bad\xff"
    os.mkdir(folder)  # noqa: PTH102 - pathlib takes no bytes
    write(Path(os.fsdecode(folder)) / "rows.jsonl", clean_rows())

    done = run()

    assert done.exit_code == 4, done.output
    assert "cannot be written down in TOML" in done.output
