"""The baseline in real runs: what it tolerates, what it never does, and what an update writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_pretok.baseline import dump, parse
from tests.plugin.conftest import Run
from tests.plugin.data import (
    FAULT,
    clean_rows,
    declare,
    faulty_rows,
    overlapping_rows,
    shards,
    table_of,
    write,
    write_saved,
)

FILE = "pretok-baseline.json"
UPDATE = "--pretok-update-baseline"
PLAIN_OR_TWO = pytest.mark.parametrize("parallel", ["", "-n2"], ids=["plain", "n2"])
STRICT = ("-W", "error::pytest_pretok.PretokWarning")

Entry = dict[str, Any]


def known(here: Path) -> list[Entry]:
    """The findings in the baseline file."""
    found = json.loads((here / FILE).read_text(encoding="utf-8"))
    assert found["version"] == 1
    entries: list[Entry] = found["findings"]
    return entries


def entry(rule: str = FAULT, violations: int = 1, total: int = 6, **place: str | None) -> Entry:
    """A finding of the train split of ``sft``, or of another place."""
    where = {"dataset": "sft", "split": "train", **place}
    if "file" in place:
        del where["dataset"]
        where = {"file": place["file"], "split": where["split"]}
    return {**where, "rule": rule, "violations": violations, "total": total}


def put(here: Path, *entries: Entry) -> None:
    """Write a baseline by hand."""
    text = json.dumps({"version": 1, "findings": entries})
    (here / FILE).write_text(text, encoding="utf-8")


def declare_sft(here: Path, more: str = "", path: str = 'path = "sft.parquet"') -> None:
    """One declared dataset with a baseline at the top."""
    table = "[tool.pretok.datasets.sft]"
    declare(here, f'[tool.pretok]\nbaseline = "{FILE}"\n{table}\n{path}\n{more}\n')


@pytest.fixture
def several(here: Path) -> Path:
    """Declared splits with a wrong label each, a repeated row and a shared row; a file beside."""
    declare_sft(here, path='splits = { train = "sft/a.parquet", test = "sft/b.parquet" }')
    write(here / "sft/a.parquet", faulty_rows() + clean_rows(2))
    rows = overlapping_rows() + faulty_rows(3, seed=77, row=1)
    write(here / "sft/b.parquet", rows)
    write(here / "data/one.parquet", faulty_rows(seed=3))
    return here


SEVERAL = [
    entry("split-overlap", 1, 8, split=None),
    entry(FAULT, 1, 8, split="test"),
    entry("duplicate-rows", 2, 8),
    entry(FAULT, 1, 8),
    entry(FAULT, 1, 6, file="data/one.parquet"),
]


@pytest.mark.usefixtures("several")
def test_update_then_clean(run: Run, here: Path, workers: str) -> None:
    """An update takes everything down, warnings too; the next run is clean and says so."""
    first = run("--pretok-data=.", UPDATE, workers, *STRICT)
    again = run("--pretok-data=.", workers, *STRICT)

    assert first.code == 0
    assert known(here) == SEVERAL
    assert f"UPDATING THE BASELINE {FILE}" in first.text
    assert f"BASELINE UPDATED, {FILE}: 5 new" in first.text
    assert f"  new: sft [train] {FAULT}: 1 of 8" in first.text
    assert again.code == 0
    assert set(again.outcomes) == {"passed"}
    assert f"BASELINE IN FORCE, {FILE}: 5 known findings tolerated" in again.text
    assert f"BASELINE IN FORCE, {FILE}: 5 findings tolerated" in again.text
    assert f"  sft [train] {FAULT}: 1 of 8; the baseline allows 1" in again.text


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("dist", [[], ["--dist", "loadscope"]], ids=["load", "loadscope"])
def test_the_same_file_with_workers(run: Run, here: Path, dist: list[str]) -> None:
    """The file is byte for byte the same, however the items were spread."""
    run("--pretok-data=.", UPDATE)
    alone = (here / FILE).read_bytes()
    (here / FILE).unlink()
    run("--pretok-data=.", UPDATE, "-n2", *dist)

    assert (here / FILE).read_bytes() == alone
    assert sorted(p.name for p in here.iterdir() if "baseline" in p.name) == [FILE]


@pytest.mark.usefixtures("several")
def test_loud_when_quiet(run: Run) -> None:
    """With -q the header is gone; the summary tells."""
    run("--pretok-data=.", UPDATE)

    assert f"BASELINE IN FORCE, {FILE}: 5 findings tolerated" in run("--pretok-data=.", "-q").text


@pytest.mark.usefixtures("several")
def test_the_file_knows_no_place(run: Run, here: Path) -> None:
    """No absolute path is in the file, and it holds wherever the run begins."""
    (here / "other").mkdir()
    there = f"--rootdir={here / 'other'}"
    run(f"--pretok-data={here}", there, UPDATE)

    assert str(here) not in (here / FILE).read_text(encoding="utf-8")
    assert known(here) == SEVERAL
    assert run("--pretok-data=.", *STRICT).code == 0
    assert run(f"--pretok-data={here / 'data'}", there).code == 0


@PLAIN_OR_TWO
def test_worse_fails(run: Run, here: Path, parallel: str) -> None:
    """A share that is worse fails, with what was known; the same share of more rows does not."""
    declare_sft(here)
    put(here, entry(violations=1, total=6))
    write(here / "sft.parquet", faulty_rows(12) + faulty_rows(12, seed=2))
    assert run("--pretok-data=.", parallel).code == 0
    rows = faulty_rows(6, seed=1) + faulty_rows(3, seed=2, row=1)
    write(here / "sft.parquet", rows)
    ran = run("--pretok-data=.", parallel)

    assert ran.code == 1
    assert ran.outcomes["failed"] == 1
    assert f"{FAULT}: 2 of 9 rows (22.2 %), split train; allowed: 0" in ran.text
    assert "  baseline: 1 of 6 known" in ran.text
    write(here / "sft.parquet", [*clean_rows(40), *clean_rows(2, seed=2), *rows[:4]])
    assert run("--pretok-data=.", "-k", FAULT).code == 0


def test_what_the_share_allows_is_told(run: Run, here: Path) -> None:
    """Where the split has another size, the text says what the known share comes to."""
    declare_sft(here)
    put(here, entry(violations=37, total=200))
    write(here / "sft.parquet", faulty_rows(2, row=0) + faulty_rows(2, seed=2, row=1))
    text = run("--pretok-data=.").text

    assert "  baseline: 37 of 200 known; that share allows 0 of 4" in text


def test_new_fails(run: Run, here: Path) -> None:
    """A finding that is not in the file fails and says that it is new."""
    declare_sft(here)
    put(here)
    write(here / "sft.parquet", faulty_rows())
    ran = run("--pretok-data=.")

    assert ran.code == 1
    assert "  baseline: none known, this finding is new" in ran.text
    assert f"BASELINE IN FORCE, {FILE}: 0 findings tolerated" in ran.text


def test_a_warning_beyond_the_baseline_warns(run: Run, here: Path) -> None:
    """Warnings within the baseline are silent; beyond it they warn as ever."""
    declare_sft(here)
    put(here, entry("duplicate-rows", 1, 7))
    write(here / "sft.parquet", clean_rows(6) + clean_rows(1))
    assert "warnings" not in run("--pretok-data=.").outcomes
    write(here / "sft.parquet", clean_rows(6) + clean_rows(2))
    ran = run("--pretok-data=.")

    assert ran.code == 0
    assert ran.outcomes["warnings"] == 1
    assert "baseline: 1 of 7 known" in ran.text
    assert run("--pretok-data=.", *STRICT).code == 1


@pytest.mark.parametrize(
    ("budget", "allowed", "code"), [(0, 2, 0), (1, 2, 0), (2, 1, 0), (1, 1, 1), (0, 1, 1)]
)
def test_whichever_allows_more(run: Run, here: Path, budget: int, allowed: int, code: int) -> None:
    """The rule's own budget and the baseline are both in force."""
    declare_sft(here, f"rules = {{ {FAULT} = {{ max-rows = {budget} }} }}")
    put(here, entry(violations=allowed, total=12))
    write(here / "sft.parquet", faulty_rows() + faulty_rows(seed=2))

    assert run("--pretok-data=.", "-k", FAULT).code == code


