"""What stands between a rule of a person's own and the scan: its errors leave it without a verdict.

Knows the rule's methods, and how batches look to it; not where rules come from.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
import pyarrow as pa

from pretok_schemas.batch import TokenBatch, View
from pretok_schemas.contract import Contract, Vocabulary
from pretok_schemas.custom.function import as_look
from pretok_schemas.findings import Example, Severity
from pretok_schemas.rules.base import (
    FileRule,
    Look,
    RowRule,
    Rule,
    ShardFacts,
    SplitFacts,
    SplitRule,
    Unjudged,
)

if TYPE_CHECKING:
    from pretok_schemas.custom.custom import Custom

R = TypeVar("R")

_HERE = __name__.partition(".")[0]
_RAISED = "raised\n"  # begins the key of a count that holds a traceback
_LONGEST = 2000  # characters of a traceback


def guarded(custom: Custom, contract: Contract, vocabulary: Vocabulary) -> Rule:
    """A rule at work under a contract, with its guard around it."""
    guard = next(guard for kind, guard in _GUARDS.items() if issubclass(custom.kind, kind))
    made: Rule = guard(custom, contract, vocabulary)
    return made


class OwnBatch(TokenBatch):
    """A batch as a rule of a person's own sees it: the columns that the rule names, no others."""

    def __init__(self, batch: TokenBatch, rule: type[Rule]) -> None:
        vars(self).update(vars(batch))
        self._rule = rule

    def view(self, *roles: str) -> View:
        """The rows in which all of the roles are present, sound and equally long.

        Raises:
            LookupError: the rule does not name such a column; it need not have been read.
        """
        named = {role for view in self._rule.views for role in view}
        if issubclass(self._rule, RowRule):
            named.update(self._rule.weighs)
        if unknown := [role for role in roles if role not in named]:
            own = ", ".join(sorted(named)) or "none"
            raise LookupError(f"the rule looks at {unknown[0]!r}; the columns it names are: {own}")
        return super().view(*roles)

    def column(self, name: str) -> pa.Array:
        """The values of a further column, one a row.

        Raises:
            LookupError: the rule does not name it, or the file has no such column.
        """
        if name not in self._rule.reads:
            raise LookupError(f"the rule reads the column {name!r}; it must name it in reads")
        return super().column(name)


_TOLD = ("name", "family", "unit", "severity", "left_out_by", "requires", "views", "reads")
_WORDS = ("usual", "evidence", "summary")


class _Guard:
    """What guards have in common: the rule's own words, and its errors as counts."""

    views: ClassVar[tuple[tuple[str, ...], ...]] = ()
    name: ClassVar[str]

    def __init__(self, custom: Custom, contract: Contract, vocabulary: Vocabulary) -> None:
        self.contract, self.vocabulary = contract, vocabulary
        self._custom = custom
        self._rule: Any = None
        self._broken = ""  # the traceback of what went wrong apart from batches
        kind = custom.kind
        for word in (*_TOLD, *_WORDS, *(["weighs"] if issubclass(kind, RowRule) else [])):
            setattr(self, word, getattr(kind, word))
        stands = f"{kind.__module__}.{kind.__qualname__}"
        vars(self)["help"] = kind.help or f"see {stands}"
        try:
            self._rule = kind(contract, vocabulary, **custom.options)
        except Exception as error:  # noqa: BLE001 (whatever a person's code raises)
            self._broken = _told(error)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._custom, self.contract, self.vocabulary)

    def origin(self) -> str:
        """Where the rule comes from."""
        kind = self._custom.kind
        if kind.origin is not Rule.origin:
            return self.guarded(_as_text, "origin", None) or ""
        return f"a rule of your own, in {kind.__module__}"

    def guarded(self, checked: Callable[[Any], R], call: str, otherwise: R, *arguments: Any) -> R:
        """What a method of the rule returns, checked; something else if either raises."""
        if self._broken:
            return otherwise
        try:
            return checked(getattr(self._rule, call)(*arguments))
        except Exception as error:  # noqa: BLE001
            self._broken = _told(error)
            return otherwise

    def own(self, batch: TokenBatch) -> TokenBatch:
        """The batch as the rule may see it."""
        return OwnBatch(batch, self._custom.kind)

    def counted(self, look: Callable[[], R], otherwise: Callable[[dict[str, int]], R]) -> R:
        """What the rule makes of a batch, or a count of its error."""
        if self._rule is None:
            return otherwise({_RAISED + self._broken: 1})
        try:
            return look()
        except Exception as error:  # noqa: BLE001
            return otherwise({_RAISED + _told(error): 1})

    def severity_of(self, counts: Mapping[str, int], facts: SplitFacts) -> Severity:
        """The severity that is declared, or the rule's own."""
        declared = self.contract.severities.get(self.name)
        if declared is not None:
            return declared
        return self.guarded(Severity, "severity_of", Severity.ERROR, _plain(counts), facts)

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """What the rule says of the origin of the fault."""
        return self.guarded(_as_text, "cause", None, _plain(counts), facts, violations)

    def cases(self, counts: Mapping[str, int]) -> tuple[str, ...]:
        """What the consequence depends on."""
        return self.guarded(_as_cases, "cases", (), _plain(counts))

    def unjudged(self, counts: Mapping[str, int]) -> Unjudged | None:
        """The error that the rule met, if it did; else what it says itself."""
        told = self.guarded(_as_unjudged, "unjudged", None, _plain(counts))
        raised = sorted(key.removeprefix(_RAISED) for key in counts if key.startswith(_RAISED))
        if raised or self._broken:
            return Unjudged(
                reason=f"the rule raised an error\n{raised[0] if raised else self._broken}"
            )
        return told


