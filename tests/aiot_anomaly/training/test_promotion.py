"""Promotion: bundle and alias move together, and only for a bundle that holds."""

from __future__ import annotations

import shutil

import pytest
from mlflow import MlflowClient

from aiot_anomaly import detector
from aiot_anomaly.errors import BundleError, TrainingError
from aiot_anomaly.training import tracking
from aiot_anomaly.training.promotion import promote


def champion() -> int:
    return int(MlflowClient().get_model_version_by_alias("tiny", "champion").version)


def test_the_newest_version_becomes_the_champion_and_its_bundle_is_written(registry):
    manifest = promote(registry.profile)
    assert manifest.version == "tiny-2"
    assert champion() == 2
    assert detector.load(registry.models / "tiny").bundle.version == "tiny-2"


def test_promoting_another_run_moves_the_alias_and_replaces_the_bundle(registry):
    promote(registry.profile)
    (registry.models / "tiny" / "left-over").write_text("of the old bundle")
    promote(registry.profile, registry.pipeline_run)
    assert champion() == 1
    assert detector.load(registry.models / "tiny").bundle.version == "tiny-1"
    assert not (registry.models / "tiny" / "left-over").exists()
    assert [p.name for p in registry.models.iterdir()] == ["tiny"]
    promote(registry.profile, registry.runs["2"])
    assert champion() == 2


def test_what_a_crash_left_behind_is_cleared_away(registry):
    for leftover in (".tiny.new", ".tiny.old"):
        (registry.models / leftover / "half").mkdir(parents=True)
    promote(registry.profile)
    assert [p.name for p in registry.models.iterdir()] == ["tiny"]


def test_the_bundles_may_be_kept_elsewhere(registry, tmp_path):
    promote(registry.profile, models=tmp_path / "models")
    assert detector.load(tmp_path / "models" / "tiny").bundle.version == "tiny-2"
    assert not registry.models.exists()


def test_a_bundle_that_does_not_hold_moves_nothing(registry):
    promote(registry.profile, registry.pipeline_run)
    stored = registry.home / "mlruns" / "artifacts" / "tiny" / registry.runs["2"] / "artifacts" / "bundle"
    whole = (stored / "model.onnx").read_bytes()
    try:
        (stored / "model.onnx").write_bytes(whole[:-1])
        with pytest.raises(BundleError, match=r"model\.onnx has SHA-256"):
            promote(registry.profile, registry.runs["2"])
    finally:
        (stored / "model.onnx").write_bytes(whole)
    assert champion() == 1
    assert detector.load(registry.models / "tiny").bundle.version == "tiny-1"


def test_a_run_without_a_model_moves_nothing(registry):
    promote(registry.profile, registry.pipeline_run)
    eda = tracking.open_stage("tiny", "", "01_eda")
    tracking.close_stage()
    with pytest.raises(TrainingError, match=f"no registered model of profile tiny from run {eda}"):
        promote(registry.profile, eda)
    assert champion() == 1


def test_a_promoted_bundle_can_be_promoted_from_again(registry, tmp_path):
    promote(registry.profile)
    kept = shutil.copytree(registry.models / "tiny", tmp_path / "kept")
    promote(registry.profile)
    for path in kept.iterdir():
        assert (registry.models / "tiny" / path.name).read_bytes() == path.read_bytes()
