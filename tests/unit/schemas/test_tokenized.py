"""Rules that need the tokenizer itself, with small tokenizers of the real library."""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import cast

import numpy as np
import pyarrow as pa
import pytest

from pretok_schemas import Judge, Vocabulary, load
from pretok_schemas.contract import Tokenizer
from pretok_schemas.findings import Outcome, Severity
from pretok_schemas.rules import rule_named
from pretok_schemas.rules.base import SplitFacts
from pretok_schemas.rules.tokenized import _returned, is_one_of
from pytest_pretok.tokenizers import load_tokenizer
from tests.support import toy_tokenizers as toys
from tests.support.judging import Row, judged, violated

WORDS = ["goose", "geese", "miller", "the", "counts", "grain", "river", "stone", "seven", "mill"]
USER, ANSWER, END = "<|user|>", "<|assistant|>", "<|eot_id|>"


@lru_cache
def chat() -> tuple[Tokenizer, Vocabulary]:
    """Byte-level BPE with the special tokens of a chat, read by our loader."""
    made = toys.byte_level()
    made.add_special_tokens([USER, ANSWER])
    loaded = load_tokenizer(toys.save(made, Path(mkdtemp())))
    return loaded, Vocabulary(loaded.size, loaded.bos, loaded.ends, loaded.pad, loaded)


def text(rng: random.Random) -> str:
    """Some words."""
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(4, 12)))


def row(rng: random.Random, early: int = 0, inverted: bool = False, specials: bool = True) -> Row:
    """A chat of two turns, the second of them trained."""
    tokenizer, vocabulary = chat()
    bos = [] if vocabulary.bos is None else [vocabulary.bos]
    ask = tokenizer.encode(f"{USER} user: {text(rng)}{END}", specials)
    head = tokenizer.encode(f"{ANSWER} assistant:", True)
    answer = tokenizer.encode(f" {text(rng)}{END}", True)
    ids = [*bos, *ask, *head, *answer]
    begin = len(ids) - len(answer) - early
    labels = [-100] * begin + ids[begin:]
    if inverted:
        user = len(bos) + len(tokenizer.encode(f"{USER} user:", specials))
        labels = [-100] * user + ids[user : len(bos) + len(ask)]
        labels += [-100] * (len(ids) - len(labels))
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}


def rows(count: int = 30, **changes: bool) -> list[Row]:
    """Chats of random words."""
    rng = random.Random(9)
    return [row(rng, **changes) for _ in range(count)]


def found(made: list[Row], severities: dict[str, Severity] | None = None) -> tuple[set[str], dict]:  # type: ignore[type-arg]
    """The rules that alarm, and their rows."""
    findings, by_rule = judged(made, load("axolotl"), chat()[1], severities)
    return violated(findings), by_rule


def test_clean_chats() -> None:
    """Nothing alarms at what the tokenizer wrote itself."""
    assert found(rows()) == (set(), {})
    findings, _ = judged(rows(), load("axolotl").with_lengths(512), chat()[1])
    assert {"wrong-turn-trained", "unknown-tokens", "mask-span-off-by-one"} <= set(findings)
    assert {finding.outcome for finding in findings.values()} == {Outcome.PASSED}


def test_missing_bos() -> None:
    """Every row that lacks what the tokenizer puts before each text."""
    made = rows()
    for number in range(0, 30, 2):
        made[number] = {name: values[1:] for name, values in made[number].items()}

    rules, by_rule = found(made)

    assert rules == {"missing-bos"}
    assert by_rule == {"missing-bos": list(range(0, 30, 2))}


def test_special_tokens_as_text() -> None:
    """Spelled out in three rows, at the first piece that nothing else can have merged with."""
    made = rows()
    plain = rows(specials=False)
    for number in (3, 4, 17):
        made[number] = plain[number]

    rules, by_rule = found(made)

    assert rules == {"special-token-as-text"}
    assert by_rule == {"special-token-as-text": [3, 4, 17]}


def test_another_tokenizer() -> None:
    """Ids within the vocabulary that this tokenizer would not write."""
    rng = random.Random(2)
    made = rows()
    for one in made:
        ids = [rng.randrange(3, 250) for _ in one["input_ids"]]
        ids[0], ids[-1] = one["input_ids"][0], one["input_ids"][-1]
        one["input_ids"], one["labels"] = ids, [-100, *ids[1:]]

    rules, _ = found(made)

    assert "tokenizer-mismatch" in rules


