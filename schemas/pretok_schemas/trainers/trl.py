"""TRL's SFTTrainer: what it asks of a pre-tokenised dataset, and what it does with each fault.

Facts only. Read in trl 1.9.0, and seen by running it on a CPU, without packing and with
``packing_strategy="bfd"``.
"""

from __future__ import annotations

from pretok_schemas.arrow import Kind
from pretok_schemas.contract import (
    ASSISTANT,
    COMPLETION,
    DOCUMENTS,
    IDS,
    LABELS,
    MASK,
    POSITIONS,
    Column,
    Contract,
)
from pretok_schemas.trainers.common import (
    CRASH,
    DROPPED,
    SILENT,
    WASTED,
    Facts,
    consequences,
)

NAME = "trl"
VERSION = "1.9.0"
MAX_LENGTH = 1024  # SFTConfig.max_length, unless told otherwise

_ZEROS_AND_ONES = frozenset({Kind.INTEGER, Kind.BOOLEAN})

# SFTTrainer._prepare_dataset: input_ids among the columns makes a dataset a processed one. The
# attention mask is never read; the collator makes one of ones.
COLUMNS = (
    Column(IDS),
    Column(LABELS, required=False),
    Column(COMPLETION, required=False, accepts=_ZEROS_AND_ONES),
    Column(ASSISTANT, required=False, accepts=_ZEROS_AND_ONES),
    Column(DOCUMENTS, required=False, parallel=False),
)

_STOPS = (CRASH, "the run stops when the row comes up")
_CUT = (
    SILENT,
    "the row is cut off at max_length (1024 unless told), its end id with it",
)

FACTS: Facts = {
    "missing-column": (CRASH, "the rows are taken for text, and loading stops"),
    "column-type:input_ids": _STOPS,
    "column-type:labels": _STOPS,
    "null-row": _STOPS,
    "null-token": _STOPS,
    "length-mismatch:labels": (
        SILENT,
        "labels are padded by themselves: targets are shifted, in later rows too, or it stops",
    ),
    "length-mismatch:completion_mask": (SILENT, "labels end where the shorter column ends"),
    "length-mismatch:assistant_masks": (SILENT, "labels end where the shorter column ends"),
    "column-type:completion_mask": (SILENT, "whatever is not empty counts as trained"),
    "column-type:assistant_masks": (SILENT, "whatever is not empty counts as trained"),
    "empty-row": (DROPPED, "the row is dropped when the dataset is prepared"),
    "no-trainable-token:none": (DROPPED, "the row is dropped when the dataset is prepared"),
    "too-long": _CUT,
    "targets-lost-by-truncation": (DROPPED, "the row is dropped when the dataset is prepared"),
    "trailing-padding": (WASTED, "padding is computed: the mask is not read"),
    "leading-padding": (SILENT, "the mask is not read: padding is attended, positions are shifted"),
    "sequence-lengths": (SILENT, "documents are told apart at the wrong places"),
}

PACKED: Facts = {
    **FACTS,
    "length-mismatch:labels": (CRASH, "packing stops: All columns must have the same length"),
    "length-mismatch:completion_mask": (
        CRASH,
        "packing stops: All columns must have the same length",
    ),
    "length-mismatch:assistant_masks": (
        CRASH,
        "packing stops: All columns must have the same length",
    ),
    "no-trainable-token:none": (WASTED, "the row is computed and teaches nothing"),
    "targets-lost-by-truncation": (WASTED, "the row is computed and teaches nothing"),
}


READ = frozenset({"untrained-special-token"})  # needs LoRA


def contract(packing: bool) -> Contract:
    """What SFTTrainer asks for, with or without ``packing``."""
    return Contract(
        name=NAME,
        trainer="trl",
        version=VERSION,
        columns=COLUMNS,
        consequences=consequences(PACKED if packing else FACTS),
        packing=packing,
        ran=True,
        read=READ,
        makes_labels="if-absent",
        loss_masks=(COMPLETION, ASSISTANT),
        also_knows=frozenset({MASK, POSITIONS}),
        sequence_len=MAX_LENGTH,
        excess_length="truncate",
    )
