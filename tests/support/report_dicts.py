"""Reports as dictionaries, made without a run: any names, texts and numbers of findings."""

from __future__ import annotations

from typing import Any

from pretok_schemas.findings import Effect, Example, Finding, Outcome, Severity

Report = dict[str, Any]

HOSTILE = {
    "html": "<script>alert(1)</script><img src=x onerror=y>",
    "pipe": "a|b\\|c",
    "backticks": "``` `a` ``` ``",
    "newline": "a\n## b\r\n- c\u2028d",
    "ansi": "\x1b[31mred\x1b[0m\x07",
    "rtl": "\u202egnp.exe\u2066\u200b",
    "command": "::error file=x,line=1::y",
    "percent": "100%0A%0D::%3A%2C,a=b:c",
    "mention": "@octocat #1 https://example.org www.example.org",
    "markdown": "*a* _b_ [c](d) ![e](f) ~~g~~ &amp; {0} [x](1)",
    "surrogate": "a\udcffb",
    "old-command": "##[error]x]y;z",
}


def finding(
    outcome: Outcome = Outcome.FAILED,
    rule: str = "label-not-input-id",
    example: Example | None = None,
    **more: Any,
) -> Finding:
    """A finding of 3 of 24 rows."""
    values: dict[str, Any] = {
        "violations": 3,
        "total": 24,
        "effect": Effect.SILENT,
        "consequence": "these tokens are trained towards a wrong id",
        "help": "a label must be the input id at the same position",
        "about": "a label is another id than the input at its place",
        "evidence": "found",
        "examples": () if example is None else (example,),
        **more,
    }
    severity = Severity.WARNING if outcome is Outcome.WARNED else Severity.ERROR
    return Finding(rule, outcome, severity, **values)


def rule_entry(found: Finding, split: str | None = "train", **more: Any) -> Report:
    """A finding as it stands in a report."""
    return {
        **found.to_dict(),
        "id": f"pyproject.toml::sft::{found.rule}[{split}]",
        "split": split,
        "baseline": None,
        "tolerated": False,
        **more,
    }


def split_entry(name: str, rules: list[Report], path: str = "data/a.parquet") -> Report:
    """A split of 24 rows in one shard."""
    return {
        "name": name,
        "shards": [{"path": path, "rows": 24, "format": "parquet"}],
        "rows": 24,
        "tokens": 960,
        "labelled_tokens": 936,
        "trainable_tokens": 468,
        "lengths": {"min": 8, "p50": 40, "p95": 50, "p99": 52, "max": 53},
        "rules": rules,
    }


def dataset_entry(
    name: str, splits: list[Report], declared_at: str | None = "pyproject.toml:3", **more: Any
) -> Report:
    """A dataset for Axolotl."""
    return {
        "name": name,
        "declared_at": declared_at,
        "contract": "axolotl",
        "trainer": "axolotl 0.19.0",
        "settings": {"packing": False},
        "path": "data",
        "rules": [],
        "splits": splits,
        **more,
    }


def report_of(datasets: list[Report], **more: Any) -> Report:
    """The report of a run that came to its end, in a checkout at /repo."""
    rules = [rule for d in datasets for s in d["splits"] for rule in s["rules"]]
    return {
        "version": 1,
        "tool": "pytest-pretok 0.0.0",
        "ok": all(rule["outcome"] != "failed" for rule in rules),
        "complete": True,
        "errors": 0,
        "root": "/repo",
        "source_root": "/repo",
        "not_checked": [],
        "datasets": datasets,
        **more,
    }


def one(found: Finding, **more: Any) -> Report:
    """The report of one finding."""
    return report_of([dataset_entry("sft", [split_entry("train", [rule_entry(found, **more)])])])


def hostile_report(text: str) -> Report:
    """A report that holds one text wherever data or its names can put one."""
    example = Example(*(5, 5, f"data/{text}.jsonl", text, 2, text, text, "labels", 9), line=6)
    found = [
        finding(example=example, cause=f"because of {text}", consequence=f"trains {text}"),
        finding(Outcome.WARNED, "missing-eos", example),
        finding(Outcome.NOT_EVALUATED, "mask-hole", None, reason=f"lost: {text}", violations=0),
    ]
    rules = [rule_entry(one, text, id=f"{text}::sft[{text}]") for one in found]
    known = finding(Outcome.PASSED, "double-bos", example)
    rules.append(rule_entry(known, text, baseline=3, tolerated=True))
    splits = [split_entry(text, rules, f"data/{text}.jsonl")]
    datasets = [dataset_entry(text, splits), dataset_entry(text, splits, None, path=text)]
    return report_of(datasets, not_checked=[f"{text}: not checked"], errors=1)


def large_report(datasets: int = 300, splits: int = 20, rules: int = 8) -> Report:
    """A report with a finding for every rule on every split, each with three examples."""
    names = (
        *("label-not-input-id", "mask-hole", "null-row", "token-out-of-vocab", "trailing-padding"),
        *("missing-eos", "double-bos", "duplicate-rows"),
    )
    long = "x" * 300

    def entries(split: str) -> list[Report]:
        found = []
        for number in range(rules):
            outcome = Outcome.FAILED if number < 5 else Outcome.WARNED
            examples = tuple(
                Example(row, row, f"data/{long}/{split}.jsonl", split, 1, 5, 6, line=row + 1)
                for row in range(3)
            )
            one_finding = finding(outcome, names[number], cause=long, examples=examples)
            found.append(rule_entry(one_finding, split, id=f"pyproject.toml::{long}::{split}"))
        return found

    made = [split_entry(f"split-{number}", entries(f"split-{number}")) for number in range(splits)]
    return report_of(
        [dataset_entry(f"{long}-{number}", made) for number in range(datasets)],
        not_checked=[long] * 500,
    )
