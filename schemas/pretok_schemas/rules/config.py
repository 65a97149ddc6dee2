"""Rules about a trainer's own configuration: does it do with these files what its owner thinks?

Must not know rows beyond their lengths; what was seen around the files comes in as plain data.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat

from pretok_schemas.batch import TokenBatch
from pretok_schemas.contract import IDS, Contract
from pretok_schemas.findings import Example, Severity
from pretok_schemas.rules.base import NOWHERE, FileRule, ShardFacts, SplitFacts, SplitRule
from pretok_schemas.run import BIN_ROWS, Entry

# utils/data/shared.py, get_dataset_type: the first of these found anywhere in the path decides.
GUESSES = ((".parquet", "parquet"), (".arrow", "arrow"), (".csv", "csv"), (".txt", "text"))
READ_BY = {"arrow-file": "arrow", "arrow-stream": "arrow", "jsonl": "json"}
# What the library `datasets` takes for data in a folder, by suffix; of a draw the first one wins.
KINDS = {
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".jsonl": "json",
    ".json": "json",
    ".ndjson": "json",
}


class _ConfigRule(FileRule):
    """A rule about a dataset of a trainer's configuration."""

    family = "config"
    requires = ("trainer-config",)

    @property
    def entry(self) -> Entry:
        """What the configuration says of this split."""
        return self.contract.entry or Entry("")


class Container(_ConfigRule):
    """The trainer would not read these files as what they are.

    What it checks:
        Axolotl's guess at the kind of the files against their content, for a dataset of a trainer
        configuration: ``ds_type``, else the first of ``.parquet .arrow .csv .txt`` anywhere in
        the path, else JSON. In a folder, that all files are of one kind; that the split which the
        trainer looks for is there; that a ``save_to_disk`` folder was not saved in the numpy
        format; that rows are not streamed, save for packing, and not by a file's own path.

    Why it matters:
        Loading stops with a message about something else, or some of the files are left out
        without a word.

    Fails:
        ``path: data/train.pq`` without ``ds_type: parquet``; a folder with ``a.jsonl`` and
        ``b.parquet``.

    Passes:
        ``path: data/train.pq`` with ``ds_type: parquet``.

    Options:
        Needs ``trainer-config``.
    """

    name = "container"
    unit = "split"
    severity = Severity.WARNING
    help = "set ds_type and split in the trainer's configuration, or keep one kind of file a folder"

    def look_at_files(
        self, shards: Sequence[ShardFacts], names: Mapping[str, str]
    ) -> list[Example]:
        """One example for each thing that the trainer would get wrong."""
        entry = self.entry
        examples = [_example(entry.path, text) for text in _of_the_entry(entry)]
        if entry.streaming and entry.trains:
            examples += [_example(entry.path, text) for text in self._streamed(entry)]
        known = [shard for shard in shards if shard.format is not None]
        if entry.place in ("file", "files"):
            return examples + _misread(entry, known)
        return examples + (_of_several_kinds(known) if entry.place == "folder" else [])

    def _streamed(self, entry: Entry) -> Iterable[str]:
        # utils/data/sft.py, _prepare_streaming_dataset
        if not self.contract.packing:
            yield "streaming: true takes no rows that are tokenised already; set it to false"
        elif entry.place == "file":
            yield "streaming: true takes the path for a repository; use path: json and data_files"


def _of_the_entry(entry: Entry) -> Iterable[str]:
    if entry.absent:
        yield (
            f"there is no folder {entry.path!r}: Axolotl takes it for a repository of the Hub; "
            "give the file or its folder as path"
        )
    if entry.found and entry.wanted not in entry.found:
        yield f"no split {entry.wanted} (there is: {', '.join(entry.found)}); set split"
    if entry.format_type == "numpy":
        yield "saved in the numpy format: save it again after reset_format()"


def guess(entry: Entry) -> str:
    """The kind of file that Axolotl takes a path for."""
    if entry.ds_type is not None:
        return entry.ds_type
    return next((kind for suffix, kind in GUESSES if suffix in entry.path), "json")


