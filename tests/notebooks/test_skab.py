"""Every notebook runs on a real recording, through the pipeline that people use, with small parameters."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from aiot_anomaly.training import pipeline
from aiot_anomaly.training.proposal import propose
from serving import catalogue
from tests.notebooks.checks import NOTEBOOKS, check_bundle, check_run

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def run(home: Path) -> str:
    if not os.environ.get("AIOT_DATA_DIR"):
        assert os.environ.get("AIOT_REQUIRE_DATA") != "1", "AIOT_DATA_DIR must name the data here"
        pytest.skip("reads the real SKAB: set AIOT_DATA_DIR to a folder with skab/data")
    small = {"epochs": 1, "units": 8, "most_devices": 2}
    return pipeline.run("skab", small, notebooks=NOTEBOOKS, progress=False)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_first_model_is_proposed_on_a_branch_that_serves(run: str, home: Path, tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "core.hooksPath="]
        subprocess.run(["git", *identity, *arguments], cwd=home, check=True, capture_output=True)

    origin, clone = str(tmp_path / "origin.git"), tmp_path / "clone"
    git("init", "--bare", "--initial-branch", "main", origin)
    git("init", "--initial-branch", "main")
    git("config", "user.name", "t")
    git("config", "user.email", "t@example.org")
    git("commit", "--allow-empty", "--message", "the start")
    git("remote", "add", "origin", origin)
    git("push", "origin", "main")
    found = propose("skab", run, check="test -f serving/models/skab/bundle.json")
    assert found.proposed
    git("clone", "--branch", found.branch, origin, str(clone))
    served = catalogue.load(clone / "serving" / "models").get("skab").bundle
    assert found.branch == f"model/skab-{served.version}"
    card = (clone / "serving" / "models" / "skab" / "README.md").read_text()
    assert "| **LSTM autoencoder** |" in card
    assert "![What the network learned](losses.png)" in card
    assert "Skoltech Anomaly Benchmark" in card


def test_the_skab_notebooks_run_and_leave_a_model_that_serves(run: str, home: Path) -> None:
    check_run("skab", run, home, home / "reports" / "training" / "skab")
    check_bundle("skab", run, home, "skab", 2)
