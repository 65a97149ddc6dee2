"""One Ray cluster and one Dask cluster of two processes each, for all tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dask
import distributed
import pytest
import ray

import pytest_pretok.engines.ray
from pytest_pretok.engines import Engine, make_engine
from pytest_pretok.engines.processes import Processes
from tests.plugin.conftest import here, run  # noqa: F401 (fixtures)

ROOT = str(Path(__file__).parents[2])
CLUSTERS = ("ray", "dask")
DEATHS = 2  # after which a unit is given up: four take long


@dataclass(frozen=True)
class Cluster:
    """A running cluster: its engine's name, and where runs in other processes find it."""

    name: str
    variable: str
    address: str


@pytest.fixture(scope="package")
def ray_cluster() -> Iterator[Cluster]:
    """Ray, connected to by this process."""
    with pytest.MonkeyPatch.context() as patch:
        # Inner runs have another home, where Ray would look for another token.
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", ROOT)
        context = ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            object_store_memory=100 * 2**20,
        )
        yield Cluster("ray", "RAY_ADDRESS", context.address_info["gcs_address"])
        ray.shutdown()


@pytest.fixture(scope="package")
def dask_cluster() -> Iterator[Cluster]:
    """Dask, with its address in the settings of this process."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": DEATHS - 1}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=60
        ) as cluster,
        dask.config.set({"scheduler-address": cluster.scheduler_address}),
    ):
        yield Cluster("dask", "DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)


@pytest.fixture(scope="package", params=CLUSTERS)
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """Each of the two."""
    found: Cluster = request.getfixturevalue(f"{request.param}_cluster")
    return found


@pytest.fixture(scope="package", params=[*CLUSTERS, "processes"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """The engine of a running cluster, or processes of our own."""
    if request.param == "processes":
        made: Engine = Processes(2)
    else:
        cluster: Cluster = request.getfixturevalue(f"{request.param}_cluster")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pytest_pretok.engines.ray, "RETRIES", DEATHS - 1)
            made = make_engine(cluster.name)
    yield made
    made.close()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Cluster], None]:
    """Have inner runs find a cluster."""

    def set_it(cluster: Cluster) -> None:
        monkeypatch.setenv(cluster.variable, cluster.address)
        monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([ROOT]))

    return set_it
