"""Which tests run a line, and how long they take; measured once, kept in a file.

``python -m mutation.tests_of`` measures: a coverage context for each test of `TESTS`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from mutation.mutants import CORE, ROOT, Mutant

TESTS = ("tests/unit", "tests/gate")
MAP = Path(__file__).parent / ".tests.json"
# They say what rules are, wherever a rule is defined: run for lines that run at import.
CATALOGUE = ("tests/unit/schemas/test_rules.py", "tests/unit/schemas/test_contracts.py")
PAGES = ("tests/docs/test_pages.py::test_the_pages_are_fresh",)
_CONTEXTS = "mutation.contexts"


@dataclass(frozen=True)
class Tests:
    """By module and line the tests that run it, and the seconds of each test."""

    lines: dict[str, dict[int, list[str]]]
    seconds: dict[str, float]

    def of(self, mutant: Mutant) -> list[str]:
        """Tests that may notice a mutant, first those that run most of the code around it."""
        lines = self.lines.get(mutant.module, {})
        found = {test for at in range(mutant.first, mutant.last + 1) for test in lines.get(at, ())}
        first, last = mutant.around
        near = Counter(test for at in range(first, last + 1) for test in lines.get(at, ()))
        if found:
            return self._mixed({test: near[test] for test in found})
        # It runs at import: whatever runs the class, or else the module, may notice.
        near = near or Counter(test for tests in lines.values() for test in tests)
        catalogue = [test for test in self.seconds if test.startswith(CATALOGUE)]
        return list(dict.fromkeys([*PAGES, *self._mixed(near), *catalogue]))

    def _mixed(self, tests: Mapping[str, int]) -> list[str]:
        """The most telling one of each test function first, quick ones before slow ones; then a
        second one of each, and so on.
        """
        by_function: dict[str, list[str]] = defaultdict(list)
        for test in sorted(tests, key=lambda test: (-tests[test], self.seconds[test], test)):
            by_function[test.partition("[")[0]].append(test)
        quick = sorted(by_function.values(), key=lambda ones: self.seconds[ones[0]])
        layers = zip_longest(*quick)
        return [test for layer in layers for test in layer if test is not None]


def load() -> Tests:
    """What was measured last."""
    plain = json.loads(MAP.read_text(encoding="utf-8"))
    lines = {
        module: {int(line): [plain["tests"][i] for i in tests] for line, tests in of.items()}
        for module, of in plain["lines"].items()
    }
    return Tests(lines, dict(zip(plain["tests"], plain["seconds"], strict=True)))


def forget(tests: Iterable[str]) -> None:
    """Leave some tests out of what was measured."""
    plain = json.loads(MAP.read_text(encoding="utf-8"))
    gone = {plain["tests"].index(test) for test in tests if test in plain["tests"]}
    for of in plain["lines"].values():
        for line, some in of.items():
            of[line] = [one for one in some if one not in gone]
    MAP.write_text(json.dumps(plain), encoding="utf-8")


def measure(arguments: list[str]) -> None:
    """Run the tests once under coverage, and keep what runs what."""
    with tempfile.TemporaryDirectory() as folder:
        data, log = Path(folder) / "coverage", Path(folder) / "log"
        config = Path(folder) / "rc"
        config.write_text("[run]\nsource_pkgs = pretok_schemas, pytest_pretok\ncore = ctrace\n")
        coverage = [sys.executable, "-m", "coverage", "run", f"--rcfile={config}"]
        pytest = ["-m", "pytest", "-p", _CONTEXTS, "-n", "0", "-vv", "--durations=0", *arguments]
        with log.open("w", encoding="utf-8") as out:
            command = [*coverage, f"--data-file={data}", *pytest, "-p", "no:cacheprovider"]
            subprocess.run(command, cwd=ROOT, check=False, stdout=out)
        write([data], log.read_text(encoding="utf-8"))


def write(data: Iterable[Path], log: str) -> None:
    """Keep the contexts of coverage files, and the durations in a log of pytest's."""
    import coverage

    seconds: dict[str, float] = defaultdict(float)
    for took, test in re.findall(r"^([\d.]+)s (?:setup|call|teardown) +(.+?)$", log, re.M):
        seconds[test] += float(took)
    passed = set(re.findall(r"^(tests/.+?) PASSED", log, re.M))
    tests = sorted(passed)
    number = {test: i for i, test in enumerate(tests)}
    lines: dict[str, dict[int, list[int]]] = {}
    for path in CORE:
        of: dict[int, set[int]] = defaultdict(set)
        for file in data:
            kept = coverage.CoverageData(str(file))
            kept.read()
            for line, contexts in kept.contexts_by_lineno(str(path)).items():
                of[line].update(number[test] for test in contexts if test in number)
        lines[str(path.relative_to(ROOT))] = {line: sorted(of[line]) for line in sorted(of)}
    plain = {
        "tests": tests,
        "seconds": [round(seconds.get(test, 0.0), 3) for test in tests],
        "lines": lines,
    }
    MAP.write_text(json.dumps(plain), encoding="utf-8")


def within(tests: Iterable[str], seconds: dict[str, float], limit: float) -> Iterator[str]:
    """The first tests that take no longer than a limit together."""
    for test in tests:
        limit -= seconds.get(test, 2.0) + 0.01
        if limit < 0:
            return
        yield test


if __name__ == "__main__":
    measure(sys.argv[1:] or list(TESTS))
