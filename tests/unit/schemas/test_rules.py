"""The registry and the contracts: complete, documented, and consistent with one another."""

from __future__ import annotations

import re

import pytest

from pretok_schemas import Vocabulary, load, names
from pretok_schemas.contract import Contract
from pretok_schemas.findings import BY_HARM, Effect, Severity
from pretok_schemas.rules import NAMES, RULES, in_order_of_causes, rule_named, rules_for
from pretok_schemas.rules.base import CorpusRule, FileRule, RowRule, Rule, SplitRule
from pretok_schemas.run import Entry

SECTIONS = ("What it checks:", "Why it matters:", "Fails:", "Passes:")
# What no trainer does without: files and cells that can be read, ids that its embedding has.
EVERYWHERE = {
    "unreadable-file",
    "no-rows",
    "wrong-kind",
    "missing-column",
    "column-type",
    "null-row",
    "null-token",
    "empty-row",
    "token-out-of-vocab",
    "ignore-index-in-ids",
    "too-long",
    "split-overlap",
}
# What does not apply to Axolotl: it reads no column of document lengths.
NOT_AXOLOTLS = {"sequence-lengths"}
TRAINERS = [(name, packing) for name in names() for packing in (False, True)]


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_documentation(rule: type[Rule]) -> None:
    """Every rule has a sentence and the four sections, in this order, none of them empty."""
    text = rule.__doc__ or ""
    places = [text.find(section) for section in SECTIONS]

    assert re.match(r"^[A-Z].*\.$", text.splitlines()[0])
    assert -1 not in places
    assert places == sorted(places)
    bodies = re.split("|".join(map(re.escape, (*SECTIONS, "Options:", "References:"))), text)[1:]
    assert all(body.strip() for body in bodies)


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_options_are_named(rule: type[Rule]) -> None:
    """A rule that needs a setting says so under its options."""
    needed = (rule.__doc__ or "").partition("Options:")[2]

    assert all(f"``{key}``" in needed for key in rule.requires)


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_names(rule: type[Rule]) -> None:
    """Names are lower-case words with hyphens, and lead back to their class."""
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)
    assert rule_named(rule.name) is rule
    assert rule.help
    assert not rule.help.endswith(".")


def test_names_are_unique() -> None:
    """No two rules share a name, and an unknown name is a KeyError."""
    assert len(set(NAMES)) == len(RULES)
    with pytest.raises(KeyError, match="no-such-rule"):
        rule_named("no-such-rule")


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_causes_come_first(rule: type[Rule]) -> None:
    """What leaves a rule's rows out judges before it, and does not compare rows."""
    for cause in rule.left_out_by:
        assert NAMES.index(cause) < NAMES.index(rule.name)
        assert not issubclass(rule_named(cause), CorpusRule)


def test_causes_in_a_circle() -> None:
    """Two rules that leave out one another's rows are refused, and named."""

    class First(rule_named("too-long")):  # type: ignore[misc]
        """One."""

        name = "first"
        left_out_by = ("second",)

    class Second(First):
        """The other."""

        name = "second"
        left_out_by = ("first",)

    with pytest.raises(ValueError, match=r"in a circle: first, second$"):
        in_order_of_causes([rule_named("too-long"), First, Second])
    assert in_order_of_causes([First]) == (First,)


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_kinds_of_rule(rule: type[Rule]) -> None:
    """A rule is about files, a split, rows or rows among one another, and says what it reads."""
    assert issubclass(rule, FileRule | SplitRule | RowRule | CorpusRule)
    if issubclass(rule, RowRule | CorpusRule):
        assert rule.unit == "row"
    if issubclass(rule, SplitRule):
        assert rule.unit == "split"
    assert bool(rule.views) is not issubclass(rule, FileRule)


@pytest.mark.parametrize(("trainer", "packing"), TRAINERS)
def test_consequences(trainer: str, packing: bool) -> None:
    """A contract knows an effect and a sentence for the rules that apply, and for no others."""
    contract = load(trainer, packing=packing)
    told = {key.split(":")[0] for key in contract.consequences}

    assert told <= set(NAMES)
    assert told >= EVERYWHERE
    assert set(contract.severities) <= told
    for consequence in contract.consequences.values():
        assert consequence.effect in Effect
        assert consequence.text
        assert not consequence.text.endswith(".")


