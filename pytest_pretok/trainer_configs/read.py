"""A YAML file -> the trainer it is for, and what it says of its data.

Reads that file; knows no data and no plan.
"""

from __future__ import annotations

import re
from pathlib import Path

from pytest_pretok.small_files import read_regular
from pytest_pretok.trainer_configs import SUFFIXES, axolotl, llama_factory
from pytest_pretok.trainer_configs.base import TrainerConfig
from pytest_pretok.trainer_configs.document import LARGEST, read_document

_KEYS = axolotl.KEYS | llama_factory.KEYS
_KEY = re.compile(rb"""^(?:\xef\xbb\xbf)?["']?(\w+)["']?[ \t]*:""", re.M)


def looks_like_config(file: Path) -> bool:
    """Whether a YAML file may be a trainer's configuration, by the keys at the top: cheap."""
    try:
        if file.suffix.lower() not in SUFFIXES:
            return False
        return any(key.decode() in _KEYS for key in _KEY.findall(read_regular(file, LARGEST)))
    except (OSError, UnicodeDecodeError):
        return False


def read_config(file: Path, shown: str) -> TrainerConfig | None:
    """What a configuration says of its data, None for YAML that is no trainer's.

    Raises:
        DeclarationError: the file is no YAML, or what it says of its data is faulty; all faults
            are named.
    """
    document = read_document(file, shown)
    if llama_factory.KEYS & document.values.keys():  # the clearer sign
        config = llama_factory.read(document)
    elif axolotl.KEYS & document.values.keys():
        config = axolotl.read(document)
    else:
        return None
    document.check()
    return config
