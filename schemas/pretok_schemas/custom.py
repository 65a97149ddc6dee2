"""Rules of people's own: the decorator that makes one of a function, options, and the guard.

Whatever such a rule does wrong leaves it without a verdict, and no other rule without its own.
Knows no file and no declaration.
"""

from __future__ import annotations

import inspect
import pickle
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib.util import find_spec
from typing import Any, ClassVar, TypeVar, cast, get_type_hints, overload

import numpy as np
import pyarrow as pa

from pretok_schemas.batch import TokenBatch, View
from pretok_schemas.contract import ROLES, Contract, Vocabulary
from pretok_schemas.findings import Consequence, Effect, Example, Severity
from pretok_schemas.rules.base import (
    NOTHING,
    CorpusRule,
    FileRule,
    Hits,
    Look,
    NormRule,
    RowRule,
    Rule,
    ShardFacts,
    SplitFacts,
    SplitRule,
    Unjudged,
    Usual,
)

R = TypeVar("R")
Function = Callable[..., Any]

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
_EVERYWHERE = {"pretok_schemas", "pandera", "pyarrow", "builtins", "__main__"}  # on every worker
_SETTING = ("severity", "max_rows", "max_share")
SCHEMA = "schema"  # begins the names of the rules that a schema's checks become
_RAISED = "raised\n"  # begins the key of a count that holds a traceback
_LONGEST = 2000  # characters of a traceback


class Option(inspect.Parameter):
    """An option of a rule: a keyword of its function or constructor, and the type it asks for."""


@dataclass(frozen=True, slots=True, eq=False)
class Custom:
    """A rule that is none of this package's, and the options it is used with."""

    kind: type[Rule]
    options: Mapping[str, Any] = field(default_factory=dict)

    def make(self, contract: Contract, vocabulary: Vocabulary) -> Rule:
        """The rule at work under a contract, guarded."""
        guard = next(guard for kind, guard in _GUARDS.items() if issubclass(self.kind, kind))
        made: Rule = guard(self, contract, vocabulary)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Carried by value, so that a worker needs no copy of the module."""
        return _unpacked, (packed_with(self.kind, [self.kind.__module__]), dict(self.options))


def packed_with(thing: object, modules: Iterable[str]) -> bytes:
    """Something as bytes, together with the packages of some modules that it comes from.

    By reference where there is no cloudpickle, or where they hold what no process can share.
    """
    try:
        import cloudpickle  # there is no worker on another machine without it
    except ImportError:
        return pickle.dumps(thing)
    tops = {module.partition(".")[0] for module in modules} - _EVERYWHERE
    packages = [sys.modules[top] for top in sorted(tops) if top in sys.modules]
    for package in packages:
        cloudpickle.register_pickle_by_value(package)
    try:
        return cast(bytes, cloudpickle.dumps(thing))
    except (TypeError, pickle.PicklingError):
        return pickle.dumps(thing)
    finally:
        for package in packages:
            cloudpickle.unregister_pickle_by_value(package)


def _unpacked(packed: bytes, options: Mapping[str, Any]) -> Custom:
    return Custom(pickle.loads(packed), options)


def travels() -> bool:
    """Whether rules of people's own can be sent to processes that need not have their modules."""
    return find_spec("cloudpickle") is not None


def consequences_of(custom: Iterable[Custom]) -> dict[str, Consequence]:
    """What violations of such rules do, as far as the rules say so, as a contract has it."""
    return {
        f"{one.kind.name}:{case}" if case else one.kind.name: Consequence(effect, text)
        for one in custom
        for case, (effect, text) in one.kind.usual.items()
    }


# -- what a rule asks for


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
    return _fault_of_words(kind)


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


