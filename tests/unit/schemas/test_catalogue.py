"""Rules that the slow reader does not cover: further columns, the split as a whole, packing."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
import pytest

from pretok_schemas import Vocabulary, load
from pretok_schemas.contract import Contract
from pretok_schemas.findings import Effect, Outcome, Severity
from tests.support.judging import Row, judged, violated
from tests.support.rows import BOS, EOS, PAD, VOCAB, clean_row, clean_rows, distinct_neighbours

KNOWN = Vocabulary(VOCAB, BOS, (EOS,), PAD)


def rows(count: int = 4, seed: int = 7) -> list[Row]:
    """Clean rows."""
    return clean_rows(count, random.Random(seed))


def with_column(name: str, values: list[Any], count: int = 4) -> list[Row]:
    """Clean rows with one more cell each; None leaves it right."""
    made = rows(count)
    return [
        {**row, name: list(range(len(row["labels"]))) if value is None else value(row)}
        for row, value in zip(made, values, strict=True)
    ]


def restarting(row: Row) -> list[int]:
    """Two documents."""
    length = len(row["labels"])
    return [*range(5), *range(length - 5)]


@pytest.mark.parametrize(
    ("positions", "broken"),
    [
        (restarting, False),
        (lambda row: [0] * len(row["labels"]), True),
        (lambda row: [i + 1 for i in range(len(row["labels"]))], True),
        (lambda row: [*range(5), *range(6, len(row["labels"]) + 1)], True),
        (lambda row: [*range(len(row["labels"]) - 1), 2**20], True),
        (lambda row: [*range(len(row["labels"]) - 1), -1], True),
    ],
)
def test_position_ids(positions: Any, broken: bool) -> None:
    """Positions rise by one from 0 on, and may begin anew."""
    made = with_column("position_ids", [None, None, positions, None])

    findings, found = judged(made, vocabulary=KNOWN)

    assert violated(findings) == ({"position-ids"} if broken else set())
    assert found == ({"position-ids": [2]} if broken else {})


def test_position_ids_beyond_the_limit() -> None:
    """A restart may not hide that a position lies beyond the context."""
    made = [{**row, "position_ids": restarting(row)} for row in rows()]
    made[1]["position_ids"] = [i if i else 0 for i in range(len(made[1]["labels"]))]
    limit = max(len(row["labels"]) for row in made) - 2

    findings, _ = judged(made, load("axolotl").with_lengths(limit), KNOWN)

    assert "position-ids" not in violated(findings)  # too-long says it


@pytest.mark.parametrize("short", [True, False])
def test_position_ids_of_another_length(short: bool) -> None:
    """A column with one value a token is held to the length of the ids."""
    made = with_column("position_ids", [None] * 4)
    made[3]["position_ids"] = made[3]["position_ids"][:-1] if short else [0, *range(40)]

    findings, found = judged(made, vocabulary=KNOWN)

    assert violated(findings) == {"length-mismatch"}
    assert found == {"length-mismatch": [3]}
    assert findings["length-mismatch"].examples[0].column == "position_ids"


def test_null_in_an_optional_column() -> None:
    """A column that need not be there must not be null in some rows."""
    made = with_column("position_ids", [None, lambda row: None, None, None])

    findings, found = judged(made, vocabulary=KNOWN)

    assert found == {"null-row": [1]}
    assert violated(findings) == {"null-row"}


def test_sequence_lengths() -> None:
    """The documents of a row make up the row."""
    made = [{**row, "seq_lengths": [5, len(row["labels"]) - 5]} for row in rows()]
    made[2]["seq_lengths"] = [5, 5]

    findings, found = judged(made, load("trl"), KNOWN)

    assert found == {"sequence-lengths": [2]}
    assert findings["sequence-lengths"].outcome is Outcome.WARNED


def test_first_label_trained_only_if_asked() -> None:
    """Off by default; where asked for, each row whose first label is set."""
    made = rows()
    made[1]["labels"] = [made[1]["input_ids"][0], *made[1]["labels"][1:]]

    silent, _ = judged(made, vocabulary=KNOWN)
    asked, found = judged(made, vocabulary=KNOWN, severities={"first-label-trained": WARN})

    assert "first-label-trained" not in silent
    assert violated(asked) == {"first-label-trained"}
    assert found == {"first-label-trained": [1]}


WARN = Severity.WARNING


@pytest.mark.parametrize(("policy", "lost"), [("truncate", [1]), ("drop", None), ("raise", None)])
def test_targets_lost_by_truncation(policy: Any, lost: list[int] | None) -> None:
    """Only where long rows are cut can all targets lie behind the cut."""
    made = rows()
    made[1] = clean_row(30, 10, random.Random(1))

    contract = load("axolotl").with_lengths(31, None, policy)
    findings, found = judged(made, contract, KNOWN)

    assert found.get("targets-lost-by-truncation") == lost
    assert ("targets-lost-by-truncation" in findings) == (policy == "truncate")


@pytest.mark.parametrize(("trained", "low"), [(1, True), (4, False), (0, False)])
def test_low_trainable_share(trained: int, low: bool) -> None:
    """Under 0.1 % of the tokens; none at all is no-trainable-token's."""
    ids = [BOS, *distinct_neighbours(3997, random.Random(2)), EOS]
    labels = [-100] * (len(ids) - trained) + ids[len(ids) - trained :]
    made = [{"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}]

    findings, _ = judged(made, vocabulary=KNOWN)

    assert ("low-trainable-share" in violated(findings)) == low
    assert ("no-trainable-token" in violated(findings)) == (trained == 0)


def packed(count: int, documents: int = 3, length: int = 60) -> list[Row]:
    """Rows of joined documents, all of one length."""
    rng = random.Random(3)
    made = []
    for _ in range(count):
        parts = [[BOS, *distinct_neighbours(25, rng), EOS] for _ in range(documents)]
        ids = [one for part in parts for one in part][:length]
        made.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": list(ids)})
    return made


@pytest.mark.parametrize("bos", [BOS, None])
def test_packed_without_boundaries(bos: int | None) -> None:
    """Joined documents are told by BOS; without one, by a start that recurs."""
    made = packed(12)
    for row in made:
        row["input_ids"][1:3] = row["input_ids"][28:30] = [11, 12]
        row["labels"] = list(row["input_ids"])

    findings, found = judged(made, vocabulary=Vocabulary(VOCAB, bos, (EOS,), PAD))

    assert found["packed-without-boundaries"] == list(range(12))
    assert findings["packed-without-boundaries"].outcome is Outcome.WARNED
    assert not {"missing-eos", "cut-at-limit", "inner-bos"} & violated(findings)


@pytest.mark.parametrize("told", ["position_ids", "mask", "seq_lengths"])
def test_packed_with_boundaries(told: str) -> None:
    """Positions that begin anew, document numbers or document lengths tell the joints."""
    made = packed(12)
    for row in made:
        if told == "mask":
            row["attention_mask"] = [1] * 27 + [2] * 27 + [3] * 6
        elif told == "position_ids":
            row["position_ids"] = [*range(27), *range(27), *range(6)]
        else:
            row["seq_lengths"] = [27, 27, 6]
    contract = load("trl") if told == "seq_lengths" else load("axolotl")

    findings, _ = judged(made, contract, KNOWN)

    assert "packed-without-boundaries" not in violated(findings)


def test_chats_do_not_look_packed() -> None:
    """End ids inside are a chat's turns."""
    made = rows(20)
    for row in made:
        row["input_ids"][2] = EOS

    findings, _ = judged(made, vocabulary=KNOWN)

    assert violated(findings) == set()


def table_of(**columns: list[list[int]]) -> pa.Table:
    """A table of lists."""
    return pa.table({name: pa.array(v, pa.list_(pa.int64())) for name, v in columns.items()})


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"chosen_input_ids": [[1]], "rejected_input_ids": [[1]]}, "preference pairs"),
        ({"chosen": [[1]], "rejected": [[1]], "labels": [[1]]}, "preference pairs"),
        ({"text": [[1]]}, "raw text"),
        ({"messages": [[1]], "source": [[2]]}, "raw text"),
        (
            {"input_ids": [[1, 2]], "attention_mask": [[1, 1]], "decoder_input_ids": [[1]]},
            "encoder-decoder",
        ),
    ],
)
def test_wrong_kind_by_its_columns(columns: dict[str, list[list[int]]], what: str) -> None:
    """One finding, and the missing columns are no second one."""
    findings, _ = judged(table_of(**columns))

    assert violated(findings) == {"wrong-kind"}
    assert what in str(findings["wrong-kind"].examples[0].found)
    assert findings["missing-column"].outcome is Outcome.NOT_EVALUATED
    assert findings["missing-column"].because == "wrong-kind"


