"""The JSON report, version 1: what a run found, for machines.

The shape is a promise: keys are added, never changed, within one version.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_pretok import __version__
from pytest_pretok.checks import Offer, offers
from pytest_pretok.paths import exists
from pytest_pretok.plan import PlannedDataset
from pytest_pretok.report.records import Records
from pytest_pretok.settings import DatasetSettings, contract_of

VERSION = 1
SETTINGS = (
    "packing",
    "collator",
    "sequence_len",
    "min_sample_len",
    "excess_length",
    "vocab_size",
    "bos_token_id",
    "eos_token_ids",
    "pad_token_id",
    "micro_batch_size",
)


def report_dict(records: Records) -> dict[str, Any]:
    """The report as builtins."""
    return {
        "version": VERSION,
        "tool": f"pytest-pretok {__version__}",
        "ok": records.ok and records.complete,
        "complete": records.complete,
        "errors": records.errors,
        "root": records.root,
        "source_root": _source_root(records.root),
        "not_checked": list(records.plan.unchecked),
        "datasets": [_dataset(records, n, d) for n, d in enumerate(records.plan.datasets)],
    }


def render(report: dict[str, Any]) -> str:
    """The report as JSON."""
    return json.dumps(report, indent=1, ensure_ascii=True) + "\n"


def _source_root(root: str) -> str:
    """The checkout that a folder belongs to, or the folder itself: what hosts' paths start from."""
    folders = (Path(root), *Path(root).parents) if root else ()
    found = next((folder for folder in folders if exists(folder / ".git")), Path(root))
    return found.as_posix() if root else ""


def _dataset(records: Records, number: int, dataset: PlannedDataset) -> dict[str, Any]:
    settings = dataset.settings
    contract = contract_of(DatasetSettings.from_dict(settings))
    given = {key.replace("_", "-"): settings[key] for key in SETTINGS if settings[key] is not None}
    return {
        "name": dataset.name,
        "declared_at": dataset.declared_at,
        "contract": contract.name,
        "trainer": f"{contract.trainer} {contract.version}",
        "settings": given,
        "path": dataset.path,
        "rules": [rule for _, rule in sorted(records.findings.get((number, None), {}).items())],
        "splits": [
            _split(records, number, dataset, split.name)
            for split in dataset.splits
            if split.collected
        ],
    }


def _split(records: Records, number: int, dataset: PlannedDataset, split: str) -> dict[str, Any]:
    scan = records.scans.get((number, split))
    found = records.findings.get((number, split), {})
    rules = []
    for offer in offers(dataset.settings, split):
        if offer.name in found:
            rules.append(found[offer.name])
        elif offer.name != "split-overlap":
            rules.append(_not_selected(offer, split))
    return {
        "name": split,
        "shards": scan["shards"] if scan else [],
        "fetched_bytes": scan["fetched"] if scan else None,
        "rows": scan["rows"] if scan else None,
        "tokens": scan["tokens"] if scan else None,
        "labelled_tokens": scan["labelled"] if scan else None,
        "trainable_tokens": scan["trainable"] if scan else None,
        "lengths": scan["lengths"] if scan else None,
        "length_histogram": scan["length_histogram"] if scan else None,
        "trainable_shares": scan["trainable_shares"] if scan else None,
        "together": scan["together"] if scan else None,
        "together_left_out": scan["together_left_out"] if scan else None,
        "rules": rules,
    }


def _not_selected(offer: Offer, split: str) -> dict[str, Any]:
    return {
        "rule": offer.name,
        "id": None,
        "split": split,
        "outcome": "not-selected",
        "severity": offer.severity.value,
        "effect": None,
        "consequence": "",
        "unit": offer.unit,
        "violations": None,
        "total": None,
        "share": None,
        "budget": None,
        "baseline": None,
        "tolerated": False,
        "because": None,
        "reason": None,
        "cause": None,
        "help": offer.help,
        "about": offer.about,
        "evidence": offer.evidence,
        "examples": [],
    }