def test_what_a_budget_allows_is_not_taken_down(run: Run, here: Path) -> None:
    """The file holds only what nothing else allows."""
    declare_sft(here, f"rules = {{ {FAULT} = {{ max-rows = 1 }} }}")
    write(here / "sft.parquet", faulty_rows())
    run("--pretok-data=.", UPDATE)
    assert known(here) == []
    write(here / "sft.parquet", faulty_rows() + faulty_rows(seed=2))
    run("--pretok-data=.", UPDATE)

    assert known(here) == [entry(violations=2, total=12)]


def test_improvement(run: Run, here: Path) -> None:
    """A better share is told, changes nothing by itself, and an update makes the file smaller."""
    declare_sft(here)
    put(here, entry(violations=3, total=6), entry("mask-hole", 1, 6))
    before = (here / FILE).read_bytes()
    write(here / "sft.parquet", faulty_rows())
    ran = run("--pretok-data=.")
    assert f"2 findings better than {FILE} says" in ran.text
    assert (here / FILE).read_bytes() == before
    ran = run("--pretok-data=.", UPDATE)

    assert known(here) == [entry()]
    assert f"BASELINE UPDATED, {FILE}: 1 shrank, 1 gone" in ran.text
    assert f"  shrank: sft [train] {FAULT}: 3 of 6 -> 1 of 6" in ran.text
    assert "  gone: sft [train] mask-hole: 1 of 6" in ran.text


