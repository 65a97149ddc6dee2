"""A local model or tokenizer folder -> its vocabulary size and special ids.

Reads the small JSON files that transformers writes; runs no tokenizer and loads no model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_pretok.small_files import read_regular

LARGEST = 2**27  # bytes of a tokenizer.json
_ROLES = ("bos", "eos", "pad")


def vocabulary(
    folder: Path, special_tokens: Mapping[str, str], adds_tokens: bool = False
) -> dict[str, Any]:
    """What a folder tells of its tokenizer, by the names of `DatasetSettings`.

    ``special_tokens`` are those that the run sets anew (``pad_token`` ...); with ``adds_tokens``
    the run adds further ones. The size is that of the embedding, and is left out where the run
    may make it larger. What is not told is left out.
    """
    model, tokens = _object(folder / "config.json"), _Tokens.read(folder)
    inner = model.get("text_config")
    told = {**(inner if isinstance(inner, dict) else {}), **model}
    ids: dict[str, list[int]] = {}
    grows = adds_tokens
    for role in _ROLES:
        spelling = special_tokens.get(f"{role}_token") or tokens.special.get(role)
        if spelling is None:
            # A tokenizer that names some special tokens, but not this one, has none.
            none = bool(tokens.special) and role != "eos"
            ids[role] = [] if none else _ids(told.get(f"{role}_token_id"))
            continue
        number = tokens.number(spelling)
        ids[role] = [] if number is None else [number]
        grows = grows or (number is None and f"{role}_token" in special_tokens)
    generation = _object(folder / "generation_config.json")
    if "eos_token" not in special_tokens:
        ids["eos"] += _ids(told.get("eos_token_id"))
    ids["eos"] += _ids(generation.get("eos_token_id"))
    found: dict[str, Any] = {}
    for role in ("bos", "pad"):
        if ids[role]:
            found[f"{role}_token_id"] = ids[role][0]
    if ids["eos"]:
        found["eos_token_ids"] = tuple(dict.fromkeys(ids["eos"]))
    size = told.get("vocab_size")
    known = type(size) is int and size > max([0, *(one for many in ids.values() for one in many)])
    if known and not grows:
        found["vocab_size"] = size
    return found


@dataclass(slots=True)
class _Tokens:
    """The spellings of special tokens by role, and the ids of spellings."""

    folder: Path
    special: dict[str, str]
    added: dict[str, int]
    vocabulary: dict[str, int] | None = None

    @classmethod
    def read(cls, folder: Path) -> _Tokens:
        config = _object(folder / "tokenizer_config.json")
        special = {role: _spelling(config.get(f"{role}_token")) for role in _ROLES}
        decoder = config.get("added_tokens_decoder")
        added = {}
        for number, entry in decoder.items() if isinstance(decoder, dict) else ():
            spelling = _spelling(entry)
            if spelling is not None and number.isdecimal() and len(number) < 20:
                added[spelling] = int(number)
        return cls(folder, {role: text for role, text in special.items() if text}, added)

    def number(self, spelling: str) -> int | None:
        """The id of a token, None where the folder does not tell."""
        if spelling in self.added:
            return self.added[spelling]
        if self.vocabulary is None:
            self.vocabulary = self._all()
        return self.vocabulary.get(spelling)

    def _all(self) -> dict[str, int]:
        file = _object(self.folder / "tokenizer.json")
        model = file.get("model")
        words = model.get("vocab") if isinstance(model, dict) else None
        entries = words.items() if isinstance(words, dict) else ()
        found = {word: number for word, number in entries if _is_id(number)}
        added = file.get("added_tokens")
        for entry in added if isinstance(added, list) else ():
            if isinstance(entry, dict) and _is_id(entry.get("id")):
                found[str(entry.get("content"))] = entry["id"]
        return found


def _spelling(value: Any) -> str | None:
    found = value.get("content") if isinstance(value, dict) else value
    return found if isinstance(found, str) else None


def _ids(value: Any) -> list[int]:
    many = value if isinstance(value, list) else [value]
    return [one for one in many if _is_id(one)]


def _is_id(value: Any) -> bool:
    return type(value) is int and value >= 0


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_regular(path, LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
