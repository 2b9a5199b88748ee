"""A stand-in of Cloud Run for all tests, bundles, and a service of its own for each test that asks."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from aiot_anomaly import paths
from aiot_anomaly.bundle import Bundle
from delivery import labels as labelled
from delivery import smoke
from delivery.cloud_run import CloudRun
from delivery.request_metrics import RequestMetrics
from delivery.rollout import Policy, Rollout
from delivery.verdict import Limits
from local.cloud_run import provision, server
from local.cloud_run.provision import PROJECT, REGION
from local.cloud_run.registry import PLACEHOLDER
from local.cloud_run.server import CloudRunServer
from local.cloud_run.variants import variant

#: as in production, only faster
QUICK = Policy(watch_s=2.0, delay_s=0.5, poll_s=0.1, limits=Limits(least_requests=3))


@dataclass(frozen=True)
class Models:
    """Folders with one bundle of the profile `skab` each.

    Attributes:
        first: the committed one.
        better: version `better`, with other scores.
        other: calls itself `better` too, and gives neither's scores.
    """

    first: Path
    better: Path
    other: Path


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    folder = tmp_path_factory.mktemp("bundles")
    source = Path(shutil.copytree(paths.models() / "skab", folder / "first" / "skab"))
    variant(source, folder / "better" / "skab", version="better", threshold_factor=1.1)
    variant(source, folder / "other" / "skab", version="better", threshold_factor=1.3)
    return Models(folder / "first", folder / "better", folder / "other")


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudRunServer]:
    with server.running(tmp_path_factory.mktemp("cloud-run"), sample_s=0.2, delay_s=0.2) as running:
        yield running


@dataclass(frozen=True)
class Api:
    """A service on the stand-in, and what delivery needs to work on it."""

    stand_in: CloudRunServer
    name: str

    @property
    def url(self) -> str:
        return f"{self.stand_in.url}/services/{self.name}"

    @property
    def cloud(self) -> CloudRun:
        return CloudRun(PROJECT, REGION, self.name, endpoint=self.stand_in.endpoint)

    @property
    def metrics(self) -> RequestMetrics:
        return RequestMetrics(PROJECT, REGION, self.name, endpoint=self.stand_in.endpoint)

    @property
    def options(self) -> list[str]:
        """What the command line needs."""
        return ["--project", PROJECT, "--region", REGION, "--service", self.name]

    def rollout(self, bundles: list[Bundle], policy: Policy = QUICK, say: Callable[[str], None] = print) -> Rollout:
        return Rollout(self.cloud, self.metrics, lambda url, _: smoke.run(url, bundles, wait_s=5), policy, say)

    def traffic(self) -> dict[str, int]:
        """Percent by revision, of those that have any."""
        return {t.revision: t.percent for t in self.cloud.read().traffic if t.percent}

    def tags(self) -> set[str]:
        return {t.tag for t in self.cloud.read().traffic if t.tag}


def service(stand_in: CloudRunServer, image: str, labels: dict[str, str]) -> Iterator[Api]:
    """A service as Terraform makes it, deleted in the end."""
    api = Api(stand_in, f"api-{uuid.uuid4().hex[:6]}")
    provision.create(stand_in.endpoint, api.name, image, labels)
    yield api
    provision.delete(stand_in.endpoint, api.name)


@pytest.fixture
def placeholder(stand_in: CloudRunServer) -> Iterator[Api]:
    """A service that Terraform has just made."""
    yield from service(stand_in, stand_in.registry.push(None, PLACEHOLDER), {"team": "water"})


@pytest.fixture
def delivered(stand_in: CloudRunServer, models: Models) -> Iterator[Api]:
    """A service whose only revision was delivered and serves the first bundle."""
    labels = labelled.of(smoke.load(models.first), "a" * 40)
    yield from service(stand_in, stand_in.registry.push(models.first), labels)


@pytest.fixture(scope="session")
def served(stand_in: CloudRunServer, models: Models) -> Iterator[Api]:
    """The same, shared by the tests that change nothing."""
    labels = labelled.of(smoke.load(models.first), "a" * 40)
    yield from service(stand_in, stand_in.registry.push(models.first), labels)


@pytest.fixture
def other(stand_in: CloudRunServer, models: Models) -> Iterator[Api]:
    """A service whose model is not the one that its version names."""
    yield from service(stand_in, stand_in.registry.push(models.other), {})


@pytest.fixture
def deaf() -> Iterator[str]:
    """host:port of a server that knows no method."""
    running = grpc.server(ThreadPoolExecutor(1))
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    yield f"127.0.0.1:{port}"
    running.stop(None)
