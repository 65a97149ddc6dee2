"""Axolotl: what it asks of a pre-tokenised dataset, and what it does with each fault.

Facts only. Read in axolotl 0.19.0, and seen by running it on a CPU with eager attention: each
fault in a small set, once without and once with ``sample_packing``.
"""

from __future__ import annotations

from pretok_schemas.arrow import Kind
from pretok_schemas.contract import IDS, LABELS, MASK, POSITIONS, Column, Contract
from pretok_schemas.findings import Severity
from pretok_schemas.trainers.common import (
    CRASH,
    DROPPED,
    HARMLESS,
    SILENT,
    WASTED,
    Facts,
    consequences,
)

NAME = "axolotl"
VERSION = "0.19.0"

# utils/data/wrappers.py, _is_dataset_already_tokenized: the three names, nothing else is tested.
COLUMNS = (
    Column(IDS),
    Column(
        MASK,
        accepts=frozenset({Kind.INTEGER, Kind.BOOLEAN}),
        tolerates=frozenset({Kind.FLOAT}),
    ),
    Column(LABELS),
    Column(POSITIONS, required=False),
)

_AT_A_BATCH = (CRASH, "the run stops at the first batch that holds such a row")
_AT_RANDOM = (CRASH, "the run stops at a random step, when the row comes up")
_NO_LENGTH = (CRASH, "loading stops: object of type 'NoneType' has no len()")
_AT_LOAD = (DROPPED, "the row is dropped at load; a log line gives only a number")
_NO_MASK = (HARMLESS, "the mask is removed when packing")
_PADDED = (WASTED, "padding is computed, and counts against sequence_len")

FACTS: Facts = {
    "missing-column": (
        CRASH,
        "loading stops with 'NoneType' object has no attribute 'startswith'",
    ),
    "column-type:input_ids": _AT_A_BATCH,
    "column-type:attention_mask": _AT_A_BATCH,
    "column-type:labels": _AT_A_BATCH,
    "column-type:position_ids": _AT_A_BATCH,
    "column-type:mild": (HARMLESS, "a mask of floats works; whatever is not 0 counts as 1"),
    "null-row:input_ids": _NO_LENGTH,
    # utils/collators/batching.py without packing; drop_no_trainable_tokens with it.
    "null-row:labels": _AT_RANDOM,
    "null-row:attention_mask": _AT_RANDOM,
    "null-row:position_ids": _AT_RANDOM,
    "null-token": (CRASH, "the run stops at a random step: Unable to create tensor"),
    "length-mismatch:labels": (
        SILENT,
        "trains on shifted targets, or stops where the lengths part at a multiple of 64",
    ),
    "length-mismatch:attention_mask": (
        CRASH,
        "the run stops when the row comes up: Unable to create tensor",
    ),
    # DataCollatorForSeq2Seq fills short ones up with 0, 1, 2 ...
    "length-mismatch:position_ids": (SILENT, "positions are filled up from 0 without a word"),
    # utils/data/utils.py, filter_sequences_by_length
    "empty-row": _AT_LOAD,
    "short-row": _AT_LOAD,
    "too-long:drop": (
        DROPPED,
        "the whole row is dropped at load; a log line gives only a number",
    ),
    "too-long:truncate": (SILENT, "the end of the row is cut off, its end id with it"),
    "too-long:raise": (CRASH, "loading stops, as excess_length_strategy asks"),
    "targets-lost-by-truncation": (WASTED, "the row is computed and teaches nothing"),
    "mask-values": (
        HARMLESS,
        "whatever is not 0 counts as 1; document numbers isolate nothing",
    ),
    "mask-hole": (SILENT, "the model cannot see these tokens"),
    "mask-all-zero": (SILENT, "the row is trained without any token that it may see"),
    "trailing-padding": _PADDED,
    "leading-padding:hidden": _PADDED,
    "leading-padding:attended": (
        SILENT,
        "the mask shows the padding: it is attended, and positions are shifted",
    ),
    "trained-under-mask": (
        SILENT,
        "the model is trained to produce tokens that stand under a 0 of the mask",
    ),
    "position-ids": (SILENT, "the model takes these positions as they stand"),
    "duplicate-rows": (
        WASTED,
        "the row is trained twice an epoch, and may stand in both halves of val_set_size",
    ),
    "split-overlap": (
        SILENT,
        "the evaluation is not held out; Axolotl does not compare the splits",
    ),
    # utils/data/shared.py: load_dataset_with_config, get_dataset_type
    "container": (
        CRASH,
        "loading stops with a message about something else, or files are left out",
    ),
    # utils/data/shared.py: generate_dataset_hash_from_config, load_preprocessed_dataset
    "stale-prepared-folder": (SILENT, "the rows prepared from the older files are trained"),
    # utils/data/wrappers.py: get_dataset_wrapper
    "tokenised-but-typed": (
        SILENT,
        "the type is ignored: nothing that it stands for is applied",
    ),
}

# core/trainers/base.py, _get_dataloader: packing removes the attention_mask column, and
# utils/trainer.py, process_datasets_for_packing: drops rows without targets, counts positions anew.
PACKED: Facts = {
    **FACTS,
    "column-type:attention_mask": _NO_MASK,
    "column-type:mild": _NO_MASK,
    "column-type:position_ids": (CRASH, "loading stops: can only concatenate list"),
    "null-row:labels": (CRASH, "loading stops: 'NoneType' object is not iterable"),
    "null-row:attention_mask": _NO_MASK,
    "length-mismatch:labels": (
        SILENT,
        "every later row of the bin trains on shifted targets, or the run stops",
    ),
    "length-mismatch:attention_mask": _NO_MASK,
    "length-mismatch:position_ids": (HARMLESS, "positions are counted anew when packing"),
    "targets-lost-by-truncation": (DROPPED, "the row is dropped at load"),
    "mask-values": _NO_MASK,
    "mask-hole": _NO_MASK,
    "mask-all-zero": _NO_MASK,
    "trailing-padding": (WASTED, "padding becomes real tokens in the bin"),
    "leading-padding:hidden": (
        SILENT,
        "the mask is removed when packing: padding is attended, positions are shifted",
    ),
    "no-trainable-token:none": (DROPPED, "the row is dropped; if all are so, loading stops"),
    "no-trainable-token:first": (
        SILENT,
        "the row is kept, and the row before it in the bin is trained to predict its first label",
    ),
    "first-label-trained": (SILENT, "the last token of the row before it in the bin predicts it"),
    "position-ids": (HARMLESS, "positions are counted anew when packing"),
    # utils/samplers/multipack.py: generate_batches, drop_last
    "too-few-tokens-to-pack": (
        DROPPED,
        "no batch is full: the run ends after 0 steps, without an error",
    ),
    # The collator joins every column with np.concatenate.
    "extra-column": (CRASH, "the run stops: zero-dimensional arrays cannot be concatenated"),
}


# Not in the conformance suite: one lies in the configuration, the other needs LoRA.
READ = frozenset({"tokenised-but-typed", "untrained-special-token"})


def contract(packing: bool) -> Contract:
    """What Axolotl asks for, with or without ``sample_packing``."""
    return Contract(
        name=NAME,
        trainer="axolotl",
        version=VERSION,
        columns=COLUMNS,
        consequences=consequences(PACKED if packing else FACTS),
        packing=packing,
        ran=True,
        read=READ,
        also_knows=frozenset({"token_type_ids"}),
        concatenates=packing,
        severities={"extra-column": Severity.ERROR} if packing else {},
    )
