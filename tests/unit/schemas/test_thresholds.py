"""Where rules about a whole split begin to speak: one row on either side of each threshold."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pyarrow as pa
import pytest

import pretok_schemas
from pretok_schemas import Judge, Vocabulary, load
from pretok_schemas.contract import DOCUMENTS, IDS, LABELS, POSITIONS, ExcessLength
from pretok_schemas.findings import Budget, Finding, Outcome, Severity
from pretok_schemas.rules import rule_named
from pretok_schemas.rules.base import FileRule, ShardFacts
from pretok_schemas.state import State
from tests.support.judging import Row, judged
from tests.support.rows import BOS, EOS, PAD, VOCAB, distinct_neighbours

KNOWN = Vocabulary(VOCAB, BOS, (EOS,), PAD)
NOTHING_KNOWN = Vocabulary()
SCHEMA = pa.schema(
    {name: pa.list_(pa.int32()) for name in ("input_ids", "attention_mask", "labels")}
)


def row(ids: Sequence[int], labels: Sequence[int] | None = None, mask: Sequence[int] = ()) -> Row:
    """A row; by default all is attended, and all but the first token is trained."""
    trained = [-100, *ids[1:]] if labels is None else list(labels)
    return {
        "input_ids": list(ids),
        "attention_mask": list(mask) or [1] * len(ids),
        "labels": trained,
    }


def words(count: int, seed: int) -> list[int]:
    """Distinct neighbours, none of them special."""
    return distinct_neighbours(count, random.Random(seed))


def chat(seed: int, prompt: int = 6, answer: int = 6, begin: Sequence[int] = (BOS,)) -> Row:
    """A masked prompt and a trained answer."""
    ids = [*begin, *words(prompt + answer, seed), EOS]
    return row(ids, [-100] * (len(ids) - answer - 1) + ids[-answer - 1 :])


def whole(seed: int, begin: Sequence[int] = (BOS,), count: int = 12) -> Row:
    """A row that trains everything behind its first token."""
    return row([*begin, *words(count, seed), EOS])


def found(rule: str, rows: Sequence[Row], known: Vocabulary = KNOWN) -> list[int]:
    """The rows that a rule reports."""
    return judged(rows, vocabulary=known)[1].get(rule, [])


def finding(rule: str, rows: Sequence[Row], known: Vocabulary = KNOWN) -> Finding:
    """What a rule concludes."""
    return judged(rows, vocabulary=known)[0][rule]


@pytest.mark.parametrize(
    ("twice", "once", "reported"),
    [(9, 1, list(range(9))), (8, 1, []), (8, 2, []), (1, 0, []), (2, 0, [0, 1])],
)
def test_an_unknown_bos_that_stands_twice(twice: int, once: int, reported: list[int]) -> None:
    """The first id stands twice in 90 % of two rows or more: it is BOS, though nobody said so."""
    rows = [chat(i, begin=(1, 1)) for i in range(twice)] + [chat(50 + i) for i in range(once)]

    assert found("double-bos", rows, NOTHING_KNOWN) == reported


def test_a_known_bos_that_stands_twice() -> None:
    """One row is enough; another id that stands twice is none; the text says which it was."""
    rows = [chat(i) for i in range(9)] + [chat(9, begin=(BOS, BOS)), chat(10, begin=(7, 7))]

    assert found("double-bos", rows) == [9]
    assert "the template writes BOS" not in str(finding("double-bos", rows).cause)
    assert finding("double-bos", rows).cause == (
        "the chat template writes BOS, and the tokenizer adds it once more"
    )
    (example,) = finding("double-bos", rows).examples
    assert (example.row, example.position, example.found) == (9, 1, BOS)


def test_bos_alone_is_not_twice() -> None:
    """The row behind a row of BOS alone begins with BOS: these are not two of one row."""
    rows = [row([BOS], [-100]), chat(0), chat(1)]

    assert found("double-bos", rows) == []


@pytest.mark.parametrize(("without", "reported"), [(0, []), (1, [0]), (2, [])])
def test_rows_without_bos(without: int, reported: list[int]) -> None:
    """A habit of 90 % of the rows."""
    rows = [chat(i, begin=(7,)) for i in range(without)]
    rows += [chat(50 + i) for i in range(10 - without)]

    assert found("inconsistent-bos", rows) == reported


@pytest.mark.parametrize(("inside", "reported"), [(1, [0]), (2, [])])
def test_bos_inside(inside: int, reported: list[int]) -> None:
    """Under 20 % of the rows: more is packing."""
    rows = [chat(i) for i in range(10)]
    for made in rows[:inside]:
        made["input_ids"][4] = BOS

    assert found("inner-bos", rows) == reported


@pytest.mark.parametrize(
    ("trained", "masked", "speaks"), [(99, 1, True), (98, 2, False), (8, 0, True), (7, 0, False)]
)
def test_prompts_that_are_trained(trained: int, masked: int, speaks: bool) -> None:
    """99 % of 8 rows or more, all beginning with one template."""
    rows = [whole(i, (BOS, 11, 12)) for i in range(trained)]
    rows += [chat(200 + i, begin=(BOS, 11, 12)) for i in range(masked)]

    assert found("prompt-not-masked", rows) == (list(range(trained)) if speaks else [])


@pytest.mark.parametrize(("alike", "speaks"), [(18, True), (17, False)])
@pytest.mark.parametrize("begin", [(BOS,), ()])
def test_plain_text_is_no_prompt(alike: int, speaks: bool, begin: tuple[int, ...]) -> None:
    """90 % of the rows begin with the same two ids behind BOS, which need not be there."""
    rows = [whole(i, (*begin, 11, 12)) for i in range(alike)]
    rows += [whole(200 + i, (*begin, 20 + i, 12)) for i in range(20 - alike)]

    assert bool(found("prompt-not-masked", rows)) == speaks


@pytest.mark.parametrize(("trained", "reported"), [(4, [0, 1, 2, 3]), (5, [])])
def test_a_few_rows_that_train_everything(trained: int, reported: list[int]) -> None:
    """Fewer than half of the rows."""
    rows = [whole(i) for i in range(trained)] + [chat(50 + i) for i in range(10 - trained)]

    assert found("mixed-masking", rows) == reported


def answer(seed: int, header: Sequence[int]) -> Row:
    """An answer behind a header of three ids."""
    ids = [BOS, *words(5, seed), *header, *words(6, seed + 500), EOS]
    return row(ids, [-100] * 9 + ids[9:])


@pytest.mark.parametrize(
    ("same", "other", "speaks"), [(16, 4, True), (15, 5, False), (16, 3, False), (20, 0, False)]
)
def test_answers_behind_another_header(same: int, other: int, speaks: bool) -> None:
    """Three ids before the answer that 80 % of 20 rows or more share."""
    rows = [answer(i, (21, 22, 23)) for i in range(same)]
    rows += [answer(100 + i, (21, 30 + i, 23)) for i in range(other)]

    assert found("prompt-boundary", rows) == (list(range(same, same + other)) if speaks else [])


def test_what_a_boundary_shows() -> None:
    """The three ids before the first trained token, and what most rows have there."""
    rows = [answer(i, (21, 22, 23)) for i in range(19)] + [answer(99, (21, 30, 23))]

    (example,) = finding("prompt-boundary", rows).examples

    assert (example.row, example.position) == (19, 9)
    assert (example.found, example.expected) == ("21 30 23", "21 22 23")


def test_an_answer_near_the_begin_of_its_row() -> None:
    """Where fewer than three ids lie before it, a dash stands for each that is not there."""
    rows = [answer(i, (21, 22, 23)) for i in range(19)]
    last = row([7, *words(8, 99), EOS])
    last["labels"][4] = -100
    rows.append(last)

    (example,) = finding("prompt-boundary", rows, NOTHING_KNOWN).examples

    assert (example.row, example.position, example.found) == (19, 1, "- - 7")


def ignoring(values: Sequence[int]) -> Row:
    """A row whose first labels are these values, and nothing is masked."""
    ids = [BOS, *words(len(values) + 10, len(values)), EOS]
    return row(ids, [*values, *ids[len(values) :]])


@pytest.mark.parametrize(
    ("values", "speaks"),
    [
        ([5000] * 16, True),
        ([5000] * 15, False),
        ([5000] * 18 + [6000, 6001], True),
        ([5000] * 18 + [6000, 6001, 6002], False),
    ],
)
def test_another_ignore_value(values: list[int], speaks: bool) -> None:
    """One value in 16 places or more, and 90 % of the wrong labels."""
    rows = [ignoring(values)]

    assert found("wrong-ignore-value", rows, NOTHING_KNOWN) == ([0] if speaks else [])
    if speaks:
        cause = finding("wrong-ignore-value", rows, NOTHING_KNOWN).cause
        assert cause == "5000 stands where -100 was meant"


@pytest.mark.parametrize(("run", "reported"), [(3, [0]), (4, [0, 1])])
def test_runs_of_an_ignore_value(run: int, reported: list[int]) -> None:
    """Rows with four such labels in a row are reported; fewer are single wrong labels."""
    rows = [ignoring([7] * 40), ignoring([7] * run)]

    assert found("wrong-ignore-value", rows, NOTHING_KNOWN) == reported


@pytest.mark.parametrize(
    ("value", "named"), [(PAD, " (the pad id)"), (BOS, " (the BOS id)"), (EOS, " (an end id)")]
)
def test_what_an_ignore_value_is(value: int, named: str) -> None:
    """The cause names the special id that was written for -100."""
    rows = [ignoring([value] * 10), ignoring([value] * 11)]

    cause = finding("wrong-ignore-value", rows).cause

    assert cause == f"{value}{named} stands where -100 was meant"


def shifted(count: int, k: int, seed: int, ahead: bool = False) -> Row:
    """A row whose last labels stand ``k`` places from their ids."""
    ids = [BOS, *words(count + 6, seed), EOS]
    labels = [-100] * len(ids)
    for at in range(4, 4 + count):
        labels[at] = ids[at + k]
    return row(ids, labels)


@pytest.mark.parametrize("k", [1, -1, 2, -2, 3, -3])
def test_shifts(k: int) -> None:
    """Up to three places in either direction, and the cause names which."""
    rows = [shifted(8, k, seed) for seed in range(3)]

    assert found("labels-shifted", rows) == [0, 1, 2]
    assert str(finding("labels-shifted", rows).cause).startswith(f"k = {k:+d}: labels[i] is ")


@pytest.mark.parametrize(("places", "reported"), [(4, [0]), (3, [])])
def test_places_that_show_a_shift(places: int, reported: list[int]) -> None:
    """Four places tell a shift; three tell nothing where other rows are not shifted."""
    rows = [shifted(places, 1, 0), *(chat(i) for i in range(1, 12))]

    assert found("labels-shifted", rows) == reported


@pytest.mark.parametrize(("clean", "reported"), [(1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), (2, None)])
def test_a_short_row_follows_the_others(clean: int, reported: list[int] | None) -> None:
    """Three places do where 90 % of the rows are shifted."""
    rows = [shifted(8, 1, seed) for seed in range(9)] + [shifted(3, 1, 50)]
    rows += [chat(100 + i) for i in range(clean)]

    assert found("labels-shifted", rows) == (list(range(9)) if reported is None else reported)


@pytest.mark.parametrize(("wrong", "shown"), [(1, True), (2, False)])
def test_a_shift_with_noise(wrong: int, shown: bool) -> None:
    """90 % of the places agree."""
    made = shifted(10, 1, 3)
    for at in range(4, 4 + wrong):
        made["labels"][at] = 777

    assert found("labels-shifted", [made]) == ([0] if shown else [])


def cut(length: int, seed: int, end: bool = False) -> Row:
    """A row of so many tokens, with or without an end id."""
    ids = [BOS, *words(length - 2, seed), EOS if end else 900 + seed % 9]
    return row(ids, [-100] * 3 + ids[3:])


@pytest.mark.parametrize(
    ("open_", "closed", "reported"),
    [(3, 20, [0, 1, 2]), (2, 20, []), (3, 147, [0, 1, 2]), (3, 148, [])],
)
def test_rows_that_were_cut(open_: int, closed: int, reported: list[int]) -> None:
    """Three rows and 2 % of all, of the largest length, end in the middle of a text."""
    rows = [cut(40, i) for i in range(open_)]
    rows += [cut(10 + i % 20, 100 + i, end=True) for i in range(closed)]

    assert found("cut-at-limit", rows) == reported


def test_rows_of_other_lengths_were_not_cut() -> None:
    """Only the largest length counts, and what ends openly below it lacks its end alone."""
    rows = [cut(30, i) for i in range(5)] + [cut(40, 10, end=True)]

    assert found("cut-at-limit", rows) == []
    assert found("missing-eos", rows) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("policy", "others", "beyond", "severity"),
    [
        ("drop", 95, 5, Severity.WARNING),  # 5 of 100 are lost
        ("drop", 94, 5, Severity.ERROR),  # 5 of 99
        ("truncate", 90, 5, Severity.WARNING),  # 5 of 100: the long row trains 5 before the limit
        ("truncate", 89, 5, Severity.ERROR),  # 5 of 99
        ("raise", 1000, 1, Severity.ERROR),
    ],
)
def test_how_much_is_lost(
    policy: ExcessLength, others: int, beyond: int, severity: Severity
) -> None:
    """An error where more than 5 % of the trainable tokens are lost, or where the run stops."""
    before = 5 if policy == "truncate" else 0
    ids = [BOS, *words(5 + before + beyond, 90)]
    long = row(ids, [-100] * 6 + ids[6:])
    limit = 6 + before
    rows = [*_pieces(others, limit), long]

    findings, where = judged(rows, load("axolotl").with_lengths(limit, 2, policy), NOTHING_KNOWN)

    assert where["too-long"] == [len(rows) - 1]
    assert findings["too-long"].severity is severity


@pytest.mark.parametrize(("others", "severity"), [(95, Severity.WARNING), (94, Severity.ERROR)])
def test_what_shifted_labels_lose(others: int, severity: Severity) -> None:
    """Where labels are shifted in the dataset, the first one is a target as well."""
    ids = words(12, 90)
    rows = [{"tokens": ids, "labels": [*ids[1:6], *[-100] * 7]}]
    for seed in range(others):
        first, second = words(2, seed)
        rows.append({"tokens": [first, second], "labels": [second, -100]})

    findings, _ = judged(rows, load("torchtune").with_lengths(10, 2, "drop"), NOTHING_KNOWN)

    assert findings["too-long"].severity is severity


def _pieces(trained: int, limit: int) -> list[Row]:
    """Rows within a limit that train so many tokens together."""
    rows = []
    while trained:
        many = min(trained, limit - 1)
        rows.append(row([BOS, *words(many, len(rows))]))
        trained -= many
    return rows


@pytest.mark.parametrize(("padded", "reported"), [(2, [0, 1]), (1, [])])
def test_trained_padding_of_an_unknown_id(padded: int, reported: list[int]) -> None:
    """The same two trained ids at the end of 20 % of the rows, and of two rows at least."""
    rows = [row([BOS, *words(8, i), 5, 5, 5]) for i in range(padded)]
    rows += [whole(50 + i) for i in range(10 - padded)]

    assert found("trained-padding", rows, NOTHING_KNOWN) == reported
    if reported:
        assert finding("trained-padding", rows, NOTHING_KNOWN).outcome is Outcome.WARNED


@pytest.mark.parametrize(("eos", "pads", "reported"), [((EOS,), 2, [0]), ((EOS, PAD), 2, [])])
def test_trained_padding(eos: tuple[int, ...], pads: int, reported: list[int]) -> None:
    """Two trained pads, three where the pad id is an end id."""
    rows = [row([BOS, *words(8, 0), EOS, *[PAD] * pads]), whole(1), whole(2)]

    assert found("trained-padding", rows, Vocabulary(VOCAB, BOS, eos, PAD)) == reported


def test_trained_padding_begins_at_its_first_place() -> None:
    """At the first of the pads that end the row, and there one is enough to look like -100."""
    rows = [row([BOS, *words(8, 0), EOS, PAD, PAD, PAD]), whole(1), whole(2)]

    (example,) = finding("trained-padding", rows).examples

    assert (example.position, example.found, example.expected) == (10, PAD, -100)


def masked_end(seed: int) -> Row:
    """An answer whose end id carries no loss."""
    made = chat(seed)
    made["labels"][-1] = -100
    return made


def test_ends_that_are_never_trained() -> None:
    """One end id that is trained makes the others a fault of their rows."""
    never = [masked_end(i) for i in range(4)]
    once = [*never, chat(9)]

    assert found("eos-never-trained", never) == [0, 1, 2, 3]
    assert found("end-id-masked", never) == []
    assert found("eos-never-trained", once) == []
    assert found("end-id-masked", once) == [0, 1, 2, 3]


def test_an_end_inside_is_trained_too() -> None:
    """A trained end id counts wherever it stands, in the last row as well."""
    inside = chat(9)
    inside["input_ids"][9] = inside["labels"][9] = EOS
    inside["labels"][-1] = -100

    assert found("eos-never-trained", [masked_end(1), inside]) == []


def test_why_ends_are_never_trained() -> None:
    """A pad id that is the end id is the usual origin; without one the cause is not known."""
    rows = [masked_end(i) for i in range(4)]

    assert finding("eos-never-trained", rows).cause is None
    assert finding("eos-never-trained", rows, Vocabulary(VOCAB, BOS, (EOS,), EOS)).cause == (
        "the pad id is an end id: it was probably masked with the padding"
    )


def hidden(ids: Sequence[int]) -> Row:
    """A row whose mask is 1 where the labels carry loss, and 0 over these ids before it."""
    whole_ids = [*ids, *words(6, sum(ids)), EOS]
    zeros = len(ids)
    labels = [-100] * zeros + whole_ids[zeros:]
    return row(whole_ids, labels, [0] * zeros + [1] * (len(whole_ids) - zeros))


@pytest.mark.parametrize(("distinct", "loss_mask"), [(10, True), (9, False)])
def test_a_loss_mask_that_became_the_attention_mask(distinct: int, loss_mask: bool) -> None:
    """It hides 10 ids or more; fewer are padding at the start of rows."""
    ids = list(range(20, 20 + distinct))
    rows = [hidden(ids[: distinct - 1]), hidden(ids[1:]), chat(0), chat(1)]

    assert found("mask-hole", rows) == ([0, 1] if loss_mask else [])


@pytest.mark.parametrize(("others", "loss_mask"), [(1, True), (2, False)])
def test_rows_that_hide_something_else(others: int, loss_mask: bool) -> None:
    """90 % of the rows with zeros."""
    rows = [hidden(range(20 + i, 32 + i)) for i in range(9)]
    for i in range(others):
        made = chat(i)
        made["attention_mask"][-2:] = [0, 0]
        made["labels"][-3:] = [-100] * 3
        rows.append(made)

    assert set(range(9)) <= set(found("mask-hole", rows)) or not loss_mask
    assert bool(found("mask-hole", rows)) == loss_mask


def mismatched(drop: int, seed: int) -> Row:
    """Labels that lack so many values at their end."""
    made = whole(seed)
    return {**made, "labels": made["labels"][: len(made["labels"]) - drop]}


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [(9, 1, True), (8, 1, False), (1, 0, False), (2, 0, True)],
)
def test_lengths_that_differ_alike(one: int, other: int, told: bool) -> None:
    """A difference that 90 % of two rows or more share has a cause."""
    rows = [mismatched(1, i) for i in range(one)] + [mismatched(3, 50 + i) for i in range(other)]
    rows.append(whole(99))

    cause = finding("length-mismatch", rows).cause

    assert (cause is not None) == told
    if told:
        assert cause == (
            f"labels is 1 shorter than input_ids in {one:,} of these rows: "
            "BOS or EOS was added to one column only, or one column was cut"
        )


def test_labels_that_are_longer() -> None:
    """A value too many is told as one too few is."""
    rows = [{**whole(i), "labels": [*whole(i)["labels"], EOS]} for i in range(3)]

    assert finding("length-mismatch", rows).cause == (
        "labels is 1 longer than input_ids in 3 of these rows: "
        "BOS or EOS was added to one column only, or one column was cut"
    )


@pytest.mark.parametrize(
    ("dtype", "told"),
    [
        (pa.string(), "lists became text"),
        (pa.list_(pa.list_(pa.int32())), "the batch axis was kept"),
        (pa.list_(pa.float64()), "a missing value turned integers into floats"),
        (pa.int64(), None),
    ],
    ids=str,
)
def test_what_made_a_column_of_another_type(dtype: pa.DataType, told: str | None) -> None:
    """Each kind has its usual origin; single numbers have none."""
    table = pa.Table.from_pylist([chat(i) for i in range(3)])
    table = table.set_column(0, "input_ids", pa.nulls(3, dtype))

    cause = judged(table)[0]["column-type"].cause

    assert cause is None if told is None else str(cause).startswith(told)


@pytest.mark.parametrize("more", [0, 1])
def test_a_shard_of_other_columns(more: int) -> None:
    """What it has and what the first one has are told, whichever of them has more."""
    columns = [("input_ids", "labels"), ("input_ids", "labels")]
    columns[more] = (*columns[more], "source")
    shards = [ShardFacts(f"{n}", 1, names, schema=True) for n, names in enumerate(columns)]
    rule = rule_named("shard-schema-mismatch")(load("axolotl"), KNOWN)
    assert isinstance(rule, FileRule)

    (example,) = rule.look_at_files(shards, {})

    told = ["no source", "column source"]
    assert (example.shard, example.found, example.expected) == ("1", told[more], told[1 - more])


def test_lengths_in_another_order() -> None:
    """The same lengths in other rows: one column was shuffled."""
    first, second = whole(1, count=8), whole(2, count=11)
    rows = [{**first, "labels": second["labels"]}, {**second, "labels": first["labels"]}]

    assert str(finding("length-mismatch", rows).cause).startswith(
        "the labels have the lengths of input_ids in another order"
    )


@pytest.mark.parametrize(("labels", "mask", "told"), [(2, 1, True), (1, 1, False)])
def test_nulls_for_the_ignore_index(labels: int, mask: int, told: bool) -> None:
    """More than half of the rows with nulls have them in labels."""
    rows = [whole(i) for i in range(6)]
    for made in rows[:labels]:
        made["labels"][0] = None
    for made in rows[labels : labels + mask]:
        made["attention_mask"][0] = None

    cause = finding("null-token", rows).cause

    assert cause == ("null was written in labels where -100 was meant" if told else None)


def repeated(piece: Sequence[int], times: int, before: int = 5) -> Row:
    """A row with a piece so many times in a row behind some words."""
    ids = [BOS, *words(before, 1), *list(piece) * times, 900, EOS]
    return row(ids)


@pytest.mark.parametrize(
    ("period", "times", "told"),
    [
        (1, 64, "one id repeated"),
        (1, 63, None),
        (2, 64, "2 repeated"),
        (2, 63, None),
        (3, 64, "3 repeated"),
        (5, 64, "5 repeated"),
        (12, 64, "12 repeated"),
        (13, 64, "13 repeated"),
        (13, 63, None),
        (14, 80, None),
    ],
)
def test_repetitions(period: int, times: int, told: str | None) -> None:
    """From 64 times on, of up to 13 tokens, at the first of them."""
    rows = [chat(1), repeated(range(500, 500 + period), times), chat(2)]

    _, by_rule = judged(rows, vocabulary=NOTHING_KNOWN)
    examples = finding("repetition", rows, NOTHING_KNOWN).examples

    assert by_rule.get("repetition", []) == ([1] if told else [])
    assert [(e.position, e.found) for e in examples] == ([(6, told)] if told else [])


def predicting(different: int, elsewhere: int, distinct: int) -> list[Row]:
    """Rows whose labels stand on a mask id, and some labels that stand on other ids."""
    rows = []
    for i in range(different):
        ids = [BOS, *words(8, i), EOS]
        ids[4] = 999
        rows.append(row(ids, [-100] * 4 + [100 + i % distinct] + [-100] * 5))
    for i in range(elsewhere):
        ids = [BOS, *words(8, 500 + i), EOS]
        rows.append(row(ids, [-100] * 4 + [ids[4] - 1] + [-100] * 5))
    return rows


@pytest.mark.parametrize(
    ("on_mask", "elsewhere", "distinct", "told"),
    [
        (100, 0, 10, "100 of 100"),
        (99, 0, 10, None),
        (100, 0, 9, None),
        (60, 60, 12, "60 of 120"),
        (60, 61, 12, None),
    ],
)
def test_batches_of_a_masked_language_model(
    on_mask: int, elsewhere: int, distinct: int, told: str | None
) -> None:
    """100 labels that are not their id, half of them on one id, with 10 values."""
    rows = predicting(on_mask, elsewhere, distinct)

    examples = finding("wrong-kind", rows, NOTHING_KNOWN).examples

    what = f"{told} labels that differ from their id stand on id 999"
    shown = [f"batches of a masked language model: {what}"] if told else []
    assert [example.found for example in examples] == shown


def pair(seed: int, source: int, target: int) -> Row:
    """Ids of one sequence, and labels of another."""
    ids, labels = words(source, seed), words(target, 900 + seed)
    return {"input_ids": ids, "attention_mask": [1] * source, "labels": labels}


@pytest.mark.parametrize(
    ("uneven", "even", "speaks"),
    [(20, 0, True), (19, 0, False), (20, 5, True), (20, 6, False)],
)
def test_encoder_decoder_rows(uneven: int, even: int, speaks: bool) -> None:
    """80 % of 20 rows or more have labels of another length, and other values."""
    rows = [pair(i, 10 + i % 5, 20 + i % 7) for i in range(uneven)]
    rows += [pair(100 + i, 10, 10) for i in range(even)]

    examples = finding("wrong-kind", rows, NOTHING_KNOWN).examples

    told = f"encoder-decoder rows: labels of another length than input_ids in {uneven} rows"
    assert [example.found for example in examples] == ([told] if speaks else [])


@pytest.mark.parametrize(("constant", "speaks"), [(17, True), (18, False)])
def test_a_constant_difference_is_no_second_sequence(constant: int, speaks: bool) -> None:
    """Labels that are 3 longer in 90 % of the rows: one column lacks something."""
    rows = [pair(i, 10, 13) for i in range(constant)]
    rows += [pair(100 + i, 10, 20 + i) for i in range(20 - constant)]

    assert bool(finding("wrong-kind", rows, NOTHING_KNOWN).violations) == speaks


@pytest.mark.parametrize("end", ["head", "tail"])
def test_labels_of_these_very_ids_are_no_second_sequence(end: str) -> None:
    """Labels that were cut, at either end, are still those of the ids."""
    rows = []
    for i in range(20):
        ids = words(20, i)
        kept = 8 + i % 9
        labels = ids[:kept] if end == "head" else ids[-kept:]
        rows.append({"input_ids": ids, "attention_mask": [1] * 20, "labels": labels})

    assert finding("wrong-kind", rows, NOTHING_KNOWN).violations == 0
    assert found("length-mismatch", rows, NOTHING_KNOWN) == list(range(20))


def test_shuffled_labels_are_no_second_sequence() -> None:
    """The same lengths in another order."""
    rows = [pair(i, 10 + i, 10 + (i + 7) % 20) for i in range(20)]

    assert finding("wrong-kind", rows, NOTHING_KNOWN).violations == 0


@pytest.mark.parametrize(
    ("item", "size", "narrow"),
    [
        ("uint16", 65536, None),
        ("uint16", 65537, "0 to 65536"),
        ("int16", 32768, None),
        ("int16", 32769, "0 to 32768"),
        ("int8", 128, None),
        ("int8", 129, "0 to 128"),
    ],
)
def test_types_that_are_too_narrow(item: str, size: int, narrow: str | None) -> None:
    """The largest id of the vocabulary must fit."""
    ids = pa.array([[1, 5, 2]], pa.list_(pa.type_for_alias(item)))
    others = pa.array([[1, 5, 2]], pa.list_(pa.int64()))
    table = pa.table({"input_ids": ids, "attention_mask": others, "labels": others})

    examples = narrow_types(table, size)

    assert examples == ([("input_ids", item, narrow, False)] if narrow else [])


def test_unsigned_labels() -> None:
    """They cannot hold -100; too narrow a type is worse, and told instead."""
    small = pa.array([[1, 5, 2]], pa.list_(pa.uint16()))
    large = pa.array([[1, 5, 2]], pa.list_(pa.int32()))
    unsigned = pa.table({"input_ids": large, "attention_mask": large, "labels": small})
    both = pa.table({"input_ids": small, "attention_mask": large, "labels": small})

    assert narrow_types(unsigned, 100) == [("labels", "uint16", "a signed type", True)]
    assert narrow_types(both, 70000) == [("input_ids", "uint16", "0 to 69999", False)]


def narrow_types(table: pa.Table, size: int) -> list[tuple[object, ...]]:
    """What `narrow-integer` says of a table's columns."""
    report = pretok_schemas.validate(table, vocab_size=size)
    examples = report.findings["narrow-integer"].examples
    return [(e.column, e.found, e.expected, e.mild) for e in examples]


