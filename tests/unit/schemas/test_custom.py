"""Rules and schemas of people's own on tables in memory, without pytest and without files."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pretok_schemas import (
    FileRule,
    Hits,
    Judge,
    RowRule,
    SplitRule,
    TokenBatch,
    Vocabulary,
    load,
    rule,
    validate,
)
from pretok_schemas.custom import as_look, custom_rules, options_of
from pretok_schemas.findings import Effect, Outcome, Severity
from pretok_schemas.rules.base import Look, NormRule, Rule
from tests.support.containers import table
from tests.support.rows import clean_rows


def rows(count: int = 8) -> list[dict[str, Any]]:
    """Valid rows."""
    import random

    return clean_rows(count, random.Random(4))


@rule(severity="warning", effect="wasted", consequence="it costs time", evidence="counted")
def third_rows(batch: TokenBatch, *, every: int = 3) -> Any:
    """A row is one of many."""
    return np.arange(batch.rows) % every == every - 1


@rule
def nothing_odd(batch: TokenBatch) -> list[int]:  # noqa: D103 (a rule without a word of its own)
    return []


def test_validate_takes_rules() -> None:
    """With options among the settings of rules."""
    report = validate(table(rows()), custom=[third_rows, nothing_odd], every=True)
    assert report.rows("third-rows").tolist() == [2, 5]
    (finding,) = report.warned
    assert (finding.effect, finding.consequence) == (Effect.WASTED, "it costs time")
    assert (finding.about, finding.evidence) == ("A row is one of many.", "counted")
    changed = {"third-rows": {"every": 4, "severity": "error"}}
    report = validate(table(rows()), custom=[third_rows], rules=changed, every=True)
    assert report.rows("third-rows").tolist() == [3, 7]
    assert [one.rule for one in report.failed] == ["third-rows"]


def test_a_rule_alone() -> None:
    """``only`` may name it."""
    report = validate(table(rows()), custom=[third_rows], only=["third-rows"])
    assert set(report.findings) == {"third-rows"}


def test_validate_takes_a_schema() -> None:
    """For columns that the contract knows nothing of."""
    data = table(rows(3)).append_column("source", pa.array(["a", None, "b"]))
    schema = pa.schema([pa.field("source", pa.string(), nullable=False)])
    report = validate(data, schema=schema, every=True)
    assert report.rows("schema.source.nullable").tolist() == [1]
    assert validate(data, schema=schema, rules={"schema": "off"}).ok
    own = {"schema": "error", "schema.source.nullable": {"max_rows": 1}}
    assert validate(data, schema=schema, rules=own).ok


def test_a_reader_keeps_the_columns_that_are_read() -> None:
    """A stream of batches is looked at once, with its further columns."""
    data = table(rows(4)).append_column("source", pa.array(["a", "b", "c", None]))
    schema = pa.schema([pa.field("source", pa.string(), nullable=False)])
    report = validate(data.to_reader(max_chunksize=2), schema=schema, every=True)
    assert report.rows("schema.source.nullable").tolist() == [3]


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"custom": [third_rows, third_rows]}, "which another rule has"),
        ({"custom": [len]}, "is no rule"),
        ({"custom": [third_rows], "rules": {"third-rows": {"evry": 3}}}, "no option 'evry'"),
        ({"custom": [third_rows], "rules": {"third-row": "off"}}, "did you mean 'third-rows'"),
        ({"schema": 5}, "is neither a pyarrow.Schema nor"),
    ],
)
def test_what_validate_refuses(keywords: dict[str, Any], says: str) -> None:
    """Before a row is looked at."""
    with pytest.raises(ValueError, match=says):
        validate(table(rows()), **keywords)


def test_pandera_has_the_rules_as_checks() -> None:
    """Those of a person's own are judged with the others."""
    import pandera.errors

    schema = load("axolotl").to_pandera(
        "pyarrow", custom=[third_rows], rules={"third-rows": "error"}
    )
    with pytest.raises(pandera.errors.SchemaErrors) as caught:
        schema.validate(table(rows()), lazy=True)
    cases = caught.value.failure_cases
    assert cases["row"].to_pylist() == [2, 5]
    assert set(cases["check"].to_pylist()) == {"third-rows"}


def test_what_a_decorator_makes_of_a_function() -> None:
    """A class that the registry of rules could hold, and the function in it."""
    assert issubclass(third_rows, RowRule)
    assert (third_rows.name, third_rows.severity) == ("third-rows", Severity.WARNING)
    assert third_rows.function(TokenBatch(3, {})).tolist() == [False, False, True]
    assert {name: one.default for name, one in options_of(third_rows).items()} == {"every": 3}
    assert options_of(third_rows)["every"].annotation is int


