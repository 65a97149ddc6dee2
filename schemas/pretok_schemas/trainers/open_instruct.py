"""open-instruct: what it asks of a tokenised dataset, and what it does with each fault.

Facts only. Read in its source of mid-2026, not run.
"""

from __future__ import annotations

from pretok_schemas.arrow import Kind
from pretok_schemas.contract import IDS, LABELS, MASK, Column, Contract
from pretok_schemas.trainers.common import DROPPED, SILENT, Facts, consequences
from pretok_schemas.trainers.transformers import SEQ2SEQ

NAME = "open-instruct"
VERSION = "mid-2026"

COLUMNS = (
    Column(IDS),
    Column(MASK, accepts=frozenset({Kind.INTEGER, Kind.BOOLEAN})),
    Column(LABELS),
)

FACTS: Facts = {
    **{
        name: fact
        for name, fact in SEQ2SEQ.items()
        if not name.endswith("position_ids") and name != "position-ids"
    },
    "no-trainable-token:none": (DROPPED, "rows without a trainable label are filtered out"),
    "too-long": (SILENT, "the end of the row is cut off, its end id with it"),
    "targets-lost-by-truncation": (DROPPED, "rows without a trainable label are filtered out"),
}


def contract(packing: bool) -> Contract:
    """What open-instruct asks for, with its flattening collator or the padding one."""
    return Contract(
        name=NAME,
        trainer="open-instruct",
        version=VERSION,
        columns=COLUMNS,
        consequences=consequences(FACTS),
        packing=packing,
        also_knows=frozenset({"dataset_source", "index"}),
        excess_length="truncate",
        min_sample_len=1,
    )
