"""Hypothesis strategies for tests of code that makes, packs or reads tokenised rows.

What they draw keeps a trainer's contract by construction, and shrinks towards a short row of small
ids. Needs the extra `hypothesis`; nothing else of the package knows that library.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("hypothesis") is None:
    raise ImportError(
        "pytest_pretok.strategies needs the package hypothesis: "
        "pip install 'pytest-pretok[hypothesis]'"
    )

from pytest_pretok.strategies.corrupting import Corruption, corruptions
from pytest_pretok.strategies.drawing import datasets, rows, tables
from pytest_pretok.strategies.plan import Plan, Row, Settings
from pytest_pretok.strategies.writing import CONTAINERS, Container, Dataset

__all__ = [
    "CONTAINERS",
    "Container",
    "Corruption",
    "Dataset",
    "Plan",
    "Row",
    "Settings",
    "corruptions",
    "datasets",
    "rows",
    "tables",
]
