"""The lines that examples stand on, where a shard is a text file that people open.

Reads such files once more, up to the last example; judges nothing. A remote object
is not: nobody opens it at a line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pretok_schemas.findings import Example, Finding
from pytest_pretok.readers import Unit
from pytest_pretok.scan.found import SplitScan
from pytest_pretok.stores import is_url, located


def with_lines(findings: Mapping[str, Finding], scans: Sequence[SplitScan]) -> dict[str, Finding]:
    """The same findings; their examples in JSON Lines that are not compressed tell the line."""
    sources = {shard: path for scan in scans for shard, path in _sources(scan).items()}
    wanted: dict[str, set[int]] = {}
    for finding in findings.values():
        for example in finding.examples:
            if example.shard in sources and example.shard_row >= 0:
                wanted.setdefault(example.shard, set()).add(example.shard_row)
    if not wanted:
        return dict(findings)
    from pytest_pretok.readers.jsonl import lines_of_rows  # lazy: start cost

    lines = {shard: lines_of_rows(located(sources[shard]), rows) for shard, rows in wanted.items()}
    return {name: _placed(finding, lines) for name, finding in findings.items()}


def _sources(scan: SplitScan) -> dict[str, str]:
    """The paths of a split's plain JSON Lines shards, by the names that examples give them."""
    units = ((scan.shards[placed.part.shard].path, placed.part.unit) for placed in scan.parts)
    return {shard: unit.path for shard, unit in units if _has_lines(unit)}


def _has_lines(unit: Unit) -> bool:
    return unit.format == "jsonl" and bool(unit.part) and not is_url(unit.path)


def _placed(finding: Finding, lines: Mapping[str, Mapping[int, int]]) -> Finding:
    def placed(example: Example) -> Example:
        line = lines.get(example.shard, {}).get(example.shard_row)
        return example if line is None else replace(example, line=line)

    return replace(finding, examples=tuple(placed(example) for example in finding.examples))
