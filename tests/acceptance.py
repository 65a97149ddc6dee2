"""Compare our verdicts with a folder's manifest: ``python -m tests.acceptance FOLDER``.

The manifest lists real datasets with the findings that plain per-row loops computed. Each entry is
declared with its vocabulary and special ids, all of them are checked in one run, and the rows of
every finding are compared. Entries that were made for another trainer than Axolotl are checked once
more under its contract, where they must be clean. Prints a table; exit 1 where an entry disagrees.

With ``--tables`` after the folder, each entry is also judged in memory: by
`pretok_schemas.validate` as a pyarrow table, a pandas and a Polars frame, and by the Pandera schema
of each; all of them must find the rows that the plugin found in the files.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

# The manifest's names -> the rules that may report such a row. The first is the rule itself; the
# others explain the row by its cause and leave it out of the first.
SHIFT_LIKE = ("labels-shifted", "labels-are-a-mask", "wrong-ignore-value", "wrong-kind")
RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"no_trainable(_after_0)?", ("no-trainable-token", *SHIFT_LIKE)),
    (r"id_ge_vocab|id_out_of_vocab|negative_id", ("token-out-of-vocab", "ignore-index-in-ids")),
    (r"ignore_index_in_ids|id_minus_100", ("ignore-index-in-ids",)),
    (
        r"label_ge_vocab|label_out_of_range|negative_label.*|label_wrap.*",
        ("label-out-of-range", *SHIFT_LIKE),
    ),
    (r"missing_eos", ("missing-eos", "cut-at-limit", *SHIFT_LIKE)),
    (r"double_bos", ("double-bos",)),
    (r"label_not_id", ("label-not-input-id", "label-out-of-range", *SHIFT_LIKE)),
    (r"preshifted(\.mostly)?|shifted.*", ("labels-shifted",)),
    (r"trailing_pad\..*", ("trailing-padding",)),
    (r"leading_pad\..*|left_pad\..*", ("leading-padding",)),
    (r"null_element\..*", ("null-token",)),
    (r"null_(row|cell)(\..*)?", ("null-row",)),
    (r"not_a_list\..*|nested\..*|float_value\.(ids|labels)", ("column-type",)),
    (r"length_mismatch.*|len_.*mismatch.*|ragged.*", ("length-mismatch",)),
    (r"mask_values?(\..*)?|mask_not_01", ("mask-values",)),
    (r"mask_hole.*", ("mask-hole",)),
    (r"mask_all_zero|all_masked", ("mask-all-zero",)),
    (r"trained_under_mask|label_under_mask.*", ("trained-under-mask",)),
    (r"empty(_row)?|len_0", ("empty-row",)),
)
# Facts that are no fault by themselves, or the subject of rules that this version does not have.
NO_FAULT = re.compile(
    r"bool_value\..*|trailing_pad_run\..*|trailing_ambiguous\..*"
    r"|missing_bos|inner_bos|duplicate.*|repetition.*"
)
# Who made an entry -> its contract, and what the manifest finds that is right there.
OWN: tuple[tuple[str, str, str], ...] = (
    (r"trl_", "trl", r"-"),
    (r"torchtune_", "torchtune", r"label_not_id|preshifted.*"),
    (r"lf_", "llama-factory", r"-"),
    (r"(alpacalora|stanford|qlora|fastchat)_", "transformers", r"-"),
)
ROLES = {"ids": "input_ids", "mask": "attention_mask", "labels": "labels"}


@dataclass
class Verdict:
    """What we said of one entry: error and warning rows by rule, and rules of files."""

    rows: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    errors: set[str] = field(default_factory=set)
    read: bool = True


def main(folder: Path, tables: bool = False) -> int:
    """Check every entry and print the table; 0 if all agree."""
    entries = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    entries += [own for entry in entries if (own := under_own_contract(entry)) is not None]
    with tempfile.TemporaryDirectory() as scratch:
        verdicts = check(folder, entries, Path(scratch))
    table = [("dataset", "contract", "expected", "found", "agree")]
    wrong = 0
    for entry, verdict in zip(entries, verdicts, strict=True):
        expected, found, faults = compare(entry, verdict)
        if tables:
            faults += in_memory(folder, entry, verdict)
        wrong += bool(faults)
        contract = entry.get("contract", "axolotl")
        table.append((entry["path"], contract, expected, found, "; ".join(faults) or "yes"))
    widths = [max(len(row[i]) for row in table) for i in range(4)]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[4]]))
    print(f"{len(entries) - wrong} of {len(entries)} agree")
    return 1 if wrong else 0


def in_memory(folder: Path, entry: dict[str, Any], verdict: Verdict) -> list[str]:
    """Where the entry's rows are judged otherwise when they are a table."""
    from tests.acceptance_tables import disagreements

    return disagreements(
        folder / entry["path"], entry, verdict.errors, verdict.rows, renamed_columns(entry)
    )


def renamed_columns(entry: dict[str, Any]) -> dict[str, str]:
    """By role, the columns of an entry that have another name."""
    used = entry.get("columns_used", {}).items()
    return {ROLES[role]: name for role, name in used if role in ROLES}


def under_own_contract(entry: dict[str, Any]) -> dict[str, Any] | None:
    """An entry under the contract of the trainer that it was made for, None if that is Axolotl."""
    for pattern, contract, right in OWN:
        if re.match(pattern, entry["path"]):
            findings = entry["expected"].get("findings", {})
            left = {n: f for n, f in findings.items() if not re.fullmatch(right, n)}
            expected = {**entry["expected"], "findings": left, "missing_columns": []}
            return {**entry, "expected": expected, "contract": contract}
    return None


