"""``[tool.pretok]`` as JSON Schema, for editors: made from the settings and the registries.

Knows no data and no pytest.
"""

from __future__ import annotations

from typing import Any

from pretok_schemas.contract import ROLES
from pretok_schemas.rules import RULES
from pretok_schemas.trainers import names
from pytest_pretok.declared_tables import model_of
from pytest_pretok.settings import DatasetSettings, Defaults


def declaration_schema() -> dict[str, Any]:
    """The schema of the table ``[tool.pretok]``."""
    table = _table(Defaults)
    table["properties"]["trainer-config"] = {
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
    }
    dataset = _table(DatasetSettings)
    dataset["oneOf"] = [{"required": ["path"]}, {"required": ["splits"]}]
    table["properties"]["datasets"] = {
        "type": "object",
        "propertyNames": {"pattern": "^[A-Za-z0-9._-]+$"},
        "additionalProperties": dataset,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "[tool.pretok] of pyproject.toml",
        **table,
    }


def _table(kind: type[Defaults]) -> dict[str, Any]:
    schema = model_of(kind).model_json_schema(by_alias=True)
    properties = _resolved(schema, schema.get("$defs", {}))["properties"]
    rule = properties["rules"]["additionalProperties"]
    severity = {"enum": ["error", "warning", "off"]}
    properties["contract"] = {"enum": list(names()), "default": "axolotl"}
    ids = {"type": "integer", "minimum": 0}
    properties["eos-token-ids"] = {"anyOf": [ids, {"type": "array", "items": ids, "minItems": 1}]}
    properties["columns"] = {
        "type": "object",
        "properties": {role: {"type": "string"} for role in ROLES},
        "additionalProperties": False,
    }
    properties["rules"] = {
        "type": "object",
        "properties": {
            one.name: {
                "description": (one.__doc__ or "").splitlines()[0],
                "anyOf": [severity, rule],
            }
            for one in RULES
        },
        "additionalProperties": False,
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _resolved(value: Any, definitions: dict[str, Any]) -> Any:
    """A schema without references and titles: TOML has no null, so it needs none either."""
    if isinstance(value, list):
        return [_resolved(one, definitions) for one in value if one != {"type": "null"}]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _resolved(definitions[value["$ref"].rsplit("/", 1)[-1]], definitions)
    kept = {
        k: _resolved(v, definitions)
        for k, v in value.items()
        if k not in ("$defs", "title", "description") and not (k == "default" and v is None)
    }
    if len(kept.get("anyOf", [])) == 1:
        kept |= kept.pop("anyOf")[0]
    return kept
