"""The committed observations, without any trainer: cheap, part of every run of the suite."""

from __future__ import annotations

import pytest

from pretok_schemas.findings import Effect
from tests.conformance import table
from tests.conformance.faults import CONTROL, FAULTS
from tests.conformance.observing import Observation, Run, Target, effect_of, observe
from tests.conformance.rows import IDS, LABELS, MASK, clean


def test_the_document_is_what_the_observations_give():
    """Rewritten with PRETOK_REWRITE=1, as the claims in it may have changed."""
    text = table.document(table.read())
    if table.REWRITE:
        table.DOCUMENT.parent.mkdir(exist_ok=True)
        table.DOCUMENT.write_text(text)
    assert table.DOCUMENT.read_text() == text, "run again with PRETOK_REWRITE=1"


def test_every_fault_has_a_name_of_its_own():
    """Names are what observations are found by."""
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names)) >= 80


def test_a_fault_leaves_the_clean_rows_as_they_were():
    """The rows of one fault must not reach the next."""
    rows = clean()
    for fault in FAULTS:
        fault.change(rows)
        if fault.meant is not None:
            fault.meant(rows)
    assert rows == clean()


def test_clean_rows_are_clean():
    """What every comparison rests on."""
    for equal in (False, True):
        for row in clean(equal=equal):
            assert len(row[IDS]) == len(row[MASK]) == len(row[LABELS])
            assert all(
                label in (-100, token) for token, label in zip(row[IDS], row[LABELS], strict=True)
            )


@pytest.mark.parametrize(
    ("trainer", "variant"),
    [(trainer, variant) for trainer, variants in table.SETTINGS.items() for variant in variants],
)
def test_every_claim_has_a_fault(trainer, variant):
    """Or the contract marks it as read, not run."""
    known = table.contract(trainer, variant)
    faults = [
        {"rule": fault.rule, "case": fault.case, "claimed": fault.claimed}
        for fault in FAULTS
        if fault.rule != CONTROL
        and (fault.trainers is None or trainer in fault.trainers)
        and (fault.packing is None or fault.packing == known.packing)
    ]
    unseen = table.unseen_claims(known, faults)
    assert [one for one in unseen if getattr(known.consequences[one], "ran", True)] == []


def _seen(**values):
    sound = {
        "error": None,
        "stage": "train",
        "rows_given": 8,
        "rows_used": 8,
        "tokens": 64,
        "tokens_meant": 64,
        "targets": 9,
    }
    return effect_of(Observation(**{**sound, **values}))


def test_the_effect_follows_from_what_was_seen():
    """The written-down rules, one by one."""
    assert _seen() is Effect.HARMLESS
    assert _seen(tokens=65) is Effect.WASTED
    assert _seen(repeated=1) is Effect.WASTED
    assert _seen(repeated=1, extra=1) is Effect.SILENT
    assert _seen(missing=1) is Effect.SILENT
    assert _seen(in_other_context=1) is Effect.SILENT
    assert _seen(evaluated_rows_also_trained=1) is Effect.SILENT
    assert _seen(rows_used=7, missing=1) is Effect.DROPPED
    assert _seen(rows_used=7, error="ValueError: no") is Effect.CRASH


def test_targets_are_told_apart_by_their_losses():
    """Same pair, other loss: the model saw another context."""
    meant = Run(targets=[Target(1, 2, 0.5), Target(1, 2, 0.9), Target(3, 4, 1.0)])
    same = observe(Run(targets=[Target(1, 2, 0.9), Target(3, 4, 1.0), Target(1, 2, 0.5)]), meant)
    assert (same.missing, same.extra, same.in_other_context, same.repeated) == (0, 0, 0, 0)
    other = observe(Run(targets=[Target(1, 2, 0.5), Target(1, 2, 0.7), Target(5, 6, 1.0)]), meant)
    assert (other.missing, other.extra, other.in_other_context, other.repeated) == (1, 1, 1, 0)
    twice = observe(Run(targets=[*meant.targets, Target(3, 4, 1.0)]), meant)
    assert (twice.missing, twice.extra, twice.in_other_context, twice.repeated) == (0, 0, 0, 1)