@pytest.mark.parametrize("columns", [["text", "input_ids"], ["prompt", "tokens"], ["source"]])
def test_not_the_wrong_kind(columns: list[str]) -> None:
    """Text beside tokens, or nothing known at all, is not told to be of another kind."""
    findings, _ = judged(table_of(**{name: [[1, 2]] for name in columns}))

    assert "wrong-kind" not in violated(findings)
    assert findings["missing-column"].outcome is Outcome.FAILED


def masked_model(count: int = 30) -> list[Row]:
    """Batches of a masked language model."""
    rng = random.Random(4)
    made = rows(count)
    for row in made:
        ids = list(row["input_ids"])
        at = rng.sample(range(1, len(ids) - 1), 4)
        row["labels"] = [ids[i] if i in at else -100 for i in range(len(ids))]
        row["input_ids"] = [999 if i in at[:3] else one for i, one in enumerate(ids)]
    return made


def test_masked_language_model() -> None:
    """One finding instead of one a row."""
    made = masked_model(40)
    for row in made:
        row["input_ids"] += [PAD, PAD]
        row["attention_mask"] += [0, 0]
        row["labels"] += [-100, -100]

    findings, _ = judged(made, vocabulary=KNOWN)

    assert violated(findings) == {"wrong-kind", "trailing-padding"}
    assert "id 999" in str(findings["wrong-kind"].examples[0].found)


