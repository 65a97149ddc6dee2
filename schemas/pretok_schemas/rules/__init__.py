"""The registry of rules: every rule once, in the order in which it judges.

The order is the order of causes: what makes a later rule meaningless comes before it. Names,
severities and texts are defined on the rule classes and nowhere else.
"""

from __future__ import annotations

from pretok_schemas.contract import Contract, Vocabulary
from pretok_schemas.rules.base import Rule
from pretok_schemas.rules.config import (
    Container,
    StalePreparedFolder,
    TokenisedButTyped,
    TooFewTokensToPack,
)
from pretok_schemas.rules.conventions import LabelsAreAMask, LabelsShifted, WrongIgnoreValue
from pretok_schemas.rules.corpus import ConflictingLabels, DuplicateRows, SplitOverlap
from pretok_schemas.rules.files import (
    ExtraColumn,
    MissingColumn,
    NarrowInteger,
    NoRows,
    ShardSchemaMismatch,
    UnreadableFile,
)
from pretok_schemas.rules.kinds import WrongKind
from pretok_schemas.rules.labels import (
    FirstLabelTrained,
    LabelNotInputId,
    LabelOutOfRange,
    LowTrainableShare,
    NoTrainableToken,
)
from pretok_schemas.rules.lengths import CutAtLimit, ShortRow, TargetsLostByTruncation, TooLong
from pretok_schemas.rules.packing import (
    InnerBos,
    PackedWithoutBoundaries,
    PositionIds,
    SequenceLengths,
)
from pretok_schemas.rules.padding import (
    LeadingPadding,
    MaskAllZero,
    MaskHole,
    MaskValues,
    TrailingPadding,
    TrainedUnderMask,
)
from pretok_schemas.rules.prompts import MixedMasking, PromptBoundary, PromptNotMasked
from pretok_schemas.rules.special import (
    DoubleBos,
    EndIdMasked,
    EosNeverTrained,
    InconsistentBos,
    MissingBos,
    MissingEos,
    TrainedPadding,
)
from pretok_schemas.rules.structure import (
    ColumnType,
    EmptyRow,
    LengthMismatch,
    NullRow,
    NullToken,
)
from pretok_schemas.rules.tokenized import (
    MaskSpanOffByOne,
    SpecialTokenAsText,
    TokenizerMismatch,
    UntrainedSpecialToken,
    WrongTurnTrained,
)
from pretok_schemas.rules.tokens import (
    IgnoreIndexInIds,
    Repetition,
    TokenOutOfVocab,
    UnknownTokens,
)

RULES: tuple[type[Rule], ...] = (
    UnreadableFile,
    NoRows,
    WrongKind,
    MissingColumn,
    ColumnType,
    NarrowInteger,
    ShardSchemaMismatch,
    ExtraColumn,
    NullRow,
    NullToken,
    LengthMismatch,
    EmptyRow,
    IgnoreIndexInIds,
    MaskValues,
    MaskAllZero,
    MaskHole,
    TrailingPadding,
    LeadingPadding,
    TrainedUnderMask,
    LabelsShifted,
    LabelsAreAMask,
    WrongIgnoreValue,
    TrainedPadding,
    LabelOutOfRange,
    LabelNotInputId,
    NoTrainableToken,
    TokenOutOfVocab,
    SpecialTokenAsText,
    TokenizerMismatch,
    UnknownTokens,
    CutAtLimit,
    MissingEos,
    EosNeverTrained,
    EndIdMasked,
    DoubleBos,
    MissingBos,
    InconsistentBos,
    InnerBos,
    WrongTurnTrained,
    MaskSpanOffByOne,
    PromptNotMasked,
    MixedMasking,
    PromptBoundary,
    LowTrainableShare,
    FirstLabelTrained,
    UntrainedSpecialToken,
    Repetition,
    ShortRow,
    TooLong,
    TargetsLostByTruncation,
    PackedWithoutBoundaries,
    PositionIds,
    SequenceLengths,
    DuplicateRows,
    ConflictingLabels,
    SplitOverlap,
    Container,
    StalePreparedFolder,
    TokenisedButTyped,
    TooFewTokensToPack,
)

NAMES: tuple[str, ...] = tuple(rule.name for rule in RULES)


def rule_named(name: str) -> type[Rule]:
    """The rule class of a name.

    Raises:
        KeyError: no rule has that name.
    """
    for rule in RULES:
        if rule.name == name:
            return rule
    raise KeyError(name)


def rules_for(
    contract: Contract, vocabulary: Vocabulary
) -> tuple[tuple[Rule, ...], dict[str, tuple[str, ...]]]:
    """The rules that a contract calls for, and those that lack a setting.

    Returns the rule objects in judging order, and by rule name the settings that would switch the
    others on.
    """
    given = {
        "sequence-len": contract.sequence_len is not None,
        "vocab-size": vocabulary.size is not None,
        "bos-token-id": vocabulary.bos is not None,
        "eos-token-ids": vocabulary.eos is not None,
        "pad-token-id": vocabulary.pad is not None,
        "tokenizer": vocabulary.tokenizer is not None,
        "micro-batch-size": contract.micro_batch_size is not None,
        "trainer-config": contract.entry is not None,
    }
    ready: list[Rule] = []
    lacking: dict[str, tuple[str, ...]] = {}
    for rule in RULES:
        if not contract.applies(rule.name) or not rule.applies(contract):
            continue
        missing = tuple(key for key in rule.requires if not given[key])
        if missing:
            lacking[rule.name] = missing
        else:
            ready.append(rule(contract, vocabulary))
    return tuple(ready), lacking
