"""The worked examples of CONTRIBUTING.md, put into a copy of the package as they stand there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN = """
import json
import pyarrow as pa
from pretok_schemas import Judge, Vocabulary, load
from pretok_schemas.rules import NAMES, rule_named
from pretok_schemas.rules.base import ShardFacts

def findings(contract, **columns):
    kind = pa.list_(pa.int64())
    table = pa.record_batch({name: pa.array(v, kind) for name, v in columns.items()})
    judge = Judge(contract, Vocabulary(), examples=9)
    state = judge.look(judge.columns.batch(table))
    found = judge.conclude(state, [ShardFacts("x", table.num_rows, tuple(columns))])
    return {rule: [e.row for e in one.examples] for rule, one in found.items() if one.violations}

ids = [[1, 5, 6, 2], [1, 5, 7, 2], [1, 5, 8, 2]]
labels = [[-100, -100, -100, 2], [-100, -100, 7, 2], [-100, 9, -100, -100]]
longer = load("minimal").with_lengths(3)
print(json.dumps({
    "names": NAMES,
    "axolotl": findings(
        load("axolotl"), input_ids=ids, attention_mask=[[1] * 4] * 3, labels=labels
    ),
    "minimal": findings(longer, tokens=ids, labels=labels),
    "effect": load("axolotl").consequence("one-trainable-token").effect,
    "own": load("minimal").consequence("too-long").effect,
    "usual": load("minimal").consequence("label-not-input-id").effect,
    "without": load("minimal").applies("double-bos"),
    "documented": rule_named("one-trainable-token").__doc__.splitlines()[0],
}))
"""


def test_a_rule_and_a_trainer_are_one_file_each(tmp_path: Path) -> None:
    """Nothing else of the package is touched, and both are there and at work."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shutil.copytree(ROOT / "schemas/pretok_schemas", tmp_path / "schemas/pretok_schemas")
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", text, re.DOTALL)
    for path, code in blocks:
        assert not (tmp_path / path).exists()
        (tmp_path / path).write_text(code, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-c", RUN],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "schemas")},
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(blocks) == 2
    names = told["names"]
    assert names.index("one-trainable-token") > names.index("labels-shifted")
    assert told["axolotl"] == {"label-not-input-id": [2], "one-trainable-token": [0, 2]}
    assert told["minimal"] == {
        "label-not-input-id": [2],
        "one-trainable-token": [0, 2],
        "too-long": [0, 1, 2],
    }
    assert (told["effect"], told["own"], told["usual"]) == ("wasted", "crash", "silent")
    assert told["without"] is False
    assert told["documented"] == "A row trains a single token."