def masked(length: int, seed: int) -> Row:
    """A row without a trainable token."""
    ids = [BOS, *words(length - 2, seed), EOS]
    return row(ids, [-100] * length)


@pytest.mark.parametrize(
    ("at_limit", "shorter", "cause"),
    [
        (2, 2, "2 of these rows have the largest length, 30: "),
        (2, 3, None),
        (1, 0, None),
    ],
)
def test_why_rows_train_nothing(at_limit: int, shorter: int, cause: str | None) -> None:
    """Half of two rows or more have the largest length: the prompt filled the context."""
    rows = [masked(30, i) for i in range(at_limit)]
    rows += [masked(20, 50 + i) for i in range(shorter)] + [chat(99)]

    told = finding("no-trainable-token", rows).cause

    assert told == (
        f"{cause}the prompt filled the context and the answer was cut off" if cause else None
    )


def test_every_row_trains_nothing() -> None:
    """Then the marker of the answers was not found."""
    rows = [masked(30, 0), *(masked(20 + i, 50 + i) for i in range(5))]

    assert finding("no-trainable-token", rows).cause == (
        "every row is masked: the marker that begins an answer was probably never found"
    )


@pytest.mark.parametrize(
    ("budget", "outcome"),
    [
        (Budget(max_rows=3), Outcome.PASSED),
        (Budget(max_rows=2), Outcome.FAILED),
        (Budget(max_share=0.3), Outcome.PASSED),
        (Budget(max_share=0.29), Outcome.FAILED),
        (Budget(), Outcome.FAILED),
    ],
)
def test_budgets(budget: Budget, outcome: Outcome) -> None:
    """As many violations as are allowed pass, one more does not; the count stays."""
    rows = [masked(20, i) for i in range(3)] + [chat(50 + i) for i in range(7)]
    table = pa.Table.from_pylist(rows)
    judge = Judge(load("axolotl"), KNOWN, budgets={"no-trainable-token": budget})
    state = judge.look(judge.columns.batch(table.combine_chunks().to_batches()[0]))

    found = judge.conclude(state, [ShardFacts("x", 10, tuple(table.column_names))])

    assert found["no-trainable-token"].outcome is outcome
    assert found["no-trainable-token"].violations == 3
    assert found["no-trainable-token"].total == 10