@pytest.mark.parametrize("share", [0.0, 0.02])
def test_a_few_joints_are_no_mismatch(share: float) -> None:
    """Turns tokenised apart come back a little different."""
    rng = random.Random(3)
    tokenizer, _ = chat()
    made = rows()
    for one in made:
        if rng.random() < share * 30:
            cut = len(one["input_ids"]) // 2
            extra = tokenizer.encode(" ", False)
            one["input_ids"][cut:cut] = extra
            one["labels"][cut:cut] = [-100] * len(extra)
            one["attention_mask"] += [1] * len(extra)

    assert "tokenizer-mismatch" not in found(made)[0]


def test_the_header_is_trained() -> None:
    """The loss begins at one and the same special token in nearly all stretches."""
    tokenizer, _ = chat()
    head = len(tokenizer.encode(f"{ANSWER} assistant:", True))

    rules, by_rule = found(rows(early=head))

    assert rules == {"mask-span-off-by-one"}
    assert by_rule == {"mask-span-off-by-one": list(range(30))}


@pytest.mark.parametrize(
    ("early", "right", "speaks"), [(19, 1, True), (18, 2, False), (8, 0, True), (7, 0, False)]
)
def test_some_headers_are_trained(early: int, right: int, speaks: bool) -> None:
    """95 % of eight stretches or more begin with one special token."""
    head = len(chat()[0].encode(f"{ANSWER} assistant:", True))
    made = [*rows(early, early=head), *rows(right)]

    assert found(made)[1].get("mask-span-off-by-one", []) == (list(range(early)) if speaks else [])


def test_headers_are_counted_over_all_batches() -> None:
    """Half of the stretches begin with a header, all of them in the first batch."""
    head = len(chat()[0].encode(f"{ANSWER} assistant:", True))
    made = [*rows(10, early=head), *rows(10)]

    _, by_rule = judged(made, load("axolotl"), chat()[1], size=10)

    assert "mask-span-off-by-one" not in by_rule


@pytest.mark.parametrize(
    ("inverted", "right", "told"),
    [
        (15, 1, "15 of 16 sampled trained stretches follow the name of a user"),
        (14, 2, "14 of 14 sampled stretches without loss follow an assistant"),
        (8, 0, "8 of 8 sampled trained stretches follow the name of a user"),
        (7, 0, None),
    ],
)
def test_some_prompts_are_trained(inverted: int, right: int, told: str | None) -> None:
    """A user before 90 % of eight trained stretches, or an assistant before those without loss."""
    made = [*rows(inverted, inverted=True), *rows(right)]

    finding = judged(made, load("axolotl"), chat()[1])[0]["wrong-turn-trained"]

    assert [example.found for example in finding.examples] == ([told] if told else [])


@pytest.mark.parametrize(("answers", "told"), [(1, True), (2, False)])
def test_some_trained_stretches_follow_an_assistant(answers: int, told: bool) -> None:
    """One in ten of them is enough to say nothing."""
    rule = rule_named("wrong-turn-trained")(load("axolotl"), chat()[1])
    counts = {"trained": 20, "trained answers": answers, "trained asks": 18}

    assert (rule.conclude(counts, SplitFacts(20, 900, 300, 60)) is not None) is told  # type: ignore[attr-defined]


def test_a_special_token_as_text_shows_what_it_is() -> None:
    """At the first inner piece, which is not merged with its neighbours."""
    tokenizer, vocabulary = chat()
    made = rows(4)
    made[2] = rows(4, specials=False)[2]

    (example,) = judged(made, load("axolotl"), vocabulary)[0]["special-token-as-text"].examples

    ids = made[2]["input_ids"]
    assert example.position is not None
    assert tokenizer.decode(ids[: example.position]).startswith("<")
    assert (example.row, example.found, example.expected) == (2, USER, "one id")
    assert tokenizer.decode(ids[example.position :]).startswith("|user|")


@pytest.mark.parametrize(("foreign", "speaks"), [(1, True), (0, False)])
def test_a_row_of_another_tokenizer(foreign: int, speaks: bool) -> None:
    """More than 5 % of the sampled rows come back otherwise, and the finding counts them."""
    rng = random.Random(2)
    made = rows(8)
    for one in made[:foreign]:
        ids = [rng.randrange(3, 250) for _ in one["input_ids"]]
        one["input_ids"], one["labels"] = ids, [-100, *ids[1:]]

    finding = judged(made, load("axolotl"), chat()[1])[0]["tokenizer-mismatch"]

    told = "1 of 8 sampled rows come back from the tokenizer as other ids"
    assert [example.found for example in finding.examples] == ([told] if speaks else [])


def test_ids_that_the_tokenizer_does_not_know() -> None:
    """They are told by token-out-of-vocab, and decide nothing about the tokenizer."""
    made = rows(8)
    for one in made:
        one["input_ids"][5] = one["labels"][5] = chat()[0].size

    rules, by_rule = found(made)

    assert by_rule["token-out-of-vocab"] == list(range(8))
    assert "tokenizer-mismatch" not in rules


