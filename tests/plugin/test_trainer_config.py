"""Trainer configurations as declarations: real runs on real files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from textwrap import dedent

import pytest

from tests.plugin.conftest import Ran, Run
from tests.plugin.data import (
    FAULT,
    clean_rows,
    declare,
    faulty_rows,
    overlapping_rows,
    write,
    write_saved,
)
from tests.support.toy_tokenizers import byte_level

RULE = "no-rows"


def configure(path: Path, text: str) -> Path:
    """Write a configuration, without the indentation of the test that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")
    return path


def ids(ran: Ran, rule: str = RULE) -> list[str]:
    """The ids of one rule that a ``--co -q`` run printed."""
    return [i for i in ran.ids if f"::{rule}" in i]


@pytest.fixture
def project(here: Path) -> Path:
    """A configuration with data to train on and to evaluate on, all of it clean."""
    write(here / "data/train.parquet", clean_rows())
    write(here / "data/val.jsonl", clean_rows(seed=2))
    configure(
        here / "axolotl.yml",
        """
        base_model: org/model
        datasets:
          - path: data/train.parquet
            type:
        test_datasets:
          - path: data/val.jsonl
        sequence_len: 64
        """,
    )
    return here


IDS = [f"axolotl.yml::train::{RULE}[train]", f"axolotl.yml::train::{RULE}[test]"]


@pytest.mark.usefixtures("project")
def test_clean(run: Run, workers: str) -> None:
    """Clean data passes, with and without workers."""
    ran = run("--pretok-data=axolotl.yml", workers)

    assert ran.code == 0
    assert ran.outcomes.keys() == {"passed"}


@pytest.mark.usefixtures("project")
def test_ids(run: Run) -> None:
    """Ids hang on the configuration; what is evaluated on is a split, and is compared."""
    ran = run("--pretok-data=axolotl.yml", "--co", "-q")

    assert ids(ran) == IDS
    assert ids(ran, "split-overlap") == ["axolotl.yml::train::split-overlap"]
    assert ids(ran, "too-long") == [i.replace(RULE, "too-long") for i in IDS]


@pytest.mark.parametrize(
    "argument", [IDS[1], "axolotl.yml::train", "axolotl.yml", f"axolotl.yml::train::{RULE}"]
)
@pytest.mark.usefixtures("project")
def test_positional(run: Run, argument: str) -> None:
    """An id that was copied, and its beginnings, need no flag."""
    ran = run(argument, "--co", "-q")

    assert ids(ran) == (IDS[1:] if argument == IDS[1] else IDS)
    assert run(argument, "-n2").code == 0


@pytest.mark.usefixtures("project")
def test_unknown_id(run: Run) -> None:
    """A dataset that the configuration has not is not found."""
    assert run("axolotl.yml::other").code == 4


def test_yaml_of_others(run: Run, here: Path) -> None:
    """A YAML file that is no trainer's is left to whoever collects it."""
    configure(here / "a.yml", "steps: []\n")
    ran = run("a.yml")

    assert "pretok" not in ran.text.replace("pretok-", "")
    assert run("--pretok-data=a.yml").code == 4


def test_overlap(run: Run, project: Path) -> None:
    """A row that is trained and evaluated on is found."""
    write(project / "data/val.jsonl", overlapping_rows())
    ran = run("--pretok-data=axolotl.yml")

    assert ran.code == 1
    assert ran.outcomes["failed"] == 1
    assert "FAILED axolotl.yml::train::split-overlap" in ran.text


def test_evaluation_under_other_settings(run: Run, project: Path) -> None:
    """What is evaluated on may be packed and limited otherwise, and is compared all the same."""
    rows = clean_rows(seed=2) + overlapping_rows()
    rows[0]["attention_mask"][3] = 0
    write(project / "data/val.jsonl", rows)
    with (project / "axolotl.yml").open("a", encoding="utf-8") as file:
        file.write("sample_packing: true\neval_sample_packing: false\neval_sequence_len: 20\n")
    ran = run("--pretok-data=axolotl.yml", "--pretok-report=r.json")
    text = " ".join(ran.text.split())

    assert "FAILED axolotl.yml::train::split-overlap" in ran.text
    assert "axolotl, packing off: silent - the model cannot see these tokens" in text
    assert "expected <= 20" in text
    (dataset,) = json.loads((project / "r.json").read_text(encoding="utf-8"))["datasets"]
    rules = [{rule["rule"] for rule in split["rules"]} for split in dataset["splits"]]
    assert rules[0] - rules[1] == {"extra-column", "too-few-tokens-to-pack"}
    assert run("--pretok-data=axolotl.yml", "-n2").outcomes == ran.outcomes


