"""Which ids end a turn: what a tokenizer's files declare, and spellings known to end one.

Must not know which library reads the tokenizer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pytest_pretok.tokenizers.base import TokenizerError

# Why each spelling counts: a model that was trained on it stops there. Left out on purpose are
# tokens that begin what comes next (<|im_start|>, <|user|>, [INST]), close a header (<|im_sep|>,
# <|end_header_id|>, <|end_of_role|>), or hand over to a tool without closing the message
# (<|tool_response>): a target that stops there is cut off, unless the files declare it an end.
KNOWN_ENDS: Mapping[str, str] = {
    "</s>": "end of sequence of SentencePiece vocabularies: Llama 1 and 2, Mistral, T5",
    "<eos>": "end of sequence of Gemma",
    "[EOS]": "end of sequence of Kimi",
    "<|endoftext|>": "end of document of GPT-2 and its heirs: Qwen, Phi, StarCoder, OLMo",
    "<|end_of_text|>": "end of document of Llama 3 and 4 and of Granite",
    "<｜end▁of▁sentence｜>": "end of sequence of DeepSeek, written with full-width bars",
    "[e~[": "end of sequence of MiniMax",
    "<|im_end|>": "closes every ChatML message: Qwen, Yi, Phi-4, InternLM, SmolLM",
    "<|eot_id|>": "end of turn of Llama 3",
    "<|eom_id|>": "end of a message that calls a tool, from Llama 3.1: the model waits",
    "<|eot|>": "end of turn of Llama 4",
    "<|eom|>": "end of a message that calls a tool, of Llama 4",
    "<end_of_turn>": "end of turn of Gemma 1 to 3",
    "<turn|>": "end of turn of Gemma 4",
    "<|end|>": "closes every message of Phi-3 and of the harmony format",
    "<|return|>": "harmony: the answer is complete",
    "<|call|>": "harmony: a tool is called, the model waits",
    "<|END_OF_TURN_TOKEN|>": "end of turn of Command R",
    "<|end_of_turn|>": "end of turn of OpenChat and Starling",
    "<|endofturn|>": "end of turn of HyperCLOVA X",
    "[|endofturn|]": "end of turn of EXAONE",
    "<end_of_utterance>": "end of turn of Idefics and SmolVLM",
    "<|EOT|>": "end of turn of DeepSeek Coder",
    "<EOT>": "end of turn of older chat models with plain tags",
    "[EOT]": "end of turn of Kimi",
}


def gather_ends(
    declared: Iterable[tuple[int, str]],
    spellings: Mapping[int, str],
    pad: int | None,
    known: Callable[[int], bool],
    text: Callable[[int], str],
) -> tuple[int, ...]:
    """Every id that ends a turn, the declared ones first and in their order.

    Args:
        declared: Ids with the name of what declares them. Those that the tokenizer does not have
            are passed over: they cannot be met inside a vocabulary that ends below them.
        spellings: Special and added tokens, of which the known spellings count too.
        pad: Counts only if declared: a row that was filled up has not ended its turn.
        known: Whether the tokenizer has an id.
        text: What an id alone decodes to.

    Raises:
        TokenizerError: A declared end is white space: no model stops at every line break, and a
            check that believed it would find each target complete.
    """
    ends: dict[int, None] = {}
    for number, source in declared:
        if not known(number):
            continue
        if not text(number).strip():
            raise TokenizerError(
                f"{source} makes id {number} an end of turn, but its text is white space: "
                f"{text(number)!r}"
            )
        ends[number] = None
    spelled = (number for number, spelling in sorted(spellings.items()) if spelling in KNOWN_ENDS)
    return tuple(ends | dict.fromkeys(number for number in spelled if number != pad))
