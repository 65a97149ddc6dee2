"""What became of one table: its findings as text, as HTML, as builtins, and as an exception.

Judges nothing, reads nothing.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from pretok_schemas.contract import Contract
from pretok_schemas.findings import Finding, Outcome
from pretok_schemas.flat import Ints
from pretok_schemas.rendering import count, percent, render, render_no_verdict, summary
from pretok_schemas.state import HitTable
from pretok_schemas.stats import Stats
from pretok_schemas.text import plural, printable

LIMIT = 20_000  # characters of a whole report
REST = "validate(..., every=True).rows(RULE) has them all"


class Told(Protocol):
    """A report, of one table or of many datasets."""

    def text(self, warnings: bool = True) -> str:
        """The texts of all failures, and of warnings if asked for."""


class ContractViolation(Exception):
    """Some rule failed, or has no verdict; ``report`` is what was found."""

    def __init__(self, report: Told) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        return self.report.text(warnings=False)


# Tracebacks show where people import it from.
ContractViolation.__module__ = "pretok_schemas"


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict on one table.

    ``findings`` are those of the rules that were asked for, by rule, in judging order; ``causes``
    are those of all rules that were evaluated. ``lacking`` maps rules that were not checked to
    the settings that would switch them on. ``stats`` are sums over the rows.
    """

    contract: Contract
    name: str
    split: str | None
    stats: Stats
    findings: Mapping[str, Finding]
    causes: Mapping[str, Finding] = field(default_factory=dict, repr=False)
    lacking: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    tables: Mapping[str, Sequence[HitTable]] | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether every rule that was asked for has passed or only warns; see `undecided`."""
        return not self.failed and not self.undecided

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The findings of severity error."""
        return tuple(f for f in self.findings.values() if f.outcome is Outcome.FAILED)

    @property
    def warned(self) -> tuple[Finding, ...]:
        """The findings of severity warning."""
        return tuple(f for f in self.findings.values() if f.outcome is Outcome.WARNED)

    @property
    def undecided(self) -> tuple[Finding, ...]:
        """The rules without a verdict whose cause was not asked for: no evidence, no pass."""
        return tuple(
            finding
            for finding in self.findings.values()
            if finding.outcome is Outcome.NOT_EVALUATED and finding.because not in self.findings
        )

    def rows(self, rule: str) -> Ints:
        """The violating rows of a rule (int64, rising); empty for a rule about a whole table.

        Raises:
            KeyError: the rule was not checked.
            ValueError: the rows were not kept; see ``every`` of `validate`.
        """
        if rule not in self.findings:
            raise KeyError(rule)
        if self.tables is None:
            raise ValueError("the rows of all violations are kept by validate(..., every=True)")
        found = [table.rows for table in self.tables.get(rule, ())]
        return np.sort(np.concatenate([np.zeros(0, np.int64), *found]))

    def failing_rows(self) -> Ints:
        """The rows (int64, rising) that break some rule of severity error, budgets aside.

        Raises:
            ValueError: the rows were not kept; see ``every`` of `validate`.
        """
        found = [self.rows(finding.rule) for finding in self.failed]
        return np.unique(np.concatenate([np.zeros(0, np.int64), *found]))

    def raise_for_errors(self) -> None:
        """Return if the report is ok.

        Raises:
            ContractViolation: it is not.
        """
        if not self.ok:
            raise ContractViolation(self)

    def __str__(self) -> str:
        return self.text()

    @property
    def headline(self) -> str:
        """One line: what was checked, and what became of it."""
        shape = f"{plural(self.stats.rows, 'row')}, {plural(self.stats.tokens, 'token')}"
        checked = f"{printable(self.name, 200)}: {shape}, {self.contract.label}"
        if self.ok and not self.warned:
            return f"{checked}: all {plural(len(self.findings), 'rule')} passed"
        parts = [f"{len(self.failed)} failed"] if self.failed else []
        parts += [f"{len(self.undecided)} without a verdict"] if self.undecided else []
        parts += [f"{len(self.warned)} warned"] if self.warned else []
        return f"{checked}: of {plural(len(self.findings), 'rule')}, {', '.join(parts)}"

    def text(self, warnings: bool = True) -> str:
        """The texts of all failures, and of warnings if asked for: `LIMIT` characters at most."""
        shown = [*self.failed, *self.undecided, *(self.warned if warnings else ())]
        parts, room = [self.headline], LIMIT - len(self.headline) - 500
        for at, finding in enumerate(shown):
            told = self.describe(finding.rule)
            if len(told) + 2 > room:
                names = ", ".join(one.rule for one in shown[at:])
                parts.append(printable(f"... and {len(shown) - at} more: {names}", 480))
                break
            parts.append(told)
            room -= len(told) + 2
        return "\n\n".join(parts)

    def describe(self, rule: str) -> str:
        """The text of one finding, as the plugin has it.

        Raises:
            KeyError: the rule was not checked.
        """
        finding = self.findings[rule]
        if finding.outcome is Outcome.NOT_EVALUATED:
            return render_no_verdict(finding, self.split, self.causes.get(finding.because or ""))
        return render(finding, self.split, self.contract.label, rest=REST)

    def to_dict(self) -> dict[str, Any]:
        """The report as builtins; findings as the plugin's JSON report has them."""
        return {
            "version": 1,
            "ok": self.ok,
            "name": self.name,
            "split": self.split,
            "contract": self.contract.name,
            "trainer": f"{self.contract.trainer} {self.contract.version}",
            "packing": self.contract.packing,
            "rows": self.stats.rows,
            "tokens": self.stats.tokens,
            "trainable_tokens": self.stats.trainable,
            "lengths": self.stats.length_summary(),
            "rules": [finding.to_dict() for finding in self.findings.values()],
            "lacking": {rule: list(keys) for rule, keys in self.lacking.items()},
        }

    def _repr_html_(self) -> str:
        """A small table for notebooks; everything in it is escaped."""
        told = [*self.failed, *self.undecided, *self.warned]
        rows = "".join(_html_row(finding) for finding in told)
        head = "<tr><th>rule</th><th>outcome</th><th>what</th><th>effect</th><th>help</th></tr>"
        table = f"<table>{head}{rows}</table>" if told else ""
        share = ""
        if self.stats.labelled:
            share = f"; {percent(self.stats.trainable / self.stats.labelled)} of tokens trained"
        return f"<p>{html.escape(self.headline + share)}</p>{table}"


def _html_row(finding: Finding) -> str:
    effect = finding.effect.value if finding.effect else ""
    says = f"{effect}: {finding.consequence}" if effect else finding.consequence
    what = summary(finding) if finding.outcome is Outcome.NOT_EVALUATED else count(finding)
    cells = (finding.rule, finding.outcome.value, what, says, finding.help)
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
