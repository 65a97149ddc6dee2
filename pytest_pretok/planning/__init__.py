"""Command line and declarations -> the plan.

Made once, before collection. Reads declarations and file headers; knows pytest only by the few
words in `Request`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pretok_schemas.text import plural
from pytest_pretok import discovery
from pytest_pretok.declared import DECLARATION, has_declaration
from pytest_pretok.faults import DeclarationError, Fault
from pytest_pretok.paths import exists, is_file, is_folder
from pytest_pretok.plan import Plan
from pytest_pretok.planning.builder import Builder
from pytest_pretok.planning.named import split_argument
from pytest_pretok.planning.request import PlanError, Request, absolute, not_there
from pytest_pretok.stores import RemotePath, is_url, redacted
from pytest_pretok.text import node_path
from pytest_pretok.trainer_configs import SUFFIXES

__all__ = ["PlanError", "Request", "declared_plan", "make_plan", "split_argument"]


def make_plan(request: Request) -> Plan:
    """The plan for a command line.

    Raises:
        DeclarationError: a declaration is faulty; all its faults are in the text.
        PlanError: a path is missing, or nothing under the paths can be checked.
    """
    builder = Builder.of(request)
    # What a configuration names is not found once more as undeclared files.
    for text in sorted(request.paths, key=lambda text: not text.lower().endswith(SUFFIXES)):
        builder.add_path(text)
    for text in request.named:
        file, parts = split_argument(text, request.cwd)
        if file is None:
            continue
        if isinstance(file, RemotePath):
            builder.add_url(file)
        elif file.name == DECLARATION and parts:
            builder.declared.named.add(file)
            declaration = builder.declared.of(file)
            if declaration is not None:
                builder.datasets.add_declared(declaration, {parts[0]})
        elif file.suffix.lower() in SUFFIXES:
            builder.add_config(file, text, {parts[0]} if parts else None)
        else:
            builder.add_existing(file, text)
    datasets = tuple(builder.datasets.planned.values())
    if request.paths and not datasets:
        raise PlanError(_nothing(request, builder))
    used = {dataset.baseline for dataset in datasets}
    baselines = {path: text for path, text in builder.declared.baselines.items() if path in used}
    unchecked = tuple(builder.declared.configs.unchecked)
    return Plan(datasets, tuple(_notes(builder, request.root)), baselines, unchecked)


def declared_plan(request: Request) -> Plan:
    """What the declarations at, above and below the paths ask for; no data file is opened.

    Raises:
        DeclarationError: declarations are faulty; all faults of all of them are in the text.
        PlanError: a path is missing, or there is no declaration.
    """
    request = replace(request, declared_only=True)
    builder = Builder.of(request)
    faults: list[Fault] = []
    for text in request.paths:
        if is_url(text):
            raise PlanError(f"{redacted(text)}: a declaration is a local file")
        for file in _declaring(absolute(text, request.cwd), text, request):
            try:
                builder.add_declaring(file, text)
            except DeclarationError as error:
                faults += error.faults
    if faults:
        raise DeclarationError(list(dict.fromkeys(faults)))
    if not builder.datasets.planned and not any(builder.declared.read.values()):
        where = ", ".join(request.paths)
        raise PlanError(f"{where}: no {DECLARATION} with a [tool.pretok] table at, above or below")
    unchecked = tuple(builder.declared.configs.unchecked)
    notes = tuple(builder.declared.configs.notes)
    return Plan(
        tuple(builder.datasets.planned.values()),
        notes,
        {},
        unchecked,
        tuple(builder.declared.absent),
    )


def _declaring(path: Path, text: str, request: Request) -> list[Path]:
    """The files that may declare what lies at a path: the nearest above, and all below."""
    if not exists(path):
        raise PlanError(not_there(text, path).removeprefix("--pretok-data="))
    if path.name == DECLARATION or path.suffix.lower() in SUFFIXES:
        return [path]
    start = path if is_folder(path) else path.parent
    above = (folder / DECLARATION for folder in (start, *start.parents))
    nearest = next((file for file in above if is_file(file) and has_declaration(file)), None)
    below = discovery.walk(path, request.ignored).declarations if is_folder(path) else []
    files = [*([nearest] if nearest else []), *below]
    return [file for file in dict.fromkeys(files) if has_declaration(file)]


def _nothing(request: Request, builder: Builder) -> str:
    where = ", ".join(request.paths)
    lines = [f"--pretok-data={where}: nothing to check"]
    if builder.passed_over:
        lines.append(
            f"{plural(builder.passed_over, 'file')} passed over: "
            "none of the columns input_ids, attention_mask, labels"
        )
    for file, declaration in builder.declared.read.items():
        if declaration is not None:
            declared = ", ".join(d.name for d in declaration.datasets) or "no datasets"
            lines.append(f"{node_path(file, request.root)} declares {declared}, none of it here")
    lines += builder.declared.configs.unchecked
    if len(lines) == 1:
        lines.append("no Parquet, Arrow or JSON file was found there, and no declaration")
    return "; ".join(lines)


def _notes(builder: Builder, root: Path) -> list[str]:
    notes = builder.declared.configs.notes
    if builder.passed_over:
        notes.append(f"{plural(builder.passed_over, 'file')} without token columns passed over")
    if builder.left_over:
        shown = [node_path(path, root) for path in builder.left_over[:3]]
        more = f" and {len(builder.left_over) - 3:,} more" if len(builder.left_over) > 3 else ""
        notes.append(f"not in the declaration, not checked: {', '.join(shown)}{more}")
    return notes
