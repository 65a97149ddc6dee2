"""The faulty datasets: for each, the rule it violates, the case, and the rows its author meant.

Nothing here says what a trainer does with a fault: that is observed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.conformance.containers import WRITERS, parquet
from tests.conformance.rows import (
    BOS,
    EOS,
    IDS,
    IGNORE,
    LABELS,
    MASK,
    PAD,
    PIECES,
    UNK,
    WORDS,
    Change,
    Row,
    Rows,
    at,
    cells,
    chat,
    clean,
    cut,
    every,
    inserted,
    more,
    padded,
    put,
    renamed,
    some,
    trained,
    unchanged,
    without,
)

CONTROL = "no fault"  # stands where a rule's name would


@dataclass(frozen=True, slots=True)
class Part:
    """One shard of a dataset: a change to its rows and the types of its columns."""

    change: Change = unchanged
    types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """One faulty dataset.

    ``change`` makes its rows out of clean ones, ``meant`` makes those that the author had in mind:
    what the trainer does with the first is compared with what it does with the second; without
    ``meant`` nothing was to be trained. ``earlier``
    makes rows that stood at the same path in a run before, ``held_out`` those of the evaluation.
    ``case`` tells apart what a contract may tell apart. ``trainers``, ``packing`` and ``settings``
    limit where it is run, where elsewhere it would be no fault or say nothing. ``claimed`` is
    False where no row is left to train on: a contract speaks of single rows. ``completion_only``
    is TRL's ``completion_only_loss``; ``keep_labels`` leaves labels in where they are not wanted.
    """

    name: str
    rule: str
    change: Change
    case: str | None = None
    meant: Change | None = unchanged
    types: Mapping[str, str] = field(default_factory=dict)
    container: str = "parquet"
    parts: tuple[Part, ...] = ()
    separate: bool = False
    sequence_len: int = 64
    meant_sequence_len: int | None = None
    min_sample_len: int | None = None
    excess_length: str | None = None
    words: int = WORDS
    packed_batch: int = 1
    earlier: Change | None = None
    held_out: Change | None = None
    trainers: tuple[str, ...] | None = None
    packing: bool | None = None
    settings: tuple[str, ...] | None = None
    keep_labels: bool = False
    claimed: bool = True
    completion_only: bool | None = None

    def write(self, rows: Rows, folder: Path) -> list[Path]:
        """Writes rows that the change was made to; returns the paths to be loaded."""
        folder.mkdir(parents=True, exist_ok=True)
        if not self.parts:
            return [WRITERS[self.container](rows, self.types, folder)]
        share = -(-len(rows) // len(self.parts))
        paths = []
        for number, part in enumerate(self.parts):
            shard = part.change(rows[number * share : (number + 1) * share])
            inner = folder / "data" / str(number)
            inner.mkdir(parents=True)
            path = parquet(shard, part.types, inner)
            if self.separate:
                paths.append(path)
            else:
                path.rename(folder / "data" / f"part-{number}.parquet")
                inner.rmdir()
        return paths or [folder / "data"]

    def reference(self) -> Fault | None:
        """The same run with the rows that the author meant, in a sound file."""
        if self.meant is None:
            return None
        return replace(
            self,
            name=f"meant by {self.name}",
            change=self.meant,
            types={},
            container="parquet",
            parts=(),
            sequence_len=self.meant_sequence_len or self.sequence_len,
            min_sample_len=None,
            excess_length=None,
            packed_batch=1,
            earlier=None,
            held_out=None,
        )


def _own_ids(row: Row) -> list[int]:
    return list(row[IDS])


def _places(row: Row) -> list[int]:
    return list(range(len(row[IDS])))


def _then(first: Change, second: Change) -> Change:
    return lambda rows: second(first(rows))


def _all_but(*places: int) -> Change:
    return lambda rows: unchanged([row for place, row in enumerate(rows) if place not in places])


def _instead(column: str) -> Change:
    """Another column that says what is trained, and no labels."""

    def change(row: Row) -> None:
        row[column] = [int(label != IGNORE) for label in row.pop(LABELS)]

    return every(change)


def _wrong_role(row: Row) -> list[int]:
    """Trains the question and masks the answer."""
    pairs = zip(row[IDS], row[LABELS], strict=True)
    return [token if label == IGNORE else IGNORE for token, label in pairs]


def _shifted(by: int) -> Change:
    def change(row: Row) -> None:
        labels = row[LABELS]
        gap = [IGNORE] * abs(by)
        row[LABELS] = labels[by:] + gap if by > 0 else gap + labels[:by]

    return every(change)


def _ignored_by(value: int) -> Change:
    return every(cells(LABELS, lambda label: value if label == IGNORE else label))


def _nested(column: str) -> Change:
    return every(put(column, lambda row: [row[column]]))


def _one_label_first(row: Row) -> None:
    row[LABELS] = [row[IDS][0], *([IGNORE] * (len(row[IDS]) - 1))]


def _no_labels(row: Row) -> None:
    row[LABELS] = [IGNORE] * len(row[IDS])


def _early_label(row: Row) -> None:
    """Only the second token of a row is trained."""
    row[LABELS] = [IGNORE, row[IDS][1], *([IGNORE] * (len(row[IDS]) - 2))]


def _last_label_masked(row: Row) -> None:
    row[LABELS][-1] = IGNORE


def _header_trained(row: Row) -> None:
    first = trained(row)[0] - 1
    row[LABELS][first] = row[IDS][first]


def _header_merged(row: Row) -> None:
    """The answer's first token has swallowed the header."""
    first = trained(row)[0]
    for column in (IDS, MASK, LABELS):
        del row[column][first - 1]


