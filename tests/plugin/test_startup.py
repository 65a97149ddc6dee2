"""What the plugin costs runs that have nothing to do with it."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest

from tests.plugin.conftest import Run
from tests.plugin.data import clean_rows, write

HEAVY = (
    *("numpy", "pyarrow", "pandas", "pandera", "datasets", "pydantic", "click", "tqdm", "yaml"),
    *("tokenizers", "transformers", "sentencepiece"),
    *("fsspec", "s3fs", "gcsfs", "adlfs", "aiohttp", "huggingface_hub"),
    *("pretok_schemas", "pytest_pretok.plan", "pytest_pretok.session", "pytest_pretok.nodes"),
)
LOADED = f"""
import sys

def pytest_unconfigure(config):
    loaded = [name for name in {HEAVY!r} if name in sys.modules]
    print("LOADED", loaded, file=sys.stderr)
"""

FROZEN = """
import gc

def pytest_sessionfinish():
    print("FROZEN", gc.get_freeze_count() > 0, gc.isenabled())
"""


def loaded(run: Run, here: Path, *arguments: str) -> str:
    """Which heavy modules a run in a fresh interpreter had loaded at its end."""
    (here / "conftest.py").write_text(LOADED, encoding="utf-8")
    # Other plugins of this environment may load heavy modules on their own account.
    words = ["-p", "no:anyio", "-p", "no:typeguard"]
    ran = run(*arguments, *words, subprocess=True)
    return next(line for line in ran.text.splitlines() if line.startswith("LOADED"))


@pytest.mark.parametrize(
    "arguments",
    [[], ["test_own.py"], ["test_own.py::test_own"], ["."], ["--pretok-examples=2"]],
    ids=["bare", "file", "id", "dot", "option"],
)
def test_unrelated_runs_load_nothing(run: Run, here: Path, arguments: list[str]) -> None:
    """A run without data imports the plugin's entry module, and nothing heavy."""
    (here / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    (here / "pyproject.toml").write_text('[project]\nname = "x"\n', encoding="utf-8")

    assert loaded(run, here, *arguments) == "LOADED []"


def test_a_collector_that_is_off_stays_off(run: Run, here: Path) -> None:
    """Who runs pytest without collections of garbage finds it so afterwards."""
    write(here / "a.parquet", clean_rows())
    gc.disable()
    try:
        assert run("--pretok-data=.").code == 0
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_repository_with_data_loads_nothing_either(run: Run, here: Path) -> None:
    """A declaration and data that the run does not ask for are not looked at."""
    (here / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    text = '[tool.pretok.datasets.sft]\npath = "a.parquet"\n'
    (here / "pyproject.toml").write_text(text, encoding="utf-8")
    write(here / "a.parquet", clean_rows())

    assert loaded(run, here) == "LOADED []"


def test_checks_load_only_what_they_need(run: Run, here: Path) -> None:
    """Checking Parquet by a built-in contract needs numpy and pyarrow, and no other library."""
    write(here / "a.parquet", clean_rows())
    (here / "pyproject.toml").write_text('[project]\nname = "x"\n', encoding="utf-8")
    found = loaded(run, here, "--pretok-data=a.parquet")

    ours = [name for name in HEAVY if name.startswith(("pretok", "pytest_pretok"))]
    assert found == f"LOADED {['numpy', 'pyarrow', *ours]}"


@pytest.mark.parametrize(
    ("arguments", "frozen"),
    [(["--pretok-data=a.parquet"], True), (["test_own.py", "--pretok-data=a.parquet"], False)],
    ids=["data", "both"],
)
def test_what_stays_is_not_collected(
    run: Run, here: Path, arguments: list[str], frozen: bool
) -> None:
    """Where data alone is checked, collections of garbage pass over what was loaded before, until
    the run is over; beside tests, which may look for objects, all of them are seen.
    """
    (here / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    (here / "conftest.py").write_text(FROZEN, encoding="utf-8")
    write(here / "a.parquet", clean_rows())

    ran = run(*arguments, "-s")

    assert f"FROZEN {frozen} True" in ran.text
    assert (gc.get_freeze_count(), gc.isenabled()) == (0, True)


def test_collections_go_on_after_a_refusal(run: Run) -> None:
    """A run that ends before it begins leaves nothing switched off."""
    assert run("--pretok-data=none").code == 4
    assert (gc.get_freeze_count(), gc.isenabled()) == (0, True)


def test_the_package_itself_is_light() -> None:
    """Importing pytest_pretok gives its public names without loading what is behind them."""
    import subprocess

    code = f"import sys, pytest_pretok; print([n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
