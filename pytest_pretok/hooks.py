"""The hooks that a conftest.py or a pytest plugin may implement.

Imports nothing: pytest reads the signatures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from pretok_schemas.rules.base import Rule


def pytest_pretok_rules(config: pytest.Config) -> Sequence[type[Rule]]:
    """Rules of your own for every dataset: classes, or functions under `pretok_schemas.rule`.

    They must stand at the top of a module. Called before the data is looked for::

        from my_checks import starts_with_marker

        def pytest_pretok_rules(config):
            return [starts_with_marker]
    """
    raise NotImplementedError


def pytest_pretok_report(report: dict[str, Any], config: pytest.Config) -> None:
    """What a run has found, as the JSON report has it (version 1), once all items are done.

    Called in the process that reports, when report files are written. The report is a copy::

        def pytest_pretok_report(report, config):
            for dataset in report["datasets"]:
                print(dataset["name"])
    """
