"""One row and what stands in it, told with loops: the part of the slow reader about single rows.

Written from the definitions of the rules, not from their code; imports nothing of the project.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.support.rows import Known
from tests.support.slow_cells import Cells

SHIFTS = (1, -1, 2, -2, 3, -3)


@dataclass(frozen=True)
class Fault:
    """Where a rule is broken in a row, and what stands there; ``found`` is ... where any text
    will do. A mild fault is worth a warning only.
    """

    position: int | None = None
    found: Any = ...
    mild: bool = False


class SlowRow:
    """One row and the faults in it."""

    def __init__(self, cells: Cells, known: Known) -> None:
        self.cells = cells
        self.known = known
        self.ids: list[int] = cells.read("input_ids") or []
        self.mask: list[float] = cells.read("attention_mask") or []
        self.labels: list[int] = cells.read("labels") or []
        self.masked = cells.equally_long("input_ids", "attention_mask")
        self.labelled = cells.equally_long("input_ids", "labels")
        self.length = len(self.ids)
        self.trained = [i for i, label in enumerate(self.labels) if label != -100]
        self.shift, self.could_be = self.find_shift()

    def find_shift(self) -> tuple[int, set[int]]:
        """The constant shift of the labels (0: none), and those that too few places allow."""
        best, best_share = 0, 0.0
        allowed: set[int] = set()
        if not self.labelled or -100 in self.ids:
            return 0, allowed
        for k in SHIFTS:
            places = [
                i
                for i in self.trained
                if 0 <= i + k < self.length and self.ids[i] != self.ids[i + k]
            ]
            there = sum(self.labels[i] == self.ids[i + k] for i in places)
            here = sum(self.labels[i] == self.ids[i] for i in places)
            if not places or there < 0.9 * len(places) or here >= 0.5 * len(places):
                continue
            if len(places) < 4:
                allowed.add(k)
            elif there / len(places) > best_share:
                best, best_share = k, there / len(places)
        return best, set() if best else allowed

    def candidates(self) -> dict[str, Fault]:
        """The rules that the row breaks by itself, whatever explains what."""
        found = self.of_cells()
        if self.cells.read("input_ids") is not None:
            found |= self.of_ids()
        if self.masked and self.length:
            found |= self.of_mask()
        for rule, place in (
            ("trailing-padding", self.trailing()),
            ("leading-padding", self.leading()),
        ):
            if place is not None:
                edge = -1 if rule == "trailing-padding" else 0
                shown = self.masked and self.mask[edge] == 0
                found[rule] = Fault(place, self.ids[place], not shown and self.known.pad is None)
        if self.labelled and self.length:
            found |= self.of_labels()
        return found

    def of_cells(self) -> dict[str, Fault]:
        """What cannot be read, and what is not equally long."""
        found = {}
        if self.cells.foreign:
            mild = all(name in self.cells.mild for name in self.cells.foreign)
            found["column-type"] = Fault(mild=mild)
        if self.cells.null:
            found["null-row"] = Fault(found="null")
        if self.cells.holes:
            found["null-token"] = Fault(next(iter(self.cells.holes.values())), "null")
        ids = self.cells.read("input_ids")
        for name in ("attention_mask", "labels"):  # where both differ, the labels are named
            other = self.cells.read(name)
            if ids is not None and other is not None and len(other) != len(ids):
                found["length-mismatch"] = Fault(found=len(other))
        return found

    def of_ids(self) -> dict[str, Fault]:
        """Rules about ids and lengths."""
        found = {}
        limit, vocab = self.known.sequence_len, self.known.vocab
        if not self.ids:
            found["empty-row"] = Fault(found=0)
        elif self.length < self.known.min_sample_len:
            found["short-row"] = Fault(found=self.length)
        if limit is not None and self.length > limit:
            found["too-long"] = Fault(limit, self.length)
        if -100 in self.ids:
            found["ignore-index-in-ids"] = Fault(self.ids.index(-100), -100)
        for i, value in enumerate(self.ids):
            if not 0 <= value < (2**63 if vocab is None else vocab):
                found["token-out-of-vocab"] = Fault(i, value)
                break
        return found

    def of_mask(self) -> dict[str, Fault]:
        """Rules about the mask."""
        found = {}
        odd = [i for i, value in enumerate(self.mask) if value not in (0, 1)]
        if odd:
            found["mask-values"] = Fault(odd[0], self.mask[odd[0]], self.numbers_documents())
        attended = [i for i, value in enumerate(self.mask) if value != 0]
        if not attended:
            found["mask-all-zero"] = Fault(found=0)
        zeros = [i for i, value in enumerate(self.mask) if value == 0]
        inner = [i for i in zeros if attended and attended[0] < i < attended[-1]]
        if inner:
            found["mask-hole"] = Fault(inner[0], 0)
        if self.labelled:
            under = [i for i in zeros if i >= 1 and self.labels[i] != -100]
            if under:
                found["trained-under-mask"] = Fault(under[0], self.labels[under[0]])
        return found

    def has_hole(self) -> bool:
        """Whether a zero of the mask stands between two values that are none."""
        shown = [i for i, value in enumerate(self.mask) if value != 0]
        return any(self.mask[i] == 0 for i in range(min(shown, default=0), max(shown, default=0)))

    def masks_the_loss(self) -> bool:
        """Whether the mask is 0 just where the labels are -100, but not everywhere."""
        if not (self.masked and self.labelled) or all(self.mask) or not any(self.mask):
            return False
        return all(
            (value == 0) == (label == -100)
            for value, label in zip(self.mask, self.labels, strict=True)
        )

    def numbers_documents(self) -> bool:
        """Whether the mask counts documents: from 1, by steps of 0 or 1, zeros at the end only."""
        text = list(self.mask)
        while text and text[-1] == 0:
            text.pop()
        steps = [b - a for a, b in pairwise(text)]
        return 0 not in text and text[0] == 1 and all(step in (0, 1) for step in steps)

    def of_labels(self) -> dict[str, Fault]:
        """Rules about labels."""
        found = {}
        if self.shift:
            found["labels-shifted"] = self.first_wrong()
        if self.is_loss_mask():
            found["labels-are-a-mask"] = self.first_wrong()
        outside = [
            i
            for i in self.trained
            if self.labels[i] in self.wrapped() or self.is_outside(self.labels[i])
        ]
        if outside:
            found["label-out-of-range"] = Fault(outside[0], self.labels[outside[0]])
        other = [i for i in self.wrong if i not in outside]
        if other:
            found["label-not-input-id"] = Fault(other[0], self.labels[other[0]])
        if not [i for i in self.trained if i >= 1]:
            found["no-trainable-token"] = Fault(found=0)
        return found

    @property
    def wrong(self) -> list[int]:
        """Places whose label is neither -100 nor the id."""
        return [i for i in self.trained if self.labels[i] != self.ids[i]] if self.labelled else []

    def first_wrong(self) -> Fault:
        """The first of them."""
        return Fault(self.wrong[0], self.labels[self.wrong[0]])

    def is_binary(self) -> bool:
        """Whether the labels are zeros and ones, and not the ids."""
        values = {self.labels[i] for i in self.trained} if self.labelled else set()
        return 1 in values <= {0, 1} and bool(self.wrong)

    def is_loss_mask(self) -> bool:
        """Whether zeros and ones plainly stand for other ids."""
        ones = [i for i in self.trained if self.labels[i] == 1] if self.is_binary() else []
        others = [i for i in ones if self.ids[i] != 1]
        return len(self.trained) >= 4 and bool(ones) and len(others) >= 0.9 * len(ones)

    def longest_run(self) -> int | None:
        """The wrong value of the longest run of 4 or more, the first of equally long ones."""
        best, value, i = 3, None, 0
        wrong = set(self.wrong) - {i for i in self.wrong if self.labels[i] in self.wrapped()}
        while i < self.length:
            j = i
            while j in wrong and self.labels[j] == self.labels[i]:
                j += 1
            if j - i > best:
                best, value = j - i, self.labels[i]
            i = max(j, i + 1)
        return value

    def wrapped(self) -> tuple[int, ...]:
        """-100 as an unsigned type holds it."""
        own = () if self.known.bits is None else (2**self.known.bits - 100,)
        return (4294967196, *own)

    def is_outside(self, label: int) -> bool:
        """Whether a label that is not -100 is no id of the vocabulary."""
        return label < 0 or (self.known.vocab is not None and label >= self.known.vocab)

    def trailing(self) -> int | None:
        """Where the padding at the row's end begins, None without any."""
        places = []
        if self.masked and self.length and self.mask[-1] == 0 and any(self.mask):
            places.append(1 + max(i for i, value in enumerate(self.mask) if value != 0))
        if self.labelled and self.length:
            tail = self.edge(list(reversed(range(self.length))))
            begin, pad, ends = self.length - tail, self.known.pad, self.known.eos
            if pad is None:
                begin = begin if tail >= 2 else self.length
            elif tail and (ends is None or pad in ends):
                closed = begin > 0 and ends is not None and self.ids[begin - 1] in ends
                begin += not closed
            if begin < self.length:
                places.append(begin)
        return min(places, default=None)

    def leading(self) -> int | None:
        """0 where the row begins with padding and does not consist of it, else None."""
        if self.masked and self.length and self.mask[0] == 0:
            return 0
        if not self.labelled or not self.length:
            return None
        head = self.edge(list(range(self.length)))
        least = 4 if self.known.pad is None else 1
        if self.known.pad is not None and self.known.bos in (None, self.known.pad):
            least = 2
        return 0 if least <= head < self.length else None

    def edge(self, order: list[int]) -> int:
        """Places without loss at the beginning of an order that hold the pad id (where none is
        known, the id of the first place).
        """
        filler = self.ids[order[0]] if self.known.pad is None else self.known.pad
        count = 0
        for i in order:
            if self.ids[i] != filler or self.labels[i] != -100:
                break
            count += 1
        return count

    def attended(self) -> tuple[int, int] | None:
        """First and last place that the mask shows (all of them, if no mask fits)."""
        if self.cells.read("input_ids") is None or not self.length:
            return None
        shown = [i for i in range(self.length) if not self.masked or self.mask[i] != 0]
        return (shown[0], shown[-1]) if shown else None

    def text(self) -> tuple[int, int] | None:
        """The same without pad ids at the ends, save one that may be the text's own."""
        ends = self.attended()
        pad, eos, bos = self.known.pad, self.known.eos, self.known.bos
        if ends is None or pad is None:
            return ends
        first, last = ends
        tokens = [i for i in range(first, last + 1) if self.ids[i] != pad]
        if not tokens:
            return None
        begin, end = tokens[0], tokens[-1]
        if (eos is None or pad in eos) and end < last and self.ids[end] not in (eos or ()):
            end += 1
        if bos in (None, pad) and begin > first:
            begin -= 1
        return begin, end
