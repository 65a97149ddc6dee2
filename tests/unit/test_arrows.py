"""The arrows between modules run one way; read from the sources, nothing is imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"pytest_pretok": ROOT, "pretok_schemas": ROOT / "schemas"}


def module_name(path: Path, home: Path) -> str:
    """The dotted name of a source file."""
    parts = path.relative_to(home).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path, home): path
    for package, home in PACKAGES.items()
    for path in sorted((home / package).rglob("*.py"))
}
OURS = tuple(name for name in MODULES if name.startswith("pytest_pretok"))
SCHEMAS = tuple(name for name in MODULES if name.startswith("pretok_schemas"))


def for_types_only(node: ast.AST) -> bool:
    """Whether a statement is ``if TYPE_CHECKING:``, which no run takes."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def statements(tree: ast.AST, lazy: bool) -> Iterator[ast.AST]:
    """The nodes that are run: at import, and with ``lazy`` inside functions too."""
    for node in ast.iter_child_nodes(tree):
        if for_types_only(node):
            continue
        yield node
        if lazy or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from statements(node, lazy)


def imports(name: str, lazy: bool = True) -> set[str]:
    """The modules that a module imports by name; ours as the module that is meant."""
    found = set()
    for node in statements(ast.parse(MODULES[name].read_text(encoding="utf-8")), lazy):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports by dots"
            base = node.module or ""
            inner = {f"{base}.{alias.name}" for alias in node.names}
            found |= {one if one in MODULES else base for one in inner}
    return found


def under(names: set[str], *packages: str) -> set[str]:
    """Those of the names that are one of the packages or lie inside it."""
    return {
        name
        for name in names
        if any(name == package or name.startswith(f"{package}.") for package in packages)
    }


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_stand_alone(name: str) -> None:
    """The contracts import numpy, pyarrow and the standard library, nothing of pytest or ours."""
    foreign = {one.split(".")[0] for one in imports(name)}

    assert not foreign & {"pytest", "_pytest", "pytest_pretok", "pandas", "datasets", "pydantic"}


@pytest.mark.parametrize("name", OURS)
def test_private_parts_of_pytest(name: str) -> None:
    """Only longrepr imports _pytest."""
    assert not under(imports(name), "_pytest") or name == "pytest_pretok.longrepr"


def names_in(*packages: str) -> list[str]:
    """The modules of some packages, as the test ids."""
    return sorted(under(set(OURS), *(f"pytest_pretok.{package}" for package in packages)))


READING = ("readers", "engines")
STORES = "pytest_pretok.stores"
PLANNING = ("plan", "planning", "arguments")
UPPER = ("plugin", "session", "nodes", *PLANNING, "checks", "report", "baseline", "progress")
DECLARING = (
    *("settings", "declared", "declaration"),
    *("discovery", "trainer_configs"),
)


@pytest.mark.parametrize("name", names_in(*READING))
def test_readers_and_engines_are_the_bottom(name: str) -> None:
    """Readers and engines know no rule, no plan and no pytest; of the contracts, readers use the
    modules about Arrow types, cells and tables alone. Readers have files opened by the stores.
    Engines ask the package for its version.
    """
    room = ".".join(name.split(".")[:2])
    used = under(imports(name), "pytest", "pytest_pretok", "pretok_schemas")

    shared = {f"pretok_schemas.{one}" for one in ("arrow", "cells", "cuts", "tables")}

    below = {STORES} if room == "pytest_pretok.readers" else set()

    assert used - under(used, room) <= {
        *shared,
        *below,
        "pytest_pretok",
        "pytest_pretok.abandon",
    }


@pytest.mark.parametrize("name", names_in("stores"))
def test_stores_are_below_all(name: str) -> None:
    """Stores know bytes: nothing of ours but themselves, and no container."""
    used = under(imports(name), "pytest", "pytest_pretok", "pretok_schemas", "pyarrow.parquet")

    assert used == under(used, STORES)


