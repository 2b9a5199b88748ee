"""A registry with two versions of a tiny model, in a real MLflow store on SQLite."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest
import yaml
from matplotlib.figure import Figure

from aiot_anomaly.training import packaging, tracking
from aiot_anomaly.training.comparison import Decision, Requirement
from aiot_anomaly.training.dataset import Dataset
from aiot_anomaly.training.record import DECISION
from tests.aiot_anomaly.kinds import document
from tests.aiot_anomaly.spoiling import rewrite
from tests.support.tiny_bundle import tiny_profile

METRICS = {"auc_pr": 0.75, "found": 0.5, "median_delay_s": 7200.0}
DECISIONS = {
    "1": Decision(champion="", reason="no champion to compare with: none was promoted yet", requirements=[]),
    "2": Decision(
        champion="tiny-1",
        reason="AUC-PR: 0.750, expected at least 0.755",
        requirements=[Requirement(name="AUC-PR", found="0.750", expected="at least 0.755", met=False)],
    ),
}


@dataclass
class Registry:
    """Version 1 is of a pipeline run and was found better than nothing, version 2 no better than version 1."""

    home: Path
    runs: dict[str, str]  # registered version -> the run that it was logged in
    pipeline_run: str

    @property
    def profile(self) -> str:
        """A profile of one's own, by its path."""
        return str(self.home / "tiny.yaml")

    @property
    def models(self) -> Path:
        return self.home / "serving" / "models"


def forget() -> None:
    """Ends what runs first: MLflow would do it at exit, in a new store in the working directory."""
    while mlflow.active_run() is not None:
        mlflow.end_run()
    mlflow.set_tracking_uri(None)


@pytest.fixture
def clean_mlflow() -> Iterator[None]:
    """What a test points MLflow at is forgotten after it."""
    yield
    forget()


@pytest.fixture(scope="session")
def registered(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Built once: registering takes seconds. Version 2 differs in its name."""
    home = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    patch.setenv("AIOT_HOME", str(home))
    patch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (home / "tiny.yaml").write_text(yaml.safe_dump(document()), encoding="utf-8")
    runs = {}
    try:
        tracking.configure("tiny")
        with mlflow.start_run(run_name="pipeline tiny") as parent:
            pipeline_run = str(parent.info.run_id)
            mlflow.log_params({"data": "data/tiny", "epochs": 1})
        for number, pipeline in (("1", pipeline_run), ("2", "")):
            folder = Path(shutil.copytree(bundle_folder, home / f"bundle-{number}"))
            rewrite(folder, "bundle.json", lambda m, n=number: m.update(version=f"tiny-{n}"))
            runs[number] = tracking.open_stage("tiny", pipeline, "04_compare")
            found = packaging.register(Dataset(tiny_profile(), (), "", "", False), folder, pipeline_run=pipeline)
            tracking.log_metrics(METRICS, prefix="LSTM_autoencoder/")
            tracking.log_figure(Figure(figsize=(1, 1)), "scores")
            mlflow.log_dict(DECISIONS[number].model_dump(), DECISION)
            mlflow.log_text("{}", "04_compare.ipynb")
            tracking.close_stage()
            assert found == number
    finally:
        forget()
        patch.undo()
    return Registry(home, runs, pipeline_run)


@pytest.fixture
def registry(registered: Registry, clean_mlflow: None, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The registry, with this project's home in it; promotions go to a folder of the test's own."""
    monkeypatch.setenv("AIOT_HOME", str(registered.home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.rmtree(registered.models, ignore_errors=True)
    tracking.configure("tiny")
    return registered