def test_settings_of_the_configuration(run: Run, project: Path) -> None:
    """Lengths and packing are the configuration's, what it leaves out the project's."""
    declare(
        project,
        """
        [tool.pretok]
        packing = true
        sequence-len = 9
        vocab-size = 40000
        rules = { duplicate-rows = "off" }
        """,
    )
    run("--pretok-data=axolotl.yml", "--pretok-report=r.json")
    (dataset,) = json.loads((project / "r.json").read_text(encoding="utf-8"))["datasets"]

    assert (dataset["name"], dataset["path"]) == ("train", "data/train.parquet")
    assert dataset["declared_at"] == "axolotl.yml:4"
    assert dataset["settings"] == {
        "packing": False,
        "sequence-len": 64,
        "excess-length": "drop",
        "vocab-size": 40000,
        "micro-batch-size": 1,
    }
    rules = {rule["rule"] for rule in dataset["splits"][0]["rules"]}
    assert "duplicate-rows" not in rules
    assert {"container", "stale-prepared-folder", "tokenised-but-typed"} <= rules
    assert "too-few-tokens-to-pack" not in rules


def test_model_folder(run: Run, project: Path) -> None:
    """A local model tells the vocabulary, unless the project declares it."""
    config = {"vocab_size": 1010, "bos_token_id": 1, "eos_token_id": 2}
    (project / "org/model").mkdir(parents=True)
    (project / "org/model/config.json").write_text(json.dumps(config), encoding="utf-8")

    ran = run("--pretok-data=axolotl.yml")
    assert "FAILED axolotl.yml::train::token-out-of-vocab[train]" in ran.text

    declare(project, "[tool.pretok]\nvocab-size = 40000\n")
    assert run("--pretok-data=axolotl.yml", "--pretok-report=r.json").code == 0
    (dataset,) = json.loads((project / "r.json").read_text(encoding="utf-8"))["datasets"]
    assert dataset["settings"]["vocab-size"] == 40000
    assert dataset["settings"]["eos-token-ids"] == [2]


def test_the_tokenizer_of_a_model_folder(run: Run, project: Path) -> None:
    """It is read as a declared one is: ids are shown as text."""
    (project / "org/model").mkdir(parents=True)
    byte_level().save(str(project / "org/model/tokenizer.json"))
    ran = run("--pretok-data=axolotl.yml")

    assert 'end with "#" (100 %)' in ran.text
    assert "for want of tokenizer" not in ran.text


NAMES = """
datasets:
  - path: data/sft/train.parquet
  - path: data/dpo/train.parquet
  - path: data/my set (1).parquet
  - path: data/folder/
  - path: data/folder/.
  - path: json
    data_files: [data/part-a.jsonl]
"""


def test_names(run: Run, here: Path) -> None:
    """A dataset is called by the last part of its path; equal ones are numbered."""
    for seed, name in enumerate(["sft/train", "dpo/train", "my set (1)", "folder/a"]):
        write(here / f"data/{name}.parquet", clean_rows(seed=seed))
    write(here / "data/part-a.jsonl", clean_rows(seed=9))
    configure(here / "axolotl.yml", NAMES)
    ran = run("--pretok-data=axolotl.yml", "--co", "-q")

    names = ["train", "train-2", "my_set__1_", "folder", "data", "part-a"]
    assert ids(ran) == [f"axolotl.yml::{name}::{RULE}[train]" for name in names]
    assert run("axolotl.yml::train-2").outcomes.keys() == {"passed"}


