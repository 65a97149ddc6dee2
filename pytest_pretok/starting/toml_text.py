"""Values as TOML, as far as a declaration needs them. Knows no declaration."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def string(text: str) -> str:
    """A text as a basic string of TOML.

    Raises:
        ValueError: it has lone surrogates, as paths have that are no UTF-8; TOML cannot say them.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"not UTF-8: {text!r}") from error
    # JSON's escapes are TOML's; only DEL is let through by JSON alone.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def key(text: str) -> str:
    """A key: bare where it can be, else in quotes."""
    return text if _BARE.fullmatch(text) else string(text)


def table(values: Mapping[str, str]) -> str:
    """An inline table of texts."""
    return "{ " + ", ".join(f"{key(k)} = {string(v)}" for k, v in values.items()) + " }"


def comment(text: str) -> str:
    """A text as a comment: control characters, which no comment may hold, are left out."""
    return "# " + "".join(c if c.isprintable() else "?" for c in text)
