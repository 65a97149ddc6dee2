"""The settings of a dataset: their fields, defaults and limits, each said once.

Reads nothing; knows no data, no pytest and no pydantic. What is declared comes in through
`declaration.tables`, which makes its tables of the fields here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Annotated, Any, Literal

from pretok_schemas.contract import Contract
from pretok_schemas.run import Entry
from pretok_schemas.trainers import load

# -- what a field may hold, beyond its type


@dataclass(frozen=True, slots=True)
class Range:
    """A number from ``least`` to ``most``, both included (None: no bound)."""

    least: float
    most: float | None = None


class OneOrMore:
    """A tuple that is not empty; a single value may be written as itself, without a list."""


@dataclass(frozen=True, slots=True)
class Short:
    """A table that may be written as the value, in quotes, of one of its fields alone."""

    field: str


@dataclass(frozen=True, slots=True)
class Says:
    """What a key means, in a sentence without its stop: for editors, and for the README's table."""

    text: str


@dataclass(frozen=True, slots=True)
class Key:
    """How a key is spelled that is not spelled as its field."""

    text: str


class NoKey:
    """A field that no declaration has a key for."""


Id = Annotated[int, Range(0)]
Size = Annotated[int, Range(1)]

# -- the settings


@dataclass(frozen=True, slots=True)
class RuleSetting:
    """What a declaration says of one rule: its severity, and how many rows may violate it.

    ``options`` are those of a rule of a person's own.
    """

    severity: Annotated[
        Literal["error", "warning", "off"] | None,
        Says("error fails the item, warning does not, off does not look"),
    ] = None
    max_rows: Annotated[
        Annotated[int, Range(0)] | None, Says("rows that may violate the rule; or max-share")
    ] = None
    max_share: Annotated[
        Annotated[float, Range(0, 1)] | None,
        Says("share of rows, 0 to 1, that may violate the rule; or max-rows"),
    ] = None
    options: Annotated[dict[str, Any], NoKey()] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Defaults:
    """The keys that may stand at the top, for every dataset below.

    ``plugins`` are references to rules of a person's own, which ``home`` is searched for first
    (see `imports`).
    """

    contract: Annotated[str, Says("the trainer that the data is for")] = "axolotl"
    packing: Annotated[
        bool, Says("whether the trainer packs rows into bins (Axolotl's sample_packing)")
    ] = False
    collator: Annotated[
        Literal["seq2seq", "flattening", "language-modeling"] | None,
        Says("with the contract transformers: what makes batches of rows"),
    ] = None
    sequence_len: Annotated[
        Size | None, Says("tokens of the longest row that the trainer takes whole")
    ] = None
    min_sample_len: Annotated[
        Size | None, Says("tokens of the shortest row that the trainer keeps")
    ] = None
    excess_length: Annotated[
        Literal["drop", "truncate", "raise"] | None,
        Says("what the trainer does with rows longer than sequence-len"),
    ] = None
    tokenizer: Annotated[
        str | None,
        Says(
            "a tokenizer.json, its folder, a SentencePiece model or a tekken.json: tells the "
            "vocabulary and the special ids, and gives failures their text"
        ),
    ] = None
    vocab_size: Annotated[Size | None, Says("rows of the embedding matrix: added tokens count")] = (
        None
    )
    bos_token_id: Annotated[Id | None, Says("the id that begins a text")] = None
    eos_token_ids: Annotated[
        Annotated[tuple[Id, ...], OneOrMore()] | None,
        Says("every id that ends a sequence or a turn"),
    ] = None
    pad_token_id: Annotated[Id | None, Says("the id that fills a batch up")] = None
    baseline: Annotated[
        str | None, Says("the file of known findings, seen from the declaration's folder")
    ] = None
    micro_batch_size: Annotated[Size | None, Says("with packing: how many bins make one batch")] = (
        None
    )
    own_schema: Annotated[
        str | None,
        Key("schema"),
        Says("a Pandera or pyarrow schema of yours for further columns, as MODULE:NAME"),
    ] = None
    columns: Annotated[
        dict[str, str], Says('other names in the files, by column: { input_ids = "tokens" }')
    ] = field(default_factory=dict)
    rules: Annotated[
        dict[str, Annotated[RuleSetting, Short("severity")]],
        Says(
            "by rule: error, warning, off, or a table with severity and a budget: max-rows or "
            "max-share"
        ),
    ] = field(default_factory=dict)
    plugins: Annotated[tuple[str, ...], NoKey()] = ()
    home: Annotated[str, NoKey()] = ""

    def to_dict(self) -> dict[str, Any]:
        """The settings as builtins that JSON keeps, by the names of their fields."""
        found = {one.name: _builtins(getattr(self, one.name)) for one in fields(self)}
        found["rules"] = {rule: _builtins(asdict(own)) for rule, own in self.rules.items()}
        return found


@dataclass(frozen=True, slots=True)
class DatasetSettings(Defaults):
    """One dataset, with the defaults filled in. ``line`` is where its table begins, from 1.

    ``entries`` holds what a trainer's configuration says, by split: an `Entry` as builtins each.
    """

    name: Annotated[str, NoKey()] = ""
    line: Annotated[int, NoKey()] = 0
    path: Annotated[
        str | None,
        Says(
            "a file, a glob, a folder or a save_to_disk folder, seen from the declaration's, or a "
            "URL"
        ),
    ] = None
    splits: Annotated[
        dict[str, str] | None, Says("a path by the name of each split, instead of path")
    ] = None
    entries: Annotated[dict[str, dict[str, Any]], NoKey()] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DatasetSettings:
        """The settings that `to_dict` was called on; names that are left out have their default.

        Raises:
            TypeError: a name is no field's.
        """
        given = dict(values)
        rules = given.get("rules", {})
        given["rules"] = {rule: RuleSetting(**setting) for rule, setting in rules.items()}
        if given.get("eos_token_ids") is not None:
            given["eos_token_ids"] = tuple(given["eos_token_ids"])
        given["plugins"] = tuple(given.get("plugins", ()))
        return cls(**given)


def _builtins(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _builtins(one) for key, one in value.items()}
    return [_builtins(one) for one in value] if isinstance(value, tuple | list) else value


def undeclared(defaults: Defaults | None, name: str) -> DatasetSettings:
    """Settings of a dataset that no declaration names: the defaults that hold there."""
    return dataset_of(defaults or Defaults(), name=name)


def dataset_of(defaults: Defaults, **own: Any) -> DatasetSettings:
    """Settings of a dataset: the defaults, save for what is its own."""
    given = {one.name: getattr(defaults, one.name) for one in fields(Defaults)}
    return DatasetSettings(**{**given, **own})


def contract_of(settings: DatasetSettings, split: str | None = None) -> Contract:
    """The contract that a dataset's settings call for, on one of its splits."""
    told = settings.entries.get(split or "") or next(iter(settings.entries.values()), None)
    entry = Entry.from_dict(told) if told else None
    packing, longest = settings.packing, settings.sequence_len
    batch = settings.micro_batch_size
    if entry is not None:
        packing = packing if entry.packing is None else entry.packing
        longest = entry.sequence_len or longest
    elif batch is not None and split not in (None, "train"):
        batch = 1  # only what is trained has to fill a batch
    return (
        load(settings.contract, packing=packing, collator=settings.collator)
        .with_lengths(longest, settings.min_sample_len, settings.excess_length)
        .with_run(batch, entry)
    )