def _answer_cut(row: Row) -> None:
    cut((IDS, MASK, LABELS), None, 9)(row)


def _stretched(length: int, *places: int, early: bool = False) -> Change:
    """Makes the question (or the answer, if ``early``) so long that the row has a length."""

    def change(row: Row) -> None:
        place = trained(row)[0] + 1 if early else 2
        words = [8 + (7 * step) % 56 for step in range(length - len(row[IDS]))]
        row[IDS][place:place] = words
        row[MASK][place:place] = [1] * len(words)
        row[LABELS][place:place] = words if early else [IGNORE] * len(words)

    return some(change, *(places or (2,)))


def _equal(rows: Rows) -> Rows:
    """As many clean rows, all of one length."""
    return clean(len(rows), equal=True)


def _label_given_on(rows: Rows) -> Rows:
    """One row lacks its last label, the next has one too many: the sum is right."""
    rows = unchanged(rows)
    rows[4][LABELS].append(rows[3][LABELS].pop())
    return rows


def _hardly_trained(rows: Rows) -> Rows:
    """Two rows of 1,200 tokens of which the second alone is trained."""
    return every(_early_label)(_stretched(1200, 2, 3)(rows)[2:4])


def _wide(row: Row) -> None:
    """Words of a vocabulary that one byte cannot hold."""
    for column in (IDS, LABELS):
        cells(column, lambda token: token + 256 if token >= 8 else token)(row)


def _in_one_byte(row: Row) -> None:
    _wide(row)
    cells(IDS, lambda token: token & 255)(row)


def _out_of_step(rows: Rows) -> Rows:
    """Every row has the labels of the next, as far as its length goes."""
    rows = unchanged(rows)
    labels = [row[LABELS] for row in rows]
    for place, row in enumerate(rows):
        other = labels[(place + 1) % len(rows)]
        fill = [IGNORE] * len(row[IDS])
        row[LABELS] = [*other, *fill][: len(row[IDS])]
    return rows


def _joined(positions: bool = False) -> Change:
    """Two texts in every row."""

    def change(rows: Rows) -> Rows:
        rows = unchanged(rows)
        joined = []
        for first, second in zip(rows[::2], rows[1::2], strict=True):
            row = {column: first[column] + second[column] for column in (IDS, MASK, LABELS)}
            if positions:
                row["position_ids"] = [
                    *range(len(first[IDS])),
                    *range(len(second[IDS])),
                ]
            joined.append(row)
        return joined

    return change


def _with_wrong_lengths(rows: Rows) -> Rows:
    """Two texts a row, and lengths that part them at the wrong place."""
    joined = _joined()(rows)
    for row in joined:
        row["seq_lengths"] = [3, len(row[IDS]) - 3]
    return joined


def _as_masked_words(rows: Rows) -> Rows:
    """Every fourth token hidden and to be guessed, as an encoder is trained."""

    def change(row: Row) -> None:
        ids = list(row[IDS])
        row[LABELS] = [token if place % 4 == 1 else IGNORE for place, token in enumerate(ids)]
        row[IDS] = [UNK if place % 4 == 1 else token for place, token in enumerate(ids)]

    return every(change)(rows)


def _as_pairs(rows: Rows) -> Rows:
    return [{"prompt": "a", "chosen": "b", "rejected": "c"} for _ in rows]


def _as_text(rows: Rows) -> Rows:
    return [{"text": "w8 w9 w10"} for _ in rows]


