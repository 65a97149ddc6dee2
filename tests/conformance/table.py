"""The committed observations, the claims of the contracts beside them, and the table of both.

Imports no trainer: it reads ``observed.json`` and the contracts.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pretok_schemas import trainers
from pretok_schemas.contract import Contract
from pretok_schemas.findings import BY_HARM, Effect
from tests.conformance.faults import CONTROL, NOT_RUN

HERE = Path(__file__).parent
OBSERVED = HERE / "observed.json"
DOCUMENT = HERE.parents[1] / "docs" / "conformance.md"
REWRITE = os.environ.get("PRETOK_REWRITE") == "1"

# Trainer -> its settings -> the arguments that name the contract of that setting.
SETTINGS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "axolotl": {"packing off": {"packing": False}, "packing on": {"packing": True}},
    "trl": {"packing off": {"packing": False}, "packing on (bfd)": {"packing": True}},
    "transformers": {
        "seq2seq": {"packing": False, "collator": "seq2seq"},
        "flattening": {"packing": False, "collator": "flattening"},
        "language-modeling": {"packing": False, "collator": "language-modeling"},
    },
}

HARM = (Effect.SILENT, Effect.CRASH, Effect.DROPPED)

# Cases that are columns: a contract without such a column does not look at it.
COLUMNS = (
    "input_ids",
    "attention_mask",
    "labels",
    "position_ids",
    "completion_mask",
    "assistant_masks",
)

HEAD = """\
# Conformance

Every contract claims what its trainer does with each fault. Here each claim stands beside what the
trainer was seen to do: a small faulty dataset goes through the real loader, collator and training
loop on a CPU, and is compared with the dataset that its author meant. `tests/conformance/` does
that, and this page is made from its `observed.json`.

- crash: the trainer stopped with an exception, at load, at the first batch, or in the first step.
- dropped: a row of the files reached no batch.
- silent: the targets (pairs of the token before and the token to be predicted) are not those that
  were meant, or one of them was predicted from another context, so that its loss differs.
- wasted: the targets are those that were meant, but some come more often, or more tokens were
  computed.
- harmless: none of these.

