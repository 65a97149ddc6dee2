"""The fixture ``pretok``: for tests of a person's own that make datasets, or read declared ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pretok_schemas.contract import Contract
    from pytest_pretok.report.result import Report


class Pretok:
    """Checks of objects, paths and declared datasets.

    ``rules`` gives references to the rules that hold for every dataset, those of hooks among them.
    """

    def __init__(self, root: Path, rules: Callable[[], tuple[str, ...]]) -> None:
        self._root = root
        self._rules = rules

    def check(self, data: Any, contract: str | Contract | None = None, **settings: Any) -> Report:
        """The report of a dataset; see `pytest_pretok.check`."""
        from pytest_pretok.api import check_with  # lazy: start cost

        __tracebackhide__ = True
        return check_with(self._rules(), data, contract, settings)

    def assert_valid(
        self, data: Any, contract: str | Contract | None = None, **settings: Any
    ) -> None:
        """Return if a dataset keeps its contract.

        Raises:
            ContractViolation: it does not; pytest shows the failures as it shows those of items.
        """
        __tracebackhide__ = True
        self.check(data, contract, **settings).raise_for_errors()

    def dataset(self, name: str) -> Declared:
        """A dataset that the repository's ``[tool.pretok]`` declares."""
        return Declared(name, self._root, self._rules)


class Declared:
    """A declared dataset; nothing is read before it is checked."""

    def __init__(self, name: str, root: Path, rules: Callable[[], tuple[str, ...]]) -> None:
        self.name = name
        self._root = root
        self._rules = rules

    def check(self) -> Report:
        """Its report.

        Raises:
            LookupError: there is no such declaration.
        """
        from pytest_pretok.api import check_declared  # lazy: start cost

        __tracebackhide__ = True
        return check_declared(self.name, self._root, self._rules())

    def assert_valid(self) -> None:
        """Return if it keeps its contract.

        Raises:
            ContractViolation: it does not.
        """
        __tracebackhide__ = True
        self.check().raise_for_errors()
