"""Every notebook runs on simulated districts, as the training job runs them, with small parameters."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from aiot_anomaly import bundle as bundles
from aiot_anomaly import detector, paths, profile_store
from aiot_anomaly.datasets import fleet
from aiot_anomaly.training import keeping, pipeline
from aiot_anomaly.training.proposal import propose
from simulator import leak, water
from tests.notebooks.checks import NOTEBOOKS, check_bundle, check_run

DAY_S = 86_400
START = 1_780_272_000  # 2026-06-01, a Monday

pytestmark = pytest.mark.timeout(600)


@dataclass
class Trained:
    run: str
    folder: Path  # where the job keeps its results


@pytest.fixture(scope="module")
def districts(home: Path) -> Path:
    """Three small districts: the first is watched, the others teach the network."""
    profile = profile_store.load("leak")
    middle, end = START + 28 * DAY_S, START + 42 * DAY_S
    burst = leak.Leak("dma-01", 0.15, middle + 8 * DAY_S, middle + 12 * DAY_S)
    fleet.write(home / "data" / "train", water.simulate([1, 2, 3], START, middle, jobs=1), profile)
    fleet.write(home / "data" / "test", water.simulate([1], middle, end, leaks=[burst], jobs=1), profile)
    return home / "data"


@pytest.fixture(scope="module")
def trained(home: Path, districts: Path) -> Trained:
    """One run, beside the champion that is in service."""
    champion = Path(__file__).resolve().parents[2] / "serving" / "models" / "leak"
    shutil.copytree(champion, paths.models() / "leak")
    small = {"epochs": 1, "units": 8, "code": 4, "data": str(districts)}
    return Trained(*keeping.train("leak", small, home / "artifacts", notebooks=NOTEBOOKS))


def test_what_the_job_keeps_is_whole_and_its_bundle_is_served(trained: Trained, home: Path) -> None:
    document = json.loads((trained.folder / keeping.DONE).read_text())
    assert trained.folder.parent == home / "artifacts" / "leak"
    assert trained.folder.name.endswith(document["version"])
    assert detector.load(trained.folder / "bundle").bundle.version == document["version"]
    files = {str(p.relative_to(trained.folder)) for p in trained.folder.rglob("*") if p.is_file()}
    assert files == {keeping.DONE, *document["sha256"]}
    assert all(bundles.sha256(trained.folder / name) == digest for name, digest in document["sha256"].items())
    assert {f"notebooks/{name}.ipynb" for name in pipeline.NOTEBOOKS} <= files
    assert {"bundle/README.md", "plots/losses.png", "plots/precision_recall.png", "runs.json"} <= files
    runs = json.loads((trained.folder / "runs.json").read_text())
    assert runs["02_train"]["params"]["units"] == "8"
    assert {"LSTM_autoencoder/auc_pr", "champion_in_service/auc_pr"} <= set(runs["04_compare"]["metrics"])


def test_a_model_of_one_epoch_is_not_proposed_in_the_champions_place(trained: Trained) -> None:
    found = propose("leak", trained.run)
    assert not found.proposed
    assert found.reason == "devices in the test part: 1, expected at least 2, to tell luck"


def test_the_leak_notebooks_run_and_leave_a_model_that_serves(trained: Trained, home: Path, districts: Path) -> None:
    check_run("leak", trained.run, home, trained.folder / "notebooks")
    check_bundle("leak", trained.run, home, str(districts), 3)
