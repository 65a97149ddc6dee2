"""Every kind of test id is printed once, and selects its item when given back as printed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.plugin.conftest import Run
from tests.plugin.data import (
    FAULT,
    clean_rows,
    declare,
    faulty_rows,
    overlapping_rows,
    shards,
    write,
    write_saved,
)

# One id of each form, all of them violated in `everything`.
IDS = {
    "declared": f"pyproject.toml::sft::{FAULT}[train]",
    "declared-overlap": "pyproject.toml::sft::split-overlap",
    "file": f"data/alone.parquet::{FAULT}",
    "shards": f"data/hub/train-00000-of-00002.parquet::{FAULT}[train]",
    "shards-overlap": "data/hub/test.parquet::split-overlap",
    "saved-dict": f"data/dict/dataset_dict.json::{FAULT}[train]",
    "saved-dict-overlap": "data/dict/dataset_dict.json::split-overlap",
    "saved": f"data/saved/state.json::{FAULT}",
}


@pytest.fixture
def everything(here: Path) -> Path:
    """One dataset for each form of id; each violates the rules that `IDS` names, and no other."""
    declare(
        here,
        """
        [tool.pretok.datasets.sft]
        splits = { train = "declared/a.parquet", test = "declared/b.jsonl" }
        """,
    )
    write(here / "declared/a.parquet", faulty_rows(seed=1))
    write(here / "declared/b.jsonl", overlapping_rows(seed=1))
    write(here / "data/alone.parquet", faulty_rows(seed=2))
    shards(here / "data/hub", "train", [clean_rows(seed=3), faulty_rows(seed=4)])
    write(here / "data/hub/test.parquet", overlapping_rows(seed=3))
    splits = {"train": faulty_rows(seed=5), "test": overlapping_rows(seed=5)}
    write_saved(here / "data/dict", splits)
    write_saved(here / "data/saved", faulty_rows(seed=6))
    return here


@pytest.mark.usefixtures("everything")
def test_printed_once(run: Run) -> None:
    """Collection prints every id of every form once."""
    ran = run("--pretok-data=.", "--co", "-q")

    assert ran.code == 0
    assert len(set(ran.ids)) == len(ran.ids)
    assert set(IDS.values()) <= set(ran.ids)


@pytest.mark.usefixtures("everything")
def test_only_these_fail(run: Run, workers: str) -> None:
    """What fails in a whole run is named by the ids that collection prints."""
    ran = run("--pretok-data=.", "-q", "-rf", "--tb=no", workers)
    failed = {line.split()[1] for line in ran.lines if line.startswith("FAILED")}

    assert ran.code == 1
    assert failed == set(IDS.values())


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("flag", ["", "--pretok-data=."], ids=["bare", "flag"])
@pytest.mark.parametrize("test_id", IDS.values(), ids=IDS)
def test_selects_itself(run: Run, test_id: str, flag: str) -> None:
    """An id given back runs one item, with and without the flag, and prints the same id."""
    ran = run(test_id, flag, "-rf")

    assert ran.code == 1
    assert ran.outcomes == {"failed": 1}
    assert f"FAILED {test_id}" in ran.text


@pytest.mark.usefixtures("everything")
def test_every_id_selects_itself(run: Run) -> None:
    """All ids that were printed, given back together, collect the same items again."""
    printed = run("--pretok-data=.", "--co", "-q").ids

    assert sorted(run(*printed, "--co", "-q").ids) == sorted(printed)


@pytest.mark.usefixtures("everything")
def test_several_at_once(run: Run, workers: str) -> None:
    """Ids of several forms run together, each once."""
    ran = run(*IDS.values(), workers)

    assert ran.outcomes == {"failed": len(IDS)}


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("shard", ["train-00000-of-00002", "train-00001-of-00002"])
def test_any_shard_means_its_split(run: Run, shard: str) -> None:
    """An id with the name of a later shard runs the item of the split."""
    ran = run(f"data/hub/{shard}.parquet::{FAULT}[train]", "-rf")

    assert ran.outcomes == {"failed": 1}
    assert f"FAILED {IDS['shards']}" in ran.text


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize(
    "stem", ["pyproject.toml::sft::no-rows", "data/dict/dataset_dict.json::no-rows"]
)
def test_a_rule_without_split_means_all_splits(run: Run, stem: str) -> None:
    """RULE selects RULE[train] and RULE[test]."""
    ran = run(stem, "--co", "-q")

    assert ran.ids == [f"{stem}[train]", f"{stem}[test]"]


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize(
    ("argument", "prefix"),
    [
        ("pyproject.toml::sft", "pyproject.toml::sft::"),
        ("data/alone.parquet", "data/alone.parquet::"),
        ("data/dict/dataset_dict.json", "data/dict/dataset_dict.json::"),
        ("data/dict/train/data-00000-of-00001.arrow", "data/dict/dataset_dict.json::"),
        ("declared/a.parquet", "pyproject.toml::sft::"),
    ],
)
def test_file_or_dataset_means_all_its_items(run: Run, argument: str, prefix: str) -> None:
    """A file or a dataset without a rule selects every item of the dataset, and nothing else."""
    whole = [i for i in run("--pretok-data=.", "--co", "-q").ids if i.startswith(prefix)]

    assert whole
    assert run(argument, "--co", "-q").ids == whole


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize(
    "argument", ["pyproject.toml::sft::no-such-rule", "data/alone.parquet::no-such-rule[train]"]
)
def test_unknown_rule_is_a_usage_error(run: Run, argument: str) -> None:
    """An id of a rule that is not collected ends the run with 4 instead of passing."""
    assert run(argument).code == 4


ODD = ("we[1].parquet", "a::b.parquet")
ODD_WAYS = {
    "flag": [f"--pretok-data=data/{name}" for name in ODD],
    "folder": ["--pretok-data=data"],
    "argument": [f"data/{name}" for name in ODD],
    "id": [f"data/{name}::{FAULT}" for name in ODD],
}


@pytest.mark.parametrize("way", ODD_WAYS)
def test_names_that_pytest_cannot_parse(run: Run, here: Path, way: str) -> None:
    """Files with brackets or colons in their names are checked, however they are named."""
    for name in ODD:
        write(here / "data" / name, faulty_rows())
    ran = run(*ODD_WAYS[way], "-rf", "--tb=no")

    assert ran.code == 1
    assert ran.outcomes["failed"] == 2
    assert all(f"FAILED data/{name}::{FAULT} - " in ran.text for name in ODD)


def test_two_ids_of_a_name_that_pytest_cannot_parse(run: Run, here: Path) -> None:
    """Each of them is run."""
    write(here / "data" / ODD[0], faulty_rows())
    ran = run(*(f"data/{ODD[0]}::{rule}" for rule in (FAULT, "no-rows")), "-rA", "--tb=no")

    assert ran.outcomes == {"failed": 1, "passed": 1}
    assert f"FAILED data/{ODD[0]}::{FAULT} - " in ran.text
    assert f"PASSED data/{ODD[0]}::no-rows" in ran.text


def test_names_that_pytest_cannot_parse_on_workers(run: Run, here: Path) -> None:
    """Workers collect such names as the controller does, beside others."""
    for name in (*ODD, "plain.parquet"):
        write(here / "data" / name, faulty_rows())
    ran = run(*ODD_WAYS["id"], f"data/plain.parquet::{FAULT}", "-rf", "--tb=no", "-n2")

    assert ran.outcomes == {"failed": 3}
    assert all(f"FAILED data/{name}::{FAULT} - " in ran.text for name in ODD)


STRANGE = (
    "with space.parquet",
    "ünïcödé-数据.parquet",
    "new\nline.parquet",
    "\x1b[31mred.parquet",
    "\u202egpj.parquet",
    "-dash.parquet",
)


def test_strange_names(run: Run, here: Path, workers: str) -> None:
    """Strange file names are checked, and no control or direction character is printed."""
    for name in STRANGE:
        write(here / "data" / name, faulty_rows())
    ran = run("--pretok-data=data", "-rf", "-v", workers)

    assert ran.code == 1
    assert ran.outcomes["failed"] == len(STRANGE)
    assert all(line.isprintable() for line in ran.lines)


@pytest.mark.parametrize("name", ["with space.parquet", "ünïcödé-数据.parquet", "-dash.parquet"])
def test_strange_names_are_selectable(run: Run, here: Path, name: str) -> None:
    """Printable strange names select their items."""
    write(here / "data" / name, faulty_rows())

    assert run(f"data/{name}::{FAULT}").outcomes == {"failed": 1}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that does not lie under the root of the inner run."""
    return tmp_path / "elsewhere"