def test_growth_is_told(run: Run, here: Path) -> None:
    """An update takes down what got worse as well, and names it."""
    declare_sft(here)
    put(here, entry(violations=1, total=60))
    write(here / "sft.parquet", faulty_rows())
    ran = run("--pretok-data=.", UPDATE)

    assert ran.code == 0
    assert f"BASELINE UPDATED, {FILE}: 1 grew" in ran.text
    assert f"  grew: sft [train] {FAULT}: 1 of 60 -> 1 of 6" in ran.text


def test_an_update_without_change(run: Run, here: Path) -> None:
    """A second update leaves the file alone."""
    declare_sft(here)
    write(here / "sft.parquet", faulty_rows())
    run("--pretok-data=.", UPDATE)
    stamp = (here / FILE).stat()
    ran = run("--pretok-data=.", UPDATE)

    assert f"BASELINE UPDATED, {FILE}: nothing changed" in ran.text
    assert (here / FILE).stat().st_ino == stamp.st_ino


# -- parts of a run

STALE = [entry("mask-hole", 5, 6), entry(FAULT, 3, 6, split="old"), entry(FAULT, 3, 6, dataset="x")]


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize(
    "words",
    [
        ["--pretok-data=.", "-k", f"{FAULT}[train]"],
        [f"pyproject.toml::sft::{FAULT}[train]"],
        ["--pretok-data=.", "-k", f"{FAULT}[train]", "-n2"],
    ],
    ids=["keyword", "id", "workers"],
)
def test_a_part_updates_its_part(run: Run, here: Path, words: list[str]) -> None:
    """What was not selected stays in the file, whatever has become of it."""
    put(here, *STALE)
    ran = run(*words, UPDATE)

    assert ran.code == 0
    assert known(here) == [entry(FAULT, 3, 6, split="old"), entry(FAULT, 1, 8), *STALE[::2]]
    assert "left as it was, without a verdict in this run: 3 entries" in ran.text


@pytest.mark.usefixtures("several")
def test_a_whole_dataset_is_written_anew(run: Run, here: Path) -> None:
    """Entries of splits that are gone go with a whole run; other datasets are none of its."""
    put(here, *STALE)
    ran = run("--pretok-data=.", UPDATE)

    assert known(here) == [*SEVERAL[:4], STALE[2], SEVERAL[4]]
    assert f"  gone: sft [old] {FAULT}: 3 of 6" in ran.text


@pytest.mark.usefixtures("several")
def test_last_failed(run: Run, here: Path) -> None:
    """--lf updates what failed last."""
    put(here, *SEVERAL[:3])
    assert run("--pretok-data=.", "--cache").outcomes["failed"] == 2
    ran = run("--pretok-data=.", "--cache", "--lf", UPDATE)

    assert ran.outcomes["passed"] == 2
    assert known(here) == SEVERAL


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize(("words", "code"), [(["--co"], 0), (["-k", "nothing-of-it"], 5)])
def test_nothing_checked_nothing_written(run: Run, here: Path, words: list[str], code: int) -> None:
    """A run that judged nothing writes nothing."""
    assert run("--pretok-data=.", UPDATE, *words).code == code
    assert not (here / FILE).exists()


