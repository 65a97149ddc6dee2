"""Which trainer's contract the columns of a file speak for. Knows names alone."""

from __future__ import annotations

from collections.abc import Collection

USUAL = "axolotl"
MAKE_A_DATASET = frozenset({"input_ids", "attention_mask", "labels", "tokens"})


def contract_for(columns: Collection[str]) -> tuple[str, str]:
    """A contract, and which columns speak for it."""
    names = set(columns)
    if "tokens" in names and "input_ids" not in names:
        return "torchtune", "the ids are in the column tokens"
    marks = sorted(names & {"seq_lengths", "completion_mask", "assistant_masks"})
    if marks:
        return "trl", f"there is a column {marks[0]}"
    if "input_ids" in names and "attention_mask" not in names:
        return "trl", "there is no attention_mask, which axolotl asks for"
    if {"input_ids", "attention_mask", "labels"} <= names:
        return USUAL, "the columns are input_ids, attention_mask, labels"
    return USUAL, "the default; not all of its columns are here"