def test_outside_the_root_ids_do_not_collide(
    run: Run, here: Path, outside: Path, workers: str
) -> None:
    """Two files outside of the root, with the same name, have items of their own."""
    one = write(outside / "one/data.parquet", faulty_rows(seed=1))
    two = write(outside / "two/data.parquet", faulty_rows(seed=2))
    ran = run(f"--pretok-data={outside}", f"--rootdir={here}", "-rf", "--tb=no", workers)

    assert ran.outcomes["failed"] == 2
    assert f"FAILED {one.as_posix()}::{FAULT}" in ran.text
    assert f"FAILED {two.as_posix()}::{FAULT}" in ran.text


def test_outside_the_root_ids_are_selectable(run: Run, here: Path, outside: Path) -> None:
    """An absolute id outside of the root selects its item, also beside one inside."""
    inner = write(here / "inner.parquet", faulty_rows(seed=1))
    outer = write(outside / "outer.parquet", faulty_rows(seed=2))
    ids = [f"{outer}::{FAULT}", f"{inner.name}::{FAULT}"]

    assert run(ids[0], f"--rootdir={here}").outcomes == {"failed": 1}
    assert run(*ids, f"--rootdir={here}").outcomes == {"failed": 2}


@pytest.mark.parametrize("folder", ["build", "dist", "build/data", ".hidden", "venv"])
@pytest.mark.parametrize("tests", ["", "."], ids=["data", "with-tests"])
def test_folders_that_pytest_does_not_enter(run: Run, here: Path, folder: str, tests: str) -> None:
    """Data under a named build/, dist/ or hidden folder is checked, alone or beside tests."""
    write(here / folder / "train.parquet", faulty_rows())
    (here / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    ran = run(tests, f"--pretok-data={folder}", "-rf", "--tb=no")

    assert ran.outcomes["failed"] == 1
    assert f"FAILED {folder}/train.parquet::{FAULT}" in ran.text
    assert run(f"{folder}/train.parquet::{FAULT}").outcomes == {"failed": 1}


def test_splits_in_the_root_itself(run: Run, here: Path) -> None:
    """Train and validation files of the root bear its name; ids and paths stay those of files."""
    write(here / "train.parquet", faulty_rows())
    write(here / "validation.parquet", clean_rows(seed=3))
    ran = run("--pretok-data=.", "--pretok-report=report.json", "-rf", "--tb=no")
    (dataset,) = json.loads((here / "report.json").read_text(encoding="utf-8"))["datasets"]

    assert (dataset["name"], dataset["path"]) == (here.name, ".")
    assert f"{here.name} [train]: 6 rows" in ran.text
    assert f"FAILED train.parquet::{FAULT}" in ran.text
    assert run(f"train.parquet::{FAULT}").outcomes == {"failed": 1}


@pytest.mark.parametrize("folder", ["build", "dist"])
def test_build_folders_are_searched(run: Run, here: Path, folder: str) -> None:
    """Data in build/ and dist/ is found from the folder above."""
    write(here / folder / "train.parquet", faulty_rows())

    assert run("--pretok-data=.").outcomes["failed"] == 1


def test_an_alias_counts_once(run: Run, here: Path) -> None:
    """A file that links lead to is checked once, under its own name."""
    real = write(here / "data/real.parquet", faulty_rows())
    (here / "data/alias.parquet").symlink_to(real)
    (here / "data/folder-alias").symlink_to(here / "data", target_is_directory=True)
    ran = run("--pretok-data=data", "-rf", "--tb=no")

    assert ran.outcomes["failed"] == 1
    assert f"FAILED data/real.parquet::{FAULT}" in ran.text


def test_an_alias_named_itself(run: Run, here: Path, tmp_path: Path) -> None:
    """A link that is named, to a file or a folder elsewhere, is checked under its own name."""
    real = write(tmp_path / "store/real.parquet", faulty_rows())
    (here / "alias.parquet").symlink_to(real)
    (here / "alias").symlink_to(real.parent, target_is_directory=True)

    by_file = run("--pretok-data=alias.parquet", "-rf", "--tb=no")
    assert f"FAILED alias.parquet::{FAULT}" in by_file.text
    by_folder = run("--pretok-data=alias", "-rf", "--tb=no")
    assert f"FAILED alias/real.parquet::{FAULT}" in by_folder.text
    assert run(f"alias/real.parquet::{FAULT}").outcomes == {"failed": 1}
    assert run("--pretok-data=alias.parquet", "--pretok-data=alias").outcomes["failed"] == 1


def test_a_loop_of_links_ends(run: Run, here: Path) -> None:
    """Links that lead round in a circle are walked once, dangling ones are told."""
    write(here / "data/real.parquet", faulty_rows())
    (here / "data/loop").symlink_to(here / "data", target_is_directory=True)
    (here / "data/self").symlink_to(here / "data/self")
    ran = run("--pretok-data=data", "--tb=no")

    assert ran.code == 1
    assert ran.outcomes["failed"] == 1


def test_a_dangling_link_fails(run: Run, here: Path) -> None:
    """A link to data that is gone is an unreadable file, not nothing."""
    write(here / "data/real.parquet", clean_rows())
    (here / "data/gone.parquet").symlink_to(here / "nowhere.parquet")
    ran = run("--pretok-data=data", "-rf", "--tb=no")

    assert ran.code == 1
    assert "FAILED data/gone.parquet::unreadable-file" in ran.text


def test_from_another_folder(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started below the root, ids are still relative to the root and select as pytest's own do."""
    (here / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    write(here / "data/a.parquet", faulty_rows())
    (here / "sub").mkdir()
    monkeypatch.chdir(here / "sub")
    ran = run("--pretok-data=../data", "--co", "-q")

    assert f"data/a.parquet::{FAULT}" in ran.ids
    assert run(f"..{os.sep}data/a.parquet::{FAULT}").outcomes == {"failed": 1}
