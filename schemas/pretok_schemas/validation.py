"""A table in memory against a contract: `validate`, without files, pytest or pandera.

Says of a table what the plugin says of a file of its rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import numpy as np

from pretok_schemas.arguments import budget_fault, check_settings
from pretok_schemas.batch import TokenBatch
from pretok_schemas.comparing import Digests, compares_rows, repeated_rows, tally_within
from pretok_schemas.contract import ROLES, Contract, ExcessLength, Tokenizer, Vocabulary
from pretok_schemas.custom import custom_rules, spread
from pretok_schemas.findings import Budget, Finding, Severity
from pretok_schemas.judge import Judge
from pretok_schemas.outcome import Report
from pretok_schemas.rules import NAMES, corpus
from pretok_schemas.rules.base import Rule, ShardFacts
from pretok_schemas.state import HitTable, Place, State
from pretok_schemas.tables import InMemory, open_table
from pretok_schemas.trainers import load, names
from pretok_schemas.trainers.transformers import Collator

RuleSetting = str | Severity | Mapping[str, Any]


def validate(
    data: Any,
    contract: str | Contract = "axolotl",
    *,
    packing: bool = False,
    collator: Collator | None = None,
    sequence_len: int | None = None,
    min_sample_len: int | None = None,
    excess_length: ExcessLength | None = None,
    micro_batch_size: int | None = None,
    vocab_size: int | None = None,
    bos_token_id: int | None = None,
    eos_token_ids: int | Sequence[int] | None = None,
    pad_token_id: int | None = None,
    tokenizer: Tokenizer | None = None,
    rules: Mapping[str, RuleSetting] | None = None,
    only: Collection[str] | None = None,
    columns: Mapping[str, str] | None = None,
    custom: Sequence[type[Rule]] = (),
    schema: Any = None,
    examples: int = 3,
    every: bool = False,
    name: str = "table",
    split: str | None = None,
) -> Report:
    """Check the rows of a table as one split.

    Args:
        data: a table of any kind that `tables.open_table` takes.
        contract: the name of a trainer, or a contract; of the latter, ``packing`` and
            ``collator`` are its own.
        packing: whether the trainer packs rows.
        collator: for the contract `transformers`.
        sequence_len: the length limit in tokens, None where there is none.
        min_sample_len: shorter rows are reported.
        excess_length: what the trainer does with rows beyond the limit.
        micro_batch_size: with ``packing``, how many bins make one batch.
        vocab_size: rows of the embedding matrix; added tokens count.
        bos_token_id: the id that begins a text.
        eos_token_ids: every id that ends a sequence or a turn.
        pad_token_id: the id that fills rows up.
        tokenizer: tells the four before, where they are not given, and the text of ids.
        rules: by rule, ``"error"``, ``"warning"``, ``"off"``, or a mapping with ``severity`` and
            ``max_rows`` or ``max_share``.
        only: the rules to check, None for all that apply.
        columns: by role (``input_ids`` ...), another name in the table.
        examples: how many violations of each rule are described.
        custom: rules of your own (see `custom.rule`); ``rules`` may hold their options.
        schema: a Pandera or pyarrow schema for further columns (see `schema_rules`).
        every: keep the rows of all violations: `Report.rows`.
        name: what texts call the table.
        split: the name of the split, if the table is one.

    Raises:
        ValueError: a contract, rule, severity or column role has a name that does not exist, or a
            setting cannot be used.
        TypeError: ``data`` is no table, or ``contract`` neither a name nor a contract.
    """
    chosen = _contract(contract, packing, collator)
    judge = make_judge(
        chosen,
        sequence_len=sequence_len,
        min_sample_len=min_sample_len,
        excess_length=excess_length,
        micro_batch_size=micro_batch_size,
        vocab_size=vocab_size,
        bos_token_id=bos_token_id,
        eos_token_ids=eos_token_ids,
        pad_token_id=pad_token_id,
        tokenizer=tokenizer,
        rules=rules,
        only=only,
        columns=columns,
        custom=custom,
        schema=schema,
        examples=examples,
        every=every,
    )
    return judge_table(judge, data, name, split)


def make_judge(
    contract: Contract,
    *,
    sequence_len: int | None = None,
    min_sample_len: int | None = None,
    excess_length: ExcessLength | None = None,
    micro_batch_size: int | None = None,
    vocab_size: int | None = None,
    bos_token_id: int | None = None,
    eos_token_ids: int | Sequence[int] | None = None,
    pad_token_id: int | None = None,
    tokenizer: Tokenizer | None = None,
    rules: Mapping[str, RuleSetting] | None = None,
    only: Collection[str] | None = None,
    columns: Mapping[str, str] | None = None,
    custom: Sequence[type[Rule]] = (),
    schema: Any = None,
    examples: int = 3,
    every: bool = False,
) -> Judge:
    """The judge of a contract with the settings of `validate`.

    Raises:
        ValueError: a rule, severity or column role has a name that does not exist, or a setting,
            a rule or a schema cannot be used.
    """
    check_settings(
        {
            "sequence_len": sequence_len,
            "min_sample_len": min_sample_len,
            "excess_length": excess_length,
            "micro_batch_size": micro_batch_size,
            "vocab_size": vocab_size,
            "bos_token_id": bos_token_id,
            "eos_token_ids": eos_token_ids,
            "pad_token_id": pad_token_id,
            "tokenizer": tokenizer,
            "rules": rules,
            "only": only,
            "columns": columns,
            "custom": custom,
            "examples": examples,
        }
    )
    own = custom_rules(custom, rules or {})
    if schema is not None:
        from pretok_schemas.user_schemas import schema_rules  # lazy: Pandera may come with it

        try:
            own = (*own, *schema_rules(schema))
        except ValueError as error:
            shown = getattr(schema, "__name__", type(schema).__name__)
            raise ValueError(f"schema: {shown} {error}") from error
        rules = spread(rules or {}, [one.kind.name for one in own])
    known = (*NAMES, *(one.kind.name for one in own))
    _check_names("rule", [*(rules or ()), *(only or ())], known)
    _check_names("column", columns or (), ROLES)
    contract = contract.with_lengths(sequence_len, min_sample_len, excess_length)
    if micro_batch_size is not None:
        contract = contract.with_run(micro_batch_size, contract.entry)
    ends = (eos_token_ids,) if isinstance(eos_token_ids, int) else eos_token_ids
    options = {one.kind.name: set(one.options) for one in own}
    severities, budgets = _settings(rules or {}, options)
    return Judge(
        contract,
        _vocabulary(vocab_size, bos_token_id, ends, pad_token_id, tokenizer),
        names=columns,
        selected=only,
        severities=severities,
        budgets=budgets,
        examples=examples,
        keep_all=every,
        custom=own,
    )


def judge_table(judge: Judge, data: Any, name: str = "table", split: str | None = None) -> Report:
    """What a judge makes of a table; see `validate`.

    Raises:
        TypeError: ``data`` is no table.
    """
    columns = judge.columns
    table = open_table(data, {*columns.names.values(), *columns.reads})
    looked = _Look(judge, table, Place(0, 0, name, split or ""))
    findings, tables = looked.findings()
    return Report(
        contract=judge.contract,
        name=name,
        split=split,
        stats=looked.state.stats,
        findings={
            rule.name: findings[rule.name] for rule in judge.selected if rule.name in findings
        },
        causes=findings,
        lacking=judge.lacking,
        tables=tables if judge.keep_all else None,
    )


class _Look:
    """The passes over one table."""

    def __init__(self, judge: Judge, table: InMemory, place: Place) -> None:
        self._judge = judge
        self._table = table
        self._place = place
        self._layout = judge.columns.layout(table.columns, table.types, judge.roles)
        self.state = State()

    def findings(self) -> tuple[dict[str, Finding], dict[str, list[HitTable]]]:
        """The findings of all rules that were evaluated, and every violation if it is kept."""
        judge, table = self._judge, self._table
        shard = self._look()
        digests = self._digests()
        findings = judge.conclude(self.state, [shard])
        tables = judge.tables(self.state, [shard]) if judge.keep_all else {}
        label = self._place.split or self._place.shard
        tallies = tally_within(judge, digests, label, lambda rows: [self._place] * len(rows))
        facts = self.state.stats.facts()
        for rule in judge.rules:
            if rule.name in tallies:
                tally = tallies[rule.name]
                because = judge.because(rule, self.state, [shard])
                found = judge.finding(rule, tally, table.rows, facts, self.state, because)
                findings[rule.name] = found
                tables[rule.name] = tally.tables
        return findings, tables

    def _look(self) -> ShardFacts:
        """The passes over rows; what the rules about files are told of the table."""
        judge, table, name = self._judge, self._table, self._place.shard
        if table.repeated:
            error = f"columns that occur more than once: {', '.join(table.repeated)}"
            return ShardFacts(name, columns=table.names, error=error)
        state = State()
        for batch in self._batches():
            judge.look(batch, state)
        self.state.extend(state, judge.examples, self._place)
        norms = judge.norms(self.state)
        if norms:
            again, moved = State(), State()
            for batch in self._batches():
                judge.look_again(batch, norms, again)
            moved.extend(again, judge.examples, self._place)
            self.state.retake(norms, moved)
        return replace(self._layout.facts(name), rows=table.rows)

    def _batches(self) -> Iterator[TokenBatch]:
        layout = self._layout
        for stretch in self._table.stretches(layout.wanted, layout.further):
            yield self._judge.columns.batch(
                stretch.batch, stretch.cells, layout.foreign, stretch.mixed
            )

    def _digests(self) -> Digests:
        """Row and digest of each row whose key another row has."""
        if not compares_rows(self._judge) or not self.state.keys:
            return []
        keys = np.concatenate([part for _, part in self.state.keys])
        rows = repeated_rows(keys, corpus.DuplicateRows.eligible)
        found: list[tuple[int, bytes]] = []
        before = 0
        for batch in self._batches() if len(rows) else ():
            low, high = np.searchsorted(rows, [before, before + batch.rows])
            own = rows[low:high]
            found += zip(own.tolist(), corpus.row_digests(batch, own - before, True), strict=True)
            before += batch.rows
        return found


def _contract(contract: str | Contract, packing: bool, collator: Collator | None) -> Contract:
    if isinstance(contract, Contract):
        return contract
    if not isinstance(contract, str):
        raise TypeError(f"contract: found {contract!r:.60}, expected a name or a Contract")
    _check_names("contract", [contract], names())
    return load(contract, packing=packing, collator=collator)


def _check_names(what: str, given: Collection[str], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
            raise ValueError(f"unknown {what} {name!r}; {hint}")


def _vocabulary(
    size: int | None,
    bos: int | None,
    eos: Sequence[int] | None,
    pad: int | None,
    tokenizer: Tokenizer | None,
) -> Vocabulary:
    ends = None if eos is None else tuple(eos)
    if tokenizer is None:
        return Vocabulary(size, bos, ends, pad)
    return Vocabulary(
        tokenizer.size if size is None else size,
        tokenizer.bos if bos is None else bos,
        (tokenizer.ends or None) if ends is None else ends,
        tokenizer.pad if pad is None else pad,
        tokenizer,
    )


def _settings(
    rules: Mapping[str, RuleSetting], options: Mapping[str, set[str]]
) -> tuple[dict[str, Severity], dict[str, Budget]]:
    severities: dict[str, Severity] = {}
    budgets: dict[str, Budget] = {}
    for rule, value in rules.items():
        if not isinstance(value, str | Mapping):
            raise ValueError(f"{rule}: found {value!r:.60}, expected a severity or a mapping")
        given: Mapping[str, Any] = {"severity": value} if isinstance(value, str) else dict(value)
        own = {key.replace("-", "_"): one for key, one in given.items()}
        known = {"severity", "max_rows", "max_share", *options.get(rule, ())}
        unknown = sorted(set(own) - known)
        if unknown:
            raise ValueError(f"{rule}: unknown {', '.join(unknown)}")
        if own.get("severity") is not None:
            try:
                severities[rule] = Severity(own["severity"])
            except ValueError:
                raise ValueError(
                    f"{rule}: {own['severity']!r} is no severity; there are: error, warning, off"
                ) from None
        if fault := budget_fault(own.get("max_rows"), own.get("max_share")):
            raise ValueError(f"{rule}: {fault}")
        budgets[rule] = Budget(own.get("max_rows"), own.get("max_share"))
    return severities, budgets