class _GuardedRow(_Guard, RowRule):
    def look(self, batch: TokenBatch) -> Look:
        """The rule's own look, checked."""
        return self.counted(lambda: self._look(batch), lambda counts: Look(counts=counts))

    def _look(self, batch: TokenBatch) -> Look:
        look = as_look(self._rule.look(self.own(batch)), batch.rows)
        named = {role for view in self.views for role in view}
        if look.hits.positions is None or look.hits.roles is not None or len(named) != 1:
            return look
        # The only column that it looks at is the one at fault.
        roles = np.full(len(look.hits), named.pop(), object)
        return replace(look, hits=replace(look.hits, roles=roles))

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Any:
        """The codes that the split has settled on."""
        nothing: Container[int] = ()
        return self.guarded(_as_codes, "settle", nothing, _plain(counts), facts)


class _GuardedSplit(_Guard, SplitRule):
    def survey(self, batch: TokenBatch) -> Mapping[str, int]:
        """The rule's own counts."""
        return self.counted(lambda: _as_counts(self._rule.survey(self.own(batch))), dict)

    def conclude(self, counts: Mapping[str, int], facts: SplitFacts) -> str | None:
        """What the rule found; nothing where it could not look at all of the split."""
        if len(_plain(counts)) < len(counts):
            return None
        return self.guarded(_as_text, "conclude", None, counts, facts)


class _GuardedFile(_Guard, FileRule):
    def look_at_files(
        self, shards: Sequence[ShardFacts], names: Mapping[str, str]
    ) -> list[Example]:
        """The rule's own examples."""
        return self.guarded(_as_examples, "look_at_files", [], shards, names)


_GUARDS: dict[type[Rule], Any] = {
    RowRule: _GuardedRow,
    SplitRule: _GuardedSplit,
    FileRule: _GuardedFile,
}


def _plain(counts: Mapping[str, int]) -> dict[str, int]:
    return {key: many for key, many in counts.items() if not key.startswith(_RAISED)}


def _as_counts(found: Any) -> Mapping[str, int]:
    if not isinstance(found, Mapping):
        raise TypeError(f"survey returned {type(found).__name__}; expected counts by name")
    odd = [one for one in found.values() if not isinstance(one, int | np.integer)]
    if odd or not all(isinstance(name, str) for name in found):
        raise TypeError(f"survey returned {found!r:.200}; expected whole numbers by name")
    return {name: int(many) for name, many in found.items()}


def _as_text(found: Any) -> str | None:
    if found is not None and not isinstance(found, str):
        raise TypeError(f"it returned {type(found).__name__}; expected a text, or None")
    return found


def _as_cases(found: Any) -> tuple[str, ...]:
    if isinstance(found, str) or not all(isinstance(one, str) for one in found):
        raise TypeError(f"cases returned {found!r:.200}; expected texts")
    return tuple(found)


def _as_codes(found: Any) -> Container[int]:
    if not isinstance(found, Container):
        raise TypeError(f"settle returned {type(found).__name__}; expected codes")
    return found


def _as_unjudged(found: Any) -> Unjudged | None:
    if found is not None and not isinstance(found, Unjudged):
        raise TypeError(f"unjudged returned {type(found).__name__}; expected Unjudged, or None")
    return found


def _as_examples(found: Any) -> list[Example]:
    examples = list(found)
    if not all(isinstance(one, Example) for one in examples):
        raise TypeError("look_at_files returned what is no Example")
    return examples


def _told(error: Exception) -> str:
    """A traceback from where the rule's own code begins."""
    frame = error.__traceback__
    while frame is not None and _is_ours(frame.tb_frame):
        frame = frame.tb_next
    text = "".join(traceback.format_exception(type(error), error, frame)).rstrip()
    return text if len(text) <= _LONGEST else f"...\n{text[-_LONGEST:]}"


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith(_HERE)