def test_one_module_knows_fsspec() -> None:
    """Only one knows fsspec, one the Hub's cache; nobody imports them before a URL is opened."""
    afar = ("fsspec", "s3fs", "gcsfs", "adlfs", "aiohttp", "huggingface_hub", "boto3", "botocore")
    knowing = {name for name in OURS if under(imports(name), *afar)}

    assert knowing == {f"{STORES}.fsspec_store", f"{STORES}.snapshot"}
    assert not {name for name in MODULES if under(imports(name, lazy=False), *afar)}
    lines = {name: imports(name, lazy=False) for name in OURS}
    assert not {name for name in OURS if under(lines[name], *knowing)}


@pytest.mark.parametrize("name", names_in("scan"))
def test_scan_reads_and_judges(name: str) -> None:
    """The scan stands on readers, stores, engines and the contracts, and knows nothing else."""
    used = under(imports(name), "pytest", "pytest_pretok")
    below = ("pytest_pretok.readers", "pytest_pretok.engines", "pytest_pretok.scan", STORES)

    assert used - under(used, *below) <= {"pytest_pretok.abandon"}


def test_tasks_know_no_engine() -> None:
    """What is done with a unit does not depend on where it is done."""
    used = under(imports("pytest_pretok.scan.tasks"), "pytest", "pytest_pretok")

    assert used - under(used, "pytest_pretok.readers", STORES) == {
        "pytest_pretok.abandon",
        "pytest_pretok.scan.watch",
    }


@pytest.mark.parametrize("name", OURS)
def test_engines_are_imported_when_asked_for(name: str) -> None:
    """Ray and Dask are extras: nobody imports them before an engine of theirs is made."""
    assert not under(imports(name, lazy=False), "ray", "dask", "distributed")


def test_progress_is_shown_without_pytest() -> None:
    """What shows a scan knows the scan alone: another command can show it just as well."""
    used = under(imports("pytest_pretok.progress"), "pytest", "pytest_pretok", "pretok_schemas")

    assert used == {"pytest_pretok.scan"}


@pytest.mark.parametrize("name", names_in(*DECLARING))
def test_declarations_scan_nothing(name: str) -> None:
    """What is declared and found is known without scanning or judging anything."""
    above = tuple(f"pytest_pretok.{upper}" for upper in (*UPPER, "scan", "engines"))

    assert not under(imports(name), "pytest", "pretok_schemas.judge", *above)


@pytest.mark.parametrize("name", names_in(*UPPER))
def test_files_are_read_by_the_scan_alone(name: str) -> None:
    """Whoever shows or selects does not read data, save for the headers that planning looks at."""
    used = under(imports(name), "pytest_pretok.readers")

    assert not used or under({name}, *(f"pytest_pretok.{one}" for one in PLANNING))


COMMANDS = ("inspect", "samples", "starting")  # the rooms that do the commands' work


@pytest.mark.parametrize("name", names_in(*COMMANDS))
def test_the_commands_rooms_print_nothing(name: str) -> None:
    """What commands do can be done without them: it knows no click, no pytest and no session."""
    above = ("plugin", "session", "nodes", "longrepr", "arguments", "baseline", "cli", "progress")

    assert not under(imports(name), "click", "pytest", *(f"pytest_pretok.{one}" for one in above))


def test_samples_and_first_declarations_are_apart() -> None:
    """Both look through `inspect`, which knows neither; nor does one know the other."""
    for name in names_in(*COMMANDS):
        room = name.split(".")[1]
        apart = [one for one in COMMANDS[1:] if one != room]
        assert not under(imports(name), *(f"pytest_pretok.{one}" for one in apart)), name


@pytest.mark.parametrize("name", names_in("inspect", "samples", "starting"))
def test_verdicts_are_for_the_scan(name: str) -> None:
    """Looking, cutting and declaring judge no split: no scan is made, and no checks."""
    assert not under(imports(name), "pytest_pretok.scan", "pytest_pretok.checks")


@pytest.mark.parametrize(
    "name",
    [
        "pytest_pretok.inspect.show_text",
        "pytest_pretok.inspect.stats_text",
        "pytest_pretok.starting.toml_text",
        "pytest_pretok.starting.contracts",
    ],
)
def test_texts_of_commands_are_plain(name: str) -> None:
    """Texts are made of plain values; nothing that reads or holds data is at hand."""
    handled = ("pyarrow", "numpy", "pytest_pretok.readers", "pytest_pretok.planning")

    assert not under(imports(name), *handled)


