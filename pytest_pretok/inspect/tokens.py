"""A row as tokens: what each is to the trainer, its text, and which rules the row breaks.

Reads no file and prints nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from pretok_schemas.batch import TokenBatch
from pretok_schemas.contract import IDS, LABELS, MASK, Tokenizer
from pretok_schemas.judge import Judge
from pretok_schemas.rules.base import NormRule, RowRule


class Fate(Enum):
    """What becomes of a token: the model learns it, only sees it, or does not even see it."""

    TRAINED = "trained"
    IGNORED = "ignored"
    MASKED = "masked"
    WRONG = "wrong label"


@dataclass(frozen=True, slots=True)
class Token:
    """One place of a row; ``text`` is None where no tokenizer is known.

    ``label`` is the value at fault where the label is neither the id nor ignored.
    """

    position: int
    id: int | None
    text: str | None
    fate: Fate
    special: bool
    label: int | None = None


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A row taken apart: its lengths by column, its trainable tokens, the rules it breaks.

    ``missing`` are needed columns without a list in this row, and why: absent, null, or unreadable.
    ``trainable`` is None where labels do not belong to ids.
    """

    tokens: tuple[Token, ...]
    lengths: dict[str, int]
    missing: dict[str, str]
    trainable: int | None
    broken: tuple[tuple[str, str], ...]  # rule, severity


def take_apart(batch: TokenBatch, judge: Judge, tokenizer: Tokenizer | None) -> Anatomy:
    """A batch of one row as tokens; ``tokenizer`` decodes it.

    Raises:
        TokenizerError: the tokenizer cannot be read.
    """
    values = {role: _values(batch, role) for role in batch.columns}
    lists = {role: found for role, found in values.items() if found is not None}
    names = judge.columns.names
    needed = [c.role for c in judge.contract.columns if c.required and c.role not in lists]
    lengths = {names[role]: len(found) for role, found in lists.items()}
    tokens = tuple(_tokens(lists, judge, tokenizer))
    trainable = None
    if IDS in lists and LABELS in lists and len(lists[IDS]) == len(lists[LABELS]):
        first = 0 if judge.contract.labels_ahead else 1
        ignored = judge.contract.ignore_index
        trainable = sum(label != ignored for label in lists[LABELS][first:])
    missing = {names[role]: _why(batch, role) for role in needed}
    return Anatomy(tokens, lengths, missing, trainable, tuple(_broken(batch, judge)))


def _why(batch: TokenBatch, role: str) -> str:
    """Why a role has no list in a batch of one row."""
    if role in batch.foreign or any(defect.role == role for defect in batch.defects):
        return "unreadable"
    return "null" if role in batch.columns else "absent"


def _values(batch: TokenBatch, role: str) -> list[int | None] | None:
    lists = batch.columns[role]
    if lists.null_rows is not None and bool(lists.null_rows[0]):
        return None
    low, high = int(lists.offsets[0]), int(lists.offsets[1])
    found: list[int | None] = lists.values[low:high].tolist()
    if lists.null_tokens is not None:
        holes = lists.null_tokens[low:high].tolist()
        found = [None if hole else one for one, hole in zip(found, holes, strict=True)]
    return found


def _tokens(
    lists: dict[str, list[int | None]], judge: Judge, tokenizer: Tokenizer | None
) -> list[Token]:
    ids = lists.get(IDS, [])
    labels, mask = lists.get(LABELS), lists.get(MASK)
    texts: Sequence[str | None] = [None] * len(ids)
    if tokenizer is not None:
        texts = tokenizer.pieces([-1 if one is None else int(one) for one in ids])
    special = special_ids(judge, tokenizer)
    ahead, ignore = judge.contract.labels_ahead, judge.contract.ignore_index
    found = []
    for at, one in enumerate(ids):
        # Where labels are shifted in the dataset, that of the place before speaks of this token.
        place = at - ahead
        label = labels[place] if labels is not None and 0 <= place < len(labels) else ignore
        hidden = mask is not None and at < len(mask) and mask[at] == 0
        if label is not None and label == ignore:
            fate = Fate.MASKED if hidden else Fate.IGNORED
        else:
            fate = Fate.TRAINED if label == one else Fate.WRONG
        wrong = label if fate is Fate.WRONG else None
        found.append(Token(at, one, texts[at], fate, one in special, wrong))
    return found


def special_ids(judge: Judge, tokenizer: Tokenizer | None) -> frozenset[int]:
    """The ids that are known to be special, by the declaration or a tokenizer."""
    known = judge.columns.vocabulary
    own = [known.bos, known.pad, *(known.eos or ())]
    if tokenizer is not None:
        own += [tokenizer.bos, tokenizer.pad, *tokenizer.ends, *tokenizer.specials]
    return frozenset(one for one in own if one is not None)


def _broken(batch: TokenBatch, judge: Judge) -> list[tuple[str, str]]:
    """The rules about rows that this row breaks whatever the rest of the split is like."""
    state = judge.look(batch)
    found = []
    for rule in judge.selected:
        if not isinstance(rule, RowRule) or isinstance(rule, NormRule):
            continue
        tallies = state.tallies.get(rule.name, {}).items()
        # What waits for the split to settle it is not true of nothing settled.
        hits = [tally for condition, tally in tallies if condition.true({}) and tally.violations]
        if hits:
            severity = judge.contract.severities.get(rule.name, rule.severity)
            mild = all(tally.mild == tally.violations for tally in hits)
            found.append((rule.name, "warning" if mild else severity.value))
    return found
