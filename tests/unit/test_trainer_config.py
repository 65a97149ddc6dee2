"""Trainer configurations: what is read from them, what is refused, and how a refusal reads."""

from __future__ import annotations

import builtins
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_pretok.discovery.names import FoundShard, FoundSplit
from pytest_pretok.discovery.sources import Located, is_tokenised
from pytest_pretok.faults import DeclarationError
from pytest_pretok.trainer_configs.axolotl_prepared import dataset_hash, prepared_folders
from pytest_pretok.trainer_configs.base import Source, TrainerConfig
from pytest_pretok.trainer_configs.document import LARGEST
from pytest_pretok.trainer_configs.model_folder import vocabulary
from pytest_pretok.trainer_configs.read import looks_like_config, read_config

# What axolotl 0.19.0 itself made of these configurations: load_cfg, load_tokenizer, then
# generate_dataset_hash_from_config, on a toy model.
HASHES = json.loads(Path(__file__).with_name("axolotl_prepared.json").read_text(encoding="utf-8"))

FULL = """\
base_model: ./models/toy
tokenizer_config: ./models/tokenizer
special_tokens:
  pad_token: <pad>
datasets:
  - path: data/train.parquet
    ds_type: parquet
    type:
  - path: data
    data_files:
      - data/a.jsonl
      - data/b.jsonl
    split: train[:5%]
    type: chat_template
test_datasets:
  - {path: data/val.jsonl, split: train}
sequence_len: 4096
eval_sequence_len: 2048
min_sample_len: 8
excess_length_strategy: truncate
sample_packing: true
micro_batch_size: 4
gradient_accumulation_steps: 2
dataset_prepared_path: prepared
"""


def read(folder: Path, text: str | bytes) -> TrainerConfig | None:
    """Read a configuration of this text."""
    file = folder / "axolotl.yml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_config(file, file.name)


def config(folder: Path, text: str) -> TrainerConfig:
    """Read a configuration that is one."""
    found = read(folder, text)
    assert found is not None
    return found


def faults(folder: Path, text: str | bytes) -> list[tuple[int | None, str]]:
    """Line and text of each fault."""
    with pytest.raises(DeclarationError) as caught:
        read(folder, text)
    shown = [(fault.line, str(fault).split(": ", 1)[1]) for fault in caught.value.faults]
    assert all(str(fault).startswith("axolotl.yml") for fault in caught.value.faults)
    return shown


def test_axolotl(tmp_path: Path) -> None:
    """Datasets, length policy, packing and tokenizer of an Axolotl configuration."""
    found = config(tmp_path, FULL)

    assert found.trainer == "axolotl"
    assert found.settings == {
        "packing": True,
        "sequence_len": 4096,
        "min_sample_len": 8,
        "excess_length": "truncate",
        "micro_batch_size": 4,
    }
    assert found.eval_settings == {**found.settings, "sequence_len": 2048}
    assert found.sources == (
        Source("data/train.parquet", "datasets", 6, ds_type="parquet"),
        Source(
            "data",
            "datasets",
            9,
            data_files=("data/a.jsonl", "data/b.jsonl"),
            split="train[:5%]",
            type="chat_template",
        ),
        Source("data/val.jsonl", "test_datasets", 16, trains=False, split="train"),
    )
    assert [source.wanted for source in found.sources] == ["train", "train", "train"]
    assert found.model == "./models/tokenizer"
    assert found.special_tokens == {"pad_token": "<pad>"}
    assert {key: name.split("/")[0] for key, name in found.prepared.items()} == {
        True: "prepared",
        False: "prepared",
    }


def test_defaults(tmp_path: Path) -> None:
    """What a configuration leaves out is what Axolotl takes then."""
    found = config(tmp_path, "base_model: org/m\ndatasets: [{path: a.jsonl}]\n")

    assert found.settings == found.eval_settings
    assert found.settings == {
        "packing": False,
        "sequence_len": 512,
        "min_sample_len": None,
        "excess_length": "drop",
        "micro_batch_size": 1,
    }
    assert found.sources[0].wanted == "train"
    assert found.prepared[True].startswith("last_run_prepared/")
    assert (found.held_out, found.bins, found.unread, found.untold) == (0, 1, (), None)


