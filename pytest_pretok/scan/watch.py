"""What a scan tells of how far it is. Must not know who listens, or what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pytest_pretok.readers import Unit


class Progress(Protocol):
    """Told how far a scan is; what it makes of it costs no time to speak of, and never raises."""

    def begin(self, units: Sequence[Unit], again: bool = False) -> None:
        """A pass over these units begins; ``again`` if their split was read before."""

    def read(self, rows: int, tokens: int) -> None:
        """So many more rows were looked at, of any unit of the pass. Called from any thread."""

    def finish(self, unit: Unit, tokens: int) -> None:
        """A unit is done with. ``tokens`` in all, or 0 where they are not counted."""


class Silent:
    """Progress that nobody looks at."""

    def begin(self, units: Sequence[Unit], again: bool = False) -> None:
        """Nothing to do."""

    def read(self, rows: int, tokens: int) -> None:
        """Nothing to do."""

    def finish(self, unit: Unit, tokens: int) -> None:
        """Nothing to do."""


SILENT = Silent()
