"""A toy tokenizer and a one-layer model, and the targets that a batch holds.

Imports torch: only the programs that run a trainer may import this module.
"""

from __future__ import annotations

from tests.conformance import environment  # noqa: F401  (has to come before all others)

# isort: split
import random
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.conformance.observing import Target

CONTEXT = 4096
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>", "<user>", "<assistant>")


def seed() -> None:
    """Starts every source of chance anew."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


def tokenizer(words: int) -> PreTrainedTokenizerFast:
    """A tokenizer that knows a word for every id."""
    names = [*SPECIAL, *(f"w{number}" for number in range(len(SPECIAL), words))]
    inner = Tokenizer(
        models.WordLevel({name: number for number, name in enumerate(names)}, unk_token="<unk>")
    )
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
    )


def model(words: int) -> LlamaForCausalLM:
    """A model of one layer, always the same, whose losses differ with every context."""
    seed()
    config = LlamaConfig(
        vocab_size=words,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.4,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        attn_implementation="eager",
    )
    made = LlamaForCausalLM(config).float()
    # Flat attention: with sharp attention a token that was taken away would not be missed.
    with torch.no_grad():
        for layer in made.model.layers:
            layer.self_attn.q_proj.weight.mul_(0.1)
    return made


def save(folder: Path, words: int) -> Path:
    """Model and tokenizer in a folder, as a trainer's configuration names one."""
    if not folder.exists():
        model(words).save_pretrained(folder)
        tokenizer(words).save_pretrained(folder)
    return folder


def targets(batch: Any, logits: torch.Tensor) -> list[Target]:
    """The targets of one batch after the shift that the model makes, each with its loss.

    Paired as the losses pair them: all places of the batch in one line. Where labels are shorter
    than ids and the loss takes them nevertheless, later rows meet the labels of others.
    """
    before = batch["input_ids"][..., :-1].reshape(-1)
    labels = batch["labels"][..., 1:].reshape(-1)
    scores = logits[..., :-1, :].reshape(-1, logits.shape[-1]).float()
    shared = min(len(before), len(labels))
    before, labels, scores = before[:shared], labels[:shared], scores[:shared]
    losses = torch.nn.functional.cross_entropy(scores, labels.long(), reduction="none")
    kept = labels != -100
    columns = (before[kept].tolist(), labels[kept].tolist(), losses[kept].tolist())
    return [Target(*one) for one in zip(*columns, strict=True)]


def measure(trainer: Any, used: Any) -> None:
    """Takes one epoch of a trainer's own batches through its own loss, without learning.

    ``used`` is the `Run` to be filled; its stage is where the trainer stands.
    """
    used.stage = "batch"
    batches = [dict(batch) for batch in trainer.get_train_dataloader()]
    used.stage = "train"
    trainer.model.train()
    for batch in batches:
        inputs = trainer._prepare_inputs(dict(batch))
        kept = dict(inputs)
        with torch.no_grad():
            _, outputs = trainer.compute_loss(trainer.model, inputs, return_outputs=True)
            logits = outputs.logits
            if logits is None:  # a loss that is computed in chunks keeps none
                given = {name: value for name, value in kept.items() if name != "labels"}
                plain = type(trainer.model).forward
                logits = plain(trainer.model, **given, use_cache=False).logits
        used.tokens += kept["input_ids"].numel()
        used.targets += targets(kept, logits)


def learn(trainer: Any, used: Any) -> None:
    """The trainer's own loop, and the losses that it logs."""
    used.stage = "train"
    trainer.train()
    used.logged = [
        round(entry["loss"], 2) for entry in trainer.state.log_history if "loss" in entry
    ]
    if trainer.eval_dataset is not None:
        used.stage = "evaluate"
        trainer.evaluate()
        trained = {tuple(row) for row in texts(trainer.train_dataset)}
        evaluated = texts(trainer.eval_dataset)
        used.evaluated_rows_also_trained = sum(tuple(row) in trained for row in evaluated)


def texts(dataset: Any) -> list[list[int]]:
    """The ids of a trainer's rows; a packed row is taken apart by its ``seq_lengths``."""
    found: list[list[int]] = []
    lengths = dataset["seq_lengths"] if "seq_lengths" in dataset.column_names else None
    for number, ids in enumerate(dataset["input_ids"]):
        begin = 0
        for length in lengths[number] if lengths else [len(ids)]:
            found.append(list(ids[begin : begin + length]))
            begin += length
    return found


def count(dataset: Any, packed: bool) -> int:
    """Number of rows in a trainer's dataset, those inside of packed rows counted."""
    if packed:
        return sum(len(lengths) for lengths in dataset["seq_lengths"])
    return len(dataset)


def load(paths: list[Path], folder: Path) -> Any:
    """A dataset as a user of `datasets` loads files of their ending."""
    files = [path for one in paths for path in (sorted(one.glob("*")) if one.is_dir() else [one])]
    if any(path.name == "dataset_info.json" for path in files):
        return datasets.load_from_disk(str(paths[0]))
    kinds = {".parquet": "parquet", ".csv": "csv"}
    return datasets.load_dataset(
        kinds.get(files[0].suffix, "json"),
        data_files=[str(path) for path in files],
        split="train",
        cache_dir=str(folder / "cache"),
    )
