"""What one trainer asks of a pre-tokenised dataset, as data.

A contract holds columns, accepted types, the length policy and the consequence of every rule. It
knows no rule's code, opens no file and imports no trainer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pretok_schemas
from pretok_schemas.arrow import Kind
from pretok_schemas.findings import BY_HARM, Consequence, Severity
from pretok_schemas.run import Entry

if TYPE_CHECKING:
    import pyarrow as pa

    from pretok_schemas.changes import Change
    from pretok_schemas.fitting import Refusal

IDS = "input_ids"
MASK = "attention_mask"
LABELS = "labels"
POSITIONS = "position_ids"
COMPLETION = "completion_mask"
ASSISTANT = "assistant_masks"
DOCUMENTS = "seq_lengths"
IGNORE = -100  # the label of a token without loss
ROLES = (IDS, MASK, LABELS, POSITIONS, COMPLETION, ASSISTANT, DOCUMENTS)

Backend = Literal["pyarrow", "pandas", "polars"]
ExcessLength = Literal["drop", "truncate", "raise"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a contract.

    ``accepts`` are the kinds of element that the trainer takes; ``tolerates`` are those that do
    no harm but that nobody writes on purpose: they are reported as warnings. ``parallel`` columns
    hold one value a token, as input_ids does. ``name`` is what this trainer calls the column, if
    not by its role.
    """

    role: str
    required: bool = True
    accepts: frozenset[Kind] = frozenset({Kind.INTEGER})
    tolerates: frozenset[Kind] = frozenset()
    parallel: bool = True
    name: str = ""