@pytest.mark.parametrize("packing", [False, True])
def test_axolotl_has_an_answer_to_everything(packing: bool) -> None:
    """The first trainer's contract speaks of every rule but those that cannot apply."""
    told = {key.split(":")[0] for key in load("axolotl", packing=packing).consequences}

    only_packed = set() if packing else {"too-few-tokens-to-pack"}
    assert told == set(NAMES) - NOT_AXOLOTLS - only_packed


@pytest.mark.parametrize(("trainer", "packing"), TRAINERS)
@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_the_worst_consequence(rule: type[Rule], trainer: str, packing: bool) -> None:
    """Without a case, or with one that is not told apart, a rule's worst effect counts."""
    contract = load(trainer, packing=packing)
    if not contract.applies(rule.name):
        assert rule.name not in contract.consequences
        return
    effects = [
        consequence.effect
        for key, consequence in contract.consequences.items()
        if key.split(":")[0] == rule.name
    ]
    worst = min(effects, key=BY_HARM.index)

    assert contract.consequence(rule.name).effect is worst
    assert contract.consequence(rule.name, ["no-such-case"]).effect is worst
    assert contract.applies(rule.name)


@pytest.mark.parametrize("role", ["input_ids", "attention_mask", "labels"])
@pytest.mark.parametrize("rule", ["column-type", "null-row"])
def test_consequences_by_column(rule: str, role: str) -> None:
    """Packing removes the mask: only there a fault of it is harmless."""
    harmless = [
        load("axolotl", packing=packing).consequence(rule, [role]).effect is Effect.HARMLESS
        for packing in (False, True)
    ]

    assert harmless == [False, role == "attention_mask"]


def test_a_rule_of_no_consequence_does_not_apply() -> None:
    """A trainer that says nothing of a rule is not checked with it."""
    bare = Contract("bare", "bare", "1", (), {})

    assert not bare.applies("mask-hole")
    assert rules_for(bare, Vocabulary()) == ((), {})


def test_settings_switch_rules_on() -> None:
    """A rule that needs a setting is named with it until the setting is there."""
    contract = load("axolotl", packing=True)

    ready, lacking = rules_for(contract, Vocabulary())
    full = contract.with_lengths(64).with_run(2, Entry("data"))
    more, none = rules_for(full, Vocabulary(10, 1, (2,), 0))

    lacks = {rule.name: keys for rule, keys in lacking.items()}
    assert "sequence-len" in lacks["too-long"]
    other = {*NOT_AXOLOTLS, "targets-lost-by-truncation"}  # long rows are dropped, not cut
    other |= {"extra-column"} - {rule.name for rule in ready}
    apply = [name for name in NAMES if name not in other]
    assert [rule.name for rule in ready] == [name for name in apply if name not in lacks]
    assert all(keys == ("tokenizer",) for keys in none.values())
    without = {rule.name for rule in none}
    assert [rule.name for rule in more] == [name for name in apply if name not in without]


def test_rules_about_packing() -> None:
    """Without packing, a rule about packed rows is neither ready nor lacking anything."""
    ready, lacking = rules_for(load("axolotl").with_run(2), Vocabulary())

    named = {rule.name for rule in (*ready, *lacking)}
    assert "too-few-tokens-to-pack" not in named


@pytest.mark.parametrize(("given", "least"), [(None, 2), (0, 2), (1, 2), (2, 2), (9, 9)])
def test_no_trainer_takes_one_token(given: int | None, least: int) -> None:
    """The minimal length is never below 2."""
    assert load("axolotl").with_lengths(None, given).min_sample_len == least


def test_unknown_trainer() -> None:
    """There is no contract for a trainer that is not known."""
    with pytest.raises(KeyError):
        load("no-such-trainer")


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_severities(rule: type[Rule]) -> None:
    """A rule that is off unless asked for says so."""
    assert (rule.severity is Severity.OFF) is ("off unless" in (rule.__doc__ or "").lower())
