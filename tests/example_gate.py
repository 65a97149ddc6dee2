"""Hold the example to what it promises: ``python -m tests.example_gate example_project``.

The clean data passes; every dataset of ``broken/`` breaks exactly the rules, in exactly the rows,
that ``broken/expected.json`` lists (made by the script that planted the faults).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq


def pytest(*arguments: str) -> int:
    """The exit code of a pytest run on data alone."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.returncode


def findings(folder: Path) -> dict[str, dict[str, list[int] | None]]:
    """By dataset and rule, the violating rows (None for rules about files and splits)."""
    with tempfile.TemporaryDirectory() as scratch:
        report, violations = Path(scratch, "report.json"), Path(scratch, "violations.parquet")
        code = pytest(
            f"--pretok-data={folder}",
            f"--pretok-report={report}",
            f"--pretok-violations={violations}",
        )
        if code != 1:
            raise SystemExit(f"{folder}: exit code {code}, expected 1")
        datasets = json.loads(report.read_text(encoding="utf-8"))["datasets"]
        rows: dict[tuple[str, str], list[int]] = defaultdict(list)
        for violation in pq.read_table(violations).to_pylist():
            rows[violation["dataset"], violation["rule"]].append(violation["row"])
    found: dict[str, dict[str, list[int] | None]] = {}
    for dataset in datasets:
        name = dataset["name"]
        for finding in dataset["rules"] + [f for s in dataset["splits"] for f in s["rules"]]:
            if finding["outcome"] in ("failed", "warned"):
                own = rows[name, finding["rule"]] if finding["unit"] == "row" else None
                found.setdefault(name, {})[finding["rule"]] = own or None
    return found


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """What was planted and not found, or found and not planted."""
    texts = []
    for name in sorted({*expected, *found}):
        wanted, seen = expected.get(name, {}), found.get(name, {})
        for rule in sorted({*wanted, *seen}):
            if rule not in seen or rule not in wanted:
                texts.append(f"{name}: {rule} {'missed' if rule in wanted else 'not planted'}")
            elif wanted[rule] is not None and seen[rule] is not None and wanted[rule] != seen[rule]:
                texts.append(f"{name}: {rule} rows {seen[rule][:8]}, planted {wanted[rule][:8]}")
    return texts


def main(project: Path) -> int:
    """Check both parts; 0 if the example keeps its promise."""
    if pytest(f"--pretok-data={project / 'data'}"):
        raise SystemExit(f"{project / 'data'} is not clean")
    expected = json.loads((project / "broken" / "expected.json").read_text(encoding="utf-8"))
    texts = differences(expected, findings(project / "broken"))
    for text in texts:
        print(text)
    print(f"{len(expected)} broken datasets, {len(texts)} differences")
    return 1 if texts else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
