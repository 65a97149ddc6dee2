"""The benchmarks' own data and programs: what was planted is there, and answers are checked.

Nothing here is timed. The generator runs as its users run it; our scan runs in this process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import scan
from pytest_pretok.scan import scan_split

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FORMATS = ("parquet", "arrow", "jsonl", "saved")
INVARIANTS = ("length-mismatch", "label-not-input-id", "trailing-padding", "no-trainable-token")
Rows = dict[str, list[int]]


def made(path: Path, *options: str) -> Path:
    """Data of the generator."""
    command = [sys.executable, str(BENCHMARKS / "make_data.py"), str(path), *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def planted(path: Path) -> Rows:
    """What the generator says it planted."""
    found: Rows = json.loads(Path(f"{path}.flaws.json").read_text(encoding="utf-8"))
    return found


def scanned(path: Path) -> Rows:
    """The violating rows that our scan names."""
    return scan.rows_of(scan_split("train", scan.shards_of(path), scan.judge(keep_all=True), 2))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Parquet file with some violations of each invariant that the peers judge."""
    path = tmp_path_factory.mktemp("peers") / "data.parquet"
    rules = ("--storm", "3", "--rules", ",".join(INVARIANTS))
    return made(path, "--tokens", "60_000", "--row-groups", "3", *rules)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_flaw_of_every_rule_is_found_where_it_was_planted(kind: str, tmp_path: Path) -> None:
    """In every container; all flaws in one split, and no other row is reported."""
    path = made(tmp_path / "data", "--format", kind, "--tokens", "150_000", "--flaws")

    assert len(planted(path)) == 31
    assert scanned(path) == planted(path)


def test_a_storm_in_shards_is_found_row_by_row(tmp_path: Path) -> None:
    """Rows count through all shards, and no rule is tired by the others."""
    options = ("--shards", "3", "--row-groups", "6", "--tokens", "400_000", "--storm", "6")
    path = made(tmp_path / "data", *options)

    assert len(list(path.glob("train-0000?-of-00003.parquet"))) == 3
    assert all(len(rows) >= 6 for rows in planted(path).values())
    assert scanned(path) == planted(path)


def test_clean_data_has_no_finding(tmp_path: Path) -> None:
    """Other rules than those with a flaw are silent too."""
    path = made(tmp_path / "data", "--rows", "500")
    done = scan_split("train", scan.shards_of(path), scan.judge(), 1)

    assert done.state.rows == 500
    assert [f.rule for f in done.findings.values() if f.outcome != "passed"] == []


def test_containers_hold_the_same_rows(tmp_path: Path) -> None:
    """A saved folder as `datasets` loads it, and the others as pyarrow and json read them."""
    import datasets

    options = ("--tokens", "40_000", "--row-groups", "4", "--flaws", "--rules", "trailing-padding")
    paths = {kind: made(tmp_path / kind, "--format", kind, *options) for kind in FORMATS}
    saved = datasets.load_from_disk(str(paths["saved"])).to_list()

    assert len(saved) > 50
    assert saved == pq.read_table(paths["parquet"]).to_pylist()
    with pa.ipc.open_file(paths["arrow"]) as file:
        assert saved == file.read_all().to_pylist()
    with paths["jsonl"].open(encoding="utf-8") as lines:
        assert saved == [json.loads(line) for line in lines]


@pytest.mark.parametrize("peer", ["by_hand", "plain_python"])
def test_peers_find_what_was_planted(peer: str, plain: Path) -> None:
    """The peers that need nothing beside what the tests need anyway."""
    program = [sys.executable, str(BENCHMARKS / "peers" / f"{peer}.py"), str(plain)]
    said = subprocess.run(program, check=True, capture_output=True, text=True).stdout

    assert json.loads(said) == planted(plain)


def test_a_wrong_answer_is_called_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """By row, by number, a row too many, a row too few, a rule that nobody planted."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from peer_table import verdict

    right = {"a": [1, 5], "b": [7]}

    assert verdict(right, right) == "rows"
    assert verdict({"a": 2, "b": 1}, right) == "counts"
    assert verdict({"a": [1, 6], "b": [7]}, right) == "**wrong**: a"
    assert verdict({"a": [1, 5]}, right) == "**wrong**: b"
    assert verdict({"a": 2, "b": 2}, right).startswith("**wrong**: a")
    assert verdict({**right, "c": [0]}, right) == "**wrong**: c"


def test_a_program_that_fails_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no costs, the others have theirs, and its peak memory is its own."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from measuring import Program, in_turn

    sound = Program([sys.executable, "-S", "-c", "b = b'x' * 80_000_000; print(len(b))"])
    costs = in_turn({"sound": sound, "broken": Program([sys.executable, "-c", "1 / 0"])}, 1)

    assert costs["broken"] == []
    assert [cost.output for cost in costs["sound"]] == ["80000000\n"]
    assert 76 < costs["sound"][0].peak < 76 + 40


def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Peak memory of whole processes: four times the rows, row groups alike."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from measuring import Program, run

    peaks = {}
    for times in (1, 4):
        size = ("--tokens", f"{2_000_000 * times}", "--row-groups", f"{4 * times}")
        path = made(tmp_path / f"{times}", *size, "--codec", "none")
        cost = run(Program([sys.executable, BENCHMARKS / "scan.py", path]))
        assert json.loads(cost.output)["found"] == {}
        peaks[times] = cost.peak

    assert peaks[4] <= 1.15 * peaks[1]
