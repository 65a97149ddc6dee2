"""A task, its unit and its result on their way to another process and back, as bytes.

What crosses is bytes and text alone, so that no engine's own serialiser, shared memory or wrapping
of exceptions shows through. Knows no engine and no task.
"""

from __future__ import annotations

import pickle
import socket
import traceback
from functools import lru_cache
from typing import Any

from pytest_pretok import __version__
from pytest_pretok.engines.base import EngineError

VERSION = "pytest_pretok:__version__"  # what is asked of every worker before it gets work

Answer = tuple[str, bytes, str]  # kind, pickled result or exception, text for people


class RemoteTraceback(Exception):
    """The traceback of a worker, as the cause of the exception that it raised."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


def packed(thing: object) -> bytes:
    """A task or a unit as bytes."""
    return pickle.dumps(thing, pickle.HIGHEST_PROTOCOL)


@lru_cache(maxsize=2)
def _unpacked_task(task: bytes) -> Any:
    return pickle.loads(task)


def call(version: str, task: bytes, unit: bytes) -> Answer:
    """Do one unit, on the worker; nothing is raised here but what ends the process.

    A task is unpacked once a process. The version is looked at first: other versions' objects may
    not even unpack.
    """
    if version != __version__:
        return "version", b"", f"{socket.gethostname()} has pytest-pretok {__version__}"
    try:
        return "result", packed(_unpacked_task(task)(pickle.loads(unit))), ""
    except Exception as error:  # noqa: BLE001 (it is raised again where the scan runs)
        return "raised", _packed_error(error), traceback.format_exc()


def opened(answer: Answer) -> Any:
    """The result of an answer, where the scan runs.

    Raises:
        EngineError: the worker has another version of this package.
        Exception: what the task raised, its remote traceback as the cause.
    """
    kind, payload, text = answer
    if kind == "version":
        raise EngineError(f"a worker on {text}, this process has {__version__}")
    content = pickle.loads(payload)
    if kind == "raised":
        raise content from RemoteTraceback(text)
    return content


def _packed_error(error: Exception) -> bytes:
    try:
        payload = packed(error)
        pickle.loads(payload)  # some exceptions can be packed, but not made again
    except Exception:  # noqa: BLE001 (whatever its class does to copies)
        return packed(RuntimeError("".join(traceback.format_exception_only(error)).strip()))
    return payload


def check_versions(engine: str, found: dict[str, object]) -> None:
    """Return if every worker has this version.

    ``found`` has, by a worker's place, its version, or the exception met in asking for it.

    Raises:
        EngineError: some have another version, or none.
    """
    wrong = {place: told for place, told in found.items() if told != __version__}
    if not wrong:
        return
    lines = [f"--pretok-engine={engine}: every worker needs pytest-pretok {__version__}"]
    for place, told in list(wrong.items())[:5]:
        says = one_line(told) if isinstance(told, BaseException) else f"has version {told}"
        lines.append(f"  {place}: {says}")
    if len(wrong) > 5:
        lines.append(f"  ... and {len(wrong) - 5} more")
    lines.append(f"  install it there: pip install pytest-pretok=={__version__}")
    raise EngineError("\n".join(lines))


def one_line(error: BaseException) -> str:
    """An exception's name and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
