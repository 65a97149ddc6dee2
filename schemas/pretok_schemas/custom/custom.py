"""A rule of a person's own together with its options: what a judge is given, and sends around."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pretok_schemas.contract import Contract, Vocabulary
from pretok_schemas.custom.carried import packed_with
from pretok_schemas.custom.guard import guarded
from pretok_schemas.findings import Consequence
from pretok_schemas.rules.base import Rule

SCHEMA = "schema"  # begins the names of the rules that a schema's checks become


@dataclass(frozen=True, slots=True, eq=False)
class Custom:
    """A rule that is none of this package's, and the options it is used with."""

    kind: type[Rule]
    options: Mapping[str, Any] = field(default_factory=dict)

    def make(self, contract: Contract, vocabulary: Vocabulary) -> Rule:
        """The rule at work under a contract, guarded."""
        return guarded(self, contract, vocabulary)

    def __reduce__(self) -> tuple[Any, ...]:
        """Carried by value, so that a worker needs no copy of the module."""
        return _unpacked, (packed_with(self.kind, [self.kind.__module__]), dict(self.options))


def _unpacked(packed: bytes, options: Mapping[str, Any]) -> Custom:
    return Custom(pickle.loads(packed), options)


def consequences_of(custom: Iterable[Custom]) -> dict[str, Consequence]:
    """What violations of such rules do, as far as the rules say so, as a contract has it."""
    return {
        f"{one.kind.name}:{case}" if case else one.kind.name: Consequence(effect, text)
        for one in custom
        for case, (effect, text) in one.kind.usual.items()
    }


def spread(rules: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Settings by rule, with that of ``schema`` for each of its checks that has none of its own."""
    every = rules.get(SCHEMA)
    kept = {name: setting for name, setting in rules.items() if name != SCHEMA}
    checks = (name for name in names if name.startswith(f"{SCHEMA}."))
    return kept if every is None else {**dict.fromkeys(checks, every), **kept}