def test_a_mask_of_floats_that_are_zeros_and_ones() -> None:
    """It does no harm, and its values are right; another value is named."""
    rows = [chat(0), chat(1)]
    floats = [[float(value) for value in made["attention_mask"]] for made in rows]
    table = pa.Table.from_pylist(rows).set_column(1, "attention_mask", pa.array(floats))
    floats[1][3] = 0.5
    odd = pa.Table.from_pylist(rows).set_column(1, "attention_mask", pa.array(floats))

    assert "mask-values" not in judged(table, vocabulary=KNOWN)[1]
    assert judged(odd, vocabulary=KNOWN)[1]["mask-values"] == [1]


@pytest.mark.parametrize("stated", [None, [5, None]])
def test_document_lengths_that_cannot_be_read(stated: list[int] | None) -> None:
    """A row whose lengths are null says nothing; the others are held to theirs."""
    rows = [{**chat(i), "seq_lengths": [5, 9]} for i in range(3)]
    rows[1]["seq_lengths"] = stated
    rows[2]["seq_lengths"] = [5, 8]

    _, by_rule = judged(rows, load("trl"), KNOWN)

    assert by_rule["sequence-lengths"] == [2]


def any_row(rng: random.Random) -> Row:
    """A chat, or a row with one of many faults."""
    seed = rng.randrange(1000)
    faulty = [
        lambda: chat(seed, begin=(BOS, BOS)),
        lambda: chat(seed, begin=(7,)),
        lambda: whole(seed),
        lambda: answer(seed, (21, 30, 23)),
        lambda: ignoring([777] * rng.choice([3, 18])),
        lambda: shifted(rng.choice([3, 8]), rng.choice([1, -1]), seed),
        lambda: cut(40, seed),
        lambda: masked_end(seed),
        lambda: hidden(range(20, 32)),
        lambda: mismatched(2, seed),
        lambda: repeated([500], 70),
        lambda: row([BOS, *words(8, seed), EOS, PAD, PAD]),
        lambda: row([], []),
    ]
    return rng.choice(faulty)() if rng.random() < 0.3 else answer(seed, (21, 22, 23))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("known", [KNOWN, NOTHING_KNOWN])
