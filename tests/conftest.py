"""Settings that every test folder shares.

A pytest that runs inside a test puts `sys.modules` back afterwards. What it would import is
imported here, once: compiled parts (numpy, pyarrow, pydantic) cannot be loaded twice, and enums of
a module that was loaded twice are no longer the same.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress

import numpy  # noqa: F401  (see above)
import pyarrow.parquet
import pydantic  # noqa: F401
import pytest

import pytest_pretok.session  # noqa: F401
from tests.support.browser import Browser, browser, find_browser

pytest_plugins = ["pytester"]

# pyarrow imports pandas, where it is installed, when an array is first looked at: a second a run.
pyarrow.array([0]).to_numpy()

# A check of the example alone loads this file too, in an environment without the tests' packages.
with suppress(ModuleNotFoundError):
    from hypothesis import HealthCheck, settings

    # How long a machine takes to make up data says nothing about the project.
    settings.register_profile(
        "any-speed", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("any-speed")


def pytest_sessionfinish() -> None:
    """Keep what coverage has counted: a worker of pytest-xdist that is slow to end is killed."""
    coverage = sys.modules.get("coverage")
    running = coverage and coverage.Coverage.current()
    if running:
        running.save()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser; where there is none, what needs it fails if it must not be skipped."""
    program = find_browser()
    if program is None:
        install = "no chromium on PATH; on Debian: apt-get install chromium"
        if os.environ.get("PRETOK_NEED_BROWSER"):
            pytest.fail(install)
        pytest.skip(install)
    with browser(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened
