"""What corruptions do to a row by roles, and when each can be made.

Labels stand at the token that they belong to (see `Plan.draft`). Knows no rule's code, and draws
nothing: the same row is spoilt in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pretok_schemas.contract import DOCUMENTS, IDS, IGNORE, LABELS, MASK, POSITIONS
from pytest_pretok.strategies.plan import LEAST, Plan, Row

Change = Callable[[Plan, Row], Row]

WRAPPED = 2**32 + IGNORE
INSIDE = 1  # a prompt token of every row: the second
PADS = 3
ENOUGH = 5  # labels that tell how they are shifted
MANY = 12  # labels of which one may agree with its id by chance
RUN = 20  # labels of one value that can be no accident
ENDLESS = 70  # repetitions that are no accident
LONGEST = 4096  # of a limit that a row is made to exceed
HABIT = 12  # rows of which one is the exception


@dataclass(frozen=True)
class Kind:
    """One corruption: the rule that it trips, the columns that it needs, and what else it asks."""

    name: str
    rule: str
    change: Change
    needs: frozenset[str] = frozenset({IDS})
    least_rows: int = 1
    when: Callable[[Plan], bool] = lambda plan: True


def null_row(role: str) -> Change:
    """A cell is null."""
    return lambda plan, row: {**row, role: None}


def null_token(role: str) -> Change:
    """A value of a list is null."""
    return lambda plan, row: _put(row, role, INSIDE, None)


def ragged(role: str) -> Change:
    """A list is longer than the ids."""
    return lambda plan, row: {**row, role: [*row[role], row[role][-1]]}


# -- helpers


def _put(row: Row, role: str, at: int, value: Any) -> Row:
    values = list(row[role])
    values[at] = value
    return {**row, role: values}


def _prompt(row: Row) -> int:
    """Tokens before the first trained one."""
    return next(at for at, label in enumerate(row[LABELS]) if label != IGNORE)


def _inserted(row: Row, at: int, ids: list[int], labels: list[int], mask: int = 1) -> Row:
    """The row with further tokens before a place; columns of one value a token grow alike."""
    grown: Row = {}
    for role in row.keys() - {DOCUMENTS}:
        values = row[role]
        new = {IDS: ids, LABELS: labels, MASK: [mask] * len(ids)}.get(role)
        near = values[at - 1] if at else values[0]
        grown[role] = [*values[:at], *(new or [near] * len(ids)), *values[at:]]
    count = len(grown[IDS])
    derived = {POSITIONS: list(range(count)), DOCUMENTS: [count]}
    return {role: derived.get(role, grown.get(role)) for role in row}


def _cut(row: Row, count: int) -> Row:
    """The first tokens of a row."""
    kept = {role: values[:count] for role, values in row.items()}
    return {**kept, DOCUMENTS: [count]} if DOCUMENTS in row else kept


def _answering(plan: Plan, row: Row, count: int) -> Row:
    """The row with an answer that is so much longer, of ids that it did not have."""
    at = len(row[IDS]) - (plan.eos_token_ids is not None)
    ids = plan.fresh(row, count)
    return _inserted(row, at, ids, ids)


def _silent(count: int) -> list[int]:
    return [IGNORE] * count


# -- padding and masks


def _trailing(mask: int) -> Change:
    def change(plan: Plan, row: Row) -> Row:
        pads = [_pad(plan)] * PADS
        return _inserted(row, len(row[IDS]), pads, _silent(PADS), mask)

    return change


def _leading(mask: int) -> Change:
    def change(plan: Plan, row: Row) -> Row:
        return _inserted(row, 0, [_pad(plan)] * PADS, _silent(PADS), mask)

    return change


def _trained_padding(plan: Plan, row: Row) -> Row:
    pads = [_pad(plan)] * PADS
    return _inserted(row, len(row[IDS]), pads, pads)


def _pad(plan: Plan) -> int:
    assert plan.pad_token_id is not None
    return plan.pad_token_id


def _padded(plan: Plan) -> bool:
    return plan.pad_token_id is not None


def _pads_trained(plan: Plan) -> bool:
    # Where labels are shifted in the dataset the last one is -100: that pad is only padding.
    return _padded(plan) and not plan.contract.labels_ahead


# -- labels


def _shifted(by: int) -> Change:
    def change(plan: Plan, row: Row) -> Row:
        row = _answering(plan, row, ENOUGH)
        ids, begin = row[IDS], max(_prompt(row), len(row[IDS]) - ENOUGH)
        moved = [
            ids[at + by] if at >= begin and at + by < len(ids) else IGNORE for at in range(len(ids))
        ]
        return {**row, LABELS: moved}

    return change


def _other_label(plan: Plan, row: Row) -> Row:
    # Two and more: a label of 0 or 1 might be one of a mask.
    others = (one for one in plan.fresh(row, PADS + 1) if one > 1)
    at = _prompt(row)
    # Where the row has nearly all ids there are, a fresh one may be its own.
    return _put(row, LABELS, at, next(one for one in others if one != row[IDS][at]))


def _beyond(plan: Plan, row: Row) -> Row:
    return _put(row, LABELS, _prompt(row), plan.vocab_size)


def _wrapped(plan: Plan, row: Row) -> Row:
    return {**row, LABELS: [WRAPPED if one == IGNORE else one for one in row[LABELS]]}


def _nothing_trained(plan: Plan, row: Row) -> Row:
    return {**row, LABELS: _silent(len(row[IDS]))}


def _everything_trained(plan: Plan, row: Row) -> Row:
    return {**row, LABELS: [IGNORE, *row[IDS][1:]]}


def _labels_are_a_mask(plan: Plan, row: Row) -> Row:
    # A label of 1 at an id that is 1 is none of a mask: there must be few such places, or none.
    others = [one for one in plan.fresh(row, RUN) if one > 1][:MANY]
    row = _inserted(row, _prompt(row), others, others)
    ids = [
        others[0] if label in (0, 1) else one
        for one, label in zip(row[IDS], row[LABELS], strict=True)
    ]
    if plan.eos_token_ids is not None:
        ids[-1] = row[IDS][-1]
    return {**row, IDS: ids, LABELS: [int(label != IGNORE) for label in row[LABELS]]}


def _wrong_ignore_value(plan: Plan, row: Row) -> Row:
    row = _inserted(row, INSIDE, plan.fresh(row, RUN), _silent(RUN))
    return {**row, LABELS: [-1 if one == IGNORE else one for one in row[LABELS]]}


# -- ids and ends


def _ignore_index(plan: Plan, row: Row) -> Row:
    return _put(row, IDS, INSIDE, IGNORE)


def _out_of_vocabulary(plan: Plan, row: Row) -> Row:
    return _put(row, IDS, INSIDE, plan.vocab_size)


def _negative(plan: Plan, row: Row) -> Row:
    return _put(row, IDS, INSIDE, -1)


def _tells_labels_apart(plan: Plan) -> bool:
    """Whether an id that carries no loss can be told from a label."""
    return plan.masks_prompts or "label-out-of-range" not in plan.rules


def _double_bos(plan: Plan, row: Row) -> Row:
    return _inserted(row, 0, row[IDS][:1], _silent(1))


def _inner_bos(plan: Plan, row: Row) -> Row:
    return _inserted(row, INSIDE, [*plan.fresh(row, 1), *row[IDS][:1]], _silent(2))


def _beginning_anew(plan: Plan, row: Row) -> Row:
    return _put(row, IDS, 0, plan.fresh(row, 1)[0])


def _bos_differs(plan: Plan) -> bool:
    bos = plan.bos_token_id
    return bos is not None and bos != plan.pad_token_id


def _bos_ends_nothing(plan: Plan) -> bool:
    return _bos_differs(plan) and plan.bos_token_id not in (plan.eos_token_ids or ())


def _no_end(plan: Plan, row: Row) -> Row:
    row = _answering(plan, row, 2)
    return _cut(row, len(row[IDS]) - 1)


def _end_masked(plan: Plan, row: Row) -> Row:
    row = _answering(plan, row, 1)
    return _put(row, LABELS, len(row[IDS]) - 1, IGNORE)


def _repetition(plan: Plan, row: Row) -> Row:
    again = plan.fresh(row, 1) * ENDLESS
    return _inserted(row, INSIDE, again, _silent(ENDLESS))


def _has_room(tokens: int) -> Callable[[Plan], bool]:
    def fits(plan: Plan) -> bool:
        limit = plan.contract.sequence_len
        return limit is None or plan.max_size + tokens <= limit

    return fits


# -- lengths and places


def _empty(plan: Plan, row: Row) -> Row:
    return {role: [] for role in row}


def _too_long(plan: Plan, row: Row) -> Row:
    return _answering(plan, row, (plan.contract.sequence_len or 0) + 1 - len(row[IDS]))


def _limited(plan: Plan) -> bool:
    return (plan.contract.sequence_len or LONGEST + 1) <= LONGEST


def _short(plan: Plan, row: Row) -> Row:
    ids = [*row[IDS][:2], row[IDS][-1]]
    return plan.draft(ids, 2)


def _positions_from_one(plan: Plan, row: Row) -> Row:
    return {**row, POSITIONS: [at + 1 for at in row[POSITIONS]]}


def _documents_too_long(plan: Plan, row: Row) -> Row:
    return {**row, DOCUMENTS: [len(row[IDS]) + 1]}


_MASKED, _LABELLED = frozenset({IDS, MASK}), frozenset({IDS, LABELS})

CHANGES: tuple[Kind, ...] = (
    Kind("empty-row", "empty-row", _empty),
    Kind("mask-values", "mask-values", lambda plan, row: _put(row, MASK, INSIDE, -1), _MASKED),
    Kind("mask-hole", "mask-hole", lambda plan, row: _put(row, MASK, INSIDE, 0), _MASKED),
    Kind("trailing-padding", "trailing-padding", _trailing(0), _MASKED, when=_padded),
    Kind("trailing-padding-shown", "trailing-padding", _trailing(1), _LABELLED, when=_padded),
    Kind("leading-padding", "leading-padding", _leading(0), _MASKED, when=_padded),
    Kind("leading-padding-shown", "leading-padding", _leading(1), _LABELLED, when=_padded),
    Kind("trained-padding", "trained-padding", _trained_padding, _LABELLED, when=_pads_trained),
    Kind("labels-shifted-left", "labels-shifted", _shifted(1), _LABELLED),
    Kind("labels-shifted-right", "labels-shifted", _shifted(-1), _LABELLED),
    Kind(
        "labels-are-a-mask",
        "labels-are-a-mask",
        _labels_are_a_mask,
        _LABELLED,
        when=_has_room(MANY),
    ),
    Kind(
        "wrong-ignore-value",
        "wrong-ignore-value",
        _wrong_ignore_value,
        _LABELLED,
        when=_has_room(RUN),
    ),
    Kind("label-not-input-id", "label-not-input-id", _other_label, _LABELLED),
    Kind("label-beyond-vocabulary", "label-out-of-range", _beyond, _LABELLED),
    Kind("label-wrapped", "label-out-of-range", _wrapped, _LABELLED),
    Kind("no-trainable-token", "no-trainable-token", _nothing_trained, _LABELLED),
    Kind("mixed-masking", "mixed-masking", _everything_trained, _LABELLED, LEAST),
    Kind("ignore-index-in-ids", "ignore-index-in-ids", _ignore_index),
    Kind(
        "token-beyond-vocabulary",
        "token-out-of-vocab",
        _out_of_vocabulary,
        when=_tells_labels_apart,
    ),
    Kind("negative-token", "token-out-of-vocab", _negative, when=_tells_labels_apart),
    Kind("double-bos", "double-bos", _double_bos, when=_bos_differs),
    Kind("inner-bos", "inner-bos", _inner_bos, least_rows=HABIT, when=_bos_ends_nothing),
    Kind("inconsistent-bos", "inconsistent-bos", _beginning_anew, least_rows=HABIT),
    Kind("missing-eos", "missing-eos", _no_end),
    Kind("end-id-masked", "end-id-masked", _end_masked, _LABELLED, 2),
    Kind("repetition", "repetition", _repetition, when=_has_room(ENDLESS)),
    Kind("too-long", "too-long", _too_long, when=_limited),
    Kind(
        "short-row",
        "short-row",
        _short,
        when=lambda plan: plan.contract.min_sample_len > LEAST,
    ),
    Kind("position-ids", "position-ids", _positions_from_one, frozenset({IDS, POSITIONS})),
    Kind(
        "sequence-lengths",
        "sequence-lengths",
        _documents_too_long,
        frozenset({IDS, DOCUMENTS}),
    ),
)
