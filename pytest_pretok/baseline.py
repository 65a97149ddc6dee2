"""The known findings of a repository's data: the file that holds them, and what they allow.

A finding passes while its share is no worse than the known one. Knows no pytest and opens no data.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from pretok_schemas.custom import spread
from pretok_schemas.findings import Budget, Finding, Outcome, Severity
from pretok_schemas.rules import NAMES, rule_named
from pretok_schemas.text import printable
from pytest_pretok.paths import exists, is_file
from pytest_pretok.plan import Plan, PlannedDataset

VERSION = 1
NEVER = frozenset({"unreadable-file"})  # what was not read cannot be known
EVERYTHING = 2**63  # violations that an update tolerates, so as to count them
KINDS = ("dataset", "file")  # declared by name; undeclared by the file that its items hang on


class BaselineError(Exception):
    """A baseline file cannot be used; the text is one line."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Which finding: ``split`` is empty for a rule across splits."""

    kind: str
    name: str
    split: str
    rule: str

    def __str__(self) -> str:
        split = f" [{self.split}]" if self.split else ""
        return printable(f"{self.name}{split} {self.rule}", 200)


@dataclass(frozen=True, slots=True)
class Known:
    """How bad a finding is known to be: violations out of total."""

    violations: int
    total: int

    def allows(self, total: int, unit: str) -> int:
        """Violations among ``total`` that are no worse: by share for rows, else by count."""
        return self.violations * total // self.total if unit == "row" else self.violations

    def badness(self, rule: str) -> Fraction:
        """What grows when the finding gets worse."""
        return Fraction(self.violations, self.total if unit_of(rule) == "row" else 1)

    def __str__(self) -> str:
        return f"{self.violations:,} of {self.total:,}"


Entries = Mapping[Key, Known]


def unit_of(rule: str) -> str:
    """What a rule counts; rows for a rule that this version does not know."""
    return rule_named(rule).unit if rule in NAMES else "row"


def key_of(dataset: PlannedDataset, split: str | None, rule: str, only: str | None = None) -> Key:
    """The key of a rule on a split (None: across splits, or for the rows of one: ``only``).

    Undeclared data goes by its file, as seen from the declaration whose defaults hold there.
    """
    shown = split or only
    if dataset.declared_at:
        return Key("dataset", dataset.name, shown or "", rule)
    anchor = next(s.anchor for s in dataset.splits if shown is None or s.name == shown)
    name = Path(os.path.relpath(anchor, dataset.home)).as_posix()
    return Key("file", name, shown or "", rule)


# -- the file


def read(path: Path) -> dict[Key, Known] | None:
    """The entries of a baseline file, None where there is no such file.

    Raises:
        BaselineError: the file cannot be read, is damaged, or of another version.
    """
    if not is_file(path):
        if exists(path):
            raise BaselineError("is no regular file")
        return None
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BaselineError(f"cannot be read: {error.strerror or error}") from None
    return parse(content)


def parse(content: bytes) -> dict[Key, Known]:
    """The entries in the text of a baseline file; see `read`."""
    try:
        document = json.loads(content.decode("utf-8"), object_pairs_hook=_object)
    except UnicodeDecodeError:
        raise BaselineError("is damaged: it is not UTF-8") from None
    except json.JSONDecodeError as error:
        merge = "; a merge left its marks" if b"<<<<<<<" in content else ""
        raise BaselineError(f"is damaged: no valid JSON, line {error.lineno}{merge}") from None
    except RecursionError:
        raise BaselineError("is damaged: nested too deeply") from None
    except ValueError:  # Python refuses to read whole numbers of more than 4,300 digits
        raise BaselineError("is damaged: a number has thousands of digits") from None
    if not isinstance(document, dict) or "version" not in document:
        raise BaselineError("is no baseline: it has no version")
    version = document["version"]
    if version is True or version != VERSION or not isinstance(version, int):
        shown = printable(repr(version), 40)
        raise BaselineError(f"has version {shown}; this pytest-pretok reads version {VERSION}")
    findings = document.get("findings")
    if document.keys() != {"version", "findings"} or not isinstance(findings, list):
        raise BaselineError("is damaged: expected the keys version and findings, a list")
    entries: dict[Key, Known] = {}
    for number, value in enumerate(findings, 1):
        key, known = _entry(value, f"is damaged: finding {number:,}")
        if key in entries:
            raise BaselineError(f"is damaged: it has {key} twice")
        entries[key] = known
    return entries


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BaselineError("is damaged: an object has a key twice")
    return found


