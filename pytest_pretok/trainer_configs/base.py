"""What a trainer configuration says, as plain values.

Holds no code that reads anything; knows no trainer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Source:
    """One dataset of a trainer configuration, as it is written there.

    ``key`` and ``line`` are where it stands; ``trains`` tells data to train on from data to
    evaluate on. ``split`` is the split that is asked for (None: the trainer's default), ``type``
    the prompt format ("" for none: the data is tokenised), ``whole`` whether every split of a
    saved folder belongs to it.
    """

    path: str
    key: str
    line: int
    trains: bool = True
    ds_type: str | None = None
    data_files: tuple[str, ...] = ()
    split: str | None = None
    type: str = ""
    whole: bool = False

    @property
    def wanted(self) -> str:
        """The split that the trainer looks for, without slices: ``train[:5%]`` is of train."""
        return (self.split or ("train" if self.trains else "test")).split("[")[0].strip()


@dataclass(frozen=True, slots=True)
class TrainerConfig:
    """What one configuration says of the data of its run.

    ``settings`` are those of the data to train on and ``eval_settings`` of the data to evaluate
    on, by the names of `DatasetSettings`. ``prepared`` maps True (to train on) and False to the
    folder in which the trainer keeps what it prepared; where none can be told ``untold`` says why.
    ``bins`` is how many bins of sequence-len make one batch, ``bin_rows`` how many rows a bin takes
    (None: the trainer's default), ``held_out`` the share (below 1) or number of rows split off for
    evaluation. ``model`` is the path of the tokenizer or model. ``unread`` names what in the file
    is data, but is not checked.
    """

    trainer: str
    sources: tuple[Source, ...]
    settings: Mapping[str, Any]
    eval_settings: Mapping[str, Any] = field(default_factory=dict)
    prepared: Mapping[bool, str] = field(default_factory=dict)
    untold: str | None = None
    bins: int = 1
    bin_rows: int | None = None
    held_out: float = 0
    streaming: bool = False
    model: str | None = None
    special_tokens: Mapping[str, str] = field(default_factory=dict)
    adds_tokens: bool = False
    unread: tuple[str, ...] = ()