@dataclass(frozen=True, slots=True)
class Contract:
    """The facts of one trainer, with the packing and the length policy of one run.

    ``consequences`` maps a rule's name, or ``RULE:CASE`` where the effect depends on the column or
    on the length policy, to what this trainer does with a violation. A rule that a trainer's module
    does not name does what it does to any trainer (`Rule.usual`), unless it is in ``without`` or
    not in ``only`` (if that is given): then it does not apply to this trainer and is not
    collected. ``ran`` tells whether the claims were seen by running the trainer, save those of the
    rules in ``read``. ``severities`` overrides the rules' own defaults; ``entry`` is what the
    trainer's own configuration says of the data, if there is one.

    ``labels_ahead`` is 1 for a trainer whose labels are shifted in the dataset (labels[i] is the
    id at i + 1), 0 where the model shifts. ``makes_labels`` tells whether the trainer makes labels
    of the ids itself, and ``loss_masks`` are the roles of columns of zeros and ones that it then
    honours. ``numbers_documents`` tells whether the mask may count the documents of a packed row.
    ``also_knows`` are names of further columns that the trainer has a use for; ``concatenates``
    tells whether it joins every column of a file, whatever it is, and ``stumbles_over`` names
    columns that it had better not find.
    """

    name: str
    trainer: str
    version: str
    columns: tuple[Column, ...]
    consequences: Mapping[str, Consequence]
    ignore_index: int = -100
    packing: bool = False
    labels_ahead: Literal[0, 1] = 0
    makes_labels: Literal["never", "if-absent", "always"] = "never"
    loss_masks: tuple[str, ...] = ()
    numbers_documents: bool = False
    also_knows: frozenset[str] = frozenset()
    concatenates: bool = False
    stumbles_over: frozenset[str] = frozenset()
    sequence_len: int | None = None
    min_sample_len: int = 2
    excess_length: ExcessLength = "drop"
    micro_batch_size: int | None = None
    entry: Entry | None = None
    severities: Mapping[str, Severity] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    ran: bool = False
    read: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """The contract and its packing as messages have them, ``axolotl, packing off``."""
        return f"{self.name}, packing {'on' if self.packing else 'off'}"

    def column(self, role: str) -> Column | None:
        """The column of a role, or None where the trainer has no such column."""
        return next((column for column in self.columns if column.role == role), None)

    def provides(self, roles: Iterable[str]) -> bool:
        """Whether the trainer reads or makes columns of all of these roles."""
        own = {column.role for column in self.columns}
        if self.makes_labels != "never":
            own.add(LABELS)
        return own.issuperset(roles)

    def applies(self, rule: str) -> bool:
        """Whether this trainer has anything to say about a rule."""
        return any(key == rule or key.startswith(f"{rule}:") for key in self.consequences)

    def consequence(self, rule: str, cases: Iterable[str] = ()) -> Consequence:
        """The worst consequence of a rule over some cases.

        A case is a column's role, the length policy, or ``mild`` for hits worth a warning only;
        those that the contract does not tell apart fall back to the rule's worst.
        """
        keys = [key for case in cases if (key := f"{rule}:{case}") in self.consequences]
        keys = keys or [key for key in self.consequences if key.split(":")[0] == rule]
        found = [self.consequences[key] for key in keys]
        return min(found, key=lambda consequence: BY_HARM.index(consequence.effect))

    def with_lengths(
        self,
        sequence_len: int | None = None,
        min_sample_len: int | None = None,
        excess_length: ExcessLength | None = None,
    ) -> Contract:
        """The same contract with the length policy of one run, where one is given."""
        return replace(
            self,
            sequence_len=sequence_len or self.sequence_len,
            min_sample_len=max(self.min_sample_len, min_sample_len or 0),
            excess_length=excess_length or self.excess_length,
        )

    def with_run(self, micro_batch_size: int | None, entry: Entry | None = None) -> Contract:
        """The same contract with the batches of one run, and what its configuration says."""
        return replace(self, micro_batch_size=micro_batch_size, entry=entry)

    # What follows is made elsewhere, of contracts and rules: it is reached through the package,
    # which imports it when it is asked for.

    def to_arrow(
        self, *, optional: Collection[str] = (), columns: Mapping[str, str] | None = None
    ) -> pa.Schema:
        """The schema to write for this trainer; see `fitting.arrow_schema`."""
        return pretok_schemas.arrow_schema(self, optional=optional, columns=columns)

    def accepts(
        self,
        schema: pa.Schema,
        *,
        columns: Mapping[str, str] | None = None,
        vocab_size: int | None = None,
    ) -> tuple[Refusal, ...]:
        """Why a schema is not accepted, empty if it is; see `fitting.refusals`."""
        return pretok_schemas.refusals(self, schema, columns=columns, vocab_size=vocab_size)

    def diff(self, other: Contract | str) -> tuple[Change, ...]:
        """What has changed from this contract to another, or to that of a name.

        See `changes.Change`.

        Raises:
            UnknownContract: there is no contract of that name.
        """
        known = pretok_schemas.load(other) if isinstance(other, str) else other
        return pretok_schemas.changes_between(self, known)

    def to_json(self) -> str:
        """The contract as JSON text; see `publishing.contract_dict`."""
        return pretok_schemas.contract_json(self)

    @staticmethod
    def from_json(text: str) -> Contract:
        """The contract that `to_json` was called on.

        Raises:
            ValueError: it is no contract, or one that this version cannot read.
        """
        return pretok_schemas.contract_from(text)

    def to_pandera(self, backend: Backend = "pyarrow", **settings: Any) -> Any:
        """A Pandera schema with these rules as checks; see `pandera.pandera_schema`.

        Raises:
            ImportError: Pandera is not installed for that backend.
        """
        return pretok_schemas.pandera_schema(self, backend, **settings)


class Tokenizer(Protocol):
    """What rules ask of a tokenizer; who reads one from a file is none of their business.

    Sizes count embedding rows: the highest id + 1.
    """

    @property
    def size(self) -> int:
        """Embedding rows that the ids need."""

    @property
    def base_size(self) -> int:
        """The same without added tokens."""

    @property
    def bos(self) -> int | None:
        """The id that begins a text, None without one."""

    @property
    def pad(self) -> int | None:
        """The id that fills rows up, None without one."""

    @property
    def unk(self) -> int | None:
        """The id of what the vocabulary does not know, None without one."""

    @property
    def ends(self) -> tuple[int, ...]:
        """The ids that end a text or a turn."""

    @property
    def specials(self) -> Mapping[int, str]:
        """Special tokens: id -> spelling."""

    @property
    def adds_bos(self) -> bool:
        """Whether the encoding of an empty text begins with BOS."""

    @property
    def identity(self) -> str:
        """What to call it in messages."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of some ids, special tokens spelled out."""

    def pieces(self, ids: Sequence[int]) -> tuple[str, ...]:
        """The text of each id by itself."""

    def encode(self, text: str, specials: bool) -> list[int]:
        """The ids of a text without BOS and EOS; ``specials`` reads spellings of special tokens."""


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
    tokenizer: Tokenizer | None = None
