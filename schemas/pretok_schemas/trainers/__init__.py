"""The trainers with a contract, by name: one module of facts each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pretok_schemas.contract import Contract
from pretok_schemas.trainers import axolotl

TRAINERS: Mapping[str, Callable[[bool], Contract]] = {axolotl.NAME: axolotl.contract}


def names() -> tuple[str, ...]:
    """The names of the contracts that can be loaded."""
    return tuple(TRAINERS)


def load(name: str, *, packing: bool = False) -> Contract:
    """The contract of a trainer.

    Raises:
        KeyError: there is no contract of that name; see `names`.
    """
    return TRAINERS[name](packing)
