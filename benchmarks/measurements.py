"""The single benchmarks: each measures programs in turn and sets ratios beside their goals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
from bench import HERE, Bench, Goal, Section, at_most, costs_table, milliseconds
from measuring import Part, Program, cpu, in_turn, inside, median, outputs, peak, ratio, wall

READ_JSON = "import sys, pyarrow.json as j; j.read_json(sys.argv[1])"
STREAM_BYTES = 500_000_000  # how large `datasets` lets one file of a saved folder become
BYTES_OF_TOKEN = 13  # int32, int8 and int64
REFERENCE = 50_000_000  # tokens for which the numbers of shards and of violations are meant
SHARDS, ROWS_OF_SHARD = 1_000, 1_000
STORM = 2_000  # violations of each rule
FEW = 3  # rounds of what takes long
ONE, TWO = "scan, 1 worker", "scan, 2 workers"

# What a ratio, or a number of milliseconds, must not exceed.
GOALS = {
    "parquet wall": 0.9,
    "parquet cpu": 1.0,
    "parquet peak": 0.2,
    "parquet pytest": 1.3,
    "memory": 1.1,
    "arrow": 3,
    "jsonl wall": 0.5,
    "jsonl cpu": 0.6,
    "jsonl peak": 0.6,
    "workers wall": 0.59,
    "workers cpu": 1.15,
    "startup": 1.6,
    "startup idle ms": 5,
    "shards ms": 1,
    "storm wall": 1.5,
    "storm peak": 1.5,
    "storm text": 3_000,
    "engines": 1.5,
}


def parquet(bench: Bench) -> Section:
    """Our scan and the whole of pytest against reading the same columns."""
    table: list[list[str]] = []
    goals = []
    parts: tuple[Part, ...] = (wall, cpu, peak)
    for codec in ("zstd", "snappy"):
        path = bench.parquet(codec=codec)
        base, one, two = f"{codec}: read_table", f"{codec}: {ONE}", f"{codec}: {TWO}"
        whole = f"{codec}: whole pytest"
        programs = {
            base: bench.peer("read_table", path),
            one: bench.scan(path, 1),
            two: bench.scan(path, 2),
            whole: bench.check(path),
        }
        costs = in_turn(programs, bench.rounds)
        table += costs_table(costs, base)[bool(table) :]
        for part in parts:
            limit = GOALS[f"parquet {part.__name__}"]
            goals.append(at_most(limit, costs, two, base, part))
        goals.append(at_most(GOALS["parquet pytest"], costs, whole, base, wall))
    about = f"{bench.millions()} tokens in 20 row groups, three columns of lists."
    return Section("Parquet", about, table, goals)


def memory(bench: Bench) -> Section:
    """Whether peak memory depends on the size of the file."""
    small, large = bench.parquet(), bench.parquet(bench.tokens * 10)
    programs = {
        f"{name}{size}": bench.scan(path, workers)
        for size, path in (("", small), (", 10 times the rows", large))
        for workers, name in ((1, ONE), (2, TWO))
    }
    costs = in_turn(programs, min(bench.rounds, FEW))
    goals = [
        at_most(GOALS["memory"], costs, f"{name}, 10 times the rows", name, peak)
        for name in (ONE, TWO)
    ]
    about = f"Our scan of {bench.millions()} tokens and of ten times as many, row groups alike."
    return Section("Memory", about, costs_table(costs, ONE), goals)


def arrow(bench: Bench) -> Section:
    """A save_to_disk folder against one pass over its bytes."""
    shards = 1 + bench.tokens * BYTES_OF_TOKEN // STREAM_BYTES
    path = bench.data("saved", "--format", "saved", "--tokens", bench.tokens, "--shards", shards)
    base = "numpy.bitwise_xor.reduce"
    programs = {
        base: Program([sys.executable, HERE / "xor.py", path]),
        ONE: bench.scan(path, 1),
        TWO: bench.scan(path, 2),
    }
    costs = in_turn(programs, bench.rounds)
    table = costs_table(costs, base)
    table[0] += ["inside s", "inside ×", "inside, best ×"]
    best = {name: min(map(inside, runs)) for name, runs in costs.items()}
    for line in table[1:]:
        seen = ratio(costs[line[0]], costs[base], inside)
        times = median(costs[line[0]], inside)
        line += [f"{times:.2f}", f"{seen:.2f}", f"{best[line[0]] / best[base]:.2f}"]
    goals = [at_most(GOALS["arrow"], costs, name, base, inside) for name in (ONE, TWO)]
    about = (
        f"{bench.millions()} tokens as `datasets` saves them, {shards} file(s), mapped into memory"
        " and in the file cache. *inside* leaves out the start of Python and the imports."
    )
    return Section("Arrow, memory-mapped", about, table, goals)


def jsonl(bench: Bench) -> Section:
    """JSON Lines against pyarrow's own reader."""
    path = bench.data("lines", "--format", "jsonl", "--tokens", bench.tokens)
    base = "pyarrow.json.read_json"
    programs = {
        base: Program([sys.executable, "-c", READ_JSON, path]),
        ONE: bench.scan(path, 1),
        TWO: bench.scan(path, 2),
    }
    costs = in_turn(programs, bench.rounds)
    goals = [
        at_most(GOALS["jsonl wall"], costs, TWO, base, wall),
        at_most(GOALS["jsonl cpu"], costs, ONE, base, cpu),
        at_most(GOALS["jsonl peak"], costs, TWO, base, peak),
    ]
    about = f"{bench.millions()} tokens, uncompressed; `read_json` uses all processors."
    return Section("JSON Lines", about, costs_table(costs, base), goals)