def test_stretches_that_follow_nobody() -> None:
    """Where neither a user nor an assistant is named, nothing is told of whose turn it is."""
    tokenizer, _ = chat()
    made = []
    for number in range(10):
        ids = tokenizer.encode(f"stone mill grain {WORDS[number]} river{END}", True)
        made.append(
            {
                "input_ids": ids,
                "attention_mask": [1] * len(ids),
                "labels": [-100] * 6 + ids[6:],
            }
        )

    assert "wrong-turn-trained" not in found(made)[0]


def test_prompts_are_trained_and_answers_are_not() -> None:
    """An inverted mask, told by the words before the stretches."""
    rules, _ = found(rows(inverted=True))

    assert "wrong-turn-trained" in rules


def test_untrained_special_tokens_only_if_asked() -> None:
    """Off by default."""
    made = rows(4)

    assert found(made)[0] == set()
    rules, by_rule = found(made, {"untrained-special-token": Severity.WARNING})
    assert rules == {"untrained-special-token"}
    assert by_rule == {"untrained-special-token": [0, 1, 2, 3]}


def test_unknown_tokens() -> None:
    """More than one token in a thousand is unknown."""
    words = load_tokenizer(
        toys.save(toys.word_level(), Path(mkdtemp()), tokenizer_config={"unk_token": "[UNK]"})
    )
    vocabulary = Vocabulary(words.size, None, words.ends, None, words)
    ids = [1, 2, 3, 4] * 300 + [40]
    for unknown, alarms in ((1, False), (2, True)):
        ids[:unknown] = [0] * unknown
        made = [{"input_ids": ids, "attention_mask": [1] * len(ids), "labels": ids}]
        findings, _ = judged(made, load("axolotl"), vocabulary)
        assert ("unknown-tokens" in violated(findings)) == alarms
    (example,) = findings["unknown-tokens"].examples
    assert example.found == "2 of 1,201 tokens are the unknown token (0.17 %)"


def test_windows_show_the_text() -> None:
    """A failure says what stands there."""
    made = rows(3)
    made[1]["labels"][-2] += 1

    findings, _ = judged(made, load("axolotl"), chat()[1])

    window = findings["label-not-input-id"].examples[0].window
    assert window is not None
    assert len(window.text) == len(window.values["input_ids"])
    assert END in window.text


def test_long_rows_of_few_ids() -> None:
    """Ids that recur all along a row are still found again: one that is lost costs no more."""

    class Forgetful:
        def decode(self, ids: list[int]) -> str:
            return " ".join(map(str, ids))

        def encode(self, text: str, specials: bool) -> list[int]:
            return [int(word) for word in text.split()][1:]

    ids = [5, 6, 7, 8] * 100

    assert _returned(cast(Tokenizer, Forgetful()), ids) == 399 / 400
    assert _returned(cast(Tokenizer, Forgetful()), []) == 1


@pytest.mark.parametrize(("asks", "nobody", "speaks"), [(9, 1, True), (8, 2, False)])
def test_most_stretches_follow_a_user(asks: int, nobody: int, speaks: bool) -> None:
    """90 % of them, where the others follow neither."""
    tokenizer, _ = chat()
    made = rows(asks, inverted=True)
    for number in range(nobody):
        ids = tokenizer.encode(f"stone mill grain {WORDS[number]} river{END}", True)
        labels = [-100] * 4 + ids[4:]
        made.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels})
    for one in made[:asks]:
        end = max(at for at, label in enumerate(one["labels"]) if label != -100) + 1
        for name in one:
            one[name] = one[name][:end]  # nothing follows the trained stretch

    finding = judged(made, load("axolotl"), chat()[1])[0]["wrong-turn-trained"]

    told = f"{asks} of 10 sampled trained stretches follow the name of a user"
    assert [example.found for example in finding.examples] == ([told] if speaks else [])


@pytest.mark.parametrize("some", [[0], [1], [3, 7], [0, 9]])
def test_ids_among_some(some: list[int]) -> None:
    """Whatever they are: negative, 0, and beyond the largest."""
    ids = list(range(-3, 14))

    assert is_one_of(np.array(ids), some).tolist() == [one in some for one in ids]


