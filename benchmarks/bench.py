"""What the benchmarks run: data made once, our programs, the peers', and tables of what they cost.

Must know nothing of how processes are timed, nor of any one benchmark.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measuring import Cost, Costs, Part, Program, cpu, median, peak, ratio, wall

HERE = Path(__file__).resolve().parent
DECLARATION = """[tool.pretok]
vocab-size = 32000
bos-token-id = 1
eos-token-ids = [2]
pad-token-id = 0
sequence-len = 4096
min-sample-len = 16

[tool.pretok.datasets.bench]
path = "{path}"
"""
# Other plugins of the environment would be in both terms of a ratio, and pull it towards 1.
BARE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@dataclass(frozen=True, slots=True)
class Bench:
    """Where data and scratch files lie, how many tokens are asked for, how often all is run."""

    folder: Path
    tokens: int
    rounds: int

    def data(self, name: str, *options: str | int) -> Path:
        """A dataset of the generator, made unless it is there; its options are in its name."""
        words = [str(option).removeprefix("--") for option in options]
        path = self.folder / "-".join([name, *words]).replace(",", "+").replace("/", "_")
        done = path.with_name(f"{path.name}.made")
        if not done.exists():
            print(f"  makes {path.name}", flush=True)
            command = [sys.executable, str(HERE / "make_data.py"), str(path), *map(str, options)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            done.touch()
        return path

    def parquet(self, tokens: int | None = None, codec: str = "zstd") -> Path:
        """A clean Parquet file of 20 row groups, or more: they do not grow with the file."""
        tokens = tokens or self.tokens
        groups = 20 * max(1, round(tokens / self.tokens))
        options = ("--tokens", tokens, "--row-groups", groups, "--codec", codec)
        return self.data("clean", *options)

    def tiny(self) -> Path:
        """A Parquet file of 200 rows, to measure the start of a program."""
        return self.data("tiny", "--rows", 200, "--row-groups", 1)

    def scan(self, path: Path, workers: int = 1, *options: str | Path) -> Program:
        """Our scan alone."""
        words = [sys.executable, HERE / "scan.py", path, "--workers", str(workers), *options]
        return Program(words)

    def check(self, path: str | Path, *options: str, codes: Sequence[int] = (0,)) -> Program:
        """Our whole `pytest --pretok-data`, with the data declared as what it is."""
        name = "_".join(Path(path).parts[-2:]).replace("*", "all")
        folder = self.folder / "declared" / name
        if not folder.exists():
            folder.mkdir(parents=True)
            (folder / "pyproject.toml").write_text(DECLARATION.format(path=path), encoding="utf-8")
        return self.pytest(folder, "--pretok-data=.", *options, codes=codes)

    def pytest(
        self, folder: Path, *options: str, plugin: bool = True, codes: Sequence[int] = (0,)
    ) -> Program:
        """pytest, as bare as it goes, with our plugin or without."""
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        ours = ["-p", "pytest_pretok.plugin"] if plugin else []
        return Program([*words, *ours, *options], folder, BARE, tuple(codes))

    def millions(self) -> str:
        """The tokens asked for, in words."""
        return f"{self.tokens / 1e6:g} million"

    def peer(self, name: str, path: Path) -> Program:
        """A peer's program."""
        return Program([sys.executable, HERE / "peers" / f"{name}.py", path])


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that we want, what it was, and whether that is enough (None: no goal is set)."""

    what: str
    goal: str
    seen: str
    met: bool | None = None


def at_most(limit: float, costs: Costs, name: str, base: str, part: Part) -> Goal:
    """A goal that the ratio of two programs must not exceed."""
    what = f"{name} / {base}, {part.__name__}"
    if not costs[name] or not costs[base]:
        return Goal(what, f"≤ {limit:g}", "failed", False)
    seen = ratio(costs[name], costs[base], part)
    return Goal(what, f"≤ {limit:g}", f"{seen:.2f}", seen <= limit)


def milliseconds(what: str, limit: float, seen: float) -> Goal:
    """A goal that a time must not exceed."""
    return Goal(what, f"≤ {limit:g} ms", f"{seen:.1f} ms", seen <= limit)


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark's result: what was compared, a table, and the goals."""

    title: str
    about: str
    table: Sequence[Sequence[str]] = ()
    goals: Sequence[Goal] = ()

    def markdown(self) -> str:
        """The section as Markdown."""
        parts = [f"## {self.title}", self.about]
        if self.table:
            parts.append(grid(self.table))
        if self.goals:
            words = {True: "yes", False: "**no**", None: "-"}
            lines = [[g.what, g.goal, g.seen, words[g.met]] for g in self.goals]
            parts.append(grid([["ratio", "goal", "seen", "met"], *lines]))
        return "\n\n".join(parts)


def grid(lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first line is its head."""
    head, *rest = lines
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *rest])


def costs_table(costs: Costs, base: str) -> list[list[str]]:
    """Medians, and ratios to one of the programs, pair by pair of one round."""
    table = [["", "wall s", "cpu s", "peak MiB", "wall ×", "cpu ×", "peak ×"]]
    table += [[name, *cells(runs, costs[base])] for name, runs in costs.items()]
    return table


def cells(runs: Sequence[Cost], base: Sequence[Cost]) -> list[str]:
    """Three medians and three ratios."""
    if not runs or not base:
        return ["failed", *["-"] * 5]
    medians = [median(runs, part) for part in (wall, cpu, peak)]
    ratios = [ratio(runs, base, part) for part in (wall, cpu, peak)]
    return [
        f"{medians[0]:.2f}",
        f"{medians[1]:.2f}",
        f"{medians[2]:.0f}",
        *(f"{value:.2f}" for value in ratios),
    ]
