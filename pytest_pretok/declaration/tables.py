"""Tables of a declaration -> settings: pydantic models made of the settings' own fields.

Knows no file and no data, and alone knows pydantic.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, partial, reduce
from itertools import chain
from operator import or_
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PydanticUserError,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic_core import PydanticCustomError

from pytest_pretok.settings import Key, NoKey, OneOrMore, Range, Says, Short

S = TypeVar("S")
TableError = ValidationError


class Table(BaseModel):
    """One TOML table: keys with dashes, exact types, nothing unknown."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        alias_generator=lambda name: name.replace("_", "-"),
    )


def read_table(kind: type[S], table: Mapping[str, Any]) -> S:
    """The settings of a class of `settings` that a parsed TOML table holds.

    Raises:
        TableError: keys are unknown, or values are not what their fields take; ``errors()`` has
            all of them.
    """
    return _made(kind, model_of(kind).model_validate(table))


def keys(kind: type) -> list[str]:
    """The keys of a table, as they are spelled."""
    return [field.alias or name for name, field in model_of(kind).model_fields.items()]


def model_of(kind: type) -> type[Table]:
    """The model of the tables that a class of settings is declared in."""
    return _model(kind)


@cache
def _model(kind: type) -> type[Table]:
    hints = get_type_hints(kind, include_extras=True)
    members: dict[str, Any] = {
        one.name: (_declared(hints[one.name]), _default(one))
        for one in fields(kind)
        if not any(isinstance(mark, NoKey) for mark in get_args(hints[one.name]))
    }
    model: type[Table] = create_model(kind.__name__, __base__=Table, **members)
    return model


def _default(field: Any) -> Any:
    made = field.default is MISSING
    return Field(default_factory=field.default_factory) if made else field.default


def _declared(hint: Any) -> Any:
    """A field's type as pydantic takes it: tables as models, marks as limits and validators."""
    origin, arguments = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return Annotated[model_of(hint), AfterValidator(partial(_made, hint))]
    if origin is Annotated:
        return Annotated[(_declared(arguments[0]), *chain(*map(_marked, arguments[1:])))]
    if not arguments or origin is Literal:
        return hint
    inner = tuple(map(_declared, arguments))
    return reduce(or_, inner) if origin in (Union, UnionType) else origin[inner]


def _marked(mark: Any) -> list[Any]:
    """A mark of `settings` as pydantic takes it."""
    if isinstance(mark, Range):
        return [Field(ge=mark.least, le=mark.most)]
    if isinstance(mark, Key):
        return [Field(alias=mark.text)]
    if isinstance(mark, Says):
        return [Field(description=mark.text)]
    if isinstance(mark, OneOrMore):
        # Asked after the members are: a length in the type's own schema counts only the sound
        # ones, and one wrong member is then told twice.
        return [AfterValidator(_not_empty), BeforeValidator(_as_many)]
    if isinstance(mark, Short):
        return [BeforeValidator(partial(_in_full, mark.field))]
    raise TypeError(f"no mark of the settings: {mark!r}")


def _made(kind: type[S], table: Table) -> S:
    return kind(**{name: getattr(table, name) for name in type(table).model_fields})


def option_fault(value: Any, annotation: Any) -> str | None:
    """What is expected of the value of a rule's option instead, None if it is as annotated."""
    try:
        TypeAdapter(annotation).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        return str(error.errors()[0]["msg"]).removeprefix("Input should be ")
    except (TypeError, PydanticUserError):
        return None  # the annotation says nothing of values in a declaration
    return None


def _in_full(field: str, value: Any) -> Any:
    return {field: value} if isinstance(value, str) else value


def _as_many(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _not_empty(many: tuple[int, ...]) -> tuple[int, ...]:
    if not many:
        raise PydanticCustomError("too_short", "at least one id")
    return many
