"""A plain loop over rows."""

import pyarrow.parquet as pq
from answer import COLUMNS, IGNORE, LABELS, LENGTHS, PADDING, TRAINABLE, path, tell

found: dict[str, list[int]] = {LENGTHS: [], LABELS: [], PADDING: [], TRAINABLE: []}
number = -1
with pq.ParquetFile(path()) as file:
    for batch in file.iter_batches(1_000, columns=COLUMNS):
        for row in batch.to_pylist():
            number += 1
            ids, mask, labels = row["input_ids"], row["attention_mask"], row["labels"]
            if not len(ids) == len(mask) == len(labels):
                found[LENGTHS].append(number)
            elif any(
                label not in (token, IGNORE) for token, label in zip(ids, labels, strict=True)
            ):
                found[LABELS].append(number)
            if mask and mask[-1] == 0:
                found[PADDING].append(number)
            if all(label == IGNORE for label in labels[1:]):
                found[TRAINABLE].append(number)
tell(found)
