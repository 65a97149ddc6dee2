"""The trainers with a contract, by name: one module of facts each.

A module of this package with a ``NAME`` and a function ``contract`` is all that it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules

from pretok_schemas.contract import Contract
from pretok_schemas.findings import Consequence
from pretok_schemas.rules import NAMES, RULES
from pretok_schemas.trainers import transformers
from pretok_schemas.trainers.transformers import COLLATORS, Collator

__all__ = ["COLLATORS", "TRAINERS", "UnknownContract", "complete", "load", "names"]

_FIRST = ("axolotl", "trl", "transformers")


def _defined() -> dict[str, Callable[[bool], Contract]]:
    """The functions that make contracts, by trainer: those that were run come first."""
    modules = [import_module(f"{__name__}.{info.name}") for info in iter_modules(__path__)]
    found = {m.NAME: m.contract for m in modules if hasattr(m, "NAME")}
    order = [*_FIRST, *sorted(set(found) - set(_FIRST))]
    return {name: found[name] for name in order}


TRAINERS: Mapping[str, Callable[[bool], Contract]] = _defined()


def names() -> tuple[str, ...]:
    """The names of the contracts that can be loaded."""
    return tuple(TRAINERS)


class UnknownContract(KeyError):
    """There is no contract of that name; the message has the nearest one, or all."""

    def __str__(self) -> str:
        name = str(self.args[0])
        near = get_close_matches(name, TRAINERS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(TRAINERS)}"
        return f"unknown contract {name!r}; {hint}"


def load(name: str, *, packing: bool = False, collator: Collator | None = None) -> Contract:
    """The contract of a trainer; only `transformers` has collators to choose from.

    Raises:
        UnknownContract: there is no contract of that name; see `names`.
        ValueError: a collator was named for another trainer, or there is none of that name.
    """
    if name not in TRAINERS:
        raise UnknownContract(name)
    make = TRAINERS[name]
    if collator is None:
        return complete(make(packing))
    if name != transformers.NAME or collator not in COLLATORS:
        raise ValueError(f"{name} has no collator {collator!r}")
    return complete(transformers.contract(packing, collator))


def complete(contract: Contract) -> Contract:
    """A contract with what its trainer's module leaves to the rules (see `Contract`).

    Raises:
        ValueError: the module names a rule that does not exist.
    """
    named = {key.split(":")[0] for key in contract.consequences}
    unknown = (named | contract.without | contract.read | (contract.only or set())) - set(NAMES)
    if unknown:
        raise ValueError(f"{contract.name} names rules that do not exist: {sorted(unknown)}")
    found: dict[str, Consequence] = {}
    for rule in RULES:
        if rule.name in contract.without:
            continue
        if contract.only is None or rule.name in contract.only:
            for case, (effect, text) in rule.usual.items():
                found[f"{rule.name}:{case}" if case else rule.name] = Consequence(effect, text)
    found |= {
        key: consequence
        for key, consequence in contract.consequences.items()
        if key.split(":")[0] not in contract.without
    }
    ran = {
        key: replace(fact, ran=contract.ran and key.split(":")[0] not in contract.read)
        for key, fact in found.items()
    }
    return replace(contract, consequences=ran)
