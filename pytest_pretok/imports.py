"""What a declaration, a hook or an entry point names for import: rules, and schemas.

Imports people's own code, and is the only one to do so. Reads no data.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pretok_schemas.custom import Custom, custom_rules, fault_of_options
from pretok_schemas.rules.base import Rule

if TYPE_CHECKING:
    from pytest_pretok.settings import DatasetSettings

GROUP = "pytest_pretok.rules"  # of entry points: a module, or MODULE:NAME


class ImportFault(Exception):
    """Something cannot be imported, or is not what it should be; the message is one sentence."""


def may_import(folder: Path, cwd: Path) -> bool:
    """Whether a declaration in a folder may name code: at or above the working directory only.

    One that lies among data has come with it, and data runs nothing.
    """
    home, here = os.path.realpath(folder), os.path.realpath(cwd)
    return os.path.commonpath([home, here]) == home


def installed_rules() -> tuple[str, ...]:
    """References to the rules that installed packages offer, sorted."""
    return tuple(sorted({point.value for point in entry_points(group=GROUP)}))


def reference_of(kind: type[Rule]) -> str:
    """What to call a rule that a hook has given, so that other processes find it.

    Raises:
        ImportFault: it cannot be found by a name.
    """
    name = getattr(kind, "__qualname__", str(kind))
    module = sys.modules.get(getattr(kind, "__module__", ""))
    if module is None or getattr(module, name, None) is not kind:
        raise ImportFault(f"{name} stands in no module; define it at the top of one")
    return f"{module.__name__}:{name}"


def load_rules(reference: str | type[Rule], home: str) -> tuple[type[Rule], ...]:
    """The rules of a module, or the one that ``MODULE:NAME`` names.

    Raises:
        ImportFault: the module cannot be imported, or has no rules.
    """
    if not isinstance(reference, str):
        return (reference,)  # given as itself, to a check that no process shares
    module, _, name = reference.partition(":")
    found = _module(module, home)
    if name:
        return (_member(found, name),)
    rules = [value for value in vars(found).values() if _is_rule(value)]
    if not rules:
        raise ImportFault(f"{module} has no rules: functions with @rule, or classes of rules")
    return tuple(dict.fromkeys(rules))


def _is_rule(value: object) -> bool:
    if not isinstance(value, type) or not issubclass(value, Rule):
        return False
    ours = value.__module__.startswith("pretok_schemas.")
    return not ours and isinstance(getattr(value, "name", None), str)


def load_schema(reference: Any, home: str) -> Any:
    """The object that ``MODULE:NAME`` names; anything but a text is itself.

    Raises:
        ImportFault: it cannot be imported, or there is no such name.
    """
    if not isinstance(reference, str):
        return reference
    module, colon, name = reference.partition(":")
    if not colon or not module or not name:
        raise ImportFault("expected MODULE:NAME, such as my_repo.schemas:Rows")
    return _member(_module(module, home), name)


def _member(module: Any, name: str) -> Any:
    found = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise ImportFault(f"{module.__name__} has no {name}")
        found = getattr(found, part)
    return found


def _module(name: str, home: str) -> Any:
    """A module, imported with the declaration's folder among the places to look."""
    if home and home not in sys.path:
        sys.path.insert(0, home)  # it stays: rules may import more when they run
    try:
        module = import_module(name)
    except (Exception, SystemExit) as error:  # a person's code may raise anything
        raise ImportFault(f"importing {name} failed: {_line(error)}{_where(error)}") from error
    _check_place(module, name, home)
    return module


def _check_place(module: Any, name: str, home: str) -> None:
    """Return unless another module of the name was loaded before, instead of the folder's own."""
    base = os.path.join(home, *name.split("."))  # noqa: PTH118
    own = [f"{base}.py", os.path.join(base, "__init__.py")]  # noqa: PTH118
    there = [path for path in own if home and os.path.isfile(path)]  # noqa: PTH113
    file = getattr(module, "__file__", None)
    if there and file and os.path.realpath(file) not in map(os.path.realpath, there):
        raise ImportFault(f"{name} is another module already, from {file}; rename one of them")


def _line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__


def _where(error: BaseException) -> str:
    """The innermost place of an error outside of the import machinery."""
    frame, place = error.__traceback__, ""
    while frame is not None:
        file = frame.tb_frame.f_code.co_filename
        if "importlib" not in file and file != __file__:
            place = f" ({Path(file).name}:{frame.tb_lineno})"
        frame = frame.tb_next
    return place


def custom_of(settings: DatasetSettings) -> tuple[Custom, ...]:
    """The rules of a person's own that a dataset is checked with.

    Raises:
        ImportFault: something cannot be imported.
        ValueError: something is no rule, or no schema.
    """
    options = {name: setting.options for name, setting in settings.rules.items()}
    off = {name for name, setting in settings.rules.items() if setting.severity == "off"}
    kinds = [
        kind
        for one in settings.plugins
        for kind in load_rules(one, settings.home)
        # One that is off need not be given what it lacks.
        if kind.name not in off or fault_of_options(kind, options[kind.name]) is None
    ]
    found = custom_rules(tuple(dict.fromkeys(kinds)), options) if kinds else ()
    if settings.own_schema is None:
        return found
    return (*found, *schema_of(settings.own_schema, settings.home))


def lacking_option(settings: DatasetSettings) -> str | None:
    """Which rule lacks an option that it needs, and which one, None if none does."""
    for kind in (kind for one in settings.plugins for kind in load_rules(one, settings.home)):
        own = settings.rules.get(kind.name)
        fault = fault_of_options(kind, own.options if own is not None else ())
        if fault is not None and (own is None or own.severity != "off"):
            return f"{kind.name} {fault}"
    return None


def schema_of(reference: Any, home: str) -> tuple[Custom, ...]:
    """A schema as rules.

    Raises:
        ImportFault: it cannot be imported.
        ValueError: it is no schema, or asks for what no batch of rows can tell.
    """
    from pretok_schemas.user_schemas import schema_rules  # lazy: few have a schema

    source = reference if isinstance(reference, str) else "the schema"
    return schema_rules(load_schema(reference, home), source)
