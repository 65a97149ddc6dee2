"""`validate`: what it takes, what it refuses, and what a report can tell."""

from __future__ import annotations

import json
import pickle
import random
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from pretok_schemas import (
    ContractViolation,
    Hits,
    Report,
    TokenBatch,
    load,
    rule,
    validate,
)
from pretok_schemas.findings import Outcome
from pretok_schemas.outcome import LIMIT
from pretok_schemas.tables import open_table
from tests.support.containers import table
from tests.support.corruptions import CORRUPTIONS
from tests.support.rows import COLUMNS, Row, clean_rows, header_rows

KNOWN = {"vocab_size": 1000, "bos_token_id": 1, "eos_token_ids": 2, "pad_token_id": 0}


def some(count: int = 30, **faults: int) -> list[Row]:
    """Valid rows, save for corruptions (``_`` for ``-`` in their names) of single rows."""
    rng = random.Random(3)
    rows = clean_rows(count, rng)
    for name, at in faults.items():
        rows[at] = CORRUPTIONS[name.replace("_", "-")].change(rows[at], rng)
    return rows


def broken(count: int = 30) -> pa.Table:
    """A table with an error in rows 3 and 5, and a warning in row 9."""
    rows = some(count, label_not_input_id=3, null_row_labels=5)
    rows[9] = rows[8]
    return table(rows)


def test_a_clean_table() -> None:
    """Nothing is raised, and all rules that could be judged have passed."""
    report = validate(table(some()), **KNOWN)

    report.raise_for_errors()
    assert report.ok
    assert not report.failed
    assert {finding.outcome for finding in report.findings.values()} == {Outcome.PASSED}
    assert str(report).endswith("rules passed")
    assert "tokenizer-mismatch" in report.lacking
    assert report.stats.rows == 30


def test_a_broken_table() -> None:
    """Failures are raised, warnings are not; both are told with row and position."""
    report = validate(broken(), **KNOWN, every=True)

    assert [finding.rule for finding in report.failed] == ["null-row", "label-not-input-id"]
    assert [finding.rule for finding in report.warned] == ["duplicate-rows"]
    assert report.rows("label-not-input-id").tolist() == [3]
    assert report.failing_rows().tolist() == [3, 5]
    assert "table row 3 position" in str(report)
    assert "the same as table[8]" in str(report)
    with pytest.raises(ContractViolation) as caught:
        report.raise_for_errors()
    assert caught.value.report is report
    assert "label-not-input-id: 1 of 30 rows" in str(caught.value)
    assert "duplicate-rows" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_texts_are_bounded() -> None:
    """However much is broken, a report can be read."""
    rng = random.Random(1)
    rows = clean_rows(4000, rng)
    names = [name for name, one in CORRUPTIONS.items() if one.by_itself and not one.json_only]
    rows = [CORRUPTIONS[rng.choice(names)].change(row, rng) for row in rows]

    report = validate(table(rows), **KNOWN, examples=50)

    assert len(report.failed) > 10
    assert len(str(report)) <= LIMIT
    assert all(len(report.describe(finding.rule)) <= 3000 for finding in report.failed)
    assert len(report._repr_html_()) < 20_000


def test_html_is_escaped() -> None:
    """Names that come from outside cannot put markup into a notebook."""
    report = validate(pa.table({"<b>": [1]}), name="<script>alert(1)</script>")

    shown = report._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "missing-column" in shown


def test_a_report_as_builtins() -> None:
    """What goes into a log is JSON."""
    told = json.loads(json.dumps(validate(broken(), **KNOWN).to_dict()))

    assert told["ok"] is False
    assert told["rows"] == 30
    by_rule = {one["rule"]: one for one in told["rules"]}
    assert by_rule["label-not-input-id"]["outcome"] == "failed"
    assert by_rule["label-not-input-id"]["examples"][0]["row"] == 3
    assert told["lengths"]["max"] >= told["lengths"]["min"] > 0