def test_batches_of_any_size(seed: int, known: Vocabulary) -> None:
    """The same findings however many rows are looked at together."""
    rng = random.Random(seed)
    rows = [any_row(rng) for _ in range(rng.choice([25, 60]))]
    whole_ = judged(rows, vocabulary=known)

    for size in (1, 2, 7, 24):
        assert judged(rows, vocabulary=known, size=size) == whole_


@pytest.mark.parametrize(
    ("size", "expected"), [(VOCAB, f"-100, or 0 to {VOCAB - 1}"), (None, "-100, or 0 or more")]
)
def test_what_a_label_may_be(size: int | None, expected: str) -> None:
    """Up to the last id of the vocabulary, where it is known."""
    made = chat(1)
    made["labels"][-2] = -7

    (example,) = finding("label-out-of-range", [made], Vocabulary(size)).examples

    assert (example.position, example.found, example.expected) == (12, -7, expected)


@pytest.mark.parametrize(
    ("rule", "known", "expected"),
    [
        ("token-out-of-vocab", Vocabulary(VOCAB), f"0 to {VOCAB - 1}"),
        ("token-out-of-vocab", Vocabulary(), "0 or more"),
    ],
)
def test_what_an_id_may_be(rule: str, known: Vocabulary, expected: str) -> None:
    """Likewise."""
    made = chat(1)
    made["input_ids"][3] = -7

    (example,) = finding(rule, [made], known).examples

    assert (example.position, example.found, example.expected) == (3, -7, expected)


