"""Rules about which turns of a chat are trained, told by the text before them.

Need the tokenizer of the declaration; sampled where every row would cost too much.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import ClassVar

import numpy as np

from pretok_schemas.batch import TokenBatch
from pretok_schemas.contract import IDS, Tokenizer
from pretok_schemas.findings import Effect, Severity
from pretok_schemas.flat import Ints
from pretok_schemas.rules.base import (
    Hits,
    Look,
    RowRule,
    SplitFacts,
    SplitRule,
    Usual,
    code_of,
    hits_at,
    tokenizer_of,
)
from pretok_schemas.rules.ends import NO_SAY, behind_trained
from pretok_schemas.rules.labelled import LABELLED, token_runs
from pretok_schemas.rules.tokenized import is_one_of

RUNS_OF_BATCH = 64  # runs before which the text is looked at
BEFORE = 8  # tokens of that text


class MaskSpanOffByOne(RowRule):
    """The loss begins one token early: at the last token of the header.

    What it checks:
        Not nearly all trained stretches (95 %) begin with one and the same special token that is
        neither an end id nor the mark of a tool or a thought.

    Why it matters:
        The model is trained to write the header that the template writes for it.

    Fails:
        Every answer's loss begins at ``<|end_header_id|>``.

    Passes:
        It begins behind that token.

    Options:
        ``tokenizer`` of the dataset.

    References:
        huggingface/nanoVLM#152
    """

    name = "mask-span-off-by-one"
    family = "labels"
    severity = Severity.WARNING
    views = (LABELLED,)
    requires = ("tokenizer",)
    left_out_by = ("wrong-kind", "narrow-integer", *NO_SAY)
    help = "begin the loss one token later"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "trained to write the end of the header"),
    }
    NEARLY_ALL = 0.95
    LEAST_RUNS = 8
    CONTENT = re.compile(
        r"think|thought|reason|answer|response|solution|tool|func|call|python|channel|message|fim"
        r"|image|audio|video",
        re.I,
    )

    def look(self, batch: TokenBatch) -> Look:
        """Rows with a stretch that begins with a special token; they count if nearly all do."""
        tokenizer = tokenizer_of(self)
        view, at = batch.view(*LABELLED), batch.once(run_begins)
        ids = view[IDS]
        headers = [
            special
            for special, text in tokenizer.specials.items()
            if special not in (self.vocabulary.eos or ()) and not self.CONTENT.search(text)
        ]
        counts = {"runs": len(at)}
        if not headers or not len(at):
            return Look(counts=counts)
        at = at[is_one_of(ids[at], headers)]
        values, many = np.unique(ids[at], return_counts=True)
        counts |= {f"id {v}": int(n) for v, n in zip(values, many, strict=True)}
        hits = hits_at(view, at, found=ids)
        if not len(hits) or hits.found is None:
            return Look(counts=counts)
        codes = code_of(hits.found)
        return Look(Hits(hits.rows, hits.positions, hits.found, codes=codes), counts)

    def settle(self, counts: Mapping[str, int], facts: SplitFacts) -> Container[int]:
        """The special token that nearly all stretches begin with."""
        runs = counts.get("runs", 0)
        if runs < self.LEAST_RUNS:
            return ()
        ids = [
            int(key[3:])
            for key, many in counts.items()
            if key.startswith("id ") and many >= self.NEARLY_ALL * runs
        ]
        return tuple(code_of(np.array(ids, np.int64)).tolist())


def run_begins(batch: TokenBatch) -> Ints:
    """Flat indices over the labelled view: the first token of each trained stretch of a row that
    does not begin with it.
    """
    view, runs = batch.view(*LABELLED), batch.once(token_runs)
    return runs.begins[runs.begins > view.starts[runs.rows]]


class WrongTurnTrained(SplitRule):
    """Prompts are trained, and answers are not.

    What it checks:
        In a sample of trained stretches, the text before them does name an assistant (or the text
        before stretches without loss does not, and that before trained ones names no user).

    Why it matters:
        The mask is inverted: the model learns to ask.

    Fails:
        The loss covers what follows ``<|im_start|>user``.

    Passes:
        The loss covers what follows ``<|im_start|>assistant``; texts without such words.

    Options:
        ``tokenizer`` of the dataset.
    """

    name = "wrong-turn-trained"
    family = "labels"
    severity = Severity.WARNING
    views = (LABELLED,)
    requires = ("tokenizer",)
    left_out_by = ("wrong-kind", "narrow-integer")
    help = "invert the mask: -100 for prompts, ids for answers"
    usual: ClassVar[Usual] = {
        "": (Effect.SILENT, "trained to write the prompts and not the answers"),
    }
    ANSWERS = re.compile(r"assistant|response|answer|model|gpt|bot", re.I)
    ASKS = re.compile(r"user|human|question", re.I)
    LEAST_RUNS = 8
    FEW, MANY = 0.1, 0.9

    def survey(self, batch: TokenBatch) -> Mapping[str, int]:
        """Sampled stretches, and what the text before them names."""
        tokenizer = tokenizer_of(self)
        view, at = batch.view(*LABELLED), batch.once(run_begins)
        counts: dict[str, int] = {}
        self._count(tokenizer, view[IDS], view.starts[view.rows_at(at)], at, "trained", counts)
        ends = batch.once(behind_trained)
        # The text before a masked stretch that follows a trained one is the stretch's own header.
        heads = np.minimum(ends + BEFORE, view.offsets[view.rows_at(ends) + 1])
        self._count(tokenizer, view[IDS], ends, heads, "masked", counts)
        return counts

    def _count(
        self,
        tokenizer: Tokenizer,
        ids: Ints,
        starts: Ints,
        at: Ints,
        name: str,
        counts: dict[str, int],
    ) -> None:
        for begin, end in zip(
            starts[:RUNS_OF_BATCH].tolist(), at[:RUNS_OF_BATCH].tolist(), strict=True
        ):
            text = tokenizer.decode(ids[max(begin, end - BEFORE) : end].tolist())
            for key, hit in (
                (name, True),
                (f"{name} answers", bool(self.ANSWERS.search(text))),
                (f"{name} asks", bool(self.ASKS.search(text))),
            ):
                counts[key] = counts.get(key, 0) + hit

    def conclude(self, counts: Mapping[str, int], facts: SplitFacts) -> str | None:
        """Violated if answers are named before masked stretches, or users before trained ones."""
        trained, masked = counts.get("trained", 0), counts.get("masked", 0)
        if trained < self.LEAST_RUNS:
            return None
        if counts.get("trained answers", 0) >= self.FEW * trained:
            return None
        asks = counts.get("trained asks", 0)
        if asks >= self.MANY * trained:
            return f"{asks:,} of {trained:,} sampled trained stretches follow the name of a user"
        answers = counts.get("masked answers", 0)
        if masked >= self.LEAST_RUNS and answers >= self.MANY * masked:
            return f"{answers:,} of {masked:,} sampled stretches without loss follow an assistant"
        return None
