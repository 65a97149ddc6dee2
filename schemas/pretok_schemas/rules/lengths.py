"""Rules about how long rows are, measured against one run's length policy.

Must not know token values.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pretok_schemas.batch import TokenBatch
from pretok_schemas.contract import IDS, LABELS
from pretok_schemas.findings import Severity
from pretok_schemas.rules.base import NOTHING, Hits, Look, RowRule, SplitFacts
from pretok_schemas.rules.labels import LABELLED, targets

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

    def cases(self) -> tuple[str, ...]:
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


def _lost_targets(batch: TokenBatch, limit: int, policy: str) -> int:
    view = batch.view(*LABELLED)
    local = np.flatnonzero(view.lengths > limit)
    if not len(local):
        return 0
    ends = view.offsets[local + 1]
    begins = view.starts[local] + (limit if policy == "truncate" else 0)
    total = np.concatenate(([0], np.cumsum(batch.once(targets))))
    return int((total[ends] - total[begins]).sum())