def _for_encoder(rows: Rows) -> Rows:
    """The question as ids and the answer as labels of another length."""

    def change(row: Row) -> None:
        first = trained(row)[0]
        answer = row[LABELS][first:]
        row["decoder_input_ids"] = [BOS, *answer[:-1]]
        row[LABELS] = answer
        row[IDS], row[MASK] = row[IDS][:first], row[MASK][:first]

    return every(change)(rows)


def _trained_on_padding(row: Row) -> None:
    padded(len(row[IDS]) + 4)(row)
    row[LABELS] = list(row[IDS])


def _all_trained(row: Row) -> None:
    row[LABELS] = [IGNORE, *row[IDS][1:]]


def _none(rows: Rows) -> Rows:
    return []


def _only_long(rows: Rows) -> Rows:
    rows = unchanged(rows)
    return [_long(row, 70) for row in rows]


def _long(row: Row, length: int) -> Row:
    return _stretched(length)([row, row, row])[2]


def _hidden_question(row: Row) -> None:
    """Zeros inside the question."""
    row[MASK][3] = row[MASK][4] = 0


def _two_turns(rows: Rows) -> Rows:
    """Every row asks and is answered twice."""
    rows = unchanged(rows)
    out = []
    for first, second in zip(rows, rows[1:] + rows[:1], strict=True):
        out.append({column: first[column] + second[column][1:] for column in (IDS, MASK, LABELS)})
    return out


def _loss_mask_as_mask(rows: Rows) -> Rows:
    rows = _two_turns(rows)
    for row in rows:
        row[MASK] = [int(label != IGNORE) for label in row[LABELS]]
        row[MASK][0] = 1
    return rows


def _document_numbers(row: Row) -> None:
    half = len(row[IDS]) // 2
    row[MASK] = [1] * half + [2] * (len(row[IDS]) - half)


def _gap(row: Row) -> list[int]:
    return [place if place < 5 else place + 9 for place in range(len(row[IDS]))]


def _permuted(token: int) -> int:
    """The id that another tokenizer has for the same word; special ids stay."""
    return token if token < 8 else 8 + (5 * (token - 8) + 11) % 56


def _of_another_tokenizer(rows: Rows) -> Rows:
    def change(row: Row) -> None:
        cells(IDS, _permuted)(row)
        cells(LABELS, lambda label: label if label == IGNORE else _permuted(label))(row)

    return every(change)(rows)


def _end_spelled_out(row: Row) -> None:
    for column, value in ((IDS, list(PIECES)), (MASK, [1, 1]), (LABELS, list(PIECES))):
        row[column][-1:] = value


def _words_unknown(row: Row) -> None:
    first = trained(row)[0]
    row[IDS][first] = row[LABELS][first] = UNK


def _degenerate(rows: Rows) -> Row:
    return chat([9, 10, 11], [20] * 80)


def _again(place: int) -> Change:
    return more(lambda rows: rows[place])


def _with_other_labels(rows: Rows) -> Row:
    row = unchanged(rows)[1]
    _all_trained(row)
    return row


def _for_evaluation(rows: Rows) -> Rows:
    """Two rows of the training set."""
    return unchanged(rows[:2])


def _empty() -> Row:
    return {IDS: [], MASK: [], LABELS: []}


def _cell(column: str, place: int, value: object) -> Change:
    return some(at(column, place, value), 3)


def _null(column: str) -> Change:
    return some(put(column, None), 3)


ALL_NULL = {IDS: None, MASK: None, LABELS: None}
PADS = {IDS: [PAD] * 6, MASK: [0] * 6, LABELS: [IGNORE] * 6}
ONE_TOKEN = {IDS: [9], MASK: [1], LABELS: [IGNORE]}

CONTROLS = (
    Fault("parquet", CONTROL, unchanged),
    Fault("jsonl", CONTROL, unchanged, container="jsonl"),
    Fault(
        "completion_mask for labels",
        CONTROL,
        _instead("completion_mask"),
        trainers=("trl",),
        completion_only=True,
    ),
    Fault("assistant_masks for labels", CONTROL, _instead("assistant_masks"), trainers=("trl",)),
    Fault("save_to_disk", CONTROL, unchanged, container="save_to_disk"),
    Fault("boolean mask", CONTROL, every(cells(MASK, bool)), types={MASK: "list<bool>"}),
    Fault(
        "other widths",
        CONTROL,
        unchanged,
        types={IDS: "large_list<uint16>", MASK: "large_list<int64>", LABELS: "large_list<int16>"},
    ),
)

