"""What a check says: outcomes, findings and examples, as plain data.

Must not import Arrow, numpy or anything that reads files: these objects cross processes and end
up in reports.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a violated rule matters to the verdict."""

    ERROR = "error"
    WARNING = "warning"
    OFF = "off"


class Effect(StrEnum):
    """What the trainer does with a violating row."""

    CRASH = "crash"
    DROPPED = "dropped"
    SILENT = "silent"
    WASTED = "wasted"
    HARMLESS = "harmless"


# From the one that is found last to the one that costs nothing: a crash is at least seen.
BY_HARM = (Effect.SILENT, Effect.CRASH, Effect.DROPPED, Effect.WASTED, Effect.HARMLESS)


class Outcome(StrEnum):
    """What became of one rule on one split."""

    PASSED = "passed"
    FAILED = "failed"
    WARNED = "warned"
    NOT_EVALUATED = "not-evaluated"
    NOT_SELECTED = "not-selected"


@dataclass(frozen=True, slots=True)
class Consequence:
    """One effect of a trainer, and the sentence a person reads about it.

    ``ran`` tells whether it was seen by running the trainer; else it was read in its source.
    """

    effect: Effect
    text: str
    ran: bool = False


def _in_json(value: float | None) -> float | str | None:
    """A value as JSON can have it: NaN and infinity as text."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True, slots=True)
class Window:
    """A few neighbouring places of one row around a fault.

    ``start`` is the position of the first value; every list in ``values`` starts there, one list
    a role, and may be shorter than the others where the row is ragged. ``text`` is what the input
    ids say, where a tokenizer is known.
    """

    start: int
    values: Mapping[str, tuple[int | float | None, ...]]
    text: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The window as the JSON report has it: builtins only."""
        # A role is no key here: a report that lies among data must not look like a row.
        columns = [
            {"role": role, "values": [_in_json(value) for value in found]}
            for role, found in self.values.items()
        ]
        return {"start": self.start, "columns": columns, "text": list(self.text)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Window:
        """The window that `to_dict` was called on."""
        columns = {column["role"]: tuple(column["values"]) for column in values["columns"]}
        return cls(values["start"], columns, tuple(values["text"]))


@dataclass(frozen=True, slots=True)
class Example:
    """One violating row.

    ``row`` counts within the split, ``shard_row`` within the shard, both from 0. ``position`` is
    the place within the row's lists, or None where the fault has none. ``column`` is the role at
    fault where a rule can speak of several. A ``mild`` one is worth a warning only. ``line`` is
    where the row stands in a text file, from 1.
    """

    row: int
    shard_row: int
    shard: str = ""
    split: str = ""
    position: int | None = None
    found: int | float | str | None = None
    expected: int | float | str | None = None
    column: str | None = None
    length: int | None = None
    window: Window | None = None
    mild: bool = False
    line: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The example as the JSON report has it: builtins only."""
        return {
            "split": self.split,
            "shard": self.shard,
            "row": self.row,
            "shard_row": self.shard_row,
            "position": self.position,
            "column": self.column,
            "found": self.found,
            "expected": self.expected,
            "line": self.line,
            "window": self.window and self.window.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Example:
        """What a report says of an example; the rest has its default."""
        window = values["window"]
        plain = {key: value for key, value in values.items() if key != "window"}
        return cls(**plain, window=None if window is None else Window.from_dict(window))


@dataclass(frozen=True, slots=True)
class Budget:
    """How many violating rows a user accepts; nothing by default."""

    max_rows: int | None = None
    max_share: float | None = None

    def allowed(self, rows: int) -> int:
        """Number of rows that may violate the rule in a split of ``rows`` rows."""
        if self.max_rows is not None:
            return self.max_rows
        if self.max_share is not None:
            from fractions import Fraction  # lazy: start cost, decimal comes with it

            # The share as it was written: its binary value may lie a hair under it.
            return math.floor(Fraction(str(self.max_share)) * rows)
        return 0


@dataclass(frozen=True, slots=True)
class Finding:
    """All violations of one rule in one split, or the reason why there is no verdict.

    ``violations`` counts rows exactly (files or splits where the rule's ``unit`` says so);
    ``total`` is what it counts them out of. ``because`` names the finding that made the rule
    meaningless, ``reason`` is why there is no verdict where no other finding tells it; ``cause`` is
    what the data shows about the origin of the fault. ``about`` says what a violation of the rule
    is, in a sentence, and ``evidence`` is the word before what an example found.
    """

    rule: str
    outcome: Outcome
    severity: Severity
    unit: str = "row"
    violations: int = 0
    total: int = 0
    budget: int = 0
    effect: Effect | None = None
    consequence: str = ""
    because: str | None = None
    reason: str | None = None
    cause: str | None = None
    help: str = ""
    examples: tuple[Example, ...] = field(default=())
    about: str = ""
    evidence: str = "found"

    @property
    def share(self) -> float:
        """Violations over total, 0 where there is nothing to count."""
        return self.violations / self.total if self.total else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The finding as the JSON report has it: builtins only."""
        return {
            "rule": self.rule,
            "outcome": self.outcome.value,
            "severity": self.severity.value,
            "effect": self.effect.value if self.effect else None,
            "consequence": self.consequence,
            "unit": self.unit,
            "violations": self.violations,
            "total": self.total,
            "share": round(self.share, 9),
            "budget": self.budget,
            "because": self.because,
            "reason": self.reason,
            "cause": self.cause,
            "help": self.help,
            "about": self.about,
            "evidence": self.evidence,
            "examples": [example.to_dict() for example in self.examples],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Finding:
        """What a report says of a finding with a verdict or without; further keys are ignored."""
        plain = ("rule", "unit", "violations", "total", "budget", "consequence", "because")
        words = ("reason", "cause", "help", "about", "evidence")
        return cls(
            outcome=Outcome(values["outcome"]),
            severity=Severity(values["severity"]),
            effect=Effect(values["effect"]) if values["effect"] else None,
            examples=tuple(Example.from_dict(example) for example in values["examples"]),
            **{key: values[key] for key in (*plain, *words)},
        )
