"""The trainer configurations of one plan: each read once, and which declaration names it.

Reads through `config_plan`; knows no arguments and no pytest.
"""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_pretok.declared import CONFIG_KEY, Declaration
from pytest_pretok.faults import DeclarationError, Fault
from pytest_pretok.paths import is_file, matching
from pytest_pretok.text import node_path

if TYPE_CHECKING:
    from pytest_pretok.planning.config_plan import ConfigPlan


@dataclass(slots=True)
class Configs:
    """Configurations by their path; ``root`` and ``cwd`` are those of the run.

    ``opens_data`` is False where no data file may be opened.
    """

    root: Path
    cwd: Path
    opens_data: bool = True
    plans: dict[Path, ConfigPlan | None] = field(default_factory=dict)
    named_by: dict[Path, Declaration] = field(default_factory=dict)

    def read(self, file: Path, above: Declaration | None, named: bool = False) -> ConfigPlan | None:
        """What a configuration declares, None for other YAML.

        Its paths are meant from the folder of the declaration ``above`` that names it, else from
        the working directory; failing that, from its own folder.

        Raises:
            DeclarationError: the configuration is faulty.
        """
        from pytest_pretok.planning.config_plan import plan_config  # lazy: start cost

        if file not in self.plans:
            start = above.folder if above is not None and named else self.cwd
            defaults = above.defaults if above is not None else None
            bases = (start, file.parent)
            self.plans[file] = plan_config(file, bases, defaults, self.root, self.opens_data)
        return self.plans[file]

    def read_named(self, declaration: Declaration) -> None:
        """Read the configurations that a declaration names.

        Raises:
            DeclarationError: some are missing or faulty; all faults of all of them are named.
        """
        shown = node_path(declaration.file, self.root)
        faults: list[Fault] = []
        for text, line in declaration.configs:
            pattern = glob.has_magic(text)
            for file in _files(declaration.folder / text, pattern):
                why = None
                try:
                    if not is_file(file):
                        why = "no file matches" if pattern else "there is no such file"
                    elif self.read(file, declaration, named=True) is None:
                        why = "holds no key of a trainer's configuration, such as datasets"
                except DeclarationError as error:
                    faults += error.faults
                if why is not None:
                    faults.append(Fault(shown, line, f"{CONFIG_KEY} {text}", why))
                self.named_by[file] = declaration
        if faults:
            raise DeclarationError(faults)

    def of(self, declaration: Declaration) -> list[ConfigPlan]:
        """The configurations that a declaration names."""
        files = (file for file, by in self.named_by.items() if by is declaration)
        return [plan for file in files if (plan := self.plans.get(file)) is not None]

    @property
    def notes(self) -> list[str]:
        """Remarks on all of them."""
        return [note for plan in self.plans.values() if plan for note in plan.notes]

    @property
    def unchecked(self) -> list[str]:
        """What stands in them but is not checked, each with the file and the reason."""
        return [
            f"{node_path(file, self.root)}: not checked: {one}"
            for file, plan in self.plans.items()
            if plan is not None
            for one in plan.unchecked
        ]


def _files(path: Path, pattern: bool) -> list[Path]:
    matches = matching(str(path)) if pattern else []
    return [Path(os.path.normpath(match)) for match in matches or [str(path)]]
