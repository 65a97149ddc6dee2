"""``[tool.pretok]`` of one file, with every fault of it at once.

Reads that file; knows no data and no pytest.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytest_pretok.settings import DatasetSettings, Defaults, RuleSetting, Table
from pytest_pretok.text import plural, printable
from pytest_pretok.toml_lines import key_lines

DECLARATION = "pyproject.toml"
ROLES = ("input_ids", "attention_mask", "labels", "position_ids")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_TABLE = re.compile(rb"tool|pretok")

_IDS_INSTEAD = "declare vocab-size, bos-token-id, eos-token-ids and pad-token-id instead"
LATER = {
    "format": "the format is told by the file's content",
    "tokenizer": _IDS_INSTEAD,
    "collator": "no contract of this version has one",
    "schema": "only the three columns are checked so far",
    "baseline": "use max-rows or max-share of a rule instead",
    "plugins": "rules of your own come later",
    "trainer-config": "declare sequence-len, packing and the paths here instead",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a declaration: file, line, key, and what is wrong with it."""

    file: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class DeclarationError(Exception):
    """A declaration is faulty; ``faults`` has all of them, in the order of their lines."""

    def __init__(self, faults: Collection[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line or 0))
        head = f"{plural(len(self.faults), 'fault')} in {self.faults[0].file}"
        super().__init__("\n".join([head, *(f"  {fault}" for fault in self.faults)]))


@dataclass(frozen=True, slots=True)
class Declaration:
    """One ``[tool.pretok]`` table: its file, the defaults, and the datasets in their order."""

    file: Path
    folder: Path
    defaults: Defaults
    datasets: tuple[DatasetSettings, ...]


def has_declaration(file: Path) -> bool:
    """Whether a file may hold ``[tool.pretok]``: cheap, and never wrongly no."""
    try:
        found = _TABLE.findall(file.read_bytes())
    except OSError:
        return False
    # Keys may be spelled with escapes ("pr\u0065tok"): nobody does, and no such table is read.
    return b"tool" in found and b"pretok" in found


def read_declaration(
    file: Path, rules: Collection[str], contracts: Collection[str]
) -> Declaration | None:
    """The declaration in a file, None if it has no ``[tool.pretok]`` table.

    Raises:
        DeclarationError: the file is no TOML, or the table is faulty; all faults are named.
    """
    shown = _shown(file)
    text, document = _parse(file, shown)
    tool = document.get("tool")
    if not isinstance(tool, dict) or "pretok" not in tool:
        return None
    reader = _Reader(shown, key_lines(text), tuple(rules), tuple(contracts))
    declaration = reader.read(file, tool["pretok"])
    if reader.faults:
        raise DeclarationError(reader.faults)
    return declaration


def _shown(file: Path) -> str:
    cwd = Path.cwd()
    return printable(str(file.relative_to(cwd) if file.is_relative_to(cwd) else file))


def _parse(file: Path, shown: str) -> tuple[str, dict[str, Any]]:
    try:
        text = file.read_bytes().decode("utf-8")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DeclarationError([Fault(shown, line, "", "the file is not UTF-8")]) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise DeclarationError([Fault(shown, None, "", f"cannot be read: {reason}")]) from None
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+)", str(error))
        at = int(place.group(1)) if place else text.rstrip("\n").count("\n") + 1
        raise DeclarationError([Fault(shown, at, "", f"no valid TOML: {error}")]) from None


