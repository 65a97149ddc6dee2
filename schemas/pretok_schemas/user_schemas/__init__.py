"""A person's own schema, of Pandera or pyarrow, as rules: one for each thing that it asks.

Rows are judged in batches, as they are read. Pandera is not imported here: whoever has a schema of
it has Pandera. Knows no file.
"""

from __future__ import annotations

from pretok_schemas.user_schemas.flavour import SchemaFault
from pretok_schemas.user_schemas.rules import schema_rules

__all__ = ["SchemaFault", "schema_rules"]