@pytest.mark.parametrize("kind", ["encoder-decoder", "cut", "shuffled", "constant"])
def test_labels_of_other_lengths(kind: str) -> None:
    """Two sequences a row are another kind; ids cut, shuffled or drawn out are not."""
    rng = random.Random(5)
    made = rows(40)
    for number, row in enumerate(made):
        if kind == "encoder-decoder":
            row["labels"] = distinct_neighbours(rng.randint(3, 9), rng)
        elif kind == "cut":
            row["labels"] = row["labels"][: -rng.randint(1, 5)]
        elif kind == "constant":
            row["labels"] = row["labels"][1:]
        else:
            row["labels"] = clean_rows(40, random.Random(7))[(number + 1) % 40]["labels"]

    findings, _ = judged(made, vocabulary=KNOWN)

    assert ("wrong-kind" in violated(findings)) == (kind == "encoder-decoder")
    assert "length-mismatch" in violated(findings)
    cause = findings["length-mismatch"].cause or ""
    assert ("in another order" in cause) == (kind == "shuffled")
    assert ("1 shorter" in cause) == (kind == "constant")


def test_narrow_integers() -> None:
    """A type that cannot hold the vocabulary is an error, an unsigned one for labels a warning."""
    made = pa.Table.from_pylist(rows())
    for column, dtype, size, outcome in (
        ("input_ids", pa.uint16(), 65536, Outcome.PASSED),
        ("input_ids", pa.uint16(), 65537, Outcome.FAILED),
        ("input_ids", pa.int16(), 32769, Outcome.FAILED),
        ("labels", pa.int16(), 40000, Outcome.FAILED),
        ("labels", pa.int32(), 40000, Outcome.PASSED),
    ):
        at = made.column_names.index(column)
        narrow = made.set_column(at, column, made[column].cast(pa.list_(dtype)))
        finding = types_judged(narrow, Vocabulary(size))["narrow-integer"]
        assert finding.outcome is outcome, (column, dtype, size)


def test_unsigned_labels_only_warn() -> None:
    """All labels set, in an unsigned type: right today, wrong with the first -100."""
    made = [{**row, "labels": row["input_ids"]} for row in rows()]
    table = pa.Table.from_pylist(made)
    at = table.column_names.index("labels")
    table = table.set_column(at, "labels", table["labels"].cast(pa.list_(pa.uint32())))

    finding = types_judged(table, KNOWN)["narrow-integer"]

    assert finding.outcome is Outcome.WARNED


def types_judged(table: pa.Table, vocabulary: Vocabulary) -> dict[str, Any]:
    """The findings over a file of a table, whose types count."""
    import tempfile
    from pathlib import Path

    import pyarrow.parquet as pq

    from pretok_schemas import Judge
    from pytest_pretok.scan import Shard, scan_split

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.parquet"
        pq.write_table(table, path)
        judge = Judge(load("axolotl"), vocabulary)
        return scan_split("train", [Shard(str(path), "x.parquet")], judge, 1).findings


