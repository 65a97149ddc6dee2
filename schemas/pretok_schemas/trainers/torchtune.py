"""torchtune's datasets: what they ask for, and what is done with each fault.

Facts only. Read in its source of mid-2026, not run. Labels are shifted in the dataset:
``labels[i]`` is the token at i + 1, the last one is -100.
"""

from __future__ import annotations

from pretok_schemas.contract import DOCUMENTS, IDS, LABELS, POSITIONS, Column, Contract
from pretok_schemas.trainers.common import CRASH, SILENT, WASTED, Facts, consequences

NAME = "torchtune"
VERSION = "mid-2026"

COLUMNS = (
    Column(IDS, name="tokens"),
    Column(LABELS),
    Column(POSITIONS, required=False, name="input_pos"),
    Column(DOCUMENTS, required=False, parallel=False, name="seq_lens"),
)

_STOPS = (CRASH, "the run stops when the row comes up")

FACTS: Facts = {
    "labels-shifted": (
        SILENT,
        "labels are not shifted again: the model learns to repeat its input, or a wrong neighbour",
    ),
    "missing-column": (CRASH, "loading stops: there is no such key"),
    "column-type": _STOPS,
    "null-row": _STOPS,
    "null-token": _STOPS,
    "length-mismatch": _STOPS,
    "empty-row": _STOPS,
    "trailing-padding": (WASTED, "padding is computed, and counts against max_seq_len"),
    "leading-padding": (SILENT, "there is no mask: padding is attended, positions are shifted"),
    "too-long:raise": (CRASH, "packing stops: a row is longer than max_seq_len"),
    "too-long:truncate": (SILENT, "the end of the row is cut off, its end id with it"),
    "targets-lost-by-truncation": (WASTED, "the row is computed and teaches nothing"),
    "position-ids": (SILENT, "the model takes these positions as they stand"),
    "sequence-lengths": (SILENT, "documents are told apart at the wrong places"),
}


def contract(packing: bool) -> Contract:
    """What a tokenised row is for torchtune; a `PackedDataset` refuses long rows."""
    return Contract(
        name=NAME,
        trainer="torchtune",
        version=VERSION,
        columns=COLUMNS,
        consequences=consequences(FACTS),
        packing=packing,
        labels_ahead=1,
        without=frozenset({"first-label-trained"}),
        also_knows=frozenset({"mask"}),
        excess_length="raise" if packing else "truncate",
        min_sample_len=1,
    )
