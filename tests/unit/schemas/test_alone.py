"""`pretok_schemas` by itself: its public names, and an environment with numpy and pyarrow alone."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import pretok_schemas

ROOT = Path(__file__).parents[3]
NEEDED = ("numpy", "pyarrow")

ALONE = """
import importlib.metadata, importlib.util, sys
import pyarrow as pa
import pretok_schemas
from pretok_schemas import Contract, ContractViolation, hits_at, load, rule, validate

ids = [[1, 5, 6, 2], [1, 7, 8, 2]]
labels = [[-100, 5, 6, 2], [1, 9, 8, 2]]
data = {"input_ids": ids, "attention_mask": [[1] * 4] * 2, "labels": labels, "source": ["a", None]}


@rule
def begins_with_five(batch):
    view = batch.view("input_ids")
    return hits_at(view, view.starts[view["input_ids"][view.starts + 1] == 5])


schema = pa.schema([pa.field("source", pa.string(), nullable=False)])
known = {"vocab_size": 10, "eos_token_ids": 2}
report = validate(data, every=True, custom=[begins_with_five], schema=schema, **known)
broken = {finding.rule: report.rows(finding.rule).tolist() for finding in report.failed}
assert broken == {
    "label-not-input-id": [1],
    "begins-with-five": [0],
    "schema.source.nullable": [1],
}, broken
assert "label-not-input-id" in report._repr_html_()
contract = load("axolotl")
assert not contract.accepts(contract.to_arrow())
assert [one.rule for one in contract.accepts(pa.schema({"input_ids": pa.string()}))] == [
    "column-type", "missing-column", "missing-column"
]
assert Contract.from_json(contract.to_json()) == contract
assert not contract.diff(contract)
try:
    contract.to_pandera()
except ImportError as error:
    print(error)
try:
    report.raise_for_errors()
except ContractViolation as error:
    print(error)
for name in pretok_schemas.__all__:
    getattr(pretok_schemas, name)
there = {name for name in ("pytest", "pandera", "pydantic", "pandas", "click", "tqdm")
         if importlib.util.find_spec(name)}
assert not there, there
assert [one.name for one in importlib.metadata.distributions()] == ["pytest-pretok"]
assert pretok_schemas.__file__.startswith(sys.prefix), pretok_schemas.__file__
"""


@pytest.mark.parametrize("name", pretok_schemas.__all__)
def test_public_names(name: str) -> None:
    """What the package offers can be had from it."""
    assert getattr(pretok_schemas, name) is not None


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel, numpy and pyarrow, and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv/bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    for name in NEEDED:
        files = importlib.metadata.files(name) or ()
        # The libraries themselves and what they link to; not what says that they are installed.
        tops = {path.parts[0] for path in files} - {"..", "__pycache__"}
        for top in (top for top in tops if not top.endswith(".dist-info")):
            home = Path(str(importlib.metadata.distribution(name).locate_file(top)))
            (packages / top).symlink_to(home)
    return python


def test_numpy_and_pyarrow_are_enough(bare: Path, tmp_path: Path) -> None:
    """Where neither pytest nor Pandera is installed, tables are checked; Pandera is asked for."""
    done = subprocess.run(
        [bare, "-I", "-c", ALONE], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "pip install 'pandera[pyarrow]>=0.33'" in lines[0]
    assert any(line.startswith("label-not-input-id: 1 of 2 rows (50 %)") for line in lines)