class _Reader:
    """Turns one parsed table into settings and gathers what is wrong with it."""

    def __init__(
        self,
        file: str,
        lines: Mapping[tuple[str, ...], int],
        rules: tuple[str, ...],
        contracts: tuple[str, ...],
    ) -> None:
        self.file = file
        self.lines = lines
        self.rules = rules
        self.contracts = contracts
        self.faults: list[Fault] = []

    def read(self, file: Path, table: Any) -> Declaration | None:
        where: tuple[str, ...] = ("tool", "pretok")
        if not isinstance(table, dict):
            self.fault(where, (), f"found {_quote(table)}, expected a table")
            return None
        own = {key: value for key, value in table.items() if key != "datasets"}
        defaults = self.table(Defaults, own, where)
        tables = table.get("datasets", {})
        if not isinstance(tables, dict):
            self.fault(where, ("datasets",), f"found {_quote(tables)}, expected tables by name")
            tables = {}
        found = [self.dataset(name, entry, own, where) for name, entry in tables.items()]
        if self.faults or defaults is None:
            return None
        datasets = tuple(settings for settings in found if settings is not None)
        return Declaration(file, file.parent, defaults, datasets)

    def dataset(
        self, name: str, table: Any, defaults: dict[str, Any], where: tuple[str, ...]
    ) -> DatasetSettings | None:
        where = (*where, "datasets", name)
        if not _NAME.fullmatch(name):
            why = "letters, digits, '.', '_' and '-' only: '::' and brackets part a test's id"
            self.fault(where, (), f"the name {_quote(name)} may hold {why}")
        if not isinstance(table, dict):
            self.fault(where, (), f"found {_quote(table)}, expected a table")
            return None
        for key in ("name", "line"):
            if key in table:
                self.fault(where, (key,), f"unknown key{_nearest(key, _keys(DatasetSettings))}")
        own = {key: value for key, value in table.items() if key not in ("name", "line")}
        self.place(own, where)
        if self.table(DatasetSettings, own, where) is None:
            return None
        merged = {**defaults, **own}
        for key in ("rules", "columns"):
            merged[key] = {**defaults.get(key, {}), **own.get(key, {})}
        try:
            settings = DatasetSettings.model_validate(
                {**merged, "name": name, "line": self.line(where)}
            )
        except ValidationError:
            return None  # a fault of the defaults, told where they stand
        self.together(settings, where)
        return settings

    def table(self, model: type[Defaults], table: dict[str, Any], where: tuple[str, ...]) -> Any:
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
        try:
            settings = model.model_validate(now)
        except ValidationError as error:
            for one in error.errors():
                self.translate(model, one, now, where)
            return None
        return settings if len(self.faults) == before else None

    def names(self, table: Mapping[str, Any], where: tuple[str, ...]) -> None:
        """Names of contracts, rules, roles and splits."""
        contract = table.get("contract")
        if isinstance(contract, str) and contract not in self.contracts:
            known = ", ".join(self.contracts)
            near = _nearest(contract, self.contracts)
            text = f"unknown contract {_quote(contract)}, known: {known}{near}"
            self.fault(where, ("contract",), text)
        for key, names, noun in (("rules", self.rules, "rule"), ("columns", ROLES, "column")):
            entries = table.get(key)
            for name in entries if isinstance(entries, dict) else ():
                if name not in names:
                    self.fault(where, (key, name), f"unknown {noun}{_nearest(name, names)}")
        columns = table.get("columns")
        if isinstance(columns, dict) and len(set(map(str, columns.values()))) < len(columns):
            self.fault(where, ("columns",), "two columns cannot have one name")

    def place(self, table: Mapping[str, Any], where: tuple[str, ...]) -> None:
        """Where the data is: exactly one of path and splits."""
        path, splits = table.get("path"), table.get("splits")
        if (path is None) == (splits is None):
            text = "needs path or splits" if path is None else "has both path and splits"
            self.fault(where, (), text)
        if splits is not None and not splits:
            self.fault(where, ("splits",), "no split is named")
        for name, value in splits.items() if isinstance(splits, dict) else ():
            if not _NAME.fullmatch(name):
                why = "letters, digits, '.', '_' and '-' only"
                self.fault(where, ("splits", name), f"the name may hold {why}")
            self.local(value, where, ("splits", name))
        if path is not None:
            self.local(path, where, ("path",))

    def local(self, path: Any, where: tuple[str, ...], key: tuple[str, ...]) -> None:
        if path == "":
            self.fault(where, key, "the path is empty")
        if isinstance(path, str) and _URL.match(path):
            self.fault(where, key, "URLs are planned, but not supported yet")

    def together(self, settings: DatasetSettings, where: tuple[str, ...]) -> None:
        """What must fit together once the defaults are filled in."""
        size = settings.vocab_size
        if size is not None:
            ids = [("bos-token-id", settings.bos_token_id), ("pad-token-id", settings.pad_token_id)]
            ids += [("eos-token-ids", value) for value in settings.eos_token_ids or ()]
            for key, value in ids:
                if value is not None and value >= size:
                    self.fault(where, (key,), f"{value} is not below vocab-size = {size}")
        for rule, setting in settings.rules.items():
            if setting.max_rows is not None and setting.max_share is not None:
                self.fault(where, ("rules", rule), "has both max-rows and max-share")

    def translate(self, model: type[Table], error: Any, table: Any, where: tuple[str, ...]) -> None:
        """One of pydantic's errors in our words."""
        key = tuple(str(part) for part in error["loc"])
        if error["type"] == "extra_forbidden":
            inner = RuleSetting if key[0] == "rules" else model
            self.fault(where, key, f"unknown key{_nearest(key[-1], _keys(inner))}")
            return
        self.fault(where, key, f"found {_quote(error['input'])}, expected {_expected(error)}")

    def fault(self, where: tuple[str, ...], key: tuple[str, ...], message: str) -> None:
        shown = f"[{'.'.join(where)}]"
        if key:
            shown += f" {'.'.join(key)}"
        self.faults.append(Fault(self.file, self.line((*where, *key)), printable(shown), message))

    def line(self, path: tuple[str, ...]) -> int:
        """The line of a key, or of the table that should hold it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def _keys(model: type[Table]) -> list[str]:
    own = [field.alias or name for name, field in model.model_fields.items()]
    return [key for key in own if key not in ("name", "line")]


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name.replace("_", "-"), known, n=1) or get_close_matches(
        name, known, n=1
    )
    return f"; did you mean {near[0]!r}?" if near else ""


def _quote(value: Any) -> str:
    return printable(repr(value), 60)


def _expected(error: Any) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("greater_than_equal", "less_than_equal"):
        sign, bound = (">=", context["ge"]) if "ge" in context else ("<=", context["le"])
        return f"a number {sign} {bound}"
    if kind == "literal_error":
        return f"one of {context['expected']}"
    return {
        "int_type": "a whole number",
        "float_type": "a number",
        "bool_type": "true or false",
        "string_type": "text in quotes",
        "tuple_type": "a list of whole numbers",
        "too_short": "at least one id",
        "dict_type": "a table",
        "model_type": "a severity in quotes, or a table",
        "model_attributes_type": "a severity in quotes, or a table",
    }.get(kind, str(error["msg"]))
