"""Arrow streams whose schema says another byte order, held to what pyarrow reads of them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from pytest_pretok.readers import UnreadableFile, read_chunks, read_header, split_units


def test_every_bit_of_a_schema(tmp_path: Path) -> None:
    """Whatever bit of its first part is flipped, rows are those that pyarrow reads, or none."""
    path = tmp_path / "x.arrow"
    table = pa.table({"a": [[1, 2], [3]]})
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)
    data = path.read_bytes()
    refused = 0
    for at in range(8, 100):
        for bit in range(8):
            spoilt = bytearray(data)
            spoilt[at] ^= 1 << bit
            path.write_bytes(spoilt)
            try:
                units = split_units(path, read_header(path, "arrow-stream"))
                chunks = [chunk for unit in units for chunk in read_chunks(unit, ["a"])]
            except UnreadableFile:
                refused += 1
                continue
            found = [row for c in chunks if c.batch.num_columns for row in c.batch[0].to_pylist()]
            truth = pa.ipc.open_stream(path).read_all()
            truth.validate(full=True)
            if "a" in truth.column_names:
                assert found == truth["a"].to_pylist(), (at, bit)
    assert refused
