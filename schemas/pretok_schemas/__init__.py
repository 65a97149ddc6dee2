"""The contracts of pre-tokenised datasets: what each trainer asks for, as data and invariants.

Imports neither pytest nor pytest_pretok, and reads no files: a data pipeline can depend on the
contracts alone. Attributes are imported at first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pretok_schemas.batch import TokenBatch
    from pretok_schemas.changes import Change, changes_between
    from pretok_schemas.contract import Column, Contract, Vocabulary
    from pretok_schemas.custom import rule
    from pretok_schemas.findings import Effect, Example, Finding, Outcome, Severity
    from pretok_schemas.fitting import Refusal, arrow_schema, refusals
    from pretok_schemas.judge import Judge
    from pretok_schemas.outcome import ContractViolation, Report
    from pretok_schemas.pandera import pandera_schema
    from pretok_schemas.publishing import contract_dict, contract_from, contract_json
    from pretok_schemas.rules.base import FileRule, Hits, Look, RowRule, SplitRule, hits_at
    from pretok_schemas.trainers import load, names
    from pretok_schemas.user_schemas import schema_rules
    from pretok_schemas.validation import validate

_HOMES = {
    "Column": "contract",
    "Contract": "contract",
    "Vocabulary": "contract",
    "load": "trainers",
    "names": "trainers",
    "Effect": "findings",
    "Example": "findings",
    "Finding": "findings",
    "Outcome": "findings",
    "Severity": "findings",
    "Judge": "judge",
    "ContractViolation": "outcome",
    "Report": "outcome",
    "validate": "validation",
    "Refusal": "fitting",
    "arrow_schema": "fitting",
    "refusals": "fitting",
    "Change": "changes",
    "changes_between": "changes",
    "contract_dict": "publishing",
    "contract_from": "publishing",
    "contract_json": "publishing",
    "pandera_schema": "pandera",
    "FileRule": "rules.base",
    "Hits": "rules.base",
    "Look": "rules.base",
    "RowRule": "rules.base",
    "SplitRule": "rules.base",
    "TokenBatch": "batch",
    "hits_at": "rules.base",
    "rule": "custom",
    "schema_rules": "user_schemas",
}

__all__ = [
    "Change",
    "Column",
    "Contract",
    "ContractViolation",
    "Effect",
    "Example",
    "FileRule",
    "Finding",
    "Hits",
    "Judge",
    "Look",
    "Outcome",
    "Refusal",
    "Report",
    "RowRule",
    "Severity",
    "SplitRule",
    "TokenBatch",
    "Vocabulary",
    "arrow_schema",
    "changes_between",
    "contract_dict",
    "contract_from",
    "contract_json",
    "hits_at",
    "load",
    "names",
    "pandera_schema",
    "refusals",
    "rule",
    "schema_rules",
    "validate",
]


def __getattr__(name: str) -> Any:
    """Import a public name at first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
