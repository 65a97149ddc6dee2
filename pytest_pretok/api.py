"""Checks without pytest: what lies under a path, or an object in memory -> a report.

The findings are those of ``pytest --pretok-data``; only who asks and who is told differs.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pretok_schemas.findings import Finding, Outcome
from pretok_schemas.rendering import render, render_no_verdict
from pytest_pretok.checks import Checks, Options, Subject, contract_line, subjects
from pytest_pretok.imports import installed_rules
from pytest_pretok.plan import Plan, PlannedDataset, PlannedShard, PlannedSplit
from pytest_pretok.report.records import Records, record
from pytest_pretok.report.result import Report, Result
from pytest_pretok.report.summary import scan_record
from pytest_pretok.settings import dataset_of

if TYPE_CHECKING:
    from pytest_pretok.baseline import Standing
    from pytest_pretok.readers.memory import Held
    from pytest_pretok.settings import Defaults

SHOWN = "check()"  # what faults in settings call the place they stand in


def check(
    data: Any,
    contract: str | None = None,
    *,
    name: str = "data",
    split: str = "train",
    engine: str = "local",
    workers: int | None = None,
    examples: int = 3,
    **settings: Any,
) -> Report:
    """Check a dataset against a contract.

    ``data`` is a path (see ``--pretok-data``; declarations hold as they do there), or an object: a
    pyarrow Table, RecordBatch, RecordBatchReader or Dataset, a pandas or polars frame, a Dataset,
    DatasetDict or IterableDataset of `datasets`, rows as dicts, or a mapping of splits. ``name``
    and ``split`` are what the report calls an object and its only split. ``settings`` are the keys
    of a declaration, with underscores (``sequence_len=4096``); they go before those declared.
    ``plugins`` may be rules themselves beside modules, ``schema`` a schema itself.
    ``examples`` is how many violations a finding shows.

    Raises:
        DeclarationError: settings, or a declaration, are faulty; all faults are named.
        PlanError: there is nothing to check under the path.
        UnknownObject: the object holds no rows.
        EngineError: the engine cannot start.
    """
    table = {key.replace("_", "-"): value for key, value in settings.items()}
    own = _Own(tuple(table.pop("plugins", ())), table.pop("schema", None))
    if contract is not None:
        table["contract"] = contract
    given = _given(table, own)
    options = Options(examples, workers, keep_all=False, engine=engine)
    with ExitStack() as stack:
        if isinstance(data, str | os.PathLike):
            if engine == "processes":
                from pytest_pretok.apart import look_apart  # lazy: few ask for it

                stack.callback(look_apart())
            return _judge(_plan_of_path(os.fspath(data), table, given, own), {}, options)
        values = dataset_of(given, name=name).to_dict()
        return _judge(*_plan_of_object(data, values, split, _Folders(stack)), options)


def check_declared(name: str, folder: Path, examples: int = 3) -> Report:
    """Check one dataset that the declaration in force in a folder names.

    Raises:
        LookupError: no declaration is in force, or it has no dataset of that name.
        DeclarationError: it is faulty; all faults are named.
    """
    from pytest_pretok.declared import DECLARATION
    from pytest_pretok.planning import Request, make_plan

    installed = installed_rules()
    for home in (folder, *folder.parents):
        plan = make_plan(
            Request(folder, folder, named=(f"{home / DECLARATION}::{name}",), plugins=installed)
        )
        if plan.datasets:
            return _judge(plan, {}, Options(examples))
    raise LookupError(f"no [tool.pretok.datasets.{name}] is declared for {folder}")


@dataclass(frozen=True, slots=True)
class _Own:
    """A person's own rules (modules, or rules themselves) and schema (its name, or itself)."""

    plugins: tuple[Any, ...]
    schema: Any


def _given(table: dict[str, Any], own: _Own) -> Defaults:
    from pytest_pretok.declaration import read_settings  # lazy: pydantic comes with it

    return read_settings(table, SHOWN, Path.cwd(), own.plugins, own.schema)


