"""Small files that people write by hand, read at once: declarations, configurations, baselines.

Knows nothing of what stands in them. Opened as they are, a pipe would wait for ever, and a device
would never end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

LARGEST = 2**20  # bytes; what is written by hand is smaller, and parsers of it are slow


def read_regular(path: Path, largest: int = LARGEST) -> bytes:
    """All of a regular file of at most ``largest`` bytes.

    Raises:
        OSError: there is none, it cannot be read, it is something else, or it is larger.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    with path.open("rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise OSError(errno.EFBIG, f"it is larger than {largest:,} bytes", str(path))
    return content
