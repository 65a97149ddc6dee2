"""The JSON report as JSON Schema: every key with what it means.

Says what `json_report` writes; knows no data and no pytest. Objects stay open, since keys are added
within one version: whoever reads a report passes over what it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pretok_schemas.findings import Effect, Outcome, Severity
from pytest_pretok.json_schema import DRAFT, declaration_schema
from pytest_pretok.report.json_report import SETTINGS, VERSION

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_NUMBER: Schema = {"type": "number", "minimum": 0}


def report_schema() -> Schema:
    """The schema of the report, version 1."""
    return {
        "$schema": DRAFT,
        "$id": f"urn:pytest-pretok:report:{VERSION}",
        "title": f"JSON report of pytest-pretok, version {VERSION}",
        **_object(
            {
                "version": ("the version of this format", {"const": VERSION}),
                "tool": ("pytest-pretok and its version", _TEXT),
                "ok": ("whether no rule failed, and the run came to its end", _FLAG),
                "complete": ("false where the run was cut short", _FLAG),
                "errors": ("items that failed without a verdict, whatever the reason", _COUNT),
                "root": ("the folder that paths start from; empty where there is none", _TEXT),
                "source_root": ("the checkout that it belongs to, else the same", _TEXT),
                "not_checked": ("what was asked for but cannot be checked, and why", _list(_TEXT)),
                "datasets": ("what was checked, in the order of the plan", _list(_dataset())),
            }
        ),
    }


_HISTOGRAM: dict[str, tuple[str, Schema]] = {
    "start": ("the least length of the first bin", _COUNT),
    "width": ("how many lengths a bin holds", _COUNT),
    "rows": ("rows by bin", {"type": "array", "items": _COUNT}),
    "beyond": ("rows that are longer than the last bin reaches", _COUNT),
}
_PAIR: dict[str, tuple[str, Schema]] = {
    "rules": ("their names", {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2}),
    "rows": ("how many rows", _COUNT),
}


def _dataset() -> Schema:
    declared = declaration_schema()["properties"]
    settings = {key: declared[key] for name in SETTINGS if (key := name.replace("_", "-"))}
    return _object(
        {
            "name": ("its declared name, else its path", _TEXT),
            "declared_at": ("FILE:LINE of its declaration", _or_null(_TEXT)),
            "contract": ("the contract it is held to", _TEXT),
            "trainer": ("the trainer and the version that the contract speaks of", _TEXT),
            "settings": (
                "the settings in force, spelled as in a declaration",
                {"type": "object", "properties": settings},
            ),
            "path": ("where its data is, as declared or found", _TEXT),
            "rules": ("findings of rules across splits", _list(_finding())),
            "splits": ("its splits, in order", _list(_split())),
        }
    )


def _split() -> Schema:
    shard = {
        "path": ("the file", _TEXT),
        "rows": ("its rows, as far as it was read", _or_null(_COUNT)),
        "format": ("the container that its content tells", _or_null(_TEXT)),
    }
    lengths = {
        "min": ("the shortest row", _COUNT),
        "p50": ("the median", _NUMBER),
        "p95": ("95 of 100 rows are no longer", _NUMBER),
        "p99": ("99 of 100 rows are no longer", _NUMBER),
        "max": ("the longest row", _COUNT),
    }
    return _object(
        {
            "name": ("train, validation, test or a declared name", _TEXT),
            "shards": ("its files, in order; empty where it was not read", _list(_object(shard))),
            "fetched_bytes": (
                "bytes that the scan fetched of remote objects; null where all files are local",
                _or_null(_COUNT),
            ),
            "rows": ("rows that were read; null where the split was not", _or_null(_COUNT)),
            "tokens": ("their input ids", _or_null(_COUNT)),
            "labelled_tokens": ("tokens of the rows whose labels could be read", _or_null(_COUNT)),
            "trainable_tokens": ("their labels that the loss counts", _or_null(_COUNT)),
            "lengths": ("tokens a row", _or_null(_object(lengths))),
            "length_histogram": ("rows by their tokens", _or_null(_object(_HISTOGRAM))),
            "trainable_shares": (
                "rows by the share of their tokens that is trained: none, then steps of 5 %",
                _or_null(_list(_COUNT)),
            ),
            "together": (
                "how many rows two rules both report, for the rules that share the most",
                _or_null(_list(_object(_PAIR))),
            ),
            "together_left_out": ("rules that share rows but have no pair", _or_null(_list(_TEXT))),
            "rules": ("one finding a rule, in judging order", _list(_finding())),
        }
    )


def _finding() -> Schema:
    return _object(
        {
            "rule": ("the rule's name", _TEXT),
            "id": ("the test's id, to run it again; null if not selected", _or_null(_TEXT)),
            "split": ("the split, or the one whose rows count", _or_null(_TEXT)),
            "outcome": ("what became of the rule", _one_of(Outcome)),
            "severity": ("how much it matters", _one_of(Severity)),
            "effect": ("what the trainer does with a violation", _or_null(_one_of(Effect))),
            "consequence": ("the same in a sentence", _TEXT),
            "unit": ("what violations counts: rows, files or splits", _TEXT),
            "violations": ("how many violate the rule", _or_null(_COUNT)),
            "total": ("what they are counted out of", _or_null(_COUNT)),
            "share": ("violations over all that were looked at", _or_null(_share())),
            "budget": ("how many may", _or_null(_COUNT)),
            "baseline": ("how many the baseline knows of", _or_null(_COUNT)),
            "tolerated": ("whether it passes by the baseline alone", _FLAG),
            "because": ("the rule whose finding left this one without a verdict", _or_null(_TEXT)),
            "reason": ("why there is no verdict, where no rule tells it", _or_null(_TEXT)),
            "cause": ("what the data shows about where the fault comes from", _or_null(_TEXT)),
            "help": ("what to do", _TEXT),
            "about": ("what a violation of the rule is", _TEXT),
            "evidence": ("the word before what an example found", _TEXT),
            "examples": ("a few of the violations", _list(_example())),
        }
    )


def _example() -> Schema:
    value = {"type": ["number", "string", "null"]}
    return _object(
        {
            "split": ("the split", _TEXT),
            "shard": ("the file", _TEXT),
            "row": ("the row within the split, from 0", {"type": "integer"}),
            "shard_row": ("the row within the file, from 0", {"type": "integer"}),
            "position": ("the place within the row, from 0", _or_null({"type": "integer"})),
            "column": ("the column at fault, where a rule speaks of several", _or_null(_TEXT)),
            "found": ("what stands there", value),
            "expected": ("what should", value),
            "line": ("the line of a JSON Lines file, from 1", _or_null({"type": "integer"})),
            "window": ("the places around the fault", _or_null(_window())),
        }
    )


def _window() -> Schema:
    column = {
        "role": ("input_ids, attention_mask, labels, ...", _TEXT),
        "values": ("what stands there", _list({"type": ["number", "string", "null"]})),
    }
    return _object(
        {
            "start": ("the position of the first value", _COUNT),
            "columns": ("the columns that the row has", _list(_object(column))),
            "text": ("what the input ids say, where a tokenizer is known", _list(_TEXT)),
        }
    )


def _object(keys: Mapping[str, tuple[str, Schema]]) -> Schema:
    """An object that has all of these keys, each with what it means."""
    properties = {key: {"description": says, **schema} for key, (says, schema) in keys.items()}
    return {"type": "object", "properties": properties, "required": list(keys)}


def _list(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _one_of(names: type[Outcome | Severity | Effect]) -> Schema:
    return {"enum": [name.value for name in names]}


def _share() -> Schema:
    return {"type": "number", "minimum": 0, "maximum": 1}
