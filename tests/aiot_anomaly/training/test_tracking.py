"""Tracking in a real MLflow store: one place, stages below their pipeline, versions by run."""

from __future__ import annotations

import shutil

import mlflow
import numpy as np
import pytest

from aiot_anomaly import paths
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.training import tracking


def test_the_store_is_a_database_in_the_project_whatever_the_working_directory(registry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert tracking.uri() == f"sqlite:///{registry.home}/mlruns/mlflow.db"
    assert (registry.home / "mlruns" / "mlflow.db").is_file()
    assert list(tmp_path.iterdir()) == []


def test_a_store_elsewhere_is_named_by_the_environment(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    assert tracking.uri() == "https://mlflow.example"


def test_configuring_twice_makes_one_experiment_with_artifacts_below_the_store(registry):
    tracking.configure("tiny")
    tracking.configure("tiny")
    found = mlflow.search_experiments(filter_string="name = 'tiny'")
    assert [e.artifact_location for e in found] == [(paths.mlruns() / "artifacts" / "tiny").as_uri()]


def test_a_stage_is_a_run_below_its_pipeline_and_stands_alone_without_one(registry):
    child = mlflow.get_run(registry.runs["1"])
    assert child.data.tags["mlflow.parentRunId"] == registry.pipeline_run
    assert child.data.tags["stage"] == "04_compare"
    assert child.info.status == "FINISHED"
    assert "mlflow.parentRunId" not in mlflow.get_run(registry.runs["2"]).data.tags


def test_opening_a_stage_ends_the_one_that_was_left_open(registry):
    first = tracking.open_stage("tiny", "", "01_eda")
    second = tracking.open_stage("tiny", "", "01_eda")
    tracking.log_metrics({"f1": 0.5}, "test_")
    tracking.close_stage()
    assert mlflow.active_run() is None
    assert first != second
    assert mlflow.get_run(first).info.status == "FINISHED"
    assert mlflow.get_run(second).data.metrics == {"test_f1": 0.5}


def test_a_figure_is_kept_with_its_run(registry):
    from matplotlib.figure import Figure

    run = tracking.open_stage("tiny", "", "01_eda")
    tracking.log_figure(Figure(), "level")
    tracking.close_stage()
    assert [f.path for f in mlflow.artifacts.list_artifacts(run_id=run, artifact_path="plots")] == ["plots/level.png"]


def test_a_version_is_found_by_its_pipelines_run_by_its_own_and_else_the_newest(registry):
    assert int(tracking.find_version("tiny").version) == 2
    assert int(tracking.find_version("tiny", registry.pipeline_run).version) == 1
    assert int(tracking.find_version("tiny", registry.runs["1"]).version) == 1
    assert int(tracking.find_version("tiny", registry.runs["2"]).version) == 2


@pytest.mark.parametrize(("name", "run", "of"), [("tiny", "0" * 32, "run 0+"), ("gas", "", "any run")])
def test_no_version_is_an_error_that_says_how_to_train_one(registry, name, run, of):
    with pytest.raises(TrainingError, match=f"no registered model of profile {name} from {of}: make train PROFILE"):
        tracking.find_version(name, run)


def test_a_registered_model_has_its_signature_and_names_its_bundle(registry):
    version = tracking.find_version("tiny", registry.pipeline_run)
    assert version.tags == {"pipeline_run": registry.pipeline_run, "bundle_version": "tiny-1"}
    signature = mlflow.models.get_model_info("models:/tiny/1").signature
    assert {"values", "threshold", "center", "weights"} <= set(signature.inputs.input_names())
    assert signature.outputs.input_names() == ["score"]


def test_a_registered_model_scores_as_the_bundle_does(registry, tiny):
    import numpy as np

    loaded = mlflow.pyfunc.load_model("models:/tiny/1")
    example = loaded.input_example
    assert example is not None
    found = loaded.predict(example)
    np.testing.assert_allclose(np.asarray(found["score"]).ravel(), tiny.bundle.golden.scores[:2], rtol=1e-5)


def test_outside_of_git_the_commit_is_what_the_image_says_or_unknown(registry, monkeypatch):
    monkeypatch.delenv("GIT_COMMIT", raising=False)
    assert tracking.git_commit() == "unknown"
    monkeypatch.setenv("GIT_COMMIT", "5" * 40)
    assert tracking.git_commit() == "5" * 40


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_in_a_checkout_the_commit_says_whether_the_tree_differs(tmp_path, monkeypatch):
    import subprocess

    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "core.hooksPath="]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    monkeypatch.setenv("AIOT_HOME", str(tmp_path))
    bundle = tmp_path / "serving" / "models" / "leak" / "bundle.json"
    bundle.parent.mkdir(parents=True)
    bundle.write_text("1")
    (tmp_path / "a").write_text("1")
    (tmp_path / "README.md").write_text("1")
    git("init")
    git("add", ".")
    git("commit", "-m", "a")
    clean = tracking.git_commit()
    assert len(clean) == 40
    bundle.write_text("2")
    assert tracking.git_commit() == clean, "a promoted bundle is no code"
    (tmp_path / "README.md").write_text("2")
    assert tracking.git_commit() == clean, "nor are the figures that a table wrote into a document"
    (tmp_path / "a").write_text("2")
    assert tracking.git_commit() == f"{clean}+changes"


def test_libraries_name_the_versions_that_numbers_depend_on():
    found = tracking.libraries()
    assert {"python", "tensorflow", "keras", "onnxruntime", "numpy"} <= set(found)
    assert found["numpy"] == np.__version__
