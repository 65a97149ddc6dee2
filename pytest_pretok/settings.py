"""The settings of a dataset, typed.

Reads nothing; knows no data and no pytest. pydantic is imported here and in `declaration` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from pretok_schemas.contract import Contract
from pretok_schemas.run import Entry
from pretok_schemas.trainers import load


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _as_rule(value: Any) -> Any:
    return {"severity": value} if isinstance(value, str) else value


def _as_ids(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _not_empty(ids: tuple[int, ...]) -> tuple[int, ...]:
    # Asked after the ids are: a length in the type's own schema counts only the sound ones,
    # and one wrong id is then told twice.
    if not ids:
        raise PydanticCustomError("too_short", "at least one id")
    return ids


class Table(BaseModel):
    """One TOML table: keys with dashes, exact types, nothing unknown."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", alias_generator=_dashed)


class RuleSetting(Table):
    """What a declaration says of one rule: its severity, and how many rows may violate it."""

    severity: Literal["error", "warning", "off"] | None = None
    max_rows: Annotated[int, Field(ge=0)] | None = None
    max_share: Annotated[float, Field(ge=0, le=1)] | None = None


Id = Annotated[int, Field(ge=0)]
Size = Annotated[int, Field(ge=1)]


class Defaults(Table):
    """The keys that may stand at the top, for every dataset below."""

    contract: str = "axolotl"
    packing: bool = False
    collator: Literal["seq2seq", "flattening", "language-modeling"] | None = None
    sequence_len: Size | None = None
    min_sample_len: Size | None = None
    excess_length: Literal["drop", "truncate", "raise"] | None = None
    tokenizer: str | None = None
    vocab_size: Size | None = None
    bos_token_id: Id | None = None
    eos_token_ids: (
        Annotated[tuple[Id, ...], AfterValidator(_not_empty), BeforeValidator(_as_ids)] | None
    ) = None
    pad_token_id: Id | None = None
    baseline: str | None = None
    micro_batch_size: Size | None = None
    columns: dict[str, str] = {}
    rules: dict[str, Annotated[RuleSetting, BeforeValidator(_as_rule)]] = {}


class DatasetSettings(Defaults):
    """One dataset, with the defaults filled in. ``line`` is where its table begins, from 1.

    ``entries`` holds what a trainer's configuration says, by split: an `Entry` as builtins each.
    """

    name: str = ""
    line: int = 0
    path: str | None = None
    splits: dict[str, str] | None = None
    entries: dict[str, dict[str, Any]] = {}

    def to_dict(self) -> dict[str, Any]:
        """The settings as builtins, by the names of their fields."""
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DatasetSettings:
        """The settings that `to_dict` was called on."""
        # Names of rules and roles stay: only keys of ours have two spellings.
        given = {_dashed(key): value for key, value in values.items()}
        rules = given.get("rules", {})
        given["rules"] = {
            rule: {_dashed(key): value for key, value in setting.items()}
            for rule, setting in rules.items()
        }
        return cls.model_validate(given)


def undeclared(defaults: Defaults | None, name: str) -> DatasetSettings:
    """Settings of a dataset that no declaration names: the defaults that hold there."""
    given = defaults.model_dump(mode="json") if defaults is not None else {}
    return DatasetSettings.from_dict({**given, "name": name})


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
