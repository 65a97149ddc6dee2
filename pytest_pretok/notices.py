"""The warning that a rule of severity "warning" gives on a passing item."""

from __future__ import annotations

import pytest


class PretokWarning(pytest.PytestWarning):
    """A dataset breaks a rule that does not fail the gate.

    ``-W error::pytest_pretok.PretokWarning`` makes it fail.
    """


# pytest resolves warning filters, and pytest-xdist its pickled warnings, by this name.
PretokWarning.__module__ = "pytest_pretok"
