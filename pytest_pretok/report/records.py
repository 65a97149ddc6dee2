"""The findings of a session, gathered from its test reports in whichever process reports.

Holds builtins only, as they crossed from pytest-xdist's workers; judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pytest_pretok.plan import Plan

Key = tuple[int, str | None]


@dataclass(slots=True)
class Records:
    """Findings by dataset number and split (None: across splits), in the order of arrival.

    ``root`` is the folder that shown paths start from; ``errors`` counts items that failed without
    a verdict, whatever the reason; ``complete`` is False when the run was cut short. ``standings``
    tell, by dataset number, split, rule and the one split whose rows count, how findings stand to
    a baseline.
    """

    plan: Plan
    root: str = ""
    findings: dict[Key, dict[str, dict[str, Any]]] = field(default_factory=dict)
    scans: dict[tuple[int, str], dict[str, Any]] = field(default_factory=dict)
    standings: dict[tuple[int, str | None, str, str | None], dict[str, Any]] = field(
        default_factory=dict
    )
    errors: int = 0
    complete: bool = True

    def add(self, record: dict[str, Any], outcome: str) -> None:
        """Take in what an item's report carried; ``outcome`` is what pytest made of it."""
        number, split = record["dataset"], record["split"]
        standing = record["baseline"]
        allowed = standing and standing["allowed"]
        finding = {
            **record["finding"],
            "id": record["id"],
            "split": record["split"] or record["only"],
            "baseline": allowed,
            "tolerated": bool(standing and standing["tolerated"]),
        }
        if outcome == "failed" and finding["outcome"] == "warned":
            finding["outcome"] = "failed"  # a filter turned the warning into an error
        elif outcome == "failed" and finding["outcome"] == "not-evaluated":
            self.errors += 1
        name = finding["rule"] if record["only"] is None else f"{finding['rule']} {record['only']}"
        self.findings.setdefault((number, split), {})[name] = finding
        if standing is not None:
            self.standings[number, split, finding["rule"], record["only"]] = standing
        if split is not None and record["scan"] is not None:
            self.scans[number, split] = record["scan"]

    @property
    def ok(self) -> bool:
        """Whether no rule failed and every item had its verdict."""
        outcomes = {f["outcome"] for found in self.findings.values() for f in found.values()}
        return "failed" not in outcomes and not self.errors
