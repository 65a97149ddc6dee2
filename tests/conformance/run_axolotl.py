"""Takes every fault through Axolotl: its loader, filters, collator and training loop.

python -m tests.conformance.run_axolotl observed.json
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

from tests.conformance import toy  # sets the environment; has to come first

# isort: split
import datasets
from axolotl.cli.config import load_cfg
from axolotl.common.datasets import load_datasets
from axolotl.core.builders import HFCausalTrainerBuilder
from axolotl.monkeypatch.data.batch_dataset_fetcher import apply_multipack_dataloader_patch
from axolotl.utils.dict import DictDefault

from tests.conformance.faults import Fault
from tests.conformance.observing import Run
from tests.conformance.rows import clean
from tests.conformance.running import Variants

BATCH = 16


def _without_pool() -> None:
    """`datasets` forks a pool even for one process, and a pool of a forked torch can hang."""
    for name in ("map", "filter", "save_to_disk"):
        original = getattr(datasets.Dataset, name)

        def call(self: Any, *args: Any, _original: Any = original, **kwargs: Any) -> Any:
            if kwargs.get("num_proc") == 1:
                kwargs["num_proc"] = None
            return _original(self, *args, **kwargs)

        setattr(datasets.Dataset, name, call)


def configuration(fault: Fault, paths: list[Path], folder: Path, packing: bool) -> Any:
    """The smallest configuration of a run on these files."""
    base = toy.save(folder.parent / f"base-{fault.words}", fault.words)
    values = {
        "base_model": str(base),
        "datasets": [{"path": str(path), "type": None} for path in paths],
        "dataset_prepared_path": str(folder / "prepared"),
        "output_dir": str(folder / "out"),
        "sequence_len": fault.sequence_len,
        "micro_batch_size": fault.packed_batch if packing else BATCH,
        "gradient_accumulation_steps": 1,
        "num_epochs": 1,
        "learning_rate": 1e-4,
        "optimizer": "adamw_torch",
        "lr_scheduler": "constant",
        "attn_implementation": "eager",
        "bf16": False,
        "fp16": False,
        "tf32": False,
        "dataset_num_proc": 1,
        "dataloader_num_workers": 0,
        "val_set_size": 0,
        "sample_packing": packing,
        "save_strategy": "no",
        "logging_steps": 1,
        "seed": 0,
        "disable_tqdm": True,
    }
    if packing:
        # A random sampler is packed several times, and the fewest bins win: rows can be lost by
        # chance. In order, every packing is the same.
        values["curriculum_sampling"] = True
    if fault.min_sample_len is not None:
        values["min_sample_len"] = fault.min_sample_len
    if fault.excess_length is not None:
        values["excess_length_strategy"] = fault.excess_length
    if fault.held_out is not None:
        inner = folder / "held-out"
        held_out = fault.write(fault.held_out(clean()), inner)
        values["test_datasets"] = [
            {"path": str(path), "type": None, "split": "train"} for path in held_out
        ]
        values["eval_sample_packing"] = False
        values.pop("val_set_size")
    return load_cfg(DictDefault(values))


def drive(packing: bool, fault: Fault, paths: list[Path], folder: Path, run: Run) -> None:
    """One dataset through Axolotl."""
    cfg = configuration(fault, paths, folder, packing)
    toy.seed()
    loaded = load_datasets(cfg=cfg)
    run.rows_used = len(loaded.train_dataset)
    builder = HFCausalTrainerBuilder(cfg, toy.model(fault.words), toy.tokenizer(fault.words))
    builder.model.config.use_cache = False
    builder.train_dataset = loaded.train_dataset
    builder.eval_dataset = loaded.eval_dataset
    trainer = builder.build(loaded.total_num_steps)
    toy.measure(trainer, run)
    if not run.tokens:
        run.rows_used = 0
    toy.learn(trainer, run)


def off(fault: Fault, paths: list[Path], folder: Path, run: Run) -> None:
    """Without packing."""
    drive(False, fault, paths, folder, run)


def on(fault: Fault, paths: list[Path], folder: Path, run: Run) -> None:
    """With ``sample_packing``."""
    drive(True, fault, paths, folder, run)


if __name__ == "__main__":
    # The sampler collects garbage several times a run: spare it all that the imports brought.
    gc.collect()
    gc.freeze()
    _without_pool()
    apply_multipack_dataloader_patch()
    Variants(
        "axolotl",
        ("axolotl", "transformers", "datasets", "torch"),
        {"packing off": off, "packing on": on},
        {"packing off": False, "packing on": True},
    ).main()
