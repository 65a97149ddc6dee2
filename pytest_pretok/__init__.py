"""Quality gate for pre-tokenised LLM training data, as a pytest plugin.

Importing this package imports nothing else: every pytest run of an environment that has the plugin
installed pays for what stands here. Attributes are imported at first use (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pretok_schemas.outcome import ContractViolation
    from pytest_pretok.api import check
    from pytest_pretok.engines.base import EngineError
    from pytest_pretok.faults import DeclarationError
    from pytest_pretok.notices import PretokWarning
    from pytest_pretok.objects import UnknownObject
    from pytest_pretok.planning import PlanError
    from pytest_pretok.report.result import Report

_HOMES = {
    "ContractViolation": "pretok_schemas.outcome",
    "DeclarationError": "pytest_pretok.faults",
    "EngineError": "pytest_pretok.engines.base",
    "PlanError": "pytest_pretok.planning",
    "PretokWarning": "pytest_pretok.notices",
    "Report": "pytest_pretok.report.result",
    "UnknownObject": "pytest_pretok.objects",
    "check": "pytest_pretok.api",
}

__all__ = [
    "ContractViolation",
    "DeclarationError",
    "EngineError",
    "PlanError",
    "PretokWarning",
    "Report",
    "UnknownObject",
    "check",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import a public name at first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
