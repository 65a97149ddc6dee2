"""Tasks, units and results survive the way to another process: nothing is lost in pickling."""

from __future__ import annotations

import pickle
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pretok_schemas import Judge, Vocabulary
from pytest_pretok import __version__
from pytest_pretok.engines.remote import call, opened, packed
from pytest_pretok.scan import Shard, compare_splits, scan_split
from pytest_pretok.tokenizers.shared import shared_tokenizer
from tests.gate.test_mixtures import SEEDS, names_for, piled
from tests.support import toy_tokenizers as toys
from tests.support.containers import WRITERS
from tests.support.examples import examples
from tests.support.rows import clean_rows
from tests.support.verdicts import contract, judge, listed, scan


class Crossing:
    """An engine whose tasks, units and results are what they become in another process."""

    remote = True

    def run(
        self,
        task: Callable[[Any], Any],
        units: Sequence[Any],
        locked: bool = False,
        apart: bool = False,
    ) -> Iterator[tuple[int, Any]]:
        """One after the other."""
        for index, unit in enumerate(units):
            yield index, opened(call(__version__, packed(task), packed(unit)))

    def close(self) -> None:
        """Nothing was started."""


@pytest.mark.parametrize("container", WRITERS)
@given(seed=SEEDS)
@examples(8)
def test_findings_are_the_same(container: str, seed: int) -> None:
    """On rows with any pile of faults: all findings, all sums, every violation."""
    rng = random.Random(seed)
    rows = [piled(row, names_for(container), rng) for row in clean_rows(rng.randint(1, 25), rng)]
    rows += [dict(rng.choice(rows)) for _ in range(rng.randrange(3))]
    with tempfile.TemporaryDirectory() as folder:
        paths = WRITERS[container](Path(folder), rows, rng)
        cut = rng.choice([None, (300, 200)])
        here, there = (scan(paths, workers=engine, cut=cut) for engine in (1, Crossing()))
        tables = [{r: listed(found, r) for r in found.tables} for found in (here, there)]
        overlaps = [compare_splits([here, there], judge(), engine) for engine in (1, Crossing())]

    assert there.findings == here.findings
    assert there.shards == here.shards
    assert there.state.stats == here.state.stats
    assert tables[0] == tables[1]
    assert overlaps[0] == overlaps[1]


def test_a_tokenizer_crosses_by_its_path(tmp_path: Path) -> None:
    """It is read anew where it arrives, once a process; messages have their text."""
    toy = toys.byte_level()
    folder = toys.save(toy, tmp_path / "model")
    tokenizer = shared_tokenizer(str(folder))
    ids = toy.encode("two geese", add_special_tokens=False).ids
    rows = [
        {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": [*ids[:-1], ids[-1] + 1]}
    ] * 3
    paths = WRITERS["jsonl"](tmp_path, rows, random.Random(1))
    shards = [Shard(str(path), path.name) for path in paths]
    ours = Judge(contract(), Vocabulary(tokenizer=tokenizer))
    here, there = (scan_split("train", shards, ours, engine) for engine in (1, Crossing()))

    assert pickle.loads(pickle.dumps(tokenizer)) is tokenizer
    assert there.findings == here.findings
    example = there.findings["label-not-input-id"].examples[0]
    assert example.window is not None
    assert any(example.window.text)
