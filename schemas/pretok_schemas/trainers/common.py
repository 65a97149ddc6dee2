"""What every trainer of causal language models does with a fault, whatever surrounds the model.

Facts only: of the model's loss and embedding, and of habits that no trainer looks at. A trainer's
own module adds to these and corrects them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pretok_schemas.findings import Consequence, Effect

CRASH, DROPPED, SILENT = Effect.CRASH, Effect.DROPPED, Effect.SILENT
WASTED, HARMLESS = Effect.WASTED, Effect.HARMLESS

Facts = Mapping[str, tuple[Effect, str]]

_WRONG_TARGET = (SILENT, "these tokens are trained towards a wrong id")
_OUTSIDE = (CRASH, "the embedding stops mid-run: index out of range, a device-side assert on CUDA")

# The files: read by `datasets`, whoever trains.
FILES: Facts = {
    "unreadable-file": (CRASH, "the run stops when the file is loaded"),
    "no-rows": (CRASH, "loading stops: there is nothing to train on"),
    "wrong-kind": (
        SILENT,
        "stops at load, or trains on pairs of tokens that were never meant",
    ),
    "narrow-integer": (SILENT, "ids beyond the type's limit were stored as other ids"),
    "shard-schema-mismatch": (CRASH, "loading stops: the shards make no one table"),
    "extra-column": (HARMLESS, "the column is dropped"),
}

# transformers, ForCausalLMLoss: the model shifts, ignores -100, and takes any other label.
LOSS: Facts = {
    "labels-shifted": (
        SILENT,
        "the model learns to predict the wrong neighbour; the loss looks plausible",
    ),
    "labels-are-a-mask": (SILENT, "the model is trained to produce the ids 0 and 1"),
    "wrong-ignore-value": (
        SILENT,
        "tokens that were meant to carry no loss are trained towards this value",
    ),
    "label-out-of-range": (
        CRASH,
        "the loss stops mid-run: Target is out of bounds, a device-side assert on CUDA",
    ),
    "label-not-input-id": _WRONG_TARGET,
    "trained-padding": (SILENT, "the model learns to emit padding"),
    "no-trainable-token:none": (
        WASTED,
        "the row is computed and teaches nothing; if all are so, the loss reads 0.0",
    ),
    "no-trainable-token:first": (WASTED, "the row is computed and teaches nothing"),
    "first-label-trained": (HARMLESS, "the model shifts: nothing predicts the first token"),
}

EMBEDDING: Facts = {
    "token-out-of-vocab": _OUTSIDE,
    "ignore-index-in-ids": _OUTSIDE,
}

# Nobody checks what the tokens say: the run looks well and the model does not.
HABITS: Facts = {
    "double-bos": (SILENT, "trained on a beginning that the model never meets in use"),
    "missing-bos": (SILENT, "trained without the token that the model begins every text with"),
    "inconsistent-bos": (SILENT, "trained on two ways to begin"),
    "inner-bos": (SILENT, "trained to begin anew in the middle of a text"),
    "missing-eos": (SILENT, "not trained to stop here"),
    "eos-never-trained": (
        SILENT,
        "the model never learns to stop: it generates up to the limit",
    ),
    "end-id-masked": (SILENT, "not trained to stop behind these answers"),
    "special-token-as-text": (SILENT, "trained to spell a special token out"),
    "tokenizer-mismatch": (SILENT, "trained on the words of another tokenizer"),
    "unknown-tokens": (SILENT, "trained on text of which parts are lost"),
    "repetition": (SILENT, "trained to repeat, in more targets than the rest of the row has"),
    "prompt-not-masked": (SILENT, "trained to write the prompts too"),
    "mixed-masking": (SILENT, "in these rows the prompt is trained too"),
    "prompt-boundary": (SILENT, "trained to answer behind a beginning that use does not have"),
    "mask-span-off-by-one": (SILENT, "trained to write the end of the header"),
    "wrong-turn-trained": (SILENT, "trained to write the prompts and not the answers"),
    "untrained-special-token": (
        SILENT,
        "with LoRA the embedding of this token stays as random as it was",
    ),
    "low-trainable-share": (WASTED, "nearly all of the compute teaches nothing"),
    "cut-at-limit": (SILENT, "trained on answers without an end"),
    "packed-without-boundaries": (SILENT, "every document attends to those before it in the row"),
    "duplicate-rows": (WASTED, "the row is trained twice an epoch"),
    "conflicting-labels": (SILENT, "one text is trained in two ways"),
    "split-overlap": (SILENT, "the evaluation is not held out"),
}

EVERYWHERE: Facts = {**FILES, **LOSS, **EMBEDDING, **HABITS}


def consequences(facts: Facts, read: Collection[str] = ()) -> dict[str, Consequence]:
    """The facts as a contract holds them; ``read`` names those that were not seen by running.

    Raises:
        ValueError: a name in ``read`` is no fact.
    """
    unknown = set(read) - set(facts)
    if unknown:
        raise ValueError(f"no such facts: {', '.join(sorted(unknown))}")
    return {
        name: Consequence(effect, text, ran=name not in read)
        for name, (effect, text) in facts.items()
    }
