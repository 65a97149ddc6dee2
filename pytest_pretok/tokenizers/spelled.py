"""Cutting a text at the spellings of tokens, for libraries that do not do it themselves.

Must not know which library encodes what lies between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from pytest_pretok.tokenizers.base import foreign


class Cutter:
    """Finds spellings in a text: at each place the longest."""

    def __init__(self, spellings: Mapping[int, str]) -> None:
        """Prepare the pattern; where two ids share a spelling, the lower one stands for it."""
        self._ids = {spelling: one for one, spelling in sorted(spellings.items(), reverse=True)}
        longest_first = sorted((spelling for spelling in self._ids if spelling), key=len)[::-1]
        pattern = "|".join(map(re.escape, longest_first))
        self._pattern = re.compile(f"({pattern})") if pattern else None

    def encode(self, text: str, plain: Callable[[str], list[int]]) -> list[int]:
        """The ids of the spellings, and of what lies between them by ``plain``."""
        parts = self._pattern.split(text) if self._pattern else [text]
        ids: list[int] = []
        for place, part in enumerate(parts):
            if place % 2:
                ids.append(self._ids[part])
            elif part:
                ids += plain(part)
        return ids


def decode_runs(
    ids: Sequence[int],
    size: int,
    spellings: Mapping[int, str],
    plain: Callable[[list[int]], str],
) -> str:
    """The text of ids: those with a spelling spelled, runs of the others by ``plain``.

    Ids outside ``range(size)`` that have no spelling are shown as such.
    """
    parts: list[str] = []
    run: list[int] = []
    for one in map(int, ids):
        if one not in spellings and 0 <= one < size:
            run.append(one)
            continue
        parts += [plain(run) if run else "", spellings[one] if one in spellings else foreign(one)]
        run = []
    return "".join((*parts, plain(run) if run else ""))
