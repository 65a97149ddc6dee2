"""The table of peers: every program's answer is checked first, then all run in turn.

Knows the names of the peers' programs, and of ours beside them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from bench import Bench, Goal, Section, cells
from measuring import Costs, Failed, Program, in_turn, median, outputs, run, wall

INVARIANTS = ("length-mismatch", "label-not-input-id", "trailing-padding", "no-trainable-token")
BASE = "pyarrow read_table"
OURS = ("ours: scan, 1 worker", "ours: scan, 2 workers", "ours: whole pytest")
PEERS = {
    "numpy by hand, by row group": "by_hand",
    "Polars, eager": "polars_eager",
    "Polars, lazy and streaming": "polars_streaming",
    "DuckDB": "duckdb_sql",
    "pandera, pandas": "pandera_pandas",
    "pandera, pyarrow": "pandera_pyarrow",
    "pandera, Polars": "pandera_polars",
    "dataframely": "dataframely_schema",
    "pointblank, Polars": "pointblank_polars",
    "Great Expectations, numpy flags": "great_expectations_pandas",
}
SLOW = {
    "datasets, batched map": "datasets_map",
    "datasets, batched filter": "datasets_filter",
    "plain Python loop": "plain_python",
}
STARTS = 3  # rounds on the tiny file
SMALLER = 10  # the file of the slow ones has so many times fewer tokens
ABOUT = """\
Ours judges every default rule of the axolotl contract; a peer judges four invariants: lists of
equal lengths, a label is its id or -100, no padding at the end, and something to train. Whole
processes in turn, medians of the rounds; a ratio is that of two runs of one round. *work ×* is the
ratio of the medians once the start of each program, measured on a file of 200 rows, is taken off.
*answer* is what the program said of a file with five planted violations of each invariant."""


def programs(bench: Bench, path: Path, slow: bool) -> dict[str, Program]:
    """The base, and all that is compared with it on a file."""
    found = {BASE: bench.peer("read_table", path)}
    if not slow:
        found |= dict(
            zip(OURS, (bench.scan(path, 1), bench.scan(path, 2), bench.check(path)), strict=True)
        )
    names = SLOW if slow else PEERS
    return found | {name: bench.peer(file, path) for name, file in names.items()}


def peers(bench: Bench) -> Section:
    """All peers, checked and measured."""
    spoilt = bench.data("four", "--tokens", 500_000, "--storm", 5, "--rules", ",".join(INVARIANTS))
    planted = json.loads(Path(f"{spoilt}.flaws.json").read_text(encoding="utf-8"))
    answers = {name: answer(bench, name, spoilt, planted) for name in [*OURS, *PEERS, *SLOW]}
    files = {False: bench.parquet(), True: bench.parquet(bench.tokens // SMALLER)}
    table = [["", "tokens", "wall s", "cpu s", "peak MiB", "wall ×", "cpu ×", "peak ×"]]
    table[0] += ["work ×", "start s", "answer"]
    for slow, path in files.items():
        print(f"  in turn: {path.name}", flush=True)
        starts = in_turn(programs(bench, bench.tiny(), slow), min(bench.rounds, STARTS))
        costs = in_turn(programs(bench, path, slow), bench.rounds)
        tokens = bench.tokens // (SMALLER if slow else 1)
        for name in costs:
            line = [name, f"{tokens / 1e6:g} M", *cells(costs[name], costs[BASE])]
            table.append([*line, *work(costs, starts, name), answers.get(name, "-")])
    wrong = [name for name, said in answers.items() if said not in ("rows", "counts")]
    goals = [Goal("programs with a wrong answer", "0", ", ".join(wrong) or "0", not wrong)]
    return Section("Beside other tools", ABOUT, table, goals)


def work(costs: Costs, starts: Costs, name: str) -> list[str]:
    """The ratio of what is left of two medians without the start, and the start itself."""
    if not all((costs[name], starts[name], costs[BASE], starts[BASE])):
        return ["-", "-"]
    own, base = (median(costs[n], wall) - median(starts[n], wall) for n in (name, BASE))
    return [f"{own / base:.2f}" if min(own, base) > 0 else "-", f"{median(starts[name], wall):.2f}"]


def answer(bench: Bench, name: str, path: Path, planted: Mapping[str, list[int]]) -> str:
    """Whether a program finds what was planted; one that breaks off finds nothing."""
    try:
        return verdict(
            ours(bench, name, path) if name in OURS else theirs(bench, name, path), planted
        )
    except Failed as failure:
        return f"**wrong**: {failure}"


def verdict(said: Any, planted: Mapping[str, list[int]]) -> str:
    """Whether an answer names the planted rows, counts them, or is wrong, and where."""
    if said == planted:
        return "rows"
    if said == {rule: len(rows) for rule, rows in planted.items()}:
        return "counts"
    differing = [rule for rule in {**planted, **said} if said.get(rule) != planted.get(rule)]
    return f"**wrong**: {', '.join(differing)}"


def theirs(bench: Bench, name: str, path: Path) -> Any:
    """What a peer says."""
    return outputs(bench.peer({**PEERS, **SLOW}[name], path))


def ours(bench: Bench, name: str, path: Path) -> Any:
    """The rows that we name, by rule."""
    if name != OURS[2]:
        workers = 1 + OURS.index(name)
        return outputs(bench.scan(path, workers, "--rows"))["rows"]
    file = bench.folder / "violations.parquet"
    run(bench.check(path, f"--pretok-violations={file}", codes=[1]))
    rows: dict[str, list[int]] = {}
    for line in pq.read_table(file, columns=["rule", "row"]).to_pylist():
        rows.setdefault(line["rule"], []).append(line["row"])
    return rows