STRUCTURE = (
    Fault("cut parquet", "unreadable-file", unchanged, container="cut parquet"),
    Fault("cut jsonl", "unreadable-file", unchanged, container="cut jsonl"),
    Fault("cut jsonl.gz", "unreadable-file", unchanged, container="cut jsonl.gz"),
    Fault("parquet of 0 bytes", "unreadable-file", unchanged, container="parquet of 0 bytes"),
    Fault("jsonl of 0 bytes", "unreadable-file", unchanged, container="jsonl of 0 bytes"),
    Fault("git-LFS pointer", "unreadable-file", unchanged, container="git-LFS pointer"),
    Fault("jsonl named .parquet", "unreadable-file", unchanged, container="jsonl named .parquet"),
    Fault("parquet without rows", "no-rows", _none),
    Fault("json without rows", "no-rows", _none, container="json"),
    Fault("no input_ids", "missing-column", without(IDS), IDS),
    Fault("no attention_mask", "missing-column", without(MASK), MASK),
    Fault("no labels", "missing-column", without(LABELS), LABELS),
    Fault("labels called label", "missing-column", renamed(LABELS, "label"), LABELS),
    Fault("mask called mask", "missing-column", renamed(MASK, "mask"), MASK),
    Fault(
        "completion_mask, completion_only_loss not set",
        "missing-column",
        _instead("completion_mask"),
        LABELS,
        trainers=("trl",),
    ),
    Fault("ids called tokens", "missing-column", renamed(IDS, "tokens"), IDS),
    Fault("ids as words", "column-type", every(cells(IDS, str)), IDS, types={IDS: "list<string>"}),
    Fault("csv of lists", "column-type", unchanged, IDS, container="csv"),
    Fault("ids as floats", "column-type", unchanged, IDS, types={IDS: "list<double>"}),
    Fault(
        "ids as floats in jsonl", "column-type", every(cells(IDS, float)), IDS, container="jsonl"
    ),
    Fault("ids nested", "column-type", _nested(IDS), IDS, types={IDS: "list<list<int32>>"}),
    Fault(
        "ids a number",
        "column-type",
        every(put(IDS, lambda row: row[IDS][0])),
        IDS,
        types={IDS: "int64"},
    ),
    Fault(
        "mask as words",
        "column-type",
        every(cells(MASK, str)),
        MASK,
        types={MASK: "list<string>"},
    ),
    Fault("mask nested", "column-type", _nested(MASK), MASK, types={MASK: "list<list<int8>>"}),
    Fault("mask a number", "column-type", every(put(MASK, 1)), MASK, types={MASK: "int64"}),
    Fault("mask as floats", "column-type", unchanged, "mild", types={MASK: "list<float>"}),
    Fault(
        "mask of fractions",
        "column-type",
        every(cells(MASK, lambda _: 0.5)),
        "mild",
        types={MASK: "list<float>"},
    ),
    Fault(
        "labels as words",
        "column-type",
        every(cells(LABELS, str)),
        LABELS,
        types={LABELS: "list<string>"},
    ),
    Fault("labels as floats", "column-type", unchanged, LABELS, types={LABELS: "list<double>"}),
    Fault(
        "labels with fractions",
        "column-type",
        every(cells(LABELS, lambda label: label if label == IGNORE else label + 0.5)),
        LABELS,
        types={LABELS: "list<double>"},
    ),
    Fault(
        "labels nested", "column-type", _nested(LABELS), LABELS, types={LABELS: "list<list<int64>>"}
    ),
    Fault(
        "all columns nested",
        "column-type",
        lambda rows: _nested(LABELS)(_nested(MASK)(_nested(IDS)(rows))),
        IDS,
        types={
            IDS: "list<list<int32>>",
            MASK: "list<list<int8>>",
            LABELS: "list<list<int64>>",
        },
    ),
    Fault("labels a number", "column-type", every(put(LABELS, 9)), LABELS, types={LABELS: "int64"}),
    *(
        Fault(
            f"{column} as words",
            "column-type",
            _then(_instead(column), every(cells(column, str))),
            column,
            trainers=("trl",),
            completion_only=column == "completion_mask",
        )
        for column in ("completion_mask", "assistant_masks")
    ),
    Fault(
        "position_ids as words",
        "column-type",
        every(put("position_ids", lambda row: [str(place) for place in range(len(row[IDS]))])),
        "position_ids",
    ),
    Fault(
        "position_ids as floats",
        "column-type",
        every(put("position_ids", lambda row: [float(place) for place in range(len(row[IDS]))])),
        "position_ids",
    ),
    Fault(
        "position_ids nested",
        "column-type",
        every(put("position_ids", lambda row: [list(range(len(row[IDS])))])),
        "position_ids",
    ),
    Fault(
        "ids of one byte",
        "narrow-integer",
        every(_in_one_byte),
        IDS,
        meant=every(_wide),
        types={IDS: "list<uint8>"},
        words=320,
    ),
    Fault(
        "unsigned labels, wrapped",
        "narrow-integer",
        every(cells(LABELS, lambda label: label % 2**16)),
        LABELS,
        types={LABELS: "list<uint16>"},
    ),
    Fault(
        "unsigned labels, nothing to wrap",
        "narrow-integer",
        every(put(LABELS, _own_ids)),
        "mild",
        meant=every(put(LABELS, _own_ids)),
        types={LABELS: "list<uint16>"},
    ),
    Fault(
        "shards with other column names",
        "shard-schema-mismatch",
        unchanged,
        parts=(Part(), Part(renamed(MASK, "mask"))),
    ),
    Fault(
        "shards of list and large_list",
        "shard-schema-mismatch",
        unchanged,
        parts=(Part(), Part(types={IDS: "large_list<int32>"})),
    ),
    Fault(
        "shards of integers and floats",
        "shard-schema-mismatch",
        unchanged,
        parts=(Part(), Part(types={IDS: "list<double>"})),
    ),
    Fault(
        "shards of int32 and int64",
        "shard-schema-mismatch",
        unchanged,
        parts=(Part(), Part(types={IDS: "list<int64>"})),
    ),
    Fault(
        "two datasets, int32 and int64",
        "shard-schema-mismatch",
        unchanged,
        separate=True,
        parts=(Part(), Part(types={IDS: "list<int64>"})),
    ),
    Fault(
        "two datasets, list and large_list",
        "shard-schema-mismatch",
        unchanged,
        separate=True,
        parts=(Part(), Part(types={IDS: "large_list<int32>"})),
    ),
    Fault("null row", "null-row", more(ALL_NULL), IDS),
    Fault("null ids", "null-row", _null(IDS), IDS),
    Fault("null mask", "null-row", _null(MASK), MASK),
    Fault(
        "null position_ids",
        "null-row",
        lambda rows: some(put("position_ids", None), 3)(every(put("position_ids", _places))(rows)),
        "position_ids",
    ),
    Fault("null labels", "null-row", _null(LABELS), LABELS),
    Fault(
        "labels lacking in one line",
        "null-row",
        some(lambda row: row.pop(LABELS), 3),
        LABELS,
        container="jsonl",
    ),
    Fault("null among ids", "null-token", _cell(IDS, 4, None), IDS),
    Fault("null in the mask", "null-token", _cell(MASK, 4, None), MASK),
    Fault("null among labels", "null-token", _cell(LABELS, -2, None), LABELS),
    Fault(
        "nulls for -100",
        "null-token",
        every(cells(LABELS, lambda label: None if label == IGNORE else label)),
        LABELS,
    ),
    Fault("labels lack the last", "length-mismatch", some(cut((LABELS,), None, -1), 3), LABELS),
    Fault(
        "labels have one more",
        "length-mismatch",
        some(put(LABELS, lambda row: [*row[LABELS], EOS]), 3),
        LABELS,
    ),
    Fault(
        "one row's labels lack the first",
        "length-mismatch",
        some(cut((LABELS,), 1, None), 3),
        LABELS,
    ),
    Fault("labels lack the first", "length-mismatch", every(cut((LABELS,), 1, None)), LABELS),
    Fault("labels one short, then one long", "length-mismatch", _label_given_on, LABELS),
    Fault(
        "labels end before a multiple of 64",
        "length-mismatch",
        lambda rows: some(cut((LABELS,), None, -2), 2)(_stretched(65)(rows)),
        LABELS,
        meant=_stretched(65),
        sequence_len=128,
    ),
    Fault("mask lacks the last", "length-mismatch", some(cut((MASK,), None, -1), 3), MASK),
    Fault(
        "mask has one more",
        "length-mismatch",
        some(put(MASK, lambda row: [*row[MASK], 1]), 3),
        MASK,
    ),
    Fault("every mask lacks the last", "length-mismatch", every(cut((MASK,), None, -1)), MASK),
    Fault(
        "position_ids too short",
        "length-mismatch",
        every(put("position_ids", lambda row: list(range(len(row[IDS]) - 3)))),
        "position_ids",
    ),
    *(
        Fault(
            f"{column} {what}",
            "length-mismatch",
            _then(_instead(column), some(put(column, change), 3)),
            column,
            trainers=("trl",),
            completion_only=column == "completion_mask",
        )
        for column in ("completion_mask", "assistant_masks")
        for what, change in (
            ("lacks the last", lambda row, column=column: row[column][:-1]),
            ("has one more", lambda row, column=column: [*row[column], 1]),
        )
    ),
    Fault("empty row", "empty-row", more(_empty())),
    Fault("text of one more column", "extra-column", every(put("source", "web"))),
    Fault("number in one more column", "extra-column", every(put("score", 3))),
    Fault("words in one more column", "extra-column", every(put("tags", ["a", "b"]))),
    Fault(
        "numbers in one more column",
        "extra-column",
        every(put("weights", lambda row: [1] * len(row[IDS]))),
    ),
    Fault(
        "labels where they are made anew",
        "extra-column",
        unchanged,
        settings=("language-modeling",),
        keep_labels=True,
    ),
    Fault(
        "labels where they are made anew, equal rows",
        "extra-column",
        _equal,
        meant=_equal,
        settings=("language-modeling",),
        keep_labels=True,
    ),
    Fault("preference pairs", "wrong-kind", _as_pairs),
    Fault("raw text", "wrong-kind", _as_text),
    Fault("masked words", "wrong-kind", _as_masked_words),
    Fault("encoder and decoder", "wrong-kind", _for_encoder),
    Fault("feather", "container", unchanged, container="feather", trainers=("axolotl",)),
    Fault("pq", "container", unchanged, container="pq", trainers=("axolotl",)),
    Fault(
        "folder called .csv",
        "container",
        unchanged,
        container="jsonl in a folder called export.csv.d",
        trainers=("axolotl",),
    ),
    Fault(
        "zip of parquet", "container", unchanged, container="zip of parquet", trainers=("axolotl",)
    ),
    Fault(
        "jsonl beside parquet",
        "container",
        unchanged,
        container="folder of parquet and jsonl",
        trainers=("axolotl",),
    ),
    Fault("numpy format", "container", unchanged, container="save_to_disk, numpy format"),
    Fault(
        "no train split",
        "container",
        unchanged,
        container="save_to_disk, no train split",
        trainers=("axolotl",),
    ),
)

