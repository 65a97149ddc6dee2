"""The Hub's local cache as a store: datasets that were downloaded, read with no network.

Asks huggingface_hub where its cache is; nothing is downloaded.
"""

from __future__ import annotations

import re
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
        _, path = self._located(url)
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
        _, path = self._located(url)
        try:
            with path.open("rb") as file:
                file.seek(start)
                data = file.read(stop - start)
        except OSError as error:
            raise StoreError(f"not readable in the Hub's local cache: {error.strerror}") from error
        if len(data) < stop - start:
            raise StoreError("the file in the Hub's local cache became shorter while it was read")
        return data

    def find(self, url: str) -> list[str]:
        """The files below a folder; see `Store`."""
        root, folder = self._located(url)
        files = (path for path in folder.rglob("*") if path.is_file())
        return sorted(self._url(url, path.relative_to(root).as_posix()) for path in files)

    def glob(self, url: str) -> list[str]:
        """The files that fit a pattern; see `Store`."""
        root, path = self._located(url)
        pattern = path.relative_to(root).as_posix()
        names = (p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
        return sorted(self._url(url, name) for name in names if _fits(name, pattern))

    def _located(self, url: str) -> tuple[Path, Path]:
        """The folder of a snapshot, and the path in it."""
        from huggingface_hub import snapshot_download

        found = _PARTS.fullmatch(url)
        if found is None:
            raise StoreError("a URL of the Hub is hf://datasets/ORG/NAME[@REVISION]/PATH")
        revision = unquote(found["revision"] or "main")
        try:
            root = snapshot_download(
                found["repo"], repo_type="dataset", revision=revision, local_files_only=True
            )
        except (OSError, ValueError) as error:
            raise StoreError(
                f"HF_HUB_OFFLINE is set, and the Hub's local cache has no snapshot of {revision}: "
                "download it once with the network, or unset it",
                here=True,
            ) from error
        inside = Path(root) / (found["path"] or "")
        if ".." in inside.parts:
            raise StoreError("the path leads out of the dataset")
        return Path(root), inside

    @staticmethod
    def _url(asked: str, name: str) -> str:
        found = _PARTS.fullmatch(asked)
        revision = f"@{found['revision']}" if found and found["revision"] else ""
        return f"hf://datasets/{found['repo'] if found else ''}{revision}/{name}"


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
