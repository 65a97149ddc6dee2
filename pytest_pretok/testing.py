"""The fixture ``pretok``: for tests of a person's own that make datasets, or read declared ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_pretok.report.result import Report


class Pretok:
    """Checks of objects, paths and declared datasets."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def check(self, data: Any, contract: str | None = None, **settings: Any) -> Report:
        """The report of a dataset; see `pytest_pretok.check`."""
        from pytest_pretok.api import check  # lazy: start cost

        return check(data, contract, **settings)

    def assert_valid(self, data: Any, contract: str | None = None, **settings: Any) -> None:
        """Return if a dataset keeps its contract.

        Raises:
            ContractViolation: it does not; pytest shows the failures as it shows those of items.
        """
        __tracebackhide__ = True
        self.check(data, contract, **settings).raise_for_errors()

    def dataset(self, name: str) -> Declared:
        """A dataset that the repository's ``[tool.pretok]`` declares."""
        return Declared(name, self._root)


class Declared:
    """A declared dataset; nothing is read before it is checked."""

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self._root = root

    def check(self) -> Report:
        """Its report.

        Raises:
            LookupError: there is no such declaration.
        """
        from pytest_pretok.api import check_declared  # lazy: start cost

        return check_declared(self.name, self._root)

    def assert_valid(self) -> None:
        """Return if it keeps its contract.

        Raises:
            ContractViolation: it does not.
        """
        __tracebackhide__ = True
        self.check().raise_for_errors()
