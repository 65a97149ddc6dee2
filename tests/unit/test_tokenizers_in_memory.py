"""`check` with a tokenizer as its library holds it: the same report as with its files."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from pytest_pretok import DeclarationError, check
from pytest_pretok.tokenizers.shared import shared_tokenizer
from tests.support import toy_tokenizers as toys

BEGIN, END = "<|begin_of_text|>", "<|eot_id|>"
MAKERS: dict[str, Callable[[Tokenizer], Any]] = {
    "tokenizers": lambda made: made,
    "transformers": lambda made: PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token=BEGIN, eos_token=END
    ),
}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def rows(tokenizer: Tokenizer) -> list[dict[str, Any]]:
    """Texts with their end, one of which has its end spelled out as text."""
    made = []
    for number, text in enumerate(toys.TEXT[:4]):
        ids = tokenizer.encode(f"{text}{END}").ids
        if number == 2:
            pieces = (
                tokenizer.encode(one, add_special_tokens=False).ids for one in ("<|eot", "_id|>")
            )
            ids = [*ids[:-1], *(one for piece in pieces for one in piece), ids[-1]]
        made.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": ids})
    return made


@pytest.mark.parametrize("library", MAKERS)
def test_a_tokenizer_as_it_is(library: str, tmp_path: Path) -> None:
    """What it knows is known, and what it is shown by."""
    made = toys.byte_level()
    held = MAKERS[library](made)
    folder = tmp_path / "saved"
    folder.mkdir()
    (held.save_pretrained if library == "transformers" else lambda _: toys.save(made, folder))(
        str(folder)
    )

    report, other = check(rows(made), tokenizer=held), check(rows(made), tokenizer=folder)

    assert [one.rule for one in report.warned] == [one.rule for one in other.warned]
    (finding,) = [one for one in report.findings if one.rule == "special-token-as-text"]
    assert [(one.row, one.found) for one in finding.examples] == [(2, END)]
    assert str(report) == str(other)


def test_its_files_live_as_long_as_the_report(temporary: Path) -> None:
    """Which decodes ids when it is asked what the rows are like."""
    made = toys.byte_level()
    report = check(rows(made), tokenizer=made)
    said = report.summary()
    shared_tokenizer.cache_clear()

    assert END in said
    assert report.summary() == said

    del report
    gc.collect()
    assert list(temporary.iterdir()) == []


def test_nothing_is_left_behind_where_there_is_no_report(temporary: Path) -> None:
    """Other settings are at fault, or the data is."""
    made = toys.byte_level()
    with pytest.raises(DeclarationError):
        check(rows(made), tokenizer=made, sequence_len=-1)
    with pytest.raises(TypeError):
        check(5, tokenizer=made)

    assert list(temporary.iterdir()) == []


def test_the_fixture_takes_one(pretok: Any) -> None:
    """As `check` does."""
    made = toys.byte_level()

    report = pretok.check(rows(made), tokenizer=made)

    assert "special-token-as-text" in [one.rule for one in report.warned]


class Broken:
    """A tokenizer that cannot be saved."""

    def save_pretrained(self, folder: str) -> None:
        """As one without a vocabulary file."""
        raise ValueError("there is no vocabulary")


class Empty:
    """A tokenizer that saves nothing that is known."""

    def save_pretrained(self, folder: str) -> None:
        """Write a file of its own kind."""
        Path(folder, "vocab.bin").write_bytes(b"0")


@pytest.mark.parametrize(
    ("tokenizer", "says"),
    [
        (Broken(), "tokenizer: <Broken> cannot be saved: there is no vocabulary"),
        (5, "tokenizer: found <int>, expected a path, or a tokenizer of transformers or tok"),
        (str.split, "tokenizer: found <method_descriptor>, expected a path"),
    ],
    ids=["broken", "number", "function"],
)
def test_what_is_no_tokenizer(tokenizer: Any, says: str) -> None:
    """It is refused along with the other faults, before a row is read."""
    with pytest.raises(DeclarationError) as caught:
        check([], tokenizer=tokenizer, packing="yes")

    assert says in str(caught.value)
    assert "packing: found 'yes', expected true or false" in str(caught.value)


def test_a_library_that_saves_what_nobody_reads() -> None:
    """The files are looked at as those of any folder."""
    with pytest.raises(DeclarationError, match=r"tokenizer: .* holds no tokenizer"):
        check([], tokenizer=Empty())
