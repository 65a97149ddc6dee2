"""A tokenizer.json by way of the tokenizers library.

Must not know where the file came from, or the other kinds of tokenizer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pytest_pretok.tokenizers.base import (
    HIGHEST_ID,
    TokenizerError,
    foreign,
    readable,
    well_formed,
)
from pytest_pretok.tokenizers.companions import Added, Companions, read_companions
from pytest_pretok.tokenizers.ends import gather_ends
from pytest_pretok.tokenizers.files import Found
from pytest_pretok.tokenizers.libraries import library, library_errors

_ANCHORS = 512


class FastTokenizer:
    """The adapter; see ``Tokenizer`` for what each member means."""

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
        self._spellings = _spellings(inner)
        roles = {role: inner.token_to_id(one.content) for role, one in companions.roles.items()}
        self.base_size = _rows(inner.get_vocab(with_added_tokens=False).values())
        self.size = max(self.base_size, _rows(self._spellings))
        self.specials = _specials(inner)
        self._plain = inner.decoder is None
        self._odd = _odd(self._decoded, self._spellings)
        self._anchor, self._anchor_text = self._find_anchor()
        prefix = _prefix(inner)
        self.bos = roles.get("bos_token", _silent_bos(companions, prefix, self.specials))
        self.pad = roles.get("pad_token")
        self.unk = roles.get("unk_token", _model_unk(inner))
        # transformers 5 leaves add_bos_token aside where there is a tokenizer.json.
        self.adds_bos = self.bos is not None and prefix[:1] == [self.bos]
        eos = roles.get("eos_token")
        declared = [] if eos is None else [(eos, "tokenizer_config.json (eos_token)")]
        declared += companions.end_ids
        text = self.pieces
        self.ends = gather_ends(
            declared, self._spellings, self.pad, self._has, lambda one: text([one])[0]
        )
        self.identity = f"{name}, {self.size:,} ids"

    def decode(self, ids: Sequence[int]) -> str:
        """See ``Tokenizer``."""
        parts: list[str] = []
        run: list[int] = []
        for one in map(int, ids):
            if self._has(one) and one not in self._odd:
                run.append(one)
                continue
            parts += [self._run(run, inside=bool(parts)), self._odd.get(one) or foreign(one)]
            run = []
        return "".join((*parts, self._run(run, inside=bool(parts))))

    def pieces(self, ids: Sequence[int]) -> tuple[str, ...]:
        """See ``Tokenizer``."""
        shown = {one: self._piece(one) for one in set(map(int, ids))}
        return tuple(shown[int(one)] for one in ids)

    def encode(self, text: str, specials: bool) -> list[int]:
        """See ``Tokenizer``; where a spelling is a word of the vocabulary, it stays that id."""
        with library_errors("the tokenizers library cannot encode"):
            self._inner.encode_special_tokens = not specials
            encoding = self._inner.encode(well_formed(text), add_special_tokens=False)
            return list(encoding.ids)

    def _has(self, one: int) -> bool:
        return 0 <= one < self.size and self._inner.id_to_token(one) is not None

    def _decoded(self, ids: list[int]) -> str:
        with library_errors("the tokenizers library cannot decode"):
            return str(self._inner.decode(ids, skip_special_tokens=False))

    def _run(self, run: list[int], inside: bool) -> str:
        """The text of ids that the library decodes; ``inside`` if text stands before it.

        Decoders treat the beginning of a text apart (they drop the first space), so that what
        stands inside is decoded after an anchor, which is then taken away.
        """
        if not run:
            return ""
        if inside and self._anchor is not None:
            text = self._decoded([self._anchor, *run])
            if text.startswith(self._anchor_text):
                return text[len(self._anchor_text) :]
        return self._decoded(run)

    def _piece(self, one: int) -> str:
        if not self._has(one):
            return foreign(one)
        token = str(self._inner.id_to_token(one))
        if one in self._spellings or self._plain:
            return token
        text = self._run([one], inside=True)
        if "\ufffd" not in text or "\ufffd" in token:
            return text
        raw = _bytes_of(token)
        return token if raw is None else readable(raw)

    def _find_anchor(self) -> tuple[int | None, str]:
        """An id whose text is the same alone and before another; special tokens are, mostly."""
        candidates = [*self._spellings, *range(min(self.size, _ANCHORS))]
        for one in candidates:
            if not self._has(one):
                continue
            text = self._decoded([one])
            if text.strip() == text != "" and self._decoded([one, one]).startswith(text):
                return one, text
        return None, ""


def load_json(found: Found) -> FastTokenizer:
    """A tokenizer.json with what stands beside it. Raises TokenizerError: one line."""
    module = library("tokenizers", found.path)
    with library_errors(f"{found.path} is no tokenizer.json that the tokenizers library reads"):
        inner = module.Tokenizer.from_buffer(found.data)
    companions = read_companions(found.folder)
    with library_errors(f"{found.path} cannot be used"):
        companions = _with_padding(companions, inner)
        _settle(inner)
        _add_declared(module, inner, companions)
        return FastTokenizer(inner, companions, found.path.name)


def _settle(inner: Any) -> None:
    """Take away what would cut, fill up or vary an encoding."""
    inner.no_truncation()
    inner.no_padding()
    if getattr(inner.model, "dropout", None):
        inner.model.dropout = None


def _with_padding(companions: Companions, inner: Any) -> Companions:
    """The pad token of a tokenizer.json that fills up by itself, where no file names another."""
    padding = inner.padding
    if not padding or "pad_token" in companions.roles:
        return companions
    pad = Added(str(padding["pad_token"]), special=True)
    return replace(companions, roles={**companions.roles, "pad_token": pad})


def _add_declared(module: Any, inner: Any, companions: Companions) -> None:
    """Add the tokens that are declared beside the file and that it lacks, as trainers do.

    They get the next free ids; the id that is declared is only their order. Named tokens are
    special even where the file does not say so: else they would be found in plain text.
    """
    there = {one.content: one for one in inner.get_added_tokens_decoder().values()}
    named = {one.content: one for one in (*companions.roles.values(), *companions.extra)}
    wanted = {one.content: one for one in companions.added.values()}
    for content, one in named.items():
        wanted.setdefault(content, one)
    for content, one in wanted.items():
        special = one.special or content in named
        if content in there and there[content].special >= special:
            continue
        token = module.AddedToken(
            content,
            lstrip=one.lstrip,
            rstrip=one.rstrip,
            single_word=one.single_word,
            normalized=one.normalized,
            special=special,
        )
        (inner.add_special_tokens if special else inner.add_tokens)([token])


def _rows(ids: Iterable[int]) -> int:
    """Embedding rows that ids need. Raises TokenizerError: an id that no embedding has."""
    highest = max(ids, default=-1)
    if highest > HIGHEST_ID:
        raise TokenizerError(f"id {highest} is higher than any embedding has rows")
    return highest + 1


def _spellings(inner: Any) -> dict[int, str]:
    """All added tokens, special or not."""
    return {one: token.content for one, token in sorted(inner.get_added_tokens_decoder().items())}


def _specials(inner: Any) -> dict[int, str]:
    """The added tokens that are special."""
    added = sorted(inner.get_added_tokens_decoder().items())
    return {one: token.content for one, token in added if token.special}


def _odd(decoded: Callable[[list[int]], str], spellings: Mapping[int, str]) -> dict[int, str]:
    """Added tokens that the decoder would respell, a ▁ as a space for instance."""
    return {one: spelling for one, spelling in spellings.items() if decoded([one]) != spelling}


def _prefix(inner: Any) -> list[int]:
    """What the post-processor puts before a text.

    A text that is not empty tells a beginning from an end; where the vocabulary has nothing for
    it, or cannot encode it at all, the empty text has to do.
    """
    bare: list[int] = []
    with suppress(Exception):
        bare = list(inner.encode("a", add_special_tokens=False).ids)
    full = list(inner.encode("a" if bare else "", add_special_tokens=True).ids)
    if not bare:
        return full
    starts = range(len(full) - len(bare) + 1)
    return next((full[:at] for at in starts if full[at : at + len(bare)] == bare), [])


def _silent_bos(
    companions: Companions, prefix: list[int], specials: Mapping[int, str]
) -> int | None:
    """The bos of a file that stands alone: the special token that it puts before each text."""
    return prefix[0] if companions.silent and prefix and prefix[0] in specials else None


def _model_unk(inner: Any) -> int | None:
    """The unknown token that the model itself falls back to."""
    token = getattr(inner.model, "unk_token", None)
    number = inner.token_to_id(token) if isinstance(token, str) else None
    return number if isinstance(number, int) else None


def _byte_alphabet() -> dict[str, int]:
    """The character that stands for each byte in byte-level vocabularies.

    Printable Latin-1 stands for itself; the rest follows from U+0100 on, in the order of bytes.
    """
    shown = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {
        chr(0x100 + place): byte for place, byte in enumerate(hidden)
    }


_BYTES = _byte_alphabet()


def _bytes_of(token: str) -> bytes | None:
    """The bytes of a byte-level token; None where it is spelled with other characters."""
    if not all(character in _BYTES for character in token):
        return None
    return bytes(_BYTES[character] for character in token)
