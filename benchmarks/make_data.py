"""Writes one large pre-tokenised file of realistic shape; must know nothing of our two packages.

Lengths are lognormal (median about 400, 16 to 4,096), ids follow a Zipf law below 32,000, each row
is ``bos, header, prompt, header, answer, eos`` with the prompt masked (about 40 % of the tokens).
One row group is in memory at a time.

    python benchmarks/make_data.py big.parquet --tokens 50_000_000 --row-groups 20
    python benchmarks/make_data.py big.parquet --tokens 5_000_000 --flaws

With ``--flaws`` one row each is spoilt for a few rules, and ``OUT.flaws.json`` says which:
``{rule: [row]}``, 0-based. Check such a file with vocab-size 32000, bos 1, eos 2, pad 0.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

PAD, BOS, EOS, VOCABULARY = 0, 1, 2, 32_000
IGNORE = -100
MEDIAN, SIGMA, SHORTEST, LONGEST = 400, 0.8, 16, 4_096
HEADERS = ((1_792, 3_931, 13), (13, 2_277, 29_901))  # opens the prompt, opens the answer
SCHEMA = pa.schema(
    [
        ("input_ids", pa.list_(pa.int32())),
        ("attention_mask", pa.list_(pa.int8())),
        ("labels", pa.list_(pa.int64())),
    ]
)
CODECS = {
    "parquet": ("zstd", "snappy", "none"),
    "arrow": ("none", "zstd"),
    "jsonl": ("none", "zstd"),
}

Row = dict[str, Any]
Ints = npt.NDArray[np.int64]
Write = Callable[[pa.RecordBatch], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for: tokens in all, row groups, random seed, whether to spoil rows."""

    tokens: int
    groups: int
    seed: int
    flaws: bool