def _entry(value: Any, where: str) -> tuple[Key, Known]:
    kind = next((kind for kind in KINDS if isinstance(value, dict) and kind in value), None)
    if kind is None or value.keys() != {kind, "split", "rule", "violations", "total"}:
        wanted = "dataset or file, split, rule, violations and total"
        raise BaselineError(f"{where} needs the keys {wanted}, and no others")
    split = value["split"]
    texts = [value[kind], value["rule"], *([] if split is None else [split])]
    if split == "" or not all(isinstance(text, str) for text in texts):
        raise BaselineError(f"{where}: {kind}, split and rule are text; split may be null")
    violations, total = value["violations"], value["total"]
    if not all(type(number) is int for number in (violations, total)):
        raise BaselineError(f"{where}: violations and total are whole numbers")
    if not 1 <= violations <= total < EVERYTHING:
        raise BaselineError(f"{where}: violations are at least 1 and at most total")
    if value["rule"] in NEVER:
        raise BaselineError(f"{where}: {value['rule']} cannot be known, only repaired")
    return Key(kind, value[kind], split or "", value["rule"]), Known(violations, total)


def dump(entries: Entries) -> str:
    """The text of a baseline file: sorted, one line a finding, so that a diff reads well."""
    lines = [_line(key, known) for key, known in sorted(entries.items(), key=lambda pair: pair[0])]
    body = "[\n" + ",\n".join(f"    {line}" for line in lines) + "\n  ]" if lines else "[]"
    return f'{{\n  "version": {VERSION},\n  "findings": {body}\n}}\n'


def _line(key: Key, known: Known) -> str:
    split = key.split or None
    entry = {key.kind: key.name, "split": split, "rule": key.rule}
    return json.dumps({**entry, "violations": known.violations, "total": known.total})


# -- what it allows


