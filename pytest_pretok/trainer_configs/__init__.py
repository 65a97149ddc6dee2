"""A trainer's own YAML -> what it says of its data, as plain values with the lines they stand on.

Reads that file and small files of a model folder; knows no plan, no rules and no pytest.
"""

from __future__ import annotations

SUFFIXES = (".yml", ".yaml")