ATTENTION = {
    "attn_implementation: eager": 4,
    "attn_implementation: sdpa": 4,
    "": 4,
    "sdp_attention: true": 4,
    "attn_implementation: flash_attention_2": 1,
    "attn_implementation: kernels-community/flash-attn3@main": 1,
    "flash_attention: true": 1,
    "flex_attention: true": 1,
    "attn_implementation: flash_attention_2\nmultipack_real_batches: true": 4,
    "attn_implementation: eager\nmultipack_real_batches: false": 1,
}


@pytest.mark.parametrize(("text", "bins"), ATTENTION.items())
def test_bins_of_a_batch(tmp_path: Path, text: str, bins: int) -> None:
    """A batch is several bins, unless the attention keeps rows of one long bin apart."""
    rest = "\ndatasets: [{path: a}]\nmicro_batch_size: 4\nsample_packing: true\n"

    assert config(tmp_path, text + rest).bins == bins


def test_evaluation_may_be_unpacked(tmp_path: Path) -> None:
    """eval_sample_packing counts for test_datasets alone."""
    text = "datasets: [{path: a}]\nsample_packing: true\neval_sample_packing: false\n"
    found = config(tmp_path, text)

    assert (found.settings["packing"], found.eval_settings["packing"]) == (True, False)


def test_quoted_values(tmp_path: Path) -> None:
    """Numbers and truth values in quotes are read, as the trainer reads them."""
    text = (
        "datasets: [{path: a}]\nsequence_len: '64'\nsample_packing: 'True'\nval_set_size: '0.1'\n"
    )
    found = config(tmp_path, text)

    assert (found.settings["sequence_len"], found.settings["packing"]) == (64, True)
    assert found.held_out == 0.1


def test_values_of_odd_types(tmp_path: Path) -> None:
    """Whole numbers that are written as floats are these; what no path can hold is a fault."""
    entry = "datasets: [{path: a}]\n"
    assert config(tmp_path, f"{entry}sequence_len: 512.0\n").settings["sequence_len"] == 512
    told = faults(tmp_path, f'{entry}val_set_size: "some"\nbase_model: "a\\0b"\n')

    assert any("val_set_size" in text and "a number >= 0" in text for _, text in told)
    assert any("text without null characters" in text for _, text in told)


def test_anchors_and_merges(tmp_path: Path) -> None:
    """Aliases and merged keys count, with the lines that they are written on."""
    text = """\
base: &base
  ds_type: json
  split: 7
datasets:
  - <<: *base
    path: a.jsonl
"""
    assert faults(tmp_path, text) == [(3, "datasets[0].split: found 7, expected text")]
    found = config(tmp_path, text.replace("7", "train"))
    assert found.sources == (Source("a.jsonl", "datasets", 5, ds_type="json", split="train"),)


def test_a_merged_key_may_be_overridden(tmp_path: Path) -> None:
    """A key beside a merge is no key that occurs twice."""
    text = "x: &x {path: a, ds_type: json}\ndatasets: [{<<: *x, path: b}]\n"

    assert config(tmp_path, text).sources[0].path == "b"


def test_deep_tables(tmp_path: Path) -> None:
    """However deep other keys lie, a fault is told with its line."""
    text = "x: {a: {b: {c: {d: {e: {f: 1}}}}}}\ndatasets: [{path: a}]\nsequence_len: many\n"

    assert faults(tmp_path, text) == [
        (3, "sequence_len: found 'many', expected a whole number >= 1")
    ]


