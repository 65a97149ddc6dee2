"""``[tool.pretok]`` of one file, with every fault of it at once.

Reads that file; knows no data and no pytest.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pretok_schemas.contract import ROLES
from pretok_schemas.custom import SCHEMA, fault_of_options, options_of, own_options
from pretok_schemas.custom import fault_of as fault_of_rule
from pretok_schemas.rules import NAMES
from pretok_schemas.rules.base import Rule
from pretok_schemas.text import printable
from pretok_schemas.trainers import names as known_contracts
from pytest_pretok.declared import (
    CONFIG_KEY,
    DECLARATION,
    PLUGINS_KEY,
    Declaration,
    has_declaration,
)
from pytest_pretok.declared_tables import TableError, keys, option_fault, read_table
from pytest_pretok.faults import (
    LATER,
    DeclarationError,
    Fault,
    expected,
    nearest,
    place_of,
    quote,
)
from pytest_pretok.imports import (
    ImportFault,
    installed_rules,
    load_rules,
    may_import,
    schema_of,
)
from pytest_pretok.paths import exists
from pytest_pretok.settings import DatasetSettings, Defaults, RuleSetting
from pytest_pretok.small_files import read_regular
from pytest_pretok.stores import fault_of, is_url
from pytest_pretok.toml_lines import key_lines

S = TypeVar("S", bound=Defaults)
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_MOST_PARTS = 100
# tomllib takes the square of their number, in time, and the lines of keys in memory.
_ENDLESS = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
    rf"{{{_MOST_PARTS}}}"
)


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
    document, lines = _parse(file, shown)
    tool = document.get("tool")
    if not isinstance(tool, dict) or "pretok" not in tool:
        return None
    reader = _Reader(shown, file.parent, lines, tuple(rules), tuple(contracts), baseline, miss)
    reader.imports = may_import(file.parent, cwd or Path.cwd())
    reader.take_rules(plugins)
    declaration = reader.read(file, tool["pretok"])
    if reader.faults:
        raise DeclarationError(reader.faults)
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
    reader = _Reader(shown, folder, {}, NAMES, known_contracts(), lambda path: None, None)
    reader.take_rules(plugins, key=(PLUGINS_KEY,))
    reader.know(known)
    reader.own_schema(schema, ())
    settings = reader.table(Defaults, dict(table), ())
    settings = None if settings is None else reader.tokenized(settings, ())
    if settings is None or not reader.fit(settings, ()) or reader.faults:
        raise DeclarationError([replace(fault, line=None) for fault in reader.faults])
    own = schema if schema is not None else settings.own_schema
    return reader.with_code(replace(settings, own_schema=own))


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


def _parse(file: Path, shown: str) -> tuple[dict[str, Any], dict[tuple[str, ...], int]]:
    """What a file holds, and the lines of its keys."""
    line: int | None = None
    try:
        text = read_regular(file).decode("utf-8")
        if endless := _ENDLESS.search(text):
            line = text.count("\n", 0, endless.start()) + 1
            reason = f"no valid TOML: a key of more than {_MOST_PARTS} parts"
        else:
            return tomllib.loads(text), key_lines(text)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        reason = "the file is not UTF-8"
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+)", str(error))
        line = int(place.group(1)) if place else text.rstrip("\n").count("\n") + 1
        marked = text.startswith("\ufeff")
        what = "it begins with a byte order mark; save it as UTF-8 without one"
        reason = f"no valid TOML: {what if marked else error}"
    except RecursionError:
        reason = "no valid TOML: arrays or tables are nested too deeply"
    except ValueError:  # Python refuses to read whole numbers of more than 4,300 digits
        reason = "no valid TOML: a number has thousands of digits"
    raise DeclarationError([Fault(shown, line, "", reason)])


class _Reader:
    """Turns one parsed table into settings and gathers what is wrong with it."""

    def __init__(
        self,
        file: str,
        folder: Path,
        lines: Mapping[tuple[str, ...], int],
        rules: tuple[str, ...],
        contracts: tuple[str, ...],
        baseline: Callable[[str], str | None],
        miss: Callable[[Path], None] | None,
    ) -> None:
        self.file = file
        self.folder = folder
        self.lines = lines
        self.rules = self.known_rules = rules
        self.contracts = contracts
        self.baseline = baseline
        self.miss = miss
        self.faults: list[Fault] = []
        self.imports = True
        self.kinds: dict[str, type[Rule]] = {}
        self.plugins: tuple[str, ...] = ()
        self.schemas: dict[str, tuple[str, ...]] = {}  # by reference, the names of its rules

    def take_rules(
        self, plugins: Collection[Any], where: tuple[str, ...] = (), key: tuple[str, ...] = ()
    ) -> None:
        """Import rules; what cannot be used is a fault."""
        for reference in plugins:
            try:
                kinds = load_rules(reference, self.home)
            except ImportFault as error:
                self.fault(where, key, str(error))
                continue
            for kind in kinds:
                taken = [name for name, own in self.kinds.items() if own is not kind]
                fault = fault_of_rule(kind, {*NAMES, *taken})
                if fault is not None:
                    shown = getattr(kind, "__qualname__", str(kind))
                    self.fault(where, key, f"{shown} {fault}")
                else:
                    self.kinds[kind.name] = kind
        self.rules = (*self.known_rules, *self.kinds)
        self.plugins = (*self.plugins, *plugins)

    def know(self, kinds: Collection[type[Rule]]) -> None:
        """Take rules for known that come from elsewhere."""
        self.kinds = {**{kind.name: kind for kind in kinds}, **self.kinds}
        self.rules = (*self.known_rules, *self.kinds)

    @property
    def home(self) -> str:
        """Where modules are looked for first: never among data."""
        return str(self.folder) if self.imports else ""

    def own_rules(self, value: Any, where: tuple[str, ...]) -> None:
        """The modules of ``plugins``."""
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            text = f"found {quote(value)}, expected a list of modules"
            self.fault(where, (PLUGINS_KEY,), text)
        elif value and self.allows_code(where, PLUGINS_KEY):
            self.take_rules(value, where, (PLUGINS_KEY,))

    def own_schema(self, value: Any, where: tuple[str, ...]) -> None:
        """The schema of one level: what it asks for becomes names of rules."""
        key = value if isinstance(value, str) else repr(id(value))
        if value is None or key in self.schemas or not self.allows_code(where, SCHEMA):
            return
        self.schemas[key] = ()
        try:
            rules = schema_of(value, self.home)
        except ImportFault as error:
            self.fault(where, (SCHEMA,), str(error))
        except ValueError as error:  # a schema of Pandera's may itself be faulty, too
            own = getattr(value, "__name__", type(value).__name__)
            shown = quote(value) if isinstance(value, str) else own
            self.fault(where, (SCHEMA,), f"{shown} {error}")
        else:
            self.schemas[key] = tuple(rule.kind.name for rule in rules)

    def allows_code(self, where: tuple[str, ...], key: str) -> bool:
        """Whether this declaration may name code; a fault if not."""
        if not self.imports:
            why = "code is imported for a declaration at or above the working directory only"
            self.fault(where, (key,), f"{why}: run the check in that folder")
        return self.imports

    def read(self, file: Path, table: Any) -> Declaration | None:
        where: tuple[str, ...] = ("tool", "pretok")
        if not isinstance(table, dict):
            self.fault(where, (), f"found {quote(table)}, expected a table")
            return None
        apart = ("datasets", CONFIG_KEY, PLUGINS_KEY)
        own = {k: value for k, value in table.items() if k not in apart}
        self.own_rules(table.get(PLUGINS_KEY, []), where)
        self.own_schemas(table, where)
        configs = self.configs(table.get(CONFIG_KEY, []), where)
        defaults = self.table(Defaults, own, where)
        if defaults is not None:
            defaults = self.tokenized(defaults, where)
        if defaults is None or not self.fit(defaults, where):
            own = {}  # told here: the datasets are judged without them
        tables = table.get("datasets", {})
        if not isinstance(tables, dict):
            self.fault(where, ("datasets",), f"found {quote(tables)}, expected tables by name")
            tables = {}
        found = [self.dataset(name, entry, own, where) for name, entry in tables.items()]
        if self.faults or defaults is None:
            return None
        datasets = tuple(settings for settings in found if settings is not None)
        defaults = self.with_code(defaults)
        return Declaration(file, file.parent, defaults, datasets, configs, "contract" in table)

    def own_schemas(self, table: dict[str, Any], where: tuple[str, ...]) -> None:
        """Every schema that is named, at the top and below."""
        tables = table.get("datasets", {})
        below = tables.items() if isinstance(tables, dict) else ()
        levels = [(table, where), *((one, (*where, "datasets", name)) for name, one in below)]
        for level, place in levels:
            if isinstance(level, dict) and isinstance(level.get(SCHEMA), str):
                self.own_schema(level[SCHEMA], place)

    def with_code(self, settings: S) -> S:
        """Settings that say where rules and schemas come from, if there are any."""
        if not self.plugins and settings.own_schema is None:
            return settings
        return replace(settings, plugins=self.plugins, home=self.home)

    def configs(self, value: Any, where: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
        """The trainer configurations that are named; planning looks for them."""
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            text = f"found {quote(value)}, expected a path or a list of paths"
            self.fault(where, (CONFIG_KEY,), text)
            return ()
        for text in texts:
            self.local(text, where, (CONFIG_KEY,))
        return tuple((text, self.line((*where, CONFIG_KEY))) for text in texts)

    def dataset(
        self, name: str, table: Any, defaults: dict[str, Any], where: tuple[str, ...]
    ) -> DatasetSettings | None:
        where = (*where, "datasets", name)
        if not _NAME.fullmatch(name):
            why = "letters, digits, '.', '_' and '-' only: '::' and brackets part a test's id"
            self.fault(where, (), f"the name {quote(name)} may hold {why}")
        if not isinstance(table, dict):
            self.fault(where, (), f"found {quote(table)}, expected a table")
            return None
        own = dict(table)
        for key in (CONFIG_KEY, PLUGINS_KEY):
            if key in own:
                self.fault(where, (key,), "belongs at the top, in [tool.pretok]")
                del own[key]
        self.place(own, where)
        if self.table(DatasetSettings, own, where) is None:
            return None
        merged = {**defaults, **own}
        for key in ("rules", "columns"):
            merged[key] = {**defaults.get(key, {}), **own.get(key, {})}
        settings = replace(self.made(DatasetSettings, merged), name=name, line=self.line(where))
        settings = self.with_code(settings)
        read = self.tokenized(settings, where)
        return read if read is not None and self.fit(read, where) else None

    def tokenized(self, settings: S, where: tuple[str, ...]) -> S | None:
        """The settings with what their tokenizer says; what is declared beside it goes before."""
        from pytest_pretok.tokenizers import TokenizerError
        from pytest_pretok.tokenizers.shared import shared_tokenizer

        if settings.tokenizer is None:
            return settings
        path = str(self.folder / settings.tokenizer)
        if self.miss is not None and not exists(Path(path)):
            self.miss(Path(path))
            return replace(settings, tokenizer=None)
        try:
            found = shared_tokenizer(path).load()
        except TokenizerError as error:
            self.fault(where, ("tokenizer",), error.reason)
            return None
        eos = settings.eos_token_ids or found.ends or None
        known = [one for one in eos or () if one < found.size]
        pieces = zip(known, found.pieces(known), strict=True)
        blank = next((one for one, text in pieces if not text.strip()), None)
        if blank is not None:
            text = f"{quote(blank)} is white space, which ends no text"
            self.fault(where, ("eos-token-ids",), text)
            return None
        update: dict[str, Any] = {
            "tokenizer": path,
            "vocab_size": found.size if settings.vocab_size is None else settings.vocab_size,
            "bos_token_id": found.bos if settings.bos_token_id is None else settings.bos_token_id,
            "eos_token_ids": eos,
            "pad_token_id": found.pad if settings.pad_token_id is None else settings.pad_token_id,
        }
        return replace(settings, **update)

    def table(self, kind: type[S], table: dict[str, Any], where: tuple[str, ...]) -> S | None:
        """The keys of one level, or None if some are faulty."""
        before = len(self.faults)
        now = {}
        for key, value in table.items():
            if key in LATER:
                text = f"planned, but not supported yet; {LATER[key]}"
                self.fault(where, (key,), text)
            else:
                now[key] = value
        self.names(now, where)
        self.known(now.get("baseline"), where)
        self.options(now, where)
        try:
            settings = self.made(kind, now)
        except TableError as error:
            for one in error.errors():
                self.translate(kind, one, where)
            return None
        return settings if len(self.faults) == before else None

    def made(self, kind: type[S], table: Mapping[str, Any]) -> S:
        """The settings of a table; rules of a person's own keep their options.

        Raises:
            TableError: it is faulty.
        """
        rules = table.get("rules")
        if not isinstance(rules, dict):
            return read_table(kind, table)
        plain, options = dict(rules), {}
        for name, setting in rules.items():
            if name in self.kinds and isinstance(setting, dict):
                options[name] = own_options(setting)
                own = {key.replace("_", "-") for key in options[name]}
                plain[name] = {k: v for k, v in setting.items() if k.replace("_", "-") not in own}
        settings = read_table(kind, {**table, "rules": plain})
        made = {n: replace(s, options=options.get(n, {})) for n, s in settings.rules.items()}
        return replace(settings, rules=made)

    def options(self, table: Mapping[str, Any], where: tuple[str, ...]) -> None:
        """The options that rules of a person's own are given."""
        rules = table.get("rules")
        for name, setting in rules.items() if isinstance(rules, dict) else ():
            kind = self.kinds.get(name)
            if kind is None or not isinstance(setting, dict):
                continue
            given = own_options(setting)
            known = options_of(kind)
            for key, value in given.items():
                spelled = next(k for k in setting if k.replace("-", "_") == key)
                if key not in known:
                    dashed = [option.replace("_", "-") for option in known]
                    text = f"unknown key{nearest(spelled, [*keys(RuleSetting), *dashed])}"
                    self.fault(where, ("rules", name, spelled), text)
                elif (wrong := option_fault(value, known[key].annotation)) is not None:
                    text = f"found {quote(value)}, expected {wrong}"
                    self.fault(where, ("rules", name, spelled), text)

    def names(self, table: Mapping[str, Any], where: tuple[str, ...]) -> None:
        """Names of contracts, rules, roles and splits."""
        contract = table.get("contract")
        if isinstance(contract, str) and contract not in self.contracts:
            text = f"unknown contract {quote(contract)}{nearest(contract, self.contracts)}"
            self.fault(where, ("contract",), text)
        checks = [SCHEMA, *(rule for rules in self.schemas.values() for rule in rules)]
        rules = (*self.rules, *(checks if self.schemas else ()))
        for key, names, noun in (("rules", rules, "rule"), ("columns", ROLES, "column")):
            entries = table.get(key)
            for name in entries if isinstance(entries, dict) else ():
                if name not in names:
                    self.fault(where, (key, name), f"unknown {noun}{nearest(name, names)}")

    def place(self, table: Mapping[str, Any], where: tuple[str, ...]) -> None:
        """Where the data is: exactly one of path and splits."""
        path, splits = table.get("path"), table.get("splits")
        if (path is None) == (splits is None):
            text = "needs path or splits" if path is None else "has both path and splits"
            self.fault(where, (), text)
        if splits == {}:
            self.fault(where, ("splits",), "no split is named")
        for name, value in splits.items() if isinstance(splits, dict) else ():
            if not _NAME.fullmatch(name):
                why = "letters, digits, '.', '_' and '-' only"
                self.fault(where, ("splits", name), f"the name may hold {why}")
            self.data(value, where, ("splits", name))
        if path is not None:
            self.data(path, where, ("path",))

    def known(self, path: Any, where: tuple[str, ...]) -> None:
        """The file of known findings, if one is named."""
        before = len(self.faults)
        self.local(path, where, ("baseline",))
        sound = isinstance(path, str) and len(self.faults) == before
        wrong = self.baseline(path) if sound else None
        if wrong is not None:
            self.fault(where, ("baseline",), f"{quote(path)} {wrong}")

    def data(self, path: Any, where: tuple[str, ...], key: tuple[str, ...]) -> None:
        """A path or URL of data."""
        if not isinstance(path, str) or not is_url(path) or "\0" in path:
            self.local(path, where, key)
        elif (fault := fault_of(path)) is not None:
            self.fault(where, key, fault)

    def local(self, path: Any, where: tuple[str, ...], key: tuple[str, ...]) -> None:
        if path == "":
            self.fault(where, key, "the path is empty")
        if isinstance(path, str) and "\0" in path:
            self.fault(where, key, "no path can hold a null character")
        if isinstance(path, str) and is_url(path):
            self.fault(where, key, "found a URL, expected a path: only data may be remote")

    def fit(self, settings: Defaults, where: tuple[str, ...]) -> bool:
        """Whether keys that are sound alone are sound together, defaults filled in."""
        before = len(self.faults)
        size = settings.vocab_size
        if size is not None:
            ids = [("bos-token-id", settings.bos_token_id), ("pad-token-id", settings.pad_token_id)]
            ids += [("eos-token-ids", value) for value in settings.eos_token_ids or ()]
            for key, value in ids:
                if value is not None and value >= size:
                    text = f"{quote(value)} is not below vocab-size = {quote(size)}"
                    self.fault(where, (key,), text)
        shortest, longest = settings.min_sample_len, settings.sequence_len
        if shortest is not None and longest is not None and shortest > longest:
            text = f"{shortest:,} is above sequence-len = {longest:,}: no row has such a length"
            self.fault(where, ("min-sample-len",), text)
        # Undeclared data is told of it where it is found: there may be none.
        kinds = self.kinds if isinstance(settings, DatasetSettings) else {}
        for name, kind in kinds.items():
            own = settings.rules.get(name)
            lacking = fault_of_options(kind, own.options if own is not None else ())
            if lacking is not None and (own is None or own.severity != "off"):
                self.fault(where, ("rules", name), lacking)
        if settings.collator is not None and settings.contract != "transformers":
            text = f"contract {quote(settings.contract)} has no collators; transformers has"
            self.fault(where, ("collator",), text)
        for rule, setting in settings.rules.items():
            if setting.max_rows is not None and setting.max_share is not None:
                self.fault(where, ("rules", rule), "has both max-rows and max-share")
        role_of: dict[str, str] = {}
        for role in ROLES:
            other = role_of.setdefault(settings.columns.get(role, role), role)
            if other != role:
                text = f"two columns cannot have one name: {other} and {role}"
                self.fault(where, ("columns",), text)
        return len(self.faults) == before

    def translate(self, kind: type[Defaults], error: Any, where: tuple[str, ...]) -> None:
        """One of pydantic's errors in our words."""
        key = tuple(str(part) for part in error["loc"])
        if error["type"] != "extra_forbidden":
            text = f"found {quote(error['input'])}, expected {expected(error)}"
        elif key[0] == "rules":
            own = "; this rule has no options of its own"
            text = f"unknown key{nearest(key[-1], keys(RuleSetting), own)}"
        elif key[0] in ("path", "splits"):
            text = "unknown key; it belongs to one dataset, in [tool.pretok.datasets.NAME]"
        else:
            text = f"unknown key{nearest(key[-1], keys(kind))}"
        self.fault(where, key, text)

    def fault(self, where: tuple[str, ...], key: tuple[str, ...], message: str) -> None:
        line = self.line((*where, *key))
        self.faults.append(Fault(self.file, line, place_of(where, key), message))

    def line(self, path: tuple[str, ...]) -> int:
        """The line of a key, or of the table that should hold it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)
