"""An app with two tiny models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from aiot_anomaly import detector
from aiot_anomaly.detector import Detector
from aiot_anomaly.windows import as_datetime
from serving.app import create_app
from tests.serving.victim import Victim
from tests.support.tiny_bundle import make_bundle, tiny_profile


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_bundle(folder / "tiny")
    make_bundle(folder / "other", tiny_profile("other"), version="other-7")
    return folder


@pytest.fixture(scope="session")
def tiny(models_dir: Path) -> Detector:
    return detector.load(models_dir / "tiny")


@pytest.fixture(scope="session")
def app(models_dir: Path) -> FastAPI:
    return create_app(models_dir)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as c:
        yield c


@pytest.fixture
def instance(tiny: Detector) -> dict[str, Any]:
    """A window that can be scored; each test gets its own to spoil."""
    golden = tiny.bundle.golden
    values = [list(row) for row in golden.values[0]]
    return {"device_id": "device-1", "window_end": as_datetime(golden.ends[0]).isoformat(), "values": values}


@pytest.fixture(scope="module")
def process(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    victim = Victim(models_dir, tmp_path_factory.mktemp("victim") / "log")
    try:
        yield victim
    finally:
        victim.client.close()
        victim.process.kill()
        victim.process.wait()


@pytest.fixture
def victim(process: Victim) -> Victim:
    """A process of its own, whose memory is looked at anew."""
    process.forget_peak()
    return process
