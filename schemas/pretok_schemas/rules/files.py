"""Rules about the files of a split and the names of their columns.

Must not know rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from pretok_schemas.contract import IDS, LABELS, MASK
from pretok_schemas.findings import Example
from pretok_schemas.rules.base import NOWHERE, FileRule, ShardFacts

# What other tools call these columns, beyond what spelling alone would find.
ALIASES = {
    IDS: ("tokens", "token_ids", "ids", "inputs"),
    MASK: ("mask", "attn_mask", "attention"),
    LABELS: ("label", "targets", "target", "label_ids"),
}


class UnreadableFile(FileRule):
    """A file cannot be opened, or not decoded to its end.

    What it checks:
        Every shard is opened and decoded completely: truncated, corrupt, empty or foreign files,
        git-LFS pointers and missing permissions are found.

    Why it matters:
        The trainer crashes when it reaches the damaged part, which may be hours into a run.

    Fails:
        A Parquet file of which the last 100 bytes are missing.

    Passes:
        A file of which every row can be decoded.
    """

    name = "unreadable-file"
    family = "structure"
    help = "write the file again, or fetch it again; compare its size with the source"

    def look_at_files(
        self, shards: Sequence[ShardFacts], names: Mapping[str, str]
    ) -> list[Example]:
        """One example a shard that was not read to its end."""
        return [
            Example(row=NOWHERE, shard_row=NOWHERE, shard=shard.path, found=shard.error)
            for shard in shards
            if shard.error is not None
        ]


class NoRows(FileRule):
    """A split holds no rows.

    What it checks:
        The shards of the split, all read, hold at least one row together.

    Why it matters:
        The trainer crashes at load, or trains for zero steps.

    Fails:
        A Parquet file that a filter left empty.

    Passes:
        A split of one row.
    """

    name = "no-rows"
    family = "structure"
    unit = "split"
    help = "look at the filter or the query that wrote this split"

    def look_at_files(
        self, shards: Sequence[ShardFacts], names: Mapping[str, str]
    ) -> list[Example]:
        """One example for the split if all its shards were read and none holds a row."""
        if any(shard.rows or shard.error is not None for shard in shards):
            return []
        first = shards[0].path if shards else ""
        return [
            Example(row=NOWHERE, shard_row=NOWHERE, shard=first, found="0 rows", expected=">= 1")
        ]


class MissingColumn(FileRule):
    """A column that the trainer requires is absent.

    What it checks:
        Every shard has each required column, under its name or the name declared in ``columns``.

    Why it matters:
        The trainer fails at load with a message that names neither the file nor the column
        (Axolotl: ``'NoneType' object has no attribute 'startswith'``).

    Fails:
        Columns ``input_ids``, ``attention_mask``, ``label``.

    Passes:
        Columns ``input_ids``, ``attention_mask``, ``labels``.
    """

    name = "missing-column"
    family = "structure"
    help = "write the column, or name it under `columns` if the trainer reads it by another name"

    def look_at_files(
        self, shards: Sequence[ShardFacts], names: Mapping[str, str]
    ) -> list[Example]:
        """One example a shard, naming every column that it lacks."""
        required = [column.role for column in self.contract.columns if column.required]
        found = []
        for shard in shards:
            if shard.columns is None:
                continue
            absent = [role for role in required if names.get(role, role) not in shard.columns]
            if absent:
                found.append(
                    Example(
                        row=NOWHERE,
                        shard_row=NOWHERE,
                        shard=shard.path,
                        found=", ".join(_near_miss(role, shard.columns) for role in absent),
                        expected=", ".join(names.get(role, role) for role in absent),
                        column=absent[0],
                    )
                )
        return found


def _near_miss(role: str, columns: Sequence[str]) -> str:
    near = [name for name in ALIASES.get(role, ()) if name in columns]
    near = near or get_close_matches(role, columns, n=1, cutoff=0.75)
    return f"no {role} (but {near[0]})" if near else f"no {role}"
