"""llm-foundry: what it asks of tokenised rows, and what it does with each fault.

Facts only. Read in its source of mid-2026, not run. Its labels are the ids of the response alone
and not aligned with input_ids: rules that compare the two do not apply.
"""

from __future__ import annotations

from pretok_schemas.contract import IDS, LABELS, MASK, Column, Contract
from pretok_schemas.trainers.common import CRASH, SILENT, WASTED, Facts, consequences

NAME = "llm-foundry"
VERSION = "mid-2026"

COLUMNS = (Column(IDS),)

# Rules of files and ids that do to it what they do to any trainer. Of ends it takes care itself: it
# appends EOS where the last target lacks it.
ONLY = frozenset(
    {
        "unreadable-file",
        "no-rows",
        "wrong-kind",
        "narrow-integer",
        "shard-schema-mismatch",
        "extra-column",
        "token-out-of-vocab",
        "ignore-index-in-ids",
        "double-bos",
        "missing-bos",
        "inconsistent-bos",
        "inner-bos",
        "special-token-as-text",
        "tokenizer-mismatch",
        "unknown-tokens",
        "repetition",
        "packed-without-boundaries",
        "split-overlap",
    }
)
_STOPS = (CRASH, "the run stops when the row comes up")

FACTS: Facts = {
    "missing-column": (CRASH, "the sample is of an unknown kind, and loading stops"),
    "column-type": _STOPS,
    "null-row": _STOPS,
    "null-token": _STOPS,
    "empty-row": _STOPS,
    "too-long": (SILENT, "the end of the row is cut off, with one warning for the run"),
    "trailing-padding": (WASTED, "padding is computed, and counts against max_seq_len"),
}


def contract(packing: bool) -> Contract:
    """What llm-foundry asks of the ids of a row."""
    return Contract(
        name=NAME,
        trainer="llm-foundry",
        version=VERSION,
        columns=COLUMNS,
        consequences=consequences(FACTS),
        packing=packing,
        only=ONLY,
        also_knows=frozenset({LABELS, MASK, "turns"}),
        excess_length="truncate",
        min_sample_len=1,
    )
