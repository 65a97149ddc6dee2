"""The scan: a split's files read once, every needed rule judged, on any engine.

Must not know pytest, plans, or who reports.
"""

from __future__ import annotations

from pytest_pretok.scan.compare import compare_splits
from pytest_pretok.scan.found import Placed, SplitScan
from pytest_pretok.scan.shards import Shard
from pytest_pretok.scan.splits import scan_split
from pytest_pretok.scan.watch import SILENT, Progress, Silent

__all__ = [
    "SILENT",
    "Placed",
    "Progress",
    "Shard",
    "Silent",
    "SplitScan",
    "compare_splits",
    "scan_split",
]
