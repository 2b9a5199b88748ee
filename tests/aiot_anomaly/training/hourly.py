"""Devices with a daily rhythm, made from an hourly series in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.training.dataset import Dataset, Device, prepare
from tests.aiot_anomaly import kinds

START = 1_767_225_600 + 4 * 86_400  # Monday 2026-01-05T00:00Z
HOUR = 3600
TRAIN_D, TEST_D = 28, 14


def profile(direction: str = "up", *, season: str = "hour_of_week", whiten: bool = False, **changes: Any) -> Profile:
    """A flow in L/s, or a meter in kWh where anomalies lower it, and a pressure; once an hour in windows of six.

    Where anomalies move the flow both ways they do so with the pressure, too.
    """
    unit = "kWh" if direction == "down" else "L/s"
    sensors = [
        {"name": "main", "unit": unit, "valid_range": [0, 1000], "smallest_deviation": 1, "direction": direction},
        {"name": "pressure", "unit": "m", "valid_range": [0, 100], "smallest_deviation": 1},
    ]
    sensors[1]["direction"] = "both" if direction == "both" else "down"
    return kinds.profile(
        sensors=sensors,
        interval_s=HOUR,
        derived=[],
        window={"steps": 6, "step": 1, "aggregate": 1, "stride": 1},
        season={"kind": season, "utc_offset_h": 0.0},
        scoring={"last_steps": 3, "whiten": whiten},
        stream={},
        **changes,
    )


def grid(days: int = TRAIN_D + TEST_D) -> Int:
    """Every hour from Monday on."""
    return START + HOUR * np.arange(24 * days)


def usual(times: Int, seed: int = 0) -> Float:
    """(n, 2): the main quantity is 20 at night and 60 at noon, half a unit of noise; the pressure is 40."""
    rng = np.random.default_rng(seed)
    main = 40 - 20 * np.cos(2 * np.pi * (times % 86_400) / 86_400)
    return np.stack([main, np.full(len(times), 40.0)], axis=1) + rng.normal(0, 0.5, (len(times), 2))


def device(of: Profile, values: Float, labels: Any = None, name: str = "a", train_d: int = TRAIN_D) -> Device:
    """A device whose first `train_d` days are for training."""
    marks = np.zeros(len(values), dtype=bool) if labels is None else labels
    return prepare(of, Recording(name, START + HOUR * np.arange(len(values)), values, marks, train_d * 24))


def dataset(of: Profile, *devices: Device) -> Dataset:
    return Dataset(of, devices, "", "", labelled=True)
