"""Rules about how long rows are, measured against one run's length policy.

Must not know token values.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import ClassVar

import numpy as np

from pretok_schemas.batch import TokenBatch, View
from pretok_schemas.contract import IDS, LABELS, Contract
from pretok_schemas.findings import Effect, Severity
from pretok_schemas.rules.base import NOTHING, Hits, Look, RowRule, SplitFacts, Usual
from pretok_schemas.rules.ends import NO_SAY, unclosed
from pretok_schemas.rules.labelled import LABELLED, targets
from pretok_schemas.rules.texts import texts

SERIOUS_LOSS = 0.05  # share of trainable tokens lost to the length limit that makes it an error


class ShortRow(RowRule):
    """A row is shorter than the trainer's minimum.

    What it checks:
        Rows that are not empty have at least ``min-sample-len`` tokens (2 unless declared). Rows
        without a trainable token are reported there, not here.

    Why it matters:
        The trainer drops the row without telling which.

    Fails:
        5 tokens with ``min-sample-len = 8``.

    Passes:
        8 tokens.

    Options:
        ``min-sample-len`` of the dataset.
    """

    name = "short-row"
    family = "lengths"
    severity = Severity.WARNING
    views = ((IDS,),)
    left_out_by = ("no-trainable-token",)
    help = "drop the row, or lower min-sample-len"

    def look(self, batch: TokenBatch) -> Look:
        """Rows of 1 to ``min_sample_len - 1`` tokens."""
        view = batch.view(IDS)
        least = self.contract.min_sample_len
        if not len(view) or view.lengths.min() >= least:
            return NOTHING
        local = np.flatnonzero((view.lengths < least) & (view.lengths > 0))
        lengths = view.lengths[local]
        expected = np.full(len(local), f">= {least}", object)
        return Look(Hits(view.batch_rows(local), found=lengths, expected=expected))


class TooLong(RowRule):
    """A row is longer than sequence-len.

    What it checks:
        ``len(input_ids) <= sequence-len``. An error where more than 5 % of the trainable tokens
        are lost by it, or where ``excess-length = "raise"``; else a warning.

    Why it matters:
        The trainer drops such a row, or cuts its end off (the end id with it), or stops.

    Fails:
        5,000 tokens with ``sequence-len = 4096``.

    Passes:
        4,096 tokens.

    Options:
        ``sequence-len`` and ``excess-length`` of the dataset.

    References:
        huggingface/trl#2400, axolotl-ai-cloud/axolotl#2211
    """

    name = "too-long"
    family = "lengths"
    severity = Severity.WARNING
    views = ((IDS,),)
    weighs = (LABELS,)
    requires = ("sequence-len",)
    help = "split or drop long rows yourself, or raise sequence-len"

    def look(self, batch: TokenBatch) -> Look:
        """Rows beyond the limit, and how many trainable tokens go with them."""
        limit = self.contract.sequence_len
        view = batch.view(IDS)
        if limit is None or not len(view) or view.lengths.max() <= limit:
            return NOTHING
        local = np.flatnonzero(view.lengths > limit)
        hits = Hits(
            view.batch_rows(local),
            np.full(len(local), limit, np.int64),
            found=view.lengths[local],
            expected=np.full(len(local), f"<= {limit}", object),
        )
        return Look(hits, {"lost": _lost_targets(batch, limit, self.contract.excess_length)})

    def severity_of(self, counts: Mapping[str, int], facts: SplitFacts) -> Severity:
        """An error if the run stops, or if more than 5 % of the trainable tokens are lost."""
        if self.name in self.contract.severities:
            return self.contract.severities[self.name]
        lost = counts.get("lost", 0) > SERIOUS_LOSS * facts.trainable
        return Severity.ERROR if lost or self.contract.excess_length == "raise" else self.severity

    def cases(self, counts: Mapping[str, int]) -> tuple[str, ...]:
        """The consequence is the length policy's."""
        return (self.contract.excess_length,)

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """How many trainable tokens are lost by it."""
        lost = counts.get("lost", 0)
        if not facts.trainable or self.contract.excess_length == "raise":
            return None
        return (
            f"{lost:,} of {facts.trainable:,} trainable tokens "
            f"({100 * lost / facts.trainable:.1f} %) are lost with these rows"
        )


