"""Whether settings given in Python can be used: what is wrong with them, before a row is read.

Knows single values and how they go together; no table, and no rule but by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import index
from typing import Any

from pretok_schemas.contract import ExcessLength

SIZES = ("sequence_len", "min_sample_len", "micro_batch_size", "vocab_size")  # 1 at least
IDS = ("bos_token_id", "eos_token_ids", "pad_token_id")
POLICIES: tuple[ExcessLength, ...] = ("drop", "truncate", "raise")
_TOKENIZER = ("size", "bos", "ends", "pad")


def check_settings(settings: Mapping[str, Any]) -> None:
    """Return if settings, by the names that `validate` has for them, can be used.

    Those that are left out are not looked at.

    Raises:
        ValueError: some cannot; all are named.
    """
    faults = [f"{key}: {text}" for key, text in _faults(settings)]
    if faults:
        raise ValueError("; ".join(faults))


def _faults(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in SIZES:
        if settings.get(key) is not None and not _counts(settings.get(key), 1):
            yield key, _text(settings.get(key), "a whole number >= 1")
    if not _counts(settings.get("examples", 0), 0):
        yield "examples", _text(settings.get("examples", 0), "a whole number >= 0")
    yield from _of_ids(settings)
    if settings.get("excess_length") not in (None, *POLICIES):
        yield "excess_length", _text(settings.get("excess_length"), f"one of {', '.join(POLICIES)}")
    yield from _of_kinds(settings)
    shortest: Any = settings.get("min_sample_len")
    longest: Any = settings.get("sequence_len")
    if _counts(shortest, 1) and _counts(longest, 1) and shortest > longest:
        yield "min_sample_len", f"{shortest:,} is above sequence_len = {longest:,}"


def _of_ids(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    size = settings.get("vocab_size")
    for key in IDS:
        value = settings.get(key)
        many = key == "eos_token_ids" and isinstance(value, list | tuple | set | frozenset)
        ids = () if value is None else value if many else (value,)
        if (many and not ids) or not all(_counts(one, 0) for one in ids):
            or_some = ", or a list of them" if key == "eos_token_ids" else ""
            yield key, _text(value, f"a whole number >= 0{or_some}")
        elif _counts(size, 1) and (beyond := [one for one in ids if one >= size]):
            yield key, f"{beyond[0]:,} is not below vocab_size = {size:,}"


def _of_kinds(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, example in (("rules", "'null-row': 'off'"), ("columns", "'input_ids': 'tokens'")):
        if settings.get(key) is not None and not isinstance(settings.get(key), Mapping):
            yield key, _text(settings.get(key), f"a mapping such as {{{example}}}")
    if isinstance(settings.get("only"), str):
        yield "only", _text(settings.get("only"), "a list of rules")
    if isinstance(settings.get("custom", ()), str | type) or not hasattr(
        settings.get("custom", ()), "__iter__"
    ):
        yield "custom", _text(settings.get("custom", ()), "a list of rules of your own")
    tokenizer = settings.get("tokenizer")
    lacking = [one for one in _TOKENIZER if not hasattr(tokenizer, one)]
    if tokenizer is not None and lacking:
        yield "tokenizer", f"a {type(tokenizer).__name__} has no {', '.join(lacking)}"


def budget_fault(max_rows: Any, max_share: Any) -> str | None:
    """What is wrong with the budget of a rule, None if nothing is."""
    if max_rows is not None and max_share is not None:
        return "has both max_rows and max_share"
    if max_rows is not None and not _counts(max_rows, 0):
        return f"max_rows: {_text(max_rows, 'a whole number >= 0')}"
    number = isinstance(max_share, int | float) and not isinstance(max_share, bool)
    if max_share is not None and not (number and 0 <= max_share <= 1):
        return f"max_share: {_text(max_share, 'a share from 0 to 1')}"
    return None


def _counts(value: Any, least: int) -> bool:
    """Whether something is a whole number, of Python or numpy, and not too small."""
    try:
        return not isinstance(value, bool) and index(value) >= least
    except TypeError:
        return False


def _text(found: Any, wanted: str) -> str:
    return f"found {found!r:.60}, expected {wanted}"
