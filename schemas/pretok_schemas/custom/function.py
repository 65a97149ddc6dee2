"""A function of a batch as a rule, and what it may return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from enum import Enum
from typing import Any, ClassVar, TypeVar, overload

import numpy as np

from pretok_schemas.batch import TokenBatch
from pretok_schemas.contract import Contract, Vocabulary
from pretok_schemas.findings import Effect, Severity
from pretok_schemas.rules.base import NOTHING, Hits, Look, RowRule, Usual

Function = Callable[..., Any]
E = TypeVar("E", bound=Enum)


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
    columns: str | Sequence[str] = ...,
    reads: str | Sequence[str] = ...,
    help: str = ...,
    severity: str | Severity = ...,
    effect: str | Effect | None = ...,
    consequence: str = ...,
    evidence: str = ...,
    requires: str | Sequence[str] = ...,
    left_out_by: str | Sequence[str] = ...,
) -> Callable[[Function], type[FunctionRule]]: ...


def rule(
    function: Function | None = None,
    /,
    *,
    name: str | None = None,
    columns: str | Sequence[str] = ("input_ids",),
    reads: str | Sequence[str] = (),
    help: str = "",
    severity: str | Severity = Severity.ERROR,
    effect: str | Effect | None = None,
    consequence: str = "",
    evidence: str = "found",
    requires: str | Sequence[str] = (),
    left_out_by: str | Sequence[str] = (),
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
        TypeError: what stands in the brackets without a keyword is no function.
        ValueError: there is no such severity or effect.
    """
    if function is not None and not callable(function):
        raise TypeError(f"rule takes keywords: @rule(name={function!r})")
    level = _member(Severity, severity)
    does = None if effect is None else _member(Effect, effect)
    usual: Usual = {} if does is None else {"": (does, consequence or "by a rule of your own")}

    def make(made_of: Function) -> type[FunctionRule]:
        members = {
            "__doc__": made_of.__doc__,
            "__module__": made_of.__module__,
            "__qualname__": made_of.__qualname__,
            "function": staticmethod(made_of),
            "name": name or made_of.__name__.strip("_").replace("_", "-"),
            "views": (_names(columns),) if columns else (),
            "reads": _names(reads),
            "help": help,
            "severity": level,
            "usual": usual,
            "evidence": evidence,
            "requires": _names(requires),
            "left_out_by": _names(left_out_by),
        }
        return type(made_of.__name__, (FunctionRule,), members)

    return make if function is None else make(function)


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    """Names; a single one may stand without a list."""
    return (given,) if isinstance(given, str) else tuple(given)


def _member(kind: type[E], value: str | E) -> E:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(one.value) for one in kind)
        raise ValueError(f"{value!r} is no {kind.__name__.lower()}; there are: {known}") from None


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
