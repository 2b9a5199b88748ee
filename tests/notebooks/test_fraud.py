"""Every notebook runs on simulated consumers, and what it leaves is put to the test of the benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import fleet
from aiot_anomaly.training import pipeline
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


def test_the_benchmark_asks_the_bundle_and_what_stands_beside_it(
    home: Path, consumers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, out = home / "serving" / "models" / "fraud", home / "fraud.json"
    only = "LSTM autoencoder,no network,consumption ratio"
    arguments = [str(bundle), "--data", str(consumers), "--consumers", "1", "--only", only, "--out", str(out)]
    assert fraud_benchmark.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == only.split(",")
    assert all("day AUC 0." in line and "week AUC" in line for line in lines)
    assert out.is_file()