PADDING = (
    Fault("mask of 2", "mask-values", every(cells(MASK, lambda _: 2))),
    Fault("mask of -1", "mask-values", every(cells(MASK, lambda _: -1))),
    Fault("document numbers", "mask-values", every(_document_numbers), "mild"),
    Fault("hole in the question", "mask-hole", some(_hidden_question, 3)),
    Fault("loss mask as attention mask", "mask-hole", _loss_mask_as_mask, meant=_two_turns),
    Fault("one mask of zeros", "mask-all-zero", some(cells(MASK, lambda _: 0), 3)),
    Fault("every mask of zeros", "mask-all-zero", every(cells(MASK, lambda _: 0))),
    Fault("padded on the right", "trailing-padding", every(padded(80)), sequence_len=128),
    Fault("padded with eos", "trailing-padding", every(padded(80, pad=EOS)), sequence_len=128),
    Fault(
        "padded on the right, mask 1",
        "trailing-padding",
        every(padded(80, mask=1)),
        sequence_len=128,
    ),
    Fault(
        "padded over sequence-len",
        "trailing-padding",
        every(padded(80)),
        trainers=("axolotl", "trl"),
        claimed=False,
    ),
    Fault(
        "padded on the left",
        "leading-padding",
        every(padded(80, left=True)),
        case="hidden",
        sequence_len=128,
    ),
    Fault(
        "padded on the left, mask 1",
        "leading-padding",
        every(padded(80, left=True, mask=1)),
        case="attended",
        sequence_len=128,
    ),
    Fault(
        "labels copied after padding",
        "trained-under-mask",
        every(_trained_on_padding),
        meant=every(put(LABELS, _own_ids)),
    ),
    Fault("last trained token hidden", "trained-under-mask", some(at(MASK, -1, 0), 3)),
    Fault("inner trained token hidden", "trained-under-mask", some(at(MASK, -3, 0), 3)),
    Fault("padding trained", "trained-padding", every(padded(20, mask=1, label=PAD))),
)

