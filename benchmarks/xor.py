"""The base for memory-mapped data: one thread reads every byte of the files once."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

begun = time.perf_counter()
for file in sorted(Path(sys.argv[1]).glob("*.arrow")):
    size = file.stat().st_size // 8
    np.bitwise_xor.reduce(np.memmap(file, np.uint64, "r", shape=(size,)))
json.dump({"seconds": time.perf_counter() - begun}, sys.stdout)
