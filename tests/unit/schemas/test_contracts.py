"""What one trainer takes and another does not: who shifts, who makes labels, who reads a mask."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretok_schemas import Vocabulary, load
from pretok_schemas.trainers import complete
from tests.gate.test_mixtures import names_for, piled
from tests.support.examples import examples
from tests.support.judging import Row, judged, violated
from tests.support.rows import BOS, EOS, KNOWN, PAD, VOCAB, clean_rows
from tests.support.slow_reader import violations

SEEDS = st.integers(0, 2**32)
VOCABULARY = Vocabulary(VOCAB, BOS, (EOS,), PAD)
LABEL_RULES = (
    "labels-shifted",
    "labels-are-a-mask",
    "label-not-input-id",
    "label-out-of-range",
    "wrong-ignore-value",
)


def rows(count: int = 30, seed: int = 11) -> list[Row]:
    """Clean rows for Axolotl."""
    return clean_rows(count, random.Random(seed))


def preshifted(row: Row) -> Row:
    """A row as torchtune wants it."""
    return {"tokens": row["input_ids"], "labels": [*row["labels"][1:], -100]}


def test_labels_ahead_are_right_for_torchtune_alone() -> None:
    """Shifted labels are clean there, and one finding under a contract whose model shifts."""
    made = [preshifted(row) for row in rows()]
    renamed = [
        {"input_ids": row["tokens"], "attention_mask": [1] * len(row["tokens"]), **row}
        for row in made
    ]

    right, _ = judged(made, load("torchtune"), VOCABULARY)
    wrong, found = judged(renamed, load("axolotl"), VOCABULARY)

    assert violated(right) == set()
    assert violated(wrong) == {"labels-shifted"}
    assert found["labels-shifted"] == list(range(30))
    assert "k = +1: labels[i] is input_ids[i + 1]; " in (wrong["labels-shifted"].cause or "")
    assert wrong["labels-shifted"].help == "write input_ids[i] as labels[i]; the trainer shifts"


def test_unshifted_labels_are_wrong_for_torchtune() -> None:
    """The mirror of it."""
    made = [{"tokens": row["input_ids"], "labels": row["labels"]} for row in rows()]

    findings, found = judged(made, load("torchtune"), VOCABULARY)

    assert violated(findings) == {"labels-shifted"}
    assert found["labels-shifted"] == list(range(30))
    wrong = findings["labels-shifted"]
    assert wrong.cause == (
        "k = -1: labels[i] is tokens[i]; they were not shifted, as for trainers that shift "
        "themselves"
    )
    assert wrong.help == (
        "write tokens[i + 1] as labels[i], -100 as the last; the trainer shifts none"
    )


@pytest.mark.parametrize(("k", "told"), [(1, "tokens[i + 2]"), (-2, "tokens[i - 1]")])
def test_other_shifts_for_torchtune(k: int, told: str) -> None:
    """The cause names the token that stands in the labels, counted from the place itself."""
    made = []
    for row in rows():
        ids = row["input_ids"]
        labels = [ids[i + 1 + k] if 0 <= i + 1 + k < len(ids) else -100 for i in range(len(ids))]
        made.append({"tokens": ids, "labels": labels})

    findings, _ = judged(made, load("torchtune"), VOCABULARY)

    assert findings["labels-shifted"].violations == 30
    assert findings["labels-shifted"].cause == f"k = {k:+d}: labels[i] is {told}"


@given(seed=SEEDS, count=st.integers(1, 25))
@examples(40)
def test_label_rules_see_through_the_shift(seed: int, count: int) -> None:
    """Faults in labels are found in the same rows whether labels are ahead or not: what the slow
    reader says of the row as Axolotl wants it, the torchtune contract says of the same row shifted.
    """
    rng = random.Random(seed)
    names = [
        name
        for name in names_for("parquet")
        if name.startswith(("labels-shifted", "label-not", "label-out", "no-trainable", "zero"))
    ]
    made = [piled(row, names, rng) for row in clean_rows(count, rng)]
    # The first label has no place before it, and the last place is a wildcard.
    made = [row for row in made if row["labels"][0] in (-100, row["input_ids"][0])]
    for row in made:
        row["labels"] = [-100, *row["labels"][1:]]
    expected = violations(made, KNOWN["all"])

    _, found = judged([preshifted(row) for row in made] or rows(1), load("torchtune"), VOCABULARY)

    for rule in ("label-not-input-id", "label-out-of-range", "no-trainable-token"):
        if not {"labels-shifted", "wrong-ignore-value"} & (set(expected) | set(found)):
            assert found.get(rule, []) == sorted(expected.get(rule, {})), rule


def test_the_last_label_of_torchtune_may_be_any_token() -> None:
    """Rows cut from a longer text know the token behind their last one."""
    made = [preshifted(row) for row in rows()]
    made[4]["labels"][-1] = 77
    made[5]["labels"][-1] = VOCAB
    made[6]["labels"][-1] = -7

    findings, found = judged(made, load("torchtune"), VOCABULARY)

    assert violated(findings) == {"label-out-of-range"}
    assert found == {"label-out-of-range": [5, 6]}
    assert [example.position for example in findings["label-out-of-range"].examples] == [
        len(made[number]["labels"]) - 1 for number in (5, 6)
    ]


def test_trl_takes_ids_alone() -> None:
    """Labels are made of the ids, and a mask that says anything is not read."""
    made = [{"input_ids": row["input_ids"], "attention_mask": [7, 0]} for row in rows()]

    findings, _ = judged(made, load("trl"), VOCABULARY)

    assert violated(findings) == set()
    assert "mask-values" not in findings


@pytest.mark.parametrize("column", ["completion_mask", "assistant_masks"])
def test_trl_makes_labels_of_its_masks(column: str) -> None:
    """A row whose mask is 0 throughout trains nothing; a mask of another length is told."""
    made = [
        {"input_ids": row["input_ids"], column: [int(x != -100) for x in row["labels"]]}
        for row in rows()
    ]
    made[3][column] = [0] * len(made[3][column])
    made[8][column] = made[8][column][:-1]

    findings, found = judged(made, load("trl"), VOCABULARY)

    # Its labels end where the mask does: the end of that row is not trained.
    assert found == {"no-trainable-token": [3], "length-mismatch": [8], "end-id-masked": [8]}
    assert findings["length-mismatch"].examples[0].column == column


def test_trl_cuts_at_1024_unless_told() -> None:
    """The default limit is the trainer's own."""
    ids = [BOS, *random.Random(1).sample(range(3, VOCAB), 990), *range(3, 43), EOS]
    made: list[dict[str, Any]] = [{"input_ids": ids}]

    told, found = judged(made, load("trl"), VOCABULARY)
    more, _ = judged(made, load("trl").with_lengths(2048), VOCABULARY)

    assert found == {"too-long": [0]}
    assert violated(told) == {"too-long"}
    assert violated(more) == set()


