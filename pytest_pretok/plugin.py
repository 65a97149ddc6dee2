"""The pytest entry point: options, and the decision whether this run checks data at all.

Every pytest run of an environment with the plugin imports this module: nothing heavy, and nothing
of the project, is imported before there is data to check.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_pretok.plan import Plan
    from pytest_pretok.planning import Request
    from pytest_pretok.testing import Pretok

FLAG = "--pretok-data"
_URL = re.compile(r"(\.\./)*[a-z0-9]+:/")  # as typed, or as pytest shows it in an id


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Hooks of our own, for people's conftest.py and plugins."""
    from pytest_pretok import hooks  # lazy: plugins alone read this module

    pluginmanager.add_hookspecs(hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's options."""
    group = parser.getgroup("pretok", "pre-tokenised datasets (pytest-pretok)")
    group.addoption(
        FLAG,
        action="append",
        default=[],
        metavar="PATH",
        dest="pretok_data",
        help="check what lies under PATH: declared datasets with their settings, other "
        "pre-tokenised files with the default contract. A file, a folder, a glob, a URL, or a "
        "trainer's YAML; repeatable",
    )
    group.addoption(
        "--pretok-contract",
        metavar="NAME",
        dest="pretok_contract",
        help="contract for datasets that declare none (default: axolotl)",
    )
    group.addoption(
        "--pretok-report",
        action="append",
        default=[],
        metavar="FILE",
        dest="pretok_report",
        help="write a report, in the format of FILE's suffix: .html, .json, .md or .sarif; "
        "repeatable",
    )
    group.addoption(
        "--pretok-annotations",
        choices=["github"],
        dest="pretok_annotations",
        help="print findings as annotations of a CI service (github: at most 10 errors and 10 "
        "warnings, what it shows a step)",
    )
    group.addoption(
        "--pretok-violations",
        metavar="FILE",
        dest="pretok_violations",
        help="write every violation as a row of FILE, a .parquet file",
    )
    group.addoption(
        "--pretok-update-baseline",
        action="store_true",
        dest="pretok_update_baseline",
        help="take down what is found as known, in the baseline file that the declaration names",
    )
    group.addoption(
        "--pretok-engine",
        choices=["local", "processes", "ray", "dask"],
        default="local",
        dest="pretok_engine",
        help="where scans run: on threads of this machine (local), in processes of it, so that a "
        "decoder that crashes over a damaged file costs that file alone (processes), or on the "
        "cluster that RAY_ADDRESS or DASK_SCHEDULER_ADDRESS leads to; without an address one is "
        "started here (default: %(default)s)",
    )
    group.addoption(
        "--pretok-workers",
        type=_workers,
        metavar="N",
        dest="pretok_workers",
        help="threads or processes a scan may use, or tasks under way on a cluster (default: auto, "
        "all processors, shared among xdist workers)",
    )
    group.addoption(
        "--pretok-examples",
        type=_positive,
        default=3,
        metavar="N",
        dest="pretok_examples",
        help="examples a finding shows (default: %(default)s)",
    )


@pytest.fixture(scope="session")
def pretok(pytestconfig: pytest.Config) -> Pretok:
    """Check datasets in tests of your own: ``pretok.assert_valid(table, "axolotl")``."""
    from pytest_pretok.testing import Pretok  # lazy: start cost

    return Pretok(pytestconfig.rootpath, lambda: _plugins(pytestconfig))


def _workers(text: str) -> int | None:
    return None if text == "auto" else _positive(text)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Plan once, before collection; without anything to check, do nothing."""
    config.addinivalue_line("markers", "pretok: a rule of pytest-pretok on a dataset")
    handed = getattr(config, "workerinput", {}).get("pretok_plan")
    if handed is None and not config.getoption("pretok_data") and not _names_data(config):
        return
    _check_outputs(config)
    _check_engine(config)
    with _without_collections():
        _plan_and_start(config, handed)


@contextmanager
def _without_collections() -> Iterator[None]:
    """No collection of garbage while modules are loaded: they grow the heap, and leave none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _plan_and_start(config: pytest.Config, handed: str | None) -> None:
    from pytest_pretok.plan import Plan  # lazy: start cost

    if config.getoption("pretok_engine") == "processes":
        from pytest_pretok.apart import look_apart  # lazy: start cost

        config.add_cleanup(look_apart())
    request = _request(config)
    plan = _make(request) if handed is None else Plan.from_dict(json.loads(handed))
    if plan.datasets:
        if request.update_baseline and not plan.baselines:
            why = "no dataset of this run declares a baseline"
            what = 'add baseline = "pretok-baseline.json" to [tool.pretok]'
            raise pytest.UsageError(f"--pretok-update-baseline: {why}; {what}")
        _start(config, plan, request)


def _names_data(config: pytest.Config) -> bool:
    """Whether an argument may name a declaration or a data file, judged by its spelling."""
    named = [argument for argument in config.args if not _is_test_argument(argument)]
    if not named:
        return False
    from pytest_pretok.planning import split_argument  # lazy: start cost

    cwd = config.invocation_params.dir
    return any(split_argument(argument, cwd)[0] is not None for argument in named)


def _is_test_argument(argument: str) -> bool:
    base = argument.split("::")[0]
    if _URL.match(base):
        return False
    return base.endswith((".py", os.sep, "/")) or os.path.isdir(base)  # noqa: PTH112 (never raises)


def _check_outputs(config: pytest.Config) -> None:
    reports = config.getoption("pretok_report")
    if reports:
        from pytest_pretok.report.formats import fault_of  # lazy: start cost

        for name in reports:
            fault = fault_of(name) or _folder_fault(config, name)
            if fault is not None:
                raise pytest.UsageError(f"--pretok-report={name}: {fault}")
    violations = config.getoption("pretok_violations")
    if violations is not None:
        ends = violations.endswith(".parquet")
        fault = _folder_fault(config, violations) if ends else "the file must end in .parquet"
        if fault is not None:
            raise pytest.UsageError(f"--pretok-violations={violations}: {fault}")


def _folder_fault(config: pytest.Config, name: str) -> str | None:
    """Why nothing can be written under a name, known before a scan of hours."""
    path = os.path.join(config.invocation_params.dir, name)  # noqa: PTH118 (never raises)
    return "this is a folder" if os.path.isdir(path) else None  # noqa: PTH112


def _check_engine(config: pytest.Config) -> None:
    from pytest_pretok.engines import missing_package  # lazy: start cost

    engine = config.getoption("pretok_engine")
    missing = missing_package(engine)
    if missing is not None:
        raise pytest.UsageError(f"--pretok-engine={engine}: {missing}")


def _request(config: pytest.Config) -> Request:
    from pytest_pretok.arguments import keeps_arguments  # lazy: start cost
    from pytest_pretok.planning import Request

    cwd = config.invocation_params.dir
    paths = tuple(config.getoption("pretok_data"))
    # `testpaths` may hold a declaration; the flag stands instead of them.
    given = config.args if keeps_arguments(config, bool(paths)) else []
    ignored = [Path(os.path.normpath(cwd / path)) for path in config.getoption("ignore") or ()]
    return Request(
        root=config.rootpath,
        cwd=cwd,
        paths=paths,
        named=tuple(a for a in given if not _is_test_argument(a)),
        contract=config.getoption("pretok_contract"),
        ignored=tuple(ignored),
        ignored_globs=tuple(config.getoption("ignore_glob") or ()),
        update_baseline=config.getoption("pretok_update_baseline"),
        plugins=_plugins(config),
    )


def _plugins(config: pytest.Config) -> tuple[str, ...]:
    """References to the rules of installed packages, and of ``pytest_pretok_rules``."""
    from pytest_pretok.imports import ImportFault, installed_rules, reference_of  # lazy: start cost

    given = [rule for rules in config.hook.pytest_pretok_rules(config=config) for rule in rules]
    try:
        return (*installed_rules(), *map(reference_of, dict.fromkeys(given)))
    except ImportFault as error:
        raise pytest.UsageError(f"pytest_pretok_rules: {error}") from None


def _make(request: Request) -> Plan:
    from pretok_schemas.trainers import names  # lazy: start cost
    from pytest_pretok.faults import DeclarationError
    from pytest_pretok.planning import PlanError, make_plan

    if request.contract is not None and request.contract not in names():
        known = ", ".join(names())
        raise pytest.UsageError(f"--pretok-contract={request.contract}: known are {known}")
    try:
        return make_plan(request)
    except PlanError as error:
        raise pytest.UsageError(str(error)) from None
    except DeclarationError as error:
        # Later, pytest-xdist would turn this into another exit code.
        pytest.exit(str(error), returncode=2)


def _start(config: pytest.Config, plan: Plan, request: Request) -> None:
    from pytest_pretok.arguments import rewrite_arguments  # lazy: start cost
    from pytest_pretok.session import DataSession

    arguments = rewrite_arguments(config, plan, request)
    config.args[:] = arguments.arguments
    config.args_source = config.ArgsSource.ARGS
    data = DataSession(config, plan, arguments.positional, arguments.asked, arguments.odd_files)
    config.pluginmanager.register(data, "pretok-data")
    if not arguments.positional:
        _keep_what_is_loaded(config)
    filters = [*config.getini("filterwarnings"), *(config.getoption("pythonwarnings") or ())]
    if not any("PretokWarning" in line for line in filters):
        # A repository's `filterwarnings = error` is about its code, not about its data.
        config.addinivalue_line("filterwarnings", "default::pytest_pretok.PretokWarning")


def _keep_what_is_loaded(config: pytest.Config) -> None:
    """Where data alone is checked, take what is loaded out of all collections of garbage.

    It stays to the end, yet pytest's two collections and the interpreter's last one would walk
    through all of it. A process that goes on after the run has its heap back as it was.
    """
    gc.freeze()
    config.add_cleanup(gc.unfreeze)
    atexit.unregister(gc.freeze)  # of an earlier run in this process
    atexit.register(gc.freeze)
