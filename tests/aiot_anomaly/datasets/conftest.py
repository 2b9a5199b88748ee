"""A small stand-in for SKAB where only its form counts, and the real one where its content does."""

import os
from pathlib import Path

import pytest

from aiot_anomaly.datasets import skab


@pytest.fixture
def skab_folder() -> Path:
    if not os.environ.get("AIOT_DATA_DIR"):
        reason = "reads the real SKAB: set AIOT_DATA_DIR to a folder with skab/data"
        if os.environ.get("AIOT_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return skab.locate()


@pytest.fixture
def forged(tmp_path: Path) -> Path:
    """A folder with SKAB's files by name, whose content is not SKAB's."""
    folder = tmp_path / "forged"
    for name in skab.checksums():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        header = ";".join(("datetime", *skab.COLUMNS.values(), "anomaly", "changepoint"))
        rows = [f"2020-03-09 12:14:{s};1;2;3;4;5;;7;8;{float(s in (37, 38))};0.0" for s in range(36, 41)]
        (folder / name).write_text("\n".join((header, *rows, "")), encoding="utf-8")
    return folder
