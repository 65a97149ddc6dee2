"""Rules about the files of a split and the names of their columns.

Must not know rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import ClassVar

from pretok_schemas.arrow import Kind, TypeFacts
from pretok_schemas.contract import IDS, LABELS, MASK
from pretok_schemas.findings import Effect, Example, Severity
from pretok_schemas.rules.base import NOWHERE, FileRule, ShardFacts, Usual

INTEGER_TYPE = re.compile(r"(u?)int(8|16|32|64)")

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
    usual: ClassVar[Usual] = {
        "": (Effect.CRASH, "the run stops when the file is loaded"),
    }

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
    usual: ClassVar[Usual] = {
        "": (Effect.CRASH, "loading stops: there is nothing to train on"),
    }

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

    References:
        axolotl-ai-cloud/axolotl#1945, axolotl-ai-cloud/axolotl#1661
    """

    name = "missing-column"
    family = "structure"
    left_out_by = ("wrong-kind",)
    help = "write the column, or name it under `columns` if the trainer reads it by another name"

    def look_at_files(
        self, shards: Sequence[ShardFacts], names: Mapping[str, str]
    ) -> list[Example]:
        """One example a shard, naming every column that it lacks."""
        found: list[Example] = []
        if not any(shard.rows or shard.columns for shard in shards):
            return found  # an empty list of JSON has no columns: `no-rows` says what is wrong
        for shard in shards:
            if shard.columns is None:
                continue
            absent = self.lacking(names, shard.columns)
            if absent:
                found.append(
                    Example(
                        row=NOWHERE,
                        shard_row=NOWHERE,
                        shard=shard.path,
                        found=", ".join(
                            self.absent(role, names.get(role, role), shard.columns)
                            for role in absent
                        ),
                        expected=", ".join(names.get(role, role) for role in absent),
                        column=absent[0],
                    )
                )
        return found

    def lacking(self, names: Mapping[str, str], columns: Collection[str]) -> list[str]:
        """The roles of required columns that are not among the columns of a file."""
        required = [column.role for column in self.contract.columns if column.required]
        return [role for role in required if names.get(role, role) not in columns]

    def absent(self, role: str, name: str, columns: Sequence[str]) -> str:
        """What is said of an absent column: its name, and the one that is probably meant."""
        near = [alias for alias in (role, *ALIASES.get(role, ())) if alias in columns]
        near = near or get_close_matches(name, columns, n=1, cutoff=0.75)
        return f"no {name} (but {near[0]})" if near else f"no {name}"


class NarrowInteger(FileRule):
    """A column's integer type cannot hold what belongs there.

    What it checks:
        The types of ``input_ids`` and ``labels`` can hold every id below ``vocab-size``, and the
        type of ``labels`` is signed (an unsigned one, which cannot hold -100, is a warning).

    Why it matters:
        Ids beyond the type's limit were wrapped to others when the file was written.

    Fails:
        ``list<uint16>`` with ``vocab-size = 128256``

    Passes:
        ``list<int32>``

    Options:
        ``vocab-size`` of the dataset.

    References:
        huggingface/transformers#2825
    """

    name = "narrow-integer"
    family = "structure"
    help = "write int32 ids, and labels in a signed type"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "ids beyond the type's limit were stored as other ids"),
    }

    def look_at_files(
        self, shards: Sequence[ShardFacts], names: Mapping[str, str]
    ) -> list[Example]:
        """One example a shard, for the first column whose type is too narrow."""
        found = []
        for shard in shards:
            narrow = [
                example
                for role in (IDS, LABELS)
                if (facts := shard.types.get(names.get(role, role))) is not None
                and (example := self.narrow(shard.path, role, facts)) is not None
            ]
            found += sorted(narrow, key=lambda example: example.mild)[:1]
        return found

    def narrow(self, path: str, role: str, facts: TypeFacts) -> Example | None:
        """What is too narrow about the type of a column of a file, None if nothing is."""
        kind = INTEGER_TYPE.fullmatch(facts.item)
        if facts.kind is not Kind.INTEGER or kind is None:
            return None
        unsigned, bits = bool(kind[1]), int(kind[2])
        most = 2 ** (bits if unsigned else bits - 1) - 1
        size = self.vocabulary.size
        if size is not None and most < size - 1:
            return Example(
                NOWHERE, NOWHERE, path, found=facts.item, expected=f"0 to {size - 1}", column=role
            )
        if role == LABELS and unsigned:
            return Example(
                NOWHERE,
                NOWHERE,
                path,
                found=facts.item,
                expected="a signed type",
                column=role,
                mild=True,
            )
        return None


class ShardSchemaMismatch(FileRule):
    """The shards of a split disagree in their columns.

    What it checks:
        Every shard of a format with a schema has the column names of the first. Integer widths
        and list layouts may differ: `datasets` unifies them.

    Why it matters:
        The shards cannot be loaded as one table.

    Fails:
        A column ``source`` in one shard, and none in another.

    Passes:
        ``list<int32>`` in one shard, ``large_list<int64>`` in another.
    """

    name = "shard-schema-mismatch"
    family = "structure"
    severity = Severity.WARNING
    help = "write all shards with one schema"
    usual: ClassVar[Usual] = {
        "": (Effect.CRASH, "loading stops: the shards make no one table"),
    }

    def look_at_files(
        self, shards: Sequence[ShardFacts], names: Mapping[str, str]
    ) -> list[Example]:
        """One example a shard that differs from the first."""
        told = [shard for shard in shards if shard.schema and shard.columns]
        found = []
        for shard in told[1:]:
            mine, first = set(shard.columns or ()), set(told[0].columns or ())
            if mine != first:
                name = min(mine ^ first)
                texts = (f"column {name}", f"no {name}")
                have, want = texts if name in mine else texts[::-1]
                found.append(Example(NOWHERE, NOWHERE, shard.path, found=have, expected=want))
        return found


class ExtraColumn(FileRule):
    """A column that the trainer does not know.

    What it checks:
        Every column is one of the contract's, or of those that the trainer uses besides. Off unless
        asked for, where the trainer drops such columns; with Axolotl's packing, an error for
        columns of text or single values.

    Why it matters:
        Axolotl's packing concatenates every column of a bin, and stops at one that is no list.

    Fails:
        ``source: string`` with ``packing = true``

    Passes:
        ``input_ids``, ``attention_mask``, ``labels``

    References:
        huggingface/transformers#39266
    """

    name = "extra-column"
    family = "structure"
    severity = Severity.OFF
    help = "select the columns that the trainer reads before writing the file"
    usual: ClassVar[Usual] = {
        "": (Effect.HARMLESS, "the column is dropped"),
    }

    def look_at_files(
        self, shards: Sequence[ShardFacts], names: Mapping[str, str]
    ) -> list[Example]:
        """One example a shard, naming its extra columns."""
        known = {*names.values(), *self.contract.also_knows}
        found = []
        for shard in shards:
            extra = [name for name in shard.columns or () if name not in known]
            if self.contract.concatenates:
                flat = {name for name, facts in shard.types.items() if not facts.layout}
                extra = [name for name in extra if name in flat]
            if self.contract.stumbles_over:
                extra = [name for name in extra if name in self.contract.stumbles_over]
            if extra:
                shown = ", ".join(extra[:4]) + (" ..." if len(extra) > 4 else "")
                found.append(Example(NOWHERE, NOWHERE, shard.path, found=shown))
        return found
