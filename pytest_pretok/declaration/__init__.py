"""``[tool.pretok]`` of one file -> settings, with every fault of it at once.

Reads that file, and what it names: a tokenizer, code of a person's own. Knows no data and no
pytest. Pydantic is loaded with it.
"""

from __future__ import annotations

from pytest_pretok.declaration.read import (
    declared_names,
    read_declaration,
    read_settings,
    rules_in_force,
)

__all__ = ["declared_names", "read_declaration", "read_settings", "rules_in_force"]