def test_several_datasets(run: Run, here: Path) -> None:
    """Of several datasets each stands for itself; what is not compared is said."""
    for name in ("a", "b", "c"):
        write(here / f"{name}.parquet", clean_rows(seed=ord(name)))
    configure(
        here / "axolotl.yml",
        """
        datasets: [{path: a.parquet}, {path: b.parquet}]
        test_datasets: [{path: c.parquet}]
        sample_packing: true
        micro_batch_size: 64
        """,
    )
    ran = run("--pretok-data=axolotl.yml", "--co", "-q")
    assert ids(ran) == [
        f"axolotl.yml::a::{RULE}[train]",
        f"axolotl.yml::b::{RULE}[train]",
        f"axolotl.yml::c::{RULE}[test]",
    ]

    ran = run("--pretok-data=axolotl.yml")
    assert ran.code == 0
    assert "split-overlap is not checked" in ran.text
    assert "too-few-tokens-to-pack is not checked" in ran.text


HUB = """
datasets:
  - path: org/dataset
  - path: s3://bucket/train.parquet
  - path: alpaca
"""


def test_elsewhere(run: Run, project: Path) -> None:
    """What cannot be looked at is named, in the summary too, and in the report."""
    text = (project / "axolotl.yml").read_text(encoding="utf-8")
    more = HUB.replace("\ndatasets:\n", "")
    text = text.replace("test_datasets:", f"{more}test_datasets:")
    (project / "axolotl.yml").write_text(text, encoding="utf-8")
    ran = run("--pretok-data=axolotl.yml", "-q", "--pretok-report=r.json")

    assert ran.code == 0
    expected = [
        "axolotl.yml: not checked: org/dataset (a dataset of the Hub)",
        "axolotl.yml: not checked: s3://bucket/train.parquet (a URL)",
        "axolotl.yml: not checked: alpaca (a dataset of the Hub)",
    ]
    assert [line for line in ran.lines if "not checked: " in line and ".yml" in line] == expected
    report = json.loads((project / "r.json").read_text(encoding="utf-8"))
    assert report["not_checked"] == expected


UNUSABLE = {
    "hub": (HUB, "nothing to check: org/dataset (a dataset of the Hub); s3://"),
    "empty": ("", "it has none of the keys datasets"),
    "no-datasets": ("datasets:\n", "nothing to check: it names no datasets"),
    "rl": ("rl: dpo\ndatasets: [{path: a.jsonl}]\n", "a.jsonl (rl: dpo: preference data)"),
    "text": ("datasets: [{path: text.jsonl, type: alpaca}]\n", "text.jsonl (type: alpaca, text"),
}


@pytest.mark.parametrize(("text", "part"), UNUSABLE.values(), ids=UNUSABLE)
def test_nothing_to_check(run: Run, here: Path, text: str, part: str) -> None:
    """A configuration of which nothing can be checked is a usage error."""
    (here / "text.jsonl").write_text('{"instruction": "a"}\n', encoding="utf-8")
    configure(here / "axolotl.yml", text)
    ran = run("--pretok-data=axolotl.yml")

    assert ran.code == 4
    assert part in ran.text
    assert "Traceback" not in ran.text


MISSING = {
    "data/trian.parquet": "there is no such file or folder",
    "data/trian": "there is no such file or folder",
    "./org": "there is no such file or folder",
    "data/*.parquet": "a path takes no pattern",
    "~/train": "does not read ~",
}


@pytest.mark.parametrize(("path", "part"), MISSING.items())
def test_missing(run: Run, here: Path, path: str, part: str) -> None:
    """A path that should be here fails: nothing is taken for a repository that is none."""
    (here / "data").mkdir()
    configure(here / "axolotl.yml", f"datasets: [{{path: '{path}'}}]\n")
    ran = run("--pretok-data=axolotl.yml")

    assert ran.code == 1
    assert part in " ".join(ran.text.split())


def test_missing_data_files(run: Run, here: Path) -> None:
    """data_files are relative to the working directory, not to the path."""
    write(here / "data/a.jsonl", clean_rows())
    configure(here / "axolotl.yml", "datasets: [{path: data, data_files: a.jsonl}]\n")
    ran = run("--pretok-data=axolotl.yml")

    assert ran.code == 1
    assert "relative to the working directory" in " ".join(ran.text.split())
    configure(here / "axolotl.yml", "datasets: [{path: data, data_files: data/*.jsonl}]\n")
    assert run("--pretok-data=axolotl.yml").code == 0


