"""What the rows of one test are to be like: contract, ids and lengths; and how a row is stored.

Draws nothing, and knows no Hypothesis.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle, islice
from typing import Any, TypedDict

import pyarrow as pa

from pretok_schemas.arguments import check_settings
from pretok_schemas.columns import Columns
from pretok_schemas.contract import (
    ASSISTANT,
    COMPLETION,
    DOCUMENTS,
    IDS,
    IGNORE,
    LABELS,
    MASK,
    POSITIONS,
    Contract,
    Vocabulary,
)
from pretok_schemas.trainers import UnknownContract, load, names
from pretok_schemas.trainers.transformers import Collator
from pretok_schemas.validation import make_judge

Row = dict[str, Any]

LEAST = 3  # tokens of a row: its first, a prompt token behind it, and one that is trained
USUAL = 32  # tokens of the longest row, unless told otherwise
ROOM = 8  # tokens that the usual lengths leave free below a limit: corruptions make rows longer
LEAST_VOCABULARY = 64
PERIOD = 13  # the longest stretch whose repetition the rule `repetition` looks for
FRESH = 4096  # distinct ids that are looked for, when a row gets further ones


class Settings(TypedDict, total=False):
    """What may be said of the rows: keywords of `rows`, `tables`, `datasets` and `corruptions`.

    Keys that `pytest_pretok.check` has too mean the same there; see `Plan` for all of them.
    """

    packing: bool
    collator: Collator | None
    vocab_size: int
    bos_token_id: int | None
    eos_token_ids: int | Sequence[int] | None
    pad_token_id: int | None
    sequence_len: int | None
    min_sample_len: int | None
    min_size: int | None
    max_size: int | None
    optional: Collection[str]


@dataclass(frozen=True)
class Plan:
    """The settings of one strategy, as far as they go; `of` resolves them.

    ``packing`` and ``collator`` choose among a trainer's contracts. Ids are below ``vocab_size``
    (64 or more); ``bos_token_id`` begins every row and one of ``eos_token_ids`` ends it, None for
    rows without; none of the special ids stands anywhere else. ``sequence_len`` and
    ``min_sample_len`` (tokens) are the length policy of the run; rows have ``min_size`` to
    ``max_size`` tokens, 3 at least. ``optional`` are roles of columns that the trainer can do
    without, to be made too (``position_ids``, say).
    """

    contract: Contract = field(repr=False)
    vocab_size: int = 1000
    bos_token_id: int | None = 1
    eos_token_ids: tuple[int, ...] | None = (2,)
    pad_token_id: int | None = 0
    min_size: int = LEAST
    max_size: int = USUAL
    optional: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        contract: str | Contract = "axolotl",
        *,
        packing: bool = False,
        collator: Collator | None = None,
        vocab_size: int = 1000,
        bos_token_id: int | None = 1,
        eos_token_ids: int | Sequence[int] | None = (2,),
        pad_token_id: int | None = 0,
        sequence_len: int | None = None,
        min_sample_len: int | None = None,
        min_size: int | None = None,
        max_size: int | None = None,
        optional: Collection[str] = (),
    ) -> Plan:
        """The plan for a trainer's name, or for a contract as `pretok_schemas.load` returns it.

        Raises:
            ValueError: there is no such contract, or no row can be as the settings ask.
        """
        check_settings(
            {
                "vocab_size": vocab_size,
                "sequence_len": sequence_len,
                "min_sample_len": min_sample_len,
            }
        )
        ids = (bos_token_id, eos_token_ids or None, pad_token_id)
        check_settings(
            dict(zip(("bos_token_id", "eos_token_ids", "pad_token_id"), ids, strict=True))
        )
        if not isinstance(contract, Contract):
            if contract not in names():
                raise ValueError(str(UnknownContract(contract)))
            contract = load(contract, packing=packing, collator=collator)
        contract = contract.with_lengths(sequence_len, min_sample_len)
        ends = (eos_token_ids,) if isinstance(eos_token_ids, int) else eos_token_ids
        limit = contract.sequence_len
        low = max(LEAST, contract.min_sample_len, min_size or 0)
        high = max_size
        if high is None:
            high = max(low, USUAL) if limit is None else max(low, min(USUAL, limit - ROOM))
        chosen = cls(
            contract,
            vocab_size,
            bos_token_id,
            None if ends is None else tuple(ends),
            pad_token_id,
            low,
            high,
            (optional,) if isinstance(optional, str) else tuple(optional),
        )
        chosen._check()
        return chosen

    def _check(self) -> None:
        limit = self.contract.sequence_len
        if self.vocab_size < LEAST_VOCABULARY:
            raise ValueError(f"vocab_size is {self.vocab_size}; rows need {LEAST_VOCABULARY} ids")
        if outside := [one for one in self.specials if not 0 <= one < self.vocab_size]:
            raise ValueError(f"special ids outside of a vocabulary of {self.vocab_size}: {outside}")
        if self.eos_token_ids == ():
            raise ValueError("eos_token_ids is empty; None says that rows have no end id")
        if not self.min_size <= self.max_size:
            raise ValueError(
                f"max_size is {self.max_size}, but the shortest row has {self.min_size} tokens"
            )
        if limit is not None and self.max_size > limit:
            raise ValueError(f"max_size is {self.max_size}, but sequence_len is {limit}")
        self.schema  # noqa: B018 - says which of the optional columns the contract lacks

    @cached_property
    def specials(self) -> tuple[int, ...]:
        """The special ids, rising."""
        ends = self.eos_token_ids or ()
        given = {self.bos_token_id, self.pad_token_id, *ends} - {None}
        return tuple(sorted(one for one in given if one is not None))

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of a table of such rows: `Contract.to_arrow`."""
        return self.contract.to_arrow(optional=self.optional)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """By role, the names of the columns that are made."""
        own = Columns(self.contract, Vocabulary()).names
        return {role: name for role, name in own.items() if name in self.schema.names}

    @cached_property
    def rules(self) -> frozenset[str]:
        """The rules that a check under these settings has."""
        judge = make_judge(
            self.contract,
            vocab_size=self.vocab_size,
            bos_token_id=self.bos_token_id,
            eos_token_ids=self.eos_token_ids,
            pad_token_id=self.pad_token_id,
        )
        return frozenset(rule.name for rule in judge.selected)

    @property
    def masks_prompts(self) -> bool:
        """Whether some column says that prompts carry no loss."""
        return any(role in self.names for role in (LABELS, *self.contract.loss_masks))

    # -- rows: in the making, labels[i] is the label of the token at i, whatever the trainer asks

    def draft(self, ids: list[int], prompt: int) -> Row:
        """A valid row by roles, of which the first ``prompt`` tokens carry no loss."""
        count = len(ids)
        made: dict[str, list[int]] = {
            IDS: ids,
            MASK: [1] * count,
            LABELS: [IGNORE] * prompt + ids[prompt:],
            POSITIONS: list(range(count)),
            COMPLETION: [0] * prompt + [1] * (count - prompt),
            ASSISTANT: [0] * prompt + [1] * (count - prompt),
            DOCUMENTS: [count],
        }
        return {role: made[role] for role in self.names}

    def stored(self, draft: Row) -> Row:
        """A row by roles as the trainer wants it: by column name, labels where they belong."""
        return {
            name: _earlier(draft[role]) if self._ahead(role) else draft[role]
            for role, name in self.names.items()
        }

    def opened(self, row: Row) -> Row:
        """A stored row by roles again."""
        return {
            role: [IGNORE, *row[name][:-1]] if self._ahead(role) else list(row[name])
            for role, name in self.names.items()
        }

    def _ahead(self, role: str) -> bool:
        return role == LABELS and bool(self.contract.labels_ahead)

    def fresh(self, draft: Row, count: int) -> list[int]:
        """Ids that the row does not have, and no special ones; over again if they run out."""
        own = {*draft[IDS], *self.specials}
        found = list(islice(_outside(own, self.vocab_size), min(count, FRESH)))
        if len(found) < count and len(found) <= PERIOD:
            own = {draft[IDS][0], *self.specials}
            found = list(islice(_outside(own, self.vocab_size), count))
        return list(islice(cycle(found), count))

    def table(self, rows: Sequence[Row]) -> pa.Table:
        """Stored rows as a table of `schema`."""
        return pa.Table.from_pylist(list(rows), self.schema)


def _outside(taken: set[int], size: int) -> Iterator[int]:
    return (one for one in range(size) if one not in taken)


def _earlier(labels: Any) -> Any:
    return [*labels[1:], IGNORE] if isinstance(labels, list) and labels else labels
