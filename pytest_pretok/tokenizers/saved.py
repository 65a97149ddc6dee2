"""A tokenizer in memory -> files of it, in a folder that `load_tokenizer` reads.

Imports no tokenizer library: who hands over a tokenizer has imported its own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pytest_pretok.tokenizers.base import TokenizerError


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Write a tokenizer of `transformers` or `tokenizers` the way its library does.

    Raises:
        TokenizerError: it is neither, or its library cannot write it.
    """
    library = sys.modules.get("tokenizers")
    try:
        if callable(getattr(tokenizer, "save_pretrained", None)):
            tokenizer.save_pretrained(str(folder))
        elif library is not None and isinstance(tokenizer, library.Tokenizer):
            tokenizer.save(str(folder / "tokenizer.json"))
        else:
            raise TokenizerError(
                f"found <{type(tokenizer).__name__}>, expected a path,"
                " or a tokenizer of transformers or tokenizers"
            )
    except TokenizerError:
        raise
    except Exception as error:  # whatever these libraries raise
        raise TokenizerError(f"<{type(tokenizer).__name__}> cannot be saved: {error}") from error
