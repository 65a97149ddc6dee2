"""What a check found, as an object for scripts, notebooks and tests of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pretok_schemas.findings import Finding, Outcome
from pretok_schemas.outcome import ContractViolation
from pretok_schemas.text import printable
from pytest_pretok.report.records import Records
from pytest_pretok.report.summary import lines

TEXTS = 20  # that are shown whole
_WIDTH = 100  # of the closing paragraphs


@dataclass(frozen=True, slots=True)
class Result:
    """One rule on one split (None: across splits): its finding, and that as text.

    ``failed`` tells whether it stands in the way: a violation, or no verdict and nothing that
    says why.
    """

    dataset: str
    split: str | None
    finding: Finding
    failed: bool
    text: str

    @property
    def rule(self) -> str:
        """The rule's name."""
        return self.finding.rule


class Report:
    """All findings of a check.

    ``results`` holds every rule that was judged, in the order of the datasets, splits and rules.
    """

    def __init__(self, results: Sequence[Result], records: Records) -> None:
        self.results = tuple(results)
        self._records = records

    @property
    def ok(self) -> bool:
        """Whether nothing failed; warnings do not count."""
        return not self.failed

    @property
    def failed(self) -> tuple[Result, ...]:
        """The rules that stand in the way."""
        return tuple(result for result in self.results if result.failed)

    @property
    def warned(self) -> tuple[Result, ...]:
        """The rules of severity warning that are broken."""
        outcome = Outcome.WARNED
        return tuple(result for result in self.results if result.finding.outcome is outcome)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all rules that are broken, errors and warnings."""
        return tuple(result.finding for result in self.results if result.finding.violations)

    def raise_for_errors(self) -> None:
        """Return if nothing failed.

        Raises:
            ContractViolation: with the texts of the failures.
        """
        __tracebackhide__ = True
        if not self.ok:
            raise ContractViolation(self)

    def to_dict(self) -> dict[str, Any]:
        """The JSON report, version 1, as builtins."""
        from pytest_pretok.report.json_report import report_dict  # lazy: most only ask if it is ok

        return report_dict(self._records)

    def summary(self) -> str:
        """What the splits are like, a paragraph each."""
        return "\n".join(lines(self._records, _WIDTH))

    def verdict(self) -> str:
        """One line: whether all is well, and how many rules say otherwise."""
        judged = f"{len(self.results):,} rules judged"
        if self.ok and not self.warned:
            return f"ok: {judged}"
        head = "ok" if self.ok else f"{len(self.failed):,} failed"
        warned = f", {len(self.warned):,} warned" if self.warned else ""
        return f"{head}{warned}: {judged}"

    def __str__(self) -> str:
        return f"{self.text()}\n\n{self.summary()}"

    def text(self, warnings: bool = True) -> str:
        """The verdict and the texts of all failures, and of warnings if asked for."""
        shown = [*self.failed, *(self.warned if warnings else ())]
        texts = [result.text for result in shown[:TEXTS]]
        more = len(shown) - len(texts)
        texts += [f"... and {more:,} more rules"] if more > 0 else []
        return "\n\n".join([self.verdict(), *texts])

    def __repr__(self) -> str:
        broken = dict.fromkeys(result.rule for result in (*self.failed, *self.warned))
        names = f"; {printable(', '.join(broken), 200)}" if broken else ""
        return f"<Report {self.verdict()}{names}>"

    def _repr_html_(self) -> str:
        """A table of what is broken, for notebooks."""
        from pytest_pretok.report.notebook import page  # lazy: few look at one

        return page(self)
