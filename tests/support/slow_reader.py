"""The rules once more, in plain Python over plain rows: one loop a row, nothing shared with ours.

Written from the definitions of the rules, not from their code; imports nothing of the project.
`slow_row` tells what stands in a row, `slow_split` what only the whole split can tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from tests.support.rows import Known, Row
from tests.support.slow_cells import Cells
from tests.support.slow_row import Fault, SlowRow
from tests.support.slow_split import SlowSplit

__all__ = ["Fault", "Faults", "violations"]

Faults = dict[str, dict[int, Fault]]
WHOLE = -1  # the row of a fault of the split as a whole

CONVENTIONS = ("ignore-index-in-ids", "labels-shifted", "labels-are-a-mask", "wrong-ignore-value")
NO_SAY = (*CONVENTIONS, "wrapped")
PADS = ("loss-mask", "trailing-padding", "leading-padding")

# In the order of causes: a rule, and what leaves a row out of it. "wrapped" stands for a wrapped
# -100, which alone of all labels out of range explains the rest of its row; "loss-mask" for a
# mask-hole whose mask is the loss mask.
ORDER: dict[str, tuple[str, ...]] = {
    "column-type": (),
    "null-row": (),
    "null-token": (),
    "length-mismatch": (),
    "empty-row": (),
    "ignore-index-in-ids": (),
    "mask-values": (),
    "mask-all-zero": (),
    "mask-hole": (),
    "trailing-padding": ("mask-all-zero", "loss-mask"),
    "leading-padding": ("mask-all-zero", "loss-mask"),
    "trained-under-mask": (),
    "labels-shifted": ("ignore-index-in-ids",),
    "labels-are-a-mask": ("ignore-index-in-ids", "labels-shifted"),
    "wrong-ignore-value": (
        "wrong-kind",
        "ignore-index-in-ids",
        "labels-shifted",
        "labels-are-a-mask",
    ),
    "trained-padding": ("trained-under-mask", "ignore-index-in-ids", "labels-shifted"),
    "label-out-of-range": CONVENTIONS,
    "label-not-input-id": ("wrong-kind", *NO_SAY),
    "no-trainable-token": NO_SAY,
    "token-out-of-vocab": ("ignore-index-in-ids",),
    "cut-at-limit": ("wrong-kind", *NO_SAY, *PADS, "trained-padding"),
    "missing-eos": ("wrong-kind", *NO_SAY, "trained-padding", "cut-at-limit"),
    "eos-never-trained": ("wrong-kind", *NO_SAY, "label-not-input-id"),
    "end-id-masked": ("wrong-kind", *NO_SAY, "eos-never-trained"),
    "double-bos": ("ignore-index-in-ids", "loss-mask", "leading-padding", "mask-all-zero"),
    "inconsistent-bos": ("ignore-index-in-ids", *PADS),
    "inner-bos": ("ignore-index-in-ids", "double-bos", "leading-padding"),
    "prompt-not-masked": ("wrong-kind", "loss-mask", "leading-padding", *NO_SAY),
    "mixed-masking": ("wrong-kind", "loss-mask", "leading-padding", *NO_SAY),
    "prompt-boundary": ("wrong-kind", *NO_SAY, "mixed-masking"),
    "repetition": ("ignore-index-in-ids", *PADS, "trained-padding"),
    "short-row": ("no-trainable-token",),
    "too-long": (),
    "packed-without-boundaries": ("ignore-index-in-ids", "double-bos"),
}


def violations(rows: Iterable[Row], known: Known) -> Faults:
    """By rule, the violating rows and their faults; rules that no row breaks are left out."""
    found: Faults = defaultdict(dict)
    slow = [SlowRow(Cells(row), known) for row in rows]
    split = SlowSplit(slow, known)
    for rule, text in split.of_split().items():
        found[rule][WHOLE] = Fault(found=text)
    kind = {"wrong-kind"} & set(found)
    seen: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
    labelled: dict[tuple[int, ...], tuple[int, list[int], bool]] = {}
    for number, row in enumerate(slow):
        candidates = row.candidates() | split.candidates(row)
        speaks = set(kind)
        for rule, causes in ORDER.items():
            if rule in candidates and not speaks & set(causes):
                found[rule][number] = candidates[rule]
                speaks.add(rule)
                if rule == "mask-hole" and row.masks_the_loss():
                    speaks.add("loss-mask")
                if rule == "label-out-of-range" and set(row.wrapped()) & set(row.labels):
                    speaks.add("wrapped")
        if row.labelled and row.ids:
            first = seen.setdefault((tuple(row.ids), tuple(row.labels)), number)
            if first != number:
                found["duplicate-rows"][number] = Fault(found=f"train[{first}]")
            ids = tuple(row.ids)
            other, labels, told = labelled.setdefault(ids, (number, row.labels, False))
            if labels != row.labels and not told:
                found["conflicting-labels"][number] = Fault(found=f"train[{other}]")
                labelled[ids] = (other, labels, True)
    return dict(found)