def zipf(seed: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """The cumulative distribution over ranks, and the id of each rank.

    Weights are 1 / (rank + 2.7), Mandelbrot's form for words. The ids are shuffled: a vocabulary
    sorted by frequency would compress better than real ones do.
    """
    ids = np.arange(EOS + 1, VOCABULARY, dtype=np.int32)
    weights = 1.0 / (np.arange(1, len(ids) + 1) + 2.7)
    np.random.default_rng([seed, 0]).shuffle(ids)
    return np.cumsum(weights) / weights.sum(), ids


def draw_lengths(rng: np.random.Generator, tokens: int) -> Ints:
    """Row lengths whose sum is at most `tokens` and less than one row short of it."""
    mean = MEDIAN * math.exp(SIGMA**2 / 2)
    count = int(tokens / mean * 1.5) + 1_000
    drawn = rng.lognormal(math.log(MEDIAN), SIGMA, count)
    lengths = np.clip(np.rint(drawn), SHORTEST, LONGEST).astype(np.int64)
    return lengths[: np.searchsorted(np.cumsum(lengths), tokens, side="right")]


def make_group(plan: Plan, number: int, law: tuple[Any, Any]) -> pa.RecordBatch:
    """Row group `number`, clean; depends on the seed and the number alone."""
    rng = np.random.default_rng([plan.seed, 1, number])
    lengths = draw_lengths(rng, plan.tokens // plan.groups)
    if not len(lengths):
        raise SystemExit("make_data: too few --tokens for so many --row-groups")
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    starts, total = offsets[:-1], int(offsets[-1])
    prompts = np.rint(rng.beta(4, 6, len(lengths)) * lengths).astype(np.int64)
    # bos and both headers belong to the prompt; at least one answer token and eos to the answer.
    prompts = np.clip(prompts, 1 + sum(map(len, HEADERS)), lengths - 2)

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


def first_trained(row: Row) -> int:
    """The position of the first label that is not the ignore value."""
    return next(i for i, label in enumerate(row["labels"]) if label != IGNORE)


def wrong_label(row: Row) -> None:
    """A trained label that is another id."""
    at = first_trained(row) + 1
    row["labels"][at] = 3 if row["labels"][at] != 3 else 4


def outside_vocabulary(row: Row) -> None:
    """A masked token one above the highest id."""
    row["input_ids"][5] = VOCABULARY


def nothing_trained(row: Row) -> None:
    """All labels ignored."""
    row["labels"] = [IGNORE] * len(row["labels"])


def shifted(row: Row) -> None:
    """Labels already moved one place to the left."""
    row["labels"] = [*row["labels"][1:], IGNORE]


def short_labels(row: Row) -> None:
    """One label too few: bos was added to the ids and the mask only."""
    del row["labels"][0]


def hole(row: Row) -> None:
    """A masked token that is not attended, between attended ones."""
    row["attention_mask"][4] = 0


def padded(row: Row) -> None:
    """Sixteen pads at the end, neither attended nor trained."""
    row["input_ids"] += [PAD] * 16
    row["attention_mask"] += [0] * 16
    row["labels"] += [IGNORE] * 16


def null_inside(row: Row) -> None:
    """A null where an ignored label was meant."""
    row["labels"][2] = None


def no_labels(row: Row) -> None:
    """No labels at all, as in a JSON line that lacks the key."""
    row["labels"] = None


FLAWS: dict[str, Callable[[Row], None]] = {
    "label-not-input-id": wrong_label,
    "token-out-of-vocab": outside_vocabulary,
    "no-trainable-token": nothing_trained,
    "labels-shifted": shifted,
    "length-mismatch": short_labels,
    "mask-hole": hole,
    "trailing-padding": padded,
    "null-token": null_inside,
    "null-row": no_labels,
}


def flaws_of_group(number: int, groups: int) -> list[str]:
    """The rules whose fault falls into row group `number`: spread evenly, in order."""
    return [rule for i, rule in enumerate(FLAWS) if i * groups // len(FLAWS) == number]


def spoil(batch: pa.RecordBatch, rules: list[str]) -> tuple[pa.RecordBatch, dict[str, int]]:
    """The batch with one row spoilt for each rule, and these rows (0-based in the batch).

    Rows of at least 64 tokens are taken, so that every fault is beyond doubt. The others are the
    caller's own: nothing is copied but the spoilt rows and the joints.
    """
    lengths = np.diff(batch.column(0).offsets.to_numpy())
    (fit,) = np.nonzero((lengths >= 64) & (lengths <= LONGEST - 16))
    if len(fit) < len(rules):
        raise SystemExit("make_data: a row group is too small for its flaws; ask for more --tokens")
    rows = {rule: int(fit[i * len(fit) // len(rules)]) for i, rule in enumerate(rules)}
    parts, done = [], 0
    for rule, at in rows.items():
        row = batch.slice(at, 1).to_pylist()[0]
        FLAWS[rule](row)
        parts += [batch.slice(done, at - done), pa.RecordBatch.from_pylist([row], schema=SCHEMA)]
        done = at + 1
    parts.append(batch.slice(done))
    return pa.Table.from_batches(parts).combine_chunks().to_batches()[0], rows


@contextmanager
def open_writer(path: Path, kind: str, codec: str) -> Iterator[Write]:
    """A function that appends one batch (a row group) to the file."""
    if kind == "parquet":
        with pq.ParquetWriter(path, SCHEMA, compression=codec) as parquet:
            yield lambda batch: parquet.write_batch(batch, row_group_size=batch.num_rows)
    elif kind == "arrow":
        options = pa.ipc.IpcWriteOptions(compression=None if codec == "none" else codec)
        with pa.ipc.new_file(path, SCHEMA, options=options) as arrow:
            yield arrow.write_batch
    else:
        with pa.output_stream(path, compression=None if codec == "none" else codec) as stream:
            yield lambda batch: write_lines(stream, batch)


def write_lines(stream: pa.NativeFile, batch: pa.RecordBatch) -> None:
    """One JSON object a row, a thousand rows at a time; a null column is left out of its row."""
    for start in range(0, batch.num_rows, 1_000):
        rows = batch.slice(start, 1_000).to_pylist()
        kept = [{key: value for key, value in row.items() if value is not None} for row in rows]
        text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in kept)
        stream.write(text.encode("ascii"))


def make(path: Path, kind: str, codec: str, plan: Plan) -> tuple[int, int]:
    """Write the file, and OUT.flaws.json if asked; rows and tokens written."""
    law = zipf(plan.seed)
    rows = tokens = 0
    planted: dict[str, list[int]] = {}
    with open_writer(path, kind, codec) as write:
        for number in range(plan.groups):
            batch = make_group(plan, number, law)
            if plan.flaws and (rules := flaws_of_group(number, plan.groups)):
                batch, spoilt = spoil(batch, rules)
                planted |= {rule: [rows + at] for rule, at in spoilt.items()}
            write(batch)
            rows, tokens = rows + batch.num_rows, tokens + len(batch.column(0).flatten())
    if plan.flaws:
        text = json.dumps(planted, indent=2) + "\n"
        Path(f"{path}.flaws.json").write_text(text, encoding="utf-8")
    return rows, tokens


def main() -> None:
    """Read the command line, write, say what was written."""
    parser = argparse.ArgumentParser(description="Write a large pre-tokenised file.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--tokens", type=int, default=50_000_000)
    parser.add_argument("--row-groups", type=int, default=20)
    parser.add_argument("--format", choices=list(CODECS), default="parquet")
    parser.add_argument("--codec", choices=["zstd", "snappy", "none"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--flaws", action="store_true", help="spoil a row for each of a few rules")
    args = parser.parse_args()
    codec = args.codec or CODECS[args.format][0]
    if codec not in CODECS[args.format]:
        parser.error(f"--format {args.format} goes with --codec {' or '.join(CODECS[args.format])}")
    if args.row_groups < 1 or args.tokens < 1 or args.seed < 0:
        parser.error("--tokens and --row-groups are at least 1, --seed at least 0")
    begun = time.perf_counter()
    plan = Plan(args.tokens, args.row_groups, args.seed, args.flaws)
    rows, tokens = make(args.out, args.format, codec, plan)
    size = args.out.stat().st_size
    print(
        f"{args.out}: {rows:,} rows, {tokens:,} tokens, {size / 1e6:,.1f} MB "
        f"({size / tokens:.2f} bytes a token), {time.perf_counter() - begun:.1f} s"
    )


if __name__ == "__main__":
    main()
