"""What may be wrong with the keys of one table beyond their types: names, paths, sums.

Pure: each function gives the keys at fault, and what is wrong with them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pretok_schemas.contract import ROLES
from pretok_schemas.custom import fault_of_options
from pretok_schemas.rules.base import Rule
from pytest_pretok.declaration.notes import Key, Wrong
from pytest_pretok.faults import nearest, quote
from pytest_pretok.settings import DatasetSettings, Defaults
from pytest_pretok.stores import fault_of, is_url

NAME = re.compile(r"[A-Za-z0-9._-]+")


def unknown_names(
    table: Mapping[str, Any], contracts: Collection[str], rules: Collection[str]
) -> Iterator[Wrong]:
    """Names of a contract, rules and roles that do not exist."""
    contract = table.get("contract")
    if isinstance(contract, str) and contract not in contracts:
        yield (
            ("contract",),
            f"unknown contract {quote(contract)}{nearest(contract, contracts)}",
        )
    for key, names, noun in (("rules", rules, "rule"), ("columns", ROLES, "column")):
        entries = table.get(key)
        for name in entries if isinstance(entries, dict) else ():
            if name not in names:
                yield (key, name), f"unknown {noun}{nearest(name, names)}"


def misplaced(table: Mapping[str, Any]) -> Iterator[Wrong]:
    """Where the data of a dataset is: not exactly one of path and splits, or none that can be."""
    path, splits = table.get("path"), table.get("splits")
    if (path is None) == (splits is None):
        yield (), "needs path or splits" if path is None else "has both path and splits"
    if splits == {}:
        yield ("splits",), "no split is named"
    for name, value in splits.items() if isinstance(splits, dict) else ():
        if not NAME.fullmatch(name):
            yield ("splits", name), "the name may hold letters, digits, '.', '_' and '-' only"
        yield from _no_data(value, ("splits", name))
    if path is not None:
        yield from _no_data(path, ("path",))


def _no_data(path: Any, key: Key) -> Iterator[Wrong]:
    if not isinstance(path, str) or not is_url(path) or "\0" in path:
        yield from not_local(path, key)
    elif (fault := fault_of(path)) is not None:
        yield key, fault


def not_local(path: Any, key: Key) -> Iterator[Wrong]:
    """A path that none can be on this machine; what is no text at all is for the types to tell."""
    if path == "":
        yield key, "the path is empty"
    if isinstance(path, str) and "\0" in path:
        yield key, "no path can hold a null character"
    if isinstance(path, str) and is_url(path):
        yield key, "found a URL, expected a path: only data may be remote"


def unfit(settings: Defaults, kinds: Mapping[str, type[Rule]]) -> Iterator[Wrong]:
    """Keys that are sound alone and not together, defaults filled in; ``kinds`` are a person's
    own rules.
    """
    size = settings.vocab_size
    if size is not None:
        ids = [("bos-token-id", settings.bos_token_id), ("pad-token-id", settings.pad_token_id)]
        ids += [("eos-token-ids", value) for value in settings.eos_token_ids or ()]
        for key, value in ids:
            if value is not None and value >= size:
                yield (key,), f"{quote(value)} is not below vocab-size = {quote(size)}"
    shortest, longest = settings.min_sample_len, settings.sequence_len
    if shortest is not None and longest is not None and shortest > longest:
        text = f"{shortest:,} is above sequence-len = {longest:,}: no row has such a length"
        yield ("min-sample-len",), text
    # Undeclared data is told of it where it is found: there may be none.
    for name, kind in kinds.items() if isinstance(settings, DatasetSettings) else ():
        own = settings.rules.get(name)
        lacking = fault_of_options(kind, own.options if own is not None else ())
        if lacking is not None and (own is None or own.severity != "off"):
            yield ("rules", name), lacking
    if settings.collator is not None and settings.contract != "transformers":
        text = f"contract {quote(settings.contract)} has no collators; transformers has"
        yield ("collator",), text
    for rule, setting in settings.rules.items():
        if setting.max_rows is not None and setting.max_share is not None:
            yield ("rules", rule), "has both max-rows and max-share"
    role_of: dict[str, str] = {}
    for role in ROLES:
        other = role_of.setdefault(settings.columns.get(role, role), role)
        if other != role:
            yield ("columns",), f"two columns cannot have one name: {other} and {role}"
