"""The rules once more, in plain Python over plain rows: one loop a row, nothing shared with ours.

Written from the definitions of the rules, not from their code; imports nothing of the project but
the constants of the generated rows.
"""

from __future__ import annotations

from collections import defaultdict

from tests.support.rows import BOS, EOS, MIN_SAMPLE_LEN, PAD, SEQUENCE_LEN, VOCAB, Row

COLUMNS = ("input_ids", "attention_mask", "labels")


def violations(rows: list[Row]) -> dict[str, list[int]]:
    """The violating rows of each rule that has any."""
    found: dict[str, list[int]] = defaultdict(list)
    judged = [Judged(row) for row in rows]
    settled = settle_shift(judged)
    seen: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
    for number, row in enumerate(judged):
        for rule in row.rules(settled):
            found[rule].append(number)
        if row.labelled and row.ids:
            key = (tuple(row.ids), tuple(row.labels))
            if key in seen:
                found["duplicate-rows"].append(number)
            seen.add(key)
    return dict(found)


def settle_shift(rows: list[Judged]) -> int:
    """The shift that rows which cannot decide follow: that of at least 90 % of the others."""
    sound = [row for row in rows if row.labelled and -100 not in row.ids]
    deciding = [row for row in sound if row.trained_labels >= 4]
    for k in (1, -1, 2, -2, 3, -3):
        if deciding and sum(row.shift == k for row in rows) >= 0.9 * len(deciding):
            return k
    return 0