LABELLING = (
    Fault("labels shifted by one", "labels-shifted", _shifted(1)),
    Fault("labels shifted back by one", "labels-shifted", _shifted(-1)),
    Fault("labels shifted by two", "labels-shifted", _shifted(2)),
    Fault(
        "labels are a mask",
        "labels-are-a-mask",
        every(cells(LABELS, lambda label: int(label != IGNORE))),
    ),
    Fault("0 for -100", "wrong-ignore-value", _ignored_by(PAD)),
    Fault("eos for -100", "wrong-ignore-value", _ignored_by(EOS)),
    Fault("-1 for -100", "wrong-ignore-value", _ignored_by(-1)),
    Fault("label of -1", "label-out-of-range", _cell(LABELS, -2, -1)),
    Fault("label of -101", "label-out-of-range", _cell(LABELS, -2, -101)),
    Fault("label beyond the vocabulary", "label-out-of-range", _cell(LABELS, -2, WORDS)),
    Fault(
        "-100 wrapped in 32 bits",
        "label-out-of-range",
        _ignored_by(2**32 - 100),
        types={LABELS: "list<int64>"},
    ),
    Fault(
        "-100 wrapped in 16 bits",
        "label-out-of-range",
        _ignored_by(2**16 - 100),
        types={LABELS: "list<uint16>"},
    ),
    Fault(
        "-100 wrapped in 8 bits",
        "label-out-of-range",
        _ignored_by(2**8 - 100),
        types={LABELS: "list<uint8>"},
    ),
    Fault("one label another id", "label-not-input-id", _cell(LABELS, -3, 40)),
    Fault("labels of the next row", "label-not-input-id", _out_of_step),
    Fault(
        "one row without a target",
        "no-trainable-token",
        some(_no_labels, 3),
        case="none",
        meant=_all_but(3),
    ),
    Fault("a row of pads", "no-trainable-token", more(PADS), case="none"),
    Fault(
        "one token and no label",
        "no-trainable-token",
        more(ONE_TOKEN),
        case="none",
        settings=("language-modeling",),
    ),
    Fault(
        "no row with a target",
        "no-trainable-token",
        every(_no_labels),
        case="none",
        meant=None,
        claimed=False,
    ),
    Fault(
        "the first label alone",
        "no-trainable-token",
        some(_one_label_first, 1, 3, 5, 6),
        case="first",
        meant=_all_but(1, 3, 5, 6),
    ),
    Fault("question trained", "prompt-not-masked", every(_all_trained)),
    Fault("question trained in two rows", "mixed-masking", some(_all_trained, 2, 5)),
    Fault("header merged", "prompt-boundary", some(_header_merged, 3)),
    Fault(
        "two targets in 2,400 tokens",
        "low-trainable-share",
        _hardly_trained,
        meant=lambda rows: every(cut((IDS, MASK, LABELS), None, 2))(_hardly_trained(rows)),
        sequence_len=1200,
    ),
    Fault("first label set", "first-label-trained", every(at(LABELS, 0, BOS))),
    Fault("header trained", "mask-span-off-by-one", every(_header_trained)),
    Fault("question trained, answer not", "wrong-turn-trained", every(put(LABELS, _wrong_role))),
)

