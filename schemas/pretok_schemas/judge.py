"""Rules over batches: what each reports after the others had their say, counted and merged.

`Judge.look` turns a batch into a `State`; states of neighbouring stretches of rows are joined with
`State.extend`, in order; `Judge.conclude` makes the findings of a split. Nothing depends on how
the rows were cut. Opens no file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import replace

from pretok_schemas import stats
from pretok_schemas.batch import TokenBatch
from pretok_schemas.causes import SPLIT, Reported, about_split, leave_out
from pretok_schemas.columns import Columns
from pretok_schemas.contract import IDS, LABELS, Contract, Vocabulary
from pretok_schemas.custom import Custom, consequences_of, travels
from pretok_schemas.evidence import examples_of, table_of
from pretok_schemas.findings import Budget, Example, Finding, Outcome, Severity
from pretok_schemas.rules import rules_for
from pretok_schemas.rules.base import (
    NOWHERE,
    CorpusRule,
    FileRule,
    Hits,
    Look,
    NormRule,
    RowRule,
    Rule,
    ShardFacts,
    SplitFacts,
    SplitRule,
)
from pretok_schemas.rules.corpus import row_keys
from pretok_schemas.state import HitTable, Place, State, Tally, settle_tally
from pretok_schemas.stats import Stats
from pretok_schemas.together import among, pairs_of, settled_pairs

# What can leave a rule without a row to judge, in the order in which it is named as the reason.
OBSTACLES = ("missing-column", "column-type", "null-row", "null-token", "length-mismatch")


class Judge:
    """The rules of one contract over the rows of one split.

    ``selected`` names the rules that are asked for (all that apply, if None). Those whose rows
    they leave out are evaluated too, so that a selection never changes a verdict. ``names`` maps
    a role to the column's name in the files; ``examples`` is how many violations are kept a rule;
    with ``keep_all`` every single one is kept in tables as well. ``custom`` are rules of a person's
    own; ``travels`` tells whether these can be sent to other processes.

    Raises:
        ValueError: rules leave one another out in a circle.
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
        custom: Sequence[Custom] = (),
    ) -> None:
        self.contract = replace(
            contract,
            severities={**contract.severities, **(severities or {})},
            consequences={**consequences_of(custom), **contract.consequences},
        )
        ready, lacking = rules_for(self.contract, vocabulary, custom)
        severity_of = self.contract.severities.get
        self.lacking = {
            rule.name: keys
            for rule, keys in lacking.items()
            if severity_of(rule.name, rule.severity) is not Severity.OFF
        }
        self.offered = tuple(
            rule for rule in ready if severity_of(rule.name, rule.severity) is not Severity.OFF
        )
        wanted = {rule.name for rule in self.offered if selected is None or rule.name in selected}
        self.selected = tuple(rule for rule in self.offered if rule.name in wanted)
        needed = _with_causes(ready, wanted)
        self.rules = tuple(rule for rule in ready if rule.name in needed)
        reads = dict.fromkeys(name for rule in self.rules for name in rule.reads)
        self.columns = Columns(self.contract, vocabulary, names, tuple(reads))
        named = {name for rule in self.rules if rule.views for name in rule.left_out_by}
        self.explaining_files = {
            rule.name for rule in self.rules if isinstance(rule, FileRule) and rule.name in named
        }
        # Told apart once, not for every batch.
        self._row_rules = tuple(rule for rule in self.rules if isinstance(rule, RowRule))
        self._split_rules = tuple(rule for rule in self.rules if isinstance(rule, SplitRule))
        self._compares_rows = any(isinstance(rule, CorpusRule) for rule in self.rules)
        by_row = (rule.views for rule in self.rules if not isinstance(rule, FileRule))
        self._views = tuple(dict.fromkeys(by_row))
        self._about_split = {
            rule.name: about_split(rule)
            for rule in self.rules
            if isinstance(rule, SplitRule) or rule.name in self.explaining_files
        }
        self.travels = not custom or travels()
        self.budgets = budgets or {}
        self.examples = examples
        self.keep_all = keep_all

    @property
    def roles(self) -> tuple[str, ...]:
        """The columns that must be read, by role, in the contract's order."""
        needed: set[str] = set()
        structural = {"column-type", "null-row", "null-token", "length-mismatch"}
        for rule in self.rules:
            if isinstance(rule, FileRule):
                continue
            if rule.name in structural and rule not in self.selected:
                continue  # these follow the columns that the others need
            needed.update(role for view in rule.views for role in view)
            if isinstance(rule, RowRule):
                needed.update(rule.weighs)
        if LABELS in needed and self.contract.makes_labels != "never":
            needed.update((IDS, *self.contract.loss_masks))
        return tuple(column.role for column in self.contract.columns if column.role in needed)

    def look(self, batch: TokenBatch, state: State | None = None) -> State:
        """What the rules see in a batch, appended to ``state`` if one is given.

        Examples count their rows from the first row of the state; see `State.extend`.
        """
        state = State() if state is None else state
        for views in self._views:
            seen = (len(batch.view(*view)) for view in views)
            state.judged[views] += max(seen, default=batch.rows)
        for rule in self._split_rules:
            state.count(rule.name, rule.survey(batch))
        self._look_at_rows(batch, state, {})
        if self._compares_rows:
            state.keys.append((state.rows, row_keys(batch)))
        state.stats.add(stats.look(batch))
        return state

    def look_again(
        self,
        batch: TokenBatch,
        norms: Mapping[str, str],
        state: State | None = None,
        beside: Collection[str] = (),
    ) -> State:
        """The rows of a batch that depart from the norms of the split (see `norms`).

        The state holds tallies alone, of the rules that have a norm, and the pairs that they make
        with the rules named by ``beside``: those that reported rows at the first look.
        """
        state = State() if state is None else state
        self._look_at_rows(batch, state, norms, beside)
        state.pairs = among(state.pairs, norms)
        state.tallies = {rule: found for rule, found in state.tallies.items() if rule in norms}
        state.counts = {}
        state.stats.add(Stats(rows=batch.rows))
        return state

    def norms(self, state: State) -> dict[str, str]:
        """By rule, the norm of the split that some of its batches misjudged: look at them again."""
        facts = state.stats.facts()
        found = {}
        for rule in self.rules:
            if isinstance(rule, NormRule):
                norm = rule.misjudged(state.counts.get(rule.name, {}), facts)
                if norm is not None:
                    found[rule.name] = norm
        return found

    def _look_at_rows(
        self,
        batch: TokenBatch,
        state: State,
        norms: Mapping[str, str],
        beside: Collection[str] = (),
    ) -> None:
        """Every rule about rows over one batch, each less what those before it explain."""
        reported = dict(self._about_split)
        needed = _with_causes(self._row_rules, {*norms, *beside}) if norms else None
        for rule in self._row_rules:
            if needed is not None and rule.name not in needed:
                continue
            if isinstance(rule, NormRule) and rule.name in norms:
                look = Look(rule.depart(batch, norms[rule.name]))
            else:
                look = rule.look(batch)
            if look.counts:
                state.count(rule.name, look.counts)
            if len(look.hits):
                self._report(rule, look.hits, reported, batch, state)
        state.pairs.update(pairs_of(reported, batch.rows))

    def _report(
        self,
        rule: RowRule,
        hits: Hits,
        reported: dict[str, Reported],
        batch: TokenBatch,
        state: State,
    ) -> None:
        found = leave_out(rule, hits, reported)
        if not len(found.hits):
            return
        reported[rule.name] = found
        at = Place(state.rows, state.rows)
        for key, part in found.by_condition():
            tally = state.tallies.setdefault(rule.name, {}).setdefault(key, Tally())
            tally.violations += len(part)
            tally.mild += int(part.mild.sum()) if part.mild is not None else 0
            tally.roles |= set() if part.roles is None else set(part.roles.tolist())
            missing = self.examples - len(tally.examples)
            if missing > 0:
                tally.examples += map(at.move, examples_of(part, batch, missing))
            if self.keep_all:
                tally.tables += at.move_table(table_of(part))

    def conclude(self, state: State, shards: Sequence[ShardFacts]) -> dict[str, Finding]:
        """The findings of a split, for every evaluated rule that does not compare rows.

        ``shards`` are the facts of its files.
        """
        facts = self._facts(state, shards)
        settled = self._settle(state, facts, shards)
        kinds = list({_kind(shard): shard for shard in shards}.values())
        findings: dict[str, Finding] = {}
        for rule in self.rules:
            if isinstance(rule, FileRule):
                found = rule.look_at_files(shards, self.columns.names)
                mild = sum(example.mild for example in found)
                tally = Tally(len(found), mild, examples=found[: self.examples])
                total = len(shards) if rule.unit == "file" else 1
            elif isinstance(rule, RowRule):
                tally = settle_tally(rule.name, state, settled, self.examples)
                total = state.rows
            elif isinstance(rule, SplitRule):
                tally, total = self._tally_split(rule, state, facts, shards), 1
            else:
                continue
            because = self.because(rule, state, kinds)
            if isinstance(rule, FileRule | SplitRule) and because is None:
                because = next((n for n in rule.left_out_by if _speaks(findings.get(n))), None)
                tally = tally if because is None else Tally()
            elif isinstance(rule, SplitRule) and rule.needs_all:
                tally = Tally()  # what was not read may be what it lacks
            findings[rule.name] = self.finding(rule, tally, total, facts, state, because)
        return findings

    def tables(self, state: State, shards: Sequence[ShardFacts]) -> dict[str, list[HitTable]]:
        """Every violation by rule, of the rules that were asked for (with ``keep_all``)."""
        settled = self._settle(state, self._facts(state, shards), shards)
        return {
            rule.name: settle_tally(rule.name, state, settled, self.examples).tables
            for rule in self.selected
            if isinstance(rule, RowRule)
        }

    def together(self, state: State, shards: Sequence[ShardFacts]) -> dict[tuple[str, str], int]:
        """The rows that two rules both report, of the rules that were asked for.

        In judging order, without the pairs that share no row (see `together`).
        """
        if not state.pairs:
            return {}
        settled = self._settle(state, self._facts(state, shards), shards)
        return settled_pairs(state.pairs, settled, [rule.name for rule in self.selected])

    def _facts(self, state: State, shards: Sequence[ShardFacts]) -> SplitFacts:
        roles = {name: role for role, name in self.columns.names.items()}
        columns = {
            frozenset(roles.get(name, name) for name in shard.columns)
            for shard in shards
            if shard.columns is not None
        }
        return replace(state.stats.facts(), columns=tuple(sorted(columns, key=sorted)))

    def _settle(
        self, state: State, facts: SplitFacts, shards: Sequence[ShardFacts]
    ) -> dict[str, Container[int]]:
        settled: dict[str, Container[int]] = {}
        for rule in self.rules:
            counts: Mapping[str, int] = state.counts.get(rule.name, {})
            if isinstance(rule, RowRule):
                settled[rule.name] = rule.settle(counts, facts)
            elif isinstance(rule, SplitRule) and rule.conclude(counts, facts) is not None:
                settled[rule.name] = (SPLIT,)
            elif isinstance(rule, FileRule) and rule.name in self.explaining_files:
                found = rule.look_at_files(shards, self.columns.names)
                if not all(example.mild for example in found):
                    settled[rule.name] = (SPLIT,)
        return settled

    def _tally_split(
        self, rule: SplitRule, state: State, facts: SplitFacts, shards: Sequence[ShardFacts]
    ) -> Tally:
        found = rule.conclude(state.counts.get(rule.name, {}), facts)
        if found is None:
            return Tally()
        where = shards[0].path if len(shards) == 1 else ""
        return Tally(1, examples=[Example(NOWHERE, NOWHERE, where, found=found)])

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
            rule.name,
            Outcome.PASSED,
            severity,
            rule.unit,
            0,
            total,
            budget,
            help=rule.advice(),
            about=rule.summary(),
            evidence=rule.evidence,
        )
        if (untold := rule.unjudged(counts)) is not None:
            first = because or untold.because
            told = {"reason": untold.reason} if untold.reason else {"because": first}
            return replace(finding, outcome=Outcome.NOT_EVALUATED, **told)
        if not tally.violations:
            if because is None:
                return finding
            return replace(finding, outcome=Outcome.NOT_EVALUATED, because=because)
        cases = ("mild",) if only_mild else (*rule.cases(counts), *sorted(tally.roles))
        effect, text = None, rule.origin()
        if self.contract.applies(rule.name):
            consequence = self.contract.consequence(rule.name, cases)
            effect, text = consequence.effect, consequence.text
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
            effect=effect,
            consequence=text,
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
        if isinstance(rule, FileRule):
            return None
        concerned = [shard for shard in shards if not self._goes_without(rule.views, shard)]
        blind = [
            shard
            for shard in concerned
            if shard.rows and all(shard.lacks(view) for view in rule.views)
        ]
        if not blind and (state.judged[rule.views] or not concerned):
            return None
        return self._obstacle(rule.views, state, blind or list(shards))

    def _goes_without(self, views: Iterable[Sequence[str]], shard: ShardFacts) -> bool:
        """Whether a shard has none of the optional columns that all of these views need."""
        optional = {column.role for column in self.contract.columns if not column.required}
        absent = {
            role
            for role in optional
            if shard.columns is not None and self.columns.names[role] not in shard.columns
        } - (shard.usable or frozenset())
        return all(absent.intersection(view) for view in views)

    def _obstacle(
        self, views: Iterable[Sequence[str]], state: State, shards: Sequence[ShardFacts]
    ) -> str:
        """The structural rule that took the columns of these views away."""
        roles = {role for view in views for role in view}
        if LABELS in roles and self.contract.makes_labels != "never":
            roles.add(IDS)
        for name in OBSTACLES:
            counts = state.counts.get(name, Counter())
            absent = name == "missing-column" and any(
                column.required
                and shard.columns is not None
                and self.columns.names[column.role] not in shard.columns
                for column in self.contract.columns
                if column.role in roles
                for shard in shards
            )
            if absent or any(counts[role] for role in roles):
                return name
        return OBSTACLES[-1]


def _kind(shard: ShardFacts) -> tuple[object, ...]:
    """All that tells whether a rule could judge a shard: a large split has few kinds of them."""
    return shard.columns, shard.usable, shard.rows > 0, shard.error is None


def _speaks(finding: Finding | None) -> bool:
    return finding is not None and finding.violations > 0


def _with_causes(ready: Sequence[Rule], wanted: set[str]) -> set[str]:
    """The wanted rules, those whose rows they leave out, and those that can obstruct them."""
    needed = wanted | {"unreadable-file", "no-rows", *OBSTACLES}
    for rule in reversed(ready):  # causes come before what they explain
        if rule.name in needed:
            needed |= set(rule.left_out_by)
    return needed
