"""What others ask of a declaration: the whole of it, settings alone, names, rules in force."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pretok_schemas.rules import NAMES
from pretok_schemas.rules.base import Rule
from pretok_schemas.text import printable
from pretok_schemas.trainers import names as known_contracts
from pytest_pretok.declaration.document import read_document
from pytest_pretok.declaration.notes import Notes
from pytest_pretok.declaration.own_code import OwnCode
from pytest_pretok.declaration.reader import Reader
from pytest_pretok.declared import DECLARATION, PLUGINS_KEY, Declaration, has_declaration
from pytest_pretok.faults import DeclarationError
from pytest_pretok.imports import installed_rules, load_rules, may_import
from pytest_pretok.settings import Defaults


def read_declaration(
    file: Path,
    rules: Collection[str],
    contracts: Collection[str],
    baseline: Callable[[str], str | None] = lambda path: None,
    miss: Callable[[Path], None] | None = None,
    plugins: tuple[str, ...] = (),
    cwd: Path | None = None,
) -> Declaration | None:
    """The declaration in a file, None if it has no ``[tool.pretok]`` table.

    ``baseline`` says what is wrong with the baseline file of a path, None if nothing is. With
    ``miss``, which is told of it, a tokenizer need not be there: the settings are then without it.
    ``plugins`` are references to rules that hold for every declaration; ``cwd`` is the working
    directory, which decides whether this one may name code (see `imports.may_import`).

    Raises:
        DeclarationError: the file is no TOML, or the table is faulty; all faults are named.
    """
    shown = _shown(file)
    document, lines = read_document(file, shown)
    tool = document.get("tool")
    if not isinstance(tool, dict) or "pretok" not in tool:
        return None
    notes = Notes(shown, lines)
    code = OwnCode(notes, file.parent, may_import(file.parent, cwd or Path.cwd()))
    code.take(plugins)
    reader = Reader(notes, file.parent, code, rules, contracts, baseline, miss)
    declaration = reader.declaration(file, tool["pretok"])
    if notes.faults:
        raise DeclarationError(notes.faults)
    return declaration


def read_settings(
    table: Mapping[str, Any],
    shown: str,
    folder: Path,
    plugins: Collection[Any] = (),
    schema: Any = None,
    known: Collection[type[Rule]] = (),
) -> Defaults:
    """The settings of a table that stands in no file; ``shown`` is what faults call it.

    ``plugins`` are modules with rules, or rules themselves, ``schema`` is one or names one.
    ``known`` are further rules that the table may speak of.

    Raises:
        DeclarationError: it is faulty; all faults are named.
    """
    notes = Notes(shown, {})
    code = OwnCode(notes, folder)
    code.take(plugins, key=(PLUGINS_KEY,))
    code.know(known)
    code.schema(schema, ())
    settings = Reader(notes, folder, code, NAMES, known_contracts()).settings(
        Defaults, dict(table), ()
    )
    if settings is None or notes.faults:
        raise DeclarationError([replace(fault, line=None) for fault in notes.faults])
    own = schema if schema is not None else settings.own_schema
    return code.in_settings(replace(settings, own_schema=own))


def rules_in_force(
    folder: Path, everywhere: tuple[str, ...] | None = None
) -> tuple[type[Rule], ...]:
    """The rules of people's own that hold in a folder: everywhere, and declared there or above.

    ``everywhere`` are references; None for those of installed packages.

    Raises:
        DeclarationError: the declaration is faulty.
        ImportFault: an installed rule cannot be imported.
    """
    plugins, home = installed_rules() if everywhere is None else everywhere, ""
    for above in (folder, *folder.parents):
        file = above / DECLARATION
        if not has_declaration(file):
            continue
        found = read_declaration(file, NAMES, known_contracts(), plugins=plugins, cwd=folder)
        if found is not None:
            plugins, home = found.defaults.plugins, found.defaults.home
            break
    return tuple(dict.fromkeys(kind for one in plugins for kind in load_rules(one, home)))


def declared_names(file: Path, plugins: tuple[str, ...], cwd: Path) -> list[str]:
    """The datasets that a file declares.

    Raises:
        DeclarationError: the declaration is faulty.
    """
    found = read_declaration(file, NAMES, known_contracts(), plugins=plugins, cwd=cwd)
    return [one.name for one in found.datasets] if found is not None else []


def _shown(file: Path) -> str:
    cwd = Path.cwd()
    return printable(str(file.relative_to(cwd) if file.is_relative_to(cwd) else file))
