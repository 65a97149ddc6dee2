"""The list of commands: light, and helpful where a name is misspelled."""

from __future__ import annotations

import errno
import json
import runpy
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

import pytest_pretok
from pytest_pretok.cli import COMMANDS, main
from pytest_pretok.cli.common import as_failures
from pytest_pretok.json_schema import declaration_schema, file_schema
from pytest_pretok.report.schema import report_schema
from tests.cli.conftest import Pretok, environment
from tests.plugin.data import clean_rows, declare, write

HEAVY = ("numpy", "pyarrow", "pytest", "_pytest", "pydantic", "pretok_schemas", "yaml", "tqdm")
LOADED = f"""
import sys
from pytest_pretok.cli import main
try:
    main(sys.argv[1:], prog_name="pretok")
finally:
    print("LOADED", [name for name in {HEAVY!r} if name in sys.modules])
"""


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], [], ["chekc"], ["check", "--help"], ["config", "--help"]],
    ids=" ".join,
)
def test_help_is_light(words: list[str]) -> None:
    """Nothing that a command needs is loaded for help, or for a word that is no command."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_every_command_is_listed_and_there(pretok: Pretok) -> None:
    """The list has a line for each, and each has help of its own."""
    listed = pretok("--help").out.split("Commands:\n")[1]

    assert [line.split()[0] for line in listed.splitlines()] == list(COMMANDS)
    assert [pretok(name, "--help").code for name in COMMANDS] == [0] * len(COMMANDS)


@pytest.mark.parametrize(
    ("word", "told"),
    [("chekc", "did you mean 'check'?"), ("shcema", "did you mean 'schema'?"), ("x", "known: ")],
)
def test_a_misspelled_command(pretok: Pretok, word: str, told: str) -> None:
    """The nearest command is named."""
    done = pretok(word)

    assert done.code == 4
    assert told in done.err


@pytest.mark.parametrize(
    "words",
    [[], ["--nope"], ["explain"], ["explain", "no-rule"], ["schema", "x"], ["rules", "x"]]
    + [[name, "--nope"] for name in COMMANDS],
    ids=" ".join,
)
def test_usage_errors_end_alike(pretok: Pretok, words: list[str]) -> None:
    """2 is a faulty declaration; what was mistyped is 4, whichever command it was meant for."""
    assert pretok(*words).code == 4


@pytest.mark.parametrize("words", [["check", "a.jsonl"], ["init"], ["stats", "a.jsonl"], ["rules"]])
def test_a_working_directory_that_was_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """Whoever stands in one is told; no command has an end of its own for it."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    done = CliRunner().invoke(main, words)

    assert done.exit_code == 4, done.output
    assert done.stderr == "Error: the working directory is not there any more: change to another\n"


def test_an_interrupt_is_no_verdict() -> None:
    """Ctrl-C ends with 2, as in pytest; 1 would say that a rule is broken."""
    program = (
        "import sys; from pytest_pretok.cli import main; import pytest_pretok.cli.stats as s;"
        "import signal, os; s._facts = lambda *_: os.kill(os.getpid(), signal.SIGINT);"
        "main(['stats', sys.argv[1]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "example_project/data"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.strip() == "Interrupted."


def test_the_package_runs_as_a_module() -> None:
    """`python -m pytest_pretok` is the command."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest_pretok", "rules", "--nope"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 4
    assert done.stderr.startswith("Usage: pretok rules [OPTIONS]")


def test_a_process_that_loads_the_module_anew() -> None:
    """One that was spawned for work runs no command of its own."""
    file = Path(pytest_pretok.__file__).with_name("__main__.py")

    assert "main" in runpy.run_path(str(file), run_name="__mp_main__")


@pytest.mark.parametrize("error", [KeyError("x"), OSError(errno.EIO, "x"), RecursionError("x")])
def test_what_is_ours_to_mend(error: Exception) -> None:
    """An error that no user can do anything about keeps its traceback."""
    with pytest.raises(type(error)) as caught, as_failures():
        raise error

    assert caught.value is error


def test_an_installed_rule_that_cannot_be_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands that list rules say so, and end as at a faulty declaration."""
    info = tmp_path / "house_rules-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: house-rules\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pytest_pretok.rules]\nhouse = no_such_house\n")
    monkeypatch.syspath_prepend(tmp_path)
    done = CliRunner().invoke(main, ["rules"])

    assert done.exit_code == 2
    assert done.output.startswith("Error: importing no_such_house failed: ModuleNotFoundError")


@pytest.mark.parametrize("command", ["check", "config"])
def test_exit_codes_are_in_the_help(pretok: Pretok, command: str) -> None:
    """Each code stands on a line of its own."""
    lines = pretok(command, "--help").out.split("Exit codes:\n")[1].splitlines()

    assert [int(line.split()[0]) for line in lines] == {
        "check": [0, 1, 2, 3, 4, 5],
        "config": [0, 1, 2, 4],
    }[command]


def test_schemas(pretok: Pretok) -> None:
    """All schemas are printed as they are published, and are schemas."""
    schemas = {"declaration": declaration_schema(), "report": report_schema()}
    assert json.loads(pretok("schema").out) == schemas["declaration"]
    for name, made in {**schemas, "pyproject": file_schema()}.items():
        found = json.loads(pretok("schema", "--of", name).out)
        jsonschema.Draft7Validator.check_schema(found)
        assert found == made


def test_a_command_that_does_not_exist() -> None:
    """The nearest one is named."""
    done = CliRunner().invoke(main, ["chek"])

    assert done.exit_code == 4
    assert "there is no command 'chek'; did you mean 'check'?" in done.output


def test_an_option_where_a_command_should_stand() -> None:
    """Behind two dashes it is one all the same."""
    done = CliRunner().invoke(main, ["--", "--nope"])

    assert done.exit_code == 4
    assert "No such option '--nope'" in done.output


def test_a_declaration_of_a_store() -> None:
    """Declarations are local files."""
    done = CliRunner().invoke(main, ["config", "s3://bucket/pyproject.toml"])

    assert done.exit_code == 4
    assert "a declaration is a local file" in done.output


def test_many_files_of_a_split(tmp_path: Path) -> None:
    """Some are shown, and how many more there are."""
    rows = clean_rows(24)
    for number in range(6):
        write(tmp_path / f"d-{number:05}-of-00006.jsonl", rows[4 * number : 4 * number + 4])
    declare(tmp_path, '[tool.pretok.datasets.d]\npath = "d-*.jsonl"\n')

    config = CliRunner().invoke(main, ["config", str(tmp_path / "pyproject.toml")])
    stats = CliRunner().invoke(main, ["stats", str(tmp_path / "pyproject.toml")])

    assert "and 3 more files" in " ".join(config.output.split())
    assert "and 5 more" in stats.output
