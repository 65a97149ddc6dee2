"""What checking costs beside reading: ``python benchmarks/read_ratio.py [FILE.parquet]``.

Runs whole processes in turn - our scan with every default rule, `pyarrow.parquet.read_table` of
the same file, and pytest with the plugin - and prints time and peak memory as ratios of
read_table's. Without a file, 50 million tokens in 20 row groups are made first (a minute).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

READ = "import sys, pyarrow.parquet as pq; pq.read_table(sys.argv[1])"
SCAN = """
import sys
from pathlib import Path
from pretok_schemas import Judge, Vocabulary, load
from pytest_pretok.scan import Shard, scan_split
judge = Judge(load("axolotl").with_lengths(4096), Vocabulary(32000, 1, (2,), 0))
workers = int(sys.argv[2])
scan = scan_split("train", [Shard(sys.argv[1], sys.argv[1])], judge, workers)
failed = [f.rule for f in scan.findings.values() if f.outcome != "passed"]
sys.exit(f"not clean: {failed}" if failed else 0)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """One process: seconds on the clock, processor seconds, peak resident MiB."""

    wall: float
    cpu: float
    peak: float


def run(command: list[str]) -> Cost:
    """Run a process to its end and say what it cost."""
    began = os.times().elapsed
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    wall = os.times().elapsed - began
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def main() -> None:
    """Measure in turn and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        file = arguments.file or make(Path(scratch) / "data.parquet")
        python, path = sys.executable, str(file)
        pytest = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--pretok-data={path}"]
        commands = {
            "pyarrow.parquet.read_table": [python, "-c", READ, path],
            "scan, all processors": [python, "-c", SCAN, path, str(os.cpu_count())],
            "scan, one thread": [python, "-c", SCAN, path, "1"],
            "pytest --pretok-data": pytest,
        }
        costs: dict[str, list[Cost]] = {name: [] for name in commands}
        for round_number in range(arguments.rounds + 1):
            for name, command in commands.items():
                cost = run(command)
                if round_number:  # the first round only warms the file cache
                    costs[name].append(cost)
    report(costs)


def make(path: Path) -> Path:
    """Make the data that the figures in the documentation were measured on."""
    generator = Path(__file__).with_name("make_data.py")
    options = ["--tokens", "50_000_000", "--row-groups", "20", "--codec", "zstd"]
    subprocess.run([sys.executable, str(generator), str(path), *options], check=True)
    return path


def report(costs: dict[str, list[Cost]]) -> None:
    """Print medians, and ratios to the first command, pair by pair of one round."""
    base = next(iter(costs.values()))
    print(
        f"{'':28} {'wall s':>8} {'cpu s':>8} {'peak MiB':>9}"
        f" {'wall x':>7} {'cpu x':>7} {'peak x':>7}"
    )
    for name, runs in costs.items():
        cells = [
            statistics.median(getattr(c, part) for c in runs) for part in ("wall", "cpu", "peak")
        ]
        ratios = [
            statistics.median(
                getattr(c, part) / getattr(b, part) for c, b in zip(runs, base, strict=True)
            )
            for part in ("wall", "cpu", "peak")
        ]
        print(
            f"{name:28} {cells[0]:8.2f} {cells[1]:8.2f} {cells[2]:9.0f} "
            + " ".join(f"{ratio:7.2f}" for ratio in ratios)
        )


if __name__ == "__main__":
    main()
