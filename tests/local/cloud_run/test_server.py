"""The stand-in as a process: what it forwards, counts, refuses, and leaves behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import httpx
import pytest
from google.api_core.exceptions import MethodNotImplemented, NotFound
from google.cloud import run_v2
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport

from delivery.request_metrics import RequestMetrics
from delivery.verdict import RequestCount
from local.cloud_run import provision, server
from local.cloud_run.provision import PROJECT, REGION
from local.cloud_run.registry import PLACEHOLDER, Registry
from local.cloud_run.server import CloudRunServer
from local.errors import StackError

NAME = f"projects/{PROJECT}/locations/{REGION}/services/api"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud-run")


@pytest.fixture(scope="module")
def cloud(folder) -> Iterator[CloudRunServer]:
    with server.running(folder, sample_s=0.1, delay_s=60.0) as running:
        provision.create(running.endpoint, "api", running.registry.push(None, PLACEHOLDER))
        yield running


@pytest.fixture
def client(cloud) -> run_v2.ServicesClient:
    return run_v2.ServicesClient(transport=ServicesGrpcTransport(channel=grpc.insecure_channel(cloud.endpoint)))


def test_every_method_and_path_reaches_the_revision(cloud):
    for method, path in (("GET", "/"), ("POST", "/a/b?c=d"), ("GET", "/v1/models/leak:predict")):
        response = httpx.request(method, f"{cloud.url}/services/api{path}")
        assert (response.status_code, response.text) == (200, "It's running!")
    assert httpx.delete(f"{cloud.url}/services/api/").status_code == 405, "the revision's own answer"


def test_an_address_that_no_service_has_is_not_found(cloud):
    for path in ("/services/another/", "/services/api/tags/candidate/"):
        assert httpx.get(f"{cloud.url}{path}").status_code == 404


def test_counts_are_not_read_sooner_than_the_delay(cloud, client):
    for _ in range(3):
        httpx.get(f"{cloud.url}/services/api/")
        time.sleep(0.1)
    metrics = RequestMetrics(PROJECT, REGION, "api", endpoint=cloud.endpoint)
    revision = client.get_service(name=NAME).latest_ready_revision.rpartition("/")[2]
    assert metrics.count(revision, datetime.now(UTC) - timedelta(hours=1)) == RequestCount()


def test_what_would_be_ignored_in_silence_is_refused(client):
    service = client.get_service(name=NAME)
    with pytest.raises(MethodNotImplemented, match="scaling"):
        client.update_service(request={"service": service, "update_mask": {"paths": ["scaling"]}})
    with pytest.raises(MethodNotImplemented):
        client.list_services(parent=NAME.partition("/services/")[0])
    with pytest.raises(NotFound):
        client.get_service(name=f"{NAME}-2")


def test_an_image_is_named_by_its_content(tmp_path):
    registry = Registry(tmp_path / "images")
    models = tmp_path / "models"
    models.mkdir()
    (models / "a").write_text("1")
    first = registry.push(models)
    assert registry.push(models) == first
    (models / "a").write_text("2")
    assert len({first, registry.push(models), registry.push(models, PLACEHOLDER)}) == 3
    assert (registry.pull(first).models / "a").read_text() == "1"
    with pytest.raises(StackError, match="not found"):
        registry.pull(first[:-1])


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found by their environment in /proc")
def test_no_process_is_left_when_it_ends(tmp_path):
    def left() -> list[bytes]:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            except OSError:  # it has ended meanwhile, or is somebody else's
                continue
            if os.fsencode(tmp_path) in told and process.name != str(os.getpid()):
                found.append(told)
        return found

    with server.running(tmp_path) as running:
        provision.create(running.endpoint, "api", running.registry.push(None, PLACEHOLDER))
        assert len(left()) == 2
    assert left() == []
