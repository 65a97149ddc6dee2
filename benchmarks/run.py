"""Every measurement, as ratios taken in one run: ``python benchmarks/run.py all``.

    python benchmarks/run.py parquet --tokens 5_000_000
    python benchmarks/run.py all --write docs/benchmarks.md

The peers need an environment of their own: ``pip install -r benchmarks/requirements.txt -e .``.
Data is made in a temporary folder, or kept in ``--folder`` and used again. Seconds tell of one
machine; the ratios are what is compared with the goals, and no test asserts one.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench import Bench, Section
from measurements import ALL
from peer_table import peers

BENCHMARKS = {"peers": peers, **ALL}
TOKENS, ROUNDS = 50_000_000, 5
LEAST = 1_000_000
PACKAGES = (
    *("pytest", "numpy", "pyarrow", "polars", "duckdb", "pandas", "pandera", "dataframely"),
    *("pointblank", "great-expectations", "datasets", "ray", "distributed"),
)
HEAD = """\
# Benchmarks

Made by `{command}`, in an environment
with `pip install -r benchmarks/requirements.txt -e ".[ray,dask]"`. What is compared ran in turn,
whole processes, in one run: ratios count, seconds are this machine's. No test asserts a time.

{machine}"""


def machine() -> str:
    """What the figures were taken on."""
    model = platform.machine()
    with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
        model = next((x.split(":")[1].strip() for x in lines if "model name" in x), model)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} processors ({model}), {memory:.0f} GiB of memory, {platform.system()}, "
        f"Python {platform.python_version()}, {', '.join(map(installed, PACKAGES))}. "
        f"Load before the run: {os.getloadavg()[0]:.1f}."
    )


def installed(package: str) -> str:
    """A package with its version."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def page(sections: Sequence[Section], about: str, args: argparse.Namespace) -> str:
    """The whole page."""
    words = [args.name]
    words += [f"--tokens {args.tokens}"] * (args.tokens != TOKENS)
    words += [f"--rounds {args.rounds}"] * (args.rounds != ROUNDS)
    command = f"python benchmarks/run.py {' '.join(words)} --write docs/benchmarks.md"
    head = HEAD.format(command=command, machine=about)
    return "\n\n".join([head, *(section.markdown() for section in sections)]) + "\n"


def main() -> None:
    """Run what is asked for and print, or write, what was seen."""
    parser = argparse.ArgumentParser(description="Measure ratios of whole processes.")
    parser.add_argument("name", choices=[*BENCHMARKS, "all"])
    parser.add_argument("--tokens", type=int, default=TOKENS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--folder", type=Path, help="where data is made, and kept")
    parser.add_argument("--write", type=Path, help="write the page to this file as well")
    args = parser.parse_args()
    if args.tokens < LEAST:
        parser.error(f"--tokens is at least {LEAST:,}: a tenth of it has to fill 20 row groups")
    names = list(BENCHMARKS) if args.name == "all" else [args.name]
    about, sections = machine(), []
    print(about)
    with tempfile.TemporaryDirectory() as scratch:
        folder = (args.folder or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            print(f"{name}:", flush=True)
            sections.append(BENCHMARKS[name](Bench(folder, args.tokens, args.rounds)))
            print(f"\n{sections[-1].markdown()}\n", flush=True)
            if args.write:  # after each: a run of an hour that breaks off is not lost
                args.write.write_text(page(sections, about, args), encoding="utf-8")


if __name__ == "__main__":
    main()
