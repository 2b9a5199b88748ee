"""Anybody's recording: a first profile, the four notebooks, a bundle that the API serves; and no code."""

from __future__ import annotations

import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from aiot_anomaly import profile_store
from aiot_anomaly.__main__ import main as propose
from aiot_anomaly.training.__main__ import main as training
from serving.app import create_app
from tests.notebooks.checks import NOTEBOOKS

pytestmark = pytest.mark.timeout(600)

ROWS = 700


@pytest.fixture
def recording(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sensors by the minute, German decimals, no labels; at the end one of them is stuck far off."""
    (home / "notebooks").symlink_to(NOTEBOOKS)
    monkeypatch.chdir(home)
    together = np.random.default_rng(0).normal(size=ROWS)
    flow, pressure = 50 + 5 * together, 4 - 0.3 * together + 0.02 * np.random.default_rng(1).normal(size=ROWS)
    pressure[-40:] = 6.5
    when = pd.date_range("2026-03-02", periods=ROWS, freq="min").strftime("%d.%m.%Y %H:%M")
    table = pd.DataFrame({"Zeit": when, "Durchfluss (L/s)": flow.round(3), "Druck": pressure.round(4)})
    table.drop(index=[50, 51, 300]).to_csv("anlage.csv", sep=";", decimal=",", index=False)
    return home / "anlage.csv"


def test_a_recording_without_labels_becomes_a_model_that_the_api_serves(
    recording: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert propose(["profile", str(recording)]) == 0
    small = ["-p", "epochs=2", "-p", "units=8"]
    assert training(["train", "anlage.yaml", "--data", "anlage.csv", "--train-until", "0.5", *small]) == 0
    told = capsys.readouterr().out
    workspace = home / told.split("MODELS_DIR=")[1].split(" ")[0]
    verdict = json.loads((workspace / "verdict.json").read_text())
    # without labels there is no precision, and no event to be found
    assert set(verdict["metrics"]) == {"false_incidents_per_month"}
    run = mlflow.search_runs(experiment_names=["anlage"], filter_string="tags.stage = 'pipeline'").iloc[0]
    assert (run["params.data"], run["params.train_until"]) == ("anlage.csv", "0.5")

    profile = profile_store.load("anlage.yaml")
    assert profile.sensor_names == ("durchfluss", "Druck")
    readings = [
        {"timestamp": f"2026-05-04T08:{m:02d}:00Z", "values": {"durchfluss": 50 + m % 3, "Druck": 4 - 0.06 * (m % 3)}}
        for m in range(60)
    ]
    for reading in readings[-15:]:
        reading["values"]["Druck"] = 6.5  # type: ignore[index]  # values are a table
    with TestClient(create_app(workspace)) as client:
        answer = client.post("/v1/models/anlage:detect", json={"device_id": "anlage", "readings": readings}).json()
    found = {p["window_end"][11:16]: p for p in answer["predictions"]}
    assert not found["08:40"]["is_anomaly"]
    assert found["08:59"]["is_anomaly"]
    assert found["08:59"]["contributions"][0]["sensor"] == "Druck"
