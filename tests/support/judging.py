"""Rows judged without files: what each rule finds in a table of one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from pretok_schemas import Judge, Vocabulary, load
from pretok_schemas.contract import Contract
from pretok_schemas.findings import Finding, Outcome, Severity
from pretok_schemas.rules.base import ShardFacts

Row = dict[str, Any]


def judged(
    rows: Sequence[Mapping[str, Any]] | pa.Table,
    contract: Contract | None = None,
    vocabulary: Vocabulary | None = None,
    severities: Mapping[str, Severity] | None = None,
    names: Mapping[str, str] | None = None,
    size: int | None = None,
) -> tuple[dict[str, Finding], dict[str, list[int]]]:
    """The findings, and the violating rows of each rule about rows; ``size`` is that of batches."""
    made = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist([dict(r) for r in rows])
    judge = Judge(
        contract or load("axolotl"),
        vocabulary or Vocabulary(),
        severities=severities,
        names=names,
        examples=9,
        keep_all=True,
    )
    batches = made.combine_chunks().to_batches(max_chunksize=size)
    foreign = judge.columns.foreign(dict(zip(made.schema.names, made.schema.types, strict=True)))
    usable = judge.columns.usable(made.column_names, foreign)
    wanted = [judge.columns.names[role] for role in judge.roles]
    state = None
    for table in batches:
        kept = table.select([name for name in wanted if name in table.schema.names])
        batch = judge.columns.batch(kept, foreign=foreign)
        state = judge.look(batch, state)
    assert state is not None
    norms = judge.norms(state)
    if norms:
        again = None
        for table in batches:
            again = judge.look_again(judge.columns.batch(table, foreign=foreign), norms, again)
        assert again is not None
        assert set(again.tallies) <= set(norms)  # what the first look found is not found twice
        state.retake(norms, again)
    facts = [ShardFacts("x", state.rows, tuple(made.column_names), usable=usable)]
    findings = judge.conclude(state, facts)
    tables = judge.tables(state, facts)
    found = {
        rule: sorted(row for table in parts for row in table.rows.tolist())
        for rule, parts in tables.items()
        if parts
    }
    return findings, found


def violated(findings: Mapping[str, Finding]) -> set[str]:
    """The rules that fail or warn."""
    bad = (Outcome.FAILED, Outcome.WARNED)
    return {rule for rule, finding in findings.items() if finding.outcome in bad}
