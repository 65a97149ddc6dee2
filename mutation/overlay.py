"""A copy of both packages made of links, in which one module at a time is another text."""

from __future__ import annotations

import os
from pathlib import Path

from mutation.mutants import ROOT, Mutant

PACKAGES = (ROOT / "pytest_pretok", ROOT / "schemas" / "pretok_schemas")


class Overlay:
    """A folder to put in front of the import path; subprocesses find it by ``PYTHONPATH``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._changes = 0
        for package in PACKAGES:
            for path in package.rglob("*"):
                if path.is_file():  # compiled ones, too
                    link = folder / package.name / path.relative_to(package)
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.symlink_to(path)

    def _place(self, module: str) -> Path:
        return self.folder / module.removeprefix("schemas/")

    def put(self, mutant: Mutant) -> None:
        """Put a mutant in the place of its module."""
        place = self._place(mutant.module)
        place.unlink()
        place.write_text(mutant.source, encoding="utf-8")
        self._changes += 1
        # Compiled files are known by size and time: no two mutants may have the same.
        os.utime(place, (self._changes, self._changes))

    def restore(self, mutant: Mutant) -> None:
        """Take it away again."""
        place = self._place(mutant.module)
        place.unlink()
        place.symlink_to(ROOT / mutant.module)
