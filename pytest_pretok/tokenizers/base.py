"""The words that tokenizer adapters share: the one error, how text is made readable.

Must not import a tokenizer library, an adapter, or anything else of the project.
"""

from __future__ import annotations

HIGHEST_ID = 2**31 - 1
_LONGEST_REASON = 300


class TokenizerError(Exception):
    """A tokenizer that cannot be read, or whose files say what cannot be.

    ``reason`` is one line of at most 300 characters, without control characters.
    """

    reason: str

    def __init__(self, reason: str) -> None:
        """Keep the reason as one printable line."""
        self.reason = one_line(reason, _LONGEST_REASON)
        super().__init__(self.reason)


def one_line(text: str, limit: int) -> str:
    """Text on one line, without characters that do not print, shortened to ``limit``."""
    flat = " ".join(text.split())
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in flat)
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."


def foreign(number: int) -> str:
    """How an id that the tokenizer does not have is shown."""
    return f"<{number}?>"


def readable(raw: bytes) -> str:
    """Bytes as text, those that are no UTF-8 as ``<0xC3>``."""
    text = raw.decode("utf-8", "surrogateescape")
    return "".join(f"<0x{ord(c) - 0xDC00:02X}>" if "\udc80" <= c <= "\udcff" else c for c in text)


def well_formed(text: str) -> str:
    """Text that every library takes: lone surrogates become U+FFFD."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
