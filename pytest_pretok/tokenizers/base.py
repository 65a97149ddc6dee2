"""The words that tokenizer adapters share: the Protocol, the one error, how text is made readable.

Must not import a tokenizer library, an adapter, or anything else of the project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

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


class Tokenizer(Protocol):
    """What a tokenizer says of its ids, whatever library reads it.

    Attributes, all read-only:
        size: Embedding rows that the ids need: the highest id + 1, added tokens included.
        base_size: The same without the added tokens that lie above the model's own vocabulary.
        bos: The id that begins a text, None if there is none.
        pad: The id that fills up, None if there is none.
        unk: The id of what the vocabulary lacks, None if there is none.
        ends: Every id that ends a text or a turn, the declared end of text first; none twice.
        specials: Every special token: id to spelling, in the order of ids.
        adds_bos: Whether encoding a text as a trainer does begins with ``bos``.
        identity: A short description for messages: ``tokenizer.json, 151,665 ids``.

    One object is not to be used by several threads at once.
    """

    @property
    def size(self) -> int: ...  # noqa: D102  (the class documents its attributes)

    @property
    def base_size(self) -> int: ...  # noqa: D102

    @property
    def bos(self) -> int | None: ...  # noqa: D102

    @property
    def pad(self) -> int | None: ...  # noqa: D102

    @property
    def unk(self) -> int | None: ...  # noqa: D102

    @property
    def ends(self) -> tuple[int, ...]: ...  # noqa: D102

    @property
    def specials(self) -> Mapping[int, str]: ...  # noqa: D102

    @property
    def adds_bos(self) -> bool: ...  # noqa: D102

    @property
    def identity(self) -> str: ...  # noqa: D102

    def decode(self, ids: Sequence[int]) -> str:
        """The text of a sequence, special tokens spelled out, nothing cleaned up.

        Ids that the tokenizer does not have are shown as ``<151700?>``. Raises TokenizerError
        where the library gives up.
        """
        ...

    def pieces(self, ids: Sequence[int]) -> tuple[str, ...]:
        """The text of each id by itself, as many as there are ids.

        Line breaks and leading spaces are kept; bytes that are no text of their own are shown as
        ``<0xC3>``, ids that the tokenizer does not have as in ``decode``.
        """
        ...

    def encode(self, text: str, specials: bool) -> list[int]:
        """The ids of a text, with no bos and no eos added.

        With ``specials``, the spelling of a special token in the text becomes this token;
        without, it is encoded as the plain text that it is. Lone surrogates are encoded as
        U+FFFD. Raises TokenizerError where the library gives up.
        """
        ...


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
