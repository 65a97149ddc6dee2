"""Small tokenizers, made on the spot with the libraries themselves.

Must not import anything of the project: tests compare it with these.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sentencepiece
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

TEXT = [
    "The miller keeps seven geese behind the mill, and each goose knows its own name.",
    "Every morning they walk to the pond; every evening they walk home again.",
    "One day the miller counted six. He counted once more: six geese, and a fox smiling.",
    "Wer zählt, der findet: fünf Gänse, ein Fuchs, und Federn überall. Ça va, l'été?",
    "def count(geese):\n    return len([goose for goose in geese if goose])\n",
    "1234567890 + - * / = ( ) [ ] { } < > | & ! ? # @ ~ ^ % $ \\ ' \" ` _ . , ; :",
]
BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())


def begin_with(tokenizer: Tokenizer, begin: str, end: str | None = None) -> None:
    """Let the post-processor put tokens around each text."""
    used = [begin] if end is None else [begin, end]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A" if end is None else f"{begin} $A {end}",
        special_tokens=[(one, tokenizer.token_to_id(one)) for one in used],
    )


def byte_level() -> Tokenizer:
    """Byte-level BPE in the manner of Llama 3: three special tokens, one added plain word."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=320, initial_alphabet=BYTES, show_progress=False)
    tokenizer.train_from_iterator(TEXT, trainer)
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"])
    tokenizer.add_tokens([AddedToken("<tool>", special=False)])
    begin_with(tokenizer, "<|begin_of_text|>")
    return tokenizer


def llama_like() -> Tokenizer:
    """BPE with a dummy space before the text and a token for each byte, as Llama 2 has it."""
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2} | {f"<0x{byte:02X}>": byte + 3 for byte in range(256)}
    for character in sorted({one for text in TEXT for one in text if one.isalnum()} | {"▁"}):
        vocab[character] = len(vocab)
    merges = [("▁", "g"), ("o", "o"), ("s", "e"), ("▁g", "oo"), ("▁goo", "se")]
    for left, right in merges:
        vocab[left + right] = len(vocab)
    model = models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    begin_with(tokenizer, "<s>")
    return tokenizer


def word_level() -> Tokenizer:
    """Whole words, without a decoder; ids with gaps: 0 to 4, then 40."""
    vocab = {"[UNK]": 0, "the": 1, "miller": 2, "counts": 3, "geese": 4, "</s>": 40}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(["[UNK]", "</s>"])
    return tokenizer


def unigram() -> Tokenizer:
    """Unigram with Metaspace that ends each text, as T5 does; it begins none."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=150,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path, **companions: Mapping[str, Any]) -> Path:
    """Write a folder: tokenizer.json, and each keyword as the file of that name."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    return beside(folder, **companions)


def beside(folder: Path, **companions: Mapping[str, Any]) -> Path:
    """Write each keyword as the JSON file of that name."""
    for name, content in companions.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def sentencepiece_model(**options: Any) -> bytes:
    """A SentencePiece model with ids as Llama 2 has them, trained on the small text."""
    chosen = {
        "model_type": "bpe",
        "vocab_size": 420,
        "byte_fallback": True,
        "unk_id": 0,
        "bos_id": 1,
        "eos_id": 2,
        "pad_id": -1,
        "control_symbols": ["<|call|>"],
        "user_defined_symbols": ["<|im_end|>"],
        "normalization_rule_name": "identity",
        "remove_extra_whitespaces": False,
        "character_coverage": 1.0,
        "minloglevel": 2,
    }
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT), model_writer=written, **(chosen | options)
    )
    return written.getvalue()


def tekken(**changes: Any) -> dict[str, Any]:
    """The content of a tekken file: four special tokens of six, all bytes, four merged words."""
    tokens = [bytes([byte]) for byte in range(256)] + [b"go", b"os", b"goos", b" goos"]
    spellings = ["<unk>", "<s>", "</s>", "[INST]"]
    content: dict[str, Any] = {
        "config": {
            "pattern": r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|[^\s\p{L}\p{N}]+|\s+",
            "num_vocab_tokens": len(tokens),
            "default_vocab_size": len(tokens) + 6,
            "default_num_special_tokens": 6,
            "version": "v7",
        },
        "vocab": [
            {"rank": rank, "token_bytes": base64.b64encode(token).decode(), "token_str": None}
            for rank, token in enumerate(tokens)
        ],
        "special_tokens": [
            {"rank": rank, "token_str": spelling, "is_control": True}
            for rank, spelling in enumerate(spellings)
        ],
    }
    return content | changes
