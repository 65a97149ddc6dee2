"""What a rule of a person's own must be, and the options that it takes.

An option is a keyword of its function, or of its constructor.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, get_type_hints

from pretok_schemas.contract import ROLES
from pretok_schemas.custom.custom import Custom
from pretok_schemas.custom.function import FunctionRule
from pretok_schemas.findings import Effect, Severity
from pretok_schemas.rules.base import CorpusRule, FileRule, NormRule, RowRule, Rule, SplitRule

REQUIREMENTS = (
    "sequence-len",
    "vocab-size",
    "bos-token-id",
    "eos-token-ids",
    "pad-token-id",
    "tokenizer",
    "micro-batch-size",
    "trainer-config",
)
_NAME = re.compile(r"[a-z][a-z0-9]*([-_.][A-Za-z0-9]+)*")
_SETTING = ("severity", "max_rows", "max_share")


class Option(inspect.Parameter):
    """An option of a rule: a keyword of its function or constructor, and the type it asks for."""


def options_of(kind: type[Rule]) -> dict[str, Option]:
    """The options of a rule by name: keywords of its function, or of its constructor."""
    source = kind.function if issubclass(kind, FunctionRule) else kind.__init__
    try:
        hints = get_type_hints(source, include_extras=True)
    except Exception:  # noqa: BLE001 (an annotation may be anything)
        hints = {}
    parameters = inspect.signature(source).parameters.values()
    return {
        one.name: Option(
            one.name,
            one.kind,
            default=one.default,
            annotation=hints.get(one.name, Any),
        )
        for one in parameters
        if one.kind is inspect.Parameter.KEYWORD_ONLY
    }


def fault_of(kind: object, taken: Collection[str]) -> str | None:
    """Why something cannot be used as a rule, None if it can.

    ``taken`` are the names of the other rules.
    """
    if not (isinstance(kind, type) and issubclass(kind, Rule)):
        return "is no rule: derive one from RowRule, SplitRule or FileRule, or use @rule"
    if not issubclass(kind, RowRule | SplitRule | FileRule):
        return "must be a RowRule, a SplitRule or a FileRule"
    if issubclass(kind, NormRule | CorpusRule):
        return "must be a RowRule, a SplitRule or a FileRule; other kinds are this package's own"
    if inspect.isabstract(kind):
        return f"lacks {', '.join(sorted(kind.__abstractmethods__))}"
    name = getattr(kind, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"has the name {name!r}; expected words of lower-case letters, joined by dashes"
    if name in taken:
        return f"has the name {name!r}, which another rule has"
    return _fault_of_function(kind) or _fault_of_words(kind)


def _fault_of_function(kind: type[Rule]) -> str | None:
    """What is wrong with the arguments of a rule's function, if it is one."""
    if not issubclass(kind, FunctionRule):
        return None
    parameters = list(inspect.signature(kind.function).parameters.values())
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    placed = [one.name for one in parameters if one.kind in kinds]
    if not placed:
        return (
            None if any(one.kind is one.VAR_POSITIONAL for one in parameters) else "takes no batch"
        )
    if len(placed) > 1:
        return f"has options that are no keywords: put * before {placed[1]}"
    return None


def _fault_of_words(kind: type[Rule]) -> str | None:
    views = kind.views
    if not isinstance(views, tuple) or not all(isinstance(view, tuple) for view in views):
        return f"has views = {views!r}; expected a tuple of tuples of columns"
    texts = ("help", "evidence")
    if wrong := [word for word in texts if not isinstance(getattr(kind, word), str)]:
        return f"has a {wrong[0]} that is no text"
    weighs = kind.weighs if issubclass(kind, RowRule) else ()
    lists: tuple[tuple[str, Iterable[Any], Collection[str] | None], ...] = (
        ("views", [role for view in views for role in view] + list(weighs), ROLES),
        ("requires", kind.requires, REQUIREMENTS),
        ("reads", kind.reads, None),
        ("left_out_by", kind.left_out_by, None),
    )
    for word, found, known in lists:
        if isinstance(found, str) or not all(isinstance(one, str) for one in found):
            return f"has a {word} that is no tuple of texts"
        if known is not None and (odd := [one for one in found if one not in known]):
            return f"names {odd[0]!r} in {word}; there are: {', '.join(known)}"
    if not isinstance(kind.severity, Severity):
        return f"has severity = {kind.severity!r}; expected a Severity"
    usual = kind.usual.values() if isinstance(kind.usual, Mapping) else [None]
    for told in usual:
        if not (isinstance(told, tuple) and len(told) == 2 and isinstance(told[0], Effect)):
            return "has a usual that does not map a case to (Effect, text)"
    return None


def custom_rules(kinds: Sequence[type[Rule]], settings: Mapping[str, Any]) -> tuple[Custom, ...]:
    """Rules with the options that settings by rule hold for them.

    Raises:
        ValueError: one is no rule, or an option is unknown or missing.
    """
    from pretok_schemas.rules import NAMES  # lazy: that package makes rules of this module's

    taken = set(NAMES)
    found = []
    for kind in kinds:
        if (fault := fault_of(kind, taken)) is not None:
            raise ValueError(f"{getattr(kind, '__qualname__', kind)} {fault}")
        taken.add(kind.name)
        told = settings.get(kind.name)
        own = own_options(told) if isinstance(told, Mapping) else {}
        if (fault := fault_of_options(kind, own)) is not None:
            raise ValueError(f"{kind.name}: {fault}")
        found.append(Custom(kind, own))
    return tuple(found)


def own_options(setting: Mapping[str, Any]) -> dict[str, Any]:
    """What a rule's setting holds beside the severity and the budget, with underscores."""
    own = {key.replace("-", "_"): value for key, value in setting.items()}
    return {key: value for key, value in own.items() if key not in _SETTING}


def fault_of_options(kind: type[Rule], given: Collection[str]) -> str | None:
    """Which option of a rule is unknown or missing, None if all is well."""
    known = options_of(kind)
    for name in given:
        if name not in known:
            there = ", ".join(known) or "none"
            return f"there is no option {name!r}; its options are: {there}"
    for name, option in known.items():
        if option.default is inspect.Parameter.empty and name not in given:
            return f"needs the option {name!r}"
    return None
