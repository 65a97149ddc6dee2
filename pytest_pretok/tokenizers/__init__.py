"""Loading a tokenizer from files: one function, one error.

Must not import a tokenizer library by itself: the adapters do when they are asked.
"""

from __future__ import annotations

from pathlib import Path

from pretok_schemas.contract import Tokenizer
from pytest_pretok.tokenizers.base import TokenizerError

__all__ = ["Tokenizer", "TokenizerError", "load_tokenizer"]


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a file or folder; no network, no code from it, only its own files.

    Args:
        path: A ``tokenizer.json``, a SentencePiece model, a Mistral ``tekken.json``, or a folder
            that holds one of them. In a folder, and for a file by its usual name, the files
            beside it (``tokenizer_config.json``, ``special_tokens_map.json``,
            ``added_tokens.json``, ``generation_config.json``, ``config.json``) are heard too.

    Raises:
        TokenizerError: One line for a person: what is missing, damaged or contradictory.
    """
    from pytest_pretok.tokenizers.files import find

    found = find(path)
    if found.kind == "tekken":
        from pytest_pretok.tokenizers.tekken import load_tekken

        return load_tekken(found)
    if found.kind == "sentencepiece":
        from pytest_pretok.tokenizers.spm import load_sentencepiece

        return load_sentencepiece(found)
    from pytest_pretok.tokenizers.fast import load_json

    return load_json(found)
