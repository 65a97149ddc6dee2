"""The facts of a split as text for a terminal. Knows plain values alone."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from pretok_schemas.rendering import percent
from pretok_schemas.text import plural, printable
from pytest_pretok.report.summary import AT_START

Namer = Callable[[list[int]], str]
LABEL = 12  # columns of what a line is about
BLOCKS = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589"
GLUE = "\u00a0"  # a space that no line ends at
FULL = "\u2588"


def paragraphs(name: str, files: str, facts: dict[str, Any], namer: Namer, width: int) -> list[str]:
    """All that is told of one split, in lines of at most ``width`` columns."""
    lines = [name] if files == name else [name, f"  {'files':{LABEL}}{printable(files, 200)}"]
    for label, text in _lines(facts, namer):
        wrapped = textwrap.wrap(
            text,
            width - 1,
            initial_indent=f"  {label:{LABEL}}",
            subsequent_indent=" " * (LABEL + 2),
            break_on_hyphens=False,
        )
        lines += [line.replace(GLUE, " ") for line in wrapped]
        if label == "lengths":
            lines += _bars(facts["histogram"], width)
    for one in facts["unreadable"]:
        lines.append(f"  {'unreadable':{LABEL}}{one['file']}: {one['reason']}")
    return lines


def _lines(facts: dict[str, Any], namer: Namer) -> Iterator[tuple[str, str]]:
    rows = plural(facts["rows"], "row")
    if facts["rows_without_ids"]:
        rows += f" ({facts['rows_without_ids']:,} without readable ids)"
    tokens = plural(facts["tokens"], "token")
    if facts["trainable_share"] is not None:
        tokens += f", {facts['trainable_tokens']:,} trained ({percent(facts['trainable_share'])})"
    yield "rows", f"{rows}, {tokens}"
    if facts["lengths"]:
        names = {"0": "least", "50": "median", "100": "largest"}
        yield (
            "lengths",
            "   ".join(f"{names.get(p, 'p' + p)}{GLUE}{n:,}" for p, n in facts["lengths"].items()),
        )
    for role, told in facts["special_ids"].items():
        yield role, _special(told, namer)
    yield from _runs(facts, namer)
    if facts["batches"]["rows"]:
        yield from _batches(facts["batches"])
    elif facts["rows"]:
        yield "epoch", "no row that the trainer would keep"


def _special(told: dict[str, Any], namer: Namer) -> str:
    ids = ", ".join(f"{one} {text}" if (text := namer([one])) else str(one) for one in told["ids"])
    text = f"{ids}: {told['count']:,} in the rows"
    if "rows_begin" in told:
        text += f"; {percent(told['rows_begin'])} of the rows begin with it"
    if "rows_end" in told:
        text += f"; {percent(told['rows_end'])} of the rows end with {_it(told['ids'])}"
    return text


def _it(ids: list[int]) -> str:
    return "it" if len(ids) == 1 else "one of them"


def _runs(facts: dict[str, Any], namer: Namer) -> Iterator[tuple[str, str]]:
    runs = facts["trained_runs"]
    if not runs:
        return
    begins = [
        f"{AT_START} ({percent(n / runs)})"
        if ids == [-1, -1]
        else f"after {_named([one for one in ids if one >= 0], namer)} ({percent(n / runs)})"
        for ids, n in facts["runs_begin"]
    ]
    ends = [f"with {_named([one], namer)} ({percent(n / runs)})" for one, n in facts["runs_end"]]
    yield "trained", f"{plural(runs, 'run')}, beginning {', '.join(begins)}"
    yield "", f"and ending {', '.join(ends)}"


def _named(ids: list[int], namer: Namer) -> str:
    return namer(ids) or f"[{', '.join(map(str, ids))}]"


def _batches(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    left = told["rows_left_out"]
    out = f" ({plural(left, 'row')} left out by the length policy)" if left else ""
    if told["packing"] and "bins" not in told:
        yield "packing", f"how many bins it makes is known once sequence-len is{out}"
        return
    if told["packing"]:
        into = f"{plural(told['bins'], 'bin')} of {told['sequence_len']:,}"
        rows = plural(told["rows"], "row")
        yield "packing", f"{rows}{out} in {into}, {percent(told['fill'])} full"
        yield "", told["algorithm"]
    else:
        size = plural(told["batch_size"], "row")
        assumed = ", as nothing says how many" if told["batch_size_assumed"] else ""
        in_order, in_sorted = told["padding_share"], told["padding_share_sorted"]
        text = f"{percent(in_order)} of batches of {size}{assumed}, in file order; "
        yield "padding", f"{text}{percent(in_sorted)} if rows are sorted by length{out}"
    epoch = plural(told["tokens_per_epoch"], "token")
    if "steps_per_epoch" in told:
        steps = plural(told["steps_per_epoch"], "batch", "batches")
        unit = "bin" if told["packing"] else "row"
        epoch += f", {steps} of {plural(told['batch_size'], unit)}"
    yield "epoch", epoch


def _bars(histogram: list[dict[str, int]], width: int) -> Iterator[str]:
    most = max((one["rows"] for one in histogram), default=0)
    if not most or len(histogram) < 2:
        return
    spans = [f"{one['from']:,} - {one['to']:,}" for one in histogram]
    counts = [f"{one['rows']:,}" for one in histogram]
    wide, number = max(map(len, spans)), max(map(len, counts))
    room = min(60, width - LABEL - wide - number - 8)
    for span, count, one in zip(spans, counts, histogram, strict=True):
        bar = _bar(one["rows"] / most, max(8, room))
        yield f"{'':{LABEL + 2}}{span:>{wide}}  {count:>{number}}  {bar}".rstrip()


def _bar(share: float, room: int) -> str:
    eighths = round(share * room * 8)
    eighths = max(1, eighths) if share else 0
    return FULL * (eighths // 8) + (BLOCKS[eighths % 8] if eighths % 8 else "")
