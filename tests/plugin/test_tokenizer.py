"""The key `tokenizer`: ids, rules that read text, and text in what people see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.plugin.conftest import Run
from tests.plugin.data import declare, write
from tests.support import toy_tokenizers as toys

END = "<|eot_id|>"


def chat_rows(tokenizer: Any, count: int = 8) -> list[dict[str, list[int]]]:
    """Texts as the tokenizer writes them, the second half trained to the end."""
    rows = []
    for number in range(count):
        ids = tokenizer.encode(f"the miller counts {number} geese{END}").ids
        half = len(ids) // 2
        rows.append(
            {
                "input_ids": ids,
                "attention_mask": [1] * len(ids),
                "labels": [-100] * half + ids[half:],
            }
        )
    return rows


@pytest.fixture
def project(here: Path) -> Path:
    """A tokenizer's folder, a clean set of its ids, and a declaration of both."""
    tokenizer = toys.byte_level()
    toys.save(tokenizer, here / "model")
    write(here / "data/sft.jsonl", chat_rows(tokenizer))
    declare(here, '[tool.pretok]\ntokenizer = "model"\n[tool.pretok.datasets.sft]\npath = "data"\n')
    return here


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_clean(run: Run, project: Path, workers: str) -> None:
    """All rules that need ids or text run, and the summary says what stands where."""
    ran = run("--pretok-data=.", workers)

    assert ran.code == 0
    assert "not checked for want of tokenizer" not in ran.text
    assert "not checked for want of eos-token-ids" not in ran.text
    assert f'end with "{END}"' in " ".join(ran.text.split())


def test_a_failure_shows_text(run: Run, project: Path) -> None:
    """Each id with the text that it stands for."""
    rows = chat_rows(toys.byte_level())
    rows[2]["labels"][-1] = 5
    write(project / "data/sft.jsonl", rows)
    ran = run("--pretok-data=.")

    assert ran.outcomes["failed"] == 1
    assert any(line.split()[0] == "text" and END in line for line in ran.lines if line.split())


def test_what_is_declared_goes_before(run: Run, project: Path) -> None:
    """Ids beside a tokenizer replace its own, one by one."""
    declare(
        project,
        """
        [tool.pretok]
        tokenizer = "model"
        [tool.pretok.datasets.sft]
        path = "data"
        eos-token-ids = [5]
        """,
    )
    ran = run("--pretok-data=.", "-W", "error::pytest_pretok.PretokWarning", "-rf", "--tb=no")

    assert "FAILED pyproject.toml::sft::missing-eos[train]" in ran.text


def test_undeclared_data(run: Run, project: Path) -> None:
    """Defaults hold for data that no dataset names, from the declaration's folder."""
    declare(project, '[tool.pretok]\ntokenizer = "model"\n')
    ran = run("--pretok-data=data", "-k", "missing-eos or missing-bos", "--co", "-q")

    assert ran.ids == ["data/sft.jsonl::missing-bos", "data/sft.jsonl::missing-eos"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('tokenizer = "nowhere"', 2, "tokenizer: "),
        ('tokenizer = "data/sft.jsonl"', 2, "tokenizer: "),
        ('tokenizer = "model"\neos-token-ids = SPACE', 3, "is white space, which ends no text"),
        ('tokenizer = "model"\npad-token-id = 99999', 3, "99999 is not below vocab-size = "),
        ("tokenizer = 3", 2, "found 3, expected text in quotes"),
        ('collator = "seq2seq"', 2, "has no collators; transformers has"),
    ],
)
def test_faults(run: Run, project: Path, text: str, line: int, message: str) -> None:
    """What cannot be read, or ends no text, is a fault of the declaration."""
    space = toys.byte_level().encode(" ", add_special_tokens=False).ids[0]
    declare(project, f"[tool.pretok]\n{text.replace('SPACE', str(space))}\n")
    ran = run("--pretok-data=.", subprocess=True)

    assert ran.code == 2
    assert f"pyproject.toml:{line}: " in ran.text
    assert message in ran.text
    assert "Traceback" not in ran.text


def test_contract_by_option(run: Run, project: Path) -> None:
    """A contract of another trainer, for data that declares none."""
    declare(project, "[tool.other]\n")
    ran = run("--pretok-data=data", "--pretok-contract=torchtune", "-rf", "--tb=no")

    assert ran.code == 1
    assert (
        "FAILED data/sft.jsonl::missing-column - 1 of 1 file: no tokens (but input_ids)" in ran.text
    )
