"""What the page of the HTML report tells, and what it leaves out: the JSON report in sentences.

Plain data for a template; draws nothing and knows no markup. Bounded, whatever the report holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pretok_schemas.rendering import percent
from pretok_schemas.text import plural, printable
from pytest_pretok.report.page_findings import NAME, finding_view
from pytest_pretok.report.views import (
    TONES,
    VERDICTS,
    DatasetView,
    Found,
    Lengths,
    Line,
    Matrix,
    Page,
    Shares,
    SplitView,
    broken_of,
    rank,
    tone_of,
    worst_tone,
)

LINES = 1000  # of the overview
NAMED = 3  # rules in one of them
SPLITS = 200  # told in full
PICTURED = 40  # of those, with pictures
FINDINGS = 300  # with examples
EXAMPLES = 5  # of one finding
REACH = 1.3  # a limit up to so many times the longest row is drawn


@dataclass(slots=True)
class _Room:
    """What may still be told in full; the worst splits come first."""

    splits: dict[tuple[int, int], int]  # (dataset, split) -> place in the order of telling
    examples: set[tuple[int, int, str]]

    @classmethod
    def of(cls, datasets: Sequence[Mapping[str, Any]]) -> _Room:
        """Share out the room of a report."""
        worst = sorted(_keys(datasets), key=lambda key: rank(_splits(datasets, key)["rules"]))
        told = {key: place for place, key in enumerate(worst[:SPLITS])}
        entries = [
            (n, m, rule)
            for n, m in told
            for rule in broken_of(_splits(datasets, (n, m))["rules"])
            if rule["examples"]
        ]
        entries.sort(key=lambda entry: TONES.index(tone_of(entry[2])))
        return cls(told, {(n, m, rule["rule"]) for n, m, rule in entries[:FINDINGS]})

    def pictures(self, key: tuple[int, int]) -> bool:
        """Whether a split has its pictures."""
        return self.splits.get(key, PICTURED) < PICTURED


def _keys(datasets: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    return [(n, m) for n, dataset in enumerate(datasets) for m in range(len(dataset["splits"]))]


def _splits(datasets: Sequence[Mapping[str, Any]], key: tuple[int, int]) -> Mapping[str, Any]:
    split: Mapping[str, Any] = datasets[key[0]]["splits"][key[1]]
    return split


def page_of(report: Mapping[str, Any]) -> Page:
    """The page of a JSON report (see `json_report`)."""
    datasets = report["datasets"]
    room = _Room.of(datasets)
    tones = [_dataset_tone(dataset) for dataset in datasets]
    views = (_dataset(n, dataset, tones[n], room) for n, dataset in enumerate(datasets))
    return Page(
        report["tool"],
        *_verdict(report, tones),
        _sums(datasets),
        tuple(_notes(report, room)),
        tuple(_overview(datasets, room)),
        tuple(view for view in views if view.splits or view.across),
    )


# -- the whole


def _verdict(report: Mapping[str, Any], tones: Sequence[str]) -> tuple[str, str]:
    datasets, of = Counter(tones), plural(len(tones), "dataset")
    name = printable(report["datasets"][0]["name"], 80) if report["datasets"] else ""
    many = len(tones) > 1
    if datasets["failed"]:
        broken = sum(1 for d in report["datasets"] for r in _rules(d) if r["outcome"] == "failed")
        which = f"{datasets['failed']:,} of {of}" if many else name
        verb = "break" if many and datasets["failed"] > 1 else "breaks"
        return "failed", f"Not fit to train on: {which} {verb} {plural(broken, 'rule')}."
    if not report["complete"]:
        return "unjudged", "The run was cut short: nothing broken so far, but not all was checked."
    if not report["ok"]:
        return "unjudged", "No verdict: some checks could not be made."
    if datasets["warned"]:
        which = f"{datasets['warned']:,} of {of}" if many else name
        return "warned", f"Fit to train on; {which} {'have' if many else 'has'} warnings."
    if set(tones) <= {"unseen"}:
        return "unseen", "Nothing was checked."
    which = f"{of} break" if many else f"{name} breaks"
    return "passed", f"Fit to train on: {which} no rule."


def _sums(datasets: Sequence[Mapping[str, Any]]) -> str:
    splits = [split for dataset in datasets for split in dataset["splits"]]
    rows, tokens = (sum(s[key] or 0 for s in splits) for key in ("rows", "tokens"))
    parts = (
        plural(len(datasets), "dataset"),
        plural(len(splits), "split"),
        plural(rows, "row"),
        plural(tokens, "token"),
    )
    return " · ".join(parts)


def _notes(report: Mapping[str, Any], room: _Room) -> Iterable[str]:
    if not report["complete"]:
        yield "The run was cut short; what it had not come to is missing here."
    yield from (printable(note, 500) for note in report["not_checked"][:20])
    splits = sum(len(dataset["splits"]) for dataset in report["datasets"])
    if splits > LINES:
        yield f"{splits - LINES:,} of {splits:,} splits are left out of the overview."
    if splits > SPLITS:
        yield (
            f"{SPLITS:,} of {splits:,} splits are told in full, those with findings first; a JSON "
            "report (--pretok-report=FILE.json) has all of them."
        )
    if splits > PICTURED:
        yield f"{PICTURED:,} splits have pictures, those with findings first."
    with_examples = sum(
        1
        for n, m in room.splits
        for rule in broken_of(report["datasets"][n]["splits"][m]["rules"])
        if rule["examples"]
    )
    if with_examples > FINDINGS:
        yield f"{FINDINGS:,} of {with_examples:,} findings have examples."


def _overview(datasets: Sequence[Mapping[str, Any]], room: _Room) -> Iterable[Line]:
    worst = sorted(_keys(datasets), key=lambda key: rank(_splits(datasets, key)["rules"]))
    told = set(worst[:LINES])
    for n, dataset in enumerate(datasets):
        name = printable(dataset["name"], NAME)
        for m, split in enumerate(dataset["splits"]):
            if (n, m) in told:
                anchor = f"d{n}s{m}" if (n, m) in room.splits else ""
                numbers = (_number(split["rows"]), _number(split["tokens"]), _trained(split))
                yield _line(anchor, name, split["name"], split["rules"], numbers)
        if broken_of(dataset["rules"]):
            yield _line(f"d{n}", name, "across splits", dataset["rules"], ("", "", ""))


def _line(
    anchor: str, dataset: str, split: str, rules: Sequence[Found], numbers: tuple[str, str, str]
) -> Line:
    tone = worst_tone(rules)
    broken = tuple(rule["rule"] for rule in broken_of(rules))
    shown, more = broken[:NAMED], len(broken[NAMED:])
    name = printable(split, NAME)
    return Line(anchor, dataset, name, tone, VERDICTS[tone], *numbers, shown, more)


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _trained(split: Mapping[str, Any]) -> str:
    if not split["tokens"] or split["trainable_shares"] is None:
        return ""
    return percent(split["trainable_tokens"] / split["tokens"])


# -- datasets and splits


def _rules(dataset: Mapping[str, Any]) -> list[Found]:
    return [*dataset["rules"], *(rule for split in dataset["splits"] for rule in split["rules"])]


def _dataset_tone(dataset: Mapping[str, Any]) -> str:
    return worst_tone(_rules(dataset))


def _dataset(number: int, dataset: Mapping[str, Any], tone: str, room: _Room) -> DatasetView:
    contract, trainer = dataset["contract"], dataset["trainer"]
    named = trainer if trainer.startswith(f"{contract} ") else f"{contract} ({trainer})"
    about = [("contract", named)]
    about += [("declared at", dataset["declared_at"])] if dataset["declared_at"] else []
    about += [(key, _setting(value)) for key, value in dataset["settings"].items()]
    if dataset["path"] != dataset["name"]:
        about.insert(0, ("path", dataset["path"]))
    return DatasetView(
        f"d{number}",
        printable(dataset["name"], NAME),
        tone,
        VERDICTS[tone],
        tuple((key, printable(value, NAME)) for key, value in about),
        tuple(finding_view(rule, EXAMPLES) for rule in broken_of(dataset["rules"])),
        tuple(
            _split(number, m, dataset, split, room)
            for m, split in enumerate(dataset["splits"])
            if (number, m) in room.splits
        ),
    )


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def _split(
    number: int, at: int, dataset: Mapping[str, Any], split: Mapping[str, Any], room: _Room
) -> SplitView:
    tone = worst_tone(split["rules"])
    pictured = room.pictures((number, at))
    broken = broken_of(split["rules"])
    findings = [
        finding_view(rule, EXAMPLES if (number, at, rule["rule"]) in room.examples else 0)
        for rule in broken
    ]
    of = {tone: [r for r in split["rules"] if tone_of(r) == tone] for tone in TONES}
    return SplitView(
        f"d{number}s{at}",
        printable(split["name"], NAME),
        tone,
        VERDICTS[tone],
        tuple(_facts(split)),
        _lengths(split, dataset["settings"].get("sequence-len")) if pictured else None,
        _shares(split) if pictured else None,
        tuple(findings),
        _matrix(split),
        tuple((r["rule"], _because(r)) for r in of["unjudged"] if not r["violations"]),
        tuple(r["rule"] for r in of["passed"]),
        tuple(r["rule"] for r in of["unseen"]),
    )


def _facts(split: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if split["rows"] is None:
        return
    yield "rows", f"{split['rows']:,}"
    yield "tokens", f"{split['tokens']:,}"
    trained = _trained(split)
    if trained:
        yield "trained", trained
    if split["tokens"]:
        lengths = split["lengths"]
        least, most = lengths["min"], lengths["max"]
        yield "lengths", f"{least:,} – {most:,}" if least < most else f"{most:,}"
        yield "median", f"{lengths['p50']:,}"
        yield "99 % up to", f"{lengths['p99']:,}"
    if len(split["shards"]) > 1:
        yield "files", f"{len(split['shards']):,}"


def _lengths(split: Mapping[str, Any], limit: int | None) -> Lengths | None:
    histogram = split["length_histogram"]
    if histogram is None:
        return None
    says = "Rows by length in tokens"
    last = histogram["start"] + histogram["width"] * len(histogram["rows"])
    if limit is not None and limit > REACH * last:
        within = split["lengths"]["max"] <= limit
        says += f"; all within sequence-len, {limit:,}" if within else ""
        limit = None
    elif limit is not None:
        says += f"; the line is sequence-len, {limit:,}"
    if histogram["beyond"]:
        says += f"; {plural(histogram['beyond'], 'row')} of {last:,} tokens and more not shown"
    return Lengths(histogram, limit, f"{says}.")


def _shares(split: Mapping[str, Any]) -> Shares | None:
    rows = split["trainable_shares"]
    if rows is None:
        return None
    says = "Rows by the share of their tokens that is trained"
    if rows[0]:
        says += f"; {rows[0]:,} train{'s' if rows[0] == 1 else ''} none"
    return Shares(tuple(rows), f"{says}.")


def _because(rule: Found) -> str:
    if rule["reason"]:
        return printable(rule["reason"], 300)
    return f"because of {rule['because']}" if rule["because"] else "no reason known"


def _matrix(split: Mapping[str, Any]) -> Matrix | None:
    pairs = {tuple(pair["rules"]): pair["rows"] for pair in split["together"] or ()}
    if not pairs:
        return None
    own = {rule["rule"]: rule["violations"] or 0 for rule in split["rules"]}
    rules = [name for name in own if any(name in pair for pair in pairs)]

    def cell(first: str, second: str) -> tuple[int, float] | None:
        rows = pairs.get((first, second), pairs.get((second, first), 0))
        return (rows, rows / min(own[first], own[second])) if rows else None

    lines = tuple(
        (*(cell(second, first) for second in rules[:at]), (own[first], 0.0))
        for at, first in enumerate(rules)
    )
    return Matrix(tuple(rules), lines, tuple(split["together_left_out"] or ()))
