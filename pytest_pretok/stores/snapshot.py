"""The Hub's local cache as a store: datasets that were downloaded, read with no network.

Asks huggingface_hub where its cache is; nothing is downloaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import unquote

from pytest_pretok.stores.base import Info, StoreError

_PARTS = re.compile(
    r"hf://datasets/(?P<repo>[^/@]+/[^/@]+)"
    r"(?:@(?P<revision>refs/(?:convert/[^/]+|pr/\d+)|[^/]+))?(?:/(?P<path>.*))?"
)


def is_offline() -> bool:
    """Whether HF_HUB_OFFLINE is set."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


class Snapshots:
    """Files of the cache by their URLs; a revision is a branch, a tag or a commit in it."""

    def info(self, url: str) -> Info | None:
        """What stands under a URL; see `Store`."""
        path = _Place.of(url).file
        try:
            found = path.stat()
        except OSError:
            return None
        if path.is_dir():
            return Info("folder")
        # The name of the file behind the link is the hash of its content.
        return Info("file", found.st_size, (path.resolve().name, str(found.st_mtime_ns)))

    def read(self, url: str, start: int, stop: int) -> bytes:
        """Some bytes; see `Store`."""
        try:
            with _Place.of(url).file.open("rb") as file:
                file.seek(start)
                data = file.read(stop - start)
        except OSError as error:
            raise StoreError(f"not readable in the Hub's local cache: {error.strerror}") from error
        if len(data) < stop - start:
            raise StoreError("the file in the Hub's local cache became shorter while it was read")
        return data

    def find(self, url: str) -> list[str]:
        """The files below a folder; see `Store`."""
        place = _Place.of(url)
        return place.listed(f"{place.path}/*".lstrip("/"), lambda name: place.holds(name))

    def glob(self, url: str) -> list[str]:
        """The files that fit a pattern; see `Store`."""
        place = _Place.of(url)
        return place.listed(place.path, lambda name: _fits(name, place.path))


@dataclass(frozen=True, slots=True)
class _Place:
    """A URL taken apart: the dataset, its revision, and a path in it."""

    repo: str
    revision: str | None
    path: str

    @classmethod
    def of(cls, url: str) -> _Place:
        found = _PARTS.fullmatch(url)
        if found is None or ".." in url.split("/"):
            raise StoreError("a URL of the Hub is hf://datasets/ORG/NAME[@REVISION]/PATH")
        return cls(found["repo"], found["revision"], (found["path"] or "").strip("/"))

    @property
    def name(self) -> str:
        """The revision that is meant."""
        return unquote(self.revision or "main")

    @property
    def root(self) -> Path:
        """The folder of the snapshot: https://huggingface.co/docs/huggingface_hub (caching)."""
        from huggingface_hub import constants

        folder = Path(constants.HF_HUB_CACHE) / f"datasets--{self.repo.replace('/', '--')}"
        try:
            commit = (folder / "refs" / self.name).read_text(encoding="utf-8").strip()
        except OSError:
            commit = self.name
        if not (folder / "snapshots" / commit).is_dir():
            raise StoreError(
                f"HF_HUB_OFFLINE is set, and the Hub's local cache has no snapshot of {self.name}: "
                "download it once with the network, or unset it",
                here=True,
            )
        return folder / "snapshots" / commit

    @property
    def file(self) -> Path:
        """The file or folder that the path leads to."""
        return self.root / self.path

    def holds(self, name: str) -> bool:
        """Whether a file lies below the path."""
        return not self.path or name.startswith(f"{self.path}/")

    def listed(self, pattern: str, fits: Callable[[str], bool]) -> list[str]:
        """The files of the snapshot that fit, as URLs; none may be known to lack."""
        from huggingface_hub import snapshot_download

        root = self.root
        try:
            snapshot_download(
                self.repo,
                repo_type="dataset",
                revision=root.name,
                allow_patterns=pattern,
                local_files_only=True,
            )
        except (OSError, ValueError) as error:
            raise StoreError(
                "HF_HUB_OFFLINE is set, and the Hub's local cache has only a part of it: "
                "download it once with the network, or unset it",
                here=True,
            ) from error
        names = (p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
        revision = f"@{self.revision}" if self.revision else ""
        return sorted(f"hf://datasets/{self.repo}{revision}/{n}" for n in names if fits(n))


def _fits(name: str, pattern: str) -> bool:
    """Whether a path fits a pattern, star by star within its parts; ** stands for any folders."""
    return _fit_parts(name.split("/"), pattern.split("/"))


def _fit_parts(names: list[str], patterns: list[str]) -> bool:
    if not patterns:
        return not names
    if patterns[0] == "**":
        return any(_fit_parts(names[at:], patterns[1:]) for at in range(len(names) + 1))
    if not names or not fnmatch(names[0], patterns[0]):
        return False
    return _fit_parts(names[1:], patterns[1:])
