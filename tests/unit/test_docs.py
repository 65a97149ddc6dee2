"""What is made from the registries: contracts, the JSON Schemas, and `pretok explain`.

``PRETOK_REWRITE=1 pytest tests/unit/test_docs.py`` writes the files anew.
"""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from pretok_schemas.contract import Contract
from pretok_schemas.findings import Consequence
from pretok_schemas.rules import NAMES, RULES
from pretok_schemas.trainers import COLLATORS, load, names
from pytest_pretok.cli import main
from pytest_pretok.explain import settings
from pytest_pretok.json_schema import declaration_schema
from pytest_pretok.report.schema import report_schema

DOCS = Path(__file__).parents[2] / "docs"


def fresh(path: Path, text: str) -> bool:
    """Whether a file holds a text; written anew if asked for."""
    if os.environ.get("PRETOK_REWRITE"):
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8") == text


def test_the_json_schema_is_fresh() -> None:
    """docs/pretok.schema.json is what the settings say."""
    text = json.dumps(declaration_schema(), indent=1) + "\n"

    assert fresh(DOCS / "pretok.schema.json", text)


def test_the_schema_of_the_report_is_fresh() -> None:
    """docs/report.schema.json is what the report holds."""
    text = json.dumps(report_schema(), indent=1) + "\n"

    assert fresh(DOCS / "report.schema.json", text)


PUBLISHED = {
    **{name: load(name) for name in names()},
    **{f"{name}-packing": load(name, packing=True) for name in names()},
    **{f"transformers-{one}": load("transformers", collator=one) for one in COLLATORS},
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_contracts_are_fresh(name: str) -> None:
    """docs/contracts holds every contract as JSON."""
    assert fresh(DOCS / "contracts" / f"{name}.json", PUBLISHED[name].to_json())


def test_no_contract_is_left_over() -> None:
    """docs/contracts holds nothing else."""
    assert {path.stem for path in (DOCS / "contracts").iterdir()} == set(PUBLISHED)


def test_every_trainer_has_a_column() -> None:
    """The tables speak of every contract."""
    assert {name.split(",")[0] for name, _ in settings()} == set(names())


@pytest.mark.parametrize("rule", NAMES)
def test_explain(rule: str) -> None:
    """`pretok explain` prints the page of each rule, all sections of it."""
    done = CliRunner().invoke(main, ["explain", rule])

    assert done.exit_code == 0
    assert done.output.startswith(f"# {rule}\n")
    for part in ("**What it checks.**", "**Why it matters.**", "**Help.**", "| effect |"):
        assert part in done.output
    for name in names():
        told = {fact.text for contract in contracts(name) for fact in facts(contract, rule)}
        assert all(text in done.output for text in told)


def contracts(name: str) -> list[Contract]:
    """A trainer's contract in each of its settings."""
    return [contract for label, contract in settings() if label.split(",")[0] == name]


def facts(contract: Contract, rule: str) -> list[Consequence]:
    """What a contract says of a rule, all cases of it."""
    return [fact for key, fact in contract.consequences.items() if key.split(":")[0] == rule]


def test_explain_an_unknown_rule() -> None:
    """A near miss is named, and the code is that of a usage error."""
    done = CliRunner().invoke(main, ["explain", "label-not-input"])

    assert done.exit_code == 2
    assert "did you mean 'label-not-input-id'?" in done.output


VALID = """
contract = "trl"
packing = true
eos-token-ids = 2
rules = { duplicate-rows = "off", too-long = { severity = "error", max-share = 0.01 } }
[datasets.a]
path = "x"
eos-token-ids = [1, 2]
columns = { input_ids = "tokens" }
[datasets.b]
splits = { train = "x", test = "y" }
"""
INVALID = {
    "contract": 'contract = "axolotle"',
    "rule": 'rules = { no-such-rule = "error" }',
    "severity": 'rules = { no-rows = "warn" }',
    "key": "zzz = 1",
    "no-path": "[datasets.a]\npacking = true",
    "both": '[datasets.a]\npath = "x"\nsplits = { train = "y" }',
    "name": '[datasets."a::b"]\npath = "x"',
    "type": 'sequence-len = "4"',
    "negative": "pad-token-id = -1",
    "empty": "eos-token-ids = []",
    "role": 'columns = { ids = "tokens" }',
}


def errors(text: str) -> list[Any]:
    """What a validator of its own says of a declaration."""
    validator = jsonschema.Draft7Validator(declaration_schema())
    return list(validator.iter_errors(tomllib.loads(text)))


def test_the_schema_takes_what_is_right() -> None:
    """A declaration with all kinds of values."""
    jsonschema.Draft7Validator.check_schema(declaration_schema())

    assert errors(VALID) == []


@pytest.mark.parametrize("text", INVALID.values(), ids=INVALID)
def test_the_schema_refuses_what_is_wrong(text: str) -> None:
    """What the plugin refuses, an editor marks."""
    assert errors(text)


def test_the_schema_lists_every_rule() -> None:
    """The rules are those of the registry."""
    assert list(declaration_schema()["properties"]["rules"]["properties"]) == [
        rule.name for rule in RULES
    ]
