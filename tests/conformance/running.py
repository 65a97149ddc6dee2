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
from typing import Any

from tests.conformance.faults import CONTROL, FAULTS, Fault
from tests.conformance.observing import Run, declared, effect_of, evidence, observe
from tests.conformance.rows import Rows, clean

# Takes the fault, its paths and a fresh folder through the trainer, and fills the run.
Drive = Callable[[Fault, list[Path], Path, Run], None]


class Variants:
    """One trainer in several settings, each with the function that runs a dataset.

    ``packing`` says of every setting whether it packs, ``equal`` whether its clean rows have to
    be of one length.
    """

    def __init__(
        self,
        trainer: str,
        packages: Sequence[str],
        drives: Mapping[str, Drive],
        packing: Mapping[str, bool],
        equal: frozenset[str] = frozenset(),
    ) -> None:
        self.trainer = trainer
        self.packages = packages
        self.drives = drives
        self.packing = packing
        self.equal = equal
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
        return fault.packing is None or fault.packing == self.packing[variant]

    def observe(self, fault: Fault, variant: str, scratch: Path, traceback: bool) -> dict[str, Any]:
        """One fault in one setting."""
        rows = clean(equal=variant in self.equal)
        changed = fault.change(rows)
        run = self.run(fault, variant, changed, scratch, traceback)
        if fault.rule == CONTROL and fault.meant is not None:
            known = replace(declared(fault.meant(rows)), tokens=run.tokens)
        else:
            known = self.reference(fault, variant, rows, scratch)
        seen = observe(run, known)
        return {
            "fault": fault.name,
            "rule": fault.rule,
            "case": fault.case,
            "claimed": fault.claimed,
            "variant": variant,
            "effect": effect_of(seen).value,
            "evidence": evidence(seen),
            "seen": asdict(seen),
        }

    def reference(self, fault: Fault, variant: str, rows: Rows, scratch: Path) -> Run:
        """What the trainer does with the rows that were meant."""
        sound = fault.reference()
        if sound is None:
            return Run()
        meant = sound.change(rows)
        key = json.dumps([variant, meant, sound.sequence_len, sound.words])
        if key not in self._references:
            self._references[key] = self.run(sound, variant, meant, scratch, True)
        known = self._references[key]
        if known.error is not None:
            message = f"what {fault.name} means does not run: {known.error}"
            raise RuntimeError(message)
        return known

    def run(
        self, fault: Fault, variant: str, rows: Rows, scratch: Path, traceback: bool = False
    ) -> Run:
        """Writes the rows and takes them through the trainer."""
        run = Run(rows_given=len(rows))
        with tempfile.TemporaryDirectory(dir=scratch) as name:
            folder = Path(name)
            try:
                paths = fault.write(rows, folder / "in")
                if fault.earlier is not None:
                    self._run_earlier(fault, variant, rows, folder)
                with contextlib.redirect_stdout(sys.stderr):
                    self.drives[variant](fault, paths, folder, run)
            except Exception as error:  # noqa: BLE001  (whatever a trainer raises is what we look for)
                if traceback:
                    import traceback as printer

                    printer.print_exc()
                run.error = first_line(error, folder)
        return run

    def _run_earlier(self, fault: Fault, variant: str, rows: Rows, folder: Path) -> None:
        """Trains other rows at the same path, then puts the fault's own rows there."""
        assert fault.earlier is not None
        fault.write(fault.earlier(rows), folder / "in")
        before = replace(fault, earlier=None)
        paths = sorted((folder / "in").iterdir())
        with contextlib.redirect_stdout(sys.stderr):
            self.drives[variant](before, paths, folder, Run())
        fault.write(rows, folder / "in")


def first_line(error: BaseException, folder: Path) -> str:
    """Type and first line of an exception, without what differs from run to run."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    text = text.replace(str(folder), "FOLDER")
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", text)
