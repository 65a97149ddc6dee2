"""What is wrong with a declaration, in words.

Knows no data and no pytest; pydantic's errors only as the plain tables that they list.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pretok_schemas.text import plural, printable

_LONGEST_KEY = 120  # of a fault's text
_MOST_SHOWN = 100  # faults in one text; who has more has another kind of file
_MOST_NAMES = 20  # that are listed where no spelling is near

LATER = {
    "format": "the format is told by the file's content",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a declaration: file, line, key, and what is wrong with it."""

    file: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class DeclarationError(Exception):
    """A declaration is faulty; ``faults`` has all of them, in the order of their lines."""

    def __init__(self, faults: Collection[Fault]) -> None:
        order = list(dict.fromkeys(fault.file for fault in faults))
        self.faults = tuple(sorted(faults, key=lambda f: (order.index(f.file), f.line or 0)))
        files = ", ".join(dict.fromkeys(fault.file for fault in self.faults))
        head = f"{plural(len(self.faults), 'fault')} in {files}"
        shown = [f"  {fault}" for fault in self.faults[:_MOST_SHOWN]]
        if more := len(self.faults) - len(shown):
            shown.append(f"  ... and {plural(more, 'more fault', 'more faults')}")
        super().__init__("\n".join([head, *shown]))


def place_of(table: tuple[str, ...], key: tuple[str, ...]) -> str:
    """A table and a key in it, as a person would look for them."""
    if not table:
        return printable(".".join(key), _LONGEST_KEY)
    shown = printable(f"[{'.'.join(table)}]", _LONGEST_KEY)
    return f"{shown} {printable('.'.join(key), _LONGEST_KEY)}" if key else shown


def nearest(name: str, known: Collection[str], otherwise: str = "") -> str:
    """The nearest valid spelling, else all that are valid and ``otherwise``, behind semicolons."""
    dashed = name.replace("_", "-")
    near = get_close_matches(dashed, known, n=1) or get_close_matches(name, known, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return (f"; known: {', '.join(known)}" if len(known) <= _MOST_NAMES else "") + otherwise


def quote(value: Any) -> str:
    """What was found, as Python writes it, in at most 60 characters."""
    try:
        return printable(repr(list(value) if isinstance(value, tuple) else value), 60)
    except ValueError:  # Python refuses to write whole numbers of more than 4,300 digits
        return "a number of thousands of digits"


def expected(error: Any) -> str:
    """What is allowed where pydantic found an error (one entry of ``errors()``)."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("greater_than_equal", "less_than_equal"):
        sign, bound = (">=", context["ge"]) if "ge" in context else ("<=", context["le"])
        return f"a number {sign} {bound:g}"
    if kind == "literal_error":
        return f"one of {context['expected']}"
    return {
        "int_type": "a whole number",
        "float_type": "a number",
        "bool_type": "true or false",
        "string_type": "text in quotes",
        "tuple_type": "a whole number, or a list of them",
        "too_short": "at least one id",
        "dict_type": "a table",
        "model_type": "a severity in quotes, or a table",
        "model_attributes_type": "a severity in quotes, or a table",
    }.get(kind, "another value")
