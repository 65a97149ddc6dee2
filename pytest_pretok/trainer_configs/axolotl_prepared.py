"""The name of the folder in which Axolotl keeps what it prepared from a configuration's data.

Arithmetic on the configuration alone, as in axolotl 0.19.0; looks at no file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

FOLDER = "last_run_prepared"  # common/const.py
SEQUENCE_LEN, BIN_SIZE, GROUP_SIZE = 512, 200, 100_000  # utils/schemas/config.py

_OF_RUN = (
    "chat_template",
    "chat_template_kwargs",
    "default_system_message",
    "eot_tokens",
    "sample_packing_sequentially",
    "train_on_inputs",
)
_OF_TOKENS = ("bos_token", "eos_token", "pad_token", "unk_token", "additional_special_tokens")
_OF_ENTRY = (
    "chat_template",
    "chat_template_jinja",
    "data_files",
    "drop_system_message",
    "ds_type",
    "field",
    "field_human",
    "field_messages",
    "field_model",
    "field_thinking",
    "field_tools",
    "input_format",
    "input_transform",
    "message_field_training",
    "message_field_training_detail",
    "name",
    "preprocess_shards",
    "revision",
    "roles",
    "roles_to_train",
    "shards_idx",
    "split_thinking",
    "template_thinking_key",
    "train_on_eos",
    "train_on_eot",
)
# With these the configuration is changed by code before it is hashed, or hashed by other code.
_UNTOLD = ("plugins", "added_tokens_overrides", "chat_template_jinja", "rl", "strict")


def prepared_folders(
    values: Mapping[str, Any], tokenizer: str | None, folder: str | None
) -> tuple[dict[bool, str], str | None]:
    """The prepared folders of the data to train on (True) and to evaluate on (False).

    None where Axolotl keeps none. The second value says why the names cannot be told, if so.
    """
    if values.get("skip_prepare_dataset"):
        return {}, None
    found: dict[bool, str] = {}
    reason = next((key for key in _UNTOLD if values.get(key)), None)
    for trains, key in ((True, "datasets"), (False, "test_datasets")):
        entries = values.get(key)
        if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
            continue
        if any(isinstance(entry.get("type"), dict) for entry in entries):
            reason = reason or "type"
        if reason is None and tokenizer is not None:
            found[trains] = f"{folder or FOLDER}/{dataset_hash(values, entries, tokenizer)}"
    if reason is not None:
        return {}, f"{reason} decides on the prepared folder's name"
    return found, "there is no base_model to name the folder by" if tokenizer is None else None


def dataset_hash(
    values: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], tokenizer: str
) -> str:
    """The name of a prepared folder, 32 hexadecimal digits.

    What ``generate_dataset_hash_from_config`` (utils/data/shared.py) makes of a configuration
    once its defaults are filled in: an MD5 over lengths and packing, over each entry's path, type
    and split, over the tokenizer's name, and over further keys as JSON. No file is part of it,
    which is why data written anew under the same path keeps its old prepared rows.
    """
    packing, eval_packing = _flag(values, "sample_packing"), _flag(values, "eval_sample_packing")
    if packing and eval_packing is None:
        eval_packing = True  # utils/schemas/validation.py
    run = [
        int(values.get("sequence_len") or SEQUENCE_LEN),
        packing,
        eval_packing,
        _flag(values, "group_by_length"),
        1.0,
        _flag(values, "dataset_exact_deduplication") or False,
    ]
    names = sorted(_name(entry) for entry in entries)
    parts = ["@".join(map(str, run)), *names, tokenizer, _json(_further(values, entries))]
    return hashlib.md5("|".join(parts).encode(), usedforsecurity=False).hexdigest()


def _flag(values: Mapping[str, Any], key: str) -> Any:
    value = values.get(key)
    return value.lower() == "true" if isinstance(value, str) else value


def _name(entry: Mapping[str, Any]) -> str:
    parts = [entry.get(key) for key in ("path", "type", "shards", "conversation", "split")]
    return ":".join(map(str, [*parts, entry.get("temperature") or 1.0]))


def _further(values: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    special = values.get("special_tokens")
    run = {
        **{key: values.get(key) for key in _OF_RUN},
        "sample_packing_bin_size": values.get("sample_packing_bin_size", BIN_SIZE),
        "sample_packing_group_size": values.get("sample_packing_group_size", GROUP_SIZE),
        "special_tokens": {k: special.get(k) for k in _OF_TOKENS}
        if isinstance(special, dict)
        else None,
    }
    own = [{"id": _name(entry), "extra": _filled(_of_entry(entry))} for entry in entries]
    return {"cfg": _filled(run), "datasets": sorted(own, key=_json)}


def _of_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of an entry that count, defaults filled in (utils/schemas/datasets.py)."""
    found = {key: entry.get(key) for key in _OF_ENTRY}
    if entry.get("type") == "chat_template" and not found["chat_template"]:
        found["chat_template"] = "tokenizer_default"
    if found["chat_template_jinja"] and not found["chat_template"]:
        found["chat_template"] = "jinja"
    mapping = {
        "role": entry.get("message_field_role") or "role",
        "content": entry.get("message_field_content") or "content",
        **(entry.get("message_property_mappings") or {}),
    }
    return {**found, "message_property_mappings": mapping}


def _filled(table: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: _plain(value) for key, value in table.items()}
    empty: tuple[Any, ...] = (None, {}, [])
    return {k: v for k, v in plain.items() if v not in empty and v is not False}


def _plain(value: Any) -> Any:
    """A value without nothings: keys that are None do not count, at any depth."""
    if isinstance(value, dict):
        inner = {str(key): _plain(one) for key, one in value.items()}
        return {key: one for key, one in inner.items() if one is not None}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
