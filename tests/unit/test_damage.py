"""What is told of units that nobody read to their end, by the way in which they were lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pretok_schemas.findings import Effect, Finding, Outcome, Severity
from pretok_schemas.rules.base import ShardFacts
from pretok_schemas.state import State
from pytest_pretok.engines import Lost
from pytest_pretok.readers import Unit
from pytest_pretok.scan.damage import Damage
from pytest_pretok.scan.shards import name_of
from pytest_pretok.scan.tasks import Done, Part
from pytest_pretok.stores import located, stamp_of

COLUMNS = ("input_ids", "labels")
CLUSTER, MACHINE, STORE = "look at the cluster", "look whether memory", "store the object again"


def unit(format_: str = "parquet", part: tuple[int, ...] = (2, 4), path: str = "a") -> Unit:
    """A unit of a shard; nothing stands at its path."""
    return Unit(path, format_, part, 10, 1000)


def part_of(shard: int, format_: str = "parquet") -> Part:
    """A part of a shard."""
    return Part(shard, unit(format_), COLUMNS, {})


def damage(*paths: str, remote: bool = False) -> Damage:
    """What is known of shards in which nothing is wrong yet."""
    return Damage([ShardFacts(path, 10, COLUMNS) for path in paths], remote)


def done(error: str | None, **further: Any) -> Done[State]:
    """A unit that came back."""
    return Done(State(), (3,), error, **further)


@pytest.mark.parametrize(
    ("format_", "part", "name"),
    [
        ("parquet", (), "the whole file"),
        ("parquet", (2, 3), "row group 2"),
        ("parquet", (2, 5), "row groups 2 to 4"),
        ("arrow-file", (0, 1), "record batch 0"),
        ("arrow-file", (0, 2), "record batches 0 to 1"),
        ("table", (7, 8), "row 7"),
        ("table", (7, 9), "rows 7 to 8"),
        ("jsonl", (7, 8), "byte 7"),
        ("jsonl", (0, 100), "bytes 0 to 99"),
    ],
)
def test_names_of_units(format_: str, part: tuple[int, ...], name: str) -> None:
    """The last one is part of it."""
    assert name_of(unit(format_, part)) == name


@pytest.mark.parametrize(
    ("met", "remote", "error"),
    [
        (done(None), False, None),
        (done("bad page"), False, "bad page"),
        (done("bad page"), True, "bad page"),
        (done("no memory", no_memory=True), False, "row groups 2 to 3: no memory"),
        (done("no memory", no_memory=True), True, "row groups 2 to 3: no memory"),
        (done("not found", absent_on="box"), False, "not found"),
        (
            done("not found", absent_on="box"),
            True,
            "the worker on box could not open it: not found",
        ),
        (Lost("killed"), False, "lost: row groups 2 to 3: killed"),
        (Lost("killed"), True, "lost on the cluster: row groups 2 to 3: killed"),
    ],
)
def test_errors_of_units(met: Done[State] | Lost, remote: bool, error: str | None) -> None:
    """What the shard's error says."""
    seen = damage("a", "b", remote=remote)

    seen.note(part_of(1), met)

    assert [fact.error for fact in seen.facts] == [None, error]
    assert seen.broken(1) is (error is not None)


@pytest.mark.parametrize(
    ("met", "here", "afar"),
    [
        (Lost("killed"), True, True),
        (done("no memory", no_memory=True), True, True),
        (done("not found", absent_on="box"), False, True),
        (done("bad page"), False, False),
    ],
)
def test_whose_fault_it_is(met: Done[State] | Lost, here: bool, afar: bool) -> None:
    """A machine's, if the unit was lost with it; a file that another machine lacks may be there."""
    for remote, expected in ((False, here), (True, afar)):
        seen = damage("a", remote=remote)
        seen.note(part_of(0), met)

        assert seen.lost == ({0} if expected else set())


def test_the_first_reason_stands() -> None:
    """What is met later is not told, nor whose fault that was."""
    seen = damage("a")

    seen.note(part_of(0), done("first"))
    seen.note(part_of(0), Lost("second"))

    assert seen.facts[0].error == "first"
    assert not seen.lost


@pytest.mark.parametrize(
    ("format_", "columns"),
    [("parquet", COLUMNS), ("arrow-stream", COLUMNS), ("json", None), ("jsonl", None)],
)
def test_columns_of_a_broken_file(format_: str, columns: tuple[str, ...] | None) -> None:
    """Text that breaks off has told no columns."""
    seen = damage("a")

    seen.note(part_of(0, format_), done("broken"))

    assert seen.facts[0].columns == columns


def test_a_file_that_is_another_one(tmp_path: Path) -> None:
    """It says so with what the change led to; the machine is no longer to blame."""
    paths = [str(tmp_path / name) for name in ("same", "changed", "broken")]
    for path in paths:
        Path(path).write_bytes(b"x")
    stamps = {number: stamp_of(located(path)) for number, path in enumerate(paths)}
    seen = damage(*paths)
    seen.note(part_of(2), Lost("killed"))
    for path in paths[1:]:
        Path(path).write_bytes(b"longer")

    seen.compare(paths, stamps)

    why = "the file changed while it was read; check it again once it is written"
    met = "lost: row groups 2 to 3: killed"
    assert [fact.error for fact in seen.facts] == [None, why, f"{why} ({met})"]
    assert not seen.lost


def told(seen: Damage) -> Finding:
    """The finding about unreadable files, after it was explained."""
    found = Finding(
        "unreadable-file",
        Outcome.FAILED,
        Severity.ERROR,
        "file",
        effect=Effect.CRASH,
        consequence="loading stops",
        help="look at it",
    )
    findings = {"unreadable-file": found}
    seen.explain(findings)
    return findings["unreadable-file"]


@pytest.mark.parametrize(("remote", "help_"), [(False, MACHINE), (True, CLUSTER)])
def test_files_that_machines_lost(remote: bool, help_: str) -> None:
    """What a trainer does with them is not known; the help looks at the machines."""
    seen = damage("a", "b", remote=remote)
    seen.note(part_of(1), Lost("killed"))

    finding = told(seen)

    assert finding.effect is None
    assert finding.consequence == (
        "nothing is known of these files, and what was not read cannot pass"
    )
    assert finding.help.startswith(help_)


@pytest.mark.parametrize(
    ("paths", "help_"),
    [
        (("a", "b"), "look at it"),
        (("s3://x/a", "b"), "look at it"),
        (("s3://x/a", "s3://x/b"), STORE),
    ],
)
def test_files_that_are_broken(paths: tuple[str, ...], help_: str) -> None:
    """One of them is enough for the trainer's consequence; the help knows remote objects."""
    seen = damage(*paths, "whole")
    seen.note(part_of(0), Lost("killed"))
    seen.note(part_of(1), done("bad page"))

    finding = told(seen)

    assert (finding.effect, finding.consequence) == (Effect.CRASH, "loading stops")
    assert help_ in finding.help


def test_nothing_to_explain() -> None:
    """Where nothing is broken, or no rule asks, nothing changes."""
    assert told(damage("a")).help == "look at it"

    seen = damage("a")
    seen.note(part_of(0), Lost("killed"))
    findings: dict[str, Finding] = {}
    seen.explain(findings)

    assert not findings