def test_data_files_elsewhere(run: Run, here: Path) -> None:
    """A URL among them is not followed, and no pass."""
    write(here / "data/a.jsonl", clean_rows())
    configure(
        here / "axolotl.yml",
        "datasets: [{path: json, data_files: [data/a.jsonl, 'https://nowhere.invalid/b.jsonl']}]\n",
    )
    ran = run("--pretok-data=axolotl.yml")

    assert ran.code == 1
    assert "https://nowhere.invalid/b.jsonl: a URL; declare it as a dataset's path in" in (
        " ".join(ran.text.split())
    )


def test_paths_of_the_working_directory(run: Run, here: Path) -> None:
    """Paths are relative to where the run starts, wherever the configuration lies."""
    write(here / "data/train.parquet", clean_rows())
    write(here / "configs/data/train.parquet", faulty_rows())
    configure(here / "configs/a.yml", "datasets: [{path: data/train.parquet}]\n")
    ran = run("--pretok-data=configs/a.yml")

    assert ran.code == 0
    assert "its paths lead nowhere" not in ran.text


def test_paths_of_the_configurations_folder(run: Run, here: Path) -> None:
    """Where nothing is there, paths are taken from the configuration's folder, and that is said."""
    write(here / "configs/train.parquet", faulty_rows())
    configure(here / "configs/a.yml", "datasets: [{path: train.parquet}]\n")
    ran = run("--pretok-data=configs/a.yml")

    assert ran.code == 1
    assert f"FAILED configs/a.yml::train::{FAULT}[train]" in ran.text
    assert f"configs/a.yml: its paths lead nowhere from {here}" in ran.text


def test_faults(run: Run, here: Path, workers: str) -> None:
    """A faulty configuration ends with 2; all its faults are told with their lines."""
    configure(here / "axolotl.yml", "sequence_len: x\ndatasets:\n  - ds_type: json\n")
    ran = run("--pretok-data=axolotl.yml", workers, subprocess=True)

    assert ran.code == 2
    assert "2 faults in axolotl.yml" in ran.text
    assert "axolotl.yml:1: sequence_len: found 'x', expected a whole number >= 1" in ran.text
    assert "axolotl.yml:3: datasets[0].path: path is missing" in ran.text
    assert "Traceback" not in ran.text
    assert "INTERNALERROR" not in ran.text


@pytest.fixture
def tokenised(here: Path) -> Path:
    """A folder that LLaMA-Factory wrote, and the configuration that it was written for."""
    rows = {"train": clean_rows(), "validation": clean_rows(seed=2), "test": faulty_rows(seed=3)}
    write_saved(here / "data", rows)
    configure(here / "sft.yaml", "model_name_or_path: x\ntokenized_path: data\npacking: true\n")
    return here


def test_llama_factory(run: Run, tokenised: Path) -> None:
    """The splits that LLaMA-Factory reads are checked, under its own contract."""
    ran = run("--pretok-data=sft.yaml", "--co", "-q")
    assert ids(ran) == [f"sft.yaml::data::{RULE}[train]", f"sft.yaml::data::{RULE}[validation]"]

    ran = run("--pretok-data=sft.yaml", "-k", f"{RULE} or split-overlap or {FAULT}")
    assert (ran.code, ran.outcomes["passed"]) == (0, 5)
    (tokenised / "data/dataset_dict.json").unlink()
    ran = run("--pretok-data=sft.yaml")
    assert ran.code == 1
    assert "was not written by save_to_disk" in ran.text
    configure(tokenised / "sft.yaml", "tokenized_path: nowhere\n")
    ran = run("--pretok-data=sft.yaml")
    assert ran.code == 4
    assert "nowhere (not there yet: the trainer would write it)" in ran.text


# -- which files, and which split


def test_splits_of_a_folder(run: Run, here: Path) -> None:
    """Of a folder with splits, the one that is trained on is checked, and no other."""
    write(here / "data/train.parquet", clean_rows())
    write(here / "data/test.parquet", faulty_rows(seed=2))
    configure(here / "axolotl.yml", "datasets: [{path: data}]\n")
    assert run("--pretok-data=axolotl.yml").code == 0

    configure(here / "axolotl.yml", "datasets: [{path: data, split: test}]\n")
    ran = run("--pretok-data=axolotl.yml")
    assert f"FAILED axolotl.yml::data::{FAULT}[train]" in ran.text

    text = "datasets: [{path: data}]\ntest_datasets: [{path: data}]\n"
    configure(here / "axolotl.yml", text)
    ran = run("--pretok-data=axolotl.yml")
    assert f"FAILED axolotl.yml::data::{FAULT}[test]" in ran.text
    assert ran.outcomes["failed"] == 1


