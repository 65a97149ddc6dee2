"""What the page of the HTML report is made of: plain values, and the tone of what became of rules.

Tells nothing by itself (see `page`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Found = Mapping[str, Any]  # an entry of "rules" in the JSON report

# What became of a rule, a split, a dataset; from the worst on.
TONES = ("failed", "unjudged", "warned", "allowed", "passed", "unseen")
_TONE_OF = {"not-evaluated": "unjudged", "not-selected": "unseen"}
VERDICTS = {
    "failed": "fails",
    "unjudged": "no verdict",
    "warned": "warns",
    "allowed": "passes",
    "passed": "passes",
    "unseen": "not checked",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a token window; ``here`` is the position of the fault, ``marked`` its value."""

    text: str
    marked: bool = False
    here: bool = False


@dataclass(frozen=True, slots=True)
class ExampleView:
    """One violation: where it stands, what was found, and the window as (heading, cells)."""

    where: str
    says: str
    window: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True, slots=True)
class FindingView:
    """One rule with violations, or without a verdict that it should have had."""

    rule: str
    tone: str
    title: str
    count: str
    notes: tuple[str, ...]
    effect: str
    consequence: str
    cause: str
    help: str
    examples: tuple[ExampleView, ...]
    more: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows that two rules report: the rules, and a line of (rows, share of the fewer) for each."""

    rules: tuple[str, ...]
    lines: tuple[tuple[tuple[int, float] | None, ...], ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lengths:
    """What the picture of the row lengths shows, and says."""

    histogram: Mapping[str, Any]
    limit: int | None
    says: str


@dataclass(frozen=True, slots=True)
class Shares:
    """What the picture of the trained shares shows, and says."""

    rows: tuple[int, ...]
    says: str


@dataclass(frozen=True, slots=True)
class SplitView:
    """One split; ``findings`` have examples as far as there is room."""

    anchor: str
    name: str
    tone: str
    verdict: str
    facts: tuple[tuple[str, str], ...]
    lengths: Lengths | None
    shares: Shares | None
    findings: tuple[FindingView, ...]
    matrix: Matrix | None
    unjudged: tuple[tuple[str, str], ...]
    passed: tuple[str, ...]
    unseen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DatasetView:
    """One dataset with those of its splits that are told in full."""

    anchor: str
    name: str
    tone: str
    verdict: str
    about: tuple[tuple[str, str], ...]
    across: tuple[FindingView, ...]
    splits: tuple[SplitView, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One split in the overview; ``anchor`` is empty where it is not told in full."""

    anchor: str
    dataset: str
    split: str
    tone: str
    verdict: str
    rows: str
    tokens: str
    trained: str
    broken: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page."""

    tool: str
    tone: str
    verdict: str
    sums: str
    notes: tuple[str, ...]
    overview: tuple[Line, ...]
    datasets: tuple[DatasetView, ...]


def tone_of(rule: Found) -> str:
    """What became of a rule, one of `TONES`."""
    outcome: str = rule["outcome"]
    if outcome == "passed" and rule["violations"]:
        return "allowed"
    return _TONE_OF.get(outcome, outcome)


def worst_tone(rules: Iterable[Found]) -> str:
    """The worst that became of some rules; what was not selected counts only where nothing was."""
    return min((tone_of(rule) for rule in rules), key=TONES.index, default="unseen")


def rank(rules: Iterable[Found]) -> int:
    """How bad that is, 0 being the worst."""
    return TONES.index(worst_tone(rules))


def broken_of(rules: Iterable[Found]) -> list[Found]:
    """The rules with violations, the worst first."""
    found = [rule for rule in rules if rule["violations"]]
    return sorted(found, key=lambda rule: TONES.index(tone_of(rule)))