def test_a_key_spelled_as_a_table(tmp_path: Path) -> None:
    """YAML reads it as text: it counts, on the line of what it stands in."""
    text = "datasets:\n  - path: a.jsonl\n    ? !!str {=: split}\n    : 7\n"

    assert faults(tmp_path, text) == [(2, "datasets[0].split: found 7, expected text")]


UNREAD = {
    "rl: dpo\ndatasets: [{path: a, type: chatml.intel}]": ["a (rl: dpo: preference data)"],
    "pretraining_dataset: org/text": ["pretraining_dataset (text, which Axolotl tokenises itself)"],
    "datasets: [{path: x, type: _synthetic}]": ["a dataset of type _synthetic (made by Axolotl)"],
}


@pytest.mark.parametrize(("text", "unread"), UNREAD.items())
def test_other_kinds_of_data(tmp_path: Path, text: str, unread: list[str]) -> None:
    """Data of another kind is named, and is no source."""
    found = config(tmp_path, text)

    assert found.sources == ()
    assert list(found.unread) == unread


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "---\n", "a: 1\n"])
def test_no_trainer_configuration(tmp_path: Path, text: str) -> None:
    """Empty files and YAML of others are no configurations."""
    assert read(tmp_path, text) is None


def test_all_faults_at_once(tmp_path: Path) -> None:
    """Every fault is told, in the order of its lines, with its key."""
    text = """\
datasets:
  - ds_type: [json]
    type: 3
  - path: ""
  - just text
  - path: a
    data_files: {train: a}
test_datasets: {path: b}
sequence_len: 0
min_sample_len: many
excess_length_strategy: cut
sample_packing: sometimes
micro_batch_size: 1.5
val_set_size: -1
special_tokens: [a]
"""
    assert faults(tmp_path, text) == [
        (2, "datasets[0].path: path is missing"),
        (2, "datasets[0].ds_type: found ['json'], expected text"),
        (3, "datasets[0].type: expected text, keys and values, or nothing"),
        (4, "datasets[1].path: the path is empty"),
        (5, "datasets[2]: expected keys and values, path among them"),
        (7, "datasets[3].data_files: found {'train': 'a'}, expected text or a list of texts"),
        (8, "test_datasets: expected a list of entries, each with a path"),
        (9, "sequence_len: found 0, expected a whole number >= 1"),
        (10, "min_sample_len: found 'many', expected a whole number >= 0"),
        (11, "excess_length_strategy: found 'cut', expected one of drop, truncate, raise"),
        (12, "sample_packing: found 'sometimes', expected true or false"),
        (13, "micro_batch_size: found 1.5, expected a whole number >= 1"),
        (14, "val_set_size: found -1, expected a number >= 0"),
        (15, "special_tokens: found ['a'], expected keys and values"),
    ]


def test_two_ways_to_evaluate(tmp_path: Path) -> None:
    """Axolotl refuses val_set_size beside test_datasets."""
    text = "datasets: [{path: a}]\ntest_datasets: [{path: b}]\nval_set_size: 0.1\n"

    assert faults(tmp_path, text) == [
        (3, "val_set_size: Axolotl refuses it beside test_datasets; keep one")
    ]


