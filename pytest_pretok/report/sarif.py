"""The SARIF 2.1.0 report: a result for each finding, for code scanning and other viewers.

A function of the JSON report, and of what the rules say of themselves. Results are placed at the
declaration, or at the row where the data is JSON Lines; GitHub wants every one of them to have a
file, a line and a fingerprint.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from pretok_schemas.findings import Finding, Outcome, Severity
from pretok_schemas.rules import RULES
from pretok_schemas.rules.base import Rule
from pretok_schemas.text import plural, printable
from pytest_pretok import __version__
from pytest_pretok.explain import page
from pytest_pretok.report.annotations import message, where
from pytest_pretok.report.entries import Entry, Report, Spot, entries, in_checkout, whole_path
from pytest_pretok.stores import is_url

RESULTS = 5_000  # GitHub stores no more of a run, and refuses files with more than 25,000
RELATED = 20  # examples of a result; GitHub shows 100 places of one
NOTICES = 100
ROOT = "%SRCROOT%"
SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.OFF: "none"}
_PROBLEMS = {"error": "error", "warning": "warning", "none": "recommendation"}

Object = dict[str, Any]


def render(report: Report) -> str:
    """The report as SARIF, with at most `RESULTS` results: errors first."""
    found = list(entries(report))
    results = sorted(
        (entry for entry in found if _is_result(entry)), key=lambda e: _RANKS[_level(e)]
    )
    rules = _descriptors(report)
    run: Object = {
        "tool": {"driver": _driver(rules)},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report, found, len(results) - RESULTS)],
        "results": [_result(report, entry, list(rules)) for entry in results[:RESULTS]],
    }
    if report["source_root"]:
        uri = _file_uri(report["source_root"].rstrip("/") + "/")
        run["originalUriBaseIds"] = {ROOT: {"uri": uri}}
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, ensure_ascii=True) + "\n"


# -- the tool and its rules


def _driver(rules: dict[str, Object]) -> Object:
    return {
        "name": "pytest-pretok",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": list(rules.values()),
    }


def _descriptors(report: Report) -> dict[str, Object]:
    """By name, what there is to say of each rule; of people's own, what their findings tell."""
    found = {rule.name: _descriptor(rule) for rule in RULES}
    for dataset in report["datasets"]:
        for one in (*dataset["rules"], *(r for s in dataset["splits"] for r in s["rules"])):
            if one["rule"] not in found:
                found[one["rule"]] = _descriptor_of(one)
    return found


def _descriptor_of(finding: Object) -> Object:
    about = printable(finding["about"] or finding["rule"], 1000).rstrip(".")
    helps = printable(finding["help"], 1000)
    level = _LEVELS[Severity(finding["severity"])]
    return {
        "id": printable(finding["rule"]),
        "shortDescription": {"text": f"{about}."},
        "fullDescription": {"text": f"{about}. Help: {helps}."},
        "help": {"text": f"Help: {helps}."},
        "defaultConfiguration": {"enabled": True, "level": level},
        "properties": {
            "tags": ["data", "custom"],
            "precision": "high",
            "problem.severity": _PROBLEMS[level],
        },
    }


def _descriptor(rule: type[Rule]) -> Object:
    off = rule.severity is Severity.OFF
    level = "warning" if off else _LEVELS[rule.severity]
    # A name that says the same as the id is against the standard.
    name = {"name": rule.__name__} if rule.__name__.lower() != rule.name else {}
    return {
        "id": rule.name,
        **name,
        "shortDescription": {"text": f"{rule.summary().rstrip('.')}."},
        "fullDescription": {"text": f"{rule.summary().rstrip('.')}. Help: {rule.help}."},
        "help": {"text": f"Help: {rule.help}.", "markdown": page(rule)},
        "defaultConfiguration": {"enabled": not off, "level": level},
        "properties": {
            "tags": ["data", rule.family],
            "precision": "high",
            "problem.severity": _PROBLEMS[level],
        },
    }


# -- results


def _is_result(entry: Entry) -> bool:
    return entry.tolerated or entry.finding.outcome in (Outcome.FAILED, Outcome.WARNED)


_RANKS = {"error": 0, "warning": 1, "note": 2}


def _level(entry: Entry) -> str:
    # GitHub does not look at suppressions: a known finding must not stop a pull request there.
    if entry.tolerated:
        return "note"
    return "error" if entry.finding.outcome is Outcome.FAILED else "warning"


def _result(report: Report, entry: Entry, rules: Sequence[str]) -> Object:
    finding = entry.finding
    result: Object = {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": _level(entry),
        "message": _message(f"{entry.subject}: {message(finding)}"),
        "locations": [_location(report, entry)],
        "relatedLocations": _related(report, entry),
        "partialFingerprints": _fingerprints(entry),
        "occurrenceCount": max(1, finding.violations),
        "properties": {
            "dataset": printable(entry.dataset),
            "split": None if entry.split is None else printable(entry.split),
            "effect": finding.effect.value if finding.effect else None,
            "violations": finding.violations,
            "total": finding.total,
            "unit": finding.unit,
            "allowed": finding.budget,
        },
    }
    if entry.tolerated:
        told = f"known: the baseline allows {entry.known or 0:,}"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": told}]
    return result


