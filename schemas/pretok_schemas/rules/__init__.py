"""The registry of rules: every rule class of this package once, in the order in which it judges.

A module of this package that defines a rule is all that the registry needs. The order is the order
of causes: what makes a later rule meaningless comes before it. Names, severities and texts are
defined on the rule classes and nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules
from typing import TYPE_CHECKING, get_args

from pretok_schemas.contract import Contract, Vocabulary
from pretok_schemas.rules.base import Family, Rule

if TYPE_CHECKING:
    from pretok_schemas.custom import Custom


def _defined() -> list[type[Rule]]:
    """The rule classes of the package's modules, by family and then as they are written."""
    found: list[type[Rule]] = []
    for module in sorted(info.name for info in iter_modules(__path__)):
        members = vars(import_module(f"{__name__}.{module}")).values()
        found += [
            member
            for member in members
            if isinstance(member, type)
            and issubclass(member, Rule)
            and "name" in vars(member)
            and member.__module__ == f"{__name__}.{module}"
            and not isabstract(member)
        ]
    families = get_args(Family)
    return sorted(found, key=lambda rule: families.index(rule.family))


def in_order_of_causes(rules: Iterable[type[Rule]]) -> tuple[type[Rule], ...]:
    """The same rules, each behind those that leave its rows out, else as they come.

    Raises:
        ValueError: rules leave one another out in a circle.
    """
    waiting = list(rules)
    names = {rule.name for rule in waiting}
    ordered: list[type[Rule]] = []
    placed: set[str] = set()
    while waiting:
        free = (rule for rule in waiting if not (set(rule.left_out_by) & names) - placed)
        following = next(free, None)
        if following is None:
            circle = ", ".join(rule.name for rule in waiting)
            raise ValueError(f"rules leave one another out in a circle: {circle}")
        waiting.remove(following)
        ordered.append(following)
        placed.add(following.name)
    return tuple(ordered)


RULES: tuple[type[Rule], ...] = in_order_of_causes(_defined())

NAMES: tuple[str, ...] = tuple(rule.name for rule in RULES)


def rule_named(name: str) -> type[Rule]:
    """The rule class of a name.

    Raises:
        KeyError: no rule has that name.
    """
    for rule in RULES:
        if rule.name == name:
            return rule
    raise KeyError(name)


def rules_for(
    contract: Contract, vocabulary: Vocabulary, custom: Collection[Custom] = ()
) -> tuple[tuple[Rule, ...], dict[type[Rule], tuple[str, ...]]]:
    """The rules that a contract calls for, and those that lack a setting.

    ``custom`` are further rules, which need not be named by the contract. Returns the rule objects
    in judging order, and by rule the settings that would switch the others on.

    Raises:
        ValueError: rules leave one another out in a circle.
    """
    given = {
        "sequence-len": contract.sequence_len is not None,
        "vocab-size": vocabulary.size is not None,
        "bos-token-id": vocabulary.bos is not None,
        "eos-token-ids": vocabulary.eos is not None,
        "pad-token-id": vocabulary.pad is not None,
        "tokenizer": vocabulary.tokenizer is not None,
        "micro-batch-size": contract.micro_batch_size is not None,
        "trainer-config": contract.entry is not None,
    }
    ready: list[Rule] = []
    lacking: dict[type[Rule], tuple[str, ...]] = {}
    own = {one.kind: one for one in custom}
    for rule in in_order_of_causes([*RULES, *own]) if own else RULES:
        if rule not in own and not contract.applies(rule.name):
            continue
        if not rule.applies(contract):
            continue
        if rule.views and not any(map(contract.provides, rule.views)):
            continue  # it could not judge a single row
        missing = tuple(key for key in rule.requires if not given[key])
        if missing:
            lacking[rule] = missing
        else:
            ready.append((own[rule].make if rule in own else rule)(contract, vocabulary))
    return tuple(ready), lacking