def spread(rules: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Settings by rule, with that of ``schema`` for each of its checks that has none of its own."""
    every = rules.get(SCHEMA)
    kept = {name: setting for name, setting in rules.items() if name != SCHEMA}
    checks = (name for name in names if name.startswith(f"{SCHEMA}."))
    return kept if every is None else {**dict.fromkeys(checks, every), **kept}


# -- a function as a rule


class FunctionRule(RowRule):
    """A rule about rows that a function of a batch makes up."""

    function: ClassVar[Function]

    def __init__(self, contract: Contract, vocabulary: Vocabulary, **options: Any) -> None:
        super().__init__(contract, vocabulary)
        self.options = options

    def look(self, batch: TokenBatch) -> Look:
        """What the function says of a batch."""
        return as_look(type(self).function(batch, **self.options), batch.rows)


@overload
def rule(function: Function, /) -> type[FunctionRule]: ...


@overload
def rule(
    *,
    name: str | None = ...,
    columns: Sequence[str] = ...,
    reads: Sequence[str] = ...,
    help: str = ...,
    severity: str | Severity = ...,
    effect: str | Effect | None = ...,
    consequence: str = ...,
    evidence: str = ...,
    requires: Sequence[str] = ...,
    left_out_by: Sequence[str] = ...,
) -> Callable[[Function], type[FunctionRule]]: ...


def rule(
    function: Function | None = None,
    /,
    *,
    name: str | None = None,
    columns: Sequence[str] = ("input_ids",),
    reads: Sequence[str] = (),
    help: str = "",
    severity: str | Severity = Severity.ERROR,
    effect: str | Effect | None = None,
    consequence: str = "",
    evidence: str = "found",
    requires: Sequence[str] = (),
    left_out_by: Sequence[str] = (),
) -> Any:
    """Make a rule of a function that names the violating rows of a `TokenBatch`.

    The function returns `Hits` (see `hits_at`), or a boolean array with one value a row of the
    batch that is True where the row violates the rule, or the numbers of such rows. Its first line
    of documentation says what a violation is; its keywords are the rule's options.

    Args:
        function: the function, where the decorator stands without brackets.
        name: the rule's name; the function's with dashes, if none is given.
        columns: the columns, by role, that the function looks at: all must be sound in a row.
        reads: further columns of the files, for ``batch.column(name)``.
        help: what to do about a violation.
        severity: ``error``, ``warning`` or ``off``.
        effect: what training does with a violation, a value of `Effect`.
        consequence: the same in a sentence.
        evidence: the word before what an example found.
        requires: keys of a declaration without which the rule is not collected.
        left_out_by: rules whose rows this one leaves out, since they explain the same fault.

    Raises:
        ValueError: there is no such severity or effect.
    """
    level, does = Severity(severity), None if effect is None else Effect(effect)
    usual: Usual = {} if does is None else {"": (does, consequence or "by a rule of your own")}

    def make(made_of: Function) -> type[FunctionRule]:
        members = {
            "__doc__": made_of.__doc__,
            "__module__": made_of.__module__,
            "__qualname__": made_of.__qualname__,
            "function": staticmethod(made_of),
            "name": name or made_of.__name__.strip("_").replace("_", "-"),
            "views": (tuple(columns),) if columns else (),
            "reads": tuple(reads),
            "help": help,
            "severity": level,
            "usual": usual,
            "evidence": evidence,
            "requires": tuple(requires),
            "left_out_by": tuple(left_out_by),
        }
        return type(made_of.__name__, (FunctionRule,), members)

    return make if function is None else make(function)


def as_look(found: Any, rows: int) -> Look:
    """What a function of a batch of ``rows`` rows has returned, as a look; nothing is lost.

    Raises:
        TypeError: it is nothing that names rows.
        ValueError: the rows are not those of the batch, or parts differ in length.
    """
    if isinstance(found, Look):
        return Look(_checked(found.hits, rows), found.counts)
    if isinstance(found, Hits):
        return Look(_checked(found, rows))
    if isinstance(found, list | tuple) and not found:
        return NOTHING
    array = np.asarray(found)
    if array.ndim == 1 and array.dtype == np.bool_:
        if len(array) != rows:
            raise ValueError(f"{len(array)} truth values for the {rows} rows of the batch")
        return Look(Hits(np.flatnonzero(array)))
    if array.ndim == 1 and array.dtype.kind in "iu":
        return Look(_checked(Hits(np.unique(array.astype(np.int64))), rows))
    raise TypeError(
        f"it returned {type(found).__name__}; expected Hits, one truth value a row (True where it "
        "violates the rule), or row numbers"
    )


def _checked(hits: Hits, rows: int) -> Hits:
    found = hits.rows
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise ValueError("the rows of hits must be whole numbers in one dimension")
    if len(found) and (found[0] < 0 or found[-1] >= rows or (np.diff(found) <= 0).any()):
        raise ValueError(f"the rows of hits must rise, each once, from 0 to below {rows}")
    for part in fields(hits):
        value = getattr(hits, part.name)
        if value is not None and len(value) != len(found):
            raise ValueError(f"{len(value)} {part.name} for {len(found)} hits")
    return hits


# -- the guard


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
            return self.guarded("origin", "")
        return f"a rule of your own, in {kind.__module__}"

    def guarded(self, call: str, otherwise: R, *arguments: Any) -> R:
        """What a method of the rule returns, or something else if it raises."""
        if self._broken:
            return otherwise
        try:
            found: R = getattr(self._rule, call)(*arguments)
        except Exception as error:  # noqa: BLE001
            self._broken = _told(error)
            return otherwise
        return found

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
        return Severity(self.guarded("severity_of", Severity.ERROR, _plain(counts), facts))

    def cause(self, counts: Mapping[str, int], facts: SplitFacts, violations: int) -> str | None:
        """What the rule says of the origin of the fault."""
        return self.guarded("cause", None, _plain(counts), facts, violations)

    def cases(self, counts: Mapping[str, int]) -> tuple[str, ...]:
        """What the consequence depends on."""
        return self.guarded("cases", (), _plain(counts))

    def unjudged(self, counts: Mapping[str, int]) -> Unjudged | None:
        """The error that the rule met, if it did; else what it says itself."""
        raised = sorted(key.removeprefix(_RAISED) for key in counts if key.startswith(_RAISED))
        if raised or self._broken:
            return Unjudged(
                reason=f"the rule raised an error\n{raised[0] if raised else self._broken}"
            )
        return self.guarded("unjudged", None, counts)


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
        return self.guarded("settle", (), _plain(counts), facts)


class _GuardedSplit(_Guard, SplitRule):
    def survey(self, batch: TokenBatch) -> Mapping[str, int]:
        """The rule's own counts."""
        return self.counted(lambda: _as_counts(self._rule.survey(self.own(batch))), dict)

    def conclude(self, counts: Mapping[str, int], facts: SplitFacts) -> str | None:
        """What the rule found; nothing where it could not look at all of the split."""
        if len(_plain(counts)) < len(counts):
            return None
        return self.guarded("conclude", None, counts, facts)


class _GuardedFile(_Guard, FileRule):
    def look_at_files(
        self, shards: Sequence[ShardFacts], names: Mapping[str, str]
    ) -> list[Example]:
        """The rule's own examples."""
        return list(self.guarded("look_at_files", [], shards, names))


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
    return found


def _told(error: Exception) -> str:
    """A traceback from where the rule's own code begins."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_globals.get("__name__") == __name__:
        frame = frame.tb_next
    text = "".join(traceback.format_exception(type(error), error, frame)).rstrip()
    return text if len(text) <= _LONGEST else f"...\n{text[-_LONGEST:]}"
