"""What only the whole split can tell, with loops: habits, norms, limits, kinds.

Written from the definitions of the rules, not from their code; imports nothing of the project.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property

from tests.support.rows import Known
from tests.support.slow_row import SHIFTS, Fault, SlowRow


class SlowSplit:
    """All rows of a split, and what most of them do."""

    def __init__(self, rows: list[SlowRow], known: Known) -> None:
        self.rows = rows
        self.known = known
        self.lengths = sorted(row.length for row in rows if readable(row))
        self.ends = set(known.eos or ())

    # -- the split as a whole

    def of_split(self) -> dict[str, str]:
        """Rules that the split breaks as a whole."""
        found = {}
        if kind := self.wrong_kind():
            found["wrong-kind"] = kind
        labelled = [row for row in self.rows if row.labelled]
        tokens = sum(row.length for row in labelled)
        trainable = sum(len([i for i in row.trained if i >= 1]) for row in labelled)
        if 0 < trainable < tokens / 1000 and "wrong-kind" not in found:
            found["low-trainable-share"] = "few"
        return found

    def wrong_kind(self) -> str | None:
        """Masked language models, and encoder-decoder rows."""
        at: Counter[int] = Counter()
        values: dict[int, set[int]] = {}
        for row in self.rows:
            for i in row.wrong:
                at[row.ids[i]] += 1
                values.setdefault(row.ids[i], set()).add(row.labels[i])
        if at.total() >= 100:
            token, most = at.most_common(1)[0]
            if token >= 0 and most >= at.total() / 2 and len(values[token]) >= 10:
                return "masked"
        pairs = [
            (row.ids, row.labels)
            for row in self.rows
            if readable(row) and row.cells.read("labels") is not None
        ]
        uneven = [(ids, labels) for ids, labels in pairs if len(ids) != len(labels)]
        if len(self.rows) < 20 or len(uneven) < 0.8 * len(self.rows):
            return None
        steps = Counter(len(labels) - len(ids) for ids, labels in uneven)
        if steps.most_common(1)[0][1] >= 0.9 * len(uneven):
            return None
        if sorted(len(ids) for ids, _ in pairs) == sorted(len(labels) for _, labels in pairs):
            return None
        head = sum(related(ids, labels)[0] for ids, labels in uneven)
        tail = sum(related(ids[::-1], labels[::-1])[0] for ids, labels in uneven)
        compared = max(
            sum(related(ids, labels)[1] for ids, labels in uneven),
            sum(related(ids[::-1], labels[::-1])[1] for ids, labels in uneven),
        )
        return None if max(head, tail) >= compared / 2 else "pairs"

    @cached_property
    def shift(self) -> int:
        """The shift that rows which cannot decide follow: that of 90 % of the deciding."""
        deciding = [
            r for r in self.rows if r.labelled and -100 not in r.ids and len(r.trained) >= 4
        ]
        for k in SHIFTS:
            if deciding and sum(row.shift == k for row in self.rows) >= 0.9 * len(deciding):
                return k
        return 0

    @cached_property
    def ignore_value(self) -> int | None:
        """The one value that nearly all wrong labels have, outside rows of other conventions."""
        counts: Counter[int] = Counter()
        for row in self.rows:
            if self.has_own_convention(row):
                continue
            counts.update(row.labels[i] for i in row.wrong if row.labels[i] not in row.wrapped())
        if not counts:
            return None
        value, most = counts.most_common(1)[0]
        return value if most >= max(16, 0.9 * counts.total()) else None

    @staticmethod
    def has_own_convention(row: SlowRow) -> bool:
        """Whether a row says by itself that its labels are shifted, a mask, or no labels at all."""
        return -100 in row.ids or bool(row.shift) or row.is_loss_mask()

    @cached_property
    def masks_hold_the_loss(self) -> bool:
        """Whether nearly all rows with zeros mask the loss, and hide ten ids or more."""
        zeros = [row for row in self.rows if row.masked and row.length and not all(row.mask)]
        loss = [row for row in zeros if row.masks_the_loss()]
        hidden = {
            one for row in loss for one, value in zip(row.ids, row.mask, strict=True) if not value
        }
        return bool(loss) and len(loss) >= 0.9 * len(zeros) and len(hidden) >= 10

    @cached_property
    def most_are_loss_masks(self) -> bool:
        """Whether nearly all rows with wrong labels, save the doubtful, are loss masks."""
        wrong = [row for row in self.rows if row.wrong]
        masks = sum(row.is_loss_mask() for row in wrong)
        others = sum(not row.is_binary() for row in wrong)
        return bool(masks) and masks >= 0.9 * (masks + others)

    @cached_property
    def looks_packed(self) -> bool:
        """Rows of nearly one length, in which documents begin anew."""
        if len(self.rows) < 8 or not self.lengths:
            return False
        median = self.lengths[(len(self.lengths) + 1) // 2 - 1]
        recurring = sum(self.recurs(row) is not None for row in self.rows)
        return median >= 0.9 * self.lengths[-1] and recurring >= 0.2 * len(self.rows)

    def recurs(self, row: SlowRow) -> int | None:
        """Where the start of a document recurs in a row."""
        text = row.text()
        if text is None:
            return None
        first, last = text
        places = list(self.inner_bos(row))
        for i in range(first + 3, last - 1):
            if row.ids[i : i + 3] == row.ids[first : first + 3]:
                places.append(i)
        return min(places, default=None)

    def inner_bos(self, row: SlowRow) -> Iterable[int]:
        """BOS ids behind the leading ones."""
        text, bos = row.text(), self.known.bos
        if text is None or bos is None or bos in self.ends:
            return
        other = False
        for i in range(text[0], text[1] + 1):
            other |= row.ids[i] != bos
            if other and row.ids[i] == bos:
                yield i

    # -- rows, by what the split says

    def candidates(self, row: SlowRow) -> dict[str, Fault]:
        """The rules that a row breaks in view of the split."""
        found = {}
        if self.shift and self.shift in row.could_be:
            found["labels-shifted"] = row.first_wrong()
        if self.masks_hold_the_loss and row.masks_the_loss() and not row.has_hole():
            found["mask-hole"] = Fault(row.mask.index(0), 0)
        if self.most_are_loss_masks and row.is_binary():
            found["labels-are-a-mask"] = row.first_wrong()
        value = row.longest_run() if row.labelled else None
        if value is not None and value == self.ignore_value and not self.has_own_convention(row):
            found["wrong-ignore-value"] = Fault(row.wrong[0], value)
        if row.labelled and row.length >= 2:
            found |= self.of_trained(row)
        if row.text() is not None:
            found |= self.of_text(row)
        if row.attended() is not None:
            found |= self.of_beginning(row)
        return found

    def of_text(self, row: SlowRow) -> dict[str, Fault]:
        """Where a text begins and ends, and what recurs in it."""
        text = row.text()
        assert text is not None
        first, last = text
        found = {}
        ids, known = row.ids, self.known
        if known.eos is not None and self.is_open(row):
            if not self.looks_packed:
                found["missing-eos"] = Fault(last, ids[last])
            if self.is_cut(row) and self.cuts_at_limit:
                found["cut-at-limit"] = Fault(last, ids[last])
        if known.bos is not None and self.begins_with_bos and ids[first] != known.bos:
            found["inconsistent-bos"] = Fault(first, ids[first])
        inner = next(iter(self.odd_bos(row)), None)
        if inner is not None and self.few_inner_bos:
            found["inner-bos"] = Fault(inner, known.bos)
        recurs = self.recurs(row)
        document_numbers = row.masked and max(row.mask) > 1
        if self.looks_packed and recurs is not None and not document_numbers:
            found["packed-without-boundaries"] = Fault(recurs, ids[recurs])
        if (place := repeats(ids[first : last + 1])) is not None:
            found["repetition"] = Fault(place + first)
        return found

    def of_beginning(self, row: SlowRow) -> dict[str, Fault]:
        """Two BOS."""
        if self.begins_twice(row) and (self.known.bos is not None or self.all_begin_twice):
            first, _ = row.attended() or (0, 0)
            return {"double-bos": Fault(first + 1, row.ids[first + 1])}
        return {}

    def begins_twice(self, row: SlowRow) -> bool:
        """Whether the first two attended ids are equal, and BOS where that is known."""
        first, last = row.attended() or (0, 0)
        if last == first or row.ids[first] != row.ids[first + 1]:
            return False
        return self.known.bos in (None, row.ids[first])

    @cached_property
    def all_begin_twice(self) -> bool:
        """Whether nearly all rows begin with two equal ids."""
        rows = [row for row in self.rows if row.attended() is not None]
        return len(rows) >= 2 and sum(map(self.begins_twice, rows)) >= 0.9 * len(rows)

    @cached_property
    def begins_with_bos(self) -> bool:
        """Whether nearly all texts begin with BOS."""
        firsts = [row.ids[text[0]] for row in self.rows if (text := row.text()) is not None]
        with_bos = sum(value == self.known.bos for value in firsts)
        return bool(firsts) and with_bos >= 0.9 * len(firsts) and not self.looks_packed

    @cached_property
    def few_inner_bos(self) -> bool:
        """Whether under 20 % of the rows hold a BOS inside."""
        return sum(bool(list(self.odd_bos(row))) for row in self.rows) < 0.2 * len(self.rows)

    def odd_bos(self, row: SlowRow) -> Iterable[int]:
        """Those that no end id stands before."""
        return (i for i in self.inner_bos(row) if row.ids[i - 1] not in self.ends)

    def is_open(self, row: SlowRow) -> bool:
        """Whether none of the last two ids of a text is an end id."""
        text = row.text()
        if text is None:
            return False
        first, last = text
        return not self.ends & set(row.ids[max(first, last - 1) : last + 1])

    def is_cut(self, row: SlowRow) -> bool:
        """Whether an open row has the largest length, and no padding."""
        longest = self.lengths[-1]
        return self.is_open(row) and row.length == longest and row.text() == (0, longest - 1)

    @cached_property
    def cuts_at_limit(self) -> bool:
        """Whether enough rows do."""
        cut = sum(self.is_cut(row) for row in self.rows if readable(row))
        all_long = self.lengths.count(self.lengths[-1]) >= 0.9 * len(self.rows)
        meant = self.looks_packed or all_long
        return cut >= max(3, 0.02 * len(self.rows)) and not meant

    def of_trained(self, row: SlowRow) -> dict[str, Fault]:
        """What is trained of a row: its padding, its end, its prompt."""
        found = {}
        filler = row.ids[-1] if self.known.pad is None else self.known.pad
        run = 0
        while run < row.length and row.ids[-1 - run] == row.labels[-1 - run] == filler:
            run += 1
        least = 3 if self.known.pad in self.ends else 2
        if run >= least and (self.known.pad is not None or filler in self.trained_fillers):
            found["trained-padding"] = Fault(row.length - run, filler, self.known.pad is None)
        if self.known.eos is not None and (masked := self.masked_end(row)) is not None:
            rule = "end-id-masked" if self.trains_an_end else "eos-never-trained"
            found[rule] = Fault(masked, -100)
        silent = self.silent(row)
        if silent == 0:
            if self.nearly_all_trained:
                found["prompt-not-masked"] = Fault(1)
            if self.most_are_masked:
                found["mixed-masking"] = Fault(1)
        boundary = self.boundary(row)
        if self.common_boundary is not None and boundary not in (None, self.common_boundary):
            found["prompt-boundary"] = Fault(row.trained[0])
        return found

    @cached_property
    def trained_fillers(self) -> set[int]:
        """Without a pad id: the ids that end enough rows twice, trained."""
        counts: Counter[int] = Counter()
        for row in self.rows:
            if row.labelled and row.length >= 2:
                tail = {*row.ids[-2:], *row.labels[-2:]}
                counts.update(tail if len(tail) == 1 else ())
        return {value for value, n in counts.items() if n >= max(2, 0.2 * len(self.rows))}

    def masked_end(self, row: SlowRow) -> int | None:
        """The first end id without loss right behind a trained token that is none."""
        for i in range(1, row.length):
            behind = row.labels[i - 1] != -100 and row.labels[i] == -100
            if behind and row.ids[i] in self.ends and row.ids[i - 1] not in self.ends:
                return i
        return None

    @cached_property
    def trains_an_end(self) -> bool:
        """Whether any end id of the split is trained."""
        return any(
            row.labels[i] != -100 and row.ids[i] in self.ends
            for row in self.rows
            if row.labelled
            for i in range(row.length)
        )

    def silent(self, row: SlowRow) -> int | None:
        """Tokens of a text behind its first that carry no loss."""
        text = row.text()
        if not row.labelled or text is None or text[0] == text[1]:
            return None
        return sum(row.labels[i] == -100 for i in range(text[0] + 1, text[1] + 1))

    @cached_property
    def silences(self) -> list[int]:
        """The same of every row that has a say."""
        return [n for row in self.rows if (n := self.silent(row)) is not None]

    @cached_property
    def most_are_masked(self) -> bool:
        """Whether some rows train everything, but fewer than half."""
        return 0 < self.silences.count(0) < len(self.silences) / 2

    @cached_property
    def nearly_all_trained(self) -> bool:
        """Whether nearly every row of a template trains everything."""
        rows = [row for row in self.rows if self.silent(row) is not None]
        bos = self.known.bos
        bodies = [row.ids[1:] if row.ids[0] == bos else row.ids for row in rows]
        heads = Counter(tuple(ids[:2]) for ids in bodies)
        many = len(rows)
        template = many >= 8 and heads.most_common(1)[0][1] >= 0.9 * many
        return template and self.silences.count(0) >= 0.99 * many

    def boundary(self, row: SlowRow) -> tuple[int, ...] | None:
        """The three ids before the first trained token."""
        if not row.labelled or not row.trained or row.trained[0] == 0:
            return None
        at = row.trained[0]
        ids = tuple(row.ids[i] if i >= 0 else -1 for i in range(at - 3, at))
        return None if -100 in ids else ids

    @cached_property
    def common_boundary(self) -> tuple[int, ...] | None:
        """Those of nearly all rows."""
        counts = Counter(b for row in self.rows if (b := self.boundary(row)) is not None)
        if counts.total() < 20:
            return None
        ids, most = counts.most_common(1)[0]
        return ids if most >= 0.8 * counts.total() else None


def readable(row: SlowRow) -> bool:
    """Whether the ids of a row can be read."""
    return row.cells.read("input_ids") is not None


def related(ids: list[int], labels: list[int]) -> tuple[int, int]:
    """Labels with loss that equal the id at the same place, and all that have an id there."""
    pairs = [(i, label) for i, label in zip(ids, labels, strict=False) if label != -100]
    return sum(i == label for i, label in pairs), len(pairs)


def repeats(ids: list[int]) -> int | None:
    """Where 64 or more repetitions of at most 13 ids begin, the shortest period first."""
    for period in range(1, 14):
        run = 0
        for i in range(period, len(ids)):
            run = run + 1 if ids[i] == ids[i - period] else 0
            if run >= 63 * period:
                return i - run - period + 1
    return None
