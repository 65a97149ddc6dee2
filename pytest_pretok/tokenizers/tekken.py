"""A Mistral tekken file by way of the mistral-common library.

Must not know where the file came from, or the other kinds of tokenizer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_pretok.tokenizers.base import foreign, readable, well_formed
from pytest_pretok.tokenizers.ends import gather_ends
from pytest_pretok.tokenizers.files import Found
from pytest_pretok.tokenizers.libraries import library, library_errors
from pytest_pretok.tokenizers.spelled import Cutter, decode_runs


class TekkenTokenizer:
    """The adapter; see ``Tokenizer`` for what each member means.

    A tekken file says everything itself: special tokens are its lowest ids, nothing is added.
    """

    size: int
    base_size: int
    bos: int | None
    pad: int | None
    unk: int | None
    ends: tuple[int, ...]
    specials: Mapping[int, str]
    # Mistral's own encoders begin every text with <s>; the file cannot say otherwise.
    adds_bos: bool
    identity: str

    def __init__(self, inner: Any, spellings: Mapping[int, str], name: str) -> None:
        """Ask the library everything that does not depend on a text."""
        self._inner = inner
        self.size = self.base_size = int(inner.n_words)
        self.specials = spellings
        self._cutter = Cutter(spellings)
        ids = {spelling: one for one, spelling in spellings.items()}
        self.bos, self.pad, self.unk = ids.get("<s>"), ids.get("<pad>"), ids.get("<unk>")
        self.adds_bos = self.bos is not None
        declared = [(ids["</s>"], "</s>")] if "</s>" in ids else []
        self.ends = gather_ends(
            declared,
            spellings,
            self.pad,
            lambda one: 0 <= one < self.size,
            lambda one: self.pieces([one])[0],
        )
        self.identity = f"{name}, {self.size:,} ids"

    def decode(self, ids: Sequence[int]) -> str:
        """See ``Tokenizer``."""
        with library_errors("the mistral-common library cannot decode"):
            return decode_runs(
                ids, self.size, self.specials, lambda run: str(self._inner.decode(run))
            )

    def pieces(self, ids: Sequence[int]) -> tuple[str, ...]:
        """See ``Tokenizer``."""
        return tuple(map(self._piece, map(int, ids)))

    def encode(self, text: str, specials: bool) -> list[int]:
        """See ``Tokenizer``."""
        with library_errors("the mistral-common library cannot encode"):
            sane = well_formed(text)
            return self._cutter.encode(sane, self._plain) if specials else self._plain(sane)

    def _plain(self, text: str) -> list[int]:
        return list(self._inner.encode(text, bos=False, eos=False))

    def _piece(self, one: int) -> str:
        if one in self.specials:
            return self.specials[one]
        if not 0 <= one < self.size:
            return foreign(one)
        return readable(bytes(self._inner.id_to_byte_piece(one)))


def load_tekken(found: Found) -> TekkenTokenizer:
    """A tekken file. Raises TokenizerError: one line."""
    module = library("mistral_common.tokens.tokenizers.tekken", found.path)
    with library_errors(f"{found.path} is no tekken file that the mistral-common library reads"):
        inner = module.Tekkenizer.from_file(found.path)
    with library_errors(f"{found.path} cannot be used"):
        spellings = {one: str(inner.id_to_piece(one)) for one in range(inner.num_special_tokens)}
        return TekkenTokenizer(inner, spellings, found.path.name)
