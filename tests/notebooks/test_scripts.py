"""The scripts of the training image: the data of a profile, and the entry point."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.notebooks.checks import NOTEBOOKS


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """The scripts in a place of their own, as in the image."""
    (tmp_path / "notebooks").mkdir()
    for script in NOTEBOOKS.glob("*.sh"):
        shutil.copy(script, tmp_path / "notebooks" / script.name)
    return tmp_path


def call(app: Path, script: str, *arguments: str, python: str = "false") -> subprocess.CompletedProcess[str]:
    """Starts a script from elsewhere; with `false` as Python it fails if it wants to simulate."""
    environment = {**os.environ, "PYTHON": python}
    command = [str(app / "notebooks" / script), *arguments]
    return subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)


def fleet(app: Path, part: str, network: str = "net3") -> Path:
    folder = app / "data" / "leak" / network / part
    folder.mkdir(parents=True)
    (folder / "readings.parquet").write_text("as it was")
    return folder / "readings.parquet"


def test_data_that_is_there_stays(app: Path) -> None:
    kept = [fleet(app, part, network) for network in ("net3", "ky4") for part in ("train", "test")]
    assert call(app, "data.sh", "leak").returncode == 0
    assert [path.read_text() for path in kept] == ["as it was"] * 4


def test_a_fleet_that_cannot_be_simulated_is_a_failure_and_leaves_no_half_of_one(app: Path) -> None:
    fleet(app, "train")
    assert call(app, "data.sh", "leak").returncode != 0
    assert [p.name for p in (app / "data" / "leak" / "net3").iterdir()] == ["train"]


def test_a_profile_that_is_not_simulated_needs_nothing(app: Path) -> None:
    assert call(app, "data.sh", "skab").returncode == 0


def test_without_a_profile_each_script_says_how_it_is_called(app: Path) -> None:
    assert "notebooks/data.sh PROFILE" in call(app, "data.sh").stderr
    assert "train PROFILE --out FOLDER" in call(app, "entrypoint.sh", "train").stderr


def test_no_training_starts_without_its_data(app: Path) -> None:
    found = call(app, "entrypoint.sh", "train", "leak", "--out", str(app / "artifacts"))
    assert found.returncode != 0
    assert not (app / "artifacts").exists()


def test_the_entry_point_is_the_training_command(app: Path) -> None:
    found = call(app, "entrypoint.sh", "train", "skab", "--epochs", python=sys.executable)
    assert found.returncode == 2
    assert "unrecognized arguments: --epochs" in found.stderr
    assert found.stderr.startswith("usage: python -m aiot_anomaly.training")
