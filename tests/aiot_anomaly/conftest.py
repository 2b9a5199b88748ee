"""One tiny bundle for the session: building it imports TensorFlow, which takes seconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from aiot_anomaly import detector
from aiot_anomaly.detector import Detector
from tests.support.tiny_bundle import make_bundle

# the same examples on every machine, and no failure because a shared runner was slow
settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole bundle; not to be changed."""
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture
def spoilt(bundle_folder: Path, tmp_path: Path) -> Path:
    """A copy of the bundle for a test to spoil."""
    return Path(shutil.copytree(bundle_folder, tmp_path / "spoilt"))


@pytest.fixture(scope="session")
def tiny(bundle_folder: Path) -> Detector:
    return detector.load(bundle_folder)
