"""Rules of people's own: the decorator that makes one of a function, options, and the guard.

Whatever such a rule does wrong leaves it without a verdict, and no other rule without its own.
Knows no file and no declaration.
"""

from __future__ import annotations

from pretok_schemas.custom.carried import packed_with, travels
from pretok_schemas.custom.custom import SCHEMA, Custom, consequences_of, spread
from pretok_schemas.custom.function import FunctionRule, as_look, rule
from pretok_schemas.custom.options import (
    custom_rules,
    fault_of,
    fault_of_options,
    options_of,
    own_options,
)

__all__ = [
    "SCHEMA",
    "Custom",
    "FunctionRule",
    "as_look",
    "consequences_of",
    "custom_rules",
    "fault_of",
    "fault_of_options",
    "options_of",
    "own_options",
    "packed_with",
    "rule",
    "spread",
    "travels",
]
