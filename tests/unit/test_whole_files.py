"""Files are written whole, or what was there stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_pretok.whole_files import write_whole


def test_permissions_are_those_of_the_umask(tmp_path: Path) -> None:
    """A new file can be read by whom the umask lets."""
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "new.json", "text")
    finally:
        os.umask(before)

    assert (tmp_path / "new.json").stat().st_mode & 0o777 == 0o640


def test_names_as_long_as_names_can_be(tmp_path: Path) -> None:
    """The file beside it that is written first has a short name."""
    file = tmp_path / ("n" * 250 + ".json")

    write_whole(file, "text")

    assert file.read_bytes() == b"text"


def test_write_keeps_links_and_permissions(tmp_path: Path) -> None:
    """The file behind a link is replaced, with its mode; folders are made, nothing is left."""
    file = tmp_path / "deep" / "b.json"
    write_whole(file, "old")
    file.chmod(0o640)
    link = tmp_path / "link.json"
    link.symlink_to(file)

    write_whole(link, "new")

    assert link.is_symlink()
    assert file.read_text(encoding="utf-8") == "new"
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["b.json"]


def test_write_or_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails leaves what was there, and nothing else."""
    file = tmp_path / "b.json"
    write_whole(file, "old")

    def refuse(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        write_whole(file, "new")

    assert file.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["b.json"]


def test_the_scratch_file_is_no_link_of_somebody_else(tmp_path: Path) -> None:
    """A link that lies where the scratch file will be is not written through."""
    (tmp_path / "other").write_text("mine", encoding="utf-8")
    (tmp_path / f".pretok-{os.getpid()}.part").symlink_to("other")

    write_whole(tmp_path / "b.json", "text")

    assert (tmp_path / "other").read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "b.json").read_text(encoding="utf-8") == "text"
    assert not (tmp_path / "b.json").is_symlink()


def test_what_was_private_is_private_all_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file beside a private one is as private from its first byte on, not only in the end."""
    file = tmp_path / "b.json"
    file.touch(mode=0o600)
    modes = []
    make = os.open

    def watched(path: str, flags: int, mode: int = 0o777) -> int:
        descriptor = make(path, flags, mode)
        modes.append(os.fstat(descriptor).st_mode & 0o777)
        return descriptor

    before = os.umask(0)
    monkeypatch.setattr(os, "open", watched)
    try:
        write_whole(file, "secret")
    finally:
        os.umask(before)

    assert modes == [0o600]
    assert file.stat().st_mode & 0o777 == 0o600
