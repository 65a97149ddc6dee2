"""The text of a violation of every rule, at 80 columns, as it stands in ``snapshots/``.

``PRETOK_REWRITE=1 pytest tests/plugin/test_text.py`` writes them anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pretok_schemas.rules import NAMES
from tests.plugin.conftest import Run
from tests.plugin.data import clean_rows, declare, overlapping_rows, table_of, write
from tests.support import toy_tokenizers as toys

SNAPSHOTS = Path(__file__).with_name("snapshots")

Row = dict[str, Any]
Change = Callable[[Row], object]


def changed(change: Change, *numbers: int) -> list[Row]:
    """Clean rows, some of them changed."""
    rows = clean_rows()
    for number in numbers or (1,):
        change(rows[number])
    return rows


def set_cell(column: str, position: int, value: int | None) -> Change:
    """Put a value at one position of one column."""
    return lambda row: row[column].__setitem__(position, value)


def set_all(column: str, value: int) -> Change:
    """Fill a column with one value."""
    return lambda row: row.__setitem__(column, [value] * len(row["input_ids"]))


def padded(row: Row, at_start: bool = False) -> None:
    """Pad a row as a tokenizer does, mask and labels included."""
    for name, value in (("input_ids", 0), ("attention_mask", 0), ("labels", -100)):
        row[name] = [value] * 3 + row[name] if at_start else row[name] + [value] * 3


def shifted(row: Row) -> None:
    """Shift the labels by one, as trainers that do not shift themselves want it."""
    row["labels"] = [*row["labels"][1:], -100]


def cut_short(row: Row, length: int) -> None:
    """Keep the first tokens of a row."""
    for name in row:
        row[name] = row[name][:length]


def three_tokens(row: Row) -> None:
    """Keep three tokens, all of them trained."""
    cut_short(row, 3)
    row["labels"] = list(row["input_ids"])


def as_text(rows: list[Row]) -> pa.Table:
    """A table whose ids are text."""
    table = table_of(rows)
    return table.set_column(0, "input_ids", pa.array([str(row["input_ids"]) for row in rows]))


def renamed(rows: list[Row]) -> pa.Table:
    """A table with a column under a name that is nearly right."""
    return table_of(rows).rename_columns(["input_ids", "attention_mask", "label"])


def narrow(rows: list[Row]) -> pa.Table:
    """A table whose ids are stored in 16 bits."""
    ids = pa.array([row["input_ids"] for row in rows], pa.list_(pa.uint16()))
    return table_of(rows).set_column(0, "input_ids", ids)


def templated(row: Row, header: tuple[int, ...] = (5, 6), everything: bool = False) -> Row:
    """A row that begins like all others, and whose answer follows a header."""
    prompt = row["labels"].count(-100)
    ids = [1, 4, *row["input_ids"][1:prompt], *header, *row["input_ids"][prompt:]]
    labels = [-100] * (prompt + 1 + len(header)) + row["labels"][prompt:]
    labels = list(ids) if everything else labels
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}


def joined(number: int) -> Row:
    """Two documents in a row of 40 tokens."""
    ids = [token for row in clean_rows(4, number + 1)[2:4] for token in row["input_ids"]][:40]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": list(ids)}


TOKENIZER = 'tokenizer = "model"'


@lru_cache
def chat_tokenizer() -> toys.Tokenizer:
    """Byte-level, with the special tokens of a chat."""
    tokenizer = toys.byte_level()
    tokenizer.add_special_tokens(["<|header|>"])
    return tokenizer


def spoken(
    prompt: str,
    answer: str,
    begin: str = "<|begin_of_text|>",
    header: str = "",
    specials: bool = True,
    early: int = 0,
) -> Row:
    """A chat as that tokenizer writes it; the loss begins ``early`` tokens before the answer."""
    tokenizer = chat_tokenizer()
    before = tokenizer.encode(f"{begin}{prompt}{header}", add_special_tokens=False).ids
    tokenizer.encode_special_tokens = not specials
    after = tokenizer.encode(f"{answer}<|eot_id|>", add_special_tokens=False).ids
    tokenizer.encode_special_tokens = False
    ids = [*before, *after]
    masked = len(before) - early
    return {
        "input_ids": ids,
        "attention_mask": [1] * len(ids),
        "labels": [-100] * masked + ids[masked:],
    }


def spelled(text: str) -> Row:
    """A text byte by byte, as this tokenizer would never write it."""
    tokenizer = chat_tokenizer()
    ids = [tokenizer.encode(letter, add_special_tokens=False).ids[0] for letter in text]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": [-100, *ids[1:]]}


SAMPLES: dict[str, list[Row] | pa.Table] = {
    "unreadable-file": clean_rows(),
    "no-rows": table_of([]),
    "missing-column": renamed(clean_rows()),
    "column-type": as_text(clean_rows()),
    "null-row": changed(lambda row: row.update(labels=None), 1, 4),
    "null-token": changed(set_cell("labels", 3, None)),
    "length-mismatch": changed(lambda row: row["labels"].pop(), 0, 2, 3, 5),
    "empty-row": changed(lambda row: cut_short(row, 0)),
    "ignore-index-in-ids": changed(set_cell("input_ids", 4, -100)),
    "mask-values": changed(set_cell("attention_mask", 5, 7)),
    "mask-all-zero": changed(set_all("attention_mask", 0)),
    "mask-hole": changed(set_cell("attention_mask", 5, 0)),
    "trailing-padding": changed(padded, 1, 2),
    "leading-padding": changed(lambda row: padded(row, at_start=True)),
    "trained-under-mask": changed(set_cell("attention_mask", -2, 0)),
    "labels-shifted": changed(shifted, *range(6)),
    "label-out-of-range": changed(set_cell("labels", -2, -101)),
    "label-not-input-id": changed(set_cell("labels", -2, 9), *range(6)),
    "no-trainable-token": changed(set_all("labels", -100), *range(6)),
    "token-out-of-vocab": changed(set_cell("input_ids", 3, 50_000)),
    "short-row": changed(three_tokens),
    "too-long": clean_rows(),
    "duplicate-rows": clean_rows() + clean_rows(2),
    "conflicting-labels": clean_rows() + changed(set_cell("labels", 9, -100), 0)[:2],
    "split-overlap": overlapping_rows(),
    "wrong-kind": table_of(clean_rows()).rename_columns(
        ["chosen_input_ids", "rejected_input_ids", "chosen_labels"]
    ),
    "narrow-integer": narrow(clean_rows()),
    "shard-schema-mismatch": clean_rows(),
    "extra-column": table_of(clean_rows()).append_column("source", pa.array(["crawl"] * 6)),
    "labels-are-a-mask": changed(
        lambda row: row.update(labels=[int(x != -100) for x in row["labels"]]), *range(6)
    ),
    "wrong-ignore-value": changed(
        lambda row: row.update(labels=[0 if x == -100 else x for x in row["labels"]]), *range(6)
    ),
    "trained-padding": changed(
        lambda row: row.update({name: v + [(0, 1)[name[0] == "a"]] * 3 for name, v in row.items()})
    ),
    "low-trainable-share": [
        {"input_ids": [1, *range(9, 4009), 2], "attention_mask": [1] * 4002, "labels": labels}
        for labels in ([-100] * 4001 + [2],)
    ],
    "first-label-trained": changed(set_cell("labels", 0, 1)),
    "missing-eos": changed(lambda row: cut_short(row, -2)),
    "cut-at-limit": changed(lambda row: cut_short(row, 19), 2, 3, 4),
    "eos-never-trained": changed(set_cell("labels", -1, -100), *range(6)),
    "end-id-masked": changed(set_cell("labels", -1, -100)),
    "double-bos": changed(
        lambda row: row.update({n: v[:1] * 2 + v[1:] for n, v in row.items()}), *range(6)
    ),
    "inconsistent-bos": [
        {name: values[number == 7 :] for name, values in row.items()}
        for number, row in enumerate(clean_rows(12))
    ],
    "inner-bos": changed(set_cell("input_ids", 4, 1)),
    "prompt-not-masked": [templated(row, everything=True) for row in clean_rows(8)],
    "mixed-masking": changed(lambda row: row.update(labels=list(row["input_ids"]))),
    "prompt-boundary": [
        templated(row, header=(5, 6, 8 if number == 3 else 7))
        for number, row in enumerate(clean_rows(20))
    ],
    "repetition": changed(
        lambda row: row.update(
            input_ids=[1, *[13, 14] * 70, 2], attention_mask=[1] * 142, labels=[-100] * 141 + [2]
        )
    ),
    "targets-lost-by-truncation": clean_rows(),
    "packed-without-boundaries": [joined(number) for number in range(8)],
    "position-ids": table_of(clean_rows()).append_column(
        "position_ids",
        pa.array([list(range(4, len(row["labels"]) + 4)) for row in clean_rows()]),
    ),
    "sequence-lengths": table_of(clean_rows()).append_column(
        "seq_lengths",
        pa.array([[9, len(row["labels"]) - 9 - (n == 2)] for n, row in enumerate(clean_rows())]),
    ),
    "missing-bos": [spoken("goose geese", f"miller {n}", begin="") for n in range(6)],
    "special-token-as-text": [
        spoken("goose geese", f"miller {n}", specials=n != 2) for n in range(6)
    ],
    "tokenizer-mismatch": [spelled(f"the miller counts {n} geese") for n in range(6)],
    "unknown-tokens": changed(set_cell("input_ids", 4, 0)),
    "mask-span-off-by-one": [
        spoken(f"geese {n}", "goose", header="<|header|>", early=1) for n in range(9)
    ],
    "wrong-turn-trained": [spoken(f"assistant {n}", "goose", header=" user:") for n in range(9)],
    "untrained-special-token": [spoken("goose geese", f"miller {n}") for n in range(6)],
    "container": clean_rows(),
    "stale-prepared-folder": clean_rows(),
    "tokenised-but-typed": clean_rows(),
    "too-few-tokens-to-pack": clean_rows(),
}
SETTINGS = {
    "token-out-of-vocab": "vocab-size = 40000",
    "label-out-of-range": "vocab-size = 40000",
    "short-row": "min-sample-len = 4",
    "too-long": "sequence-len = 20",
    "narrow-integer": "vocab-size = 100000",
    "extra-column": 'rules = { extra-column = "error" }',
    "trained-padding": "pad-token-id = 0",
    "first-label-trained": 'rules = { first-label-trained = "warning" }',
    "missing-eos": "eos-token-ids = [2]",
    "cut-at-limit": "eos-token-ids = [2]",
    "eos-never-trained": "eos-token-ids = [2]\npad-token-id = 2",
    "end-id-masked": "eos-token-ids = [2]",
    "double-bos": "bos-token-id = 1",
    "inconsistent-bos": "bos-token-id = 1",
    "inner-bos": "bos-token-id = 1",
    "targets-lost-by-truncation": 'sequence-len = 8\nexcess-length = "truncate"',
    "packed-without-boundaries": "bos-token-id = 1",
    "sequence-lengths": 'contract = "trl"',
    "missing-bos": TOKENIZER,
    "special-token-as-text": TOKENIZER,
    "tokenizer-mismatch": TOKENIZER,
    "unknown-tokens": 'tokenizer = "words"\nvocab-size = 40000\nrules.token-out-of-vocab = "off"',
    "mask-span-off-by-one": TOKENIZER,
    "wrong-turn-trained": TOKENIZER,
    "untrained-special-token": f'{TOKENIZER}\nrules = {{ untrained-special-token = "warning" }}',
}
# Rules about a trainer's configuration: what stands in it beside the path and its defaults.
CONFIGS = {
    "container": "ds_type: json}]",
    "stale-prepared-folder": "type: ''}]",
    "tokenised-but-typed": "type: chat_template}]",
    "too-few-tokens-to-pack": "type: ''}]\nsample_packing: true\nmicro_batch_size: 2",
}


def configure(here: Path, rule: str) -> str:
    """Write a configuration that breaks a rule, and return the id of its item."""
    text = f"base_model: org/model\ndatasets: [{{path: data.parquet, {CONFIGS[rule]}\n"
    (here / "axolotl.yml").write_text(text, encoding="utf-8")
    if rule == "stale-prepared-folder":
        prepared = here / "last_run_prepared/35311fb1f06561044e4780c15e2c5fd4/state.json"
        prepared.parent.mkdir(parents=True)
        prepared.write_text("{}", encoding="utf-8")
        os.utime(prepared, (1_700_000_000, 1_700_000_000))
        os.utime(here / "data.parquet", (1_700_100_000, 1_700_100_000))
    return f"axolotl.yml::data::{rule}"


def text_of(run: Run, here: Path, rule: str) -> str:
    """What pytest shows of the violation of one rule."""
    path = write(here / "data.parquet", SAMPLES[rule])
    if rule == "unreadable-file":
        # Of the many reasons one that is in our own words: pyarrow's change with its version.
        path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n")
    if "tokenizer" in SETTINGS.get(rule, ""):
        toys.save(chat_tokenizer(), here / "model")
        toys.save(toys.word_level(), here / "words", tokenizer_config={"unk_token": "[UNK]"})
    paths = 'path = "data.parquet"'
    if rule == "shard-schema-mismatch":
        paths = 'path = "data-*.parquet"'
        write(here / "data-00000-of-00002.parquet", clean_rows())
        write(here / "data-00001-of-00002.parquet", table_of(clean_rows(6, 2)).select([0, 2]))
    if rule == "split-overlap":
        write(here / "train.parquet", clean_rows())
        paths = 'splits = { train = "train.parquet", test = "data.parquet" }'
    declare(here, f"[tool.pretok.datasets.sft]\n{paths}\n{SETTINGS.get(rule, '')}\n")
    name = configure(here, rule) if rule in CONFIGS else f"pyproject.toml::sft::{rule}"
    ran = run(name, "-W", "error::pytest_pretok.PretokWarning")
    assert ran.outcomes == {"failed": 1}
    begin = next(number for number, line in enumerate(ran.lines) if line.startswith("____"))
    end = next(n for n, line in enumerate(ran.lines) if line.strip("-") == " pretok ")
    return "\n".join(ran.lines[begin + 1 : end]) + "\n"


def test_every_rule_has_a_sample() -> None:
    """The samples are those of the registry, and so are the snapshots."""
    assert set(SAMPLES) == set(NAMES)
    assert {path.stem for path in SNAPSHOTS.glob("*.txt")} == set(NAMES)


@pytest.mark.parametrize("rule", SAMPLES)
def test_text(run: Run, here: Path, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of each rule is exactly that of its snapshot."""
    monkeypatch.setenv("COLUMNS", "80")
    text = text_of(run, here, rule)
    snapshot = SNAPSHOTS / f"{rule}.txt"
    if os.environ.get("PRETOK_REWRITE"):
        snapshot.write_text(text, encoding="utf-8")

    assert text == snapshot.read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", SAMPLES)
def test_text_fits(rule: str) -> None:
    """Snapshots are short, and their running text keeps to 80 columns."""
    text = (SNAPSHOTS / f"{rule}.txt").read_text(encoding="utf-8")

    assert len(text) <= 3000
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "help:" in text


def test_failure_in_the_readme(run: Run, here: Path) -> None:
    """The failure that the README shows is what the example's broken file prints."""
    root = Path(__file__).parents[2]
    name = "broken/label-not-input-id.parquet"
    (here / "broken").mkdir()
    shutil.copy(root / "example_project" / name, here / name)
    shown = (root / "README.md").read_text(encoding="utf-8").split("```text\n")[1].split("```")[0]

    ran = run(f"--pretok-data={name}", "--pretok-examples=1")

    assert shown.rstrip() in ran.text
