"""Importing the optional tokenizer libraries, and turning what they raise into one line.

Must not know what the libraries are used for.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_pretok.tokenizers.base import TokenizerError, one_line

# The module that is imported, and the package that pip knows.
_PACKAGES = {
    "tokenizers": "tokenizers",
    "sentencepiece": "sentencepiece",
    "mistral_common.tokens.tokenizers.tekken": "mistral-common",
}
_LONGEST_MESSAGE = 160


def library(module: str, path: Path) -> Any:
    """A module of an optional library; ``path`` is the file that needs it.

    Raises:
        TokenizerError: It is not installed, or it cannot be imported.
    """
    package = _PACKAGES[module]
    try:
        with warnings.catch_warnings():
            # Warnings at import are about the library; a run that makes warnings errors goes on.
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except ImportError as error:
        top = module.split(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and str(error.name).split(".")[0] == top
        why = "" if missing else f" ({one_line(str(error), _LONGEST_MESSAGE)})"
        raise TokenizerError(
            f"{path} needs the package {package}{why}: pip install 'pytest-pretok[tokenizers]'"
        ) from error


@contextmanager
def library_errors(what: str) -> Iterator[None]:
    """Whatever a library raises becomes a TokenizerError that begins with ``what``.

    The libraries raise bare exceptions, assertions and key errors on damaged files, and those
    written in Rust let a panic through that is no Exception. What they warn of among themselves
    is no concern of a run that makes warnings errors.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except TokenizerError:
        raise
    except Exception as error:
        raise TokenizerError(f"{what}: {_message(error)}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise TokenizerError(f"{what}: {_message(error)}") from error


def _message(error: BaseException) -> str:
    """What an exception says, with its name where it says too little."""
    text = one_line(str(error), _LONGEST_MESSAGE)
    return text if isinstance(error, ValueError) and text else f"{type(error).__name__} {text}"
