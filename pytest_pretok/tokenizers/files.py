"""Finding and reading the files of a tokenizer: which kind a path is, and its bytes or JSON.

Must not know what any key means, and must not import a tokenizer library.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pytest_pretok.tokenizers.base import TokenizerError, one_line

Kind = Literal["json", "tekken", "sentencepiece"]

# The largest published vocabularies take some 40 MB; what is larger than this is something else.
LARGEST = 256 * 1024 * 1024
_SENTENCEPIECE_NAMES = (
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "sentencepiece.model",
)
_LFS = b"version https://git-lfs.github.com/spec/"
_ANNEX = re.compile(rb"(\.\./)*(\.git)?/annex/objects/")
# A value that is text: in a tokenizer.json the same word can be a vocabulary entry, with a number.
_TEKKEN = re.compile(rb'"token_bytes"\s*:\s*"')
_TIKTOKEN = re.compile(rb"[A-Za-z0-9+/]+={0,2} \d+\r?\n")


@dataclass(frozen=True, slots=True)
class Found:
    """One file of a known kind, its bytes, and the folder whose other files speak of it.

    ``folder`` is None where the file stands for itself.
    """

    kind: Kind
    path: Path
    data: bytes
    folder: Path | None


def find(path: Path) -> Found:
    """The tokenizer that a path means: a file by its content, a folder by the names in it.

    Raises:
        TokenizerError: There is nothing, it cannot be read, or it is no tokenizer.
    """
    if _kind_of_path(path) == "folder":
        file = _in_folder(path)
        data = read(file)
        return Found(_kind(file, data), file, data, path)
    data = read(path)
    # Only a file by its usual name belongs to the files beside it.
    usual = path.name in ("tokenizer.json", *_SENTENCEPIECE_NAMES)
    return Found(_kind(path, data), path, data, path.parent if usual else None)


def read(path: Path) -> bytes:
    """All of a regular file. Raises TokenizerError: missing, unreadable, empty, huge, a pointer."""
    if _kind_of_path(path) != "file":
        raise TokenizerError(f"{path} is no regular file")
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise TokenizerError(f"{path} has {size:,} bytes: no tokenizer file is as large")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise TokenizerError(f"{path} cannot be read: {error.strerror or error}") from error
    _refuse_pointers(path, data)
    return data


def read_object(path: Path) -> dict[str, Any] | None:
    """A JSON object, None where there is no such file. Raises TokenizerError: anything else."""
    if not path.is_symlink() and not path.exists():
        return None
    try:
        value = json.loads(read(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise TokenizerError(f"{path} is no JSON: {one_line(str(error), 120)}") from error
    if not isinstance(value, dict):
        raise TokenizerError(f"{path} holds no JSON object")
    return value


def _kind_of_path(path: Path) -> Literal["file", "folder", "other"]:
    """What a path leads to, links followed."""
    try:
        if path.is_dir():
            return "folder"
        if path.is_file():
            return "file"
        if path.exists():
            return "other"
        if path.is_symlink():
            raise TokenizerError(f"{path} is a link to {path.readlink()}, which is not there")
    except (OSError, ValueError) as error:
        raise TokenizerError(f"{path} cannot be read: {error}") from error
    raise TokenizerError(f"{path} does not exist")


def _refuse_pointers(path: Path, data: bytes) -> None:
    """Name what stands where a tokenizer should be but holds none."""
    if not data.strip(b" \t\r\n\0"):
        raise TokenizerError(f"{path} is empty" if not data else f"{path} holds only blanks")
    if data.startswith(_LFS):
        raise TokenizerError(f"{path} is a git-LFS pointer, not the file itself: run git lfs pull")
    if _ANNEX.match(data):
        raise TokenizerError(
            f"{path} is a git-annex pointer, not the file itself: run git annex get"
        )


def _kind(path: Path, data: bytes) -> Kind:
    """The kind of a file by its content."""
    if data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return "tekken" if _TEKKEN.search(data) else "json"
    if _TIKTOKEN.match(data):
        raise TokenizerError(
            f"{path} is a tiktoken vocabulary, which knows no special tokens: "
            "name the folder with the model's tokenizer.json instead"
        )
    if data.startswith(b"\n"):  # field 1 of a message: the first piece
        return "sentencepiece"
    raise TokenizerError(
        f"{path} is neither a tokenizer.json, a tekken.json nor a SentencePiece model"
    )


def _in_folder(folder: Path) -> Path:
    """The tokenizer file of a folder; tokenizer.json first, as trainers do."""
    try:
        names = sorted(one.name for one in folder.iterdir())
    except OSError as error:
        raise TokenizerError(f"{folder} cannot be read: {error.strerror or error}") from error
    for usual in ("tokenizer.json", "tekken.json", *_SENTENCEPIECE_NAMES):
        if usual in names:
            return folder / usual
    others = [name for name in names if re.fullmatch(r".*\.model(\.v\d+\w*)?|tekken.*\.json", name)]
    if len(others) == 1:
        return folder / others[0]
    if others:
        raise TokenizerError(f"{folder} holds several tokenizers ({', '.join(others)}): name one")
    if {"vocab.json", "merges.txt"} <= set(names) or "vocab.txt" in names:
        raise TokenizerError(
            f"{folder} holds a vocabulary but no tokenizer.json: load it once with transformers' "
            "AutoTokenizer and save it"
        )
    raise TokenizerError(f"{folder} holds no tokenizer.json, tekken.json or tokenizer.model")
