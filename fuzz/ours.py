"""Our verdict on a dataset, as violating rows by rule; knows neither damage nor the slow reader."""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path
from unittest.mock import patch

from pretok_schemas import Judge
from pretok_schemas.findings import Finding, Outcome
from pytest_pretok.planning import PlanError
from pytest_pretok.readers import parquet
from tests.support.rows import BOS, EOS, MIN_SAMPLE_LEN, PAD, SEQUENCE_LEN, VOCAB
from tests.support.verdicts import any_cut, judge, listed, scan

REFUSED = "unreadable-file"
ALL = 10**6  # examples: every violation
Verdict = dict[str, list[int]]


def verdict(path: Path, container: str, rng: random.Random) -> Verdict:
    """What fails or warns, rule by rule; a rule of a whole split has the row -1.

    Half of the files are read as large ones are: in several units and batches.
    """
    if container == "save-to-disk":
        return _checked(path)
    cut = any_cut(rng)
    with patch.object(parquet, "_SMALL", 2**20 if cut is None else 0):
        found = scan([path], cut=cut, ours=_judge())
    rows = {}
    for rule, finding in found.findings.items():
        if finding.violations:
            rows[rule] = sorted(listed(found, rule)) if finding.unit == "row" else _whole(finding)
    _hold_to_account(list(found.findings.values()))
    return rows


@lru_cache(maxsize=1)
def _judge() -> Judge:
    """The same for all: it holds nothing of what it judged, and making it takes a fifth as long."""
    return judge()


def _whole(finding: Finding) -> list[int]:
    return [-1] if finding.unit == "split" else []


def _checked(path: Path) -> Verdict:
    from pytest_pretok import check

    try:
        report = check(
            path,
            "axolotl",
            examples=ALL,
            vocab_size=VOCAB,
            bos_token_id=BOS,
            eos_token_ids=[EOS],
            pad_token_id=PAD,
            sequence_len=SEQUENCE_LEN,
            min_sample_len=MIN_SAMPLE_LEN,
        )
    except PlanError:
        return {REFUSED: []}
    findings = [result.finding for result in report.results]
    _hold_to_account(findings)
    rows: Verdict = {}
    for finding in findings:
        if finding.violations:
            told = [example.row for example in finding.examples if example.row is not None]
            rows[finding.rule] = sorted(told) if finding.unit == "row" else _whole(finding)
    return rows


def _hold_to_account(findings: list[Finding]) -> None:
    """Violations must fail or warn, and a rule passes only where everything was read."""
    broken = any(one.rule == REFUSED and one.violations for one in findings)
    for one in findings:
        fine = one.outcome is Outcome.PASSED
        if fine and (one.violations or (broken and one.unit == "row")):
            raise AssertionError(f"{one.rule} passes over {'damage' if broken else 'violations'}")
    if broken and not any(f.rule == REFUSED and f.outcome is Outcome.FAILED for f in findings):
        raise AssertionError(f"{REFUSED} does not fail")
