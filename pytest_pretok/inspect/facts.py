"""What a split is like, as plain values: the JSON of ``pretok stats``, and what its text says.

Adds up through `measure` and `bins`; prints nothing.
"""

from __future__ import annotations

import math
from typing import Any

from pretok_schemas.contract import Contract, Tokenizer, Vocabulary
from pretok_schemas.run import Entry
from pytest_pretok.inspect.bins import pack, pad
from pytest_pretok.inspect.measure import Measures

VERSION = 1
BATCH_SIZE = 8  # rows a batch where nothing says how many
EDGES = 3
HISTOGRAM = 10  # bars


def known_ids(vocabulary: Vocabulary, tokenizer: Tokenizer | None) -> dict[str, tuple[int, ...]]:
    """The special ids by role, as declared, else by the tokenizer."""
    bos, pad_id, ends = vocabulary.bos, vocabulary.pad, vocabulary.eos
    if tokenizer is not None:
        bos = tokenizer.bos if bos is None else bos
        pad_id = tokenizer.pad if pad_id is None else pad_id
        ends = tokenizer.ends if ends is None else ends
    found = {"bos": bos, "pad": pad_id}
    own = {role: (one,) for role, one in found.items() if one is not None}
    return {**own, **({"eos": tuple(ends)} if ends else {})}


def split_facts(
    measures: Measures,
    contract: Contract,
    ids: dict[str, tuple[int, ...]],
    batch_size: int | None,
) -> dict[str, Any]:
    """Everything that is told of one split, builtins only; shares are from 0 to 1."""
    sums = measures.stats
    rows = len(measures.lengths)
    return {
        "rows": measures.rows,
        "rows_without_ids": measures.rows - rows,
        "tokens": int(measures.lengths.sum()),
        "trainable_tokens": sums.trainable if sums.labelled else None,
        "trainable_share": sums.trainable / sums.labelled if sums.labelled else None,
        "lengths": {str(p): length for p, length in measures.percentiles().items()},
        "histogram": histogram(measures),
        "special_ids": {
            role: {
                "ids": list(own),
                "count": sum(measures.inside[one] for one in own),
                **_edge(role, own, measures, rows),
            }
            for role, own in ids.items()
        },
        "trained_runs": sums.runs,
        "runs_begin": [[list(k), n] for k, n in sums.begins.most_common(EDGES)],
        "runs_end": [[last, n] for last, n in sums.ends.most_common(EDGES)],
        "batches": batches(measures, contract, batch_size),
        "unreadable": [{"file": file, "reason": reason} for file, reason in measures.errors],
    }


def _edge(role: str, own: tuple[int, ...], measures: Measures, rows: int) -> dict[str, float]:
    if role == "bos" and rows:
        return {"rows_begin": sum(measures.firsts[one] for one in own) / rows}
    if role in ("eos", "pad") and rows:
        return {"rows_end": sum(measures.lasts[one] for one in own) / rows}
    return {}


def histogram(measures: Measures) -> list[dict[str, int]]:
    """Rows by length in at most `HISTOGRAM` stretches of a round width; bounds are included."""
    lengths = measures.lengths
    if not len(lengths):
        return []
    low, high = int(lengths.min()), int(lengths.max())
    step = _round_up(max(1, math.ceil((high - low + 1) / HISTOGRAM)))
    first = low // step * step
    found = []
    for start in range(first, high + 1, step):
        inside = (lengths >= start) & (lengths < start + step)
        found.append({"from": start, "to": start + step - 1, "rows": int(inside.sum())})
    return found


def _round_up(step: int) -> int:
    """The least of 1, 2, 5, 10, 20, 50 ... that is no smaller."""
    scale = 1
    while True:
        for lead in (1, 2, 5):
            if lead * scale >= step:
                return lead * scale
        scale *= 10


def batches(measures: Measures, contract: Contract, batch_size: int | None) -> dict[str, Any]:
    """What the trainer would make of the rows: bins when packing, else padded batches."""
    entry: Entry | None = contract.entry
    size = batch_size or contract.micro_batch_size or (entry.bins if entry else None)
    kept = measures.kept(contract, contract.packing)
    found: dict[str, Any] = {
        "packing": contract.packing,
        "sequence_len": contract.sequence_len,
        "rows": len(kept),
        "rows_left_out": len(measures.lengths) - len(kept),
        "tokens_per_epoch": int(kept.sum()),
    }
    if not contract.packing:
        padding = pad(kept, size or BATCH_SIZE)
        return {
            **found,
            "batch_size": padding.batch_size,
            "batch_size_assumed": size is None,
            "padding_share": padding.in_order,
            "padding_share_sorted": padding.grouped,
            "steps_per_epoch": padding.batches,
        }
    if contract.sequence_len is None:
        return found
    packed = pack(kept, contract.sequence_len, contract.name, *((entry.bin_rows,) if entry else ()))
    found |= {"algorithm": packed.algorithm, "bins": packed.bins, "fill": packed.fill}
    if size is not None:
        steps = packed.bins // size if contract.name == "axolotl" else -(-packed.bins // size)
        found |= {"batch_size": size, "steps_per_epoch": steps}
    return found