@pytest.mark.usefixtures("several")
def test_interrupted(run: Run, here: Path) -> None:
    """A run that was interrupted writes nothing, and says so."""
    hook = """
def pytest_runtest_call(item):
    if "too-long" in item.name or "no-trainable" in item.name:
        raise KeyboardInterrupt
"""
    (here / "conftest.py").write_text(hook, encoding="utf-8")
    ran = run("--pretok-data=.", UPDATE, subprocess=True)

    assert ran.code == 2
    assert f"BASELINE NOT WRITTEN, {FILE}: the run was interrupted" in ran.text
    assert not (here / FILE).exists()


def test_stopped_early(run: Run, here: Path) -> None:
    """Under -x what was judged until then is written, the rest stays."""
    declare_sft(here)
    put(here, entry("duplicate-rows", 1, 7), entry("mask-hole", 1, 7))
    write(here / "sft.parquet", faulty_rows())
    hook = """
def pytest_runtest_call(item):
    if "no-trainable" in item.name:
        raise OSError("mine")
"""
    (here / "conftest.py").write_text(hook, encoding="utf-8")

    assert run("--pretok-data=.", UPDATE, "-x").code == 1
    assert known(here) == [entry("duplicate-rows", 1, 7), entry()]


# -- what is never tolerated


def cut(path: Path) -> None:
    """Take the end of a file away."""
    path.write_bytes(path.read_bytes()[:-9])


@PLAIN_OR_TWO
def test_unread_data(run: Run, here: Path, parallel: str) -> None:
    """Where a shard cannot be read, nothing known counts, and an update keeps what was known."""
    declare_sft(here, path='path = "sft/*.parquet"')
    shards(here / "sft", "train", [faulty_rows(), faulty_rows(seed=2)])
    run("--pretok-data=.", UPDATE)
    before = known(here)
    cut(here / "sft/train-00001-of-00002.parquet")
    ran = run("--pretok-data=.", parallel)
    updated = run("--pretok-data=.", UPDATE, parallel)

    assert ran.code == 1
    assert "baseline: what cannot be read is never tolerated" in ran.text
    assert run(f"pyproject.toml::sft::{FAULT}[train]", parallel).code == 1
    assert updated.code == 1
    assert updated.outcomes["failed"] == 1
    assert known(here) == before == [entry(violations=2, total=12)]
    assert "not recorded:" in updated.text


def test_an_unreadable_file_is_not_taken_down(run: Run, here: Path) -> None:
    """An update of a file that cannot be read ends with 1 and an empty baseline."""
    declare_sft(here)
    cut(write(here / "sft.parquet", faulty_rows()))

    assert run("--pretok-data=.", UPDATE).code == 1
    assert known(here) == []


def test_rules_without_a_verdict(run: Run, here: Path) -> None:
    """What leaves rules without a verdict is not taken down: the run would end green, unjudged."""
    declare_sft(here)
    write(here / "sft.parquet", table_of(clean_rows()).drop_columns(["labels"]))
    ran = run("--pretok-data=.", UPDATE)
    alone = run("--pretok-data=.", UPDATE, "-k", "missing-column")

    assert ran.code == alone.code == 1
    assert ran.outcomes["failed"] == 1
    assert "baseline: not recorded" in ran.text
    assert known(here) == []


@PLAIN_OR_TWO
def test_a_tolerated_cause_hides_nothing(run: Run, here: Path, parallel: str) -> None:
    """Where a baseline written by hand tolerates the cause, the unjudged rules fail themselves."""
    declare_sft(here)
    put(here, entry("missing-column", 1, 1))
    write(here / "sft.parquet", table_of(clean_rows()).drop_columns(["labels"]))
    ran = run("--pretok-data=.", parallel)

    assert ran.code == 1
    assert run("--pretok-data=.", "-k", "missing-column", parallel).code == 0
    assert run("--pretok-data=.", "-k", FAULT, parallel).code == 1
    assert "could not be judged because of missing-column: 1 of 1 file" in ran.text
    assert "skipped" not in ran.outcomes


def test_rows_in_one_shard_only(run: Run, here: Path) -> None:
    """A known finding is not tolerated where another shard lacks the column that it is about."""
    declare_sft(here, path='path = "sft/*.parquet"')
    put(here, entry(violations=5, total=6))
    shards(here / "sft", "train", [faulty_rows(), []])
    rows = table_of(clean_rows(seed=2)).drop_columns(["labels"])
    write(here / "sft/train-00001-of-00002.parquet", rows)

    assert run("--pretok-data=.", "-k", FAULT).code == 1
    assert run("--pretok-data=.", "-k", FAULT, UPDATE).code == 1
    assert known(here) == [entry(violations=5, total=6)]


