"""The Rule type: what one invariant is, and how it looks at a batch.

Must not know other rules, files or the order of evaluation. A rule only says which rows of a batch
it would report; the judge takes away those that an earlier rule explains, and counts.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from inspect import cleandoc
from typing import Any, ClassVar, Literal, cast

import numpy as np

from pretok_schemas.arrow import TypeFacts
from pretok_schemas.batch import TokenBatch, View
from pretok_schemas.contract import Contract, Tokenizer, Vocabulary
from pretok_schemas.findings import Effect, Example, Severity
from pretok_schemas.flat import Bools, Ints, Values

Family = Literal[
    "structure", "padding", "labels", "tokens", "lengths", "packing", "corpus", "config", "custom"
]
Unit = Literal["row", "file", "split"]
Usual = Mapping[str, tuple[Effect, str]]

NO_ROWS: Ints = np.zeros(0, np.int64)
# What makes a split look packed: enough rows, nearly all of one length, and documents that begin
# in the middle of rows. An inner end id alone is no boundary: every chat has those.
PACKED_ROWS = 8
PACKED_MEDIAN = 0.9
PACKED_RECURRING = 0.2
NOWHERE = -1  # the position of a fault that has none


@dataclass(frozen=True, slots=True)
class Hits:
    """Rows of one batch that a rule would report.

    ``rows`` (int64) rises and holds each row once. ``positions`` (int64, or None) is the first
    place at fault, -1 where there is none. ``found`` and ``expected`` are one value a hit, numbers
    or text. ``roles`` names the column at fault, one a hit, where the rule can speak of several.
    ``mild`` (bool) marks hits that are worth a warning only. ``codes`` (int64) marks undecided
    rows: a hit whose code is not 0 counts only if the split settles on that code
    (`RowRule.settle`). ``explains`` (bool) marks hits that leave their row out of the rules which
    name this one in ``left_out_by``: all of them where it is None.
    """

    rows: Ints = field(default_factory=lambda: NO_ROWS)
    positions: Ints | None = None
    found: Values | None = None
    expected: Values | None = None
    roles: Values | None = None
    mild: Bools | None = None
    codes: Ints | None = None
    explains: Bools | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, keep: Bools) -> Hits:
        """The hits for which ``keep`` (bool, one a hit) holds."""
        parts = {part.name: getattr(self, part.name) for part in fields(self)}
        kept: dict[str, Any] = {k: None if v is None else v[keep] for k, v in parts.items()}
        return Hits(**kept)


NONE = Hits()


@dataclass(frozen=True, slots=True)
class Look:
    """What one rule saw in one batch: its hits, and counts that add up over the split."""

    hits: Hits = NONE
    counts: Mapping[str, int] = field(default_factory=dict)


NOTHING = Look()


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Why a rule has no verdict: the rule that comes first, or a reason in words."""

    because: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """What is known of a whole split when its findings are concluded.

    ``median`` and ``longest`` are row lengths in tokens, ``lengths`` counts rows by theirs;
    ``recurring`` counts the rows in which the start of a document recurs (see `rules.packing`).
    ``columns`` are those of every shard, by role where they have one.
    """

    rows: int
    tokens: int
    trainable: int
    longest: int
    median: int = 0
    recurring: int = 0
    lengths: Mapping[int, int] = field(default_factory=dict)
    columns: tuple[frozenset[str], ...] = ()

    @property
    def equally_long(self) -> bool:
        """Whether nearly all rows have the largest length: that is no sign of a cut then."""
        return self.lengths.get(self.longest, 0) >= PACKED_MEDIAN * self.rows

    @property
    def looks_packed(self) -> bool:
        """Whether the rows look like several documents joined up to a common length."""
        return (
            self.rows >= PACKED_ROWS
            and self.median >= PACKED_MEDIAN * self.longest
            and self.recurring >= PACKED_RECURRING * self.rows
        )


