"""Runs of pytest on Ray and Dask: the same report as on threads, clear errors, clean ends."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import pytest_pretok.engines
import pytest_pretok.engines.dask
import pytest_pretok.engines.ray
from pytest_pretok.engines import EngineError, make_engine
from pytest_pretok.engines.remote import call, check_versions, opened, packed
from tests.engines.conftest import CLUSTERS, Cluster
from tests.plugin.conftest import Ran, Run
from tests.plugin.data import clean_rows, declare, faulty_rows, write
from tests.support import rows as spread
from tests.support.containers import table
from tests.support.corruptions import CORRUPTIONS

At = Callable[[Cluster], None]
VARIABLES = {"ray": "RAY_ADDRESS", "dask": "DASK_SCHEDULER_ADDRESS"}


@pytest.fixture
def faulty(here: Path) -> Path:
    """Shards, splits and containers with a pile of faults: in many rules, across splits, in files
    that break off, and against norms.
    """
    rng = random.Random(5)
    rows = spread.clean_rows(150, rng)
    names = [
        name
        for name, one in CORRUPTIONS.items()
        if one.known == "all" and not one.once and not one.json_only
    ]
    for number, name in zip(range(0, 150, 2), names, strict=False):
        rows[number] = CORRUPTIONS[name].change(rows[number], rng)
    for number in (31, 77, 121):
        rows[number] = {**rows[number], "labels": list(rows[number]["input_ids"])}
    for number, part in enumerate((rows[:50], rows[50:90], rows[90:])):
        (here / "data").mkdir(exist_ok=True)
        path = here / f"data/train-{number:05}-of-00003.parquet"
        pq.write_table(table(part), path, row_group_size=9)
    write(here / "data/validation.jsonl", [rows[3], rows[99], *spread.clean_rows(20, rng)])
    write(here / "other/a.arrow", clean_rows(30))
    whole = write(here / "torn/b.parquet", faulty_rows(40)).read_bytes()
    (here / "torn/b.parquet").write_bytes(whole[: len(whole) // 2])
    middle = bytearray(write(here / "torn/c.parquet", clean_rows(40)).read_bytes())
    middle[200:900] = bytes(700)
    (here / "torn/c.parquet").write_bytes(middle)
    declare(
        here,
        """
        [tool.pretok]
        vocab-size = 1000
        bos-token-id = 1
        eos-token-ids = [2]
        pad-token-id = 0
        sequence-len = 64
        [tool.pretok.datasets.sft]
        path = "data"
        [tool.pretok.datasets.torn]
        path = "torn/c.parquet"
        """,
    )
    return here


@pytest.mark.usefixtures("faulty")
def test_reports_are_the_same(run: Run, tmp_path: Path, cluster: Cluster, at: At) -> None:
    """Report, violations and text of a run on a cluster are those of a run on threads."""
    at(cluster)
    ran = {
        name: run(
            "--pretok-data=.",
            f"--pretok-engine={name}",
            f"--pretok-report={tmp_path}/{name}.json",
            f"--pretok-violations={tmp_path}/{name}.parquet",
            "--tb=short",
            "-Werror",
            "-Wdefault::pytest_pretok.PretokWarning",
            subprocess=True,
        )
        for name in ("local", cluster.name)
    }
    expected = (tmp_path / "local.json").read_text(encoding="utf-8")

    assert [one.code for one in ran.values()] == [1, 1]
    assert (tmp_path / f"{cluster.name}.json").read_text(encoding="utf-8") == expected
    tables = [pq.read_table(tmp_path / f"{name}.parquet") for name in ran]
    assert tables[0].num_rows > 50
    assert tables[0].equals(tables[1])
    assert body(ran["local"]) == body(ran[cluster.name])
    violated = {
        rule["rule"]
        for dataset in json.loads(expected)["datasets"]
        for rule in [*dataset["rules"], *(r for s in dataset["splits"] for r in s["rules"])]
        if rule["violations"]
    }
    assert len(violated) > 15
    assert {"split-overlap", "mixed-masking", "unreadable-file"} <= violated


def body(ran: Ran) -> list[str]:
    """The lines of a run, without the time that it took."""
    return [line for line in ran.lines if " in " not in line or not line.endswith("=")]


@pytest.mark.parametrize("name", CLUSTERS)
def test_a_cluster_of_its_own(
    run: Run, here: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an address a cluster is started for the run, and ends with it."""
    monkeypatch.delenv(VARIABLES[name], raising=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("PRETOK_TEST_MARK", str(here))
    write(here / "a.parquet", faulty_rows())
    ran = run(
        "--pretok-data=a.parquet",
        f"--pretok-engine={name}",
        "--pretok-workers=1",
        "-Werror",
        "-s",
        subprocess=True,
    )

    assert ran.code == 1
    assert ran.outcomes["failed"] == 1
    assert "warning" not in ran.text.lower().replace("pretokwarning", "")
    assert not ran.lines[0].startswith("20")  # no log of the engine's
    assert gone(f"PRETOK_TEST_MARK={here}")


def gone(mark: str) -> bool:
    """Whether no process is left that inherited a mark, some seconds from now at the latest."""
    for _ in range(100):
        if not any(marked(path, mark) for path in Path("/proc").glob("[0-9]*/environ")):
            return True
        time.sleep(0.1)
    return False


def marked(environ: Path, mark: str) -> bool:
    """Whether another process's environment has a variable."""
    try:
        content = environ.read_bytes()
    except OSError:
        return False
    return environ.parent.name != str(os.getpid()) and mark.encode() in content.split(b"\0")


Patched = Callable[[str, str], None]


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> Patched:
    """Set an address for this process, and wait for it a second instead of ten."""

    def set_it(name: str, address: str) -> None:
        monkeypatch.setenv(VARIABLES[name], address)
        monkeypatch.setattr(pytest_pretok.engines.dask, "REACH", 1)
        if name == "dask":
            import dask

            monkeypatch.setitem(dask.config.config, "scheduler-address", address)

    return set_it


@pytest.mark.parametrize(
    ("name", "address"),
    [("ray", "127.0.0.1:9"), ("ray", "no-port.invalid"), ("dask", "tcp://127.0.0.1:9")],
)
def test_an_address_without_a_cluster(
    run: Run, here: Path, name: str, address: str, patched: Patched
) -> None:
    """One clear failure, and the session stops: no pass, no wait, no traceback."""
    patched(name, address)
    write(here / "a.parquet", clean_rows())
    write(here / "b.parquet", clean_rows(seed=2))
    ran = run(
        "--pretok-data=.",
        f"--pretok-engine={name}",
        "--pretok-report=r.json",
        subprocess=name == "ray",  # a session that has connected already would stay where it is
    )

    assert ran.code == 1
    assert ran.outcomes == {"failed": 1}
    assert f"--pretok-engine={name}: no " in ran.text
    assert address in ran.text
    assert VARIABLES[name] in ran.text
    assert "Traceback" not in ran.text
    report = json.loads((here / "r.json").read_text(encoding="utf-8"))
    assert (report["ok"], report["complete"]) == (False, False)


@pytest.mark.parametrize("name", CLUSTERS)
def test_a_missing_package(
    run: Run, here: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not installed is a usage error, before anything is collected."""
    write(here / "a.parquet", clean_rows())
    monkeypatch.setattr(pytest_pretok.engines, "find_spec", lambda _: None)
    ran = run("--pretok-data=.", f"--pretok-engine={name}")

    assert ran.code == 4
    assert f"pip install 'pytest-pretok[{name}]'" in ran.text
    assert "collected" not in ran.text


def test_an_unknown_engine(run: Run, here: Path) -> None:
    """There are three."""
    write(here / "a.parquet", clean_rows())
    ran = run("--pretok-data=.", "--pretok-engine=spark")

    assert ran.code == 4
    assert "spark" in ran.text


def test_nobody_to_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler without workers is waited for, but not for ever."""
    import dask
    import distributed

    monkeypatch.setattr(pytest_pretok.engines.dask, "PATIENCE", 0.2)
    monkeypatch.setattr(pytest_pretok.engines.dask, "POLL", 0.1)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=60) as empty,
        dask.config.set({"scheduler-address": empty.scheduler_address}),
        pytest.raises(EngineError, match="no worker for"),
    ):
        make_engine("dask")


