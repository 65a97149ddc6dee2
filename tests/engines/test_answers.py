"""What workers answer, and how they end, without a cluster."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from pytest_pretok import __version__
from pytest_pretok.engines import EngineError, make_engine
from pytest_pretok.engines.processes import _how
from pytest_pretok.engines.remote import call, check_versions, opened, packed


class TwoWords(Exception):
    """An error that can be packed, but not made again: it wants more than it keeps."""

    def __init__(self, what: str, more: str) -> None:
        super().__init__(f"{what}, {more}")


def add(number: int) -> int:
    """A task."""
    return number + 1


def fail(number: int) -> int:
    """A task that raises what can be sent."""
    raise LookupError(f"no {number}")


def fail_oddly(number: int) -> int:
    """A task that raises what cannot be sent."""
    raise TwoWords("one", str(number))


def answered(task: Any, unit: int) -> Any:
    """What a worker of this version makes of a unit, as the scan sees it."""
    return opened(call(__version__, packed(task), pickle.dumps(unit)))


def test_results_and_errors() -> None:
    """A result comes back; an error too, or, where it cannot, its words."""
    assert answered(add, 4) == 5
    with pytest.raises(LookupError, match="no 4"):
        answered(fail, 4)
    with pytest.raises(RuntimeError, match="TwoWords: one, 4"):
        answered(fail_oddly, 4)


def test_workers_of_other_versions() -> None:
    """They unpack nothing; five of them are named, and how many more there are."""
    with pytest.raises(EngineError, match=r"a worker on .* has pytest-pretok"):
        opened(call("0.0.0", b"no task", b"no unit"))
    check_versions("dask", {"a": __version__})
    found = {f"tcp://{n}": "0.0.1" for n in range(7)} | {"tcp://x": ImportError("no such module")}
    with pytest.raises(EngineError) as caught:
        check_versions("dask", found)

    assert str(caught.value).count("has version 0.0.1") == 5
    assert "... and 3 more" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "says"),
    [(3, "with exit code 3"), (-11, "by SIGSEGV"), (-200, "by signal 200")],
)
def test_how_a_process_ended(code: int, says: str) -> None:
    """By its code, or the name of the signal if it has one."""
    assert _how(code) == says


def test_no_such_engine() -> None:
    """Those that there are are named."""
    with pytest.raises(EngineError, match="no engine 'spark'; there are: local, processes, ray"):
        make_engine("spark", None)