def workers(bench: Bench) -> Section:
    """Two workers against one."""
    path = bench.parquet()
    costs = in_turn({ONE: bench.scan(path, 1), TWO: bench.scan(path, 2)}, bench.rounds)
    goals = [
        at_most(GOALS["workers wall"], costs, TWO, ONE, inside),
        at_most(GOALS["workers cpu"], costs, TWO, ONE, cpu),
    ]
    about = f"Our scan of {bench.millions()} tokens of Parquet."
    return Section("Workers", about, costs_table(costs, ONE), goals)


def startup(bench: Bench) -> Section:
    """What a check of next to nothing costs beside a test of nothing."""
    empty = bench.folder / "empty"
    empty.mkdir(exist_ok=True)
    (empty / "test_nothing.py").write_text("def test_nothing(): pass\n", encoding="utf-8")
    base, idle = "pytest, one empty test", "the same, our plugin idle"
    whole, declared = "pytest --pretok-data, 200 rows", "the same, with a declaration"
    programs = {
        base: bench.pytest(empty, plugin=False),
        idle: bench.pytest(empty),
        whole: bench.pytest(empty, f"--pretok-data={bench.tiny()}"),
        declared: bench.check(bench.tiny()),
    }
    costs = in_turn(programs, 2 * bench.rounds)
    adds = 1000 * (median(costs[idle], wall) - median(costs[base], wall))
    goals = [
        at_most(GOALS["startup"], costs, whole, base, wall),
        at_most(GOALS["startup"], costs, declared, base, wall),
        milliseconds("what the idle plugin adds", GOALS["startup idle ms"], adds),
    ]
    about = "Whole processes, without pytest's cache and without other plugins."
    return Section("Start-up", about, costs_table(costs, base), goals)


def shards(bench: Bench) -> Section:
    """Many small files against one of the same rows."""
    count = max(2, SHARDS * bench.tokens // REFERENCE)
    many = bench.data("shards", "--shards", count, "--rows", ROWS_OF_SHARD * count, "--median", 40)
    one = bench.folder / f"{many.name}.parquet"
    if not one.exists():
        pq.write_table(pq.read_table(many), one, compression="zstd", row_group_size=50_000)
    files = ("1 file", f"{count:,} files")
    names = [f"{what}, {number}" for what in ("scan", "whole pytest") for number in files]
    scans = bench.scan(one, 2), bench.scan(many, 2)
    checks = bench.check(one), bench.check(f"{many}/*.parquet")
    programs = dict(zip(names, (*scans, *checks), strict=True))
    costs = in_turn(programs, min(bench.rounds, FEW))
    goals = []
    for single, several in (names[:2], names[2:]):
        over = 1000 * (median(costs[several], wall) - median(costs[single], wall)) / count
        goals.append(milliseconds(f"{several}: overhead of each", GOALS["shards ms"], over))
    about = f"{count:,} Parquet files of 1,000 rows (median 40 tokens) and one file of these rows."
    return Section("Shards", about, costs_table(costs, names[0]), goals)


def storm(bench: Bench) -> Section:
    """Data in which most rows are wrong, against clean ones."""
    each = max(1, STORM * bench.tokens // REFERENCE)
    bad = bench.data("storm", "--storm", each, "--tokens", bench.tokens)
    planted = json.loads(Path(f"{bad}.flaws.json").read_text(encoding="utf-8"))
    tokens = pq.read_table(bad, columns=["input_ids"])["input_ids"].combine_chunks()
    good = bench.parquet(len(tokens.flatten()))  # spoilt rows may be longer than they were
    said = outputs(bench.scan(bad, 2, "--texts"))
    exact = said["found"] == {rule: len(rows) for rule, rows in planted.items()}
    one, two = "scan, clean", "scan, storm"
    whole, wholes = "whole pytest, clean", "whole pytest, storm"
    programs = {
        one: bench.scan(good, 2),
        two: bench.scan(bad, 2),
        whole: bench.check(good),
        wholes: bench.check(bad, codes=[1]),
    }
    costs = in_turn(programs, bench.rounds)
    longest, most = said["longest"], GOALS["storm text"]
    goals = [
        at_most(GOALS["storm wall"], costs, two, one, wall),
        at_most(GOALS["storm wall"], costs, wholes, whole, wall),
        at_most(GOALS["storm peak"], costs, two, one, peak),
        Goal("longest text of a finding", f"≤ {most:,}", f"{longest:,}", longest <= most),
        Goal("counts are those planted", "all", "all" if exact else "not all", exact),
    ]
    about = (
        f"{each:,} rows spoilt for each of {len(planted)} rules at once, {each * len(planted):,} of"
        f" {len(tokens):,} rows, against a clean file of as many tokens."
    )
    return Section("Storm of violations", about, costs_table(costs, one), goals)


def engines(bench: Bench) -> Section:
    """Ray and Dask on this machine against threads, once they have begun."""
    path, tiny = bench.parquet(), bench.tiny()
    programs = {
        name: bench.scan(path, 2, "--engine", name, "--warm", tiny)
        for name in ("local", "ray", "dask")
    }
    costs = in_turn(programs, min(bench.rounds, FEW))
    table = costs_table(costs, "local")
    table[0].append("inside s")
    for line in table[1:]:
        runs = costs[line[0]]
        line.append(f"{median(runs, inside):.2f}" if runs else "-")
    goals = [at_most(GOALS["engines"], costs, name, "local", inside) for name in ("ray", "dask")]
    about = (
        "Two workers each; *inside* begins when the engine has scanned 200 rows. The peak is that"
        " of the largest process, so that of one worker at most."
    )
    return Section("Engines", about, table, goals)


ALL = {
    function.__name__: function
    for function in (parquet, memory, arrow, jsonl, workers, startup, shards, storm, engines)
}
