"""Quality gate for pre-tokenised LLM training data, as a pytest plugin.

Importing this package imports nothing else: every pytest run of an environment that has the plugin
installed pays for what stands here. Attributes are imported at first use (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_pretok.notices import PretokWarning

__all__ = ["PretokWarning"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import a public name at first use."""
    if name == "PretokWarning":
        from pytest_pretok.notices import PretokWarning

        return PretokWarning
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
