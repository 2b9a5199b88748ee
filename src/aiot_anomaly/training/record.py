"""What a training run left in MLflow, fetched for those who go on with it: promotion, proposal, a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient

from aiot_anomaly.training import tracking
from aiot_anomaly.training.comparison import Decision
from aiot_anomaly.training.evaluation import MEASURES

DECISION = "decision.json"


@dataclass(frozen=True)
class Record:
    """A registered model and the run that made it.

    Attributes:
        version: the registered model version.
        run_id: the pipeline's run; 04_compare's own where it was run by hand.
        parameters: what the run was given.
        stages: the MLflow run of each notebook.
        results: metrics on held-out data by the name of the model: the candidate, the champion of that day, rivals.
        decision: against the champion of that day; None for a run from before there was a rule.
        folder: the artifacts, one folder a notebook.
    """

    version: Any
    run_id: str
    parameters: Mapping[str, str]
    stages: Mapping[str, Any]
    results: Mapping[str, Mapping[str, float]]
    decision: Decision | None
    folder: Path

    @property
    def bundle(self) -> Path:
        """The candidate bundle."""
        return self.folder / "04_compare" / tracking.BUNDLE_ARTIFACT

    def plots(self) -> dict[str, Path]:
        """Pictures by name, from every notebook."""
        return {p.stem: p for p in sorted(self.folder.glob("*/plots/*.png"))}

    def notebooks(self) -> list[Path]:
        """The executed notebooks."""
        return sorted(self.folder.glob("*/*.ipynb"))


def fetch(profile_name: str, run: str, into: Path) -> Record:
    """Finds a registered model and fetches everything that its run left.

    Args:
        profile_name: the kind of device.
        run: the pipeline's MLflow run, or its 04_compare's; the newest registered version if empty.
        into: an empty folder for the artifacts.

    Raises:
        TrainingError: there is no such registered model.
    """
    version = tracking.find_version(profile_name, run)
    client = MlflowClient()
    compared = client.get_run(version.run_id)
    parent = version.tags.get("pipeline_run") or version.run_id
    children = client.search_runs([compared.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent}'")
    stages = {r.data.tags["stage"]: r for r in children} | {"04_compare": compared}
    for stage, of in stages.items():
        (into / stage).mkdir()
        mlflow.artifacts.download_artifacts(run_id=of.info.run_id, dst_path=str(into / stage))
    decided = into / "04_compare" / DECISION
    return Record(
        version=version,
        run_id=parent,
        parameters=client.get_run(parent).data.params,
        stages=stages,
        results=_results(compared.data.metrics),
        decision=Decision.model_validate_json(decided.read_bytes()) if decided.is_file() else None,
        folder=into,
    )


def _results(logged: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """The table of 04_compare from the metrics that it logged as `<model>/<measure>`."""
    found: dict[str, dict[str, float]] = {}
    for key, value in logged.items():
        model, _, measure = key.rpartition("/")
        if model and measure in MEASURES:
            found.setdefault(model.replace("_", " "), {})[measure] = value
    return found
