"""Rules and schemas of a person's own that a declaration names: imported, and held to its words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pretok_schemas.custom import SCHEMA, fault_of, options_of, own_options
from pretok_schemas.rules import NAMES
from pretok_schemas.rules.base import Rule
from pytest_pretok.declaration.notes import Key, Notes, Wrong
from pytest_pretok.declaration.tables import keys, option_fault
from pytest_pretok.declared import PLUGINS_KEY
from pytest_pretok.faults import nearest, quote
from pytest_pretok.imports import ImportFault, load_rules, schema_of
from pytest_pretok.settings import Defaults, RuleSetting

S = TypeVar("S", bound=Defaults)


class OwnCode:
    """What a declaration brings along; what cannot be used is noted as a fault.

    ``allowed`` says whether it may name code at all; ``kinds`` are its rules by name.
    """

    def __init__(self, notes: Notes, folder: Path, allowed: bool = True) -> None:
        self._notes = notes
        self._allowed = allowed
        # Where modules are looked for first: never among data.
        self._home = str(folder) if allowed else ""
        self._references: tuple[Any, ...] = ()
        self._schemas: dict[str, tuple[str, ...]] = {}  # by reference, the names of its rules
        self.kinds: dict[str, type[Rule]] = {}

    @property
    def rules(self) -> tuple[str, ...]:
        """The names that a declaration may speak of beside those of the catalogue."""
        checks = [name for names in self._schemas.values() for name in names]
        return (*self.kinds, *([SCHEMA, *checks] if self._schemas else ()))

    def take(self, references: Collection[Any], table: Key = (), key: Key = ()) -> None:
        """Import rules."""
        for reference in references:
            try:
                kinds = load_rules(reference, self._home)
            except ImportFault as error:
                self._notes.fault(table, key, str(error))
                continue
            for kind in kinds:
                taken = [name for name, own in self.kinds.items() if own is not kind]
                wrong = fault_of(kind, {*NAMES, *taken})
                if wrong is None:
                    self.kinds[kind.name] = kind
                else:
                    shown = getattr(kind, "__qualname__", str(kind))
                    self._notes.fault(table, key, f"{shown} {wrong}")
        self._references = (*self._references, *references)

    def know(self, kinds: Collection[type[Rule]]) -> None:
        """Take rules for known that come from elsewhere."""
        self.kinds = {**{kind.name: kind for kind in kinds}, **self.kinds}

    def read(self, table: Mapping[str, Any], where: Key) -> None:
        """The modules of ``plugins``, and every schema that is named, at the top and below."""
        self._plugins(table.get(PLUGINS_KEY, []), where)
        tables = table.get("datasets", {})
        below = tables.items() if isinstance(tables, dict) else ()
        levels = [(table, where), *((one, (*where, "datasets", name)) for name, one in below)]
        for level, place in levels:
            if isinstance(level, dict) and isinstance(level.get(SCHEMA), str):
                self.schema(level[SCHEMA], place)

    def _plugins(self, value: Any, where: Key) -> None:
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            text = f"found {quote(value)}, expected a list of modules"
            self._notes.fault(where, (PLUGINS_KEY,), text)
        elif value and self._allows(where, PLUGINS_KEY):
            self.take(value, where, (PLUGINS_KEY,))

    def schema(self, value: Any, where: Key) -> None:
        """The schema of one level: what it asks for becomes names of rules."""
        key = value if isinstance(value, str) else repr(id(value))
        if value is None or key in self._schemas or not self._allows(where, SCHEMA):
            return
        self._schemas[key] = ()
        try:
            rules = schema_of(value, self._home)
        except ImportFault as error:
            self._notes.fault(where, (SCHEMA,), str(error))
        except ValueError as error:  # a schema of Pandera's may itself be faulty, too
            own = getattr(value, "__name__", type(value).__name__)
            shown = quote(value) if isinstance(value, str) else own
            self._notes.fault(where, (SCHEMA,), f"{shown} {error}")
        else:
            self._schemas[key] = tuple(rule.kind.name for rule in rules)

    def _allows(self, where: Key, key: str) -> bool:
        if not self._allowed:
            why = "code is imported for a declaration at or above the working directory only"
            self._notes.fault(where, (key,), f"{why}: run the check in that folder")
        return self._allowed

    def in_settings(self, settings: S) -> S:
        """Settings that say where rules and schemas come from, if there are any."""
        if not self._references and settings.own_schema is None:
            return settings
        return replace(settings, plugins=self._references, home=self._home)

    def without_options(
        self, rules: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Settings of rules as any rule has them, and the options that are a person's own."""
        plain, options = dict(rules), {}
        for name, setting in self._set(rules):
            options[name] = own_options(setting)
            own = {key.replace("_", "-") for key in options[name]}
            plain[name] = {k: v for k, v in setting.items() if k.replace("_", "-") not in own}
        return plain, options

    def wrong_options(self, table: Mapping[str, Any]) -> Iterator[Wrong]:
        """Options of a table's rules that these rules do not have, or that are of another type."""
        for name, setting in self._set(table.get("rules")):
            known = options_of(self.kinds[name])
            for key, value in own_options(setting).items():
                spelled = next(k for k in setting if k.replace("-", "_") == key)
                if key not in known:
                    dashed = [option.replace("_", "-") for option in known]
                    near = nearest(spelled, [*keys(RuleSetting), *dashed])
                    yield ("rules", name, spelled), f"unknown key{near}"
                elif (wrong := option_fault(value, known[key].annotation)) is not None:
                    text = f"found {quote(value)}, expected {wrong}"
                    yield ("rules", name, spelled), text

    def _set(self, rules: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, setting in rules.items() if isinstance(rules, dict) else ():
            if name in self.kinds and isinstance(setting, dict):
                yield name, setting
