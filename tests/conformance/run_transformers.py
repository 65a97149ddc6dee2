"""Takes every fault through transformers' Trainer, once with each of three collators.

python -m tests.conformance.run_transformers observed.json
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.conformance import toy  # sets the environment; has to come first

# isort: split
from transformers import (
    DataCollatorForLanguageModeling,
    DataCollatorForSeq2Seq,
    DataCollatorWithFlattening,
    Trainer,
    TrainingArguments,
)

from tests.conformance.faults import Fault
from tests.conformance.observing import Run
from tests.conformance.rows import LABELS, clean, without
from tests.conformance.running import Variants

BATCH = 16

COLLATORS: dict[str, Callable[[Any], Any]] = {
    "seq2seq": lambda tokenizer: DataCollatorForSeq2Seq(tokenizer),
    "flattening": lambda tokenizer: DataCollatorWithFlattening(),
    "language-modeling": lambda tokenizer: DataCollatorForLanguageModeling(tokenizer, mlm=False),
}
WITHOUT_LABELS = frozenset({"language-modeling"})  # it replaces them, and does not pad them


def drive(collator: str, fault: Fault, paths: list[Path], folder: Path, run: Run) -> None:
    """One dataset through the Trainer."""
    held_out = None
    if fault.held_out is not None:
        inner = folder / "held-out"
        rows = fault.held_out(clean())
        if collator in WITHOUT_LABELS:
            rows = without(LABELS)(rows)
        held_out = toy.load(fault.write(rows, inner), inner)
    dataset = toy.load(paths, folder)
    arguments = TrainingArguments(
        output_dir=str(folder / "out"),
        per_device_train_batch_size=BATCH,
        num_train_epochs=1,
        learning_rate=1e-4,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        seed=0,
    )
    toy.seed()
    tokenizer = toy.tokenizer(fault.words)
    trainer = Trainer(
        model=toy.model(fault.words),
        args=arguments,
        train_dataset=dataset,
        eval_dataset=held_out,
        data_collator=COLLATORS[collator](tokenizer),
        processing_class=tokenizer,
    )
    run.rows_used = toy.count(trainer.train_dataset, False)
    toy.measure(trainer, run)
    toy.learn(trainer, run)


if __name__ == "__main__":
    Variants(
        "transformers",
        ("transformers", "datasets", "torch"),
        {name: partial(drive, name) for name in COLLATORS},
        {name: name == "flattening" for name in COLLATORS},
        WITHOUT_LABELS,
    ).main()