def test_saved_folders(run: Run, here: Path) -> None:
    """So it is for folders of save_to_disk; one without a train split warns."""
    write_saved(here / "both", {"train": clean_rows(), "test": faulty_rows(seed=2)})
    write_saved(here / "one", clean_rows(seed=3))
    write_saved(here / "val", {"validation": clean_rows(seed=4)})
    for name, warned in (("both", False), ("one", False), ("val", True)):
        configure(here / "axolotl.yml", f"datasets: [{{path: {name}}}]\n")
        ran = run("--pretok-data=axolotl.yml")
        assert ran.code == 0
        assert ("no split train (there is: validation)" in " ".join(ran.text.split())) is warned


def test_numpy_format(run: Run, here: Path) -> None:
    """A folder that gives its values back as numpy arrays is told by its state."""
    write_saved(here / "data", clean_rows())
    state = json.loads((here / "data/state.json").read_text(encoding="utf-8"))
    (here / "data/state.json").write_text(
        json.dumps({**state, "_format_type": "numpy"}), encoding="utf-8"
    )
    configure(here / "axolotl.yml", "datasets: [{path: data}]\n")

    assert "saved in the numpy format" in run("--pretok-data=axolotl.yml").text


def test_warnings_of_the_container(run: Run, project: Path) -> None:
    """Files that Axolotl takes for another kind are a warning, which can be made an error."""
    (project / "data/train.parquet").rename(project / "data/train.pq")
    text = (project / "axolotl.yml").read_text(encoding="utf-8")
    configure(project / "axolotl.yml", text.replace("train.parquet", "train.pq"))
    ran = run("--pretok-data=axolotl.yml")

    assert (ran.code, ran.outcomes["warnings"]) == (0, 1)
    assert "set ds_type: parquet" in " ".join(ran.text.split())
    assert run("--pretok-data=axolotl.yml", "-W", "error::pytest_pretok.PretokWarning").code == 1
    configure(
        project / "axolotl.yml",
        text.replace("train.parquet", "train.pq\n    ds_type: parquet"),
    )
    assert run("--pretok-data=axolotl.yml").outcomes.keys() == {"passed"}


def test_typed(run: Run, project: Path) -> None:
    """A type beside the three columns is a warning; text with a type is named as not checked."""
    text = (project / "axolotl.yml").read_text(encoding="utf-8")
    configure(project / "axolotl.yml", text.replace("type:", "type: chat_template"))
    (project / "data/val.jsonl").write_text('{"messages": []}\n', encoding="utf-8")
    ran = run("--pretok-data=axolotl.yml")
    assert "type: chat_template, but the columns are there" in ran.text
    assert "axolotl.yml::train::wrong-kind[test]" in ran.text  # no type: it should be tokens

    (project / "data/val.jsonl").write_text('{"input_ids": [1, 2]}\n', encoding="utf-8")
    text = text.replace("val.jsonl", "val.jsonl\n    type: chat_template")
    configure(project / "axolotl.yml", text)
    assert run("--pretok-data=axolotl.yml").code == 1  # tokens, but not all of the columns

    (project / "data/val.jsonl").write_text('{"messages": []}\n', encoding="utf-8")
    configure(project / "axolotl.yml", text)
    ran = run("--pretok-data=axolotl.yml")
    assert ran.code == 0
    assert "not checked: data/val.jsonl (type: chat_template, text that" in ran.text


