"""Takes every fault through TRL's SFTTrainer, without packing and with best-fit packing.

python -m tests.conformance.run_trl observed.json
"""

from __future__ import annotations

from pathlib import Path

from tests.conformance import toy  # sets the environment; has to come first

# isort: split
from trl import SFTConfig, SFTTrainer

from tests.conformance.faults import Fault
from tests.conformance.observing import Run
from tests.conformance.rows import clean
from tests.conformance.running import Variants

BATCH = 16


def drive(packing: bool, fault: Fault, paths: list[Path], folder: Path, run: Run) -> None:
    """One dataset through the SFTTrainer."""
    held_out = None
    if fault.held_out is not None:
        inner = folder / "held-out"
        held_out = toy.load(fault.write(fault.held_out(clean()), inner), inner)
    dataset = toy.load(paths, folder)
    arguments = SFTConfig(
        output_dir=str(folder / "out"),
        max_length=fault.sequence_len,
        packing=packing,
        packing_strategy="bfd",
        eval_packing=False,
        completion_only_loss=fault.completion_only,
        per_device_train_batch_size=BATCH,
        num_train_epochs=1,
        learning_rate=1e-4,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        bf16=False,
        disable_tqdm=True,
        seed=0,
    )
    toy.seed()
    trainer = SFTTrainer(
        model=toy.model(fault.words),
        args=arguments,
        train_dataset=dataset,
        eval_dataset=held_out,
        processing_class=toy.tokenizer(fault.words),
    )
    run.rows_used = toy.count(trainer.train_dataset, packing)
    toy.measure(trainer, run)
    toy.learn(trainer, run)


def off(fault: Fault, paths: list[Path], folder: Path, run: Run) -> None:
    """Without packing."""
    drive(False, fault, paths, folder, run)


def on(fault: Fault, paths: list[Path], folder: Path, run: Run) -> None:
    """With ``packing=True`` and the strategy ``bfd``."""
    drive(True, fault, paths, folder, run)


if __name__ == "__main__":
    Variants(
        "trl",
        ("trl", "transformers", "datasets", "torch"),
        {"packing off": off, "packing on (bfd)": on},
        {"packing off": False, "packing on (bfd)": True},
    ).main()