@pytest.mark.parametrize(
    ("columns", "found_"),
    [
        (("token_type_ids",), None),
        (("source", "token_type_ids"), "source"),
        (("a", "b", "c", "d"), "a, b, c, d"),
        (("a", "b", "c", "d", "e"), "a, b, c, d ..."),
    ],
)
def test_columns_that_a_trainer_does_not_know(columns: Sequence[str], found_: str | None) -> None:
    """Four of them are named; those that it has a use for are none."""
    made = pa.table({**{k: [v] for k, v in chat(1).items()}, **{name: [[1]] for name in columns}})

    findings, _ = judged(made, severities={"extra-column": Severity.WARNING})

    shown = [example.found for example in findings["extra-column"].examples]
    assert shown == ([] if found_ is None else [found_])


def test_a_split_of_no_files() -> None:
    """It has no rows, and no file to name."""
    judge = Judge(load("axolotl"), KNOWN)

    (example,) = judge.conclude(State(), [])["no-rows"].examples

    assert (example.shard, example.found, example.expected) == ("", "0 rows", ">= 1")


@pytest.mark.parametrize(
    ("period", "begin"), [(1, 0), (2, 0), (3, 0), (5, 0), (7, 0), (9, 0), (11, 0), (13, 0), (11, 4)]
)
def test_where_a_repetition_begins(period: int, begin: int) -> None:
    """At the first token of a row, or behind what does not repeat."""
    piece = list(range(500, 500 + period))
    ids = [*range(100, 100 + begin), *piece * 64]

    (example,) = finding("repetition", [row(ids), chat(1)], NOTHING_KNOWN).examples
    findings, _ = judged([row(ids[:-1]), chat(1)], vocabulary=NOTHING_KNOWN)

    assert (example.row, example.position) == (0, begin)
    assert example.found == ("one id repeated" if period == 1 else f"{period} repeated")
    assert not findings["repetition"].violations


