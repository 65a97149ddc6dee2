"""A sample of a dataset from end to end: chosen, written beside its place, renamed.

Reads and writes files; judges nothing and prints nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pretok_schemas.columns import Columns
from pytest_pretok.discovery import DICT_FILE, STATE_FILE, is_saved_folder
from pytest_pretok.discovery.saved import INFO_FILE
from pytest_pretok.inspect.reading import open_shard
from pytest_pretok.inspect.targets import Target
from pytest_pretok.readers import data_suffix
from pytest_pretok.samples.choose import choose
from pytest_pretok.samples.saved import DATA_FILE, write_saved
from pytest_pretok.samples.source import SampleError, Source, look_at
from pytest_pretok.samples.write import ENDINGS, SUFFIXES, compression, suffix_of, write_rows
from pytest_pretok.whole_files import reason_of

_KINDS = {
    "parquet": "Parquet",
    "arrow-file": "an Arrow file",
    "arrow-stream": "an Arrow stream",
    "jsonl": "JSON Lines",
    "json": "a JSON array",
}


@dataclass(frozen=True, slots=True)
class Cut:
    """The sample of one split: the file that holds it, and what it was cut from.

    ``shortest`` and ``longest`` are lengths in tokens; ``of`` are the rows of the split.
    """

    target: Target
    path: Path
    rows: int
    of: int
    shortest: int
    longest: int
    tokens: int


@dataclass(frozen=True, slots=True)
class _Piece:
    target: Target
    source: Source
    cut: Cut
    write: Callable[[Path], None]


def make_sample(
    targets: Sequence[Target],
    columns: Callable[[Target], Columns],
    out: Path,
    size: int,
    seed: int,
    workers: int,
    force: bool = False,
) -> list[Cut]:
    """Write ``size`` rows of each split of one dataset to ``out``: a file, or a folder.

    Raises:
        SampleError: it cannot be read, or not be written there; nothing is left behind then.
    """
    refuse(targets, out, force)
    looked = [(target, _look(target, columns(target), workers)) for target in targets]
    saved = _saved_folders(targets)
    one = len(targets) == 1 and not saved and data_suffix(out.name) is not None
    if one:
        check_name(out, looked[0][1])
    elif data_suffix(out.name) is not None:
        what = "a save_to_disk folder" if saved else f"{len(targets)} splits"
        raise SampleError(f"a sample of {what} is a folder: call it something else than {out.name}")
    pieces = []
    for target, source in looked:
        if not len(source.lengths):
            raise SampleError(f"{target.name} has no rows", unreadable=True)
        rows = choose(source.lengths, source.shards, size, seed)
        lengths = source.lengths[rows]
        place = out if one else out / _place(target, source, saved)
        cut = Cut(target, place, len(rows), len(source.lengths),
                  int(lengths.min()), int(lengths.max()), int(lengths.sum()))  # fmt: skip
        pieces.append(_Piece(target, source, cut, partial(write_rows, source, rows)))
    with beside(out) as temporary:
        _write(pieces, temporary, out, one, saved)
    return [piece.cut for piece in pieces]


def _look(target: Target, columns: Columns, workers: int) -> Source:
    opened = [open_shard(shard, columns) for shard in target.shards]
    return look_at(target.shards, opened, columns, workers)


def _write(
    pieces: Sequence[_Piece], temporary: Path, out: Path, one: bool, saved: Mapping[str, Path]
) -> None:
    if one:
        pieces[0].write(temporary)
    elif saved:
        root = next(iter(saved.values()))
        root = root.parent if (root.parent / DICT_FILE).is_file() else root
        folders = {
            saved[piece.target.split.name]: (
                temporary / piece.cut.path.parent.relative_to(out), piece.write,
            )
            for piece in pieces
        }  # fmt: skip
        write_saved(folders, root, temporary)
    else:
        temporary.mkdir()
        for piece in pieces:
            piece.write(temporary / piece.cut.path.name)


def _saved_folders(targets: Sequence[Target]) -> dict[str, Path]:
    """By split, the folder that `save_to_disk` wrote it to; empty where none did."""
    found = {}
    for target in targets:
        folders = {Path(shard.path).parent for shard in target.shards}
        if len(folders) == 1 and is_saved_folder(folder := folders.pop()):
            found[target.split.name] = folder
    return found if len(found) == len(targets) else {}


def _place(target: Target, source: Source, saved: Mapping[str, Path]) -> Path:
    folder = saved.get(target.split.name)
    if folder is None:
        return Path(target.split.name + suffix_of(source))
    in_dict = (folder.parent / DICT_FILE).is_file()
    return Path(folder.name) / DATA_FILE if in_dict else Path(DATA_FILE)


def check_name(out: Path, source: Source) -> None:
    """Refuse a file name that speaks of another container than the rows come in.

    Raises:
        SampleError: the name has another suffix.
    """
    packed = ENDINGS.get(compression(source) or "", "")
    allowed = tuple(suffix + packed for suffix in SUFFIXES[source.kind])
    if not out.name.lower().endswith(allowed):
        kind = _KINDS[source.kind]
        raise SampleError(
            f"the rows come in {kind}, and so does a sample of them: call {out.name} "
            f"something that ends with {suffix_of(source)}"
        )


def refuse(targets: Sequence[Target], out: Path, force: bool) -> None:
    """Say no to a place that holds something.

    Raises:
        SampleError: it is the source, it exists and ``force`` is off, or it is a folder of
            anything else than a sample.
    """
    real = Path(os.path.realpath(out))
    for target in targets:
        for shard in target.shards:
            if Path(os.path.realpath(shard.path)).is_relative_to(real):
                raise SampleError(f"{out} is where the rows come from")
    if not out.parent.is_dir():
        raise SampleError(f"there is no folder {out.parent}")
    if not os.path.lexists(out):
        return
    if not force:
        raise SampleError(f"{out} is there already; --force overwrites it")
    if out.is_dir() and not _is_sample(out):
        raise SampleError(f"{out} holds other things than data: it is not overwritten")


def _is_sample(folder: Path) -> bool:
    for _, _, files in os.walk(folder):
        for name in files:
            if data_suffix(name) is None and name not in (STATE_FILE, INFO_FILE, DICT_FILE):
                return False
    return True


@contextmanager
def beside(out: Path) -> Iterator[Path]:
    """A path beside ``out`` to write to, which takes its place in the end, or goes."""
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        yield temporary
        if out.is_dir() and not out.is_symlink():
            old = temporary.with_suffix(".old")
            out.rename(old)
            temporary.rename(out)
            shutil.rmtree(old)
        else:
            temporary.replace(out)
    except OSError as error:
        raise SampleError(f"{out} cannot be written: {reason_of(error)}") from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)
