"""A process that judges mutants one after the other, and says so line by line; see `runner`.

``python -m fuzz.worker CONTAINER SEED FIRST STOP [SABOTAGE]``: a line of JSON for each step.
"""

from __future__ import annotations

import gc
import json
import random
import resource
import sys
import tempfile
import traceback
from pathlib import Path

from fuzz.damage import mutant
from fuzz.ours import REFUSED, Verdict, verdict
from fuzz.sabotage import SABOTAGES
from fuzz.truth import KNOWN_RULES, Truth, Unsound, truth

SHM = Path("/dev/shm")
FOLDER = str(SHM) if SHM.is_dir() else None  # a folder on a disk takes milliseconds to remove
MEMORY = 4 * 2**30  # bytes of address space, of which libraries take about one half


def write(folder: Path, files: dict[str, bytes], container: str) -> Path:
    """The files in a folder; what is to be scanned."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder if container == "save-to-disk" else folder / next(iter(files))


def compare(found: Verdict, path: Path, container: str) -> tuple[str, str]:
    """How our verdict stands to the slow reader's: its name, and the evidence."""
    if REFUSED in found:
        return _refused(path, container), ""
    try:
        expected = truth(path, container)
    except Unsound as error:
        return ("false pass" if not found else "differs"), f"ours {found}; slow reader: {error}"
    if any(not rows for rows in expected.values()):
        lost = expected.keys() - found.keys()
        return ("false pass", f"not found: {sorted(lost)}") if lost else ("equal", "")
    ours = {rule: rows for rule, rows in found.items() if rule in KNOWN_RULES or rule in expected}
    if ours == expected:
        return "equal", ""
    text = f"ours {ours}; slow reader {expected}"
    return ("false pass" if _less(ours, expected) else "differs"), text[:2000]


def _refused(path: Path, container: str) -> str:
    """Whether others can read what we refuse; asked of text alone, where nothing can crash."""
    if not container.startswith("json"):
        return "unreadable"
    try:
        truth(path, container)
    except Unsound:
        return "unreadable"
    return "stricter"


def _less(ours: Verdict, expected: Truth) -> bool:
    return any(set(rows) - set(ours.get(rule, [])) for rule, rows in expected.items())


def judge(container: str, seed: int, at: int) -> tuple[str, str, str]:
    """The way of damage of one mutant, its outcome, and the evidence."""
    way, files = mutant(container, seed, at)
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=FOLDER) as folder:
        path = write(Path(folder), files, container)
        _say(at=at, way=way, step="scan")
        try:
            found = verdict(path, container, random.Random(at))
        except Exception:  # noqa: BLE001 - whatever comes is what is looked for
            return way, "traceback", traceback.format_exc()[-3000:]
        _say(at=at, way=way, step=f"slow reader, where ours is {sorted(found)}")
        outcome, evidence = compare(found, path, container)
    return way, outcome, evidence


def _say(**told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> None:
    """Judge a range of mutants."""
    container, seed, first, stop = arguments[0], *map(int, arguments[1:4])
    for name in arguments[4:]:
        SABOTAGES[name]()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    gc.freeze()  # what libraries hold would be looked through again with every few mutants
    _say(step="ready")
    for at in range(first, stop):
        way, outcome, evidence = judge(container, seed, at)
        _say(at=at, way=way, outcome=outcome, evidence=evidence)


if __name__ == "__main__":
    main(sys.argv[1:])
