"""Positional arguments of pytest that may name nodes of ours: a file, and the parts behind it.

Knows files by their names and first words; makes no plan.
"""

from __future__ import annotations

import re
from pathlib import Path

from pytest_pretok import discovery
from pytest_pretok.declared import DECLARATION, has_declaration
from pytest_pretok.paths import is_file
from pytest_pretok.planning.request import absolute
from pytest_pretok.readers import data_suffix
from pytest_pretok.stores import SCHEMES, Location, RemotePath
from pytest_pretok.trainer_configs import SUFFIXES

# pytest takes the URL of an id for a path: it loses a slash, and may be seen from another folder.
_URL_ARGUMENT = re.compile(rf"(?:\.\./)*(?P<scheme>{'|'.join(SCHEMES)}):/+")


def split_argument(text: str, cwd: Path) -> tuple[Location | None, list[str]]:
    """The file of a positional argument that may name our nodes, and the parts behind it.

    A file name may hold ``::`` itself: the longest prefix that is a file wins. None where the
    argument names neither a declaration nor data.
    """
    pieces = text.split("::")
    url = _URL_ARGUMENT.match(text)
    if url is not None:
        pieces[0] = f"{url['scheme']}://{pieces[0][url.end() :]}"
        ends = (n for n in range(len(pieces), 0, -1) if data_suffix("::".join(pieces[:n])))
        cut = next(ends, 1)
        return RemotePath("::".join(pieces[:cut])), pieces[cut:]
    for cut in range(len(pieces), 0, -1):
        path = absolute("::".join(pieces[:cut]), cwd)
        if is_file(path) and _is_ours(path):
            return path, pieces[cut:]
    return None, []


def _is_ours(path: Path) -> bool:
    if path.name == DECLARATION:
        return has_declaration(path)
    if path.suffix.lower() in SUFFIXES:
        from pytest_pretok.trainer_configs.read import looks_like_config  # lazy: start cost

        return looks_like_config(path)
    if path.name in (discovery.DICT_FILE, discovery.STATE_FILE):
        return discovery.is_saved_folder(path.parent)
    return data_suffix(path.name) is not None
