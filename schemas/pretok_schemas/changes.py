"""What has changed between two contracts, and what of it can break data that used to pass.

Compares; judges no data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pretok_schemas.contract import Column, Contract
from pretok_schemas.findings import Severity
from pretok_schemas.rules import RULES

# Settings whose change makes the same rows mean something else.
_MEANING = ("ignore_index", "packing", "labels_ahead", "makes_labels", "loss_masks")
_SEVERITIES = (Severity.OFF, Severity.WARNING, Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: ``kind`` is column, rule, effect, setting or trainer; None is "absent".

    A ``breaking`` one can make an error of data that was made for the first contract.
    """

    kind: str
    name: str
    before: str | None
    after: str | None
    breaking: bool

    def __str__(self) -> str:
        mark = "breaking: " if self.breaking else ""
        return f"{mark}{self.kind} {self.name}: {self.before or 'none'} -> {self.after or 'none'}"


def changes_between(before: Contract, after: Contract) -> tuple[Change, ...]:
    """The changes from one contract to another, breaking ones first."""
    found = [
        *_trainer(before, after),
        *_settings(before, after),
        *_columns(before, after),
        *_rules(before, after),
    ]
    return tuple(sorted(found, key=lambda change: not change.breaking))


def _trainer(before: Contract, after: Contract) -> Iterator[Change]:
    was, now = f"{before.trainer} {before.version}", f"{after.trainer} {after.version}"
    if was != now:
        yield Change("trainer", after.name, was, now, False)


def _settings(before: Contract, after: Contract) -> Iterator[Change]:
    for name in _MEANING:
        yield from _setting(before, after, name, breaking=True)
    yield from _setting(before, after, "numbers_documents", breaking=before.numbers_documents)
    for name in ("concatenates", "stumbles_over", "also_knows"):
        breaking = severity_of(after, "extra-column") is Severity.ERROR
        yield from _setting(before, after, name, breaking=breaking)
    was, now = before.sequence_len, after.sequence_len
    shorter = now is not None and (was is None or now < was)
    yield from _setting(before, after, "sequence_len", breaking=shorter)
    yield from _setting(before, after, "min_sample_len", breaking=False)
    stricter = after.excess_length == "raise"
    yield from _setting(before, after, "excess_length", breaking=stricter)
    yield from _setting(before, after, "micro_batch_size", breaking=False)


def _setting(before: Contract, after: Contract, name: str, *, breaking: bool) -> Iterator[Change]:
    was, now = getattr(before, name), getattr(after, name)
    if was != now:
        yield Change("setting", name, _shown(was), _shown(now), breaking)


def _columns(before: Contract, after: Contract) -> Iterator[Change]:
    roles = dict.fromkeys(column.role for column in (*before.columns, *after.columns))
    for role in roles:
        was, now = before.column(role), after.column(role)
        if was == now:
            continue
        yield Change("column", role, _column(was), _column(now), _narrower(was, now))


def _narrower(was: Column | None, now: Column | None) -> bool:
    """Whether a file that fits one column may not fit the other."""
    if now is None:
        return False
    if was is None:
        return now.required
    names = (was.name or was.role) != (now.name or now.role)
    taken = (was.accepts | was.tolerates) - (now.accepts | now.tolerates)
    stricter = (now.required and not was.required) or (now.parallel and not was.parallel)
    return bool(names or taken or stricter)


def _column(column: Column | None) -> str | None:
    if column is None:
        return None
    name = f"{column.name}: " if column.name else ""
    kinds = ", ".join(sorted(column.accepts))
    mild = f" (tolerated: {', '.join(sorted(column.tolerates))})" if column.tolerates else ""
    parallel = "" if column.parallel else ", not one a token"
    return f"{name}{'required' if column.required else 'optional'}, {kinds}{mild}{parallel}"


def _rules(before: Contract, after: Contract) -> Iterator[Change]:
    for rule in RULES:
        was, now = severity_of(before, rule.name), severity_of(after, rule.name)
        if was is not now:
            stricter = now is Severity.ERROR
            yield Change("rule", rule.name, was.value, now.value, stricter)
        keys = {*before.consequences, *after.consequences}
        for key in sorted(key for key in keys if key.split(":")[0] == rule.name):
            old, new = before.consequences.get(key), after.consequences.get(key)
            effects = [None if one is None else one.effect.value for one in (old, new)]
            if effects[0] != effects[1]:
                yield Change("effect", key, effects[0], effects[1], False)


def severity_of(contract: Contract, rule: str) -> Severity:
    """The severity of a rule under a contract; off where it does not apply."""
    found = next(one for one in RULES if one.name == rule)
    if not contract.applies(rule) or not found.applies(contract):
        return Severity.OFF
    if found.views and not any(map(contract.provides, found.views)):
        return Severity.OFF
    return contract.severities.get(rule, found.severity)


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, frozenset | tuple):
        return ", ".join(sorted(map(str, value))) or None
    return str(value).lower() if isinstance(value, bool) else str(value)
