"""What a trainer's configuration says of one split, and what was seen around its files.

Plain data that crosses processes; judges nothing and opens no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

BIN_ROWS = 200  # that Axolotl packs into one bin, unless sample_packing_bin_size says otherwise

Place = Literal["file", "files", "folder", "saved"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One dataset of a trainer's configuration, as far as it concerns one split.

    ``path`` is as it is written, ``place`` what the trainer finds there: a file, a list of
    ``data_files``, a folder of files, or a `save_to_disk` folder; ``absent`` says that only the
    files are there and the path is not. ``trains`` tells data to train on from data to evaluate
    on. ``wanted`` is the split that the trainer looks for and ``found`` those that it finds, empty
    where it does not look. ``ds_type`` and ``type`` are the keys of that name; ``format_type`` is
    the format that a saved folder gives its values back in. ``prepared`` is the folder of rows
    prepared earlier, written at ``prepared_at``; ``modified`` are the times of the files by their
    paths as shown (all times in seconds since 1970). ``bins`` of sequence-len make one batch when
    packing, a bin holds ``bin_rows`` rows at most; ``held_out`` is the share (below 1) or number of
    rows split off for evaluation. ``packing`` and ``sequence_len`` are those of this split, None
    where they are those of the whole dataset; ``streaming`` says that rows come in a stream.
    """

    path: str
    place: Place = "file"
    absent: bool = False
    trains: bool = True
    wanted: str = "train"
    found: tuple[str, ...] = ()
    ds_type: str | None = None
    type: str = ""
    format_type: str | None = None
    prepared: str | None = None
    prepared_at: float | None = None
    modified: Mapping[str, float] = field(default_factory=dict)
    bins: int = 1
    bin_rows: int = BIN_ROWS
    held_out: float = 0
    packing: bool | None = None
    sequence_len: int | None = None
    streaming: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The entry as builtins."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Entry:
        """The entry that `to_dict` was called on."""
        return cls(**{**values, "found": tuple(values["found"])})
