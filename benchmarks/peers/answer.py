"""What every peer's program is asked, and the form of its answer.

Each takes the path of a Parquet file on the command line and prints one JSON object, ``{rule:
[row]}``, or ``{rule: number of rows}`` where the library cannot name rows.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping

COLUMNS = ["input_ids", "attention_mask", "labels"]
IGNORE = -100
LENGTHS = "length-mismatch"  # the three lists of a row have one length
LABELS = "label-not-input-id"  # a label is the id at its place, or -100
PADDING = "trailing-padding"  # the last token of a row is attended
TRAINABLE = "no-trainable-token"  # some label behind the first is not -100


def path() -> str:
    """The file that is asked about."""
    return sys.argv[1]


def tell(rows: Mapping[str, Iterable[int] | int]) -> None:
    """Print the answer."""
    json.dump(
        {
            rule: found if isinstance(found, int) else sorted(int(row) for row in found)
            for rule, found in rows.items()
        },
        sys.stdout,
    )