TOKENS = (
    Fault("id beyond the vocabulary", "token-out-of-vocab", _cell(IDS, 3, WORDS)),
    Fault("id far beyond the vocabulary", "token-out-of-vocab", _cell(IDS, 3, 128_000)),
    Fault("id of -1", "token-out-of-vocab", _cell(IDS, 3, -1)),
    Fault("-100 among ids", "ignore-index-in-ids", _cell(IDS, 3, IGNORE)),
    Fault("ids masked as labels", "ignore-index-in-ids", every(put(IDS, lambda row: row[LABELS]))),
    Fault("two bos", "double-bos", every(inserted(0, BOS))),
    Fault("bos before the question", "inner-bos", some(inserted(2, BOS), 3)),
    Fault("no bos", "missing-bos", every(cut((IDS, MASK, LABELS), 1, None))),
    Fault("one row without bos", "inconsistent-bos", some(cut((IDS, MASK, LABELS), 1, None), 3)),
    Fault("no eos in one row", "missing-eos", some(cut((IDS, MASK, LABELS), None, -1), 3)),
    Fault("no eos", "missing-eos", every(cut((IDS, MASK, LABELS), None, -1))),
    Fault("eos masked in one row", "end-id-masked", some(_last_label_masked, 3)),
    Fault("eos masked", "eos-never-trained", every(_last_label_masked)),
    Fault("ids of another tokenizer", "tokenizer-mismatch", _of_another_tokenizer),
    Fault("eos spelled out", "special-token-as-text", every(_end_spelled_out)),
    Fault("unknown words", "unknown-tokens", some(_words_unknown, 1, 3, 5)),
    Fault("a row of one word", "repetition", more(_degenerate), sequence_len=128),
)

