"""A contract as an Arrow schema and as JSON, and what differs between two of them."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from pretok_schemas import Contract, Severity, load, names, validate
from pretok_schemas.arrow import Kind, is_any_list
from pretok_schemas.contract import Column
from pretok_schemas.findings import Outcome
from pretok_schemas.trainers import COLLATORS, UnknownContract
from tests.support.containers import table
from tests.support.rows import COLUMNS, clean_rows

CONTRACTS = {
    **{f"{name}-{on}": load(name, packing=on) for name in names() for on in (False, True)},
    **{f"transformers-{one}": load("transformers", collator=one) for one in COLLATORS},
}
TYPES = [
    *(pa.list_(item) for item in (pa.int8(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16())),
    *(pa.large_list(item) for item in (pa.int16(), pa.uint64(), pa.float32(), pa.bool_())),
    *(pa.list_view(pa.int32()), pa.list_(pa.int64(), 4), pa.list_(pa.list_(pa.int32()))),
    *(pa.string(), pa.int64(), pa.null(), pa.list_(pa.string()), pa.list_(pa.null())),
]
TOLD = ("missing-column", "column-type", "null-row", "narrow-integer")


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_contract_accepts_its_own_schema(name: str) -> None:
    """What is recommended is accepted, holds every required column, and says whose it is."""
    contract = CONTRACTS[name]
    schema = contract.to_arrow()

    assert contract.accepts(schema, vocab_size=2**31) == ()
    needed = [column for column in contract.columns if column.required]
    assert schema.names == [column.name or column.role for column in needed]
    assert schema.metadata[b"pretok.contract"] == contract.name.encode()
    assert contract.version in schema.metadata[b"pretok.contract.trainer"].decode()


def test_the_schema_of_axolotl() -> None:
    """The widths are those that `datasets` writes for columns of these names."""
    import datasets

    rows = clean_rows(4, random.Random(1))
    made = datasets.Dataset.from_list([{"x": 1}] * 4)
    datasets.disable_progress_bars()
    mapped = made.map(lambda row, at: rows[at], with_indices=True, remove_columns=["x"])
    theirs = {name: feature.feature.dtype for name, feature in mapped.features.items()}

    schema = load("axolotl").to_arrow()

    assert {field.name: str(field.type.value_type) for field in schema} == theirs
    assert table(rows).cast(schema).to_pylist() == rows


def test_optional_and_renamed_columns() -> None:
    """Further columns are written where they are asked for, under any name."""
    schema = load("axolotl").to_arrow(optional=["position_ids"], columns={"input_ids": "tokens"})

    assert schema.names == ["tokens", "attention_mask", "labels", "position_ids"]
    with pytest.raises(ValueError, match="axolotl has no column ids"):
        load("axolotl").to_arrow(optional=["ids"])


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("column", COLUMNS)
def test_refusals_are_those_of_the_rules(column: str, dtype: pa.DataType) -> None:
    """Of each type, `accepts` says what `validate` says of a table of that schema."""
    contract = load("axolotl")
    fields = [pa.field(name, pa.list_(pa.int32())) for name in COLUMNS if name != column]
    schema = pa.schema([*fields, pa.field(column, dtype)])
    fixed = pa.types.is_fixed_size_list(dtype)
    cells: list[Any] = [[0] * 4 if fixed else [] if is_any_list(dtype) else None] * 2
    data = pa.table(
        {name: pa.array([[]] * 2, pa.list_(pa.int32())) for name in COLUMNS if name != column}
        | {column: pa.array(cells, dtype)}
    )
    assert data.schema.field(column).type == dtype

    refused = contract.accepts(schema, vocab_size=40_000)

    report = validate(data, contract, vocab_size=40_000, only=TOLD)
    said = {(f.rule, f.severity) for f in (*report.failed, *report.warned)}
    assert {(one.rule, one.severity) for one in refused} == said
    assert {one.role for one in refused} <= {column}


def test_an_absent_column_is_refused() -> None:
    """Every column that lacks is named, with the one that is probably meant."""
    schema = pa.schema({"tokens": pa.list_(pa.int32()), "label": pa.list_(pa.int32())})

    refused = load("axolotl").accepts(schema)

    assert [(one.rule, one.column) for one in refused] == [
        ("missing-column", name) for name in COLUMNS
    ]
    assert "no labels (but label)" in str(refused[2])


@pytest.mark.parametrize("name", CONTRACTS)
def test_json_and_back(name: str) -> None:
    """Nothing of a contract is lost in JSON."""
    contract = CONTRACTS[name].with_lengths(2048, 4, "truncate")

    text = contract.to_json()

    assert Contract.from_json(text) == contract
    told = json.loads(text)
    assert (told["name"], told["trainer_version"]) == (contract.name, contract.version)
    assert contract.diff(Contract.from_json(text)) == ()


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"rules": {"zzz": {}}}, {"columns": None}, {"settings": {}}]
)
def test_what_is_no_contract(change: dict[str, Any]) -> None:
    """JSON of another version or shape is refused in a line."""
    told = json.loads(load("axolotl").to_json()) | change

    with pytest.raises(ValueError, match=r"version 2|zzz|no contract"):
        Contract.from_json(json.dumps(told))


AXOLOTL = load("axolotl")
MASK = Column("attention_mask", accepts=frozenset({Kind.INTEGER}))


@pytest.mark.parametrize(
    ("after", "says", "breaking"),
    [
        (replace(AXOLOTL, version="0.20.0"), "trainer axolotl: axolotl 0.19.0", False),
        (AXOLOTL.with_lengths(512), "setting sequence_len: none -> 512", True),
        (replace(AXOLOTL, labels_ahead=1), "setting labels_ahead: 0 -> 1", True),
        (replace(AXOLOTL, columns=AXOLOTL.columns[:2]), "column labels", False),
        (
            replace(AXOLOTL, columns=(*AXOLOTL.columns, Column("seq_lengths"))),
            "column seq_lengths: none -> required, integer",
            True,
        ),
        (
            replace(AXOLOTL, columns=(AXOLOTL.columns[0], MASK, *AXOLOTL.columns[2:])),
            "column attention_mask: required, boolean, integer (tolerated: float) -> required, int",
            True,
        ),
        (
            replace(AXOLOTL, severities={"duplicate-rows": Severity.ERROR}),
            "rule duplicate-rows: warning -> error",
            True,
        ),
        (
            replace(AXOLOTL, severities={"null-row": Severity.OFF}),
            "rule null-row: error -> off",
            False,
        ),
        (
            replace(
                AXOLOTL,
                consequences={
                    key: fact for key, fact in AXOLOTL.consequences.items() if key != "mask-hole"
                },
            ),
            "effect mask-hole: silent -> none",
            False,
        ),
    ],
)
def test_changes(after: Contract, says: str, breaking: bool) -> None:
    """Each change is told, and whether it can break data."""
    found = AXOLOTL.diff(after)

    told = [change for change in found if says in str(change)]
    assert len(told) == 1, list(map(str, found))
    assert told[0].breaking is breaking


def test_changes_to_a_contract_by_its_name() -> None:
    """As to the one that is loaded."""
    assert AXOLOTL.diff("trl") == AXOLOTL.diff(load("trl")) != ()
    with pytest.raises(UnknownContract):
        AXOLOTL.diff("trll")


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_rule_can_judge(name: str) -> None:
    """No contract has a rule that could not judge a sound row for want of a column."""
    contract = CONTRACTS[name]
    rows = clean_rows(30, random.Random(1))
    columns = {
        column.name or column.role: [row[column.role] for row in rows]
        for column in contract.columns
        if column.role in COLUMNS
    }

    report = validate(columns, contract, vocab_size=1000, eos_token_ids=2, pad_token_id=0)

    without = [f.rule for f in report.findings.values() if f.outcome is Outcome.NOT_EVALUATED]
    assert not without


def test_a_breaking_change_breaks() -> None:
    """Data that one contract passes fails the other only where the diff says breaking."""
    data = table(clean_rows(20, random.Random(1)))
    for name, contract in CONTRACTS.items():
        if validate(data, AXOLOTL).ok and not validate(data, contract).ok:
            assert any(change.breaking for change in AXOLOTL.diff(contract)), name


@pytest.mark.parametrize("rule", TOLD)
def test_a_rule_that_does_not_apply_refuses_nothing(rule: str) -> None:
    """What a contract has no rule for is accepted; all else is refused as before."""
    types = {
        "attention_mask": pa.string(),
        "labels": pa.list_(pa.uint8()),
        "position_ids": pa.null(),
    }
    others = {key: fact for key, fact in AXOLOTL.consequences.items() if key.split(":")[0] != rule}

    def refused(contract: Contract) -> set[str]:
        return {one.rule for one in contract.accepts(pa.schema(types), vocab_size=1000)}

    assert refused(AXOLOTL) == set(TOLD)
    assert refused(replace(AXOLOTL, consequences=others)) == set(TOLD) - {rule}
