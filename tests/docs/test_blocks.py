"""What the documentation and the README show is so: their blocks are run, read and compared.

A page's blocks run in their order, in a copy of a folder of the repository (see `blocks`). A
command whose output is shown must print it; one without must end with 0.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pretok_schemas.rules import NAMES
from pretok_schemas.trainers import names
from pytest_pretok.declaration import read_declaration
from pytest_pretok.trainer_configs.read import read_config
from tests.docs.blocks import Block, blocks_of, contains, folder_of, matches

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("docs/**/*.md"))]
BLOCKS = {page: blocks_of(ROOT / page, page) for page in PAGES}
ELSEWHERE = {"docs/contracts.md"}  # one session from end to end: tests/unit/test_contracts_page.py
WITH_BLOCKS = [page for page in PAGES if BLOCKS[page] and page not in ELSEWHERE]

# Every command and text that is not run: whoever adds one says so there as well as on its page.
NOT_RUN = Path(__file__).with_name("not_run.txt")

CONFIG_KEYS = ("datasets", "test_datasets", "tokenized_path")


class Workplace:
    """Where a page's commands run: a copy of a folder, and the environment of this interpreter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = 0
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "PRETOK_"))}
        for name in ("CI", "GITHUB_ACTIONS", "BUILD_NUMBER", "PYTHONPATH"):
            kept.pop(name, None)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        # Plugins that this project's tests need, and the reader's environment may lack.
        quiet = "-p no:hypothesispytest -p no:anyio"
        self.environment = {
            **kept,
            "PATH": path,
            "COLUMNS": "80",
            "NO_COLOR": "1",
            "PYTEST_ADDOPTS": quiet,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, command: str) -> str:
        """What a command prints; its exit code is kept, and is ``$?`` to the next one."""
        done = subprocess.run(
            ["bash", "-c", f"(exit {self.code}); {command}"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.code = done.returncode
        return done.stdout


@pytest.fixture
def workplace(request: pytest.FixtureRequest, tmp_path: Path) -> Workplace:
    """A fresh copy of the folder that the page of this test names."""
    name = folder_of((ROOT / request.getfixturevalue("page")).read_text(encoding="utf-8"))
    folder = tmp_path / "here"
    if name == "nothing":
        folder.mkdir()
    else:
        ignore = shutil.ignore_patterns("__pycache__", ".pytest_cache")
        shutil.copytree(ROOT / name, folder, ignore=ignore)
    return Workplace(folder)


@pytest.mark.parametrize("page", WITH_BLOCKS)
def test_blocks(page: str, workplace: Workplace) -> None:
    """Every block of a page does, or is, what its language says."""
    for block in BLOCKS[page]:
        assert block.language in CHECKS, f"{block.where}: no test knows {block.language!r}"
        CHECKS[block.language](block, workplace)
        if block.file:
            path = workplace.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")


def test_what_is_not_run_is_known() -> None:
    """No block is left unrun by the way: a list names each, and its page gives the reason."""
    left = {f"{page}: {line}" for page in PAGES for one in BLOCKS[page] for line in unrun(one)}

    assert sorted(left) == sorted(NOT_RUN.read_text(encoding="utf-8").splitlines())


def unrun(block: Block) -> set[str]:
    """The commands of a block that are not run; the first line of any other one that is not."""
    if block.language == "console":
        return {command.text for command in block.commands if command.not_run}
    return {block.text.splitlines()[0]} if block.not_run else set()


# -- what is done with a block, by its language


def console(block: Block, workplace: Workplace) -> None:
    """Run the commands; compare what is shown."""
    assert block.commands, f"{block.where}: no line begins with '$ '"
    for command in block.commands:
        if command.not_run:
            continue
        printed = workplace.run(command.text)
        told = f"{block.where}: $ {command.text}\n{printed}"
        if command.shown:
            assert matches(command.shown, printed), told
        else:
            assert workplace.code == 0, told


def text(block: Block, workplace: Workplace) -> None:
    """Compare a piece of output with what the command prints that it comes from."""
    if block.not_run:
        return
    assert block.shown_by, f"{block.where}: which command prints this? See tests/docs/blocks.py"
    printed = workplace.run(block.shown_by)
    assert contains(tuple(block.text.splitlines()), printed), f"{block.where}\n{printed}"


def python(block: Block, workplace: Workplace) -> None:
    """Run a script where the commands run; a file is compiled, and left to the commands."""
    if block.file:
        compile(block.text, block.file, "exec")
        return
    script = workplace.folder / "block_of_the_page.py"
    script.write_text(block.text, encoding="utf-8")
    printed = workplace.run(f"{sys.executable} {script.name}")
    script.unlink()
    assert workplace.code == 0, f"{block.where}\n{printed}"


READ = """
import pathlib, sys
from pretok_schemas.rules import NAMES
from pretok_schemas.trainers import names
from pytest_pretok.declaration import read_declaration
assert read_declaration(pathlib.Path(sys.argv[1]).absolute(), NAMES, names()) is not None
"""


def toml(block: Block, workplace: Workplace) -> None:
    """Read a declaration as the plugin does."""
    if block.not_run:
        return
    document = tomllib.loads(block.text)
    file = (workplace.folder / (block.file or "x")).with_name("block_of_the_page.toml")
    file.parent.mkdir(exist_ok=True)
    file.write_text(block.text, encoding="utf-8")
    if "plugins = " in block.text or "schema = " in block.text:
        # It imports code, which no other test may meet.
        printed = workplace.run(f"{sys.executable} -c {shlex.quote(READ)} {file.name}")
        assert workplace.code == 0, f"{block.where}\n{printed}"
    else:
        declared = read_declaration(file, NAMES, names())
        assert (declared is not None) == ("pretok" in document.get("tool", {})), block.where
    file.unlink()


def read_json(block: Block, workplace: Workplace) -> None:
    """Parse JSON."""
    json.loads(block.text)


def read_yaml(block: Block, workplace: Workplace) -> None:
    """Parse YAML; a trainer's configuration is read as the plugin does, and has no fault."""
    values = yaml.safe_load(block.text)
    if not isinstance(values, dict) or values.keys().isdisjoint(CONFIG_KEYS):
        return
    file = workplace.folder / "block_of_the_page.yml"
    file.write_text(block.text, encoding="utf-8")
    assert read_config(file, block.where) is not None, block.where
    file.unlink()


CHECKS: dict[str, Callable[[Block, Workplace], None]] = {
    "console": console,
    "text": text,
    "python": python,
    "toml": toml,
    "json": read_json,
    "yaml": read_yaml,
}
