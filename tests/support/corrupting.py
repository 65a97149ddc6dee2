"""What a corruption is, and how one is registered; knows no rule and imports nothing of ours."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.rows import Row

SHARES = ("one", "third", "all")
Change = Callable[[Row, random.Random], Row]


@dataclass(frozen=True)
class Corruption:
    """A change of one row; ``trips`` are the rules that must fire on it and no others.

    ``json_only`` says whether only JSON can hold it, ``known`` under which declaration (a name of
    `rows.KNOWN`) it trips these rules, ``once`` whether two rows of it could be equal. Where the
    split decides, ``shares`` are those of its rows that trip the rules (of `SHARES`), ``least`` is
    how many rows that takes, and ``dress`` is a change that all rows have in common.
    """

    name: str
    trips: frozenset[str]
    change: Change
    json_only: bool = False
    known: str = "all"
    once: bool = False
    shares: tuple[str, ...] = SHARES
    least: int = 1
    dress: Change | None = None

    @property
    def by_itself(self) -> bool:
        """Whether the row alone decides, however many rows are like it."""
        return self.shares == SHARES and self.least == 1 and self.dress is None


class Registry(dict[str, Corruption]):
    """Corruptions by name, in the order in which they are written."""

    def add(
        self,
        name: str,
        change: Change,
        *trips: str,
        json_only: bool = False,
        known: str = "all",
        once: bool = False,
        shares: tuple[str, ...] = SHARES,
        least: int = 1,
        dress: Change | None = None,
    ) -> None:
        """Register a change under a name that nothing has yet.

        Raises:
            ValueError: the name is taken.
        """
        if name in self:
            raise ValueError(name)
        what = frozenset(trips)
        self[name] = Corruption(name, what, change, json_only, known, once, shares, least, dress)

    def __call__(
        self,
        *trips: str,
        json_only: bool = False,
        known: str = "all",
        once: bool = False,
        shares: tuple[str, ...] = SHARES,
        least: int = 1,
        dress: Change | None = None,
    ) -> Callable[[Change], Change]:
        """Register the decorated change under its own name."""

        def register(change: Change) -> Change:
            name = change.__name__.replace("_", "-")
            self.add(
                name,
                change,
                *trips,
                json_only=json_only,
                known=known,
                once=once,
                shares=shares,
                least=least,
                dress=dress,
            )
            return change

        return register


def prompt_of(row: Row) -> int:
    """The number of places before the first trained one."""
    return next(i for i, label in enumerate(row["labels"]) if label != -100)


def put(row: Row, column: str, position: int, value: object) -> Row:
    """The row with one value replaced."""
    values: list[Any] = list(row[column])
    values[position] = value
    return {**row, column: values}


def anywhere(row: Row, rng: random.Random) -> int:
    """A place of the row."""
    return rng.randrange(len(row["labels"]))


def in_prompt(row: Row, rng: random.Random) -> int:
    """A place without loss that is not the first."""
    return rng.randrange(1, prompt_of(row))


def in_answer(row: Row, rng: random.Random) -> int:
    """A trained place before the row's end."""
    return rng.randrange(prompt_of(row), len(row["labels"]) - 1)


def padded(row: Row, before: list[int], after: list[int], mask: int) -> Row:
    """The row with further ids around it that carry no loss."""
    return {
        "input_ids": [*before, *row["input_ids"], *after],
        "attention_mask": [mask] * len(before) + row["attention_mask"] + [mask] * len(after),
        "labels": [-100] * len(before) + row["labels"] + [-100] * len(after),
    }