NOBODY = """
import ray
import pytest_pretok.engines.ray as engine
from pytest_pretok.engines import EngineError, make_engine

store = 100 * 2**20
ray.init(num_cpus=0, include_dashboard=False, log_to_driver=False, object_store_memory=store)
engine.PATIENCE = 0.2
try:
    make_engine("ray")
except EngineError as error:
    print(error)
"""


def test_no_processor_to_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray without a node that can work is waited for, but not for ever."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    done = subprocess.run(
        [sys.executable, "-c", NOBODY], capture_output=True, text=True, check=True, timeout=300
    )

    assert "--pretok-engine=ray: the cluster has had no processor for" in done.stdout


def test_another_version_on_a_worker(tmp_path: Path) -> None:
    """A real worker that has another version is named, with both versions."""
    import dask
    import distributed

    (tmp_path / "pytest_pretok").mkdir()
    (tmp_path / "pytest_pretok/__init__.py").write_text('__version__ = "0.0.1"\n')
    command = [sys.executable, "-m", "distributed.cli.dask_worker", "--no-nanny", "--no-dashboard"]
    with distributed.LocalCluster(
        n_workers=0, dashboard_address=":0", silence_logs=60
    ) as scheduler:
        worker = subprocess.Popen(
            [*command, "--nthreads=1", scheduler.scheduler_address],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with (
                dask.config.set({"scheduler-address": scheduler.scheduler_address}),
                pytest.raises(EngineError, match=r"every worker needs .*\n.* has version 0\.0\.1"),
            ):
                make_engine("dask")
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()


def test_versions() -> None:
    """A worker that joins later is asked with every unit; one without the package is named."""
    with pytest.raises(EngineError, match=r"has pytest-pretok .*, this process has"):
        opened(call("0.0.1", packed(len), packed("x")))
    with pytest.raises(EngineError, match=r"10\.0\.0\.7: ModuleNotFoundError: No module named"):
        check_versions("ray", {"10.0.0.7": ModuleNotFoundError("No module named 'pytest_pretok'")})


LOSING = """
import pytest_pretok.checks as checks
from functools import partial
from pytest_pretok.engines.threads import Threads
from tests.support.sabotage import Gone, Sabotaged

checks.make_engine = lambda name, workers: Sabotaged(Threads(1), [{at!r}], partial(Gone, unit=0))
"""


@pytest.fixture
def losing(here: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have inner runs lose the first unit of one of the passes; rows stand in two splits."""
    write(here / "data/train.parquet", clean_rows(30))
    write(here / "data/test.parquet", clean_rows(4) + clean_rows(6, seed=3))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))

    def lose(at: str) -> None:
        (here / "conftest.py").write_text(LOSING.format(at=at), encoding="utf-8")

    return lose


def test_a_lost_unit(run: Run, losing: Callable[[str], None]) -> None:
    """The file fails with the reason; no rule of the split passes."""
    losing("first")
    ran = run("--pretok-data=data", "-rA", subprocess=True)

    assert ran.code == 1
    assert ran.outcomes["failed"] == 2  # train and test
    assert "passed" not in ran.outcomes
    assert "lost on the cluster: row groups 0 to 9: it was given up" in ran.text
    assert "nothing is known of these files" in ran.text
    assert "Traceback" not in ran.text


def test_a_lost_unit_on_workers(run: Run, losing: Callable[[str], None]) -> None:
    """Where another process may have read the file, no rule relies on its finding."""
    losing("first")
    ran = run("--pretok-data=data", "-n2", "--pretok-report=r.json")

    assert ran.code == 1
    assert set(ran.outcomes) == {"failed"}


REFUSING = """
from pathlib import Path

import pytest_pretok.checks as checks
from pytest_pretok.engines import EngineError


def make_engine(name, workers):
    with Path("asked").open("a") as file:
        file.write(".")
    raise EngineError("no cluster\\nthere never was one")


checks.make_engine = make_engine
"""


def test_no_engine_on_workers(run: Run, here: Path) -> None:
    """Where a process cannot stop the others, all items fail; the engine is asked for once."""
    write(here / "data/a.parquet", clean_rows())
    write(here / "data/b.parquet", clean_rows(seed=2))
    (here / "conftest.py").write_text(REFUSING, encoding="utf-8")
    ran = run("--pretok-data=data", "-n1", "-k", "no-rows or too-long or null-row", "-rf")

    assert ran.code == 1
    assert ran.outcomes == {"failed": 4}
    assert ran.text.count("no cluster\nthere never was one") == 4
    assert (here / "asked").read_text(encoding="utf-8") == "."


def test_rows_lost_in_comparing_splits(run: Run, here: Path, losing: Callable[[str], None]) -> None:
    """The rule that compares splits fails by itself: the files were read, and passed."""
    losing("compare")
    words = ("-k", "split-overlap or unreadable", "--pretok-report=r.json")
    ran = run("--pretok-data=data", *words, subprocess=True)  # what is patched must not stay so

    assert ran.code == 1
    assert "data/train.parquet: lost on the cluster: row groups" in ran.text
    assert not json.loads((here / "r.json").read_text(encoding="utf-8"))["ok"]