class _Folders:
    """Private folders for streams, removed when the check is over."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def __call__(self) -> Path:
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="pretok-")))


def _plan_of_path(path: str, table: dict[str, Any], given: Defaults, extra: _Own) -> Plan:
    from pytest_pretok.planning import Request, make_plan

    cwd = Path.cwd()
    plan = make_plan(
        Request(cwd, cwd, (path,), contract=table.get("contract"), plugins=installed_rules())
    )
    if not table and not extra.plugins and extra.schema is None:
        return plan
    own = given.to_dict()
    names = {key.replace("-", "_") for key in table}
    if "tokenizer" in names:
        names |= {"vocab_size", "bos_token_id", "eos_token_ids", "pad_token_id"}
    datasets = []
    for dataset in plan.datasets:
        settings = {**dataset.settings, **{name: own[name] for name in names}}
        for name in names & {"rules", "columns"}:
            settings[name] = {**dataset.settings[name], **own[name]}
        if extra.schema is not None:
            settings["own_schema"] = own["own_schema"]
        settings["plugins"] = [*settings["plugins"], *own["plugins"]]
        settings["home"] = settings["home"] or own["home"]
        datasets.append(replace(dataset, settings=settings))
    return replace(plan, datasets=tuple(datasets))


def _plan_of_object(
    data: object, settings: dict[str, Any], split: str, folder: _Folders
) -> tuple[Plan, dict[str, Held]]:
    from pretok_schemas.text import printable
    from pytest_pretok.objects import splits_of

    held: dict[str, Held] = {}
    splits = []
    for number, found in enumerate(splits_of(data, folder)):
        shown = printable(found.shown, 80)
        path = f"{number}" if not isinstance(found.rows, Path) else str(found.rows)
        if not isinstance(found.rows, Path):
            held[path] = found.rows
        shard = PlannedShard(path, shown)
        named = found.split is not None
        splits.append(PlannedSplit(found.split or split, (shard,), "", named))
    name = settings["name"]
    return Plan((PlannedDataset(name, _kind(data), settings, tuple(splits)),)), held


def _kind(data: object) -> str:
    return f"<{type(data).__name__}>"


def _judge(plan: Plan, held: dict[str, Held], options: Options) -> Report:
    """Every rule on every split: what pytest's items do one by one."""
    everything = [
        subject
        for number, dataset in enumerate(plan.datasets)
        for subject in subjects(number, dataset, [s for s in dataset.splits if s.collected])
    ]
    chosen: dict[tuple[int, str | None], set[str]] = {}
    for subject in everything:
        chosen.setdefault((subject.number, subject.split), set()).add(subject.rule)
    selection = {key: frozenset(rules) for key, rules in chosen.items()}
    checks = Checks(plan, options, lambda: selection, held=held)
    records, results = Records(plan), []
    told: dict[tuple[int, str], dict[str, Any]] = {}
    with closing(checks):
        for subject in everything:
            number, split = subject.number, subject.split
            finding, standing = checks.weighed(number, split, subject.rule, subject.only)
            if split is not None and (number, split) not in told:
                told[number, split] = scan_record(checks.scan(number, split))
            scan = None if split is None else told[number, split]
            outcome = _outcome(checks, subject, finding)
            records.add(record(subject, _id(subject), finding, standing, scan), outcome)
            results.append(_result(checks, subject, finding, outcome == "failed", standing))
    return Report(results, records)


def _result(
    checks: Checks, subject: Subject, finding: Finding, failed: bool, standing: Standing | None
) -> Result:
    split = subject.split or subject.only
    if finding.outcome is Outcome.NOT_EVALUATED:
        text = render_no_verdict(finding, split, checks.cause_of(subject, finding))
    elif finding.violations:
        note = standing.note if standing is not None else ""
        text = render(finding, split, contract_line(subject.dataset, subject.split), note, rest="")
    else:
        text = ""
    return Result(subject.dataset.name, split, finding, failed, text)


def _id(subject: Subject) -> str:
    where = f"[{subject.split}]" if subject.split is not None else ""
    return f"{subject.dataset.name}::{subject.rule}{where}"


def _outcome(checks: Checks, subject: Subject, finding: Finding) -> str:
    """What pytest would make of an item."""
    match finding.outcome:
        case Outcome.PASSED | Outcome.WARNED:
            return "passed"
        case Outcome.NOT_EVALUATED:
            split = subject.split or subject.only
            told = finding.reason is None and checks.runs(subject.number, split, finding.because)
            return "skipped" if told else "failed"
        case _:
            return "failed"
