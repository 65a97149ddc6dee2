"""A SentencePiece model by way of the sentencepiece library.

Must not know where the file came from, or the other kinds of tokenizer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_pretok.tokenizers.base import TokenizerError, foreign, readable, well_formed
from pytest_pretok.tokenizers.companions import Added, Companions, read_companions
from pytest_pretok.tokenizers.ends import KNOWN_ENDS, gather_ends
from pytest_pretok.tokenizers.files import Found
from pytest_pretok.tokenizers.libraries import library, library_errors
from pytest_pretok.tokenizers.spelled import Cutter, decode_runs

_SPACE = "\u2581"


class SentencePieceTokenizer:
    """The adapter; see ``Tokenizer`` for what each member means.

    As in the library itself, a text and what follows a special token begin with a space of their
    own, which decoding takes away again.
    """

    size: int
    base_size: int
    bos: int | None
    pad: int | None
    unk: int | None
    ends: tuple[int, ...]
    specials: Mapping[int, str]
    adds_bos: bool
    identity: str

    def __init__(self, inner: Any, companions: Companions, name: str) -> None:
        """Ask the library everything that does not depend on a text."""
        self._inner = inner
        self.base_size = int(inner.get_piece_size())
        self._pieces = list(map(str, inner.id_to_piece(list(range(self.base_size)))))
        added = _all_added(inner, companions)
        self.size = max(self.base_size, max(added, default=-1) + 1)
        self._added = {one: token.content for one, token in added.items()}
        control = _control(inner)
        declared_special = {one: token.content for one, token in added.items() if token.special}
        self.specials = dict(sorted((control | declared_special).items()))
        self._spelled = dict(sorted((control | self._added).items()))
        kept = {one: text for one, text in self._added.items() if one not in self.specials}
        self._cut_all, self._cut_kept = Cutter(self._spelled), Cutter(kept)

        ids = {text: one for one, text in reversed(self._spelled.items())}
        named = {role: ids.get(one.content) for role, one in companions.roles.items()}
        self.bos = _role(named.get("bos_token"), inner.bos_id())
        self.pad = _role(named.get("pad_token"), inner.pad_id())
        self.unk = _role(named.get("unk_token"), inner.unk_id())
        eos = _role(named.get("eos_token"), inner.eos_id())
        begins = companions.begins if companions.adds_bos is None else companions.adds_bos
        self.adds_bos = begins and self.bos is not None
        declared = [] if eos is None else [(eos, "the eos token")]
        self.ends = gather_ends(
            (*declared, *companions.end_ids),
            self._spelled | _known_pieces(inner),
            self.pad,
            lambda one: 0 <= one < self.base_size or one in self._spelled,
            lambda one: self.pieces([one])[0],
        )
        self.identity = f"{name}, {self.size:,} ids"

    def decode(self, ids: Sequence[int]) -> str:
        """See ``Tokenizer``."""
        with library_errors("the sentencepiece library cannot decode"):
            return decode_runs(
                ids, self.base_size, self._spelled, lambda run: str(self._inner.decode(run))
            )

    def pieces(self, ids: Sequence[int]) -> tuple[str, ...]:
        """See ``Tokenizer``."""
        with library_errors("the sentencepiece library cannot tell pieces"):
            return tuple(map(self._piece, map(int, ids)))

    def encode(self, text: str, specials: bool) -> list[int]:
        """See ``Tokenizer``; user-defined pieces of the model are always found whole."""
        cutter = self._cut_all if specials else self._cut_kept
        with library_errors("the sentencepiece library cannot encode"):
            return cutter.encode(well_formed(text), lambda part: list(self._inner.encode(part)))

    def _piece(self, one: int) -> str:
        if one in self._spelled:
            return self._spelled[one]
        if not 0 <= one < self.base_size:
            return foreign(one)
        piece = self._pieces[one]
        if self._inner.is_byte(one):
            return readable(bytes([int(piece[1:-1], 16)]))
        return piece.replace(_SPACE, " ")


def load_sentencepiece(found: Found) -> SentencePieceTokenizer:
    """A SentencePiece model with what stands beside it. Raises TokenizerError: one line."""
    module = library("sentencepiece", found.path)
    with library_errors(f"{found.path} is no model that the sentencepiece library reads"):
        inner = module.SentencePieceProcessor(model_proto=found.data)
    if not inner.get_piece_size():
        raise TokenizerError(f"{found.path} is a SentencePiece model without pieces")
    companions = read_companions(found.folder)
    with library_errors(f"{found.path} cannot be used"):
        return SentencePieceTokenizer(inner, companions, found.path.name)


def _role(named: int | None, own: int) -> int | None:
    """The id that the files name, else the model's own, which is -1 for none."""
    if named is not None:
        return named
    return int(own) if own >= 0 else None


def _control(inner: Any) -> dict[int, str]:
    """Pieces that stand for no text: control pieces and the unknown one."""
    every = range(inner.get_piece_size())
    return {
        one: str(inner.id_to_piece(one))
        for one in every
        if inner.is_control(one) or inner.is_unknown(one)
    }


def _find(inner: Any, piece: str) -> int | None:
    """The id of a whole piece; the library answers with the unknown one where there is none."""
    one = int(inner.piece_to_id(piece))
    there = 0 <= one < inner.get_piece_size() and inner.id_to_piece(one) == piece
    return one if there else None


def _known_pieces(inner: Any) -> dict[int, str]:
    """Pieces of the model that are known ends of turn, user-defined ones too."""
    return {one: piece for piece in KNOWN_ENDS if (one := _find(inner, piece)) is not None}


def _all_added(inner: Any, companions: Companions) -> dict[int, Added]:
    """The tokens that the files add to the model, by id.

    A named token that is nowhere gets the next free id, as trainers do; one that is a piece of
    the model is that piece.
    """
    added = dict(companions.added)
    there = {one.content for one in added.values()}
    for token in (*companions.roles.values(), *companions.extra):
        if token.content in there:
            continue
        there.add(token.content)
        own = _find(inner, token.content)
        following = max(inner.get_piece_size(), max(added, default=-1) + 1)
        added[following if own is None else own] = token
    return added