def _message(text: str) -> Object:
    """A message that viewers find neither links nor placeholders in."""
    shown = re.sub(r"\{(?=\d)", "{ ", text.replace("](", "] ("))
    return {"text": shown}


def _location(report: Report, entry: Entry) -> Object:
    return {
        "physicalLocation": _physical(report, entry.spot),
        "logicalLocations": [
            {
                "name": printable(entry.subject),
                "fullyQualifiedName": printable(entry.id),
                "kind": "dataset",
            }
        ],
    }


def _physical(report: Report, spot: Spot) -> Object:
    return {
        "artifactLocation": artifact(report, spot.path),
        "region": {"startLine": spot.line or 1},  # GitHub requires one, for whole files too
    }


def artifact(report: Report, path: str) -> Object:
    """Where a file is: from the root of the checkout if it lies there, else as a URI."""
    if is_url(path):
        return {"uri": quote(path, safe=":/@%" if path.startswith("http") else ":/@")}
    inside = in_checkout(report, path)
    if inside is not None:
        # A colon in the first part would read as a scheme.
        return {"uri": quote(inside, safe="/"), "uriBaseId": ROOT}
    return {"uri": _file_uri(whole_path(report, path))}


def _file_uri(path: str) -> str:
    return f"file://{'' if path.startswith('/') else '/'}{quote(path, safe='/')}"


def _related(report: Report, entry: Entry) -> list[Object]:
    found = []
    for number, example in enumerate(entry.finding.examples[:RELATED]):
        if example.shard:
            place = _physical(report, Spot(example.shard, example.line))
            told = _message(where(entry.finding, number))
            found.append({"id": number + 1, "physicalLocation": place, "message": told})
    if entry.declared is not None and entry.declared != entry.spot:
        place = _physical(report, entry.declared)
        told = {"text": "the dataset is declared here"}
        found.append({"id": len(found) + 1, "physicalLocation": place, "message": told})
    return found


def _fingerprints(entry: Entry) -> dict[str, str]:
    """The same in every run for a rule on a split of a dataset, wherever its lines move.

    Without ours GitHub would take the line's text, and two splits of one declaration for one.
    """
    home = entry.declared.path if entry.declared is not None else ""
    parts = (home, entry.dataset, entry.split or "", entry.finding.rule)
    text = json.dumps(parts).encode()
    value = hashlib.blake2b(text, digest_size=8).hexdigest()
    return {"primaryLocationLineHash": f"{value}:1", "pretokFinding/v1": value}


# -- the run


def _invocation(report: Report, found: Sequence[Entry], left_out: int) -> Object:
    notices = []
    if not report["complete"]:
        notices.append(_notice("error", "The run was cut short; what it did not reach is open."))
    if report["errors"]:
        told = f"{plural(report['errors'], 'item')} ended without a verdict."
        notices.append(_notice("error", told))
    if left_out > 0:
        told = f"{plural(left_out, 'result')} left out beyond {RESULTS:,}, the least severe."
        notices.append(_notice("warning", told))
    unread = [e for e in found if e.finding.rule == "unreadable-file" and e.finding.violations]
    notices += [_unread(report, entry) for entry in unread[:NOTICES]]
    notices += _no_verdicts(found)
    notices += [_notice("warning", printable(text, 1000)) for text in report["not_checked"]]
    return {
        "executionSuccessful": bool(report["complete"] and not report["errors"]),
        "toolExecutionNotifications": notices[: 4 * NOTICES],
    }


def _unread(report: Report, entry: Entry) -> Object:
    """Files that could not be read are findings too; a viewer of the run sees them here."""
    finding: Finding = entry.finding
    told = where(finding) if finding.examples else entry.subject
    notice = _notice("error", f"A file could not be read: {told}")
    notice["locations"] = [{"physicalLocation": _physical(report, entry.spot)}]
    return notice


def _no_verdicts(found: Sequence[Entry]) -> list[Object]:
    together: dict[tuple[str, str], list[str]] = {}
    for entry in found:
        if entry.finding.outcome is Outcome.NOT_EVALUATED:
            why = entry.finding.reason or f"{entry.finding.because} comes first"
            together.setdefault((entry.subject, why), []).append(entry.finding.rule)
    return [
        _notice("warning", printable(f"{subject}: no verdict on {', '.join(rules)}: {why}", 1000))
        for (subject, why), rules in list(together.items())[:NOTICES]
    ]


def _notice(level: str, text: str) -> Object:
    return {"level": level, "message": _message(text)}
