"""The public strategies: what they draw keeps its contract, and a corruption trips its rule."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from datasets import disable_progress_bars, enable_progress_bars, is_progress_bar_enabled
from hypothesis import find, given, settings
from hypothesis import strategies as st

from pretok_schemas import Contract, Report, load, names, validate
from pretok_schemas.trainers import COLLATORS
from pytest_pretok import check
from pytest_pretok.strategies import CONTAINERS, Dataset, corruptions, datasets, rows, tables
from tests.support.examples import examples

LENGTHS = {"sequence_len": 64, "min_sample_len": 6}
IDS: dict[str, dict[str, Any]] = {
    "usual": {"vocab_size": 1000, "bos_token_id": 1, "eos_token_ids": (2,), "pad_token_id": 0},
    "one": {"vocab_size": 64, "bos_token_id": 5, "eos_token_ids": (5,), "pad_token_id": 5},
    "none": {
        "vocab_size": 300,
        "bos_token_id": None,
        "eos_token_ids": None,
        "pad_token_id": None,
    },
    "ends": {"vocab_size": 64, "bos_token_id": None, "eos_token_ids": (2, 7), "pad_token_id": 2},
    "pad-is-bos": {
        "vocab_size": 2**17,
        "bos_token_id": 9,
        "eos_token_ids": (2,),
        "pad_token_id": 9,
    },
}


@dataclass(frozen=True)
class Setting:
    """A contract, and the roles of columns beside those that it requires."""

    contract: Contract
    optional: tuple[str, ...]


def _settings() -> dict[str, Setting]:
    """Every contract with packing off and on, with every collator, bare and with all columns."""
    found = {}
    made = [(name, packing, None) for name in names() for packing in (False, True)]
    made += [("transformers", False, collator) for collator in COLLATORS]
    for name, packing, collator in made:
        contract = load(name, packing=packing, collator=collator)
        further = tuple(column.role for column in contract.columns if not column.required)
        shown = f"{name}-{collator or ''}{'-packing' if packing else ''}"
        found[shown] = Setting(contract, ())
        if further:
            found[f"{shown}-all-columns"] = Setting(contract, further)
    return found


SETTINGS = _settings()


def violated(report: Report) -> dict[str, list[int]]:
    """The rows that break each rule; -1 for a rule about the whole table."""
    return {
        rule: report.rows(rule).tolist() if finding.unit == "row" else [-1]
        for rule, finding in report.findings.items()
        if finding.violations
    }


@pytest.mark.parametrize("name", SETTINGS)
@given(data=st.data(), ids=st.sampled_from(list(IDS)))
@examples(10)
def test_tables_are_clean(name: str, data: st.DataObject, ids: str) -> None:
    """A drawn table has the contract's types, and breaks no rule of any severity."""
    one, lengths = SETTINGS[name], data.draw(st.sampled_from([{}, LENGTHS]))
    known = {**IDS[ids], **lengths}

    table = data.draw(tables(one.contract, optional=one.optional, max_rows=30, **known))
    report = validate(table, one.contract, every=True, **known)

    assert violated(report) == {}
    assert report.ok
    assert table.schema.equals(one.contract.to_arrow(optional=one.optional), check_metadata=True)
    assert report.stats.rows == table.num_rows


@pytest.mark.parametrize("name", SETTINGS)
@given(data=st.data(), ids=st.sampled_from(list(IDS)))
@examples(2)
def test_every_corruption_trips_its_rule(name: str, data: st.DataObject, ids: str) -> None:
    """Exactly the rule that a corruption names fires, on exactly the row that it spoilt."""
    one, lengths = SETTINGS[name], data.draw(st.sampled_from([{}, LENGTHS]))
    known = {**IDS[ids], **lengths}
    whole = data.draw(tables(one.contract, min_rows=12, optional=one.optional, **known))
    chosen = corruptions(one.contract, optional=one.optional, **known)
    assert chosen

    found, expected = {}, {}
    for corruption in chosen.values():
        count = data.draw(st.integers(corruption.least_rows, whole.num_rows))
        row = data.draw(st.integers(0, count - 1))
        spoilt = corruption.apply(whole.slice(0, count), row)
        report = validate(spoilt, one.contract, every=True, **known)
        found[corruption.name] = violated(report)
        expected[corruption.name] = {corruption.rule: [row]}

    assert found == expected


ALL = {**IDS["usual"], "sequence_len": 256, "min_sample_len": 6}


