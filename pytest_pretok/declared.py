"""What a declaration says, as a value, and whether a file may hold one.

Parses nothing (see `declaration`): a run without a declaration does not pay for reading one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pytest_pretok.settings import DatasetSettings, Defaults
from pytest_pretok.small_files import read_regular

DECLARATION = "pyproject.toml"
CONFIG_KEY = "trainer-config"
PLUGINS_KEY = "plugins"
_ESCAPE = re.compile(rb"\\[uUx]")


@dataclass(frozen=True, slots=True)
class Declaration:
    """One ``[tool.pretok]`` table: its file, the defaults, and the datasets in their order.

    ``configs`` are the values of ``trainer-config``, with the lines that they stand on;
    ``names_contract`` tells whether a contract stands at the top. A trainer's configuration itself
    is a declaration too.
    """

    file: Path
    folder: Path
    defaults: Defaults
    datasets: tuple[DatasetSettings, ...]
    configs: tuple[tuple[str, int], ...] = ()
    names_contract: bool = False


def has_declaration(file: Path) -> bool:
    """Whether a file may hold ``[tool.pretok]``: cheap, and never wrongly no."""
    try:
        content = read_regular(file)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return False
    except OSError:
        return True  # reading it will say why it cannot be read
    # Keys may be spelled with escapes ("pr\u0065tok"): only the parser knows.
    return (b"tool" in content and b"pretok" in content) or bool(_ESCAPE.search(content))
