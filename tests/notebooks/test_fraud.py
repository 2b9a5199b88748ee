"""Every notebook runs on simulated consumers, and what it leaves is put to the test of the benchmark."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import fleet
from aiot_anomaly.training import pipeline
from aiot_anomaly.training.benchmark import contest, parameters, tables
from simulator import fraud, fraud_benchmark, meters
from tests.notebooks.checks import NOTEBOOKS, check_bundle, check_run

DAY_S = 86_400
START = 1_725_148_800  # 2024-09-01, a Sunday

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def consumers(home: Path) -> Path:
    """Three consumers: the first is watched, the others teach the network."""
    profile = profile_store.load("fraud")
    middle, end = START + 280 * DAY_S, START + 340 * DAY_S
    theft = fraud.Fraud("meter-0001", "h1", middle + 20 * DAY_S, middle + 34 * DAY_S)
    fleet.write(home / "data" / "train", meters.fleet(meters.simulate([1, 2, 3], START, middle)), profile)
    fleet.write(home / "data" / "test", meters.fleet(meters.simulate([1], middle, end, frauds=[theft])), profile)
    return home / "data"


def test_the_fraud_notebooks_run_and_leave_a_model_that_serves(home: Path, consumers: Path) -> None:
    small = {"epochs": 1, "units": 8, "code": 4, "data": str(consumers)}
    run = pipeline.run("fraud", small, notebooks=NOTEBOOKS, reports=home / "reports", progress=False)
    check_run("fraud", run, home, home / "reports")
    check_bundle("fraud", run, home, str(consumers), 3)


def test_the_benchmark_asks_the_network_and_what_stands_beside_it_about_each_attack(
    home: Path, consumers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.environ.get("AIOT_DATA_DIR"):
        stop = pytest.fail if os.environ.get("AIOT_REQUIRE_DATA") else pytest.skip
        stop("reads real meters: set AIOT_DATA_DIR to a folder with electricity/bdg2_hourly_sample.csv")
    shutil.copytree(NOTEBOOKS, home / "notebooks")  # the parameters are those of the notebooks
    monkeypatch.setattr(fraud_benchmark, "CONSUMERS", 1)
    monkeypatch.setattr(fraud_benchmark, "REAL_OFFSETS", (0,))
    chosen = parameters.of(tables.FRAUD, {"epochs": 1, "units": 8, "code": 4, "data": str(consumers)})
    held = contest.hold(replace(tables.FRAUD, tested=""), chosen, [0], progress=False)
    few = replace(held, entries=held.entries[:2])
    found = fraud_benchmark.section(few)
    for measures in found.measures.values():
        assert set(measures) == {"day_auc", "week_auc", "week_auc_least", "day_found", "week_found"}
        assert 0 <= measures["week_auc_least"] <= measures["week_auc"] <= 1
    assert all(entry.row in found.text for entry in few.entries)
    assert all(f" {kind} " in found.text for kind in fraud.ATTACKS)
    assert set(found.pictures) == {"day-auc", "week-auc"}