def test_rules_can_be_set() -> None:
    """Severities, budgets and a choice of rules, as in a declaration."""
    lenient = {
        "null-row": {"max-rows": 1},
        "label-not-input-id": "warning",
        "duplicate-rows": "off",
    }
    report = validate(broken(), **KNOWN, rules=lenient)

    assert report.ok
    assert [finding.rule for finding in report.warned] == ["label-not-input-id"]
    assert "duplicate-rows" not in report.findings
    assert list(validate(broken(), only=["null-row"]).findings) == ["null-row"]


def test_no_evidence_is_no_pass() -> None:
    """A rule without a row to judge is not ok, if what left it without one was not asked for."""
    rows = table(some()).set_column(2, "labels", pa.nulls(30, pa.list_(pa.int32())))
    report = validate(rows, only=["label-not-input-id"], **KNOWN)

    assert not report.ok
    assert [finding.rule for finding in report.undecided] == ["label-not-input-id"]
    assert "It could not be judged because of null-row: 30 of 30 rows" in str(report)
    with pytest.raises(ContractViolation, match="without a verdict"):
        report.raise_for_errors()
    whole = validate(rows, **KNOWN)
    assert not whole.undecided
    assert [finding.rule for finding in whole.failed] == ["null-row"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"contract": "axolotle"}, "did you mean 'axolotl'"),
        ({"rules": {"label-not-input": "off"}}, "did you mean 'label-not-input-id'"),
        ({"rules": {"null-row": "warn"}}, "no severity; there are: error, warning, off"),
        ({"rules": {"null-row": {"max_row": 1}}}, "unknown max_row"),
        ({"columns": {"ids": "tokens"}}, "unknown column 'ids'"),
        ({"only": ["zzz"]}, "unknown rule 'zzz'"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], says: str) -> None:
    """A name that does not exist is named, with the one that is probably meant."""
    with pytest.raises(ValueError, match=says):
        validate(table(some()), **settings)


@pytest.mark.parametrize("data", [None, "data.parquet", 7, [{"input_ids": [1]}]])
def test_what_is_no_table(data: Any) -> None:
    """What cannot be read as a table is refused, not passed."""
    with pytest.raises(TypeError, match="is no table"):
        validate(data)


def test_ragged_mapping() -> None:
    """Columns of unlike lengths are no table."""
    with pytest.raises(TypeError, match="equally long"):
        validate({"input_ids": [[1]], "labels": []})


def test_other_names_and_contracts() -> None:
    """Columns can have other names, and a contract can be passed as such."""
    renamed = table(some()).rename_columns(["tokens", "attention_mask", "labels"])

    assert not validate(renamed).ok
    assert validate(renamed, columns={"input_ids": "tokens"}).ok
    assert validate(table(some()).select(["input_ids"]), load("trl")).ok


def test_a_repeated_column() -> None:
    """Nobody can choose between columns of one name."""
    whole = table(some())
    twice = pa.Table.from_arrays([*whole.columns, whole["labels"]], [*COLUMNS, "labels"])

    report = validate(twice)

    assert [finding.rule for finding in report.failed] == ["unreadable-file"]
    assert "occur more than once: labels" in str(report)


def test_no_rows() -> None:
    """An empty table is no-rows, in every library."""
    empty = table([])
    for data in (empty, empty.to_pandas(), pl.from_arrow(empty), {name: [] for name in COLUMNS}):
        assert [f.rule for f in validate(data).failed] == ["no-rows"], type(data)
    rules = ["no-rows", "missing-column"]
    assert [f.rule for f in validate(empty.drop_columns(["labels"])).failed] == rules


