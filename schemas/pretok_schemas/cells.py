"""What a Python value is worth as a cell of tokens: a list of integers, or what else it is.

Knows no file, no contract and no Arrow. Files of text and data frames of objects are read by it.
"""

from __future__ import annotations

import math
import reprlib
from dataclasses import dataclass
from typing import Any

_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_LONGEST_TEXT = 80
_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = _SHOWN.maxlong = 60


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as a list of integers and nulls, or as null with the defect that made it so."""

    tokens: list[int | None] | None
    kind: str | None = None
    offender: object = None


def read_cell(value: object) -> Cell:
    """A value as tokens; integral floats and all-boolean lists are read, and marked as defects.

    Raises:
        ValueError: a number beyond the range of a double.
    """
    if value is None:
        return Cell(None)
    if isinstance(value, list):
        return _read_list(value)
    if isinstance(value, str):
        return Cell(None, "text", value)
    if isinstance(value, dict):
        return Cell(None, "object", value)
    if isinstance(value, float):
        _check_finite(value)
    return Cell(None, "scalar", value)


def _read_list(values: list[Any]) -> Cell:
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {int}:
        return _in_range(values)
    for kind, name in ((list, "nested"), (dict, "object"), (str, "text")):
        if any(issubclass(one, kind) for one in kinds):
            return Cell(None, name, _first(values, kind))
    if kinds == {bool}:
        as_integers = [None if value is None else int(value) for value in values]
        return Cell(as_integers, "boolean", _first(values, bool))
    if bool in kinds:
        return Cell(None, "boolean", _first(values, bool))
    return _read_floats(values)


def _read_floats(values: list[Any]) -> Cell:
    for value in values:
        if isinstance(value, float):
            _check_finite(value)
    uneven = next((v for v in values if isinstance(v, float) and not v.is_integer()), None)
    if uneven is not None:
        return Cell(None, "float", uneven)
    integers = _in_range([None if value is None else int(value) for value in values])
    return Cell(integers.tokens, "float", _first(values, float))


def _in_range(values: list[int | None]) -> Cell:
    known = values if None not in values else [value for value in values if value is not None]
    if known and (min(known) < _LOWEST or max(known) > _HIGHEST):  # type: ignore[type-var, operator]
        wrong = next(v for v in known if v is not None and not _LOWEST <= v <= _HIGHEST)
        return Cell(None, "out-of-range", wrong)
    return Cell(values)


def _first(values: list[Any], kind: type) -> object:
    return next(value for value in values if isinstance(value, kind))


def _check_finite(value: float) -> None:
    if math.isinf(value):
        raise ValueError("holds a number beyond the range of a double")


def shown(value: object) -> str:
    """A value as messages have it, in at most 80 characters."""
    text = _SHOWN.repr(dict(value) if isinstance(value, dict) else value)
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + "..."