def test_nobody_needs_the_commands() -> None:
    """The command line is the top: only it knows click, and nothing but itself knows it."""
    inside = set(names_in("cli"))
    room = set(names_in("cli", *COMMANDS))

    assert {name for name in MODULES if under(imports(name), "click")} <= inside
    assert {
        name
        for name in MODULES
        if under(imports(name), *(f"pytest_pretok.{one}" for one in ("cli", *COMMANDS)))
    } <= {*room, "pytest_pretok.__main__"}


SHIELDED = "pytest_pretok.cli.shielded"  # runs pytest for `pretok check`, which imports it then


def test_strategies_are_for_tests_of_others() -> None:
    """One module knows Hypothesis, and nobody needs the strategies; they read and scan nothing."""
    drawing = "pytest_pretok.strategies.drawing"
    room = names_in("strategies")

    assert {name for name in MODULES if under(imports(name), "hypothesis")} == {drawing}
    assert {name for name in MODULES if under(imports(name), "pytest_pretok.strategies")} <= set(
        room
    )
    assert drawing in imports("pytest_pretok.strategies")
    for name in room:
        used = under(imports(name), "pytest", "pytest_pretok")
        assert used == under(used, "pytest_pretok.strategies"), name


@pytest.mark.parametrize("name", sorted(set(names_in("cli")) - {SHIELDED}))
def test_commands_import_late(name: str) -> None:
    """A command's module loads nothing heavy before the command is called."""
    heavy = ("numpy", "pyarrow", "pydantic", "pytest", "datasets")
    ours = ("readers", "scan", "checks", "planning", "cli.shielded", *COMMANDS)

    assert not under(imports(name, lazy=False), *heavy, *(f"pytest_pretok.{one}" for one in ours))


@pytest.mark.parametrize("name", ["pretok_schemas.rendering", "pretok_schemas.text"])
def test_text_is_plain(name: str) -> None:
    """Failure texts are made of findings, with no Arrow, numpy or files at hand."""
    handled = ("pyarrow", "numpy", "pytest", "pytest_pretok.readers", "pytest_pretok.scan")

    assert not under(imports(name), *handled)


@pytest.mark.parametrize("name", ["pytest_pretok", "pytest_pretok.plugin"])
def test_the_entry_point_is_light(name: str) -> None:
    """What every pytest run loads imports nothing heavy, not even by way of our other modules."""
    seen, left = set(), {name, "pytest_pretok"}
    while left:
        one = left.pop()
        seen.add(one)
        left |= (imports(one, lazy=False) & set(MODULES)) - seen
    loaded = set().union(*(imports(one, lazy=False) for one in seen))

    assert not under(loaded, "pyarrow", "numpy", "pydantic", "pretok_schemas", "datasets")


def test_pydantic_reads_declarations_alone() -> None:
    """One module knows pydantic, and only those that need declared tables import that module."""
    tables = "pytest_pretok.declaration.tables"

    assert [name for name in MODULES if under(imports(name), "pydantic")] == [tables]
    assert {name for name in MODULES if tables in imports(name)} == {
        "pytest_pretok.declaration.own_code",
        "pytest_pretok.declaration.reader",
        "pytest_pretok.json_schema",
    }


@pytest.mark.parametrize("lazy", [False, True])
def test_no_circles(lazy: bool) -> None:
    """No module comes back to itself by its imports, not even by those inside functions."""
    lines = {name: imports(name, lazy) & set(MODULES) - {name} for name in MODULES}
    while ends := {name for name, used in lines.items() if not used}:
        lines = {name: used - ends for name, used in lines.items() if name not in ends}

    assert lines == {}


@pytest.mark.parametrize("name", MODULES)
def test_modules_say_what_they_hold(name: str) -> None:
    """Every module has a docstring of at least one full sentence, and defers annotations."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    docstring = ast.get_docstring(tree) or ""

    assert re.search(r"\.(\s|$)", docstring)
    assert len(tree.body) == 1 or "__future__" in imports(name)
