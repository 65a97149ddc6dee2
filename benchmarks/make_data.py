"""Writes large pre-tokenised datasets of realistic shape; must know nothing of our two packages.

Lengths are lognormal (median about 400, 16 to 4,096), ids follow a Zipf law below 32,000, each row
is ``bos, header, prompt, header, answer, eos`` with the prompt masked (about 40 % of the tokens).
One row group is in memory at a time.

    python benchmarks/make_data.py big.parquet --tokens 50_000_000 --row-groups 20
    python benchmarks/make_data.py folder --format saved --shards 4
    python benchmarks/make_data.py shards --shards 1000 --rows 1_000_000 --median 40
    python benchmarks/make_data.py bad.parquet --tokens 5_000_000 --flaws
    python benchmarks/make_data.py worse.parquet --tokens 50_000_000 --storm 2000

With ``--flaws`` one row is spoilt for each rule of `flaws.FLAWS`, with ``--storm N`` N rows are,
spread over the data. ``OUT.flaws.json`` then says which: ``{rule: [row]}``, 0-based. Check such
data with vocab-size 32000, bos 1, eos 2, pad 0, min-sample-len 16 and sequence-len 4096.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from containers import CODECS, Write, finish_saved, open_writer, shard_paths
from flaws import (
    BOS,
    EOS,
    FIRST_FREE,
    FLAWS,
    HEADERS,
    IGNORE,
    LONGER,
    LONGEST,
    SHORTEST,
    VOCABULARY,
)

MEDIAN, SIGMA = 400, 0.8
SPOILT_ROOM = 24  # tokens at least of prompt and of answer in a row that is to be spoilt
SCHEMA = pa.schema(
    [
        ("input_ids", pa.list_(pa.int32())),
        ("attention_mask", pa.list_(pa.int8())),
        ("labels", pa.list_(pa.int64())),
    ]
)

Ints = npt.NDArray[np.int64]
Planted = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for: tokens or rows in all, how they are cut, and how many rows are spoilt.

    ``storm`` is the number of rows to spoil for each of ``rules``.
    """

    tokens: int
    rows: int | None
    groups: int
    shards: int
    median: int
    seed: int
    storm: int
    rules: tuple[str, ...]

    def flaws_of(self, group: int) -> list[str]:
        """The rules whose faults fall into a row group, in turn: all are spread evenly."""
        count = self.storm * len(self.rules)
        low, high = (-(-count * edge // self.groups) for edge in (group, group + 1))
        return [self.rules[i % len(self.rules)] for i in range(low, high)]


def zipf(seed: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """The cumulative distribution over ranks, and the id of each rank.

    Weights are 1 / (rank + 2.7), Mandelbrot's form for words. The ids are shuffled: a vocabulary
    sorted by frequency would compress better than real ones do.
    """
    ids = np.arange(EOS + 1, VOCABULARY, dtype=np.int32)
    weights = 1.0 / (np.arange(1, len(ids) + 1) + 2.7)
    np.random.default_rng([seed, 0]).shuffle(ids)
    return np.cumsum(weights) / weights.sum(), ids


def draw_lengths(rng: np.random.Generator, plan: Plan, group: int) -> Ints:
    """Row lengths of a group: so many rows, or so many that their sum just stays within a share."""
    share = plan.tokens // plan.groups
    count = int(share / (plan.median * math.exp(SIGMA**2 / 2)) * 1.5) + 1_000
    if plan.rows is not None:
        count = (group + 1) * plan.rows // plan.groups - group * plan.rows // plan.groups
    drawn = rng.lognormal(math.log(plan.median), SIGMA, count)
    lengths = np.clip(np.rint(drawn), SHORTEST, LONGEST).astype(np.int64)
    if plan.rows is None:
        lengths = lengths[: np.searchsorted(np.cumsum(lengths), share, side="right")]
    if not len(lengths):
        raise SystemExit("make_data: too few --tokens or --rows for so many --row-groups")
    return lengths


def make_group(plan: Plan, group: int, law: tuple[Any, Any]) -> pa.RecordBatch:
    """A row group, clean; depends on the plan and its number alone."""
    rng = np.random.default_rng([plan.seed, 1, group])
    lengths = draw_lengths(rng, plan, group)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    starts, total = offsets[:-1], int(offsets[-1])
    prompts = np.rint(rng.beta(4, 6, len(lengths)) * lengths).astype(np.int64)
    # bos and both headers belong to the prompt; at least one answer token and eos to the answer.
    prompts = np.clip(prompts, FIRST_FREE + len(HEADERS[1]), lengths - 2)

    cumulative, ranked = law
    # The last cumulative weight may round to less than the largest draw.
    ranks = np.searchsorted(cumulative, rng.random(total)).clip(max=len(ranked) - 1)
    ids = ranked[ranks]
    ids[starts], ids[offsets[1:] - 1] = BOS, EOS
    places = (starts + 1, starts + prompts - len(HEADERS[1]))
    for place, header in zip(places, HEADERS, strict=True):
        for step, token in enumerate(header):
            ids[place + step] = token
    position = np.arange(total) - np.repeat(starts, lengths)
    labels = np.where(position < np.repeat(prompts, lengths), IGNORE, ids).astype(np.int64)
    return to_batch(offsets, ids, np.ones(total, np.int8), labels)


def to_batch(offsets: Ints, *columns: npt.NDArray[Any]) -> pa.RecordBatch:
    """Flat columns of one length as lists that share their offsets."""
    cuts = pa.array(offsets, pa.int32())
    lists = [pa.ListArray.from_arrays(cuts, pa.array(values)) for values in columns]
    return pa.RecordBatch.from_arrays(lists, schema=SCHEMA)


def fit_rows(batch: pa.RecordBatch) -> Ints:
    """Rows in which every fault is beyond doubt, and only that one."""
    offsets = batch.column(0).offsets.to_numpy()
    labels = batch.column("labels").values.to_numpy()
    answers = np.add.reduceat(labels != IGNORE, offsets[:-1])
    lengths = np.diff(offsets)
    prompts = lengths - answers
    room = np.minimum(answers, prompts - FIRST_FREE - len(HEADERS[1]))
    return np.flatnonzero((room >= SPOILT_ROOM) & (lengths <= LONGEST - LONGER))


def spoil(batch: pa.RecordBatch, rules: Sequence[str]) -> tuple[pa.RecordBatch, Planted]:
    """The batch with one row spoilt for each named rule, and the rows that then break a rule.

    The other rows are the caller's own: nothing is copied but the spoilt rows and the joints.
    """
    fit = fit_rows(batch)
    if len(fit) < len(rules):
        raise SystemExit("make_data: a row group is too small for its flaws; ask for more --tokens")
    parts: list[pa.RecordBatch] = []
    planted: Planted = defaultdict(list)
    done = put_in = 0
    for i, rule in enumerate(rules):
        flaw, at = FLAWS[rule], int(fit[i * len(fit) // len(rules)])
        row = batch.slice(at, 1).to_pylist()[0]
        flaw.change(row)
        until = at + flaw.pair
        parts += [batch.slice(done, until - done), pa.RecordBatch.from_pylist([row], schema=SCHEMA)]
        for broken in (rule, *flaw.also):
            planted[broken].append(until + put_in)
        put_in += flaw.pair
        done = at + 1
    parts.append(batch.slice(done))
    return pa.Table.from_batches(parts).combine_chunks().to_batches()[0], planted


def make(out: Path, kind: str, codec: str, plan: Plan) -> tuple[int, int]:
    """Write the data, and OUT.flaws.json if rows are spoilt; rows and tokens written."""
    paths = shard_paths(out, kind, plan.shards)
    rows = tokens = 0
    planted: Planted = defaultdict(list)
    for batch, found, write in groups(paths, kind, codec, plan):
        write(batch)
        for rule, local in found.items():
            planted[rule] += [rows + at for at in local]
        rows, tokens = rows + batch.num_rows, tokens + len(batch.column(0).flatten())
    if kind == "saved":
        finish_saved(out, paths, SCHEMA)
    if plan.storm:
        text = json.dumps({rule: sorted(found) for rule, found in planted.items()}) + "\n"
        Path(f"{out}.flaws.json").write_text(text, encoding="utf-8")
    return rows, tokens


def groups(
    paths: Sequence[Path], kind: str, codec: str, plan: Plan
) -> Iterator[tuple[pa.RecordBatch, Planted, Write]]:
    """Every row group with the faults in it, and the function that appends it to its file."""
    law = zipf(plan.seed)
    edges = [shard * plan.groups // plan.shards for shard in range(plan.shards + 1)]
    for path, low, high in zip(paths, edges, edges[1:], strict=False):
        with open_writer(path, kind, codec, SCHEMA) as write:
            for group in range(low, high):
                batch = make_group(plan, group, law)
                planted: Planted = {}
                if rules := plan.flaws_of(group):
                    batch, planted = spoil(batch, rules)
                yield batch, planted, write


def arguments() -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(description="Write a large pre-tokenised dataset.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--tokens", type=int, default=50_000_000)
    parser.add_argument("--rows", type=int, help="rows in all, instead of --tokens")
    parser.add_argument("--median", type=int, default=MEDIAN, help="median length of the rows")
    parser.add_argument("--row-groups", type=int, help="in all; 20, or one a shard")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--format", choices=list(CODECS), default="parquet")
    parser.add_argument("--codec", choices=["zstd", "snappy", "none"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--flaws", action="store_true", help="spoil one row for each rule")
    parser.add_argument("--storm", type=int, default=0, help="spoil so many rows for each rule")
    parser.add_argument("--rules", help="the rules to spoil rows for, with commas; all of them")
    args = parser.parse_args()
    args.codec = args.codec or CODECS[args.format][0]
    if args.codec not in CODECS[args.format]:
        parser.error(f"--format {args.format} goes with --codec {' or '.join(CODECS[args.format])}")
    args.row_groups = args.row_groups or max(20, args.shards)
    if min(args.tokens, args.shards, args.median, args.rows or 1) < 1 or args.seed < 0:
        parser.error("--tokens, --rows, --shards and --median are at least 1, --seed at least 0")
    if args.row_groups < args.shards:
        parser.error("--row-groups is at least --shards")
    args.rules = tuple(args.rules.split(",")) if args.rules else tuple(FLAWS)
    if unknown := set(args.rules) - set(FLAWS):
        parser.error(f"--rules: no fault for {', '.join(sorted(unknown))}")
    return args


def main() -> None:
    """Read the command line, write, say what was written."""
    args = arguments()
    begun = time.perf_counter()
    plan = Plan(
        tokens=args.tokens,
        rows=args.rows,
        groups=args.row_groups,
        shards=args.shards,
        median=args.median,
        seed=args.seed,
        storm=args.storm or int(args.flaws),
        rules=args.rules,
    )
    rows, tokens = make(args.out, args.format, args.codec, plan)
    paths = shard_paths(args.out, args.format, args.shards)
    size = sum(path.stat().st_size for path in paths)
    print(
        f"{args.out}: {rows:,} rows, {tokens:,} tokens, {size / 1e6:,.1f} MB "
        f"({size / tokens:.2f} bytes a token), {time.perf_counter() - begun:.1f} s"
    )


if __name__ == "__main__":
    main()