@pytest.mark.parametrize(("adds", "missing"), [(True, [1]), (False, [])])
def test_a_bos_that_the_tokenizer_adds_or_not(adds: bool, missing: list[int]) -> None:
    """Only where it begins every text with one can a row lack it."""
    known = Vocabulary(99, 1, (2,), None, cast(Tokenizer, SimpleNamespace(adds_bos=adds)))
    table = pa.table({"input_ids": [[1, 5, 6, 2], [5, 6, 2]]})
    batch = Judge(load("axolotl"), Vocabulary(99, 1)).columns.batch(table.to_batches()[0])

    look = rule_named("missing-bos")(load("axolotl"), known).look(batch)  # type: ignore[attr-defined]

    assert look.hits.rows.tolist() == missing


def test_ids_at_the_end_of_the_tokenizer() -> None:
    """Its last id can be decoded, the one behind it cannot: such rows are not sampled."""
    tokenizer, _ = chat()
    judge = Judge(load("axolotl"), chat()[1])
    counts = []
    for last in (tokenizer.size - 1, tokenizer.size, -1):
        table = pa.table({"input_ids": [[*tokenizer.encode("stone mill", True), last]]})
        rule = rule_named("tokenizer-mismatch")(load("axolotl"), chat()[1])
        batch = judge.columns.batch(table.to_batches()[0])
        counts.append(rule.survey(batch)["rows"])  # type: ignore[attr-defined]

    assert counts == [1, 0, 0]


@pytest.mark.parametrize(("answers", "speaks"), [(8, False), (9, True)])
def test_masked_stretches_that_follow_an_assistant(answers: int, speaks: bool) -> None:
    """90 % of them, where what is trained follows nobody."""
    tokenizer, _ = chat()
    made = []
    for number in range(10):
        ask = tokenizer.encode(f"stone mill grain {WORDS[number]} river", True)
        trained = tokenizer.encode(f" {WORDS[number]} mill{END}", True)
        name = f"{ANSWER} assistant:" if number < answers else "the seven geese:"
        masked = tokenizer.encode(f"{name} grain", True)
        ids = [*ask, *trained, *masked]
        labels = [-100] * len(ask) + trained + [-100] * len(masked)
        made.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels})

    finding = judged(made, load("axolotl"), chat()[1])[0]["wrong-turn-trained"]

    told = f"{answers} of 10 sampled stretches without loss follow an assistant"
    assert [example.found for example in finding.examples] == ([told] if speaks else [])


def test_special_tokens_that_are_told_from_words() -> None:
    """Those of signs, wherever they stand among those that read like text or are too short."""
    pieces = {
        "<words>": [9, 2, 3, 4, 9],
        "<|x|>": [9, 6, 7, 8, 9],
        "<y>": [9, 6, 9],
        "<z>": [5] * 5,
    }
    texts = {(2, 3, 4): "of plain words", (6, 7, 8): "|x|", (5, 5, 5): "|||"}
    made = SimpleNamespace(
        specials={50: "<words>", 51: "<y>", 52: "<|x|>", 5: "<z>"},
        encode=lambda text, specials: pieces[text],
        decode=lambda ids: texts[tuple(ids)],
    )
    rule = rule_named("special-token-as-text")(
        load("axolotl"), Vocabulary(99, tokenizer=cast(Tokenizer, made))
    )
    table = pa.table({"input_ids": [[1, 6, 7, 8, 2], [2, 3, 4, 4], [6, 7, 7, 8], [5] * 6]})
    batch = Judge(load("axolotl"), Vocabulary(99)).columns.batch(table.to_batches()[0])

    hits = rule.look(batch).hits  # type: ignore[attr-defined]

    assert (hits.rows.tolist(), hits.positions.tolist(), list(hits.found)) == ([0], [1], ["<|x|>"])


def test_rows_without_a_text() -> None:
    """Rows of nothing say nothing of the tokenizer, nor of what is trained."""
    empty: Row = {"input_ids": [], "attention_mask": [], "labels": []}
    table = pa.Table.from_pylist([empty] * 3).cast(load("axolotl").to_arrow())

    findings, _ = judged(
        table, load("axolotl"), chat()[1], {"untrained-special-token": Severity.WARNING}
    )

    assert violated(findings) == {"empty-row"}
    for rule in ("tokenizer-mismatch", "untrained-special-token", "wrong-turn-trained"):
        assert findings[rule].outcome is Outcome.PASSED


def test_special_tokens_of_the_base_vocabulary() -> None:
    """Where none was added, none lacks an embedding that was trained."""
    words = load_tokenizer(toys.save(toys.word_level(), Path(mkdtemp())))
    vocabulary = Vocabulary(words.size, None, words.ends, None, words)
    made = {"input_ids": [1, 2, 3, 40], "attention_mask": [1] * 4, "labels": [-100, 2, 3, 40]}

    findings, _ = judged(
        [made], load("axolotl"), vocabulary, {"untrained-special-token": Severity.WARNING}
    )

    assert findings["untrained-special-token"].outcome is Outcome.PASSED
