"""LLaMA-Factory's YAML: the folder of tokenised data that ``tokenized_path`` names.

Read in llamafactory 0.9.5 (data/loader.py, hparams/data_args.py). Opens no file; knows nothing of
what lies at the path.
"""

from __future__ import annotations

from pytest_pretok.trainer_configs.base import Source, TrainerConfig
from pytest_pretok.trainer_configs.document import Document

TRAINER = "llama-factory"
KEYS = frozenset({"tokenized_path"})
_MORE_TOKENS = ("add_tokens", "add_special_tokens", "new_special_tokens")


def read(document: Document) -> TrainerConfig:
    """What a LLaMA-Factory configuration says of its data; faults are noted in the document.

    With ``tokenized_path`` every other key about data is ignored, the length limit ``cutoff_len``
    and ``val_size`` among them: the folder is taken as it is, its own splits included.
    """
    values = document.values
    path = document.text(("tokenized_path",), values.get("tokenized_path"))
    if path == "":
        document.fault(("tokenized_path",), "the path is empty")
    neat = document.flag(("neat_packing",), values.get("neat_packing"))
    packing = document.flag(("packing",), values.get("packing"))
    key = "per_device_train_batch_size"
    micro = document.size((key,), values.get(key))
    source = Source(path or "", "tokenized_path", document.line(("tokenized_path",)), whole=True)
    key = "model_name_or_path"
    return TrainerConfig(
        TRAINER,
        (source,) if path else (),
        {"packing": bool(packing or neat), "micro_batch_size": micro},
        model=document.text((key,), values.get(key)) or None,
        adds_tokens=any(values.get(key) for key in _MORE_TOKENS),
        streaming=bool(document.flag(("streaming",), values.get("streaming"))),
    )