class TargetsLostByTruncation(RowRule):
    """All that a row would train lies beyond the length limit.

    What it checks:
        A row with trainable tokens has some within ``sequence-len``. Only for trainers that cut
        long rows.

    Why it matters:
        The prompt fills the context: the row is computed and teaches nothing.

    Fails:
        A prompt of 5,000 tokens and an answer of 20, cut at ``sequence-len = 4096``.

    Passes:
        The same row where rows that are too long are dropped, or where the limit is 8,192.

    Options:
        ``sequence-len`` and ``excess-length`` of the dataset.

    References:
        huggingface/trl#6025
    """

    name = "targets-lost-by-truncation"
    family = "lengths"
    severity = Severity.WARNING
    views = (LABELLED,)
    requires = ("sequence-len",)
    left_out_by = NO_SAY
    help = "drop the row, shorten its prompt, or raise sequence-len"

    @classmethod
    def applies(cls, contract: Contract) -> bool:
        """Whether this run cuts rows at all."""
        return contract.excess_length == "truncate"

    def look(self, batch: TokenBatch) -> Look:
        """Rows whose first trainable token stands at the limit or beyond it."""
        limit = self.contract.sequence_len
        view = batch.view(*LABELLED)
        if limit is None or not len(view) or view.lengths.max() <= limit:
            return NOTHING
        long = np.flatnonzero(view.lengths > limit)
        part = View(view.rows, view.offsets, {LABELS: batch.once(targets)}).take(long)
        rows, first = part.first_in_row(np.flatnonzero(part[LABELS]))
        first = first - part.starts[rows]
        beyond = first >= limit
        hits = Hits(
            part.batch_rows(rows[beyond]),
            first[beyond],
            found=first[beyond],
            expected=np.full(int(beyond.sum()), f"< {limit}", object),
        )
        return Look(hits)


class CutAtLimit(RowRule):
    """Rows of the largest length end in the middle of a text.

    What it checks:
        Not 3 rows or more, and 2 % of all, have the largest length of the split and no end id
        among their last two tokens. Splits that look packed or are of one length throughout, and
        rows with padding, are left out.

    Why it matters:
        They were cut before they were stored: the model learns answers without an end.

    Fails:
        50 of 1,000 rows have 2,048 tokens, the largest length, and end in the middle of a word.

    Passes:
        The longest rows end with an end id.

    Options:
        ``eos-token-ids`` of the dataset.
    """

    name = "cut-at-limit"
    family = "lengths"
    severity = Severity.WARNING
    views = ((IDS,),)
    requires = ("eos-token-ids",)
    left_out_by = (
        "wrong-kind",
        *NO_SAY,
        "trailing-padding",
        "mask-hole",
        "leading-padding",
        "trained-padding",
    )
    help = "raise the limit of the script that tokenises, or drop what does not fit"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "trained on answers without an end"),
    }
    LEAST_ROWS = 3
    LEAST_SHARE = 0.02

    def look(self, batch: TokenBatch) -> Look:
        """Open rows of the batch's largest length: no shorter one is the longest of the split."""
        found, open_ = batch.once(texts), batch.once(unclosed)
        view = found.view
        if not open_.any():
            return NOTHING
        longest = int(view.lengths.max())
        whole = (found.first == view.starts[found.local]) & (
            found.last == view.offsets[found.local + 1] - 1
        )
        cut = open_ & whole & (view.lengths[found.local] == longest)
        if not cut.any():
            return NOTHING
        at = found.last[cut]
        lengths = np.full(len(at), longest, np.int64)
        hits = Hits(
            found.rows[cut],
            found.positions(at, cut),
            found=found.ids[at],
            expected=np.full(len(at), "an end id", object),
            codes=lengths,
        )
        return Look(hits, {f"length {longest}": len(at)})

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """The largest length, if enough rows end openly there."""
        cut = counts.get(f"length {facts.longest}", 0)
        enough = cut >= max(self.LEAST_ROWS, self.LEAST_SHARE * facts.rows)
        meant = facts.looks_packed or facts.equally_long
        return (facts.longest,) if enough and not meant else ()

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """The limit."""
        return f"rows were cut at {facts.longest:,} tokens when they were made"


def _lost_targets(batch: TokenBatch, limit: int, policy: str) -> int:
    view = batch.view(*LABELLED)
    local = np.flatnonzero(view.lengths > limit)
    if not len(local):
        return 0
    ends = view.offsets[local + 1]
    begins = view.starts[local] + (limit if policy == "truncate" else 0)
    total = np.concatenate(([0], np.cumsum(batch.once(targets))))
    return int((total[ends] - total[begins]).sum())
