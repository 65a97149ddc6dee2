"""Axolotl's YAML: its datasets, its length policy, and how it packs them.

Read in axolotl 0.19.0 (utils/schemas, utils/data/shared.py, core/builders/causal.py). Opens no
file; knows nothing of what lies at the paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_pretok.trainer_configs.axolotl_prepared import prepared_folders
from pytest_pretok.trainer_configs.base import Source, TrainerConfig
from pytest_pretok.trainer_configs.document import Document, Key

TRAINER = "axolotl"
KEYS = frozenset({"datasets", "test_datasets", "pretraining_dataset"})

SEQUENCE_LEN = 512  # where the file says nothing
STRATEGIES = ("drop", "truncate", "raise")
# Where the attention keeps packed rows apart by position alone, a batch is one long bin; elsewhere
# it is micro_batch_size bins, and too few of them are dropped (core/trainers/base.py).
LONG_BINS = frozenset(
    {
        "flash_attention_2",
        "flash_attention_3",
        "flash_attention_4",
        "flash_attention_torch",
        "flex_attention",
        "xformers",
        "sage",
        "kernels-community/flash-attn2",
        "kernels-community/flash-attn3",
        "kernels-community/sage-attention",
    }
)
_OLD_FLAGS = ("xformers_attention", "sage_attention", "flex_attention", "flash_attention")
_TOKENS = ("bos_token", "eos_token", "pad_token", "unk_token")


def read(document: Document) -> TrainerConfig:
    """What an Axolotl configuration says of its data; faults are noted in the document."""
    values = document.values
    packing = bool(_flag(document, "sample_packing"))
    own = _flag(document, "eval_sample_packing")
    eval_packing = packing if own is None else own
    length = document.size(("sequence_len",), values.get("sequence_len")) or SEQUENCE_LEN
    key = "eval_sequence_len"
    eval_length = document.size((key,), values.get(key)) or length
    held_out = document.number(("val_set_size",), values.get("val_set_size")) or 0
    if held_out and values.get("test_datasets"):
        document.fault(("val_set_size",), "Axolotl refuses it beside test_datasets; keep one")
    key = "micro_batch_size"
    micro = document.size((key,), values.get(key)) or 1
    document.size(("gradient_accumulation_steps",), values.get("gradient_accumulation_steps"))
    settings = {"packing": packing, "sequence_len": length, **_policy(document)}
    settings["micro_batch_size"] = micro
    sources = (*_sources(document, "datasets"), *_sources(document, "test_datasets"))
    model = _model(document)
    special = document.table(("special_tokens",), values.get("special_tokens"))
    folder = document.text(("dataset_prepared_path",), values.get("dataset_prepared_path"))
    streaming = bool(_flag(document, "streaming"))
    for key in ("skip_prepare_dataset", "group_by_length", "dataset_exact_deduplication"):
        _flag(document, key)
    # A faulty file is refused: there is no name to tell.
    prepared, untold = ({}, None) if document.faults else prepared_folders(values, model, folder)
    return TrainerConfig(
        TRAINER,
        sources if not values.get("rl") else (),
        settings,
        {**settings, "packing": eval_packing, "sequence_len": eval_length},
        {} if streaming and packing else prepared,
        untold,
        bin_rows=document.size(("sample_packing_bin_size",), values.get("sample_packing_bin_size")),
        bins=micro if _real_batches(document) else 1,
        held_out=held_out,
        streaming=streaming,
        model=model,
        special_tokens={k: v for k, v in special.items() if k in _TOKENS and isinstance(v, str)},
        adds_tokens=any(values.get(k) for k in ("tokens", "added_tokens_overrides")),
        unread=_unread(document, sources),
    )


def _flag(document: Document, key: str) -> bool | None:
    return document.flag((key,), document.values.get(key))


def _policy(document: Document) -> dict[str, Any]:
    least = document.size(("min_sample_len",), document.values.get("min_sample_len"), 0)
    key = "excess_length_strategy"
    excess = document.one_of((key,), document.values.get(key), STRATEGIES)
    return {"min_sample_len": least or None, "excess_length": excess or "drop"}


def _model(document: Document) -> str | None:
    found = None
    for key in ("tokenizer_config", "base_model_config", "base_model"):
        found = found or document.text((key,), document.values.get(key)) or None
    return found


def _real_batches(document: Document) -> bool:
    own = _flag(document, "multipack_real_batches")
    if own is not None:
        return own
    attention = document.text(("attn_implementation",), document.values.get("attn_implementation"))
    if attention is None:
        return not any(_flag(document, key) for key in _OLD_FLAGS)
    return attention.split(":")[0].split("@")[0].strip() not in LONG_BINS


def _sources(document: Document, key: str) -> list[Source]:
    entries = document.values.get(key)
    if entries is None:
        return []
    if not isinstance(entries, list) or not entries:
        document.fault((key,), "expected a list of entries, each with a path")
        return []
    found = []
    for at, entry in enumerate(entries):
        if isinstance(entry, dict):
            found += _source(document, (key, at), entry, key)
        else:
            document.fault((key, at), "expected keys and values, path among them")
    return found


def _source(document: Document, at: Key, entry: Mapping[str, Any], key: str) -> list[Source]:
    kind = entry.get("type")
    if kind == "_synthetic":
        return []  # made by the trainer; see `_unread`
    path = document.text((*at, "path"), entry.get("path"))
    if not path and not document.faults_at((*at, "path")):
        document.fault((*at, "path"), "the path is empty" if path == "" else "path is missing")
    if not isinstance(kind, str | dict | None):
        document.fault((*at, "type"), "expected text, keys and values, or nothing")
    source = Source(
        path or "",
        key,
        document.line(at),
        trains=key == "datasets",
        ds_type=document.text((*at, "ds_type"), entry.get("ds_type")) or None,
        data_files=document.texts((*at, "data_files"), entry.get("data_files")),
        split=document.text((*at, "split"), entry.get("split")) or None,
        type=kind if isinstance(kind, str) else "a format of its own" if kind else "",
    )
    return [source] if path else []


def _unread(document: Document, sources: tuple[Source, ...]) -> tuple[str, ...]:
    """What is data, but of another kind than rows of tokens."""
    values, notes = document.values, []
    if values.get("rl"):
        named = ", ".join(source.path for source in sources) or "no datasets"
        notes.append(f"{named} (rl: {values['rl']}: preference data)")
    if values.get("pretraining_dataset"):
        notes.append("pretraining_dataset (text, which Axolotl tokenises itself)")
    for key in ("datasets", "test_datasets"):
        entries = values.get(key)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and entry.get("type") == "_synthetic":
                notes.append("a dataset of type _synthetic (made by Axolotl)")
    return tuple(notes)
