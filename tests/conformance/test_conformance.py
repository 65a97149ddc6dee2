"""Observed effect against claimed effect, for every trainer, setting and fault.

Each trainer runs in a process of its own, once for all its faults: nothing here imports torch.
With PRETOK_REWRITE=1 the observations and their table are written anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conformance import table
from tests.conformance.faults import FAULTS

TIMEOUT = 3600  # seconds for all faults of one trainer; a minute or two is usual
ROOT = Path(__file__).parents[2]

_missing = [name for name in ("torch", *table.SETTINGS) if find_spec(name) is None]
if "torch" in _missing or len(_missing) == len(table.SETTINGS):
    pytest.skip(
        "the trainers are not installed; see tests/conformance/README.md", allow_module_level=True
    )

CASES = [
    pytest.param(trainer, variant, fault.name, id=f"{trainer}-{variant}-{fault.name}")
    for trainer, variants in table.SETTINGS.items()
    for variant in variants
    for fault in FAULTS
    if fault.trainers is None or trainer in fault.trainers
]


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Runs a trainer when it is first asked for."""
    done = {}

    def report(trainer):
        if trainer not in done:
            out = tmp_path_factory.mktemp(trainer) / "observed.json"
            made = subprocess.run(
                [sys.executable, "-m", f"tests.conformance.run_{trainer}", str(out)],
                cwd=ROOT,
                env=dict(os.environ),
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
            assert made.returncode == 0, made.stderr[-4000:]
            done[trainer] = json.loads(out.read_text())
        return done[trainer]

    yield report
    if table.REWRITE and done:
        table.write({**table.read(), **done})
        table.DOCUMENT.parent.mkdir(exist_ok=True)
        table.DOCUMENT.write_text(table.document(table.read()))


@pytest.mark.parametrize(("trainer", "variant", "fault"), CASES)
def test_observed_is_claimed(trainer, variant, fault, reports):
    """A claim is the worst that was seen of its rule and case; see `table.verdicts`."""
    if find_spec(trainer) is None:
        pytest.skip(f"{trainer} is not installed")
    observations = [one for one in reports(trainer)["observations"] if one["variant"] == variant]
    seen = next((one for one in observations if one["fault"] == fault), None)
    if seen is None:
        pytest.skip("says nothing in this setting")
    known = table.contract(trainer, variant)
    claimed = table.claim(known, seen)
    if claimed is None:
        pytest.skip("the contract claims nothing about this fault")
    verdict = table.verdicts(known, observations)[fault]
    assert verdict != "NO", (
        f"{trainer}, {variant}: {seen['rule']} is claimed to be {claimed.value}, but "
        f"{fault!r} was {seen['effect']} ({seen['evidence']})"
    )
