"""Rules over batches: what each reports after the others had their say, counted and merged.

`Judge.look` turns a batch into a `State`; states of neighbouring stretches of rows are joined with
`State.extend`, in order; `Judge.conclude` makes the findings of a split. Nothing depends on how
the rows were cut. Opens no file.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from pretok_schemas import stats
from pretok_schemas.arrow import kind_of
from pretok_schemas.batch import Defect, Foreign, TokenBatch, lists_from_arrow
from pretok_schemas.causes import Reported, leave_out
from pretok_schemas.contract import Contract, Vocabulary
from pretok_schemas.findings import Budget, Example, Finding, Outcome, Severity
from pretok_schemas.rules import rules_for
from pretok_schemas.rules.base import (
    NOWHERE,
    CorpusRule,
    FileRule,
    Hits,
    RowRule,
    Rule,
    ShardFacts,
    SplitFacts,
    SplitRule,
)
from pretok_schemas.rules.corpus import row_keys
from pretok_schemas.state import HitTable, Place, State, Tally, settle_tally

# What can leave a rule without a row to judge, in the order in which it is named as the reason.
OBSTACLES = ("missing-column", "column-type", "null-row", "null-token", "length-mismatch")


class Judge:
    """The rules of one contract over the rows of one split.

    ``selected`` names the rules that are asked for (all that apply, if None). Those whose rows
    they leave out are evaluated too, so that a selection never changes a verdict. ``names`` maps
    a role to the column's name in the files; ``examples`` is how many violations are kept a rule;
    with ``keep_all`` every single one is kept in tables as well.
    """

    def __init__(
        self,
        contract: Contract,
        vocabulary: Vocabulary,
        *,
        names: Mapping[str, str] | None = None,
        selected: Collection[str] | None = None,
        severities: Mapping[str, Severity] | None = None,
        budgets: Mapping[str, Budget] | None = None,
        examples: int = 3,
        keep_all: bool = False,
    ) -> None:
        self.contract = replace(contract, severities={**contract.severities, **(severities or {})})
        ready, self.lacking = rules_for(self.contract, vocabulary)
        off = {rule for rule, severity in (severities or {}).items() if severity is Severity.OFF}
        self.offered = tuple(rule for rule in ready if rule.name not in off)
        wanted = {rule.name for rule in self.offered if selected is None or rule.name in selected}
        self.selected = tuple(rule for rule in self.offered if rule.name in wanted)
        self.rules = tuple(rule for rule in ready if rule.name in _with_causes(ready, wanted))
        self.names = {column.role: column.role for column in contract.columns} | dict(names or {})
        self.budgets = budgets or {}
        self.examples = examples
        self.keep_all = keep_all

    @property
    def roles(self) -> tuple[str, ...]:
        """The columns that must be read, by role, in the contract's order."""
        needed: set[str] = set()
        structural = {"column-type", "null-row", "null-token", "length-mismatch"}
        for rule in self.rules:
            if isinstance(rule, RowRule | CorpusRule | SplitRule):
                if rule.name in structural and rule not in self.selected:
                    continue  # these follow the columns that the others need
                needed.update(role for view in rule.views for role in view)
                if isinstance(rule, RowRule):
                    needed.update(rule.weighs)
        return tuple(column.role for column in self.contract.columns if column.role in needed)

    def foreign(self, types: Mapping[str, pa.DataType | None]) -> dict[str, Foreign]:
        """By role, the columns of a file whose type the contract does not accept.

        ``types`` maps column names to their types, None where a file format has none.
        """
        found = {}
        for column in self.contract.columns:
            dtype = types.get(self.names[column.role])
            if dtype is not None and (kind := kind_of(dtype)) not in column.accepts:
                mild = kind in column.tolerates
                found[column.role] = Foreign(kind.value, str(dtype), mild)
        return found

    def batch(
        self,
        table: pa.RecordBatch,
        cells: Iterable[tuple[int, str, str, str]] = (),
        foreign: Mapping[str, Foreign] | None = None,
    ) -> TokenBatch:
        """View a record batch as the contract sees it.

        ``cells`` are JSON cells that are no lists of integers: (row, column name, kind, text).
        ``foreign`` are columns known to be of a wrong type, which need not be in ``table``.
        """
        columns, defects = {}, []
        foreign = {
            **self.foreign(dict(zip(table.schema.names, table.schema.types, strict=True))),
            **(foreign or {}),
        }
        by_name = {self.names[column.role]: column for column in self.contract.columns}
        for name, array in zip(table.schema.names, table.columns, strict=True):
            column = by_name.get(name)
            if column and (column.role not in foreign or foreign[column.role].mild):
                columns[column.role] = lists_from_arrow(array)
        for row, name, kind_name, text in cells:
            column = by_name.get(name)
            if column is None:
                continue
            # Fractions, and truth values among numbers, come without values: nobody can read them.
            lists = columns.get(column.role)
            read = lists is None or lists.null_rows is None or not bool(lists.null_rows[row])
            if read and kind_name in {kind.value for kind in column.accepts}:
                continue
            mild = read and kind_name in {kind.value for kind in column.tolerates}
            defects.append(Defect(row, column.role, kind_name, text, mild))
        return TokenBatch(table.num_rows, columns, foreign, tuple(defects))

    def look(self, batch: TokenBatch, state: State | None = None) -> State:
        """What the rules see in a batch, appended to ``state`` if one is given.

        Examples count their rows from the first row of the state; see `State.extend`.
        """
        seen = State(stats=stats.look(batch))
        reported: dict[str, Reported] = {}
        for rule in self.rules:
            if isinstance(rule, RowRule):
                seen.judged[rule.name] += max(len(batch.view(*view)) for view in rule.views)
                look = rule.look(batch)
                if look.counts:
                    seen.counts[rule.name] = Counter(look.counts)
                if len(look.hits):
                    self._report(rule, look.hits, reported, batch, seen, state)
            elif isinstance(rule, CorpusRule | SplitRule):
                seen.judged[rule.name] += len(batch.view(*rule.views[0]))
        if any(isinstance(rule, CorpusRule) for rule in self.rules):
            seen.keys.append((0, row_keys(batch)))
        if state is None:
            return seen
        state.extend(seen, self.examples, Place(state.rows, state.rows))
        return state

    def _report(
        self,
        rule: RowRule,
        hits: Hits,
        reported: dict[str, Reported],
        batch: TokenBatch,
        seen: State,
        state: State | None,
    ) -> None:
        found = leave_out(rule, hits, reported)
        if not len(found.hits):
            return
        reported[rule.name] = found
        earlier = state.tallies.get(rule.name, {}) if state else {}
        for key, part in found.by_claims():
            tally = seen.tallies.setdefault(rule.name, {}).setdefault(key, Tally())
            tally.violations += len(part)
            tally.mild += int(part.mild.sum()) if part.mild is not None else 0
            tally.roles |= set() if part.roles is None else set(part.roles.tolist())
            kept = len(earlier[key].examples) if key in earlier else 0
            tally.examples += _examples(part, batch, max(0, self.examples - kept))
            if self.keep_all:
                tally.tables.append(_table(part))

    def conclude(self, state: State, shards: Sequence[ShardFacts]) -> dict[str, Finding]:
        """The findings of a split, for every evaluated rule that does not compare rows.

        ``shards`` are the facts of its files.
        """
        facts = SplitFacts(
            state.rows,
            state.stats.tokens,
            state.stats.trainable,
            max(state.stats.lengths, default=0),
            state.stats.lengths,
        )
        settled = self._settle(state)
        findings: dict[str, Finding] = {}
        for rule in self.rules:
            because = self.because(rule, state, shards)
            if isinstance(rule, FileRule):
                found = rule.look_at_files(shards, self.names)
                tally = Tally(len(found), examples=found[: self.examples])
                total = len(shards) if rule.unit == "file" else 1
            elif isinstance(rule, SplitRule):
                # What was not read may be what it lacks.
                found = [] if because is not None else rule.judge_split(shards, facts)
                tally, total = Tally(len(found), examples=found), 1
            elif isinstance(rule, RowRule):
                tally = settle_tally(rule.name, state, settled, self.examples)
                total = state.rows
            else:
                continue
            findings[rule.name] = self.finding(rule, tally, total, facts, state, because)
        return findings

    def tables(self, state: State) -> dict[str, list[HitTable]]:
        """Every violation by rule, of the rules that were asked for (with ``keep_all``)."""
        settled = self._settle(state)
        return {
            rule.name: settle_tally(rule.name, state, settled, self.examples).tables
            for rule in self.selected
            if isinstance(rule, RowRule)
        }

    def _settle(self, state: State) -> dict[str, int]:
        return {
            rule.name: rule.settle(state.counts.get(rule.name, {}))
            for rule in self.rules
            if isinstance(rule, RowRule)
        }

    def finding(
        self,
        rule: Rule,
        tally: Tally,
        total: int,
        facts: SplitFacts,
        state: State,
        because: str | None,
    ) -> Finding:
        """The finding of one rule from its tally; ``because`` is why it has no verdict."""
        counts = state.counts.get(rule.name, Counter())
        severity = rule.severity_of(counts, facts)
        only_mild = tally.violations > 0 and tally.mild == tally.violations
        if only_mild and rule.name not in self.contract.severities:
            severity = Severity.WARNING
        budget = self.budgets.get(rule.name, Budget()).allowed(total)
        finding = Finding(
            rule.name, Outcome.PASSED, severity, rule.unit, 0, total, budget, help=rule.help
        )
        if not tally.violations:
            if because is None:
                return finding
            return replace(finding, outcome=Outcome.NOT_EVALUATED, because=because)
        cases = ("mild",) if only_mild else (*rule.cases(), *sorted(tally.roles))
        consequence = self.contract.consequence(rule.name, cases)
        outcome = Outcome.PASSED
        if tally.violations > budget:
            outcome = Outcome.FAILED if severity is Severity.ERROR else Outcome.WARNED
        elif because is not None:
            outcome = Outcome.NOT_EVALUATED  # what was not read may go beyond the budget
        return replace(
            finding,
            outcome=outcome,
            because=because if outcome is Outcome.NOT_EVALUATED else None,
            violations=tally.violations,
            effect=consequence.effect,
            consequence=consequence.text,
            cause=rule.cause(counts, facts, tally.violations),
            examples=tuple(tally.examples),
        )

    def because(self, rule: Rule, state: State, shards: Sequence[ShardFacts]) -> str | None:
        """The rule that left this one without a verdict, unless it found too much already.

        None where it has judged: at least one row of the split, and every file as far as its
        columns go. Rows that another rule reports are left out and do not count against it.
        """
        if rule.name == "unreadable-file":
            return None
        if any(shard.error is not None for shard in shards):
            return "unreadable-file"
        if rule.name in ("no-rows", "missing-column"):
            return None
        if not state.rows:
            return "no-rows"
        if not isinstance(rule, RowRule | CorpusRule | SplitRule):
            return None
        blind = [
            shard
            for shard in shards
            if shard.rows and all(shard.lacks(view) for view in rule.views)
        ]
        if not blind and state.judged[rule.name]:
            return None
        return self._obstacle(rule.views, state, blind or list(shards))

    def _obstacle(
        self, views: Iterable[Sequence[str]], state: State, shards: Sequence[ShardFacts]
    ) -> str:
        """The structural rule that took the columns of these views away."""
        roles = {role for view in views for role in view}
        for name in OBSTACLES:
            counts = state.counts.get(name, Counter())
            absent = name == "missing-column" and any(
                shard.columns is not None and self.names[role] not in shard.columns
                for role in roles
                for shard in shards
            )
            if absent or any(counts[role] for role in roles):
                return name
        return OBSTACLES[-1]


