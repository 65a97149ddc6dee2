"""How a trainer's module states its facts.

What a fault does to any causal language model is said by the rules themselves (`Rule.usual`); a
trainer's module says what its trainer does otherwise, or besides.
"""

from __future__ import annotations

from collections.abc import Mapping

from pretok_schemas.findings import Consequence, Effect

CRASH, DROPPED, SILENT = Effect.CRASH, Effect.DROPPED, Effect.SILENT
WASTED, HARMLESS = Effect.WASTED, Effect.HARMLESS

Facts = Mapping[str, tuple[Effect, str]]


def consequences(facts: Facts) -> dict[str, Consequence]:
    """The facts as a contract holds them."""
    return {name: Consequence(effect, text) for name, (effect, text) in facts.items()}
