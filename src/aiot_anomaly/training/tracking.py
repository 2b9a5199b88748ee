"""MLflow: one store for notebooks, pipeline and UI, whatever the working directory."""

from __future__ import annotations

import logging
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import mlflow
from mlflow import MlflowClient

from aiot_anomaly import paths
from aiot_anomaly.errors import TrainingError

BUNDLE_ARTIFACT = "bundle"
CHAMPION = "champion"


def uri() -> str:
    """The store: MLFLOW_TRACKING_URI where it is set, else the SQLite database in `mlruns/`."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{paths.mlruns() / 'mlflow.db'}"


def configure(profile_name: str) -> None:
    """Points MLflow at the store and at the profile's experiment; creates both where they are missing.

    To be called once before anything runs in parallel: the database is created without a lock.
    """
    paths.mlruns().mkdir(parents=True, exist_ok=True)
    for noisy in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    mlflow.set_tracking_uri(uri())
    if mlflow.get_experiment_by_name(profile_name) is None:
        artifacts = (paths.mlruns() / "artifacts" / profile_name).as_uri() if uri().startswith("sqlite:") else None
        mlflow.create_experiment(profile_name, artifact_location=artifacts)
    mlflow.set_experiment(profile_name)


def open_stage(profile_name: str, parent_run: str, name: str) -> str:
    """Starts a notebook's own run; `close_stage` ends it.

    A child of the pipeline's run; without a parent (a person at work in JupyterLab) it stands alone. A pair of
    functions and no context manager, because the cells of a notebook cannot share a `with`.

    Returns:
        The run's id.
    """
    configure(profile_name)
    if mlflow.active_run() is not None:
        mlflow.end_run()
    run = mlflow.start_run(run_name=name, parent_run_id=parent_run or None, tags={"stage": name})
    return str(run.info.run_id)


def close_stage() -> None:
    """Ends the notebook's run."""
    mlflow.end_run()


def log_figure(figure: Any, name: str) -> None:
    """Keeps a picture with the run."""
    mlflow.log_figure(figure, f"plots/{name}.png")


def log_metrics(metrics: Mapping[str, float], prefix: str = "") -> None:
    """Keeps numbers with the run."""
    mlflow.log_metrics({f"{prefix}{name}": value for name, value in metrics.items()})


def serve_ui(port: int) -> None:
    """Becomes the MLflow UI on the store; returns never."""
    paths.mlruns().mkdir(parents=True, exist_ok=True)
    arguments = ["-m", "mlflow", "ui", "--backend-store-uri", uri(), "--port", str(port), "--workers", "1"]
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - no shell is wanted


def git_commit() -> str:
    """The commit that the code is of, with "+changes" when the tree differs from it.

    Promoted bundles and what is written about them are no code: after one profile's promotion, or its table, the next
    is made by the same code. Outside git, as in the training image, it is what GIT_COMMIT says; else "unknown".
    """

    def git(*arguments: str) -> str:
        return subprocess.run(  # noqa: S603 - the arguments are ours
            ["git", *arguments],  # noqa: S607 - the git of the PATH is the person's own
            cwd=paths.root(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    try:
        written = [f":(exclude){path}" for path in ("serving/models", "docs/results", "*.md")]
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", *written)
        return git("rev-parse", "HEAD") + ("+changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("GIT_COMMIT") or "unknown"


def libraries() -> dict[str, str]:
    """The versions that a model's numbers depend on."""
    names = ("tensorflow", "keras", "onnxruntime", "tf2onnx", "numpy", "scikit-learn", "wntr")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def find_version(profile_name: str, run: str = "") -> Any:
    """The registered model version of a run (pipeline's or stage's id), or the newest.

    Raises:
        TrainingError: there is none.
    """
    configure(profile_name)
    versions = MlflowClient().search_model_versions(f"name='{profile_name}'")
    if run:
        versions = [v for v in versions if run in {v.run_id, v.tags.get("pipeline_run", "")}]
    if not versions:
        of = f"run {run}" if run else "any run"
        raise TrainingError(
            f"no registered model of profile {profile_name} from {of}: make train PROFILE={profile_name}"
        )
    return max(versions, key=lambda v: int(v.version))


def set_champion(profile_name: str, version: Any) -> None:
    """Moves the alias `champion` to this version."""
    MlflowClient().set_registered_model_alias(profile_name, CHAMPION, version.version)
