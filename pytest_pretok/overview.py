"""A plan as text: what would be checked, under which settings, by which rules.

Opens no file; knows no pytest.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from pretok_schemas.findings import Severity
from pretok_schemas.rules import RULES
from pretok_schemas.text import plural, printable
from pytest_pretok.checks import ACROSS, lacking_rules, offered_rules
from pytest_pretok.imports import custom_of
from pytest_pretok.plan import Plan, PlannedDataset, PlannedSplit
from pytest_pretok.settings import DatasetSettings, contract_of

_INDENT = 14
_SHARDS_SHOWN = 3
_TOLD_APART = {"contract", "packing", "columns", "rules", "name", "line", "path", "splits"}
_OURS = {"entries", "home"}  # no key of a declaration
_SPELLED = {"own_schema": "schema"}  # where a key is not spelled as its field


def lines(plan: Plan, width: int) -> list[str]:
    """A paragraph a dataset, then what is not checked and what is not there."""
    found = []
    first_with: dict[tuple[tuple[str, str], ...], str] = {}
    for dataset in plan.datasets:
        found += [f"{printable(dataset.name)} ({dataset.declared_at})"]
        rules = tuple(_rules(dataset))
        other = first_with.setdefault(rules, dataset.name)
        if other != dataset.name:
            rules = (("rules", f"as of {printable(other)}"),)
        for label, text in (*_facts(dataset), *rules):
            first = f"  {label}".ljust(_INDENT - 1) + " "
            found += textwrap.wrap(
                text,
                max(width - 1, 40),
                initial_indent=first,
                subsequent_indent=" " * _INDENT,
                break_on_hyphens=False,
                break_long_words=False,
            )
        found.append("")
    found += [*plan.notes, *plan.unchecked]
    found += [f"{name} is not there: what it would tell is left out" for name in plan.absent]
    splits = sum(len(dataset.splits) for dataset in plan.datasets)
    text = f"{plural(len(plan.datasets), 'dataset')}, {plural(splits, 'split')}"
    missing = absent_files(plan)
    found.append(f"{text}; {len(missing):,} missing" if missing else text)
    return found


def absent_files(plan: Plan) -> list[str]:
    """What is declared but cannot be opened, each with the reason."""
    return [
        f"{shard.shown}: {shard.error}"
        for dataset in plan.datasets
        for split in dataset.splits
        for shard in split.shards
        if shard.error is not None
    ]


def _facts(dataset: PlannedDataset) -> Iterator[tuple[str, str]]:
    settings = DatasetSettings.from_dict(dataset.settings)
    contract = contract_of(settings)
    packing = "on" if settings.packing else "off"
    yield "contract", f"{contract.name}, packing {packing} ({contract.trainer} {contract.version})"
    told = [
        f"{_SPELLED.get(key, key).replace('_', '-')} = {printable(str(_plain(value)), 120)}"
        for key, value in dataset.settings.items()
        if key not in _TOLD_APART | _OURS and value not in (None, [], ())
    ]
    if told:
        yield "settings", ", ".join(told)
    if settings.columns:
        yield "columns", ", ".join(f"{role} = {name}" for role, name in settings.columns.items())
    for split in dataset.splits:
        yield split.name, _shards(split)


def _plain(value: object) -> object:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _shards(split: PlannedSplit) -> str:
    there = [printable(shard.shown) for shard in split.shards if shard.error is None]
    absent = [f"{s.shown} ({s.error})" for s in split.shards if s.error is not None]
    shown = _few(there)
    if absent:
        shown.append(f"MISSING: {', '.join(_few(absent))}")
    return "; ".join(shown)


def _few(names: list[str]) -> list[str]:
    more = len(names) - _SHARDS_SHOWN
    if more <= 0:
        return names
    return [*names[:_SHARDS_SHOWN], f"and {plural(more, 'more file')}"]


def _rules(dataset: PlannedDataset) -> Iterator[tuple[str, str]]:
    settings = DatasetSettings.from_dict(dataset.settings)
    names = [split.name for split in dataset.splits]
    offered = {rule for name in names for rule in offered_rules(dataset.settings, name)}
    if len(dataset.splits) < 2:
        offered -= ACROSS
    own = [
        f"{rule} {', '.join(_asked(setting))}"
        for rule, setting in dataset.settings["rules"].items()
        if _asked(setting) != ["off"]
    ]
    every = [*RULES, *(one.kind for one in custom_of(settings))]
    off = [rule.name for rule in every if _is_off(rule.name, rule.severity, settings)]
    text = f"{len(offered):,} on"
    text += f"; declared: {'; '.join(own)}" if own else ""
    yield "rules", text + (f"; off: {', '.join(off)}" if off else "")
    for keys, rules in _lacking(dataset).items():
        yield "lacking", f"{' and '.join(keys)}, for {', '.join(rules)}"


def _asked(setting: dict[str, object]) -> list[str]:
    options = setting["options"]
    told = {key: value for key, value in setting.items() if key != "options"}
    told |= options if isinstance(options, dict) else {}
    return [
        str(value) if key == "severity" else f"{key.replace('_', '-')} = {value}"
        for key, value in told.items()
        if value is not None
    ]


def _is_off(rule: str, usual: Severity, settings: DatasetSettings) -> bool:
    own = settings.rules.get(rule)
    return Severity(own.severity if own and own.severity else usual) is Severity.OFF


def _lacking(dataset: PlannedDataset) -> dict[tuple[str, ...], Iterable[str]]:
    found: dict[tuple[str, ...], list[str]] = {}
    for rule, keys in lacking_rules(dataset.settings).items():
        found.setdefault(keys, []).append(rule)
    return dict(found)
