"""The trainers with a contract, by name: one module of facts each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pretok_schemas.contract import Contract
from pretok_schemas.trainers import (
    axolotl,
    llama_factory,
    llm_foundry,
    open_instruct,
    torchtune,
    transformers,
    trl,
    unsloth,
)
from pretok_schemas.trainers.transformers import COLLATORS, Collator

TRAINERS: Mapping[str, Callable[[bool], Contract]] = {
    module.NAME: module.contract
    for module in (
        axolotl,
        trl,
        transformers,
        llama_factory,
        torchtune,
        unsloth,
        open_instruct,
        llm_foundry,
    )
}

__all__ = ["COLLATORS", "TRAINERS", "load", "names"]


def names() -> tuple[str, ...]:
    """The names of the contracts that can be loaded."""
    return tuple(TRAINERS)


def load(name: str, *, packing: bool = False, collator: Collator | None = None) -> Contract:
    """The contract of a trainer; only `transformers` has collators to choose from.

    Raises:
        KeyError: there is no contract of that name; see `names`.
        ValueError: a collator was named for another trainer, or there is none of that name.
    """
    make = TRAINERS[name]
    if collator is None:
        return make(packing)
    if name != transformers.NAME or collator not in COLLATORS:
        raise ValueError(f"{name} has no collator {collator!r}")
    return transformers.contract(packing, collator)