@dataclass(frozen=True, slots=True)
class Allowance(Budget):
    """A rule's own budget, or what the baseline knows: whichever allows more."""

    known: Known | None = None
    unit: str = "row"
    everything: bool = False

    def allowed(self, rows: int) -> int:
        """Number of violations among ``rows`` that are tolerated."""
        if self.everything:
            return EVERYTHING
        known = self.known.allows(rows, self.unit) if self.known else 0
        return max(Budget.allowed(self, rows), known)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a finding stands to the baseline in force.

    ``allowed`` violations of ``total`` are no worse than known; ``tolerated``: it passes for that
    reason alone; ``settled``: it has a verdict that an update may write.
    """

    rule: str
    known: Known | None
    allowed: int
    total: int
    tolerated: bool
    settled: bool
    updating: bool = False

    @property
    def note(self) -> str:
        """What the baseline says of a finding that does not pass."""
        if self.updating:
            return "baseline: not recorded; what leaves rules without a verdict must be repaired"
        if self.rule in NEVER:
            return "baseline: what cannot be read is never tolerated"
        if self.known is None:
            return "baseline: none known, this finding is new"
        note = f"baseline: {self.known} known"
        if self.allowed != self.known.violations:
            note += f"; that share allows {self.allowed:,} of {self.total:,}"
        return note

    def to_dict(self) -> dict[str, Any]:
        """What the process that reports needs: builtins only."""
        return {
            "allowed": self.allowed,
            "total": self.total,
            "tolerated": self.tolerated,
            "settled": self.settled,
        }


@dataclass(frozen=True)
class Baselines:
    """The baselines of a plan. ``updating``: findings are taken down rather than judged."""

    plan: Plan
    updating: bool = False

    @cached_property
    def entries(self) -> dict[str, dict[Key, Known]]:
        """By path of a baseline file, what it holds."""
        return {path: parse(text.encode()) for path, text in self.plan.baselines.items()}

    def known(self, key: Key, dataset: PlannedDataset) -> Known | None:
        """What is known of a finding."""
        return self.entries[dataset.baseline].get(key) if dataset.baseline else None

    def loosen(
        self,
        dataset: PlannedDataset,
        split: str | None,
        only: str | None,
        rules: Iterable[str] = NAMES,
    ) -> dict[str, Budget]:
        """The budgets of a dataset's rules on a split, with what the baseline allows."""
        budgets: dict[str, Budget] = {}
        for rule in rules if dataset.baseline else ():
            known = self.known(key_of(dataset, split, rule, only), dataset)
            if rule not in NEVER and (known or self.updating):
                own = own_budget(dataset, rule)
                budgets[rule] = Allowance(
                    own.max_rows, own.max_share, known, unit_of(rule), self.updating
                )
        return budgets

    def weigh(
        self, finding: Finding, dataset: PlannedDataset, key: Key, *, obstructs: bool
    ) -> tuple[Finding, Standing]:
        """A finding that was judged with loosened budgets, and how it stands to the baseline.

        ``obstructs`` tells whether it leaves another rule without a verdict: an update does not
        record that, or the run would end green with rules that judged nothing.
        """
        known = self.known(key, dataset)
        budget = own_budget(dataset, finding.rule).allowed(finding.total)
        over = finding.violations > budget
        finding = replace(finding, budget=budget)
        if self.updating and over and obstructs and finding.outcome is Outcome.PASSED:
            failed = finding.severity is Severity.ERROR
            finding = replace(finding, outcome=Outcome.FAILED if failed else Outcome.WARNED)
        passed = finding.outcome is Outcome.PASSED
        allowed = known.allows(finding.total, finding.unit) if known else 0
        if self.updating:
            allowed = finding.violations if passed and over else 0
        return finding, Standing(
            finding.rule, known, allowed, finding.total, passed and over, passed, self.updating
        )


def own_budget(dataset: PlannedDataset, rule: str) -> Budget:
    """The budget that the declaration gives a rule."""
    rules = spread(dataset.settings["rules"], [rule])
    setting = rules.get(rule, {})
    return Budget(setting.get("max_rows"), setting.get("max_share"))


# -- what an update changes


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """What became of one entry; ``word`` is new, grew, restated, shrank, gone or as it was."""

    key: Key
    word: str
    old: Known | None
    new: Known | None

    def __str__(self) -> str:
        both = [str(known) for known in (self.old, self.new) if known is not None]
        return f"{self.word}: {self.key}: {' -> '.join(dict.fromkeys(both))}"


def merge(
    old: Entries,
    seen: Mapping[Key, Known | None],
    unsettled: Collection[Key] = (),
    whole: Iterable[tuple[str, str]] = (),
) -> tuple[dict[Key, Known], list[Change]]:
    """The entries after a run, and what changed.

    ``seen`` are the findings with a verdict (None: nothing to tolerate), ``unsettled`` those
    without. Whatever the run did not look at stays, save for the rest of a dataset that was
    checked as a ``whole`` (kind and name): its other entries stand for nothing any more.
    """
    complete = frozenset(whole)
    entries: dict[Key, Known] = {}
    changes = []
    for key in sorted({*old, *seen}):
        before = old.get(key)
        looked_at = key in seen or ((key.kind, key.name) in complete and key not in unsettled)
        after = seen.get(key) if looked_at else before
        if after is not None:
            entries[key] = after
        if looked_at and (before or after):
            changes.append(Change(key, _word(key, before, after), before, after))
    return entries, changes


def _word(key: Key, old: Known | None, new: Known | None) -> str:
    if old is None or new is None:
        return "new" if old is None else "gone"
    before, after = old.badness(key.rule), new.badness(key.rule)
    if before == after:
        return "as it was" if old == new else "restated"
    return "grew" if after > before else "shrank"