def test_how_a_decorator_is_written_wrongly() -> None:
    """It says how it is written; a single column needs no list."""
    with pytest.raises(ValueError, match="'loud' is no severity; there are: error, warning, off"):
        rule(severity="loud")(len)
    with pytest.raises(ValueError, match="'bad' is no effect; there are: crash, dropped, "):
        rule(effect="bad")(len)
    with pytest.raises(TypeError, match=r"rule takes keywords: @rule\(name='mine'\)"):
        rule("mine")  # type: ignore[call-overload]
    one = rule(columns="labels", reads="source")(third_rows.function)
    assert (one.views, one.reads) == ((("labels",),), ("source",))


def of_class(base: type[Any], **members: Any) -> type[Any]:
    """A rule as a class."""
    return type("Odd", (base,), {"__doc__": "It is odd.", "name": "odd", **members})


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (of_class(SplitRule, survey=lambda *_: {"n": "x"}, conclude=lambda *_: None), "'x'}; exp"),
        (of_class(SplitRule, survey=lambda *_: {"n": 0.5}, conclude=lambda *_: None), "0.5}; exp"),
        (of_class(SplitRule, survey=lambda *_: {1: 1}, conclude=lambda *_: None), "{1: 1}; expec"),
        (of_class(SplitRule, survey=lambda *_: None, conclude=lambda *_: None), "survey returned"),
        (of_class(SplitRule, survey=lambda *_: {}, conclude=lambda *_: 7), "it returned int"),
        (of_class(SplitRule, survey=lambda *_: {}, conclude=lambda *_: False), "it returned bool"),
        (
            of_class(SplitRule, survey=lambda _, b: b.view("labels"), conclude=lambda *_: None),
            "LookupError: the rule looks at 'labels'; the columns it names are: none",
        ),
        (of_class(FileRule, look_at_files=lambda *_: None), "'NoneType' object is not iterable"),
        (of_class(FileRule, look_at_files=lambda *_: ["a.parquet"]), "what is no Example"),
        (of_class(RowRule, look=lambda *_: [0], settle=lambda *_: 7), "settle returned int"),
        (of_class(RowRule, look=lambda *_: [], severity_of=lambda *_: "bad"), "'bad' is not a va"),
        (of_class(RowRule, look=lambda *_: [], unjudged=lambda *_: True), "unjudged returned bool"),
        (of_class(RowRule, look=lambda *_: [], unjudged=lambda *_: 1 / 0), "ZeroDivisionError"),
        (rule(name="odd")(lambda batch: None), "it returned NoneType; expected Hits"),
    ],
)
def test_what_methods_may_not_return(kind: Any, says: str) -> None:
    """The rule has no verdict, and says why; all others have theirs."""
    report = validate(table(rows()), custom=[kind])
    (finding,) = report.undecided

    assert not report.ok
    assert finding.rule == "odd"
    assert says in str(report)
    assert len(report.findings) > 20


@pytest.mark.parametrize(("method", "value"), [("cause", 7), ("cases", "abc"), ("cases", [1])])
def test_words_that_are_none(method: str, value: Any) -> None:
    """What goes wrong in the words for violations hides no violation."""
    kind = of_class(RowRule, look=lambda *_: [1], **{method: lambda *_: value})
    report = validate(table(rows()), custom=[kind], every=True)

    assert report.rows("odd").tolist() == [1]
    assert not report.ok


def test_counts_of_numpy() -> None:
    """Whole numbers of numpy are counts."""
    kind = of_class(
        SplitRule,
        survey=lambda _, batch: {"n": np.int32(batch.rows)},
        conclude=lambda _, counts, facts: f"{counts['n']} rows",
    )

    assert "8 rows" in str(validate(table(rows()), custom=[kind]))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], []),
        ((), []),
        ([2, 0, 2], [0, 2]),
        (np.array([1], np.uint8), [1]),
        ([True, False, True], [0, 2]),
        (Hits(np.array([1, 2])), [1, 2]),
        (Look(Hits(np.array([0]))), [0]),
    ],
)
def test_what_a_function_may_return(found: Any, expected: list[int]) -> None:
    """Rows, in three ways."""
    assert as_look(found, 3).hits.rows.tolist() == expected


@pytest.mark.parametrize(
    "found",
    [
        None,
        "abc",
        3,
        True,
        1.5,
        [0.5],
        [3],
        [-1],
        [True],
        [[True, False, True]],
        Hits(np.array([1, 1])),
        Hits(np.array([2, 1])),
        Hits(np.array([1.0])),
        Hits(np.array([1]), positions=np.array([1, 2])),
        {"rows": [1]},
    ],
)
def test_what_it_may_not(found: Any) -> None:
    """Nothing that might be meant otherwise is taken for no violation."""
    with pytest.raises((TypeError, ValueError)):
        as_look(found, 3)


def test_rules_cross_processes() -> None:
    """By value: what is unpacked judges alike."""
    (own,) = custom_rules([third_rows], {"third-rows": {"every": 2}})
    again = pickle.loads(pickle.dumps(own))
    assert again.kind.name == "third-rows"
    assert dict(again.options) == {"every": 2}
    made = again.make(load("axolotl"), None)
    assert made.look(TokenBatch(4, {})).hits.rows.tolist() == [1, 3]


