"""The datasets of a manifest as tables in memory: `validate` and Pandera beside the plugin's rows.

Used by ``python -m tests.acceptance FOLDER --tables``. Files are read with pyarrow and the standard
library alone.
"""

from __future__ import annotations

import gzip
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandera.errors
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pretok_schemas import load, validate
from pretok_schemas.contract import Backend

SETTINGS = {
    "vocab_size": "vocab_size",
    "pad_id": "pad_token_id",
    "bos_id": "bos_token_id",
    "eos_ids": "eos_token_ids",
}
Rows = Mapping[str, Sequence[int]]


def read(path: Path) -> Any:
    """A dataset as a pyarrow Table, or as columns of Python objects if it is JSON."""
    if path.is_dir():
        files = sorted(one for one in path.iterdir() if one.suffix in (".arrow", ".parquet"))
        return pa.concat_tables([read(one) for one in files], promote_options="permissive")
    if path.suffix == ".parquet":
        return pq.ParquetFile(path).read()
    if path.suffix == ".arrow":
        try:
            return pa.ipc.open_stream(path).read_all()
        except pa.ArrowInvalid:
            return pa.ipc.open_file(path).read_all()
    if path.suffix == ".zst":
        text = pa.input_stream(str(path), compression="zstd").read().decode()
    else:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    rows = (
        json.loads(text)
        if ".jsonl" not in path.name
        else [json.loads(line) for line in text.splitlines() if line.strip()]
    )
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def disagreements(
    path: Path, entry: Mapping[str, Any], errors: set[str], rows: Rows, columns: Mapping[str, str]
) -> list[str]:
    """Where tables of the dataset's rows are judged otherwise than its files were.

    ``errors`` and ``rows`` are the plugin's: rules that failed, and violating rows by rule.
    """
    data = read(path)
    settings: dict[str, Any] = {
        ours: entry[theirs] for theirs, ours in SETTINGS.items() if entry.get(theirs) is not None
    }
    settings |= {"columns": columns, "examples": 1}
    contract = entry.get("contract", "axolotl")
    table = data if isinstance(data, pa.Table) else None
    kinds: dict[str, Any] = {"arrow": data if table is None else table}
    if table is not None:
        kinds |= {"pandas": table.to_pandas(), "polars": pl.from_arrow(table)}
    faults = []
    for kind, one in kinds.items():
        report = validate(one, contract, **settings, every=True, split="train")
        about_rows = {f.rule for f in report.findings.values() if f.unit == "row"}
        expected = {rule: sorted(found) for rule, found in rows.items() if rule in about_rows}
        found = {rule: report.rows(rule).tolist() for rule in about_rows}
        faults += [
            f"{kind}: {rule}: {len(expected.get(rule, []))} rows, {len(own)} in memory"
            for rule, own in sorted(found.items())
            if own != expected.get(rule, [])
        ]
        failed = {finding.rule for finding in report.failed}
        faults += [f"{kind}: {rule}" for rule in sorted(failed ^ errors)]
        backend: Backend = {"pandas": "pandas", "polars": "polars"}.get(kind, "pyarrow")  # type: ignore[assignment]
        if isinstance(one, Mapping):
            continue
        schema = load(contract).to_pandera(backend, **settings)
        said = by_pandera(schema, one)
        faults += [
            f"pandera.{backend}: {rule}"
            for rule in sorted(failed | set(said))
            if said.get(rule) != (found.get(rule) if rule in about_rows else [None])
        ]
    return faults


def by_pandera(schema: Any, data: Any) -> dict[str, list[int | None]]:
    """The rows of the failure cases of a table, by check."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pandera.errors.SchemaWarning)
        try:
            schema.validate(data, lazy=True)
        except pandera.errors.SchemaErrors as error:
            cases = error.failure_cases
        else:
            return {}
    if hasattr(cases, "iloc"):
        cases = pa.Table.from_pandas(cases, preserve_index=False)
    checks = cases["check"].to_pylist() if isinstance(cases, pa.Table) else list(cases["check"])
    rows = cases["row"].to_pylist() if isinstance(cases, pa.Table) else list(cases["row"])
    found: dict[str, list[int | None]] = {}
    for check, row in zip(checks, rows, strict=True):
        found.setdefault(check, []).append(None if row is None else int(row))
    return found
