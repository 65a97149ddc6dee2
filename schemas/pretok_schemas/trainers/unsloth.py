"""Unsloth: what it asks of a pre-tokenised dataset, and what it does with each fault.

Facts only. Read in its source of mid-2026, not run. The columns of the first row decide; the
collators are those of transformers, and nothing is cut.
"""

from __future__ import annotations

from pretok_schemas.arrow import Kind
from pretok_schemas.contract import IDS, LABELS, MASK, Column, Contract
from pretok_schemas.trainers.common import CRASH, Facts, consequences
from pretok_schemas.trainers.transformers import SEQ2SEQ

NAME = "unsloth"
VERSION = "mid-2026"

COLUMNS = (
    Column(IDS),
    Column(MASK, required=False, accepts=frozenset({Kind.INTEGER, Kind.BOOLEAN})),
    Column(LABELS, required=False),
)

FACTS: Facts = {
    **{
        name: fact
        for name, fact in SEQ2SEQ.items()
        if not name.endswith("position_ids") and name != "position-ids"
    },
    "no-trainable-token:none": (
        CRASH,
        "the row teaches nothing; if the first 100 rows are so, loading stops with a division by 0",
    ),
}


def contract(packing: bool) -> Contract:
    """What Unsloth asks for; its packing is TRL's."""
    return Contract(
        name=NAME,
        trainer="unsloth",
        version=VERSION,
        columns=COLUMNS,
        consequences=consequences(FACTS),
        packing=packing,
        makes_labels="if-absent",
        also_knows=frozenset({"token_type_ids"}),
        excess_length="raise",
        min_sample_len=1,
    )
