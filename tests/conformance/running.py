"""The loop that all trainers share: every fault, each beside what was meant, to one JSON file.

A fault's crash is its observation; it must not reach the next fault.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from traceback import print_exc
from typing import Any

from tests.conformance.faults import CONTROL, FAULTS, Fault
from tests.conformance.observing import LONGEST_LINE, Run, declared, effect_of, evidence, observe
from tests.conformance.rows import LABELS, Change, Rows, clean, unchanged

# Takes the fault, its paths and a fresh folder through the trainer, and fills the run.
Drive = Callable[[Fault, list[Path], Path, Run], None]


class Variants:
    """One trainer in several settings, each with the function that runs a dataset.

    ``packing`` says of every setting whether it packs; ``without_labels`` are those that make
    labels themselves: their files have none.
    """

    def __init__(
        self,
        trainer: str,
        packages: Sequence[str],
        drives: Mapping[str, Drive],
        packing: Mapping[str, bool],
        without_labels: frozenset[str] = frozenset(),
    ) -> None:
        self.trainer = trainer
        self.packages = packages
        self.drives = drives
        self.packing = packing
        self.without_labels = without_labels
        self._references: dict[str, Run] = {}

    def main(self, arguments: Sequence[str] | None = None) -> None:
        """Runs what the command line names and writes the observations."""
        parser = argparse.ArgumentParser()
        parser.add_argument("out", type=Path)
        parser.add_argument("--fault", action="append", help="the name of a fault; all by default")
        parser.add_argument("--variant", action="append")
        parser.add_argument("--traceback", action="store_true")
        options = parser.parse_args(arguments)
        warnings.simplefilter("ignore")
        observations = []
        with tempfile.TemporaryDirectory(prefix="conformance") as scratch:
            for variant in options.variant or self.drives:
                for fault in FAULTS:
                    if options.fault and fault.name not in options.fault:
                        continue
                    if self.runs(fault, variant):
                        seen = self.observe(fault, variant, Path(scratch), options.traceback)
                        words = (variant, fault.name, seen["effect"], seen["evidence"])
                        sys.stdout.write(" | ".join(words) + "\n")
                        observations.append(seen)
        report = {
            "trainer": self.trainer,
            "version": version(self.packages[0]),
            "packages": {name: version(name) for name in self.packages},
            "observations": observations,
        }
        options.out.write_text(json.dumps(report, indent=1) + "\n")

    def runs(self, fault: Fault, variant: str) -> bool:
        """Whether a fault says anything about this trainer in this setting."""
        if fault.trainers is not None and self.trainer not in fault.trainers:
            return False
        if fault.settings is not None and variant not in fault.settings:
            return False
        if fault.packing is not None and fault.packing != self.packing[variant]:
            return False
        return variant not in self.without_labels or not self._only_labels(fault, variant)

    def rows(self, fault: Fault, change: Change, variant: str) -> Rows:
        """The rows of a file in this setting."""
        rows = change(clean())
        if variant in self.without_labels and not fault.keep_labels:
            rows = [{name: row[name] for name in row if name != LABELS} for row in rows]
        return rows

    def _only_labels(self, fault: Fault, variant: str) -> bool:
        """Whether a fault stands in the labels alone, which the files of this setting lack."""
        if fault.meant is None:
            return True
        changed = self.rows(fault, fault.change, variant)
        in_the_labels = fault.change(clean()) != fault.meant(clean())
        same = changed == self.rows(fault, unchanged, variant) or (
            in_the_labels and changed == self.rows(fault, fault.meant, variant)
        )
        elsewhere = (
            set(fault.types) - {LABELS}
            or fault.parts
            or fault.container != "parquet"
            or fault.earlier
            or fault.held_out
            or fault.keep_labels
            or fault.rule == CONTROL
        )
        return same and not elsewhere

    def observe(self, fault: Fault, variant: str, scratch: Path, traceback: bool) -> dict[str, Any]:
        """One fault in one setting."""
        run = self.run(fault, variant, scratch, traceback)
        if fault.meant is not None and (fault.rule == CONTROL or fault.keep_labels):
            meant = self.rows(fault, fault.meant, variant)
            known = replace(declared(meant), tokens=run.tokens)
        else:
            known = self.reference(fault, variant, scratch)
        seen = observe(run, known)
        return {
            "fault": fault.name,
            "rule": fault.rule,
            "case": fault.case,
            "claimed": fault.claimed,
            "variant": variant,
            "effect": effect_of(seen).value,
            "evidence": evidence(seen),
            "seen": {name: value for name, value in asdict(seen).items() if value},
        }

    def reference(self, fault: Fault, variant: str, scratch: Path) -> Run:
        """What the trainer does with the rows that were meant."""
        sound = fault.reference()
        if sound is None:
            return Run()
        meant = self.rows(sound, sound.change, variant)
        key = json.dumps([variant, meant, sound.sequence_len, sound.words])
        if key not in self._references:
            self._references[key] = self.run(sound, variant, scratch, True)
        known = self._references[key]
        if known.error is not None:
            message = f"what {fault.name} means does not run: {known.error}"
            raise RuntimeError(message)
        return known

    def run(self, fault: Fault, variant: str, scratch: Path, traceback: bool = False) -> Run:
        """Writes the rows of a fault and takes them through the trainer."""
        rows = self.rows(fault, fault.change, variant)
        run = Run(rows_given=len(rows))
        with tempfile.TemporaryDirectory(dir=scratch) as name:
            folder = Path(name)
            try:
                paths = fault.write(rows, folder / "in")
                if fault.earlier is not None:
                    self._run_earlier(fault, variant, rows, folder)
                with contextlib.redirect_stdout(sys.stderr):
                    self.drives[variant](fault, paths, folder, run)
            except Exception as error:  # noqa: BLE001  (whatever a trainer raises is looked for)
                if traceback:
                    print_exc()
                run.error = first_line(error, folder)
        return run

    def _run_earlier(self, fault: Fault, variant: str, rows: Rows, folder: Path) -> None:
        """Trains other rows at the same path, then puts the fault's own rows there."""
        assert fault.earlier is not None
        fault.write(self.rows(fault, fault.earlier, variant), folder / "in")
        before = replace(fault, earlier=None)
        paths = sorted((folder / "in").iterdir())
        with contextlib.redirect_stdout(sys.stderr):
            self.drives[variant](before, paths, folder, Run())
        fault.write(rows, folder / "in")


def first_line(error: BaseException, folder: Path) -> str:
    """Type and begin of the first line of an exception, without what differs from run to run."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    text = text.replace(str(folder), "FOLDER")
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", text)[:LONGEST_LINE]
