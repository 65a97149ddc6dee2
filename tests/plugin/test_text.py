"""The text of a violation of every rule, at 80 columns, as it stands in ``snapshots/``.

``PRETOK_REWRITE=1 pytest tests/plugin/test_text.py`` writes them anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pretok_schemas.rules import NAMES
from tests.plugin.conftest import Run
from tests.plugin.data import clean_rows, declare, overlapping_rows, table_of, write

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
    "split-overlap": overlapping_rows(),
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
    paths = 'path = "data.parquet"'
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
    name = "label-not-input-id.parquet"
    shutil.copy(root / "example_project" / "broken" / name, here / name)
    shown = (root / "README.md").read_text(encoding="utf-8").split("```text\n")[1].split("```")[0]

    ran = run(f"--pretok-data={name}", "--pretok-examples=1")

    assert shown.rstrip() in ran.text
