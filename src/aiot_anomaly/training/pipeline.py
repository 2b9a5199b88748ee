"""The training pipeline: the four notebooks, one after the other, each an MLflow run below one parent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import papermill as pm
import yaml
from tqdm.auto import tqdm

from aiot_anomaly import paths, profile_store
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.profile import Profile
from aiot_anomaly.training import dataset, defaults, tracking

NOTEBOOKS = ("01_eda", "02_train", "03_threshold", "04_compare")
KERNEL = "python3"
#: Papermill's own 60 s is short for a cold container or a busy machine
START_TIMEOUT_S = 300
CELL_TIMEOUT_S = 3 * 3600
#: what every notebook is told by the pipeline itself, and nobody else
CONTEXT = frozenset({"profile_name", "workspace", "parent_run"})


def read_parameters(path: Path) -> dict[str, Any]:
    """The parameters of a profile's pipeline run.

    Raises:
        TrainingError: there is no such file, or it is not a mapping of names to values.
    """
    if not path.is_file():
        raise TrainingError(f"no parameter file {path}; see notebooks/params/ for examples")
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(values, dict):
        raise TrainingError(f"{path} holds {type(values).__name__}, expected a mapping of parameter names to values")
    return values


def chosen(profile: Profile, source: str, path: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a run: those of the profile's file, or those that suit the data; then the overrides.

    Args:
        profile: the kind of device.
        source: its name, or the path of its YAML file.
        path: of the parameters.
        overrides: what a person chose.

    Raises:
        TrainingError: there is no file of parameters, and no data is named.
        DatasetError: the data cannot be read, or does not fit the profile.
    """
    data = str(overrides.get("data", ""))
    if path.is_file():
        return {**read_parameters(path), **overrides}
    if not data:
        raise TrainingError(
            f"no data to train {profile.name} on: name it, `make train DATA=my.csv PROFILE={source}`, or write {path}"
        )
    windows, place = defaults.MOST_WINDOWS, paths.root() / data
    if place.suffix in dataset.TABLES:
        layout = profile_store.layout(source)
        recordings = dataset.recorded(profile, place, layout, str(overrides.get("train_until", "")))
        windows = sum(r.train_rows or 0 for r in recordings) // profile.window.stride
    return {**defaults.parameters(profile, windows), **overrides}


def declared(notebook: Path) -> set[str]:
    """The names in the notebook's `parameters` cell.

    Raises:
        TrainingError: it has none; Papermill would inject at the top and the notebook overwrite it.
    """
    found = set(pm.inspect_notebook(str(notebook)))
    if not found:
        raise TrainingError(f"{notebook} has no cell tagged `parameters`: tag the cell that declares them")
    return found


def plan(folder: Path, given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Which parameter goes to which notebook: each to every notebook that declares it.

    Papermill only warns about an unknown parameter; here it is an error, before anything runs.

    Raises:
        TrainingError: a parameter that no notebook declares; the text lists those there are.
    """
    known = {name: declared(folder / f"{name}.ipynb") for name in NOTEBOOKS}
    every = set().union(*known.values()) - CONTEXT
    unknown = sorted(set(given) - every)
    if unknown:
        raise TrainingError(f"unknown parameter {', '.join(unknown)}; the notebooks take {', '.join(sorted(every))}")
    return {name: {k: v for k, v in given.items() if k in names} for name, names in known.items()}


def kept_in(profile_name: str, run_id: str, reports: Path | None = None) -> Path:
    """Where a run keeps its executed notebooks and its workspace."""
    return (reports or paths.root() / "reports" / "training") / profile_name / run_id[:8]


def run(
    profile_name: str,
    overrides: Mapping[str, Any] | None = None,
    *,
    notebooks: Path | None = None,
    reports: Path | None = None,
    progress: bool = True,
) -> str:
    """Runs the pipeline.

    Args:
        profile_name: a shipped profile, or the path of a YAML file. `notebooks/params/<name>.yaml` holds its
            parameters; without that file they are chosen for the data.
        overrides: parameters that replace those.
        notebooks: their folder, `notebooks/` if not given.
        reports: the executed notebooks and the workspace go below it, `reports/training` if not given.
        progress: show progress bars.

    Returns:
        The id of the parent MLflow run.

    Raises:
        TrainingError: a parameter is unknown, no data is named, or a notebook failed; the executed copy is kept and
            named.
        DatasetError: the file of `data` cannot be read, or does not fit the profile.
    """
    folder = notebooks or paths.root() / "notebooks"
    profile = profile_store.load(profile_name)
    # a file's notebook runs in another folder
    source = str(Path(profile_name).resolve()) if profile_store.is_path(profile_name) else profile_name
    given = chosen(profile, source, folder / "params" / f"{profile.name}.yaml", overrides or {})
    steps = plan(folder, given)
    tracking.configure(profile.name)
    with mlflow.start_run(run_name=f"pipeline {profile.name}", tags={"stage": "pipeline"}) as parent:
        run_id = str(parent.info.run_id)
        mlflow.log_params(given)
        output = kept_in(profile.name, run_id, reports)
        output.mkdir(parents=True, exist_ok=True)
        bar = tqdm(NOTEBOOKS, desc=f"pipeline {profile.name}", unit="notebook", disable=not progress)
        for name in bar:
            bar.set_postfix_str(name)
            context = {"profile_name": source, "workspace": str(output / "workspace"), "parent_run": run_id}
            executed = output / f"{name}.ipynb"
            try:
                execute(folder / f"{name}.ipynb", executed, {**steps[name], **context}, progress=progress)
            finally:
                _attach(executed, run_id)
        summary = json.loads((output / "workspace" / "verdict.json").read_text(encoding="utf-8"))
        tracking.log_metrics(summary["metrics"])
        mlflow.set_tags({k: summary[k] for k in ("verdict", "model_version", "better_than_champion")})
    return run_id


def execute(notebook: Path, output: Path, parameters: Mapping[str, Any], *, progress: bool = True) -> None:
    """Runs one notebook where it lies, and keeps the executed copy as `output`.

    Raises:
        TrainingError: a cell failed; the text names the cell, the error and the copy.
    """
    try:
        pm.execute_notebook(
            str(notebook),
            str(output),
            parameters=dict(parameters),
            kernel_name=KERNEL,
            cwd=str(notebook.parent),
            start_timeout=START_TIMEOUT_S,
            execution_timeout=CELL_TIMEOUT_S,
            progress_bar={"leave": False, "desc": notebook.stem} if progress else False,
            log_output=False,
        )
    except pm.PapermillExecutionError as failure:
        raise TrainingError(
            f"notebook {notebook.name} failed in cell {failure.exec_count}: {failure.ename}: {failure.evalue}\n"
            f"the executed copy is {output}"
        ) from failure


def _attach(executed: Path, parent_run: str) -> None:
    """Keeps the executed notebook with its own run."""
    client = mlflow.MlflowClient()
    experiment = client.get_run(parent_run).info.experiment_id
    stage = executed.stem
    children = client.search_runs(
        [experiment], f"tags.`mlflow.parentRunId` = '{parent_run}' and tags.stage = '{stage}'", max_results=1
    )
    if children and executed.is_file():
        client.log_artifact(children[0].info.run_id, str(executed))
