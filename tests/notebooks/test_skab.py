"""Every notebook runs on a real recording, through the pipeline that people use, with small parameters."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aiot_anomaly.training import pipeline
from tests.notebooks.checks import NOTEBOOKS, check_bundle, check_run

pytestmark = pytest.mark.timeout(600)


def test_the_skab_notebooks_run_and_leave_a_model_that_serves(home: Path) -> None:
    if not os.environ.get("AIOT_DATA_DIR"):
        assert os.environ.get("AIOT_REQUIRE_DATA") != "1", "AIOT_DATA_DIR must name the data here"
        pytest.skip("reads the real SKAB: set AIOT_DATA_DIR to a folder with skab/data")
    small = {"epochs": 1, "units": 8, "most_devices": 2}
    run = pipeline.run("skab", small, notebooks=NOTEBOOKS, progress=False)
    check_run("skab", run, home)
    check_bundle("skab", run, home, "skab", 2)
