"""What `check` is given beside the data: the settings of a declaration, spelled in Python.

All faults are named at once. Reads no data.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from pretok_schemas.contract import Contract
from pretok_schemas.trainers import COLLATORS, load, names, transformers
from pytest_pretok.engines import ENGINES
from pytest_pretok.faults import DeclarationError, Fault, nearest, quote
from pytest_pretok.imports import lacking_option
from pytest_pretok.settings import DatasetSettings, Defaults
from pytest_pretok.tokenizers import TokenizerError
from pytest_pretok.tokenizers.saved import save_tokenizer

SHOWN = "check()"  # what faults call the place they stand in
OPTIONS = {"name": "data", "split": "train", "engine": "local", "workers": None, "examples": 3}
_MANY = ("rules", "columns", "plugins")  # None says that there are none
_LENGTHS = ("sequence_len", "min_sample_len", "excess_length", "micro_batch_size")


@dataclass(frozen=True, slots=True)
class Given:
    """What was given, read: ``table`` by the keys of a declaration, and as settings.

    ``changes`` tells whether any of it concerns datasets that have settings of their own;
    ``schema`` is a person's own (its name, or itself). The others are keywords of `check`.
    """

    table: Mapping[str, Any]
    settings: Defaults
    changes: bool
    schema: Any
    name: str
    split: str
    engine: str
    workers: int | None
    examples: int


def read_given(
    contract: Any,
    keywords: Mapping[str, Any],
    rules: tuple[str, ...],
    path: bool,
    folder: Callable[[], Path],
) -> Given:
    """What `check` was called with; ``rules`` are references to rules that hold everywhere.

    With ``path``, settings may speak of the rules that are declared where the check runs.
    ``folder`` makes the one in which a tokenizer that was given itself is saved.

    Raises:
        DeclarationError: something is faulty; all faults are named.
    """
    from pytest_pretok.declaration import read_settings, rules_in_force  # lazy: pydantic comes

    __tracebackhide__ = True
    options: dict[str, Any] = {key: keywords.get(key, usual) for key, usual in OPTIONS.items()}
    table = {
        key.replace("_", "-"): os.fspath(value) if isinstance(value, os.PathLike) else value
        for key, value in keywords.items()
        if key not in OPTIONS and (value is not None or key not in _MANY)
    }
    plugins, schema = table.pop("plugins", ()), table.pop("schema", None)
    faults = [Fault(SHOWN, None, key, text) for key, text in _option_faults(options)]
    if not isinstance(plugins, list | tuple):
        text = f"found {quote(plugins)}, expected a list of modules or rules"
        faults.append(Fault(SHOWN, None, "plugins", text))
        plugins = ()
    faults += [Fault(SHOWN, None, key, text) for key, text in _take_tokenizer(table, folder)]
    if isinstance(contract, Contract):
        faults += [Fault(SHOWN, None, key, text) for key, text in _take_contract(contract, table)]
    elif contract is not None:
        table["contract"] = contract
    declared = rules_in_force(Path.cwd(), rules) if path and table.get("rules") else ()
    every = (*rules, *plugins)
    try:
        found = read_settings(table, SHOWN, Path.cwd(), every, schema, declared)
    except DeclarationError as error:
        raise DeclarationError([*faults, *error.faults]) from None
    if faults:
        raise DeclarationError(faults)
    changes = bool(table or plugins) or schema is not None
    return Given(table, found, changes, schema, **options)


def all_options(settings: DatasetSettings) -> DatasetSettings:
    """The settings of a dataset, if rules of a person's own have all options that they need.

    Raises:
        DeclarationError: one is lacking.
    """
    lacking = lacking_option(settings)
    if lacking is not None:
        raise DeclarationError([Fault(SHOWN, None, "rules", lacking)])
    return settings


def _option_faults(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in ("name", "split"):
        value = options[key]
        if not isinstance(value, str) or not value:
            yield key, f"found {quote(value)}, expected a name"
    engine, workers, examples = (options[key] for key in ("engine", "workers", "examples"))
    if engine not in ENGINES:
        near = nearest(engine, ENGINES) if isinstance(engine, str) else ""
        yield "engine", f"unknown engine {quote(engine)}{near}"
    if workers is not None and not _counts(workers):
        yield "workers", f"found {quote(workers)}, expected a whole number >= 1, or None for all"
    if not _counts(examples):
        yield "examples", f"found {quote(examples)}, expected a whole number >= 1"


def _counts(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _take_tokenizer(table: dict[str, Any], folder: Callable[[], Path]) -> Iterator[tuple[str, str]]:
    """Put the files of a tokenizer in the place of itself; what stands against it."""
    given = table.get("tokenizer")
    if given is None or isinstance(given, str):
        return
    table["tokenizer"] = str(folder())
    try:
        save_tokenizer(given, Path(table["tokenizer"]))
    except TokenizerError as error:
        del table["tokenizer"]
        yield "tokenizer", error.reason


def _take_contract(contract: Contract, table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Put the settings that call for a contract into a table; what stands against it."""
    found = _called_for(contract)
    if found is None:
        text = f"{quote(contract.name)} is not as the trainer has it; validate takes such contracts"
        yield "contract", text
        return
    for key in ("packing", "collator"):
        if key in table and table[key] != found.get(key):
            yield key, f"found {quote(table[key])}, but the contract has its own"
    table |= {key: value for key, value in found.items() if key not in table}


def _called_for(contract: Contract) -> dict[str, Any] | None:
    """The settings that call for a contract; None if none do."""
    lengths = {key: getattr(contract, key) for key in _LENGTHS}
    for name, packing in product(names(), (False, True)):
        for collator in (None, *(COLLATORS if name == transformers.NAME else ())):
            plain = load(name, packing=packing, collator=collator)
            if replace(plain, **lengths) == contract:
                own = {key: value for key, value in lengths.items() if value != getattr(plain, key)}
                told = {"contract": name, "packing": packing, **own}
                told |= {} if collator is None else {"collator": collator}
                return {key.replace("_", "-"): value for key, value in told.items()}
    return None