@pytest.mark.parametrize("prompt", [2, 30])
@pytest.mark.parametrize("left", [0, 1, 3])
def test_corruptions_of_a_row_that_uses_up_the_vocabulary(prompt: int, left: int) -> None:
    """Where there are hardly any other ids, the row is spoilt all the same; a prompt may end
    before the very id that is put elsewhere.
    """
    known: dict[str, Any] = {**IDS["usual"], "vocab_size": 64}
    ids = [1, *range(4, 64 - left), 2]
    ids.insert(prompt, 3)
    labels = [-100] * prompt + ids[prompt:]
    row = {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}
    found, expected = {}, {}
    for corruption in corruptions(max_size=64, **known).values():
        if corruption.least_rows == 1:
            spoilt = {name: [values] for name, values in corruption.apply(row).items()}
            table = pa.table(spoilt, load("axolotl").to_arrow())
            found[corruption.name] = violated(validate(table, every=True, **known))
            expected[corruption.name] = {corruption.rule: [0]}

    assert found == expected


def test_corruptions_cover_the_rules_of_a_row() -> None:
    """For Axolotl with all columns: every rule that one row can break alone has a corruption."""
    chosen = corruptions("axolotl", optional=["position_ids"], **ALL)

    assert {one.rule for one in chosen.values()} == {
        *("null-row", "null-token", "length-mismatch", "empty-row"),
        *("mask-values", "mask-hole", "trailing-padding", "leading-padding", "trained-padding"),
        *("labels-shifted", "labels-are-a-mask", "wrong-ignore-value", "label-not-input-id"),
        *("label-out-of-range", "no-trainable-token", "mixed-masking"),
        *("ignore-index-in-ids", "token-out-of-vocab", "repetition"),
        *("double-bos", "inner-bos", "inconsistent-bos", "missing-eos", "end-id-masked"),
        *("short-row", "too-long", "position-ids"),
    }


def test_corruptions_are_those_of_the_contract_and_its_settings() -> None:
    """No label rule without labels, no padding without a pad id, no limit without a limit."""
    bare = {one.rule for one in corruptions("llm-foundry").values()}
    unpadded = {one.rule for one in corruptions(pad_token_id=None).values()}

    assert not bare & {"label-not-input-id", "no-trainable-token", "mask-hole", "missing-eos"}
    assert "token-out-of-vocab" in bare
    assert not unpadded & {"trailing-padding", "leading-padding", "trained-padding", "too-long"}


CASES = [
    pytest.param(container, name, id=f"{container}-{name}")
    for container in CONTAINERS
    for name in ("axolotl", "torchtune", "trl")
]


@pytest.mark.parametrize(("container", "name"), CASES)
@given(data=st.data())
@examples(2)
def test_written_datasets(container: Any, name: str, data: st.DataObject) -> None:
    """`check` finds no fault in what was written, and in a spoilt one the rule and the row."""
    dataset = data.draw(datasets(name, container, min_rows=12, **IDS["usual"]))
    corruption = data.draw(st.sampled_from(list(corruptions(name, **IDS["usual"]).values())))
    row = data.draw(st.integers(0, dataset.table.num_rows - 1))
    spoilt = Dataset(
        corruption.apply(dataset.table, row), container, dataset.shards, dataset.rows_together
    )

    with tempfile.TemporaryDirectory() as folder:
        clean = check(dataset.write(Path(folder, "clean")), name, **IDS["usual"]).to_dict()
        wrong = check(spoilt.write(Path(folder, "spoilt")), name, **IDS["usual"]).to_dict()

    assert broken(clean) == []
    assert broken(wrong) == [(corruption.rule, [row])]
    assert sum(split["rows"] for split in clean["datasets"][0]["splits"]) == dataset.table.num_rows


def broken(report: dict[str, Any]) -> list[tuple[str, list[int]]]:
    """The rules that some row breaks, whatever their severity, and the rows of the examples."""
    return [
        (rule["rule"], [example["row"] for example in rule["examples"]])
        for split in report["datasets"][0]["splits"]
        for rule in split["rules"]
        if rule["violations"]
    ]


@pytest.mark.parametrize("shown", [True, False])
def test_progress_bars_are_left_as_they_were(tmp_path: Path, shown: bool) -> None:
    """Writing shows none, and those of the test's own are shown as before, or not."""
    before = is_progress_bar_enabled()
    (enable_progress_bars if shown else disable_progress_bars)()
    try:
        Dataset(pa.table({"input_ids": [[1, 3, 2]]}), "save-to-disk").write(tmp_path)
        assert is_progress_bar_enabled() is shown
    finally:
        (enable_progress_bars if before else disable_progress_bars)()


# -- shrinking

QUICK = settings(database=None, derandomize=True, deadline=None, max_examples=300)


def test_the_smallest_row() -> None:
    """Three tokens, of which the one that is free is the smallest that is not special."""
    assert find(rows(), lambda row: True, settings=QUICK) == {
        "input_ids": [1, 3, 2],
        "attention_mask": [1, 1, 1],
        "labels": [-100, -100, 2],
    }


