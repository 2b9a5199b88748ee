"""What a pipeline run must leave behind."""

from __future__ import annotations

from pathlib import Path

import mlflow
import nbformat
import numpy as np

from aiot_anomaly import detector
from aiot_anomaly.detection import score_series
from aiot_anomaly.training import dataset, pipeline, tracking
from aiot_anomaly.training.promotion import promote

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def check_run(profile_name: str, run: str, home: Path, executed: Path) -> None:
    """The store holds what was promised, and the executed notebooks below `executed` say something."""
    client = mlflow.MlflowClient(tracking.uri())
    experiment = client.get_experiment_by_name(profile_name).experiment_id
    assert (home / "mlruns" / "mlflow.db").is_file()
    children = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run}'")
    by_stage = {c.data.tags["stage"]: c for c in children}
    assert set(by_stage) == set(pipeline.NOTEBOOKS)
    for stage, child in by_stage.items():
        artifacts = {a.path for a in client.list_artifacts(child.info.run_id)}
        assert f"{stage}.ipynb" in artifacts
        assert child.info.status == "FINISHED"
        assert child.data.metrics
        assert client.list_artifacts(child.info.run_id, "plots")
    train = by_stage["02_train"]
    assert len(client.get_metric_history(train.info.run_id, "held_back_loss")) == int(train.data.params["epochs"])
    assert len(train.data.params["data_fingerprint"]) == 64
    version = tracking.find_version(profile_name, run)
    model = mlflow.models.get_model_info(f"models:/{profile_name}/{version.version}")
    assert model.signature.inputs is not None
    assert model.saved_input_example_info is not None
    notebooks = sorted(executed.rglob("0*.ipynb"))
    assert [n.stem for n in notebooks] == list(pipeline.NOTEBOOKS)
    for notebook in notebooks:
        cells = nbformat.read(notebook, as_version=4).cells
        assert any("**" in str(o.get("data", {}).get("text/markdown", "")) for o in cells[-1].get("outputs", []))
        # a picture each, and each once
        drawing = [c for c in cells if c.cell_type == "code" and "\nfigure = plots." in f"\n{c.source}"]
        assert drawing
        assert [sum("image/png" in o.get("data", {}) for o in c.outputs) for c in drawing] == [1] * len(drawing)


def check_bundle(profile_name: str, run: str, home: Path, data: str, most_devices: int) -> None:
    """What was promoted answers as the notebook scored."""
    manifest = promote(profile_name, run)
    loaded = detector.load(home / "serving" / "models" / profile_name)
    assert manifest.version == loaded.bundle.version
    assert mlflow.MlflowClient().get_model_version_by_alias(profile_name, "champion") is not None
    device = dataset.load(loaded.profile, data, most_devices=most_devices).monitored()[0]
    windows = device.windows.only(device.windows.complete)
    own, _ = loaded.calibration(device.device_id)
    offline = loaded.score(windows, own).score
    served = score_series(loaded, device.device_id, device.recording.timestamps, device.recording.values)
    np.testing.assert_array_equal(served.ends, windows.ends)
    np.testing.assert_allclose(served.scores.score, offline, rtol=1e-5)
