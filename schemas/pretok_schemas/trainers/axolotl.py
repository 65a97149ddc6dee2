"""Axolotl: what it asks of a pre-tokenised dataset, and what it does with each fault.

Facts only. Read in axolotl 0.19.0, and seen by running it on a CPU with eager attention: each
fault in a small set, once without and once with ``sample_packing``.
"""

from __future__ import annotations

from pretok_schemas.arrow import Kind
from pretok_schemas.contract import IDS, LABELS, MASK, Column, Contract
from pretok_schemas.findings import Consequence, Effect

NAME = "axolotl"
VERSION = "0.19.0"

CRASH, DROPPED, SILENT = Effect.CRASH, Effect.DROPPED, Effect.SILENT
WASTED, HARMLESS = Effect.WASTED, Effect.HARMLESS

# utils/data/wrappers.py, _is_dataset_already_tokenized: the three names, nothing else is tested.
COLUMNS = (
    Column(IDS),
    Column(
        MASK,
        accepts=frozenset({Kind.INTEGER, Kind.BOOLEAN}),
        tolerates=frozenset({Kind.FLOAT}),
    ),
    Column(LABELS),
)

# A rule, or RULE:ROLE or RULE:POLICY -> without packing, with packing.
FACTS: dict[str, tuple[tuple[Effect, str], tuple[Effect, str]]] = {
    "unreadable-file": (
        (CRASH, "the run stops when the file is loaded"),
        (CRASH, "the run stops when the file is loaded"),
    ),
    "no-rows": (
        (CRASH, "loading stops: there is nothing to train on"),
        (CRASH, "loading stops: there is nothing to train on"),
    ),
    "missing-column": (
        (CRASH, "loading stops with 'NoneType' object has no attribute 'startswith'"),
        (CRASH, "loading stops with 'NoneType' object has no attribute 'startswith'"),
    ),
    "column-type:input_ids": (
        (CRASH, "the run stops at the first batch that holds such a row"),
        (CRASH, "the run stops at the first batch that holds such a row"),
    ),
    "column-type:attention_mask": (
        (CRASH, "the run stops at the first batch that holds such a row"),
        (HARMLESS, "the mask is removed when packing"),
    ),
    "column-type:mild": (
        (HARMLESS, "a mask of floats works; whatever is not 0 counts as 1"),
        (HARMLESS, "the mask is removed when packing"),
    ),
    "column-type:labels": (
        (CRASH, "the run stops at the first batch that holds such a row"),
        (CRASH, "the run stops at the first batch that holds such a row"),
    ),
    "null-row:input_ids": (
        (CRASH, "loading stops: object of type 'NoneType' has no len()"),
        (CRASH, "loading stops: object of type 'NoneType' has no len()"),
    ),
    # utils/collators/batching.py without packing; drop_no_trainable_tokens with it.
    "null-row:labels": (
        (CRASH, "the run stops at a random step, when the row comes up"),
        (CRASH, "loading stops: 'NoneType' object is not iterable"),
    ),
    "null-row:attention_mask": (
        (CRASH, "the run stops at a random step, when the row comes up"),
        (HARMLESS, "the mask is removed when packing"),
    ),
    "null-token": (
        (CRASH, "the run stops at a random step: Unable to create tensor"),
        (CRASH, "the run stops at a random step: Unable to create tensor"),
    ),
    "length-mismatch:labels": (
        (SILENT, "trains on shifted targets, or stops where the lengths part at a multiple of 64"),
        (SILENT, "every later row of the bin trains on shifted targets, or the run stops"),
    ),
    "length-mismatch:attention_mask": (
        (CRASH, "the run stops when the row comes up: Unable to create tensor"),
        (HARMLESS, "the mask is removed when packing"),
    ),
    # utils/data/utils.py, filter_sequences_by_length
    "empty-row": (
        (DROPPED, "the row is dropped at load; a log line gives only a number"),
        (DROPPED, "the row is dropped at load; a log line gives only a number"),
    ),
    "short-row": (
        (DROPPED, "the row is dropped at load; a log line gives only a number"),
        (DROPPED, "the row is dropped at load; a log line gives only a number"),
    ),
    "too-long:drop": (
        (DROPPED, "the whole row is dropped at load; a log line gives only a number"),
        (DROPPED, "the whole row is dropped at load; a log line gives only a number"),
    ),
    "too-long:truncate": (
        (SILENT, "the end of the row is cut off, its end id with it"),
        (SILENT, "the end of the row is cut off, its end id with it"),
    ),
    "too-long:raise": (
        (CRASH, "loading stops, as excess_length_strategy asks"),
        (CRASH, "loading stops, as excess_length_strategy asks"),
    ),
    # core/trainers/base.py, _get_dataloader: packing removes the attention_mask column.
    "mask-values": (
        (HARMLESS, "whatever is not 0 counts as 1; document numbers isolate nothing"),
        (HARMLESS, "the mask is removed when packing"),
    ),
    "mask-hole": (
        (SILENT, "the model cannot see these tokens"),
        (HARMLESS, "the mask is removed when packing"),
    ),
    "mask-all-zero": (
        (SILENT, "the row is trained without any token that it may see"),
        (HARMLESS, "the mask is removed when packing"),
    ),
    "trailing-padding": (
        (WASTED, "padding is computed, and counts against sequence_len"),
        (WASTED, "padding becomes real tokens in the bin"),
    ),
    "leading-padding": (
        (WASTED, "padding is computed, and counts against sequence_len"),
        (SILENT, "the mask is removed when packing: padding is attended, positions are shifted"),
    ),
    "trained-under-mask": (
        (SILENT, "the model is trained to produce tokens that stand under a 0 of the mask"),
        (SILENT, "the model is trained to produce tokens that stand under a 0 of the mask"),
    ),
    # The shift is the model's: transformers, ForCausalLMLoss.
    "labels-shifted": (
        (SILENT, "the model learns to predict the wrong neighbour; the loss looks plausible"),
        (SILENT, "the model learns to predict the wrong neighbour; the loss looks plausible"),
    ),
    "label-out-of-range": (
        (CRASH, "the loss stops mid-run: Target is out of bounds, a device-side assert on CUDA"),
        (CRASH, "the loss stops mid-run: Target is out of bounds, a device-side assert on CUDA"),
    ),
    "label-not-input-id": (
        (SILENT, "these tokens are trained towards a wrong id"),
        (SILENT, "these tokens are trained towards a wrong id"),
    ),
    # utils/trainer.py, process_datasets_for_packing drops such rows only when packing.
    "no-trainable-token": (
        (WASTED, "the row is computed and teaches nothing; if all are so, the loss reads 0.0"),
        (DROPPED, "the row is dropped at load; if all are so, loading stops"),
    ),
    "token-out-of-vocab": (
        (CRASH, "the embedding stops mid-run: index out of range, a device-side assert on CUDA"),
        (CRASH, "the embedding stops mid-run: index out of range, a device-side assert on CUDA"),
    ),
    "ignore-index-in-ids": (
        (CRASH, "the embedding stops mid-run: index out of range, a device-side assert on CUDA"),
        (CRASH, "the embedding stops mid-run: index out of range, a device-side assert on CUDA"),
    ),
    "duplicate-rows": (
        (WASTED, "the row is trained twice an epoch, and may stand in both halves of val_set_size"),
        (WASTED, "the row is trained twice an epoch, and may stand in both halves of val_set_size"),
    ),
    "split-overlap": (
        (SILENT, "the evaluation is not held out; Axolotl does not compare the splits"),
        (SILENT, "the evaluation is not held out; Axolotl does not compare the splits"),
    ),
    # utils/data/shared.py: load_dataset_with_config, get_dataset_type
    "container": (
        (CRASH, "loading stops with a message about something else, or files are left out"),
        (CRASH, "loading stops with a message about something else, or files are left out"),
    ),
    # utils/data/shared.py: generate_dataset_hash_from_config, load_preprocessed_dataset
    "stale-prepared-folder": (
        (SILENT, "the rows that were prepared from the older files are trained"),
        (SILENT, "the rows that were prepared from the older files are trained"),
    ),
    # utils/data/wrappers.py: get_dataset_wrapper
    "tokenised-but-typed": (
        (SILENT, "the type is ignored: nothing that it stands for is applied"),
        (SILENT, "the type is ignored: nothing that it stands for is applied"),
    ),
    # utils/samplers/multipack.py: generate_batches, drop_last
    "too-few-tokens-to-pack": (
        (HARMLESS, "rows are not packed"),
        (SILENT, "no batch is full: the run ends after 0 steps, without an error"),
    ),
}


def contract(packing: bool) -> Contract:
    """What Axolotl asks for, with or without ``sample_packing``."""
    side = 1 if packing else 0
    return Contract(
        name=NAME,
        trainer="axolotl",
        version=VERSION,
        columns=COLUMNS,
        consequences={rule: Consequence(*facts[side]) for rule, facts in FACTS.items()},
        packing=packing,
    )