def test_stale_prepared_folder(run: Run, project: Path) -> None:
    """Rows that were prepared before the files were written are an error, until they are gone."""
    text = (
        "base_model: models/toy\ndatasets: [{path: data/train.jsonl, type: }]\nsequence_len: 64\n"
    )
    configure(project / "axolotl.yml", text)
    source = write(project / "data/train.jsonl", clean_rows())
    # The name that axolotl 0.19.0 gave the folder for this configuration.
    state = project / "last_run_prepared/c39d4ccee501e08f666987e7041403d8/state.json"
    assert run("--pretok-data=axolotl.yml").code == 0

    state.parent.mkdir(parents=True)
    assert run("--pretok-data=axolotl.yml").code == 0  # empty: nothing was prepared
    state.write_text("{}", encoding="utf-8")
    assert run("--pretok-data=axolotl.yml").code == 0

    os.utime(source, (state.stat().st_mtime + 3600,) * 2)
    ran = run("--pretok-data=axolotl.yml", "-n2")
    assert ran.code == 1
    assert "FAILED axolotl.yml::train::stale-prepared-folder[train]" in ran.text
    assert "60 minutes after" in " ".join(ran.text.split())


def test_too_few_tokens_to_pack(run: Run, project: Path) -> None:
    """Rows that do not fill a batch fail when they are packed; evaluation rows do not."""
    with (project / "axolotl.yml").open("a", encoding="utf-8") as file:
        file.write("sample_packing: true\nmicro_batch_size: 4\n")
    ran = run("--pretok-data=axolotl.yml")

    assert ran.outcomes["failed"] == 1
    assert "FAILED axolotl.yml::train::too-few-tokens-to-pack[train]" in ran.text
    assert run("axolotl.yml::train::too-few-tokens-to-pack").outcomes == {"failed": 1, "passed": 1}
    with (project / "axolotl.yml").open("a", encoding="utf-8") as file:
        file.write("flash_attention: true\n")
    assert run("--pretok-data=axolotl.yml").code == 0


def test_batches_of_a_declaration(run: Run, here: Path) -> None:
    """A declaration can say what a batch is, without a trainer configuration."""
    write(here / "a.parquet", clean_rows())
    write(here / "b.parquet", clean_rows(2, seed=2))
    declare(
        here,
        """
        [tool.pretok.datasets.sft]
        splits = { train = "a.parquet", test = "b.parquet" }
        packing = true
        sequence-len = 64
        micro-batch-size = 4
        """,
    )
    ran = run("--pretok-data=.")

    assert ran.outcomes["failed"] == 1
    assert "FAILED pyproject.toml::sft::too-few-tokens-to-pack[train]" in ran.text
    lacking = "not checked for want of trainer-config: container, stale-prepared-folder"
    assert lacking in " ".join(ran.text.split())


# -- the key trainer-config


def test_key(run: Run, project: Path, workers: str) -> None:
    """A declaration that names a configuration has its datasets, under the same ids."""
    declare(project, '[tool.pretok]\ntrainer-config = "axolotl.yml"\n')

    for arguments in (["--pretok-data=."], ["pyproject.toml"], ["--pretok-data=pyproject.toml"]):
        assert ids(run(*arguments, "--co", "-q")) == IDS
        ran = run(*arguments, workers)
        assert (ran.code, ran.outcomes.keys()) == (0, {"passed"})


@pytest.mark.parametrize("value", ['["a/x.yml", "b/y.yaml"]', '"[ab]/*.y*ml"'])
def test_several_configurations(run: Run, here: Path, value: str) -> None:
    """The key takes a list and a pattern; paths are meant from the declaration's folder."""
    write(here / "x.parquet", clean_rows())
    write(here / "y.parquet", clean_rows(seed=2))
    write(here / "own.parquet", clean_rows(seed=3))
    configure(here / "a/x.yml", "datasets: [{path: x.parquet}]\n")
    configure(here / "b/y.yaml", "datasets: [{path: y.parquet}]\n")
    declare(
        here,
        f"""
        [tool.pretok]
        trainer-config = {value}
        [tool.pretok.datasets.own]
        path = "own.parquet"
        """,
    )
    expected = [
        f"a/x.yml::x::{RULE}[train]",
        f"b/y.yaml::y::{RULE}[train]",
        f"pyproject.toml::own::{RULE}[train]",
    ]
    assert sorted(ids(run("--pretok-data=.", "--co", "-q"))) == expected
    assert sorted(ids(run("pyproject.toml", "--co", "-q"))) == expected
    assert ids(run("--pretok-data=x.parquet", "--co", "-q")) == expected[:1]
    assert ids(run("pyproject.toml::own", "--co", "-q")) == expected[2:]
    assert ids(run(expected[1], "--co", "-q")) == expected[1:2]


