"""LLaMA-Factory with ``tokenized_path``: what it asks for, and what it does with each fault.

Facts only. Read in its source of mid-2026, not run. The folder is one of `save_to_disk`; nothing is
cut (``cutoff_len`` is for text), and packed rows number their documents in the mask (neat packing).
"""

from __future__ import annotations

from pretok_schemas.arrow import Kind
from pretok_schemas.contract import IDS, LABELS, MASK, POSITIONS, Column, Contract
from pretok_schemas.trainers.common import Facts, consequences
from pretok_schemas.trainers.transformers import SEQ2SEQ

NAME = "llama-factory"
VERSION = "mid-2026"

COLUMNS = (
    Column(IDS),
    Column(MASK, accepts=frozenset({Kind.INTEGER, Kind.BOOLEAN})),
    Column(LABELS),
    Column(POSITIONS, required=False),
)

FACTS: Facts = SEQ2SEQ

# Packs without neat packing are filled up with pads whose mask is 1; documents follow one another.
NOT_WHEN_PACKED = frozenset(
    {
        "trailing-padding",
        "packed-without-boundaries",
        "inner-bos",
        "cut-at-limit",
        "missing-eos",
    }
)


def contract(packing: bool) -> Contract:
    """What a tokenised dataset is for LLaMA-Factory, packed by it or not."""
    return Contract(
        name=NAME,
        trainer="LLaMA-Factory",
        version=VERSION,
        columns=COLUMNS,
        consequences=consequences(FACTS),
        packing=packing,
        without=NOT_WHEN_PACKED if packing else frozenset(),
        numbers_documents=packing,
        also_knows=frozenset({"images", "videos", "audios", "packing_params"}),
        excess_length="raise",
        min_sample_len=1,
    )
