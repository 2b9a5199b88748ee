"""Every notebook runs on simulated districts, through the pipeline that people use, with small parameters."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import fleet
from aiot_anomaly.training import pipeline
from simulator import leak, water
from tests.notebooks.checks import NOTEBOOKS, check_bundle, check_run

DAY_S = 86_400
START = 1_780_272_000  # 2026-06-01, a Monday

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def districts(home: Path) -> Path:
    """Three small districts: the first is watched, the others teach the network."""
    profile = profile_store.load("leak")
    middle, end = START + 28 * DAY_S, START + 42 * DAY_S
    burst = leak.Leak("dma-01", 0.15, middle + 8 * DAY_S, middle + 12 * DAY_S)
    fleet.write(home / "data" / "train", water.simulate([1, 2, 3], START, middle, jobs=1), profile)
    fleet.write(home / "data" / "test", water.simulate([1], middle, end, leaks=[burst], jobs=1), profile)
    return home / "data"


def test_the_leak_notebooks_run_and_leave_a_model_that_serves(home: Path, districts: Path) -> None:
    small = {"epochs": 1, "units": 8, "code": 4, "data": str(districts)}
    run = pipeline.run("leak", small, notebooks=NOTEBOOKS, progress=False)
    check_run("leak", run, home)
    check_bundle("leak", run, home, str(districts), 3)
