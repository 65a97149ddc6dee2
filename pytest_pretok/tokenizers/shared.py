"""One tokenizer a file and process, loaded when it is first asked, for threads that share it.

Must not know which library reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from threading import RLock

from pytest_pretok.tokenizers import Tokenizer, TokenizerError, load_tokenizer


class SharedTokenizer:
    """A tokenizer by its path; see `pretok_schemas.contract.Tokenizer` for the members."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = RLock()  # the libraries keep the way of encoding as a state of theirs

    def __reduce__(self) -> tuple[Callable[[str], SharedTokenizer], tuple[str]]:
        """Crosses to other processes by its path, and is read anew there, once a process."""
        return shared_tokenizer, (self.path,)

    @cached_property
    def _loaded(self) -> Tokenizer:
        return load_tokenizer(Path(self.path))

    def load(self) -> Tokenizer:
        """The tokenizer itself, read once.

        Raises:
            TokenizerError: it cannot be read.
        """
        with self._lock:
            return self._loaded

    @property
    def size(self) -> int:
        """Embedding rows, added tokens included."""
        return self.load().size

    @property
    def base_size(self) -> int:
        """Embedding rows without added tokens."""
        return self.load().base_size

    @property
    def bos(self) -> int | None:
        """The id that begins a text."""
        return self.load().bos

    @property
    def pad(self) -> int | None:
        """The id that fills rows up."""
        return self.load().pad

    @property
    def unk(self) -> int | None:
        """The id of what the vocabulary does not know."""
        return self.load().unk

    @property
    def ends(self) -> tuple[int, ...]:
        """The ids that end a text or a turn."""
        return self.load().ends

    @property
    def specials(self) -> Mapping[int, str]:
        """Special tokens by id."""
        return self.load().specials

    @property
    def adds_bos(self) -> bool:
        """Whether an empty text is encoded as BOS."""
        return self.load().adds_bos

    @property
    def identity(self) -> str:
        """What to call it in messages."""
        return self.load().identity

    def decode(self, ids: Sequence[int]) -> str:
        """The text of some ids."""
        with self._lock:
            return self._loaded.decode(ids)

    def pieces(self, ids: Sequence[int]) -> tuple[str, ...]:
        """The text of each id by itself."""
        with self._lock:
            return self._loaded.pieces(ids)

    def encode(self, text: str, specials: bool) -> list[int]:
        """The ids of a text."""
        with self._lock:
            return self._loaded.encode(text, specials)


@lru_cache(maxsize=16)
def shared_tokenizer(path: str) -> SharedTokenizer:
    """The tokenizer of a path, the same object at every call."""
    return SharedTokenizer(path)


def readable_tokenizer(folder: Path) -> bool:
    """Whether a folder holds a tokenizer that can be read here; the library for it is an extra."""
    try:
        shared_tokenizer(str(folder)).load()
    except TokenizerError:
        return False
    return True
