"""Checks without pytest: what lies under a path, or an object in memory -> a report.

The findings are those of ``pytest --pretok-data``; only who asks and who is told differs.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pretok_schemas.findings import Finding, Outcome
from pretok_schemas.rendering import render, render_no_verdict
from pytest_pretok.checks import Checks, Options, Subject, contract_line, subjects
from pytest_pretok.declared import DECLARATION, has_declaration
from pytest_pretok.faults import nearest
from pytest_pretok.given import Given, all_options, read_given
from pytest_pretok.imports import installed_rules
from pytest_pretok.plan import Plan, PlannedDataset, PlannedShard, PlannedSplit
from pytest_pretok.report.records import Records, record
from pytest_pretok.report.result import Report, Result
from pytest_pretok.report.summary import scan_record
from pytest_pretok.settings import DatasetSettings, contract_of, dataset_of

if TYPE_CHECKING:
    from pretok_schemas.contract import Contract
    from pytest_pretok.baseline import Standing
    from pytest_pretok.readers.memory import Held


def check(
    data: Any,
    contract: str | Contract | None = None,
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
    ``tokenizer`` may be one of `transformers` or `tokenizers` itself, ``plugins`` may be rules
    themselves beside modules, ``schema`` a schema itself.
    ``examples`` is how many violations a finding shows.

    Raises:
        DeclarationError: settings, or a declaration, are faulty; all faults are named.
        PlanError: there is nothing to check under the path.
        UnknownObject: the object holds no rows.
        EngineError: the engine cannot start.
    """
    __tracebackhide__ = True
    options = {"name": name, "split": split, "engine": engine, "workers": workers}
    keywords = {**options, "examples": examples, **settings}
    return check_with(installed_rules(), data, contract, keywords)


def check_with(
    rules: tuple[str, ...], data: Any, contract: Any, keywords: Mapping[str, Any]
) -> Report:
    """What `check` does; ``rules`` are references to rules that hold for every dataset."""
    __tracebackhide__ = True
    path = os.fspath(data) if isinstance(data, str | os.PathLike) else None
    with ExitStack() as kept, ExitStack() as stack:
        given = read_given(contract, keywords, rules, path is not None, _Folders(kept))
        options = Options(given.examples, given.workers, keep_all=False, engine=given.engine)
        if path is None:
            plan, held = _plan_of_object(data, given, _Folders(stack))
        else:
            if given.engine == "processes":
                from pytest_pretok.apart import look_apart  # lazy: few ask for it

                stack.callback(look_apart())
            plan, held = _plan_of_path(path, given, rules), {}
        report = _judge(plan, held, options)
        # What it shows of ids is decoded when it is shown.
        weakref.finalize(report, kept.pop_all().close)
        return report


def check_declared(name: str, folder: Path, rules: tuple[str, ...]) -> Report:
    """Check one dataset that the declaration in force in a folder names.

    ``rules`` are references to rules that hold for every dataset.

    Raises:
        LookupError: no declaration is in force, or it has no dataset of that name.
        DeclarationError: it is faulty; all faults are named.
    """
    from pytest_pretok.planning import Request, make_plan

    __tracebackhide__ = True
    there: list[str] = []
    for home in (folder, *folder.parents):
        file = home / DECLARATION
        plan = make_plan(Request(folder, folder, named=(f"{file}::{name}",), plugins=rules))
        if plan.datasets:
            return _judge(plan, {}, Options())
        if has_declaration(file):
            from pytest_pretok.declaration import declared_names  # lazy: pydantic comes with it

            there += declared_names(file, rules, folder)
    hint = nearest(name, there) if there else ""
    raise LookupError(f"no [tool.pretok.datasets.{name}] is declared for {folder}{hint}")


class _Folders:
    """Private folders, removed when the stack is closed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def __call__(self) -> Path:
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="pretok-")))


def _plan_of_path(path: str, given: Given, rules: tuple[str, ...]) -> Plan:
    from pytest_pretok.planning import PlanError, Request, make_plan

    __tracebackhide__ = True
    cwd = Path.cwd()
    contract = given.table.get("contract")
    try:
        plan = make_plan(Request(cwd, cwd, (path,), contract=contract, plugins=rules))
    except PlanError as error:
        raise PlanError(str(error).replace("--pretok-data=", "", 1)) from None
    if not given.changes:
        return plan
    datasets = (replace(one, settings=_settings_of(one, given)) for one in plan.datasets)
    return replace(plan, datasets=tuple(datasets))


def _settings_of(dataset: PlannedDataset, given: Given) -> dict[str, Any]:
    """The settings of a dataset that was found, with those that go before them."""
    __tracebackhide__ = True
    own = given.settings.to_dict()
    names = {key.replace("-", "_") for key in given.table}
    if "tokenizer" in names:
        names |= {"vocab_size", "bos_token_id", "eos_token_ids", "pad_token_id"}
    settings = {**dataset.settings, **{name: own[name] for name in names}}
    for name in names & {"rules", "columns"}:
        settings[name] = {**dataset.settings[name], **own[name]}
    if given.schema is not None:
        settings["own_schema"] = own["own_schema"]
    settings["plugins"] = list(dict.fromkeys([*settings["plugins"], *own["plugins"]]))
    settings["home"] = settings["home"] or own["home"]
    return all_options(DatasetSettings.from_dict(settings)).to_dict()


def _plan_of_object(data: object, given: Given, folder: _Folders) -> tuple[Plan, dict[str, Held]]:
    from pretok_schemas.text import printable
    from pytest_pretok.objects import splits_of

    __tracebackhide__ = True
    settings, split = all_options(dataset_of(given.settings, name=given.name)), given.split
    held: dict[str, Held] = {}
    splits = []
    for number, found in enumerate(splits_of(data, folder)):
        if isinstance(found.rows, str):
            splits.append(_split_of_path(found.split or split, found.rows, settings))
            continue
        path = f"{number}" if not isinstance(found.rows, Path) else str(found.rows)
        if not isinstance(found.rows, Path):
            held[path] = found.rows
        shard = PlannedShard(path, printable(found.shown, 80))
        named = found.split is not None
        splits.append(PlannedSplit(found.split or split, (shard,), "", named))
    dataset = PlannedDataset(settings.name, _kind(data), settings.to_dict(), tuple(splits))
    return Plan((dataset,)), held


def _split_of_path(name: str, path: str, settings: DatasetSettings) -> PlannedSplit:
    """The split that a path stands for among splits by name, as a declaration has it."""
    from pytest_pretok.discovery import declared_splits
    from pytest_pretok.text import node_path

    cwd = Path.cwd()
    columns = contract_of(settings).columns
    names = {settings.columns.get(one.role, one.name or one.role) for one in columns}
    (found,) = declared_splits(None, {name: path}, cwd, names)
    shards = (
        PlannedShard(str(one.path), node_path(one.path, cwd), one.error, one.format)
        for one in found.shards
    )
    return PlannedSplit(name, tuple(shards), "", True)


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