@pytest.mark.parametrize("path", ["data", "data/train.parquet", "data/*.parquet"])
def test_inside_of_a_configuration(run: Run, project: Path, path: str) -> None:
    """PATH inside a dataset of a named configuration means that dataset."""
    declare(project, '[tool.pretok]\ntrainer-config = "axolotl.yml"\n')

    assert ids(run(f"--pretok-data={path}", "--co", "-q")) == IDS


def test_a_configuration_beside_a_folder(run: Run, project: Path) -> None:
    """What a configuration names is not found once more as undeclared files."""
    write(project / "data/free.parquet", clean_rows(seed=5))
    ran = run("--pretok-data=data", "--pretok-data=axolotl.yml", "--co", "-q")

    assert sorted(ids(ran)) == sorted([*IDS, f"data/free.parquet::{RULE}"])


def test_testpaths(run: Run, project: Path) -> None:
    """With the declaration among testpaths, a bare run checks the configuration's data."""
    declare(
        project,
        """
        [tool.pretok]
        trainer-config = "axolotl.yml"
        [tool.pytest.ini_options]
        testpaths = ["tests", "pyproject.toml"]
        """,
    )
    (project / "tests").mkdir()
    (project / "tests/test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")

    assert ids(run("--co", "-q")) == IDS
    assert run().code == 0
    assert run("tests", "--co", "-q").ids == ["tests/test_own.py::test_own"]


def test_testpaths_stand_back(run: Run, project: Path) -> None:
    """A configuration that is asked for is checked alone, whatever else testpaths hold."""
    declare(
        project,
        """
        [tool.pretok.datasets.own]
        path = "data/train.parquet"
        [tool.pytest.ini_options]
        testpaths = ["pyproject.toml"]
        """,
    )
    assert ids(run("--pretok-data=axolotl.yml", "--co", "-q")) == IDS


def test_faults_of_the_key(run: Run, here: Path) -> None:
    """Missing and faulty configurations are told together with the key's line."""
    configure(here / "a.yml", "datasets: x\n")
    configure(here / "b.yml", "a: 1\n")
    declare(
        here,
        """
        [tool.pretok]
        trainer-config = ["a.yml", "b.yml", "c.yml", "d/*.yml"]
        """,
    )
    ran = run("--pretok-data=.", subprocess=True)

    assert ran.code == 2
    assert "4 faults in a.yml, pyproject.toml" in ran.text
    for line in (
        "a.yml:1: datasets: expected a list of entries, each with a path",
        "pyproject.toml:3: trainer-config b.yml: holds no key of a trainer's configuration",
        "pyproject.toml:3: trainer-config c.yml: there is no such file",
        "pyproject.toml:3: trainer-config d/*.yml: no file matches",
    ):
        assert line in ran.text


KEYS = {
    "trainer-config = 3\n": "[tool.pretok] trainer-config: found 3, expected a path or a list",
    'trainer-config = ["a", 1]\n': "trainer-config: found ['a', 1], expected a path or a list",
    'trainer-config = ""\n': "trainer-config: the path is empty",
    'trainer-config = "s3://a/b.yml"\n': "trainer-config: found a URL",
    'datasets.a = { path = "x", trainer-config = "a.yml" }\n': "belongs at the top",
    'datasets.a = { path = "x", entries = {} }\n': "entries: unknown key",
}


@pytest.mark.parametrize(("text", "part"), KEYS.items())
def test_wrong_keys(run: Run, here: Path, text: str, part: str) -> None:
    """The key is text or a list of texts, at the top."""
    declare(here, f"[tool.pretok]\n{text}")
    ran = run("--pretok-data=.", subprocess=True)

    assert ran.code == 2
    assert part in ran.text


def test_outside_of_the_root(
    run: Run, here: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A configuration anywhere else has ids that can be selected too."""
    folder = tmp_path_factory.mktemp("elsewhere")
    write(folder / "train.parquet", clean_rows())
    configure(folder / "x.yml", "datasets: [{path: train.parquet}]\n")
    ran = run(f"--pretok-data={folder}/x.yml", "--co", "-q", f"--rootdir={here}")
    (found,) = ids(ran)

    assert found == f"{folder.as_posix()}/x.yml::train::{RULE}[train]"
    assert run(found, f"--rootdir={here}").outcomes == {"passed": 1}
