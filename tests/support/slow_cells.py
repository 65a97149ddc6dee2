"""Which cells of a plain row can be read as tokens, told with `isinstance` and loops.

Imports nothing of the project.
"""

from __future__ import annotations

from typing import Any

from tests.support.rows import COLUMNS, Row

LOWEST, HIGHEST = -(2**63), 2**63 - 1


class Cells:
    """The three cells of a row.

    ``foreign`` are the columns that hold no flat list of integers, ``mild`` those of them that can
    be read all the same, ``null`` those without a cell; ``holes`` gives the first null inside.
    """

    def __init__(self, row: Row) -> None:
        self.row = row
        self.foreign = [name for name in COLUMNS if not self.is_tokens(name)]
        self.mild = [name for name in self.foreign if self.is_float_mask(name)]
        self.null = [name for name in COLUMNS if row.get(name) is None]
        self.holes = {
            name: row[name].index(None)
            for name in COLUMNS
            if (name not in self.foreign or name in self.mild)
            and row.get(name) is not None
            and None in row[name]
        }

    def is_tokens(self, name: str) -> bool:
        """Whether a cell is null or a flat list of integers (or nulls); a mask may be boolean."""
        cell = self.row.get(name)
        if cell is None:
            return True
        if not isinstance(cell, list):
            return False
        if cell and all(type(value) is bool for value in cell):
            return name == "attention_mask"
        return all(
            value is None or (type(value) is int and LOWEST <= value <= HIGHEST) for value in cell
        )

    def is_float_mask(self, name: str) -> bool:
        """Whether a cell is a mask of whole numbers, some of them floats."""
        cell = self.row.get(name)
        return (
            name == "attention_mask"
            and isinstance(cell, list)
            and any(type(value) is float for value in cell)
            and all(
                value is None
                or (
                    type(value) in (int, float)
                    and value == int(value)
                    and LOWEST <= value <= HIGHEST
                )
                for value in cell
            )
        )

    def read(self, name: str) -> list[Any] | None:
        """The values of a cell, None where it is null, holds a null, or is no list of tokens."""
        spoilt = name in self.null or name in self.holes
        if spoilt or (name in self.foreign and name not in self.mild):
            return None
        cell: list[Any] = self.row[name]
        return cell

    def equally_long(self, *names: str) -> bool:
        """Whether all of some cells can be read and have one length."""
        lists = [self.read(name) for name in names]
        return None not in lists and len({len(cell) for cell in lists if cell is not None}) == 1