LENGTHS = (
    Fault("row of one token", "short-row", more(ONE_TOKEN)),
    Fault(
        "rows under min_sample_len",
        "short-row",
        unchanged,
        min_sample_len=12,
        trainers=("axolotl",),
    ),
    Fault(
        "long row, drop",
        "too-long",
        _stretched(100),
        "drop",
        meant=_stretched(100),
        meant_sequence_len=128,
        excess_length="drop",
        trainers=("axolotl",),
    ),
    Fault(
        "long row, truncate",
        "too-long",
        _stretched(100, early=True),
        "truncate",
        meant=_stretched(100, early=True),
        meant_sequence_len=128,
        excess_length="truncate",
        trainers=("axolotl", "trl"),
    ),
    Fault(
        "long row, raise",
        "too-long",
        _stretched(100),
        "raise",
        meant=_stretched(100),
        meant_sequence_len=128,
        excess_length="raise",
        trainers=("axolotl",),
    ),
    Fault(
        "every row long, drop",
        "too-long",
        _only_long,
        "drop",
        meant=_only_long,
        meant_sequence_len=128,
        excess_length="drop",
        claimed=False,
        trainers=("axolotl",),
    ),
    Fault(
        "targets beyond the limit, truncate",
        "targets-lost-by-truncation",
        _stretched(100),
        "truncate",
        meant=_all_but(2),  # what is cut away is lost by order; the row stays, and costs
        excess_length="truncate",
        trainers=("axolotl", "trl"),
    ),
    Fault(
        "row beyond the context",
        "too-long",
        _stretched(4100),
        meant=_stretched(4100),
        sequence_len=4200,
        trainers=("transformers",),
    ),
    Fault("answers cut upstream", "cut-at-limit", some(_answer_cut, 1, 3, 4, 5)),
    Fault(
        "less than one batch",
        "too-few-tokens-to-pack",
        unchanged,
        packed_batch=4,
        trainers=("axolotl",),
        packing=True,
    ),
)

PACKING = (
    Fault("two texts a row", "packed-without-boundaries", _joined()),
    Fault("two texts a row, with position_ids", "packed-without-boundaries", _joined(True), "mild"),
    Fault(
        "position_ids of zeros",
        "position-ids",
        every(put("position_ids", lambda row: [0] * len(row[IDS]))),
    ),
    Fault(
        "position_ids of zeros, equal rows",
        "position-ids",
        lambda rows: every(put("position_ids", lambda row: [0] * len(row[IDS])))(_equal(rows)),
        meant=_equal,
    ),
    Fault("position_ids with a gap", "position-ids", every(put("position_ids", _gap))),
    Fault(
        "position_ids from 7",
        "position-ids",
        every(put("position_ids", lambda row: list(range(7, 7 + len(row[IDS]))))),
    ),
    Fault(
        "position_ids beyond the context",
        "position-ids",
        every(put("position_ids", lambda row: list(range(4090, 4090 + len(row[IDS]))))),
    ),
    Fault("length too small", "sequence-lengths", every(put("length", 3)), "length"),
    Fault("length too large", "sequence-lengths", every(put("length", 60)), "length"),
    Fault("seq_lengths at the wrong place", "sequence-lengths", _with_wrong_lengths, "seq_lengths"),
)

CORPUS = (
    Fault("a row twice", "duplicate-rows", _again(2)),
    Fault("a row five times", "duplicate-rows", more(*([lambda rows: rows[2]] * 4))),
    Fault("a row with other labels", "conflicting-labels", more(_with_other_labels)),
    Fault("rows in both splits", "split-overlap", unchanged, held_out=_for_evaluation),
    Fault("rows written anew", "stale-prepared-folder", unchanged, earlier=_of_another_tokenizer),
)

FAULTS = (
    *CONTROLS,
    *STRUCTURE,
    *PADDING,
    *LABELLING,
    *TOKENS,
    *LENGTHS,
    *PACKING,
    *CORPUS,
)

# Rules about a trainer's own run that no dataset of a toy vocabulary can show, and why.
NOT_RUN = {
    "untrained-special-token": "a matter of adapters over a frozen embedding, not of the loader",
}

__all__ = ["CONTROL", "FAULTS", "NOT_RUN", "Fault", "Part"]
