"""The generated pages are what the code says.

``PRETOK_REWRITE=1 pytest tests/docs/test_pages.py`` writes them anew, and removes those of rules
and trainers that are gone.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from pretok_schemas import load, names
from pretok_schemas.rules import NAMES
from tests.docs.pages import made

DOCS = Path(__file__).parents[2] / "docs"
FOLDERS = ("rules", "effects")
REWRITE = bool(os.environ.get("PRETOK_REWRITE"))


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """Every generated page by its path."""
    return made()


def test_the_pages_are_fresh(pages: dict[str, str]) -> None:
    """Every generated page lies in docs/ as it would be made now."""
    for path, text in pages.items() if REWRITE else ():
        (DOCS / path).parent.mkdir(exist_ok=True)
        (DOCS / path).write_text(text, encoding="utf-8")
    stale = [path for path, text in pages.items() if text != _text(DOCS / path)]

    assert stale == []


def test_nothing_else_lies_beside_them(pages: dict[str, str]) -> None:
    """The folders of generated pages hold no page of a rule or trainer that is gone."""
    left = [
        page
        for folder in FOLDERS
        for page in (DOCS / folder).iterdir()
        if page.relative_to(DOCS).as_posix() not in pages
    ]
    for page in left if REWRITE else ():
        page.unlink()

    assert REWRITE or left == []


def test_every_rule_and_trainer_has_a_page(pages: dict[str, str]) -> None:
    """Where a report links to is known from the name alone."""
    assert {f"rules/{rule}.md" for rule in NAMES} <= set(pages)
    assert {f"effects/{name}.md" for name in names()} <= set(pages)


def test_the_matrix_agrees_with_the_contracts(pages: dict[str, str]) -> None:
    """A row of the matrix, cell by cell, against the contracts themselves."""
    text = pages["effects.md"]
    rows = re.findall(r"^\| \[too-long\].*$", text, re.MULTILINE)
    cells = [cell.strip() for row in rows for cell in row.split("|")[2:-1]]
    off, on = load("axolotl"), load("axolotl", packing=True)

    assert len(cells) == 13
    for cell, contract in zip(cells, (off, on), strict=False):
        told = {f.effect for k, f in contract.consequences.items() if k.split(":")[0] == "too-long"}
        assert set(cell.split(", ")) == set(told)


def test_every_key_has_a_meaning(pages: dict[str, str]) -> None:
    """The reference of the declaration tells of each key what it holds and what it does."""
    schema = json.loads(_text(DOCS / "pretok.schema.json"))
    keys = [*schema["properties"], "path", "splits", "severity", "max-rows", "max-share"]
    for key in keys:
        row = re.search(rf"^\| `{key}` \|(.*)\|(.*)\|(.*)\|$", pages["configuration.md"], re.M)
        assert row is not None, key
        assert row[1].strip(), key
        assert row[2].strip(), f"{key} has no description in the schema"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
