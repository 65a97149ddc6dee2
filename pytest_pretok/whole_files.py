"""Files that are written whole or not at all.

Knows nothing of what stands in them.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from pretok_schemas.text import printable

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_whole(path: Path, text: str) -> None:
    """Write a UTF-8 text beside the path and rename it: a full disk never leaves half a file.

    Line ends stay as they are. A new file has the permissions that the umask leaves; those of one
    that is there, and a link to it, stay.

    Raises:
        OSError: the file cannot be written; what was there still is.
    """
    real = Path(os.path.realpath(path))
    make_folder(real.parent)
    # Named by the process alone: the name of the file may be as long as names can be.
    scratch = real.with_name(f".pretok-{os.getpid()}.part")
    try:
        with open_new(scratch, real) as file:
            file.write(text.encode("utf-8"))
        scratch.replace(real)
    finally:
        scratch.unlink(missing_ok=True)


def open_new(path: Path, like: Path) -> BinaryIO:
    """A new file to write, which whoever may not read the file ``like`` may not read either.

    What stands under its name is removed: were it written to, a link would lead to another file.

    Raises:
        OSError: it cannot be made.
    """
    path.unlink(missing_ok=True)
    mode = stat.S_IMODE(like.stat().st_mode) if like.exists() else None
    made = os.open(path, _NEW, 0o666 if mode is None else mode & 0o600)
    if mode is not None:
        path.chmod(mode)
    return os.fdopen(made, "wb")


def make_folder(path: Path) -> None:
    """Make a folder and those above it.

    Raises:
        OSError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        # "File exists" would be said of the file that was to be written in the folder.
        raise NotADirectoryError(
            errno.ENOTDIR, os.strerror(errno.ENOTDIR), error.filename
        ) from None


def reason_of(error: OSError) -> str:
    """Why a file could not be written, in a few words and without its name."""
    # pyarrow's own texts name the file again, and its C++ calls.
    return os.strerror(error.errno) if error.errno else printable(str(error))
