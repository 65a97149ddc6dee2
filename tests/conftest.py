"""Settings that every test folder shares.

A pytest that runs inside a test puts `sys.modules` back afterwards. What it would import is
imported here, once: compiled parts (numpy, pyarrow, pydantic) cannot be loaded twice, and enums of
a module that was loaded twice are no longer the same.
"""

from __future__ import annotations

import numpy  # noqa: F401  (see above)
import pyarrow.parquet
import pydantic  # noqa: F401
from hypothesis import HealthCheck, settings

import pytest_pretok.session  # noqa: F401

pytest_plugins = ["pytester"]

# pyarrow imports pandas, where it is installed, when an array is first looked at: a second a run.
pyarrow.array([0]).to_numpy()

# How long a machine takes to make up data says nothing about the project.
settings.register_profile("any-speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-speed")