@dataclass(frozen=True, slots=True)
class ShardFacts:
    """What is known of one shard: its path as shown, its column names, why it could not be read.

    ``columns`` is None where not even the names could be read; ``types`` are those of its columns
    by name, as far as the format knows them (``schema``: completely). ``usable`` are the roles
    whose columns are there and of an accepted type (None: all); ``rows`` are those read;
    ``format`` is the container that the content tells.
    """

    path: str
    rows: int = 0
    columns: tuple[str, ...] | None = None
    types: Mapping[str, TypeFacts] = field(default_factory=dict)
    schema: bool = False
    usable: frozenset[str] | None = None
    error: str | None = None
    format: str | None = None

    def lacks(self, roles: Iterable[str]) -> bool:
        """Whether some of the roles cannot be read in this shard."""
        return self.usable is not None and not self.usable.issuperset(roles)


class Rule(ABC):
    """One invariant of pre-tokenised data; what it judges is said by the kinds below.

    ``left_out_by`` are the rules whose rows this one leaves out, since they explain the same
    fault; ``requires`` are the settings without which the rule is not collected; ``views`` are the
    column sets in which it can judge a row, any of them is enough (none: it judges every row).
    ``reads`` names further columns of the files, as they are called there. ``usual`` is what a
    trainer of causal language models does with a violation unless its contract knows better, by
    case ("" for none); a rule of this package without it applies only where a contract names it.
    The docstring of a rule is its documentation.
    """

    name: ClassVar[str]
    family: ClassVar[Family] = "custom"
    unit: ClassVar[Unit] = "row"
    severity: ClassVar[Severity] = Severity.ERROR
    left_out_by: ClassVar[tuple[str, ...]] = ()
    requires: ClassVar[tuple[str, ...]] = ()
    views: ClassVar[tuple[tuple[str, ...], ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ()
    usual: ClassVar[Usual] = {}
    help: ClassVar[str] = ""
    evidence: ClassVar[str] = "found"  # the word before what an example found

    def __init__(self, contract: Contract, vocabulary: Vocabulary) -> None:
        self.contract = contract
        self.vocabulary = vocabulary

    @classmethod
    def applies(cls, contract: Contract) -> bool:
        """Whether the rule means anything for one run; the contract must name it besides."""
        return True

    @classmethod
    def summary(cls) -> str:
        """What a violation is, in a sentence: the first line of the documentation."""
        return cleandoc(cls.__doc__ or "").partition("\n")[0]

    def severity_of(self, counts: Mapping[str, int], facts: SplitFacts) -> Severity:
        """The severity of a finding by what the split adds up to."""
        return self.contract.severities.get(self.name, self.severity)

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """What the data shows about where the fault comes from, one sentence, or None."""
        return None

    def advice(self) -> str:
        """What to do, under the contract at hand; ``help`` is that for any contract."""
        return self.help

    def origin(self) -> str:
        """What stands for the consequence where no contract knows one."""
        return ""

    def cases(self, counts: Mapping[str, int]) -> tuple[str, ...]:
        """What the consequence depends on beside the columns at fault (see `Contract`)."""
        return ()

    def unjudged(self, counts: Mapping[str, int]) -> Unjudged | None:
        """Why the rule has no verdict, for reasons of its own; None where it has one."""
        return None


class FileRule(Rule):
    """A rule that looks at the files of a split rather than at rows."""

    unit: ClassVar[Unit] = "file"

    @abstractmethod
    def look_at_files(
        self, shards: Sequence[ShardFacts], names: Mapping[str, str]
    ) -> list[Example]:
        """One example for each violation; ``names`` maps a role to the column's name."""


class RowRule(Rule):
    """A rule that judges each row by itself.

    ``views`` are the column sets in which the rule can judge a row; any of them is enough.
    ``weighs`` are further columns that it needs for how much a violation matters.
    """

    weighs: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def look(self, batch: TokenBatch) -> Look:
        """The rows of a batch that violate the rule, whatever other rules say of them."""

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """For undecided hits: the codes that the whole split has settled on."""
        return ()


class NormRule(RowRule):
    """A rule about rows that depart from what nearly all rows of the split do.

    A batch takes what most of its own rows do for the norm, and its other rows are reported under
    the condition that the split has this norm. Only where some batch guessed otherwise is the
    split read once more (`misjudged`, `depart`).
    """

    @abstractmethod
    def survey(self, batch: TokenBatch) -> Mapping[str, int]:
        """Counts of one batch, which add up over the split."""

    @abstractmethod
    def guess(self, counts: Mapping[str, int]) -> str | None:
        """What most rows of a batch do, or None where there is no such habit."""

    @abstractmethod
    def norm(self, counts: Mapping[str, int], facts: SplitFacts) -> str | None:
        """What nearly all rows do, or None where there is no norm or no row departs from it."""

    @abstractmethod
    def depart(self, batch: TokenBatch, norm: str) -> Hits:
        """The rows of a batch that depart from a norm."""

    def look(self, batch: TokenBatch) -> Look:
        """The rows that depart from what most rows of the batch do; they count if all others do."""
        counts = dict(self.survey(batch))
        if not counts.get("rows"):
            return NOTHING
        guess = self.guess(counts)
        counts[f"guess {guess}"] = 1
        if guess is None:
            return Look(counts=counts)
        hits = self.depart(batch, guess)
        codes = np.full(len(hits), _code_of_text(guess), np.int64)
        return Look(replace(hits, codes=codes), counts)

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """The norm of the split, as a code."""
        norm = self.norm(counts, facts)
        return () if norm is None else (_code_of_text(norm),)

    def misjudged(self, counts: Mapping[str, int], facts: SplitFacts) -> str | None:
        """The norm of the split if some batch guessed another one, or none."""
        norm = self.norm(counts, facts)
        guesses = {key for key in counts if key.startswith("guess ")}
        return norm if guesses - {f"guess {norm}"} else None


class SplitRule(Rule):
    """A rule about a whole split; its finding has one violation or none.

    ``views`` are the column sets in which it can look at a row; any of them is enough. One that
    ``needs_all`` has no verdict where some of the split could not be read.
    """

    unit: ClassVar[Unit] = "split"
    views: ClassVar[tuple[tuple[str, ...], ...]]
    needs_all: ClassVar[bool] = False

    @abstractmethod
    def survey(self, batch: TokenBatch) -> Mapping[str, int]:
        """Counts of one batch, which add up over the split."""

    @abstractmethod
    def conclude(self, counts: Mapping[str, int], facts: SplitFacts) -> str | None:
        """What was found if the rule is violated, in a few words, else None."""


class CorpusRule(Rule):
    """A rule that compares rows with one another; ``eligible`` is its bit in `RowKeys`."""

    eligible: ClassVar[int]
    views: ClassVar[tuple[tuple[str, ...], ...]]


def hits_at(view: View, flat: Ints, **columns: Any) -> Hits:
    """Hits for rising flat indices of a view: one a row, at its first index.

    ``columns`` may give ``found`` and ``expected`` as flat arrays of the view, or as one value.
    """
    if not len(flat):
        return NONE
    local, at = view.first_in_row(flat)
    values = {
        name: value[at] if isinstance(value, np.ndarray) else np.full(len(at), value)
        for name, value in columns.items()
    }
    return Hits(view.batch_rows(local), at - view.starts[local], **values)


def tokenizer_of(rule: Rule) -> Tokenizer:
    """The tokenizer of the declaration, without which a rule that requires it is not made."""
    return cast(Tokenizer, rule.vocabulary.tokenizer)


def code_of(values: Values) -> Ints:
    """A code for each value of a hit (see `Hits.codes`); no value has the code 0."""
    wide = values.astype(np.int64)
    return np.where(wide >= 0, wide + 1, wide)


def _code_of_text(text: str) -> int:
    """A code for a text, positive and the same on every machine."""
    return 1 + int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big")


def some(hits: Hits) -> Look:
    """A look with hits that all wait for the split to settle on the code 1."""
    return Look(replace(hits, codes=np.ones(len(hits), np.int64))) if len(hits) else NOTHING