class Judged:
    """One row: which of its cells can be read, and what is wrong with them."""

    def __init__(self, row: Row) -> None:
        self.cells = {name: row.get(name) for name in COLUMNS}
        self.foreign = [name for name in COLUMNS if not self.is_tokens(name)]
        self.mild = self.is_floats("attention_mask")
        self.null = [name for name, cell in self.cells.items() if cell is None]
        self.holed = [
            name
            for name, cell in self.cells.items()
            if isinstance(cell, list) and None in cell and (name not in self.foreign or self.mild)
        ]
        self.ids: list[int] = self.cells["input_ids"] if self.usable("input_ids") else []
        self.mask: list[float] = (
            self.cells["attention_mask"] if self.usable("attention_mask") else []
        )
        self.labels: list[int] = self.cells["labels"] if self.usable("labels") else []
        self.masked = self.usable("input_ids", "attention_mask") and len(self.ids) == len(self.mask)
        self.labelled = self.usable("input_ids", "labels") and len(self.ids) == len(self.labels)
        self.places = range(len(self.ids))
        self.trained_labels = sum(label != -100 for label in self.labels)
        self.shift, self.could_be = self.find_shift()

    def is_tokens(self, name: str) -> bool:
        """Whether a cell is null or a flat list of integers (or nulls)."""
        cell = self.cells[name]
        if cell is None:
            return True
        if not isinstance(cell, list):
            return False
        good: tuple[type, ...] = (int, type(None))
        whole = all(isinstance(value, good) and -(2**63) <= (value or 0) < 2**63 for value in cell)
        booleans = sum(isinstance(value, bool) for value in cell)
        return whole and (not booleans or (name == "attention_mask" and booleans == len(cell)))

    def is_floats(self, name: str) -> bool:
        """Whether a cell is a list of whole numbers, some of them floats."""
        cell = self.cells[name]
        if not isinstance(cell, list) or not any(isinstance(value, float) for value in cell):
            return False
        return all(
            value is None or (type(value) in (int, float) and float(value).is_integer())
            for value in cell
        )

    def usable(self, *names: str) -> bool:
        """Whether cells can be read as lists of numbers."""
        return all(
            name not in self.null
            and name not in self.holed
            and (name not in self.foreign or (name == "attention_mask" and self.mild))
            for name in names
        )

    def find_shift(self) -> tuple[int, set[int]]:
        """The constant shift of the labels (0: none), and those that too few places allow."""
        best, share, allowed = 0, 0.0, set()
        if not self.labelled or -100 in self.ids:
            return 0, set()
        for k in (1, -1, 2, -2, 3, -3):
            telling = [
                i
                for i in self.places
                if self.labels[i] != -100
                and 0 <= i + k < len(self.ids)
                and self.ids[i] != self.ids[i + k]
            ]
            if not telling:
                continue
            there = sum(self.labels[i] == self.ids[i + k] for i in telling) / len(telling)
            here = sum(self.labels[i] == self.ids[i] for i in telling) / len(telling)
            if there >= 0.9 and here < 0.5:
                if len(telling) < 4:
                    allowed.add(k)
                elif there > share:
                    best, share = k, there
        return best, set() if best else allowed

    def rules(self, settled: int) -> list[str]:
        """The rules that the row breaks, each explained by no earlier one."""
        found = []
        if self.foreign:
            found.append("column-type")
        if self.null:
            found.append("null-row")
        if self.holed:
            found.append("null-token")
        if self.usable("input_ids", "attention_mask") and not self.masked:
            found.append("length-mismatch")
        if self.usable("input_ids", "labels") and not self.labelled:
            found.append("length-mismatch")
        if self.usable("input_ids"):
            found += self.of_ids()
        if self.masked and self.ids:
            found += self.of_mask()
        if self.labelled and self.ids:
            found += self.of_labels(settled)
        if self.trailing() and "mask-all-zero" not in found:
            found.append("trailing-padding")
        if self.leading() and "mask-all-zero" not in found:
            found.append("leading-padding")
        if "no-trainable-token" in found and "short-row" in found:
            found.remove("short-row")
        return sorted(set(found))

    def of_ids(self) -> list[str]:
        """Rules about ids and lengths."""
        found = []
        if not self.ids:
            found.append("empty-row")
        elif len(self.ids) < MIN_SAMPLE_LEN:
            found.append("short-row")
        if len(self.ids) > SEQUENCE_LEN:
            found.append("too-long")
        if -100 in self.ids:
            found.append("ignore-index-in-ids")
        elif any(not 0 <= value < VOCAB for value in self.ids):
            found.append("token-out-of-vocab")
        return found

    def of_mask(self) -> list[str]:
        """Rules about the mask."""
        found = []
        if any(value not in (0, 1) for value in self.mask):
            found.append("mask-values")
        attended = [i for i, value in enumerate(self.mask) if value != 0]
        if not attended:
            found.append("mask-all-zero")
        elif len(attended) < attended[-1] - attended[0] + 1:
            found.append("mask-hole")
        if self.labelled and any(
            self.mask[i] == 0 and self.labels[i] != -100 for i in self.places[1:]
        ):
            found.append("trained-under-mask")
        return found

    def of_labels(self, settled: int) -> list[str]:
        """Rules about labels, one cause at a time."""
        if -100 in self.ids:
            return []
        if self.shift or (settled and settled in self.could_be):
            return ["labels-shifted"]
        found = []
        outside = [
            i for i, label in enumerate(self.labels) if label != -100 and not 0 <= label < VOCAB
        ]
        if outside:
            found.append("label-out-of-range")
        if 2**32 - 100 in self.labels:
            return found
        if any(self.labels[i] not in (-100, self.ids[i]) for i in self.places if i not in outside):
            found.append("label-not-input-id")
        if all(label == -100 for label in self.labels[1:]):
            found.append("no-trainable-token")
        return found

    def trailing(self) -> bool:
        """Whether the row ends in padding."""
        if self.masked and self.mask and self.mask[-1] == 0:
            return True
        return self.labelled and self.pads(list(reversed(self.places)), spare=PAD == EOS) > 0

    def leading(self) -> bool:
        """Whether the row begins with padding, and does not consist of it."""
        if self.masked and self.mask and self.mask[0] == 0:
            return True
        pads = self.pads(list(self.places), spare=PAD == BOS) if self.labelled else 0
        return 0 < pads < len(self.ids)

    def pads(self, order: list[int], spare: bool) -> int:
        """Pad ids without loss at the beginning of an order of places."""
        count = 0
        for i in order:
            if self.ids[i] != PAD or self.labels[i] != -100:
                break
            count += 1
        return count - spare if count else 0
