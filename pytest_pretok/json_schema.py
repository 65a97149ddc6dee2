"""``[tool.pretok]`` as JSON Schema, for editors: made from the settings and the registries.

Knows no data and no pytest. What a schema cannot say (ids below ``vocab-size``, two columns of one
name, files that must be there) is said by `declaration` alone.
"""

from __future__ import annotations

from typing import Any

from pretok_schemas.contract import ROLES
from pretok_schemas.rules import RULES
from pretok_schemas.trainers import names
from pytest_pretok.declaration.tables import model_of
from pytest_pretok.settings import DatasetSettings, Defaults

DRAFT = "http://json-schema.org/draft-07/schema#"  # the newest that validate-pyproject reads
_NAMES = {"pattern": "^[A-Za-z0-9._-]+$"}
_CHECKS = r"^schema(\..+)?$"
_PATH = {  # not empty, no URL, no null character
    "type": "string",
    "pattern": r"^(?![A-Za-z][A-Za-z0-9+.-]*://)[^\x00]+$",
}
_DATA = {  # the same, or a URL of data
    "type": "string",
    "pattern": (
        r"^((?![A-Za-z][A-Za-z0-9+.-]*://)[^\x00]+"
        r"|(s3|gs|az|abfs)://[A-Za-z0-9][^\x00]*"
        r"|https?://[A-Za-z0-9\[][^\x00*?]*(\?[^\x00]*)?"
        r"|hf://datasets/[^/\x00]+/[^/\x00][^\x00]*)$"
    ),
}


def tool_schema(tool: str = "pretok") -> dict[str, Any]:
    """The schema for validate-pyproject, which finds this function by its entry point."""
    return declaration_schema()


def declaration_schema() -> dict[str, Any]:
    """The schema of the table ``[tool.pretok]``."""
    table = _table(Defaults)
    table["properties"]["trainer-config"] = {
        "description": "a trainer's YAML, or a list or glob of them, whose datasets are checked",
        "anyOf": [_PATH, {"type": "array", "items": _PATH}],
    }
    table["properties"]["plugins"] = {
        "description": "modules of yours with further rules",
        "type": "array",
        "items": {"type": "string", "minLength": 1},
    }
    dataset = _table(DatasetSettings)
    properties = dataset["properties"]
    properties["path"] |= _DATA
    properties["splits"] |= {
        "propertyNames": _NAMES,
        "additionalProperties": _DATA,
        "minProperties": 1,
    }
    dataset["oneOf"] = [{"required": ["path"]}, {"required": ["splits"]}]
    table["properties"]["datasets"] = {
        "description": "one table a dataset, by its name; keys at the top are its defaults",
        "type": "object",
        "propertyNames": _NAMES,
        "additionalProperties": dataset,
    }
    return {
        "$schema": DRAFT,
        "$id": "urn:pytest-pretok:declaration",
        "title": "[tool.pretok] of pyproject.toml",
        "description": "Pre-tokenised datasets, and what their trainer asks of them.",
        **table,
        "if": {"required": ["plugins"]},
        "else": _without_plugins(),
    }


def _without_plugins() -> dict[str, Any]:
    """Where no module adds rules, every rule is one of ours or a check of a schema."""
    named = {"enum": [rule.name for rule in RULES]}
    rules = {"rules": {"propertyNames": {"anyOf": [named, {"pattern": _CHECKS}]}}}
    below = {"datasets": {"additionalProperties": {"properties": rules}}}
    return {"properties": {**rules, **below}}


def file_schema() -> dict[str, Any]:
    """The schema of a whole ``pyproject.toml``, for editors that take one a file."""
    table = declaration_schema()
    del table["$schema"], table["$id"]
    tool = {"type": "object", "properties": {"pretok": table}}
    return {
        "$schema": DRAFT,
        "$id": "urn:pytest-pretok:pyproject",
        "title": "pyproject.toml with a table [tool.pretok]",
        "type": "object",
        "properties": {"tool": tool},
    }


def _table(kind: type[Defaults]) -> dict[str, Any]:
    schema = model_of(kind).model_json_schema(by_alias=True)
    properties = _resolved(schema, schema.get("$defs", {}))["properties"]
    rule = properties["rules"]["additionalProperties"]
    rule["not"] = {"required": ["max-rows", "max-share"]}
    severity = {"enum": ["error", "warning", "off"]}
    ids = {"type": "integer", "minimum": 0}
    own: dict[str, dict[str, Any]] = {
        "contract": {"enum": list(names()), "default": "axolotl"},
        "eos-token-ids": {"anyOf": [ids, {"type": "array", "items": ids, "minItems": 1}]},
        "baseline": _PATH,
        "columns": {
            "type": "object",
            "properties": {
                role: {"description": f"the column of {role} in the files", "type": "string"}
                for role in ROLES
            },
            "additionalProperties": False,
        },
        "schema": {"type": "string", "pattern": r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$"},
        "rules": {
            "type": "object",
            "properties": {
                one.name: {
                    "description": (one.__doc__ or "").splitlines()[0],
                    "anyOf": [severity, rule],
                }
                for one in RULES
            },
            "additionalProperties": {"anyOf": [severity, {**rule, "additionalProperties": True}]},
        },
    }
    for key, value in own.items():
        properties[key] = {"description": properties[key]["description"], **value}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _resolved(value: Any, definitions: dict[str, Any]) -> Any:
    """A schema without references and titles: TOML has no null, so it needs none either."""
    if isinstance(value, list):
        return [_resolved(one, definitions) for one in value if one != {"type": "null"}]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _resolved(definitions[value["$ref"].rsplit("/", 1)[-1]], definitions)
    table = "properties" in value  # it is described by a docstring of ours, which tells no user
    kept = {
        k: _resolved(v, definitions)
        for k, v in value.items()
        if k not in ("$defs", "title")
        and not (k == "description" and table)
        and not (k == "default" and v is None)
    }
    if len(kept.get("anyOf", [])) == 1:
        kept |= kept.pop("anyOf")[0]
    return kept