BROKEN: dict[str, tuple[str | bytes, int | None, str]] = {
    "tab": ("datasets:\n\t- path: a\n", 2, "a tab where a word should begin"),
    "twice": (
        "datasets: [{path: a}]\nx: 1\ndatasets: [{path: b}]\n",
        3,
        "datasets: the key stands in line 1 already",
    ),
    "twice-inside": ("datasets:\n  - path: a\n    path: b\n", 3, "path: the key stands in line 2"),
    "twice-on-a-line": ("datasets: [{path: a, path: b}]\n", 1, "path: the key stands in line 1"),
    "tag": ("datasets: !!python/object:os.system [a]\n", 1, "python/object:os.system is not read"),
    "call": ("x: !!python/object/apply:os.getcwd []\ndatasets: []\n", 1, "is not read"),
    "own-tag": ("datasets: !secret a\n", 1, "the tag !secret is not read"),
    "documents": ("datasets: []\n---\na: 1\n", 2, "several documents"),
    "list": ("- path: a\n", 1, "expected keys"),
    "text": ("hello\n", 1, "found 'hello', expected keys"),
    "unclosed": ("a: 1\ndatasets: [{path: a}\n", 3, "no valid YAML"),
    "unknown-alias": ("datasets: *nothing\n", 1, "no valid YAML"),
    "not-utf-8": (b"a: 1\ndatasets: [{path: \xff}]\n", 2, "the file is not UTF-8"),
    "control": ("datasets: [{path: a\x07}]\n", None, "no valid YAML"),
    "circle": ("datasets: &a [*a]\n", None, "an alias (*name) stands inside of what it names"),
    "bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n"
            for a, b in zip("abcdef", "bcdefg", strict=True)
        )
        + "datasets: *g\n",
        None,
        "values once aliases are written out",
    ),
    "deep": ("datasets: " + "[" * 5000 + "]" * 5000, None, "it is nested too deeply"),
    "date": ("datasets: []\nx: 2020-99-99\n", None, "no valid YAML"),
    "digits": ("datasets: []\nx: " + "9" * 5000, None, "no valid YAML"),
    "large": (b"#" * (LARGEST + 1), None, "larger than 262,144 bytes"),
}


@pytest.mark.parametrize(("text", "line", "part"), BROKEN.values(), ids=BROKEN)
def test_no_yaml(tmp_path: Path, text: str | bytes, line: int | None, part: str) -> None:
    """What is no YAML of plain values is one fault, with its line where there is one."""
    ((found, message),) = faults(tmp_path, text)

    assert found == line
    assert part in message
    assert len(message) < 250


def test_nothing_is_executed(tmp_path: Path) -> None:
    """A tag that would call something does not."""
    mark = tmp_path / "called"
    text = f"datasets: !!python/object/apply:os.mkdir ['{mark}']\n"

    assert faults(tmp_path, text)
    assert not mark.exists()


@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_byte_order_mark(tmp_path: Path, mark: str) -> None:
    """A byte order mark is skipped."""
    assert config(tmp_path, f"{mark}datasets: [{{path: a}}]\n").sources[0].path == "a"
    assert looks_like_config(tmp_path / "axolotl.yml")


def test_no_such_file(tmp_path: Path) -> None:
    """A file that cannot be read is a fault."""
    with pytest.raises(DeclarationError, match=r"x\.yml: cannot be read: No such file"):
        read_config(tmp_path / "x.yml", "x.yml")


def test_without_pyyaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing PyYAML is one line that says what to install."""
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "yaml":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert faults(tmp_path, FULL) == [
        (None, "reading YAML needs PyYAML: pip install 'pytest-pretok[yaml]'")
    ]


LOOKS = {
    "datasets: []\n": True,
    "a: 1\n'test_datasets': []\n": True,
    "tokenized_path: x\n": True,
    "\ufeffdatasets: []\n": True,
    "services:\n  datasets: []\n": False,
    "# datasets: []\n": False,
    "": False,
}


@pytest.mark.parametrize(("text", "looks"), LOOKS.items())
def test_looks_like_config(tmp_path: Path, text: str, looks: bool) -> None:
    """Only YAML with one of the trainers' keys at the top is taken for a configuration."""
    file = tmp_path / "a.yaml"
    file.write_text(text, encoding="utf-8")

    assert looks_like_config(file) is looks
    assert not looks_like_config(file.with_name("b.yaml"))
    assert not looks_like_config(file.rename(tmp_path / "a.txt"))


