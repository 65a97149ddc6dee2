"""What one trainer asks of a pre-tokenised dataset, as data.

A contract holds columns, accepted types, the length policy and the consequence of every rule. It
knows no rule's code, opens no file and imports no trainer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pretok_schemas.arrow import Kind
from pretok_schemas.findings import BY_HARM, Consequence, Severity
from pretok_schemas.run import Entry

IDS = "input_ids"
MASK = "attention_mask"
LABELS = "labels"

ExcessLength = Literal["drop", "truncate", "raise"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a contract.

    ``accepts`` are the kinds of element that the trainer takes; ``tolerates`` are those that do
    no harm but that nobody writes on purpose: they are reported as warnings.
    """

    role: str
    required: bool = True
    accepts: frozenset[Kind] = frozenset({Kind.INTEGER})
    tolerates: frozenset[Kind] = frozenset()


@dataclass(frozen=True, slots=True)
class Contract:
    """The facts of one trainer, with the packing and the length policy of one run.

    ``consequences`` maps a rule's name, or ``RULE:ROLE`` where the effect depends on the column,
    to what this trainer does with a violation. A rule that is not named does not apply to this
    trainer and is not collected. ``severities`` overrides the rules' own defaults; ``entry`` is
    what the trainer's own configuration says of the data, if there is one.
    """

    name: str
    trainer: str
    version: str
    columns: tuple[Column, ...]
    consequences: Mapping[str, Consequence]
    ignore_index: int = -100
    packing: bool = False
    sequence_len: int | None = None
    min_sample_len: int = 2
    excess_length: ExcessLength = "drop"
    micro_batch_size: int | None = None
    entry: Entry | None = None
    severities: Mapping[str, Severity] = field(default_factory=dict)

    def column(self, role: str) -> Column | None:
        """The column of a role, or None where the trainer has no such column."""
        return next((column for column in self.columns if column.role == role), None)

    def applies(self, rule: str) -> bool:
        """Whether this trainer has anything to say about a rule."""
        return any(key == rule or key.startswith(f"{rule}:") for key in self.consequences)

    def consequence(self, rule: str, cases: Iterable[str] = ()) -> Consequence:
        """The worst consequence of a rule over some cases.

        A case is a column's role, the length policy, or ``mild`` for hits worth a warning only;
        those that the contract does not tell apart fall back to the rule's worst.
        """
        keys = [f"{rule}:{case}" for case in cases if f"{rule}:{case}" in self.consequences]
        keys = keys or [key for key in self.consequences if key.split(":")[0] == rule]
        found = [self.consequences[key] for key in keys]
        return min(found, key=lambda consequence: BY_HARM.index(consequence.effect))

    def with_lengths(
        self,
        sequence_len: int | None = None,
        min_sample_len: int | None = None,
        excess_length: ExcessLength = "drop",
    ) -> Contract:
        """The same contract with the length policy of one run."""
        return replace(
            self,
            sequence_len=sequence_len,
            min_sample_len=max(2, min_sample_len or 2),
            excess_length=excess_length,
        )

    def with_run(self, micro_batch_size: int | None, entry: Entry | None = None) -> Contract:
        """The same contract with the batches of one run, and what its configuration says."""
        return replace(self, micro_batch_size=micro_batch_size, entry=entry)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What is known of the tokenizer: its size and its special ids. None means unknown.

    ``size`` counts embedding rows, so added tokens count. ``eos`` holds every id that ends a
    sequence or a turn.
    """

    size: int | None = None
    bos: int | None = None
    eos: tuple[int, ...] | None = None
    pad: int | None = None