def check(folder: Path, entries: list[dict[str, Any]], scratch: Path) -> list[Verdict]:
    """Declare all entries in one table, run pytest on it, and read what it wrote."""
    declaration = scratch / "pyproject.toml"
    tables = [declare(folder, number, entry) for number, entry in enumerate(entries)]
    declaration.write_text("\n".join(["[tool.pretok]", *tables]), encoding="utf-8")
    report, violations = scratch / "report.json", scratch / "violations.parquet"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--no-header",
        "--tb=no",
        "-p",
        "no:cacheprovider",
    ]
    options = [f"--pretok-data={declaration}", f"--pretok-report={report}"]
    options.append(f"--pretok-violations={violations}")
    done = subprocess.run(
        [*command, *options, f"--rootdir={scratch}"], cwd=scratch, capture_output=True, text=True
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    verdicts = [Verdict() for _ in entries]
    for dataset in json.loads(report.read_text(encoding="utf-8"))["datasets"]:
        verdict = verdicts[int(dataset["name"].split("-")[0])]
        for finding in dataset["splits"][0]["rules"]:
            if finding["outcome"] == "failed":
                verdict.errors.add(finding["rule"])
            if finding["rule"] == "unreadable-file" and finding["outcome"] == "failed":
                verdict.read = False
    for row in pq.read_table(violations).to_pylist():
        rows = verdicts[int(row["dataset"].split("-")[0])].rows[row["rule"]]
        rows.append(-1 if row["row"] is None else row["row"])
    return verdicts


def declare(folder: Path, number: int, entry: dict[str, Any]) -> str:
    """The declaration of one entry."""
    name = f"{number}-{re.sub('[^A-Za-z0-9.-]', '_', entry['path'])}"
    lines = [f'[tool.pretok.datasets."{name}"]']
    path = folder / entry["path"]
    lines.append(f"splits = {{ train = {json.dumps(str(path))} }}")
    if "contract" in entry:
        lines.append(f"contract = {json.dumps(entry['contract'])}")
    for key, name in (
        ("vocab_size", "vocab-size"),
        ("pad_id", "pad-token-id"),
        ("bos_id", "bos-token-id"),
        ("eos_ids", "eos-token-ids"),
    ):
        if entry.get(key) is not None:
            lines.append(f"{name} = {json.dumps(entry[key])}")
    renamed = renamed_columns(entry)
    if renamed:
        pairs = ", ".join(f"{role} = {json.dumps(name)}" for role, name in renamed.items())
        lines.append(f"columns = {{ {pairs} }}")
    return "\n".join(lines) + "\n"


def compare(entry: dict[str, Any], verdict: Verdict) -> tuple[str, str, list[str]]:
    """(expected, found, disagreements) of one entry, as short texts."""
    expected = entry["expected"]
    faults: list[str] = []
    allowed: set[str] = set()
    by_rule: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    causes: dict[str, tuple[str, ...]] = {}
    findings = dict(expected.get("findings", {}))
    if "no_trainable_after_0" in findings:
        findings.pop("no_trainable", None)
    for name, finding in findings.items():
        if NO_FAULT.fullmatch(name):
            continue
        rules = next((rules for pattern, rules in RULES if re.fullmatch(pattern, name)), None)
        if rules is None:
            faults.append(f"{name}: no rule is known for it")
            continue
        by_rule[rules[0]].append((name, finding))
        causes[rules[0]] = rules
    for rule, named in by_rule.items():
        faults += compare_rows(rule, causes[rule], [finding for _, finding in named], verdict)
        allowed.update(causes[rule])
    if expected.get("missing_columns"):
        allowed.add("missing-column")
        if "missing-column" not in verdict.errors:
            faults.append("missing-column not found")
    if not expected.get("readable", True):
        allowed.add("unreadable-file")
    if verdict.read != expected.get("readable", True):
        faults.append("readable or not: disagree")
    rows = expected.get("stats", {}).get("rows")
    if rows == 0:
        allowed.add("no-rows")
        if "no-rows" not in verdict.errors:
            faults.append("no-rows not found")
    if beyond := sorted(verdict.errors - allowed):
        faults.append(f"beyond: {', '.join(beyond)}")
    wanted = [f"{name} {finding['n']}" for named in by_rule.values() for name, finding in named]
    wanted += ["missing column"] if expected.get("missing_columns") else []
    found = [f"{rule} {len(rows)}" for rule, rows in sorted(verdict.rows.items())]
    return ", ".join(wanted) or "clean", ", ".join(found) or "clean", faults


def compare_rows(
    rule: str, rules: tuple[str, ...], findings: list[dict[str, Any]], verdict: Verdict
) -> list[str]:
    """Disagreements about one rule's rows; the manifest tells how many there are and the first."""
    if verdict.rows.get("wrong-kind"):
        return []  # one finding for all rows
    own = set(verdict.rows.get(rule, []))
    explained = own.union(*(verdict.rows.get(cause, []) for cause in rules))
    faults = []
    least, most = max(f["n"] for f in findings), sum(f["n"] for f in findings)
    # A cause may speak of rows that the plain loop did not list under this name.
    if len(explained) < least or len(own) > most:
        faults.append(
            f"{rule}: {least} rows expected, {len(own)} found ({len(explained)} with causes)"
        )
    first = {row for finding in findings for row in finding["first"]}
    if first - explained:
        faults.append(f"{rule}: rows {sorted(first - explained)[:5]} not found")
    return faults


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--tables"]):
        raise SystemExit(__doc__)
    raise SystemExit(main(Path(sys.argv[1]).resolve(), tables=len(sys.argv) == 3))