def _misread(entry: Entry, shards: Sequence[ShardFacts]) -> list[Example]:
    taken = guess(entry)
    wrong: dict[str, list[str]] = {}
    for shard in shards:
        kind = READ_BY.get(shard.format or "", shard.format or "")
        if kind != taken:
            wrong.setdefault(kind, []).append(shard.path)
    why = f"ds_type: {taken}" if entry.ds_type is not None else f"the path {entry.path}"
    return [
        _example(_several(paths), f"read as {taken} ({why}), but holds {kind}; set ds_type: {kind}")
        for kind, paths in wrong.items()
    ]


def _of_several_kinds(shards: Sequence[ShardFacts]) -> list[Example]:
    suffixes = Counter(_suffix(shard.path) for shard in shards)
    order = list(KINDS)
    known = [suffix for suffix in suffixes if suffix in KINDS]
    if not known:
        return [_example(_several([s.path for s in shards]), "no suffix that a folder's data has")]
    read = KINDS[max(known, key=lambda suffix: (suffixes[suffix], -order.index(suffix)))]
    left = [shard.path for shard in shards if KINDS.get(_suffix(shard.path)) != read]
    return [_example(_several(left), f"left out: the folder is read as {read}")] if left else []


def _suffix(path: str) -> str:
    """The first known suffix of a file name, else its last: ``.jsonl`` of ``a.jsonl.gz``."""
    parts = [f".{part.lower()}" for part in path.rsplit("/", 1)[-1].split(".")[1:]]
    return next((part for part in parts if part in KINDS), parts[-1] if parts else "")


class StalePreparedFolder(_ConfigRule):
    """The trainer would use rows that it prepared from older files.

    What it checks:
        Axolotl keeps prepared rows in a folder whose name is a hash of its configuration. If that
        folder is there, no file of the dataset was written after it. A copy that keeps old times
        cannot be told.

    Why it matters:
        The hash covers paths, not what lies there: after tokenising anew the old rows are trained.

    Fails:
        ``last_run_prepared/HASH`` of yesterday, ``data/train.jsonl`` of today.

    Passes:
        No prepared folder, or one that was written after the files.

    Options:
        Needs ``trainer-config``.

    References:
        axolotl-ai-cloud/axolotl#1265, axolotl-ai-cloud/axolotl#885
    """

    name = "stale-prepared-folder"
    help = "delete the prepared folder, or prepare it again: axolotl preprocess CONFIG"

    def look_at_files(
        self, shards: Sequence[ShardFacts], names: Mapping[str, str]
    ) -> list[Example]:
        """One example a file that is newer than the prepared folder."""
        entry = self.entry
        if entry.prepared is None or entry.prepared_at is None:
            return []
        times = [(shard.path, entry.modified.get(shard.path, 0)) for shard in shards]
        return [
            _example(path, f"written {_later(time - entry.prepared_at)} after {entry.prepared}")
            for path, time in times
            if time > entry.prepared_at
        ]


class TokenisedButTyped(_ConfigRule):
    """A type is set for data that is tokenised already.

    What it checks:
        A dataset of a trainer configuration whose files hold ``input_ids``, ``attention_mask``
        and ``labels`` has an empty ``type``.

    Why it matters:
        Axolotl looks at the columns first and ignores the type: no template, no masking of prompts
        and no truncation of it is applied.

    Fails:
        ``type: chat_template`` for a file with the three columns.

    Passes:
        An empty ``type:``.

    Options:
        Needs ``trainer-config``.
    """

    name = "tokenised-but-typed"
    unit = "split"
    severity = Severity.WARNING
    help = "leave type empty, or take the three columns out if the text is meant"

    def look_at_files(
        self, shards: Sequence[ShardFacts], names: Mapping[str, str]
    ) -> list[Example]:
        """One example if some file has all the columns although a type is set."""
        entry = self.entry
        wanted = {names.get(c.role, c.role) for c in self.contract.columns if c.required}
        tokenised = [s.path for s in shards if s.columns is not None and wanted <= {*s.columns}]
        if not entry.type or not tokenised:
            return []
        return [_example(_several(tokenised), f"type: {entry.type}, but the columns are there")]


