"""A contract as JSON, to be published, compared and loaded again.

Knows the fields of a contract and the names of rules; judges nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pretok_schemas.arrow import Kind
from pretok_schemas.changes import severity_of
from pretok_schemas.contract import Column, Contract
from pretok_schemas.findings import Consequence, Effect, Severity
from pretok_schemas.rules import NAMES
from pretok_schemas.run import Entry

VERSION = 1  # of the format
_PLAIN = (
    *("ignore_index", "packing", "labels_ahead", "makes_labels", "numbers_documents"),
    *("concatenates", "sequence_len", "min_sample_len", "excess_length", "micro_batch_size", "ran"),
)
_SETS = ("also_knows", "stumbles_over", "without", "read")


def contract_dict(contract: Contract) -> dict[str, Any]:
    """A contract as builtins: everything that `contract_from` needs to make the same again.

    ``rules`` tells the severity of each rule that applies and, by case, what the trainer does
    with a violation; ``seen`` tells what was seen by running the trainer from what was read.
    """
    rules: dict[str, dict[str, Any]] = {}
    for key, fact in contract.consequences.items():
        rule, _, case = key.partition(":")
        own = rules.setdefault(
            rule, {"severity": severity_of(contract, rule).value, "consequences": {}}
        )
        told = {"effect": fact.effect.value, "text": fact.text, "seen": fact.ran}
        own["consequences"][case] = told
    return {
        "version": VERSION,
        "name": contract.name,
        "trainer": contract.trainer,
        "trainer_version": contract.version,
        "settings": {
            **{name: getattr(contract, name) for name in _PLAIN},
            **{name: sorted(getattr(contract, name)) for name in _SETS},
            "only": None if contract.only is None else sorted(contract.only),
            "loss_masks": list(contract.loss_masks),
            "severities": {rule: own.value for rule, own in contract.severities.items()},
            "entry": None if contract.entry is None else contract.entry.to_dict(),
        },
        "columns": [
            {
                "role": column.role,
                "name": column.name or column.role,
                "required": column.required,
                "accepts": sorted(column.accepts),
                "tolerates": sorted(column.tolerates),
                "parallel": column.parallel,
            }
            for column in contract.columns
        ],
        "rules": {rule: rules[rule] for rule in NAMES if rule in rules},
    }


def contract_json(contract: Contract) -> str:
    """A contract as JSON text; the same contract gives the same text."""
    return json.dumps(contract_dict(contract), indent=1, ensure_ascii=False) + "\n"


def contract_from(text: str) -> Contract:
    """The contract that `contract_json` was called on.

    Raises:
        ValueError: it is no such JSON, of a later version, or names rules that do not exist here.
    """
    try:
        told = json.loads(text)
        if told["version"] != VERSION:
            raise ValueError(f"version {told['version']} of the format is not known")
        return _made(told)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no contract: {type(error).__name__}: {error}") from error


def _made(told: Mapping[str, Any]) -> Contract:
    if unknown := sorted(set(told["rules"]) - set(NAMES)):
        raise ValueError(f"rules that do not exist: {', '.join(unknown)}")
    settings = told["settings"]
    sets: dict[str, Any] = {name: frozenset(settings[name]) for name in _SETS}
    return Contract(
        name=told["name"],
        trainer=told["trainer"],
        version=told["trainer_version"],
        columns=tuple(_column(column) for column in told["columns"]),
        consequences={
            f"{rule}:{case}" if case else rule: Consequence(
                Effect(fact["effect"]), fact["text"], fact["seen"]
            )
            for rule, own in told["rules"].items()
            for case, fact in own["consequences"].items()
        },
        only=None if settings["only"] is None else frozenset(settings["only"]),
        loss_masks=tuple(settings["loss_masks"]),
        severities={rule: Severity(own) for rule, own in settings["severities"].items()},
        entry=None if settings["entry"] is None else Entry.from_dict(settings["entry"]),
        **{name: settings[name] for name in _PLAIN},
        **sets,
    )


def _column(told: Mapping[str, Any]) -> Column:
    return Column(
        role=told["role"],
        required=told["required"],
        accepts=frozenset(map(Kind, told["accepts"])),
        tolerates=frozenset(map(Kind, told["tolerates"])),
        parallel=told["parallel"],
        name="" if told["name"] == told["role"] else told["name"],
    )