def test_llama_factory(tmp_path: Path) -> None:
    """With tokenized_path a LLaMA-Factory configuration names one folder, splits and all."""
    text = """\
model_name_or_path: models/toy
dataset: ignored
cutoff_len: 1024
tokenized_path: data/tokenised
neat_packing: true
per_device_train_batch_size: 2
"""
    found = config(tmp_path, text)

    assert found.trainer == "llama-factory"
    assert found.settings == {"packing": True, "micro_batch_size": 2}
    assert found.sources == (Source("data/tokenised", "tokenized_path", 4, whole=True),)
    assert (found.model, found.untold, dict(found.prepared)) == ("models/toy", None, {})


def test_faults_of_llama_factory(tmp_path: Path) -> None:
    """Its faults are told in the same way."""
    assert faults(tmp_path, "a: 1\ntokenized_path: [x]\npacking: 3\n") == [
        (2, "tokenized_path: found ['x'], expected text"),
        (3, "packing: found 3, expected true or false"),
    ]
    assert faults(tmp_path, "tokenized_path: ''\n") == [(1, "tokenized_path: the path is empty")]


def name_of(values: Mapping[str, Any]) -> str:
    """The name that the trainer gives its tokenizer."""
    keys = ("tokenizer_config", "base_model_config", "base_model")
    return str(next(values[key] for key in keys if values.get(key)))


@pytest.mark.parametrize("case", HASHES)
def test_prepared_folder(case: str) -> None:
    """The folder's name is the one that axolotl 0.19.0 computed."""
    values = HASHES[case]["config"]

    assert dataset_hash(values, values["datasets"], name_of(values)) == HASHES[case]["train"]
    if "test" in HASHES[case]:
        found = dataset_hash(values, values["test_datasets"], name_of(values))
        assert found == HASHES[case]["test"]


ENTRY = {"path": "a.jsonl"}
UNTOLD = {
    "plugins": {"plugins": ["x.Plugin"], "datasets": [ENTRY]},
    "type": {"datasets": [{**ENTRY, "type": {"system_prompt": "x"}}]},
    "added_tokens_overrides": {"added_tokens_overrides": {1: "x"}, "datasets": [ENTRY]},
}


@pytest.mark.parametrize("key", UNTOLD)
def test_untold_names(key: str) -> None:
    """Where code of others decides on the name, none is told."""
    assert prepared_folders(UNTOLD[key], "m", None) == (
        {},
        f"{key} decides on the prepared folder's name",
    )


def test_no_model() -> None:
    """Without a tokenizer's name there is none for the folder."""
    why = "there is no base_model to name the folder by"

    assert prepared_folders({"datasets": [ENTRY]}, None, None) == ({}, why)


def test_nothing_prepared() -> None:
    """With skip_prepare_dataset Axolotl neither writes nor reads such a folder."""
    values = {"skip_prepare_dataset": True, "datasets": [ENTRY]}

    assert prepared_folders(values, "m", None) == ({}, None)


def model(folder: Path, **files: Mapping[str, Any]) -> Path:
    """A model folder with these JSON files."""
    for name, values in files.items():
        (folder / f"{name}.json").write_text(json.dumps(values), encoding="utf-8")
    return folder


CONFIG = {"vocab_size": 100, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None}


def test_model_folder(tmp_path: Path) -> None:
    """Size and ids come from config.json, further end ids from generation_config.json."""
    folder = model(tmp_path, config=CONFIG, generation_config={"eos_token_id": [2, 7]})

    assert vocabulary(folder, {}) == {
        "vocab_size": 100,
        "bos_token_id": 1,
        "eos_token_ids": (2, 7),
    }


def test_tokenizer_decides_on_special_tokens(tmp_path: Path) -> None:
    """The tokenizer's own special tokens stand before the model's; its end id is added."""
    decoder = {"5": {"content": "<|im_end|>"}, "6": {"content": "<pad>"}}
    tokens = {"eos_token": "<|im_end|>", "pad_token": {"content": "<pad>"}, "bos_token": None}
    folder = model(
        tmp_path, config=CONFIG, tokenizer_config={**tokens, "added_tokens_decoder": decoder}
    )

    assert vocabulary(folder, {}) == {
        "vocab_size": 100,
        "eos_token_ids": (5, 2),
        "pad_token_id": 6,
    }


