"""What was seen of one run, and the effect that follows from it.

Plain data and arithmetic: knows no trainer and imports none.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from pretok_schemas.findings import Effect
from tests.conformance.rows import IDS, IGNORE, LABELS, Rows

SAME_LOSS = 2e-3  # two losses of one target that differ by less come from the same context
UNKNOWN = float("nan")
LONGEST_LINE = 150


class Target(NamedTuple):
    """A token that the model was to predict, the token before it, and the loss it cost."""

    previous: int
    token: int
    loss: float


@dataclass(slots=True)
class Run:
    """One dataset taken through one trainer.

    ``rows_given`` counts the rows of the files, ``rows_used`` those that reached a batch.
    ``tokens`` counts the places of all batches of one epoch, padding included. ``targets`` are
    those of the batches, after the shift. ``logged`` are the losses that the trainer wrote of its
    own steps.
    """

    error: str | None = None
    stage: str = "load"
    rows_given: int = 0
    rows_used: int = 0
    tokens: int = 0
    targets: list[Target] = field(default_factory=list)
    logged: list[float] = field(default_factory=list)
    evaluated_rows_also_trained: int = 0


@dataclass(frozen=True, slots=True)
class Observation:
    """A run of a fault beside the run of what its author meant.

    Of the targets, ``missing`` were meant and not trained, ``extra`` trained and not meant,
    ``in_other_context`` are as meant but cost another loss: the model saw something else before
    them. ``repeated`` were trained more often than meant, in the same context.
    """

    error: str | None
    stage: str
    rows_given: int
    rows_used: int
    tokens: int
    tokens_meant: int
    targets: int
    missing: int = 0
    extra: int = 0
    in_other_context: int = 0
    repeated: int = 0
    logged: tuple[float, ...] = ()
    evaluated_rows_also_trained: int = 0


def declared(rows: Rows) -> Run:
    """What sound rows declare: their pairs of previous token and target. Losses are unknown.

    Without labels every token is to be predicted.
    """
    run = Run(rows_given=len(rows))
    for row in rows:
        places = zip(row[IDS], row.get(LABELS, row[IDS])[1:], strict=False)
        run.targets += [
            Target(before, label, UNKNOWN) for before, label in places if label != IGNORE
        ]
    return run


def observe(run: Run, meant: Run) -> Observation:
    """Compares a run with the run of what was meant."""
    missing = extra = changed = repeated = 0
    if run.error is None:
        missing, extra, changed, repeated = _compare(run.targets, meant.targets)
    return Observation(
        error=run.error,
        stage=run.stage,
        rows_given=run.rows_given,
        rows_used=run.rows_used,
        tokens=run.tokens,
        tokens_meant=meant.tokens,
        targets=len(run.targets),
        missing=missing,
        extra=extra,
        in_other_context=changed,
        repeated=repeated,
        logged=tuple(run.logged),
        evaluated_rows_also_trained=run.evaluated_rows_also_trained,
    )


def _compare(seen: list[Target], meant: list[Target]) -> tuple[int, int, int, int]:
    """Counts of targets that are missing, extra, in another context, and repeated."""
    ours, theirs = _losses(seen), _losses(meant)
    missing = extra = changed = repeated = 0
    for pair in ours.keys() | theirs.keys():
        known = theirs.get(pair, [])
        open_ones, strangers, copies = list(known), 0, 0
        for loss in ours.get(pair, []):
            match = next((place for place, one in enumerate(open_ones) if _same(one, loss)), None)
            if match is not None:
                del open_ones[match]
            elif any(_same(one, loss) for one in known):
                copies += 1
            else:
                strangers += 1
        moved = min(strangers, len(open_ones))
        changed += moved
        extra += strangers - moved
        missing += len(open_ones) - moved
        repeated += copies
    return missing, extra, changed, repeated


def _same(one: float, other: float) -> bool:
    """Whether two losses may come from one context; an unknown one is like any other."""
    return not abs(one - other) >= SAME_LOSS


def _losses(targets: list[Target]) -> dict[tuple[int, int], list[float]]:
    losses: dict[tuple[int, int], list[float]] = defaultdict(list)
    for target in targets:
        losses[target.previous, target.token].append(target.loss)
    return losses


def effect_of(seen: Observation) -> Effect:
    """The effect of a fault, from what was seen alone.

    The first of these that holds:

    1. crash: the trainer stopped with an exception.
    2. dropped: a row of the files reached no batch.
    3. silent: the targets are not those that were meant, or one was predicted from another
       context (its loss differs), or rows of the evaluation were trained.
    4. wasted: the targets are those that were meant, but some were trained more often, or more
       tokens were computed than for the rows that were meant.
    5. harmless: none of these.
    """
    if seen.error is not None:
        return Effect.CRASH
    if seen.rows_used < seen.rows_given:
        return Effect.DROPPED
    if seen.missing or seen.extra or seen.in_other_context or seen.evaluated_rows_also_trained:
        return Effect.SILENT
    if seen.repeated or seen.tokens > seen.tokens_meant:
        return Effect.WASTED
    return Effect.HARMLESS


def evidence(seen: Observation) -> str:
    """What was seen, in one line."""
    if seen.error is not None:
        return f"{seen.stage}: {seen.error}"[:LONGEST_LINE]
    parts = []
    if seen.rows_used < seen.rows_given:
        parts.append(f"{seen.rows_used} of {seen.rows_given} rows used")
    counts = (
        (seen.missing, "missing"),
        (seen.extra, "extra"),
        (seen.in_other_context, "in another context"),
        (seen.repeated, "repeated"),
    )
    parts += [f"{count} {word}" for count, word in counts if count]
    if any(count for count, _ in counts):
        parts[-1] += f" of {seen.targets} targets"
    if seen.evaluated_rows_also_trained:
        parts.append(f"{seen.evaluated_rows_also_trained} rows of the evaluation are trained")
    if seen.tokens > seen.tokens_meant:
        parts.append(f"{seen.tokens} tokens computed for {seen.tokens_meant}")
    if not seen.targets:
        parts.append(f"logged loss {', '.join(map(str, seen.logged)) or 'none'}")
    return "; ".join(parts) or "as meant"