def test_the_word_before_what_was_found() -> None:
    """It is "found", save where a rule has one of its own."""
    made = chat(1)
    made["labels"][-2] = 5
    findings, _ = judged([made])

    assert {finding.evidence for finding in findings.values()} <= {"found", "the same as"}
    assert findings["label-not-input-id"].evidence == "found"
    assert findings["label-not-input-id"].to_dict()["evidence"] == "found"


@pytest.mark.parametrize(("masks", "others", "counts"), [(9, 1, True), (8, 1, False)])
def test_doubtful_masks_follow_the_others(masks: int, others: int, counts: bool) -> None:
    """90 % of the rows with wrong labels are masks of zeros and ones."""
    rows = [row(ids := [BOS, *words(9, i), EOS], [0] * 5 + [1] * 6) for i in range(masks)]
    for i in range(others):
        made = whole(100 + i)
        made["labels"][4] = 777
        rows.append(made)
    rows.append(row(ids[:4], [0, 0, 1, -100]))  # too few labels to tell

    doubtful = len(rows) - 1

    assert (doubtful in found("labels-are-a-mask", rows)) == counts
    assert set(range(masks)) <= set(found("labels-are-a-mask", rows))


def test_what_a_wrong_label_should_be() -> None:
    """The first one of a row, and the id that belongs there."""
    made = shifted(8, 1, 3)
    (example,) = finding("labels-shifted", [made]).examples

    assert (example.position, example.found) == (4, made["input_ids"][5])
    assert example.expected == made["input_ids"][4]


@pytest.mark.parametrize(
    ("first", "case", "other"), [(7, "first", "none"), (-100, "none", "first")]
)
def test_rows_of_one_label_at_most(first: int, case: str, other: str) -> None:
    """The first label is no target, and a trainer may fare otherwise with it."""
    contract = load("axolotl")
    told = finding("no-trainable-token", [row([7, 8, 9], [first, -100, -100])])

    assert told.consequence == contract.consequence("no-trainable-token", (case,)).text
    assert told.consequence != contract.consequence("no-trainable-token", (other,)).text


def test_absent_columns_are_all_named() -> None:
    """In one example a file, with what is there instead."""
    made = chat(1)
    table = {"input_ids": [made["input_ids"]], "mask": [made["attention_mask"]]}

    (example,) = judged(pa.table(table))[0]["missing-column"].examples

    assert example.found == "no attention_mask (but mask), no labels"
    assert (example.expected, example.column) == ("attention_mask, labels", "attention_mask")


def test_null_cells_are_named_by_their_column() -> None:
    """The first of a row's, in the order of the contract."""
    made = [whole(1), {**whole(2), "labels": None}, {**whole(3), "input_ids": None, "labels": None}]

    examples = judged(pa.Table.from_pylist(made, SCHEMA))[0]["null-row"].examples

    assert [(one.row, one.column) for one in examples] == [(1, "labels"), (2, "input_ids")]


@pytest.mark.parametrize(
    ("rows", "because"),
    [
        ([mismatched(2, 1)], "length-mismatch"),
        ([{**whole(1), "labels": None}], "null-row"),
        ([{**whole(1), "labels": [None] * 14}], "null-token"),
    ],
)
def test_what_left_no_row_to_judge(rows: list[Row], because: str) -> None:
    """The fault of the columns is why there is no verdict about the labels."""
    findings, _ = judged(pa.Table.from_pylist(rows, SCHEMA))

    assert findings["label-not-input-id"].outcome is Outcome.NOT_EVALUATED
    assert findings["label-not-input-id"].because == because
    assert findings[because].violations == 1


@pytest.mark.parametrize("labels", [[7], [-100]])
def test_one_token_whose_label_is_ahead(labels: list[int]) -> None:
    """Behind the last id anything may follow, in a row of one token too."""
    rows = [{"tokens": [5], "labels": labels}, {"tokens": [8, 9], "labels": [9, 3]}]

    _, where = judged(rows, load("torchtune"), NOTHING_KNOWN)

    assert not {"label-not-input-id", "label-out-of-range"} & set(where)


def test_rows_that_hold_the_ignore_index_decide_nothing() -> None:
    """Neither whether the others are shifted, nor what their labels are."""
    rows = [shifted(8, 1, seed) for seed in range(4)] + [shifted(3, 1, 50)]
    for seed in range(3):
        made = chat(100 + seed)
        made["input_ids"][1] = -100
        rows.append(made)

    assert found("labels-shifted", rows) == [0, 1, 2, 3, 4]
    assert found("ignore-index-in-ids", rows) == [5, 6, 7]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        *(
            ((name,), f"raw text: a column {name} and none with tokens")
            for name in ("text", "messages", "conversations", "prompt", "completion", "content")
        ),
        *(
            (("text", name), None)
            for name in ("input_ids", "labels", "tokens", "token_ids")  # text beside tokens
        ),
        (("decoder_input_ids",), "encoder-decoder rows: a column decoder_input_ids"),
        (("chosen", "rejected"), "preference pairs: columns chosen, rejected"),
        (
            ("rejected", *(f"chosen_{n}" for n in range(5))),
            "preference pairs: columns chosen_0, chosen_1, chosen_2, chosen_3",
        ),
        (("chosen",), None),
        (("chosen", "rejected", "input_ids"), None),
        (("source",), None),
    ],
)
def test_kinds_that_columns_tell(columns: Sequence[str], told: str | None) -> None:
    """Names alone are enough, in any file of the split."""
    judge = Judge(load("axolotl"), KNOWN)
    shards = [ShardFacts("a", 1, ("source",)), ShardFacts("b", 1, tuple(columns))]

    examples = judge.conclude(State(), shards)["wrong-kind"].examples

    assert [example.found for example in examples] == ([] if told is None else [told])