def test_files_are_counted(run: Run, here: Path) -> None:
    """A rule about files is tolerated by their number: more shards allow no more of them."""
    declare_sft(here, path='path = "sft/*.parquet"')
    put(here, entry("missing-column", 1, 2))
    bare = table_of(clean_rows(1)).drop_columns(["attention_mask"]).slice(0, 0)
    shards(here / "sft", "train", [clean_rows(seed=n) for n in range(1, 5)])
    write(here / "sft/train-00000-of-00004.parquet", bare)
    assert run("--pretok-data=.", "-k", "missing-column").code == 0
    write(here / "sft/train-00001-of-00004.parquet", bare)
    ran = run("--pretok-data=.", "-k", "missing-column")

    assert ran.code == 1
    assert "baseline: 1 of 2 known" in ran.text


# -- faults of the declaration


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, f"is not there; {UPDATE} writes it"),
        (b"", "is damaged: no valid JSON, line 1"),
        (b'{"version": 2}', "has version 2; this pytest-pretok reads version 1"),
        (b'{"version": 1, "findings": [{}]}', "is damaged: finding 1 needs the keys"),
    ],
    ids=["missing", "empty", "later", "entry"],
)
def test_a_file_that_cannot_be_used(
    run: Run, here: Path, content: bytes | None, message: str
) -> None:
    """A missing or damaged file ends with 2 and names the line that declares it."""
    declare_sft(here)
    write(here / "sft.parquet", clean_rows())
    if content is not None:
        (here / FILE).write_bytes(content)
    ran = run("--pretok-data=.", subprocess=True)

    assert ran.code == 2
    assert f"pyproject.toml:2: [tool.pretok] baseline: '{FILE}' {message}" in ran.text
    assert "Traceback" not in ran.text
    if content is not None:
        assert run("--pretok-data=.", UPDATE, "-n2").code == 2
        assert (here / FILE).read_bytes() == content


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('""', "baseline: the path is empty"),
        ("5", "baseline: found 5, expected text in quotes"),
        ('"s3://b/x.json"', "baseline: found a URL"),
        ('"."', "is no regular file"),
    ],
)
@pytest.mark.parametrize("top", [True, False])
def test_no_path(run: Run, here: Path, value: str, message: str, top: bool) -> None:
    """A value that names no file is a fault, with an update too, told once."""
    tables = ["[tool.pretok]", '[tool.pretok.datasets.sft]\npath = "x.parquet"']
    tables[not top] += f"\nbaseline = {value}"
    declare(here, "\n".join(tables) + "\n")
    ran = run("--pretok-data=.", UPDATE, subprocess=True)

    assert ran.code == 2
    assert "1 fault in pyproject.toml" in ran.text
    assert message in ran.text


def test_two_declarations_cannot_share(run: Run, here: Path) -> None:
    """A name could mean two datasets: every declaration has a file of its own."""
    declare_sft(here)
    below = '[tool.pretok.datasets.sft]\npath = "x.parquet"\nbaseline = "../pretok-baseline.json"\n'
    declare(here / "below", below)
    write(here / "sft.parquet", clean_rows())
    write(here / "below/x.parquet", clean_rows(seed=2))
    put(here)
    ran = run("--pretok-data=.", subprocess=True)

    assert ran.code == 2
    assert "belongs to pyproject.toml; name a file of its own here" in ran.text


def test_nothing_declares_a_baseline(run: Run, here: Path) -> None:
    """The option without a declared file ends with 4 and says what to add."""
    write(here / "a.parquet", clean_rows())
    ran = run("--pretok-data=.", UPDATE)

    assert ran.code == 4
    assert f'add baseline = "{FILE}" to [tool.pretok]' in ran.text


def test_a_file_that_cannot_be_written(run: Run, here: Path) -> None:
    """A clean update whose file cannot be written ends with 4 and one clear line."""
    declare(
        here,
        """
        [tool.pretok.datasets.sft]
        path = "sft.parquet"
        baseline = "sft.parquet/x.json"
        """,
    )
    write(here / "sft.parquet", faulty_rows())
    ran = run("--pretok-data=.", UPDATE)

    assert ran.code == 4
    assert "BASELINE NOT WRITTEN, sft.parquet/x.json: " in ran.text
    assert "INTERNALERROR" not in ran.text


# -- places


