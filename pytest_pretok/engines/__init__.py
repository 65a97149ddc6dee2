"""Where scan units run: the boundary between a scan and this machine, Ray or Dask.

Must not know what a task does, nor import an engine's package before that engine is asked for.
"""

from __future__ import annotations

from importlib.util import find_spec

from pytest_pretok.engines.base import Engine, EngineError, Lost, auto_workers

__all__ = [
    "ENGINES",
    "Engine",
    "EngineError",
    "Lost",
    "auto_workers",
    "make_engine",
    "missing_package",
]

ENGINES = ("local", "processes", "ray", "dask")
PACKAGES = {"ray": "ray", "dask": "distributed"}  # engine -> what it imports


def make_engine(name: str, workers: int | None = None) -> Engine:
    """Start an engine: ``local``, ``processes``, ``ray`` or ``dask``.

    ``workers`` is how many units may run at a time; None means all processors: of this machine
    (shared among pytest-xdist's workers), or of the cluster that an address leads to.

    Raises:
        EngineError: there is no such engine; or its cluster cannot be reached or started, or does
            not have this package.
    """
    if name not in ENGINES:
        raise EngineError(f"there is no engine {name!r}; there are: {', '.join(ENGINES)}")
    if name == "ray":
        from pytest_pretok.engines.ray import RayTasks

        return RayTasks(workers)
    if name == "dask":
        from pytest_pretok.engines.dask import DaskTasks

        return DaskTasks(workers)
    if name == "processes":
        from pytest_pretok.engines.processes import Processes

        return Processes(workers or auto_workers())
    from pytest_pretok.engines.local import Local

    return Local(workers or auto_workers())


def missing_package(name: str) -> str | None:
    """How to install what an engine needs, or None if it is there."""
    package = PACKAGES.get(name)
    if package is None:
        return None
    found = find_spec(package)
    if found is not None and found.origin is not None:  # without an origin it is a mere folder
        return None
    return f"the package {package} is not installed; pip install 'pytest-pretok[{name}]'"
