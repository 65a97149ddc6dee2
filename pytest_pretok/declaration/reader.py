"""One parsed table of a declaration -> settings, level by level, and the faults of all levels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pytest_pretok.declaration.keys import NAME, misplaced, not_local, unfit, unknown_names
from pytest_pretok.declaration.notes import Key, Notes
from pytest_pretok.declaration.own_code import OwnCode
from pytest_pretok.declaration.tables import TableError, keys, read_table
from pytest_pretok.declared import CONFIG_KEY, PLUGINS_KEY, Declaration
from pytest_pretok.faults import LATER, expected, nearest, quote
from pytest_pretok.paths import exists
from pytest_pretok.settings import DatasetSettings, Defaults, RuleSetting

S = TypeVar("S", bound=Defaults)


class Reader:
    """Turns tables into settings; what is wrong with them is noted.

    ``baseline`` says what is wrong with the baseline file of a path, None if nothing is. With
    ``miss``, which is told of it, a tokenizer need not be there.
    """

    def __init__(
        self,
        notes: Notes,
        folder: Path,
        code: OwnCode,
        rules: Collection[str],
        contracts: Collection[str],
        baseline: Callable[[str], str | None] = lambda path: None,
        miss: Callable[[Path], None] | None = None,
    ) -> None:
        self._notes = notes
        self._folder = folder
        self._code = code
        self._rules = rules
        self._contracts = contracts
        self._baseline = baseline
        self._miss = miss

    def declaration(self, file: Path, table: Any) -> Declaration | None:
        """The whole table of a file; None if something in it is at fault."""
        where: Key = ("tool", "pretok")
        if not isinstance(table, dict):
            self._notes.fault(where, (), f"found {quote(table)}, expected a table")
            return None
        apart = ("datasets", CONFIG_KEY, PLUGINS_KEY)
        own = {key: value for key, value in table.items() if key not in apart}
        self._code.read(table, where)
        configs = self._configs(table.get(CONFIG_KEY, []), where)
        defaults = self.settings(Defaults, own, where)
        if defaults is None:
            own = {}  # told here: the datasets are judged without them
        tables = table.get("datasets", {})
        if not isinstance(tables, dict):
            text = f"found {quote(tables)}, expected tables by name"
            self._notes.fault(where, ("datasets",), text)
            tables = {}
        found = [self._dataset(name, entry, own, where) for name, entry in tables.items()]
        if self._notes.faults or defaults is None:
            return None
        datasets = tuple(settings for settings in found if settings is not None)
        defaults = self._code.in_settings(defaults)
        return Declaration(file, file.parent, defaults, datasets, configs, "contract" in table)

    def settings(self, kind: type[S], table: dict[str, Any], where: Key) -> S | None:
        """The settings of one level with what their tokenizer says; None if some are faulty."""
        found = self._level(kind, table, where)
        return None if found is None else self._completed(found, where)

    def _configs(self, value: Any, where: Key) -> tuple[tuple[str, int], ...]:
        """The trainer configurations that are named; planning looks for them."""
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            text = f"found {quote(value)}, expected a path or a list of paths"
            self._notes.fault(where, (CONFIG_KEY,), text)
            return ()
        for text in texts:
            self._notes.all(where, not_local(text, (CONFIG_KEY,)))
        return tuple((text, self._notes.line((*where, CONFIG_KEY))) for text in texts)

    def _dataset(
        self, name: str, table: Any, defaults: dict[str, Any], where: Key
    ) -> DatasetSettings | None:
        where = (*where, "datasets", name)
        if not NAME.fullmatch(name):
            why = "letters, digits, '.', '_' and '-' only: '::' and brackets part a test's id"
            self._notes.fault(where, (), f"the name {quote(name)} may hold {why}")
        if not isinstance(table, dict):
            self._notes.fault(where, (), f"found {quote(table)}, expected a table")
            return None
        own = dict(table)
        for key in (CONFIG_KEY, PLUGINS_KEY):
            if key in own:
                self._notes.fault(where, (key,), "belongs at the top, in [tool.pretok]")
                del own[key]
        self._notes.all(where, misplaced(own))
        if self._level(DatasetSettings, own, where) is None:
            return None
        merged = {**defaults, **own}
        for key in ("rules", "columns"):
            merged[key] = {**defaults.get(key, {}), **own.get(key, {})}
        found = self._made(DatasetSettings, merged)
        found = replace(found, name=name, line=self._notes.line(where))
        return self._completed(self._code.in_settings(found), where)

    def _level(self, kind: type[S], table: dict[str, Any], where: Key) -> S | None:
        """The keys of one level, or None if some are faulty."""
        before = len(self._notes.faults)
        now = {key: value for key, value in table.items() if key not in LATER}
        for key in table:
            if key in LATER:
                text = f"planned, but not supported yet; {LATER[key]}"
                self._notes.fault(where, (key,), text)
        rules = (*self._rules, *self._code.rules)
        self._notes.all(where, unknown_names(now, self._contracts, rules))
        self._known(now.get("baseline"), where)
        self._notes.all(where, self._code.wrong_options(now))
        try:
            settings = self._made(kind, now)
        except TableError as error:
            for one in error.errors():
                self._translate(kind, one, where)
            return None
        return settings if len(self._notes.faults) == before else None

    def _made(self, kind: type[S], table: Mapping[str, Any]) -> S:
        """The settings of a table; rules of a person's own keep their options.

        Raises:
            TableError: it is faulty.
        """
        rules = table.get("rules")
        if not isinstance(rules, dict):
            return read_table(kind, table)
        plain, options = self._code.without_options(rules)
        settings = read_table(kind, {**table, "rules": plain})
        made = {n: replace(s, options=options.get(n, {})) for n, s in settings.rules.items()}
        return replace(settings, rules=made)

    def _known(self, path: Any, where: Key) -> None:
        """The file of known findings, if one is named."""
        sound = self._notes.all(where, not_local(path, ("baseline",)))
        wrong = self._baseline(path) if sound and isinstance(path, str) else None
        if wrong is not None:
            self._notes.fault(where, ("baseline",), f"{quote(path)} {wrong}")

    def _completed(self, settings: S, where: Key) -> S | None:
        """The settings with what their tokenizer says, if all is sound together."""
        read = self._tokenized(settings, where)
        sound = read is not None and self._notes.all(where, unfit(read, self._code.kinds))
        return read if sound else None

    def _tokenized(self, settings: S, where: Key) -> S | None:
        """What is declared beside a tokenizer goes before what it says."""
        from pytest_pretok.tokenizers import TokenizerError
        from pytest_pretok.tokenizers.shared import shared_tokenizer

        if settings.tokenizer is None:
            return settings
        path = str(self._folder / settings.tokenizer)
        if self._miss is not None and not exists(Path(path)):
            self._miss(Path(path))
            return replace(settings, tokenizer=None)
        try:
            found = shared_tokenizer(path).load()
        except TokenizerError as error:
            self._notes.fault(where, ("tokenizer",), error.reason)
            return None
        eos = settings.eos_token_ids or found.ends or None
        known = [one for one in eos or () if one < found.size]
        pieces = zip(known, found.pieces(known), strict=True)
        blank = next((one for one, text in pieces if not text.strip()), None)
        if blank is not None:
            text = f"{quote(blank)} is white space, which ends no text"
            self._notes.fault(where, ("eos-token-ids",), text)
            return None
        update: dict[str, Any] = {
            "tokenizer": path,
            "vocab_size": found.size if settings.vocab_size is None else settings.vocab_size,
            "bos_token_id": found.bos if settings.bos_token_id is None else settings.bos_token_id,
            "eos_token_ids": eos,
            "pad_token_id": found.pad if settings.pad_token_id is None else settings.pad_token_id,
        }
        return replace(settings, **update)

    def _translate(self, kind: type[Defaults], error: Any, where: Key) -> None:
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
        self._notes.fault(where, key, text)
