"""The header and the closing paragraphs of a run: what was checked, and what the data is like.

Many a wrong mask is seen here by a person before a rule can say it.
"""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pretok_schemas.rendering import percent
from pretok_schemas.stats import SHARE_BINS
from pretok_schemas.text import plural, printable
from pytest_pretok.checks import lacking_rules
from pytest_pretok.plan import Plan, PlannedDataset
from pytest_pretok.report.records import Records
from pytest_pretok.stores import is_url

if TYPE_CHECKING:
    from pytest_pretok.scan import SplitScan

Namer = Callable[[list[int]], str]
EDGES_SHOWN = 2
AT_START = "at the row's start"
COMMON = 0.05  # share of runs from which a way to begin or end is worth a mention
SPLITS_SHOWN = 40
TOGETHER = 16  # rules whose pairs are told: the number of pairs grows with its square


def header(plan: Plan) -> list[str]:
    """Lines for pytest's header."""
    declared = sum(1 for dataset in plan.datasets if dataset.declared_at)
    splits = sum(1 for d in plan.datasets for split in d.splits if split.collected)
    text = f"pretok: {plural(len(plan.datasets), 'dataset')} ({declared:,} declared), "
    notes = (*plan.notes, *plan.unchecked)
    return [text + plural(splits, "split"), *(f"pretok: {note}" for note in notes)]


def scan_record(scan: SplitScan) -> dict[str, Any]:
    """What one scan adds up to: builtins only."""
    stats = scan.state.stats
    return {
        "rows": stats.rows,
        "tokens": stats.tokens,
        "labelled": stats.labelled,
        "trainable": stats.trainable,
        "lengths": stats.length_summary(),
        "length_histogram": asdict(stats.length_histogram()) if stats.tokens else None,
        "trainable_shares": _shares_of_rows(stats.shares),
        **_together(scan.together),
        "begins": [[list(ids), n] for ids, n in stats.begins.most_common(EDGES_SHOWN)],
        "ends": [[last, n] for last, n in stats.ends.most_common(EDGES_SHOWN)],
        "runs": stats.runs,
        "fetched": scan.fetched if any(is_url(path) for path in scan.paths) else None,
        "unread": sum(1 for shard in scan.shards if shard.error is not None),
        "shards": [
            {"path": shard.path, "rows": shard.rows, "format": shard.format}
            for shard in scan.shards
        ],
    }


def _shares_of_rows(shares: Mapping[int, int]) -> list[int] | None:
    """Rows that train nothing, then those that train up to 5 %, up to 10 %, ... up to 100 %."""
    return [shares.get(bin_, 0) for bin_ in range(SHARE_BINS + 1)] if shares else None


def _together(pairs: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    """The rules that share the most rows, by pairs, and the names of the others."""
    weights: Counter[str] = Counter()
    for pair, rows in pairs.items():
        for rule in pair:
            weights[rule] += rows
    told = {rule for rule, _ in weights.most_common(TOGETHER)}
    return {
        "together": [
            {"rules": list(pair), "rows": rows} for pair, rows in pairs.items() if told >= {*pair}
        ],
        "together_left_out": [rule for rule in weights if rule not in told],
    }


def lines(records: Records, width: int) -> list[str]:
    """The closing paragraphs, one a split, and one for rules that lack a setting."""
    found = []
    scans = [
        (number, split.name, records.scans[number, split.name])
        for number, dataset in enumerate(records.plan.datasets)
        for split in dataset.splits
        if (number, split.name) in records.scans
    ]
    for number, split, scan in scans[:SPLITS_SHOWN]:
        dataset = records.plan.datasets[number]
        named = any(s.named or len(dataset.splits) > 1 for s in dataset.splits)
        name = f"{dataset.name} [{split}]" if named else dataset.name
        text = f"{name}: {'; '.join(_facts(scan, _namer(dataset)))}"
        warned = _warned(records, number, split)
        if warned:
            text += f"; warned: {', '.join(warned)}"
        found += textwrap.wrap(
            text, max(width - 1, 40), subsequent_indent="    ", break_on_hyphens=False
        )
    if len(scans) > SPLITS_SHOWN:
        found.append(f"... and {plural(len(scans) - SPLITS_SHOWN, 'more split')}")
    found += [
        line
        for text in (*_lacking(records.plan), *records.plan.unchecked)
        for line in textwrap.wrap(
            text, max(width - 1, 40), subsequent_indent="    ", break_on_hyphens=False
        )
    ]
    return found


def _namer(dataset: PlannedDataset) -> Namer:
    """What to call some ids: their text where a tokenizer is known."""
    path = dataset.settings.get("tokenizer")
    if path is None:
        return lambda ids: f"[{', '.join(map(str, ids))}]"
    from pytest_pretok.tokenizers.shared import shared_tokenizer  # lazy: start cost

    tokenizer = shared_tokenizer(path)
    return lambda ids: printable(json.dumps(tokenizer.decode(ids), ensure_ascii=False), 40)


def _facts(scan: dict[str, Any], name: Namer) -> Iterable[str]:
    yield from _content(scan, name)
    if scan["fetched"] is not None:
        yield f"{_size(scan['fetched'])} fetched"


def _size(count: int) -> str:
    """A number of bytes as people say it."""
    for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if count >= 1024**power:
            return f"{count / 1024**power:,.1f} {unit}"
    return plural(count, "byte")


def _content(scan: dict[str, Any], name: Namer) -> Iterable[str]:
    if scan["unread"]:
        yield f"{plural(scan['unread'], 'file')} not read to the end"
    if not scan["tokens"]:
        yield f"{plural(scan['rows'], 'row')}, no tokens that can be read"
        return
    sums = f"{plural(scan['rows'], 'row')}, {plural(scan['tokens'], 'token')}"
    if scan["labelled"]:
        sums += f", {percent(scan['trainable'] / scan['labelled'])} trained"
    yield sums
    yield "lengths {min:,} to {max:,} (median {p50:,}, p99 {p99:,})".format(**scan["lengths"])
    if scan["runs"]:
        begins = [
            (share, AT_START if ids == [-1, -1] else f"after {name([i for i in ids if i >= 0])}")
            for ids, share in _shares(scan["begins"], scan["runs"])
        ]
        ends = [
            (share, f"with {name([last])}") for last, share in _shares(scan["ends"], scan["runs"])
        ]
        if begins:
            yield "trained runs begin " + ", ".join(f"{text} ({percent(s)})" for s, text in begins)
        if ends:
            yield "end " + ", ".join(f"{text} ({percent(s)})" for s, text in ends)


def _shares(edges: list[list[Any]], runs: int) -> list[tuple[Any, float]]:
    return [(what, n / runs) for what, n in edges if n >= COMMON * runs]


def _warned(records: Records, number: int, split: str) -> list[str]:
    found = records.findings.get((number, split), {})
    return [name for name, finding in found.items() if finding["outcome"] == "warned"]


def _lacking(plan: Plan) -> list[str]:
    missing: dict[tuple[str, ...], dict[str, None]] = {}
    for dataset in plan.datasets:
        for rule, keys in lacking_rules(dataset.settings).items():
            missing.setdefault(keys, {})[rule] = None
    return [
        printable(f"not checked for want of {' and '.join(keys)}: {', '.join(rules)}", 2000)
        for keys, rules in missing.items()
    ]