A contract names the worst that a rule's violations do. Agreement is "yes" where that is what was
seen, "milder" where this dataset did less harm than the claim and another of the same rule and case
did all of it, and "NO" where the claim has to be mended. It is "-" where nothing is claimed: there
is no contract, the contract does not know the rule or the column, or the fault leaves no row to
train on while a contract speaks of single rows.
"""


def contract(trainer: str, variant: str) -> Contract:
    """The contract of a trainer in one setting; one that cannot be loaded is a failure."""
    return trainers.load(trainer, **SETTINGS[trainer][variant])


def claim(known: Contract | None, seen: Mapping[str, Any]) -> Effect | None:
    """The effect that a contract claims for an observed fault, or None if it says nothing."""
    if seen["rule"] == CONTROL:
        return Effect.HARMLESS
    if known is None or not seen["claimed"] or not known.applies(seen["rule"]):
        return None
    if (seen["rule"], seen["case"]) == ("column-type", "mild") and not any(
        column.tolerates for column in known.columns
    ):
        return None
    if seen["case"] in COLUMNS:
        column = known.column(seen["case"])
        if column is None or (seen["rule"] == "missing-column" and not column.required):
            return None
    return known.consequence(seen["rule"], [seen["case"]] if seen["case"] else []).effect


def key(known: Contract, seen: Mapping[str, Any]) -> str:
    """The claim that an observation belongs to: ``RULE:CASE`` if the contract has it."""
    case = f"{seen['rule']}:{seen['case']}"
    return case if case in known.consequences else str(seen["rule"])


def verdicts(known: Contract | None, observations: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """By fault: ``yes``, ``milder``, ``NO`` or ``-``; the observations of one setting."""
    observations = list(observations)
    worst: dict[str, list[Effect]] = defaultdict(list)
    for seen in observations:
        if known is not None and claim(known, seen) is not None:
            worst[key(known, seen)].append(Effect(seen["effect"]))
    found = {}
    for seen in observations:
        claimed, effect = claim(known, seen), Effect(seen["effect"])
        if claimed is None:
            found[seen["fault"]] = "-"
        elif claimed == effect:
            found[seen["fault"]] = "yes"
        elif known is None:
            found[seen["fault"]] = "NO"
        else:
            shown = claimed in worst[key(known, seen)]
            milder = BY_HARM.index(effect) > BY_HARM.index(claimed)
            found[seen["fault"]] = "milder" if shown and milder else "NO"
    return found


def unseen_claims(known: Contract, observations: Iterable[Mapping[str, Any]]) -> list[str]:
    """The claims that no observed fault belongs to: they were read, not run."""
    seen = {key(known, one) for one in observations if one["claimed"]}
    return sorted(set(known.consequences) - seen)


def read() -> dict[str, Any]:
    """The committed observations, by trainer."""
    return json.loads(OBSERVED.read_text()) if OBSERVED.exists() else {}


def write(reports: Mapping[str, Any]) -> None:
    """Writes ``observed.json``, a line for every observation."""
    parts = []
    for trainer in SETTINGS:
        if trainer in reports:
            report = dict(reports[trainer])
            lines = ",\n".join(_line(one) for one in report.pop("observations"))
            head = json.dumps(report)[:-1]
            parts.append(f'{json.dumps(trainer)}: {head}, "observations": [\n{lines}\n]}}')
    OBSERVED.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def _line(observation: Mapping[str, Any]) -> str:
    return json.dumps(observation, ensure_ascii=False)


def document(reports: Mapping[str, Any]) -> str:
    """The table of all trainers, as Markdown."""
    parts = [HEAD]
    for trainer, report in reports.items():
        packages = ", ".join(f"{name} {number}" for name, number in report["packages"].items())
        parts.append(f"## {trainer} {report['version']}\n\nSeen with {packages}.\n")
        parts += [_section(trainer, variant, report) for variant in SETTINGS[trainer]]
    left = "\n".join(f"- `{rule}`: {reason}" for rule, reason in NOT_RUN.items())
    parts.append(f"## Rules that are not run\n\n{left}\n")
    return "\n".join(parts)


def _section(trainer: str, variant: str, report: Mapping[str, Any]) -> str:
    known = contract(trainer, variant)
    observations = [one for one in report["observations"] if one["variant"] == variant]
    agreement = verdicts(known, observations)
    lines = [
        f"### {trainer}, {variant}",
        "",
        _summary(known, observations, agreement),
        "",
        "| fault | rule | case | observed | claimed | agree | seen |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for seen in observations:
        claimed = claim(known, seen)
        cells = (
            seen["fault"],
            seen["rule"],
            seen["case"] or "",
            seen["effect"],
            claimed.value if claimed else "-",
            agreement[seen["fault"]],
            seen["evidence"],
        )
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _summary(
    known: Contract | None, observations: list[dict[str, Any]], agreement: Mapping[str, str]
) -> str:
    if known is None:
        return f"{len(observations)} faults; there is no contract of this setting yet."
    counts = {word: list(agreement.values()).count(word) for word in ("yes", "milder", "NO", "-")}
    text = (
        f"{len(observations)} faults: {counts['yes']} as claimed, {counts['milder']} milder, "
        f"{counts['NO']} otherwise, {counts['-']} without a claim."
    )
    harmed = [
        seen["fault"]
        for seen in observations
        if agreement[seen["fault"]] == "-" and seen["claimed"] and seen["effect"] in HARM
    ]
    if harmed:
        text += " Harm without a claim: " + ", ".join(harmed) + "."
    unseen = unseen_claims(known, observations)
    if unseen:
        text += " Read, not run: " + ", ".join(f"`{one}`" for one in unseen) + "."
    return text


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
