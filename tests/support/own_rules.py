"""A rule and a schema of a person's own, for the tests of declarations that name some."""

from __future__ import annotations

import pyarrow as pa

from pretok_schemas import Hits, TokenBatch, rule
from pretok_schemas.rules.base import NONE

SCHEMA = pa.schema([("source", pa.string())])


@rule
def never(batch: TokenBatch, *, most: int = 0) -> Hits:
    """No row is ever at fault."""
    return NONE
