"""A ``[tool.pretok]`` table for what lies under a path, each line with what speaks for it.

Reads the rows once, for the evidence; writes no file but the declaration that it is told to.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from pretok_schemas.columns import Columns
from pretok_schemas.contract import Vocabulary
from pretok_schemas.trainers import load
from pytest_pretok.declared import DECLARATION
from pytest_pretok.faults import DeclarationError
from pytest_pretok.inspect.measure import Measures, measure
from pytest_pretok.inspect.reading import open_shard
from pytest_pretok.inspect.targets import TargetError, plan_for
from pytest_pretok.plan import PlannedShard
from pytest_pretok.small_files import read_regular
from pytest_pretok.starting.contracts import contract_for
from pytest_pretok.starting.evidence import guesses
from pytest_pretok.starting.found import (
    Named,
    StartError,
    configs_beside,
    datasets_under,
    name_all,
    relative,
    tokenizers_beside,
)
from pytest_pretok.starting.toml_text import comment, key, string, table
from pytest_pretok.stores import identity
from pytest_pretok.tokenizers import TokenizerError, load_tokenizer
from pytest_pretok.whole_files import reason_of, write_whole


def propose(path: Path, base: Path, workers: int) -> str:
    """The table for the data under ``path``, to stand in a declaration in the folder ``base``.

    Raises:
        StartError: there is nothing to declare.
    """
    top = ["[tool.pretok]"]
    configs, covered, notes = _configs(path, base)
    datasets = name_all(
        [
            one
            for one in datasets_under(path)
            if not {identity(s.path) for p in one.splits for s in p.shards} <= covered
        ],
        base,
    )
    if not datasets and not configs:
        raise StartError(
            f"{path}: nothing to declare: no Parquet, Arrow or JSON file with the column "
            "input_ids or tokens was found"
        )
    contracts = {named.name: contract_for(_columns(named)) for named in datasets}
    usual = next((found for found, _ in contracts.values()), None)
    if usual is not None:
        top.append(_line("contract", string(usual), next(iter(contracts.values()))[1]))
    tokenizer = _tokenizer(path, base)
    top += [*tokenizer, *notes]
    if configs:
        value = string(configs[0]) if len(configs) == 1 else f"[{', '.join(map(string, configs))}]"
        top.append(_line("trainer-config", value, "its datasets are checked as it says"))
    known = any(line.startswith("tokenizer = ") for line in tokenizer)
    for named in datasets:
        top += ["", *_dataset(named, *contracts[named.name], usual or "", known, workers)]
    return "\n".join(top) + "\n"


def _line(name: str, value: str, why: str = "") -> str:
    return f"{name} = {value}" + (f"  {comment(why)}" if why else "")


def _configs(path: Path, base: Path) -> tuple[list[str], set[str], list[str]]:
    """Trainer configurations that can be read, the files that they name, and notes on others."""
    found, covered, notes = list[str](), set[str](), list[str]()
    for file in configs_beside(path, base):
        shown = relative(file, base)
        try:
            plan = plan_for([str(file)], base)
        except (DeclarationError, TargetError) as error:
            notes.append(comment(f"{shown} is not used: {str(error).splitlines()[0]}"))
            continue
        found.append(shown)
        shards = [s for one in plan.datasets for split in one.splits for s in split.shards]
        covered |= {os.path.realpath(shard.path) for shard in shards}
    return found, covered, notes


def _tokenizer(path: Path, base: Path) -> list[str]:
    beside = tokenizers_beside(path, base)
    if len(beside) > 1:
        names = ", ".join(relative(one, base) for one in beside)
        return [comment(f"tokenizer = one of {names}")]
    for folder in beside:
        shown = relative(folder, base)
        try:
            load_tokenizer(folder)
        except TokenizerError as error:
            return [comment(f"tokenizer = {string(shown)} cannot be read: {error}")]
        return [_line("tokenizer", string(shown), "found beside the data; if it is theirs")]
    return []


def _columns(named: Named) -> dict[str, None]:
    """The columns of the first file that can be read."""
    columns = Columns(load("axolotl"), Vocabulary())
    for shard in _planned(named):
        opened = open_shard(shard, columns)
        if opened.error is None:
            return dict.fromkeys(opened.names)
    return {}


def _planned(named: Named) -> list[PlannedShard]:
    return [
        PlannedShard(str(shard.path), str(shard.path), shard.error)
        for split in named.dataset.splits
        for shard in split.shards
    ]


def _dataset(
    named: Named, contract: str, why: str, usual: str, known: bool, workers: int
) -> list[str]:
    columns = Columns(load(contract), Vocabulary())
    opened = [open_shard(shard, columns) for shard in _planned(named)]
    measures = measure(opened, columns, (), workers)
    lines = [f"[tool.pretok.datasets.{key(named.name)}]"]
    try:
        if named.splits is not None:
            lines.append(f"splits = {table(named.splits)}")
        else:
            lines.append(_line("path", string(named.path or ""), _size(measures)))
    except ValueError as error:
        raise StartError(f"a path cannot be written down in TOML: {error}") from error
    if contract != usual:
        lines.append(_line("contract", string(contract), why))
    lines += [_line(one.key, one.value, one.why) for one in guesses(measures, ids=not known)]
    return lines + [
        comment(f"{_shown(file)} could not be read: {reason}")
        for file, reason in measures.errors[:3]
    ]


def _shown(file: str) -> str:
    return Path(file).name


def _size(measures: Measures) -> str:
    return f"{measures.rows:,} rows" if measures.rows != 1 else "1 row"


def append(file: Path, text: str) -> None:
    """Write a table to a declaration, behind what stands in it already.

    Raises:
        StartError: there is such a table, the file is no TOML, or it cannot be written.
    """
    before = check(file)
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    whole = before + gap + text
    if "\r\n" in before:
        whole = before + (gap + text).replace("\n", "\r\n")
    try:
        tomllib.loads(whole)
    except tomllib.TOMLDecodeError as error:
        why = f"the table cannot be put behind what stands there ({error}); write it yourself"
        raise StartError(f"{file.name}: {why}", faulty=True) from error
    try:
        write_whole(file, whole)
    except OSError as error:
        raise StartError(f"{file} cannot be written: {reason_of(error)}") from error


def check(file: Path) -> str:
    """The text of a declaration that has no such table yet, empty where there is no file.

    Raises:
        StartError: there is such a table, or the file is no TOML.
    """
    if file.name != DECLARATION:
        raise StartError(f"{file.name}: declarations are read from {DECLARATION} alone")
    try:
        text = read_regular(file).decode("utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise StartError(f"{file} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise StartError(f"{file.name} is no valid TOML: {error}", faulty=True) from error
    tool = document.get("tool")
    if isinstance(tool, dict) and "pretok" in tool:
        raise StartError(
            f"{file.name} has a [tool.pretok] table already: change it there, "
            "or look at a fresh one with --dry-run"
        )
    return text