def test_the_smallest_long_row() -> None:
    """It repeats its smallest id, but not for so long that the rule `repetition` would see it."""
    row = find(rows(min_size=40), lambda row: True, settings=QUICK)

    assert row["input_ids"] == [1, *[3] * 31, 4, *[3] * 6, 2]
    assert validate(pa.table({name: [values] for name, values in row.items()})).ok


def test_the_smallest_row_of_other_names() -> None:
    """Labels that are shifted in the dataset, under the names of that trainer."""
    found = find(rows("torchtune", optional=["position_ids"]), lambda row: True, settings=QUICK)

    assert found == {"tokens": [1, 3, 2], "labels": [-100, 2, -100], "input_pos": [0, 1, 2]}


def test_shrinking_keeps_what_matters() -> None:
    """A row with a large id has no further large ones, and no token that it does not need."""
    found = find(rows(), lambda row: max(row["input_ids"]) >= 500, settings=QUICK)

    assert found["input_ids"] == [1, 500, 2]


def test_the_smallest_table() -> None:
    """One row; where three are asked for, three that differ in a token or two of small ids."""
    one = find(tables(), lambda table: True, settings=QUICK)
    three = find(tables(), lambda table: table.num_rows >= 3, settings=QUICK)

    assert one["input_ids"].to_pylist() == [[1, 3, 2]]
    drawn = three["input_ids"].to_pylist()
    assert len(drawn) == 3
    assert [1, 3, 2] in drawn
    assert max(map(len, drawn)) <= 4
    assert max(map(max, drawn)) <= 5


def test_the_smallest_dataset() -> None:
    """One row in one file."""
    found = find(datasets(), lambda dataset: True, settings=QUICK)

    assert (found.table.num_rows, found.shards, found.rows_together) == (1, 1, 1)


# -- what is refused


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"contract": "axolot"}, "unknown contract 'axolot'"),
        ({"contract": None}, "unknown contract 'None'; there are: axolotl"),
        ({"vocab_size": "1000"}, "vocab_size: found '1000', expected a whole number >= 1"),
        ({"sequence_len": "64"}, "sequence_len: found '64'"),
        ({"eos_token_ids": "</s>"}, "eos_token_ids: found '</s>'"),
        ({"optional": "position_idz"}, "axolotl has no column position_idz; there are: "),
        ({"vocab_size": 8}, "vocab_size is 8"),
        ({"eos_token_ids": 5000}, r"special ids outside of a vocabulary of 1000: \[5000\]"),
        ({"eos_token_ids": ()}, "eos_token_ids is empty"),
        ({"max_size": 2}, "max_size is 2, but the shortest row has 3 tokens"),
        ({"max_size": 99, "sequence_len": 64}, "max_size is 99, but sequence_len is 64"),
        ({"optional": ["completion_mask"]}, "axolotl has no column completion_mask"),
    ],
)
def test_impossible_settings(settings: dict[str, Any], told: str) -> None:
    """Settings that no row can keep are refused where the strategy is made."""
    with pytest.raises(ValueError, match=told):
        rows(**settings)


def test_impossible_tables() -> None:
    """A table has a row, and a container is one of those that there are."""
    with pytest.raises(ValueError, match="min_rows is 3 and max_rows 2"):
        tables(min_rows=3, max_rows=2)
    with pytest.raises(ValueError, match="unknown container 'csv'; there are: parquet, arrow"):
        datasets("axolotl", "csv")  # type: ignore[arg-type]


@given(row=rows(), table=tables(max_rows=1))
@examples(5)
def test_corruptions_leave_what_they_are_given(row: dict[str, Any], table: pa.Table) -> None:
    """A row is not changed in place; a table that is too small, or a row too long, is refused."""
    before = {name: list(values) for name, values in row.items()}
    chosen = corruptions()
    for corruption in chosen.values():
        assert corruption.apply(row) != before
    assert row == before

    with pytest.raises(ValueError, match="inner-bos needs a table of 12 rows or more"):
        chosen["inner-bos"].apply(table)
    tight = corruptions(sequence_len=32, max_size=32)
    full = {name: [*values[:1], *values[1:2] * 30, *values[-1:]] for name, values in row.items()}
    with pytest.raises(ValueError, match="would have 33 tokens, sequence_len is 32"):
        tight["double-bos"].apply(full)


def test_without_hypothesis() -> None:
    """One clear line says what to install."""
    script = (
        "import sys\n"
        "import importlib.util as util\n"
        "found = util.find_spec\n"
        "util.find_spec = lambda name, *more: name != 'hypothesis' and found(name, *more) or None\n"
        "import pytest_pretok.strategies\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ImportError: pytest_pretok.strategies needs the package hypothesis: "
        "pip install 'pytest-pretok[hypothesis]'"
    )