def test_one_file_a_dataset(run: Run, here: Path) -> None:
    """A dataset's own file replaces the one at the top, seen from the declaration's folder."""
    text = """
    [tool.pretok]
    baseline = "known/all.json"
    [tool.pretok.datasets.a]
    path = "a.parquet"
    [tool.pretok.datasets.b]
    path = "b.parquet"
    baseline = "known/b.json"
    """
    declare(here / "repo", text)
    write(here / "repo/a.parquet", faulty_rows())
    write(here / "repo/b.parquet", faulty_rows(seed=2))
    ran = run("--pretok-data=repo", UPDATE)
    files = {name: here / "repo/known" / f"{name}.json" for name in ("all", "b")}
    held = {name: [key.name for key in parse(f.read_bytes())] for name, f in files.items()}

    assert ran.code == 0
    assert held == {"all": ["a"], "b": ["b"]}
    assert run("--pretok-data=repo").code == 0
    before = files["b"].read_bytes()
    ran = run("repo/pyproject.toml::a", UPDATE)
    assert ran.code == 0
    assert files["b"].read_bytes() == before


@PLAIN_OR_TWO
def test_undeclared_data(run: Run, here: Path, parallel: str) -> None:
    """Undeclared data follows the defaults that hold there, file by file and split by split."""
    declare(here, f'[tool.pretok]\nbaseline = "{FILE}"\n')
    write_saved(here / "saved", {"train": faulty_rows(), "test": overlapping_rows()})
    shards(here / "hub", "train", [faulty_rows(seed=2), clean_rows(seed=3)])
    write(here / "hub/test.parquet", overlapping_rows(seed=2))
    run("--pretok-data=.", UPDATE, parallel)

    assert known(here) == [
        entry("split-overlap", 1, 5, file="hub/test.parquet", split="test"),
        entry(FAULT, 1, 12, file="hub/train-00000-of-00002.parquet"),
        entry("split-overlap", 1, 5, file="saved/dataset_dict.json", split=None),
        entry(FAULT, 1, 6, file="saved/dataset_dict.json"),
    ]
    ran = run("--pretok-data=.", parallel)
    assert ran.code == 0
    assert "passed over" not in ran.text
    put(here)
    assert run("--pretok-data=.", parallel).outcomes["failed"] == 4


def test_no_defaults_no_baseline(run: Run, here: Path) -> None:
    """Data outside the declaration's folder is none of its baseline's."""
    declare(here / "repo", f'[tool.pretok]\nbaseline = "{FILE}"\n')
    put(here / "repo", entry(file="../a.parquet"))
    write(here / "a.parquet", faulty_rows())

    assert run("--pretok-data=.").code == 1


# -- reports


@pytest.mark.usefixtures("several")
@PLAIN_OR_TWO
def test_report(run: Run, here: Path, parallel: str) -> None:
    """The JSON report says for each finding how many the baseline allowed; budgets stay."""
    put(here, entry(FAULT, 2, 8), entry(FAULT, 1, 60, split="test"), *SEVERAL[::2])
    run("--pretok-data=.", "--pretok-report=out/r.json", parallel)
    report = json.loads((here / "out/r.json").read_text(encoding="utf-8"))
    sft = next(dataset for dataset in report["datasets"] if dataset["name"] == "sft")
    found = {
        (split["name"], rule["rule"]): rule for split in sft["splits"] for rule in split["rules"]
    }
    train, test = found["train", FAULT], found["test", FAULT]

    assert (train["outcome"], train["violations"], train["baseline"]) == ("passed", 1, 2)
    assert (test["outcome"], test["violations"], test["baseline"]) == ("failed", 1, 0)
    assert (train["budget"], test["budget"]) == (0, 0)
    assert sft["rules"][0]["baseline"] == 1
    assert found["train", "mask-hole"]["baseline"] == 0
    assert report["ok"] is False


def test_report_without_a_baseline(run: Run, here: Path) -> None:
    """Without a baseline the key is there and null."""
    write(here / "a.parquet", faulty_rows())
    run("--pretok-data=.", "--pretok-report=out/r.json")
    report = json.loads((here / "out/r.json").read_text(encoding="utf-8"))

    rules = report["datasets"][0]["splits"][0]["rules"]
    assert {rule["baseline"] for rule in rules} == {None}


def test_the_file_in_the_readme() -> None:
    """The README shows a baseline as it is written."""
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    shown = text.split("## Known findings")[1].split("```json\n")[1].split("```")[0]

    assert dump(parse(shown.encode())) == shown
