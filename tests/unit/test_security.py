"""SECURITY.md names the tests that hold its promises: they are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
PROMISES = [line for line in PAGE.splitlines() if re.match(r"\| (?!promise )[^-]", line)]
NAMED = re.compile(r"`(tests/[\w/]+\.py)`(?: \(((?:`?\w+`?[, ]*(?:case)? ?)+)\))?")


def named() -> list[tuple[str, str | None]]:
    """Files of tests, and the tests in them, that promises name."""
    found: list[tuple[str, str | None]] = []
    for file, tests in (match.groups() for line in PROMISES for match in NAMED.finditer(line)):
        names = re.findall(r"`(test_\w+)`", tests or "")
        found += [(file, name) for name in names] or [(file, None)]
    return found


def test_every_promise_names_a_test() -> None:
    """No promise stands alone, and none of the names in the table is overlooked here."""
    assert len(PROMISES) > 15
    assert all(NAMED.search(line.split(" | ")[1]) for line in PROMISES)
    assert {name for _, name in named() if name} == set(
        re.findall(r"`(test_\w+)`", "".join(PROMISES))
    )


@pytest.mark.parametrize(("file", "name"), named())
def test_the_tests_are_there(file: str, name: str | None) -> None:
    """Where the page says, under the name that it says."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}

    assert tests if name is None else name in tests
