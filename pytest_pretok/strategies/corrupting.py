"""Named corruptions of one row, each with the one rule that it must trip.

Draws nothing, and knows no Hypothesis: `sampled_from(list(corruptions().values()))` makes a
strategy of them. Faults that cannot be made alone are not here: a mask of zeros, for one, leaves a
row either without a trainable token or with tokens that are trained under the mask.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pretok_schemas.contract import DOCUMENTS, IDS, LABELS, MASK, POSITIONS, Contract
from pytest_pretok.strategies.changes import CHANGES, Change, null_row, null_token, ragged
from pytest_pretok.strategies.plan import Plan, Row, Settings

if TYPE_CHECKING:
    from typing import Unpack


@dataclass(frozen=True)
class Corruption:
    """One way to spoil a row that `rows` or `tables` drew with the same settings.

    ``rule`` is the rule that fires, and no other, on that row and no other. ``least_rows`` is the
    size of a table in which that holds: some rules ask what the other rows do.
    """

    name: str
    rule: str
    least_rows: int
    plan: Plan = field(repr=False)
    change: Change = field(repr=False)

    def apply(self, data: pa.Table | Row, row: int = 0) -> Any:
        """The row, or the table with that row, spoilt; what was given stays as it is.

        Raises:
            ValueError: the table has fewer than ``least_rows`` rows, or the spoilt row would be
                longer than ``sequence_len`` on top.
            IndexError: the table has no such row.
        """
        if isinstance(data, dict):
            return self._spoilt(data)
        held = data.to_pylist()
        if len(held) < self.least_rows:
            raise ValueError(f"{self.name} needs a table of {self.least_rows} rows or more")
        held[row] = self._spoilt(held[row])
        return pa.Table.from_pylist(held, data.schema)

    def _spoilt(self, row: Row) -> Row:
        plan, limit = self.plan, self.plan.contract.sequence_len
        draft = self.change(plan, plan.opened(row))
        count = len(draft[IDS] or ())
        if limit is not None and count > limit and self.rule != "too-long":
            raise ValueError(
                f"{self.name}: the row would have {count} tokens, sequence_len is {limit}; "
                "choose a max_size that leaves room"
            )
        return plan.stored(draft)


def corruptions(
    contract: str | Contract = "axolotl", **settings: Unpack[Settings]
) -> dict[str, Corruption]:
    """By name, the corruptions that mean something to a contract under some settings.

    Raises:
        ValueError: as for `strategies.rows`.
    """
    plan = Plan.of(contract, **settings)
    return {one.name: one for one in _all(plan) if one.rule in plan.rules}


def _all(plan: Plan) -> Iterator[Corruption]:
    for role, name in plan.names.items():
        yield Corruption(f"null-row-{name}", "null-row", 1, plan, null_row(role))
        if role != DOCUMENTS:
            yield Corruption(f"null-token-{name}", "null-token", 1, plan, null_token(role))
    for role in (MASK, LABELS, POSITIONS):
        if role in plan.names:
            name = f"length-mismatch-{plan.names[role]}"
            yield Corruption(name, "length-mismatch", 1, plan, ragged(role))
    for one in CHANGES:
        if one.needs <= plan.names.keys() and one.when(plan):
            yield Corruption(one.name, one.rule, one.least_rows, plan, one.change)
