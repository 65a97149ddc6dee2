"""Named corruptions of one row, and the rules that each must trip: those and no others.

Those that trip no rule are what only looks like a fault.
"""

from __future__ import annotations

from tests.support.corrupted_cells import CELLS
from tests.support.corrupted_habits import HABITS
from tests.support.corrupted_masks import MASKS
from tests.support.corrupted_values import VALUES
from tests.support.corrupting import Corruption

__all__ = ["CORRUPTIONS", "HARMLESS", "Corruption"]

_ALL: dict[str, Corruption] = {**CELLS, **MASKS, **VALUES, **HABITS}
CORRUPTIONS = {name: one for name, one in _ALL.items() if one.trips}
HARMLESS = {name: one for name, one in _ALL.items() if not one.trips}