@pytest.mark.parametrize(
    ("role", "near"),
    [
        *(("input_ids", name) for name in ("tokens", "token_ids", "ids", "inputs", "input_id")),
        *(("attention_mask", name) for name in ("mask", "attn_mask", "attention")),
        *(("labels", name) for name in ("label", "targets", "target", "label_ids", "lables")),
    ],
)
def test_a_column_by_another_name(role: str, near: str) -> None:
    """What other tools call it is named, and what is spelled alike."""
    names = [name for name in ("input_ids", "attention_mask", "labels") if name != role]
    judge = Judge(load("axolotl"), KNOWN)

    (example,) = judge.conclude(State(), [ShardFacts("a", 1, (*names, near))])[
        "missing-column"
    ].examples

    assert (example.found, example.column) == (f"no {role} (but {near})", role)
    if near not in ("input_id", "lables"):  # which are only spelled like the name
        judge = Judge(load("axolotl"), KNOWN, names={role: "xyz"})
        (example,) = judge.conclude(State(), [ShardFacts("a", 1, (*names, near))])[
            "missing-column"
        ].examples
        assert example.found == f"no xyz (but {near})"


@pytest.mark.parametrize(
    ("mask", "position", "value", "mild"),
    [
        ([1, 1, 2, 2], 2, 2, True),
        ([1, 2, 3, 0], 1, 2, True),
        ([1, 1, 3, 3], 2, 3, False),
        ([1, 2, 1, 1], 1, 2, False),
        ([1, 2, 0, 3], 1, 2, False),
        ([2, 2, 2, 2], 0, 2, False),
        ([0, 1, 2, 2], 2, 2, False),
        ([1, 1, -1, 1], 2, -1, False),
    ],
)
def test_other_values_of_a_mask(mask: list[int], position: int, value: int, mild: bool) -> None:
    """At the first; numbers of documents are worth a warning."""
    made = row([5, 6, 7, 8], mask=mask)
    other = row([5, 6, 7, 8, 9], mask=[1, 1, 1, 1, 2])

    told = finding("mask-values", [other, made, other])

    _, example, _ = told.examples
    assert (example.row, example.position, example.found) == (1, position, value)
    assert example.expected == "0 or 1"
    assert (finding("mask-values", [made]).severity is Severity.WARNING) == mild


@pytest.mark.parametrize("most", [1, 2])
def test_a_mask_that_counts_documents(most: int) -> None:
    """Two documents are boundaries enough."""
    rows = []
    for seed in range(10):
        ids = [*range(100, 106), *words(4, seed), *range(100, 106), *words(4, seed + 50)]
        rows.append(row(ids, mask=[1] * 10 + [most] * 10))

    speaks = "packed-without-boundaries" in judged(rows, vocabulary=NOTHING_KNOWN)[1]

    assert speaks == (most == 1)


def test_verdicts_of_columns_that_some_batches_lack() -> None:
    """Rows that were judged before are judged still."""
    rows = [whole(1), mismatched(2, 2)]

    for size in (1, 2):
        findings, _ = judged(rows, size=size)
        assert findings["label-not-input-id"].outcome is Outcome.PASSED
        assert findings["label-not-input-id"].because is None


@pytest.mark.parametrize("size", [None, 3])
def test_every_rule_judges_clean_rows(size: int | None) -> None:
    """With every setting, each one passes; none is left without a verdict."""
    contract = load("axolotl").with_lengths(64, 2, "truncate")

    findings, _ = judged([chat(i) for i in range(10)], contract, KNOWN, size=size)

    assert {"too-long", "short-row", "targets-lost-by-truncation", "cut-at-limit"} <= set(findings)
    assert {finding.outcome for finding in findings.values()} == {Outcome.PASSED}


@pytest.mark.parametrize(("even", "speaks"), [(5, True), (6, False)])
def test_even_rows_in_a_batch_of_their_own(even: int, speaks: bool) -> None:
    """They count against encoder-decoder rows wherever they were read."""
    rows = [pair(i, 10 + i % 5, 20 + i % 7) for i in range(20)]
    rows += [pair(100 + i, 10, 10) for i in range(even)]

    findings, _ = judged(rows, vocabulary=NOTHING_KNOWN, size=20)

    assert bool(findings["wrong-kind"].violations) == speaks


def test_a_file_of_which_nothing_is_known() -> None:
    """It holds no rows."""
    judge = Judge(load("axolotl"), KNOWN)

    findings = judge.conclude(State(), [ShardFacts("a")])

    assert [example.shard for example in findings["no-rows"].examples] == ["a"]
    assert findings["labels-shifted"].because == "no-rows"


@pytest.mark.parametrize("least", [2, 3])
def test_rows_shorter_than_the_least(least: int) -> None:
    """From one token up; an empty row is another rule's, and so is one that trains nothing."""
    rows = [{**row(words(n, n)), "labels": words(n, n)} for n in (0, 2, 3, 4)]
    rows[1:1] = [row([7], [7]), {**row([8]), "labels": None}]

    findings, where = judged(
        pa.Table.from_pylist(rows, SCHEMA), load("axolotl").with_lengths(10, least)
    )

    short = [2, 3][: least - 1]
    assert where.get("short-row", []) == short
    assert [e.found for e in findings["short-row"].examples] == [1, 2][: least - 1]
    assert {e.expected for e in findings["short-row"].examples} <= {f">= {least}"}


@pytest.mark.parametrize(
    ("mask", "case", "other"),
    [
        ([0, 0, 1, 1, 1, 1], "hidden", "attended"),
        ([1, 1, 1, 1, 1, 1], "attended", "hidden"),
    ],
)
def test_what_padding_at_the_start_does(mask: list[int], case: str, other: str) -> None:
    """Where the mask hides it, it costs less than where it is attended."""
    made = row([PAD, PAD, BOS, 7, 8, EOS], [-100, -100, -100, 7, 8, EOS], mask)
    contract = load("axolotl")

    told = judged([made], contract, KNOWN)[0]["leading-padding"]

    assert told.consequence == contract.consequence("leading-padding", (case,)).text
    assert told.consequence != contract.consequence("leading-padding", (other,)).text


def test_labels_that_train_nothing_are_no_second_sequence() -> None:
    """There is nothing to compare."""
    rows = [{**pair(i, 10 + i % 5, 20 + i % 7)} for i in range(20)]
    for made in rows:
        made["labels"] = [-100] * len(made["labels"])

    assert not finding("wrong-kind", rows, NOTHING_KNOWN).violations


@pytest.mark.parametrize("role", ["input_ids", "attention_mask", "labels"])
def test_what_a_null_in_a_column_does(role: str) -> None:
    """The consequence is that of the column at fault."""
    made = [whole(i) for i in range(6)]
    made[3][role] = [None, *made[3][role][1:]]
    contract = load("axolotl")

    told = judged(pa.Table.from_pylist(made, SCHEMA), contract)[0]["null-token"]

    assert told.consequence == contract.consequence("null-token", (role,)).text
    assert [example.column for example in told.examples] == [role]


def test_padding_of_which_some_is_trained() -> None:
    """It begins where its labels begin, not where its ids do."""
    ids = [BOS, *words(8, 0), EOS, PAD, PAD, PAD]
    made = row(ids, [-100, *ids[1:10], -100, PAD, PAD])

    (example,) = finding("trained-padding", [made, whole(1)]).examples

    assert (example.position, example.found) == (11, PAD)


@pytest.mark.parametrize(("constant", "speaks"), [(179, True), (180, False)])
def test_a_constant_difference_among_many(constant: int, speaks: bool) -> None:
    """However many other differences there are."""
    rows = [pair(i, 10, 13) for i in range(constant)]
    rows += [pair(300 + i, 10, 20 + i) for i in range(200 - constant)]

    assert bool(finding("wrong-kind", rows, NOTHING_KNOWN).violations) == speaks