class TooFewTokensToPack(SplitRule):
    """All rows together do not fill one batch when packed.

    What it checks:
        With packing, the rows to train on, packed as tightly as first-fit-decreasing does it, make
        at least as many bins of ``sequence-len`` as one batch of ``micro-batch-size`` has. Rows
        that are too long or too short to be kept do not count, nor does what ``val_set_size``
        holds out. One process is assumed: several need a batch each. Where Axolotl makes one long
        bin of a batch (with flash, flex, sage and xformers attention) every row is trained.

    Why it matters:
        The last batch is dropped if it is not full: the run ends after 0 steps, without an error.

    Fails:
        Ten rows of 100 tokens, ``sequence-len = 4096``, ``micro-batch-size = 2``.

    Passes:
        The same rows with ``micro-batch-size = 1``.

    Options:
        Needs ``sequence-len`` and ``micro-batch-size``.

    References:
        axolotl-ai-cloud/axolotl#999, axolotl-ai-cloud/axolotl#1644
    """

    name = "too-few-tokens-to-pack"
    family = "config"
    views = ((IDS,),)
    requires = ("sequence-len", "micro-batch-size")
    needs_all = True
    help = "lower micro_batch_size or sequence_len, turn packing off, or bring more rows"

    @classmethod
    def applies(cls, contract: Contract) -> bool:
        """Only where rows are packed."""
        return contract.packing

    def survey(self, batch: TokenBatch) -> Mapping[str, int]:
        """Nothing beyond the lengths, which the split counts anyway."""
        return {}

    def conclude(self, counts: Mapping[str, int], facts: SplitFacts) -> str | None:
        """Violated if the rows make fewer bins than one batch needs."""
        entry, limit = self.contract.entry, self.contract.sequence_len or 0
        needed = self.contract.micro_batch_size or 1
        if entry is not None:
            needed = entry.bins if entry.trains else 1
        if needed <= 1:
            return None
        lengths = self._kept(facts.lengths, limit)
        rows = _trained(lengths, entry.held_out if entry else 0)
        bins = count_bins(rows, limit, needed, entry.bin_rows if entry else BIN_ROWS)
        if bins >= needed:
            return None
        made = f"{bins:,} bin{'' if bins == 1 else 's'} of {limit:,} tokens"
        return f"{facts.rows:,} rows make {made}, a batch takes {needed:,}"

    def _kept(self, lengths: Mapping[int, int], limit: int) -> Counter[int]:
        """The rows that the trainer keeps, by length."""
        kept: Counter[int] = Counter()
        for length, many in lengths.items():
            if length > limit and self.contract.excess_length == "truncate":
                kept[limit] += many
            elif self.contract.min_sample_len <= length <= limit:
                kept[length] += many
        return kept


def count_bins(lengths: Iterable[int], capacity: int, enough: int, bin_rows: int = BIN_ROWS) -> int:
    """Bins that lengths fill, put one after the other into the first bin with room.

    Counting ends at ``enough``.
    """
    room: list[list[int]] = []  # tokens and rows that still go in
    for length in lengths:
        fitting = (bin for bin in room if bin[0] >= length and bin[1])
        into = next(fitting, None)
        if into is None:
            into = [capacity, bin_rows]
            room.append(into)
            if len(room) >= enough:
                break
        into[0] -= length
        into[1] -= 1
    return len(room)


def _trained(lengths: Counter[int], held_out: float) -> Iterator[int]:
    """The length of each row that is not held out, the longest first; of each length a like share.

    Lazy: what fills a batch is counted, however many rows there are.
    """
    rows = lengths.total()
    left = max(0, rows - (math.ceil(held_out * rows) if held_out < 1 else int(held_out)))
    before = 0
    for length, many in sorted(lengths.items(), reverse=True):
        yield from repeat(length, (before + many) * left // rows - before * left // rows)
        before += many


def _example(shard: str, found: str) -> Example:
    return Example(row=NOWHERE, shard_row=NOWHERE, shard=shard, found=found)


def _several(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}" if paths else ""


def _later(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} seconds" if seconds >= 1 else "a moment"