def _with_causes(ready: Sequence[Rule], wanted: set[str]) -> set[str]:
    """The wanted rules, those whose rows they leave out, and those that can obstruct them."""
    needed = wanted | {"unreadable-file", "no-rows", *OBSTACLES}
    for rule in reversed(ready):  # causes come before what they explain
        if rule.name in needed:
            needed |= set(rule.left_out_by)
    return needed


def _examples(hits: Hits, batch: TokenBatch, most: int) -> list[Example]:
    examples = []
    for at, row in enumerate(hits.rows[:most].tolist()):
        position = None if hits.positions is None else int(hits.positions[at])
        if position == NOWHERE:
            position = None
        examples.append(
            Example(
                row=row,
                shard_row=row,
                position=position,
                found=_plain(hits.found, at),
                expected=_plain(hits.expected, at),
                column=_plain(hits.roles, at),  # type: ignore[arg-type]
                length=batch.length(row, "input_ids"),
                window=None if position is None else batch.window(row, position),
            )
        )
    return examples


def _plain(values: Any, at: int) -> int | float | str | None:
    if values is None:
        return None
    value = values[at]
    plain: int | float | str | None = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float) and not math.isfinite(plain):
        return str(plain)  # JSON has no number for it
    return plain


def _table(hits: Hits) -> HitTable:
    def texts(values: Any) -> tuple[str | None, ...]:
        if values is None:
            return (None,) * len(hits)
        return tuple(None if value is None else str(value) for value in values.tolist())

    positions = hits.positions
    if positions is None:
        positions = np.full(len(hits), NOWHERE, np.int64)
    return HitTable(hits.rows, hits.rows, positions, texts(hits.found), texts(hits.expected))