def test_a_row_that_is_trained_from_its_first_token() -> None:
    """Nothing stands before it that could be another header."""
    rows = [answer(i, (21, 22, 23)) for i in range(19)]
    last = whole(99)
    last["labels"] = [BOS, *last["input_ids"][1:]]
    last["labels"][5] = -100
    rows.append(last)

    assert found("prompt-boundary", rows) == []


def test_a_first_label_that_is_trained() -> None:
    """Where it is asked for: -100 should stand there."""
    made = row([BOS, *words(4, 1), EOS], [BOS, *words(4, 1), EOS])
    severities = {"first-label-trained": Severity.WARNING}

    findings, where = judged([whole(1), made], vocabulary=KNOWN, severities=severities)

    assert where["first-label-trained"] == [1]
    (example,) = findings["first-label-trained"].examples
    assert (example.position, example.found, example.expected) == (0, BOS, -100)


def test_a_mask_of_floats() -> None:
    """It can be read: a warning, with a consequence of its own."""
    made = pa.Table.from_pylist([whole(i) for i in range(3)], SCHEMA)
    floats = made["attention_mask"].cast(pa.list_(pa.float32()))
    contract = load("axolotl")

    told = judged(made.set_column(1, "attention_mask", floats), contract)[0]["column-type"]

    assert (told.outcome, told.severity, told.violations) == (Outcome.WARNED, Severity.WARNING, 3)
    assert told.consequence == contract.consequence("column-type", ("mild",)).text
    assert told.consequence != contract.consequence("column-type").text


@pytest.mark.parametrize("value", [2**32 - 100, 2**32 + 100])
def test_a_wrapped_ignore_index_in_a_wide_column(value: int) -> None:
    """-100 that an unsigned type of 32 bits wrapped before it was stored in a larger one."""
    made = [whole(i) for i in range(3)]
    made[1]["labels"][:3] = [value] * 3

    findings, where = judged(made, vocabulary=NOTHING_KNOWN)

    rules = {rule for rule, rows in where.items() if rows == [1]}
    wrapped = value == 2**32 - 100
    assert rules == {"label-out-of-range" if wrapped else "label-not-input-id"}
    cause = "4294967196 is -100 wrapped in an unsigned type of 32 bits"
    assert findings["label-out-of-range"].cause == (cause if wrapped else None)


def test_labels_that_were_wrapped_twice() -> None:
    """In an unsigned column of 64 bits: by that type, and by a smaller one before."""
    made = pa.Table.from_pylist([whole(i, count=4) for i in range(4)], SCHEMA)
    labels = [[max(0, one) for one in labels] for labels in made["labels"].to_pylist()]
    labels[1][0], labels[2][0] = 2**64 - 100, 2**32 - 100
    wide = pa.array(labels, pa.list_(pa.uint64()))

    _, where = judged(made.set_column(2, "labels", wide), vocabulary=NOTHING_KNOWN)

    assert where["label-out-of-range"] == [1, 2]
    assert 2 not in where.get("label-not-input-id", [])


@pytest.mark.parametrize(
    ("rule", "further"),
    [
        ("label-out-of-range", set()),
        ("position-ids", {POSITIONS}),
        ("sequence-lengths", {DOCUMENTS}),
        ("packed-without-boundaries", {POSITIONS, DOCUMENTS}),
    ],
)
def test_columns_that_a_rule_alone_needs(rule: str, further: set[str]) -> None:
    """Beside ids and labels, which the rules before it look at."""
    roles = Judge(load("torchtune"), KNOWN, selected=[rule]).roles

    assert set(roles) == {IDS, LABELS} | further


@pytest.mark.parametrize("absent", ["input_ids", "labels"])
def test_rules_without_their_column(absent: str) -> None:
    """What looks at it has no verdict; what does not, judges."""
    contract = load("axolotl").with_lengths(64, 2, "truncate")
    made = [{k: v for k, v in chat(i).items() if k != absent} for i in range(6)]

    findings, _ = judged(made, contract, KNOWN)

    of_ids = {"too-long", "short-row", "token-out-of-vocab", "missing-eos", "repetition"}
    of_labels = {"label-not-input-id", "no-trainable-token", "low-trainable-share"}
    without = of_labels | (of_ids if absent == "input_ids" else set())
    for rule in of_ids | of_labels:
        expected = Outcome.NOT_EVALUATED if rule in without else Outcome.PASSED
        assert (rule, findings[rule].outcome) == (rule, expected)
        assert findings[rule].because == ("missing-column" if rule in without else None)


@pytest.mark.parametrize(
    ("counts", "cases"),
    [
        ({"attended": 2, "hidden": 0}, ("attended",)),
        ({"attended": 0, "hidden": 1}, ("hidden",)),
        ({"attended": 1, "hidden": 1}, ("attended", "hidden")),
        ({}, ()),
    ],
)
def test_cases_of_padding_at_the_start(counts: dict[str, int], cases: tuple[str, ...]) -> None:
    """Padding that the mask shows is one, padding that it hides the other."""
    assert rule_named("leading-padding")(load("axolotl"), KNOWN).cases(counts) == cases


@pytest.mark.parametrize("limit", [None, 14, 20])
@pytest.mark.parametrize(("at", "value"), [(3, 7), (13, 14), (13, 20)])
def test_positions_with_a_limit_and_without(limit: int | None, at: int, value: int) -> None:
    """One that does not follow its neighbour is wrong under any limit."""
    made = {**whole(1), "position_ids": list(range(14))}
    wrong = {**whole(2), "position_ids": list(range(14))}
    wrong["position_ids"][at] = value
    contract = load("axolotl")

    _, where = judged([made, wrong], contract.with_lengths(limit) if limit else contract)

    assert where["position-ids"] == [1]


@pytest.mark.parametrize("role", ["attention_mask", "labels"])
def test_what_a_column_of_another_length_costs(role: str) -> None:
    """The consequence is that of the column at fault."""
    made = [whole(i) for i in range(3)]
    made[1][role] = made[1][role][:-2]
    contract = load("axolotl")

    told = judged(made, contract)[0]["length-mismatch"]

    (other,) = {"attention_mask", "labels"} - {role}
    assert told.consequence == contract.consequence("length-mismatch", (role,)).text
    assert told.consequence != contract.consequence("length-mismatch", (other,)).text


@pytest.mark.parametrize("empty", [0, 5, 10])
def test_positions_beside_empty_rows(empty: int) -> None:
    """Wherever a row without tokens stands, positions that begin anew are boundaries."""
    rows = []
    for seed in range(10):
        ids = [*range(100, 106), *words(4, seed), *range(100, 106), *words(4, seed + 50)]
        rows.append({**row(ids), "position_ids": [*range(10), *range(10)]})
    rows.insert(empty, {**row([]), "position_ids": []})
    made = pa.Table.from_pylist(rows, pa.schema([*SCHEMA, ("position_ids", SCHEMA.types[0])]))

    _, where = judged(made, vocabulary=NOTHING_KNOWN)

    assert not {"packed-without-boundaries", "position-ids"} & set(where)
    assert where["empty-row"] == [empty]