@pytest.mark.parametrize(
    ("name", "case", "effect"),
    [
        ("leading-padding", "attended", Effect.SILENT),
        ("leading-padding", "hidden", Effect.WASTED),
        ("no-trainable-token", "none", Effect.WASTED),
    ],
)
def test_the_effect_depends_on_what_was_found(name: str, case: str, effect: Effect) -> None:
    """Padding that the mask hides is computed; padding that it shows is attended."""
    made = rows()
    if name == "leading-padding":
        made[1] = {
            "input_ids": [PAD] * 3 + made[1]["input_ids"],
            "attention_mask": [int(case == "attended")] * 3 + made[1]["attention_mask"],
            "labels": [-100] * 3 + made[1]["labels"],
        }
    else:
        made[1]["labels"] = [-100] * len(made[1]["labels"])

    findings, _ = judged(made, vocabulary=KNOWN)

    assert violated(findings) == {name}
    assert findings[name].effect is effect


def contracts() -> list[Contract]:
    """Contracts that read ids, mask and labels as they are."""
    return [load("axolotl"), load("axolotl", packing=True), load("llama-factory"), load("unsloth")]


@pytest.mark.parametrize("contract", contracts(), ids=lambda contract: contract.name)
def test_clean_rows_are_clean_everywhere(contract: Contract) -> None:
    """No contract alarms at what every trainer takes."""
    findings, _ = judged(rows(30), contract, KNOWN)

    assert violated(findings) == set()


def test_renamed_columns_are_known() -> None:
    """Text beside token columns of other names is no raw text."""
    made = [{"ids": r["input_ids"], "am": r["attention_mask"], "t": r["labels"]} for r in rows(9)]
    table = pa.Table.from_pylist(made).append_column("text", pa.array([["x"]] * 9))
    names = {"input_ids": "ids", "attention_mask": "am", "labels": "t"}

    findings, _ = judged(table, vocabulary=KNOWN, names=names)

    assert violated(findings) == set()


def test_padding_behind_packed_positions() -> None:
    """LLaMA-Factory fills positions up with zeros behind the last document."""
    made = [{**row, "position_ids": restarting(row)} for row in rows(9)]
    for row in made:
        row["input_ids"] += [PAD] * 3
        row["attention_mask"] += [1] * 3
        row["labels"] += [-100] * 3
        row["position_ids"] += [0] * 3

    findings, _ = judged(made, load("llama-factory", packing=True), KNOWN)

    assert violated(findings) == set()


def test_llama_2_begins_every_turn_with_bos() -> None:
    """A BOS right behind an end id begins a turn; elsewhere it is one too many."""
    made = rows(12)
    made[3]["input_ids"][4:6] = [EOS, BOS]
    made[7]["input_ids"][4:6] = [9, BOS]
    for row in made:
        row["labels"][:6] = [-100] * 6

    findings, found = judged(made, vocabulary=KNOWN)

    assert violated(findings) == {"inner-bos"}
    assert found == {"inner-bos": [7]}


def test_rows_of_one_length_were_not_cut() -> None:
    """Where nearly all rows are equally long, their length is no limit: their end is missing."""
    rng = random.Random(8)
    made = [clean_row(8, 12, rng) for _ in range(20)]
    for row in made:
        for name in ("input_ids", "attention_mask", "labels"):
            row[name] = row[name][:-1]

    findings, _ = judged(made, vocabulary=KNOWN)

    assert violated(findings) == {"missing-eos"}


def test_equal_ids_at_an_end_only_warn() -> None:
    """Without a pad id and a mask that shows it, padding is a guess."""
    made = rows(9)
    for row in made[:4]:
        row["input_ids"] += [13, 13]
        row["attention_mask"] += [1, 1]
        row["labels"] += [-100, -100]

    guessed, found = judged(made, vocabulary=Vocabulary(VOCAB, BOS))
    for row in made[:4]:
        row["attention_mask"][-2:] = [0, 0]
    shown, _ = judged(made, vocabulary=Vocabulary(VOCAB, BOS))

    assert found["trailing-padding"] == [0, 1, 2, 3]
    assert guessed["trailing-padding"].outcome is Outcome.WARNED
    assert shown["trailing-padding"].outcome is Outcome.FAILED


def test_an_end_that_was_added_twice() -> None:
    """Two trained end ids are no padding, though the pad id is one of them."""
    made = rows(9)
    for row in made:
        row["input_ids"] += [EOS]
        row["attention_mask"] += [1]
        row["labels"] += [EOS]

    findings, _ = judged(made, vocabulary=Vocabulary(VOCAB, BOS, (EOS,), EOS))

    assert violated(findings) == set()
