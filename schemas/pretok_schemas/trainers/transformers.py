"""transformers' Trainer with one of its collators: what it asks for, what it does with each fault.

Facts only. Read in transformers 5.16.1, and seen by running its collators and a training step.
"""

from __future__ import annotations

from typing import Literal

from pretok_schemas.arrow import Kind
from pretok_schemas.contract import IDS, LABELS, MASK, POSITIONS, Column, Contract
from pretok_schemas.findings import Severity
from pretok_schemas.trainers.common import (
    CRASH,
    HARMLESS,
    SILENT,
    WASTED,
    Facts,
    consequences,
)

NAME = "transformers"
VERSION = "5.16.1"

Collator = Literal["seq2seq", "flattening", "language-modeling"]
COLLATORS: tuple[Collator, ...] = ("seq2seq", "flattening", "language-modeling")

_MASK = Column(
    MASK,
    required=False,
    accepts=frozenset({Kind.INTEGER, Kind.BOOLEAN}),
    tolerates=frozenset({Kind.FLOAT}),
)
COLUMNS = {
    # tokenizer.pad makes a mask where there is none.
    "seq2seq": (Column(IDS), _MASK, Column(LABELS), Column(POSITIONS, required=False)),
    # Makes positions, and -100 at every joint; reads no mask.
    "flattening": (Column(IDS), Column(LABELS, required=False)),
    # Replaces labels by a copy of the ids with pads masked.
    "language-modeling": (Column(IDS), _MASK, Column(POSITIONS, required=False)),
}

_STOPS = (CRASH, "the run stops when the row comes up")
_KEPT = (HARMLESS, "nothing cuts the row; a model may stop at rows beyond its own context")

SEQ2SEQ: Facts = {
    "missing-column": (CRASH, "the collator or the model stops: there are no ids, or no loss"),
    "column-type": _STOPS,
    "column-type:mild": (HARMLESS, "a mask of floats works; whatever is not 0 counts as 1"),
    "null-row": _STOPS,
    "null-token": _STOPS,
    "length-mismatch:labels": (
        SILENT,
        "labels are padded by themselves: targets are shifted, or the run stops",
    ),
    "length-mismatch:attention_mask": _STOPS,
    "length-mismatch:position_ids": _STOPS,
    "empty-row": (WASTED, "a row of nothing but padding"),
    "too-long": _KEPT,
    "mask-values": (HARMLESS, "whatever is not 0 counts as 1; document numbers isolate nothing"),
    "mask-hole": (SILENT, "the model cannot see these tokens"),
    "mask-all-zero": (SILENT, "the row is trained without any token that it may see"),
    "trailing-padding": (WASTED, "padding is computed"),
    "leading-padding:hidden": (WASTED, "padding is computed"),
    "leading-padding:attended": (
        SILENT,
        "the mask shows the padding: it is attended, and positions are shifted",
    ),
    "trained-under-mask": (
        SILENT,
        "the model is trained to produce tokens that stand under a 0 of the mask",
    ),
    "position-ids": (SILENT, "the model takes these positions as they stand"),
}

_MASKS = ("mask-values", "mask-hole", "mask-all-zero", "trained-under-mask")
FLATTENING: Facts = {
    **{
        name: fact
        for name, fact in SEQ2SEQ.items()
        if name not in (*_MASKS, "position-ids")
        and not name.endswith((":attention_mask", ":position_ids", ":mild"))
    },
    "length-mismatch:labels": (
        SILENT,
        "every later row of the batch trains on shifted targets, or the run stops",
    ),
    "empty-row": (CRASH, "the run stops: Expected input batch_size"),
    "leading-padding:hidden": (
        SILENT,
        "no mask is read: padding is attended, positions are shifted",
    ),
}

# The collator makes the labels: what the file says of them is gone.
WITHOUT = frozenset(
    {
        "labels-shifted",
        "labels-are-a-mask",
        "wrong-ignore-value",
        "label-out-of-range",
        "label-not-input-id",
        "first-label-trained",
        "eos-never-trained",
        "end-id-masked",
        "prompt-not-masked",
        "mixed-masking",
        "prompt-boundary",
        "mask-span-off-by-one",
        "wrong-turn-trained",
        "low-trainable-share",
        "trained-under-mask",
        "trained-padding",
        "conflicting-labels",
    }
)
LANGUAGE_MODELING: Facts = {
    **{
        name: fact
        for name, fact in SEQ2SEQ.items()
        if name.split(":")[0] not in WITHOUT and name != "length-mismatch:labels"
    },
    "extra-column": (
        SILENT,
        "your -100 vanish where rows are equally long; else labels are not padded, and it stops",
    ),
    "trailing-padding": (SILENT, "pads that are end ids are trained; others are computed"),
    "leading-padding:hidden": (SILENT, "the first token behind the padding is trained too"),
}

FACTS: dict[Collator, Facts] = {
    "seq2seq": SEQ2SEQ,
    "flattening": FLATTENING,
    "language-modeling": LANGUAGE_MODELING,
}


READ = frozenset({"untrained-special-token"})  # needs LoRA


def contract(packing: bool, collator: Collator = "seq2seq") -> Contract:
    """What the Trainer asks for with one of its collators; flattening is its way of packing."""
    modeling = collator == "language-modeling"
    return Contract(
        name=NAME,
        trainer=f"transformers, {collator} collator",
        version=VERSION,
        columns=COLUMNS[collator],
        consequences=consequences(FACTS[collator]),
        packing=packing or collator == "flattening",
        without=WITHOUT if modeling else frozenset(),
        ran=True,
        read=READ,
        makes_labels="always" if modeling else "if-absent" if collator == "flattening" else "never",
        also_knows=frozenset({MASK, POSITIONS, "token_type_ids"}),
        stumbles_over=frozenset({LABELS}) if modeling else frozenset(),
        severities={"extra-column": Severity.ERROR} if modeling else {},
        excess_length="raise",
        min_sample_len=1,
    )
