"""The examples of docs/contracts.md, run as they stand there, one after another.

``PRETOK_REWRITE=1 pytest tests/unit/test_contracts_page.py`` writes their outputs anew.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
from pathlib import Path
from typing import Any

from pretok_schemas import validate

PAGE = Path(__file__).parents[2] / "docs" / "contracts.md"
EXAMPLE = re.compile(r"```python\n(.*?)```\n(\n```text\n)(.*?)(```\n)", re.DOTALL)


def outputs(text: str) -> str:
    """The page with what its examples print now."""
    names: dict[str, Any] = {}

    def run(example: re.Match[str]) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(example[1], str(PAGE), "exec"), names)
        return f"```python\n{example[1]}```\n{example[2]}{printed.getvalue()}{example[4]}"

    return EXAMPLE.sub(run, text)


def test_the_examples_print_what_is_shown() -> None:
    """Every block of code runs, and what follows it is what it prints."""
    if os.environ.get("PRETOK_REWRITE"):
        PAGE.write_text(outputs(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")

    assert text.count("```python\n") == len(EXAMPLE.findall(text)) == 7
    assert outputs(text) == text


def test_every_setting_is_described() -> None:
    """The table of settings has those of `validate`, and no others."""
    rows = re.findall(r"^\| (`.*?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    assert told == set(inspect.signature(validate).parameters) - {"data", "contract"}