def test_types_of_numpy_cells() -> None:
    """Cells of numpy arrays tell the width of their integers, as a file would."""
    rows = some()
    frame = pd.DataFrame({name: [np.array(row[name]) for row in rows] for name in COLUMNS})
    frame["labels"] = [np.array(row["labels"]).astype(np.uint16) for row in rows]

    report = validate(frame, **KNOWN)

    assert {"label-out-of-range", "narrow-integer"} <= {
        finding.rule for finding in (*report.failed, *report.warned)
    }
    assert "-100" in str(report.findings["label-out-of-range"].cause)


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (np.array([1.0, 2.5]), "2.5"),
        (np.array([[1, 2], [3, 4]]), "\\[1, 2\\]"),
        ((1, "2"), "'2'"),
        ([1, float("inf")], "inf"),
        (float("inf"), "inf"),
        ([1, float("nan")], "nan"),
        (b"12", "b'12'"),
        (np.float32(1.5), "1.5"),
        ({"a": 1}, "{'a': 1}"),
    ],
)
def test_cells_that_are_no_tokens(cell: Any, says: str) -> None:
    """Whatever a cell holds, its row alone is reported, and what it holds is shown."""
    rows = some()
    frame = pd.DataFrame({name: pd.Series([r[name] for r in rows]) for name in COLUMNS})
    frame["labels"] = pd.Series([*frame["labels"][:4], cell, *frame["labels"][5:]], dtype=object)

    report = validate(frame, **KNOWN, every=True)

    assert {f.rule: report.rows(f.rule).tolist() for f in report.failed} == {"column-type": [4]}
    with pytest.raises(ContractViolation, match=says):
        report.raise_for_errors()


def test_a_reader_keeps_what_is_asked() -> None:
    """Of a stream only the contract's columns are held."""
    whole = table(some()).append_column("text", pa.array(["x"] * 30))
    opened = open_table(whole.to_reader(7), set(COLUMNS))

    assert opened.names == (*COLUMNS, "text")
    assert set(opened.arrow) == set(COLUMNS)
    assert opened.rows == 30


def test_tables_of_any_kind() -> None:
    """Whatever library a table is of, it holds the rows that went in."""
    rows = some()
    whole = table(rows)
    for data in (whole, whole.to_pandas(), pl.from_arrow(whole), whole.to_reader(4)):
        parts = [stretch.batch.to_pylist() for stretch in open_table(data).stretches(COLUMNS)]
        assert [row for part in parts for row in part] == rows


def test_a_split_of_datasets() -> None:
    """Rows are counted as `dataset[i]` counts them; a mapping of splits is no table."""
    import datasets

    made = datasets.Dataset.from_dict(table(some(label_not_input_id=3)).to_pydict())
    order = [*range(29, -1, -1)]

    report = validate(made.select(order), **KNOWN, every=True)

    assert {f.rule: report.rows(f.rule).tolist() for f in report.failed} == {
        "label-not-input-id": [26]
    }
    with pytest.raises(TypeError, match="a DatasetDict is no table"):
        validate(datasets.DatasetDict({"train": made}))


def test_large_tables_are_cut() -> None:
    """A table of many tokens is judged in several batches, with the same rows."""
    rows = some(400, label_not_input_id=399) * 60
    report = validate(table(rows), **KNOWN, rules={"duplicate-rows": "off"}, every=True)

    assert len(list(open_table(table(rows)).stretches(COLUMNS))) > 5
    assert report.rows("label-not-input-id").tolist() == [400 * n + 399 for n in range(60)]


def test_the_type_of_a_report() -> None:
    """What `validate` returns can be named."""
    assert isinstance(validate(table(some())), Report)


def test_a_habit_that_the_first_batch_misjudged() -> None:
    """Its rows are looked at once more, by what nearly all rows do."""
    rows = [*header_rows([30] * 3), *header_rows([22] * 40)]
    for row in rows[:3]:  # as long as a batch may be
        more = [500 + number % 300 for number in range(300_000)]
        for name in COLUMNS:
            row[name] = [*row[name], *([1] * len(more) if name == "attention_mask" else more)]

    report = validate(table(rows), every=True)

    assert report.rows("prompt-boundary").tolist() == [0, 1, 2]


