"""What the files beside a vocabulary say of it: roles, added tokens, ends, whether bos is added.

Must not import a tokenizer library; ids are taken as declared, and checked by the adapters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_pretok.tokenizers.base import HIGHEST_ID, TokenizerError
from pytest_pretok.tokenizers.files import read_object

# In this order trainers add those that the vocabulary lacks, which fixes their ids.
ROLES = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)
_EXTRA = ("additional_special_tokens", "extra_special_tokens")
# These classes begin each text with bos unless add_bos_token says otherwise.
_BEGINNING_CLASSES = ("LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer")


@dataclass(frozen=True, slots=True)
class Added:
    """A token that was added to a vocabulary, with the flags of the tokenizers library."""

    content: str
    special: bool
    lstrip: bool = False
    rstrip: bool = False
    single_word: bool = False
    normalized: bool = False


@dataclass(frozen=True, slots=True)
class Companions:
    """What was declared, nothing of it checked against a vocabulary.

    Attributes:
        roles: Spellings by role (``eos_token``), in the order in which lacking ones are added.
        extra: Spellings of further special tokens.
        added: Added tokens by id.
        end_ids: Ids that end a turn, each with the name of the file and key that says so.
        adds_bos: What ``add_bos_token`` says, None where nothing says anything.
        begins: Whether the declared tokenizer class begins texts with bos by default.
        silent: Whether there is neither a tokenizer_config.json nor a special_tokens_map.json.
    """

    roles: Mapping[str, Added] = field(default_factory=dict)
    extra: tuple[Added, ...] = ()
    added: Mapping[int, Added] = field(default_factory=dict)
    end_ids: tuple[tuple[int, str], ...] = ()
    adds_bos: bool | None = None
    begins: bool = False
    silent: bool = True


def read_companions(folder: Path | None) -> Companions:
    """What a folder's files say. Raises TokenizerError: one of them is damaged."""
    if folder is None:
        return Companions()
    config = read_object(folder / "tokenizer_config.json")
    mapping = read_object(folder / "special_tokens_map.json")
    tokens = dict(config or {})
    # A config that lists its added tokens is complete, and newer than the map.
    if "added_tokens_decoder" not in tokens:
        tokens |= mapping or {}
    adds_bos = tokens.get("add_bos_token")
    kind = str(tokens.get("tokenizer_class")).removesuffix("Fast")
    return Companions(
        roles={role: one for role in ROLES if (one := _token(role, tokens.get(role)))},
        extra=tuple(_extra(tokens)),
        added=_added(folder, tokens),
        end_ids=tuple(_end_ids(folder)),
        adds_bos=adds_bos if isinstance(adds_bos, bool) else None,
        begins=kind in _BEGINNING_CLASSES,
        silent=config is None and mapping is None,
    )


def _token(key: str, value: object) -> Added | None:
    """A token given as text or as an object with its flags; None for null and for no text."""
    if isinstance(value, str):
        return Added(value, special=True) if value else None
    if isinstance(value, dict):
        return _from_object(key, value, special=True)
    if value is None:
        return None
    raise TokenizerError(f"tokenizer_config.json: {key} is neither text nor a token: {value!r}")


def _from_object(key: str, value: Mapping[str, Any], special: bool | None = None) -> Added:
    """A token given as an object; ``special`` overrides what the object says."""
    content = value.get("content")
    if not isinstance(content, str) or not content:
        raise TokenizerError(f"tokenizer_config.json: {key} has no content: {value!r}")
    is_special = bool(value.get("special", False)) if special is None else special
    flags = {name: bool(value.get(name)) for name in ("lstrip", "rstrip", "single_word")}
    normalized = bool(value.get("normalized", not is_special))
    return Added(content, special=is_special, normalized=normalized, **flags)


def _extra(tokens: Mapping[str, Any]) -> Iterator[Added]:
    """Special tokens without a role of their own: lists, and roles of particular models."""
    for key in _EXTRA:
        value = tokens.get(key) or ()
        listed = value.values() if isinstance(value, dict) else value
        if not isinstance(value, dict | list | tuple):
            raise TokenizerError(f"tokenizer_config.json: {key} is no list of tokens")
        yield from (one for each in listed if (one := _token(key, each)))
    for key, value in tokens.items():
        if key.endswith("_token") and key not in ROLES and isinstance(value, str) and value:
            yield Added(value, special=True)


def _added(folder: Path, tokens: Mapping[str, Any]) -> dict[int, Added]:
    """Added tokens by id, in the order of ids."""
    found: dict[int, Added] = {}
    declared = tokens.get("added_tokens_decoder")
    if declared is None:
        named = {one.content for role in ROLES if (one := _token(role, tokens.get(role)))}
        for content, number in (read_object(folder / "added_tokens.json") or {}).items():
            special = content in named
            found[_id("added_tokens.json", number)] = Added(
                content, special=special, normalized=not special
            )
    elif isinstance(declared, dict):
        for key, value in declared.items():
            if not isinstance(value, dict):
                raise TokenizerError(f"tokenizer_config.json: added token {key} is no object")
            number = int(key) if key.isdecimal() and len(key) < 20 else key
            found[_id("tokenizer_config.json", number)] = _from_object(key, value)
    else:
        raise TokenizerError("tokenizer_config.json: added_tokens_decoder is no object")
    return dict(sorted(found.items()))


def _id(source: str, value: object) -> int:
    """An id that an embedding can have a row for."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= HIGHEST_ID:
        raise TokenizerError(f"{source}: {value!r} is no token id")
    return value


def _end_ids(folder: Path) -> Iterator[tuple[int, str]]:
    """The eos_token_id of the model's configs; text models inside larger ones too.

    Only ends are taken from these files: their bos_token_id and pad_token_id are class defaults
    in many models whose tokenizer has neither.
    """
    for name in ("generation_config.json", "config.json"):
        config = read_object(folder / name) or {}
        for part in (config, config.get("text_config")):
            if not isinstance(part, dict):
                continue
            value = part.get("eos_token_id")
            for number in value if isinstance(value, list) else [value]:
                if number is None or number == -1:  # how some files write that there is none
                    continue
                yield _id(f"{name}: eos_token_id", number), f"{name} (eos_token_id)"