def test_added_tokens_that_are_none(tmp_path: Path) -> None:
    """Numbers and spellings of other kinds are passed over, whoever wrote them."""
    decoder = {
        "5": {"content": "<|im_end|>"},
        "six": {"content": "<s>"},
        "7": {"content": 7},
        "9" * 5000: {"content": "<pad>"},
    }
    tokens = {"eos_token": "<|im_end|>", "pad_token": "<pad>", "bos_token": "<s>"}
    folder = model(tmp_path, tokenizer_config={**tokens, "added_tokens_decoder": decoder})

    assert vocabulary(folder, {}) == {"eos_token_ids": (5,)}


def test_special_tokens_of_the_run(tmp_path: Path) -> None:
    """What the run sets anew is looked up; a token that is not there makes the size unknown."""
    words = {"model": {"vocab": {"<x>": 8}}, "added_tokens": [{"id": 9, "content": "<y>"}]}
    folder = model(tmp_path, config=CONFIG, tokenizer=words)

    assert vocabulary(folder, {"pad_token": "<y>", "eos_token": "<x>"}) == {
        "vocab_size": 100,
        "bos_token_id": 1,
        "eos_token_ids": (8,),
        "pad_token_id": 9,
    }
    assert "vocab_size" not in vocabulary(folder, {"pad_token": "<new>"})
    assert "vocab_size" not in vocabulary(folder, {}, adds_tokens=True)
    assert "vocab_size" not in vocabulary(folder, {"pad_token": "<z>"})


@pytest.mark.parametrize("number", [-1, True, 1.0, "1", None])
def test_what_is_no_id(tmp_path: Path, number: object) -> None:
    """An id is a whole number from 0 on; a token with another is one that is not there."""
    words = {
        "model": {"vocab": {"<x>": number}},
        "added_tokens": [{"id": number, "content": "<y>"}],
    }
    folder = model(tmp_path, config={"bos_token_id": number}, tokenizer=words)

    assert vocabulary(folder, {}) == {}
    assert vocabulary(folder, {"bos_token": "<x>", "pad_token": "<y>"}) == {}


@pytest.mark.parametrize("content", ["", "[]", "{", '{"vocab_size": true, "eos_token_id": "x"}'])
def test_odd_model_folders(tmp_path: Path, content: str) -> None:
    """Whatever lies in a model folder, it tells something or nothing."""
    for name in ("config", "tokenizer_config", "tokenizer", "generation_config"):
        (tmp_path / f"{name}.json").write_text(content, encoding="utf-8")

    assert vocabulary(tmp_path, {}) == {}
    assert vocabulary(tmp_path / "nowhere", {}) == {}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    """A file without permission is a fault."""
    file = tmp_path / "a.yml"
    file.touch(0)

    with pytest.raises(DeclarationError, match="cannot be read"):
        read_config(file, "a.yml")


def test_whether_data_is_tokenised(tmp_path: Path) -> None:
    """The first file that can be opened says so; where none can, it is taken for tokenised."""
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no more")
    (tmp_path / "text.jsonl").write_text('{"text": "a"}\n', encoding="utf-8")
    (tmp_path / "ids.jsonl").write_text('{"input_ids": [1]}\n', encoding="utf-8")

    def located(*names: str, error: str | None = None) -> Located:
        shards = [FoundShard(tmp_path / name, error=error) for name in names]
        splits = tuple(FoundSplit("train", (shard,), shard.path) for shard in shards)
        return Located("files", splits)

    columns = {"input_ids", "labels"}
    assert is_tokenised(located("broken.parquet", "ids.jsonl"), columns)
    assert not is_tokenised(located("broken.parquet", "text.jsonl"), columns)
    assert is_tokenised(located("broken.parquet"), columns)
    assert is_tokenised(located("gone.jsonl", error="it is not there"), columns)