def test_the_language_modeling_collator_makes_its_own_labels() -> None:
    """Labels in the file are the fault: the collator replaces them, or does not pad them."""
    made = rows()
    made[2]["labels"] = [5] * len(made[2]["labels"])
    contract = load("transformers", collator="language-modeling")

    findings, _ = judged(made, contract, VOCABULARY)

    assert violated(findings) == {"extra-column"}
    assert not set(LABEL_RULES) & set(findings)


def test_collators_belong_to_transformers() -> None:
    """No other trainer has one."""
    with pytest.raises(ValueError, match="no collator"):
        load("axolotl", collator="seq2seq")
    with pytest.raises(ValueError, match="no collator"):
        load("transformers", collator="none")  # type: ignore[arg-type]


@pytest.mark.parametrize("packing", [True, False])
def test_document_numbers(packing: bool) -> None:
    """LLaMA-Factory numbers the documents of packed rows; elsewhere that is worth a warning."""
    made = rows()
    for row in made:
        half = len(row["labels"]) // 2
        row["attention_mask"] = [1] * half + [2] * (len(row["labels"]) - half)

    findings, _ = judged(made, load("llama-factory", packing=packing), VOCABULARY)

    assert violated(findings) == (set() if packing else {"mask-values"})


def test_extra_columns_when_axolotl_packs() -> None:
    """Packing joins every column: text and single values stop the run, lists do not."""
    made = [{**row, "source": "crawl", "weights": [1.0]} for row in rows()]

    off, _ = judged(made, load("axolotl"), VOCABULARY)

    assert "extra-column" not in off


def test_a_contract_without_labels() -> None:
    """llm-foundry's labels are no labels of ours: only the ids are judged."""
    made = rows()
    made[1]["labels"] = [1]
    made[2]["input_ids"] = [VOCAB, *made[2]["input_ids"][1:]]

    findings, found = judged(made, load("llm-foundry"), VOCABULARY)

    assert "token-out-of-vocab" in violated(findings)
    assert "length-mismatch" not in findings
    assert found["token-out-of-vocab"] == [2]


def test_a_trainer_that_names_no_rule_of_ours() -> None:
    """Its module is at fault, and says so when it is loaded."""
    contract = load("axolotl")
    wrong = replace(contract, without=frozenset({"no-such-rule"}))

    with pytest.raises(ValueError, match=r"axolotl names rules that do not exist: .*no-such-rule"):
        complete(wrong)