@pytest.mark.parametrize("installed", [True, False])
def test_what_can_be_sent(installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules of a person's own only with cloudpickle; those of the package always."""
    monkeypatch.setattr("pretok_schemas.judge.travels", lambda: installed)
    own = custom_rules([third_rows], {})

    assert Judge(load("axolotl"), Vocabulary(), custom=own).travels is installed
    assert Judge(load("axolotl"), Vocabulary()).travels is True


@rule
def placed(batch: TokenBatch) -> Hits:
    """Two rows, of which one has no place."""
    return Hits(np.array([1, 4]), np.array([3, -1]))


def test_a_fault_without_a_place() -> None:
    """Its position is -1 among hits, and none in an example."""
    report = validate(table(rows()), custom=[placed], only=["placed"])

    (finding,) = report.failed
    assert [(e.row, e.position) for e in finding.examples] == [(1, 3), (4, None)]
    assert [e.window is None for e in finding.examples] == [False, True]


SETTINGS = {
    "sequence-len": (load("axolotl").with_lengths(64), Vocabulary()),
    "micro-batch-size": (load("axolotl").with_run(2), Vocabulary()),
    "vocab-size": (load("axolotl"), Vocabulary(99)),
    "bos-token-id": (load("axolotl"), Vocabulary(bos=1)),
    "eos-token-ids": (load("axolotl"), Vocabulary(eos=(2,))),
    "pad-token-id": (load("axolotl"), Vocabulary(pad=0)),
}


@pytest.mark.parametrize("key", SETTINGS)
@pytest.mark.parametrize("given", SETTINGS)
def test_what_a_rule_requires(key: str, given: str) -> None:
    """It lacks a setting unless that one was given."""
    own = rule(requires=[key])(nothing_special)
    contract, vocabulary = SETTINGS[given]

    judge = Judge(contract, vocabulary, custom=custom_rules([own], {}))

    assert judge.lacking.get("nothing-special") == (None if key == given else (key,))
    assert ("nothing-special" in {one.name for one in judge.rules}) == (key == given)


def nothing_special(batch: TokenBatch) -> list[int]:
    """A row is special."""
    return []


class Bare(Rule):
    """A rule of no kind."""

    name = "bare"


class Habit(NormRule):
    """A rule of a kind that is this package's own."""

    name = "habit"


class Wordless(RowRule):
    """A rule whose help is no text."""

    name = "wordless"
    help = 5  # type: ignore[assignment]

    def look(self, batch: TokenBatch) -> Look:
        """Nothing."""
        return Look()


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (len, "is no rule: derive one from RowRule, SplitRule or FileRule"),
        (Bare, "must be a RowRule, a SplitRule or a FileRule"),
        (Habit, "other kinds are this package's own"),
        (Wordless, "has a help that is no text"),
    ],
)
def test_what_is_no_rule(kind: Any, says: str) -> None:
    """It is refused before a row is looked at, and told what it should be."""
    with pytest.raises(ValueError, match=says):
        validate(table(rows()), custom=[kind])


@rule(reads=["source"])
def from_somewhere(batch: TokenBatch) -> list[int]:
    """A row comes from nowhere."""
    return [at for at, one in enumerate(batch.column("source").to_pylist()) if not one]


def test_columns_of_objects() -> None:
    """A frame's further column of Python objects, of one type, of several and of none."""
    frame = pd.DataFrame(rows(4))
    for cells, outcome in (
        (["a", "", "c", None], Outcome.FAILED),
        (["a", 5, 2.5, {}], Outcome.NOT_EVALUATED),
    ):
        report = validate(frame.assign(source=cells), custom=[from_somewhere], every=True)
        assert report.findings["from-somewhere"].outcome is outcome
    assert "have no common type" in str(report)


def test_a_stream_without_a_column_that_is_asked_for() -> None:
    """Its rows are counted, and what is absent is told."""
    data = pa.table({"text": ["a", "b"]}).to_reader()

    report = validate(data)

    assert not report.ok
    assert [one.rule for one in report.failed] == ["wrong-kind"]
    assert report.findings["missing-column"].because == "wrong-kind"


def test_rows_that_no_rule_of_the_package_took_away() -> None:
    """A mask that is never as long as the labels leaves a rule about both without a verdict."""
    compared = rule(name="compared", columns=["attention_mask", "labels"])(nothing_special)
    data = {"input_ids": [None, None], "attention_mask": [[1], [1]], "labels": [[5, 6], [5, 2]]}

    report = validate(data, custom=[compared], only=["compared"])

    (finding,) = report.undecided
    assert finding.because == "length-mismatch"
    assert "It could not be judged: length-mismatch comes first." in str(report)
