"""A recording of several devices: what it says of each, and its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiot_anomaly.profile import Profile
from tests.support.tiny_bundle import readings


def fleet_frame(profile: Profile, devices: int = 3, n: int = 150) -> pd.DataFrame:
    """Readings of devices 1 … in turn, oldest first, with holes, missing cells, and a stretch that is not normal."""
    rng = np.random.default_rng(5)
    frames = []
    for i in range(1, devices + 1):
        at, values = readings(profile, n, seed=i)
        values[rng.random(values.shape) < 0.02] = np.nan
        values[90:110, 0] += 20
        values[40, 1] = 99.0
        frame = pd.DataFrame(values, columns=list(profile.sensor_names))
        frame.insert(0, "timestamp", pd.to_datetime(at, unit="s", utc=True).strftime("%Y-%m-%dT%H:%M:%SZ"))
        frame.insert(0, "device_id", f"device-{i}")
        frames.append(frame[rng.random(n) > 0.05])
    return pd.concat(frames).sort_values("timestamp", kind="stable").reset_index(drop=True)


@pytest.fixture
def frame(tiny) -> pd.DataFrame:
    return fleet_frame(tiny.profile)


@pytest.fixture
def recording(frame: pd.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "recording.csv"
    frame.to_csv(path, index=False)
    return path