def test_rows_that_were_not_kept() -> None:
    """They are asked for with ``every``; a rule that was not judged has none."""
    report = validate(broken(), only=["null-row"])

    with pytest.raises(KeyError, match="no-rows"):
        report.rows("no-rows")
    with pytest.raises(ValueError, match="every=True"):
        report.rows("null-row")


def test_a_batch_that_rows_do_not_fill() -> None:
    """`micro_batch_size` is the trainer's, as in a declaration."""
    settings = {**KNOWN, "packing": True, "sequence_len": 4096}

    few = validate(table(some()), micro_batch_size=8, **settings)

    assert few.findings["too-few-tokens-to-pack"].violations == 1
    assert "too-few-tokens-to-pack" in few.findings


def test_a_tokenizer_tells_the_vocabulary() -> None:
    """Where it is not declared: its size and its special ids."""
    told = SimpleNamespace(
        size=5,
        base_size=5,
        bos=1,
        pad=0,
        unk=None,
        ends=(2,),
        specials={},
        adds_bos=False,
        pieces=lambda ids: tuple(map(str, ids)),
    )
    rules = ["token-out-of-vocab", "eos-never-trained"]

    assert not validate(table(some()), tokenizer=cast(Any, told), only=rules).ok
    assert validate(table(some()), tokenizer=cast(Any, told), vocab_size=1000, only=rules).ok


def test_lists_of_nothing_but_nulls() -> None:
    """Arrow has a type of its own for them; each is a null inside a list."""
    nulls = pa.array([[None, None], [None]], pa.list_(pa.null()))
    ids, mask = [[5, 2], [2]], [[1, 1], [1]]

    report = validate({"input_ids": ids, "attention_mask": mask, "labels": nulls})

    (failed,) = report.failed
    assert failed.rule == "null-token"
    assert [(one.row, one.position, one.column) for one in failed.examples] == [
        (0, 0, "labels"),
        (1, 0, "labels"),
    ]


@pytest.mark.parametrize("ids", [["5 2", "6 2"], [[5, 2], "6 2"], pa.array(["5 2", "6 2"])])
def test_labels_that_the_trainer_makes(ids: Any) -> None:
    """A cell that is no list of ids is the one fault: no labels that could be null are there."""
    own = rule(name="own", columns="labels")(lambda batch: [])

    report = validate({"input_ids": ids}, "trl", custom=[own])

    assert [finding.rule for finding in report.failed] == ["column-type"]
    assert {one.column for one in report.failed[0].examples} == {"input_ids"}
    assert {finding.because for finding in report.findings.values()} <= {None, "column-type"}


@pytest.mark.parametrize(
    ("ids", "name"), [([None, None], "null-row"), ([[5, None], [None]], "null-token")]
)
def test_nulls_of_a_trainer_that_makes_labels(ids: list[Any], name: str) -> None:
    """The ids hold them, and nothing is said of labels."""
    report = validate({"input_ids": ids}, "trl", only=[name, "no-trainable-token"])

    (failed,) = report.failed
    assert (failed.rule, failed.violations, failed.cause) == (name, 2, None)
    assert {one.column for one in failed.examples} == {"input_ids"}
    assert report.findings["no-trainable-token"].because == name


def test_a_place_in_a_row_without_tokens() -> None:
    """There is nothing to show around it; what was found is told."""

    @rule
    def too_short(batch: TokenBatch) -> Hits:
        """A row is too short."""
        return Hits(np.array([0]), np.array([0]), found=np.array(["nothing"], object))

    empty: dict[str, list[list[int]]] = {name: [[]] for name in COLUMNS}
    text = validate(empty, custom=[too_short]).describe("too-short")

    assert "  table row 0 position 0, input_ids\n    found nothing\n" in text
