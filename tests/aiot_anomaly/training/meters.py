"""Small consumers for the meter of the tests: four readings a day, with a rhythm of the day and of the week."""

from __future__ import annotations

import numpy as np

from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.training.dataset import Device, prepare
from tests.aiot_anomaly.kinds import meter

START = 1_767_225_600 + 4 * 86_400  # Monday 2026-01-05T00:00Z
QUARTER_S = 6 * 3600


def readings(days: int, seed: int = 0) -> tuple[Int, Float]:
    """Timestamps (4 days,) and kWh (4 days, 1), a few percent of noise, more at noon and less on weekends."""
    rng = np.random.default_rng(seed)
    day = np.arange(days)
    level = np.where((day % 7) >= 5, 0.6, 1.0)[:, None] * np.array([1.0, 4.0, 6.0, 3.0]) * (1 + seed % 5)
    values = level * np.exp(0.1 * rng.normal(size=(days, 4)) + 0.1 * rng.normal(size=(days, 1)))
    return START + QUARTER_S * np.arange(4 * days), values.reshape(-1, 1)


def device(seed: int = 0, *, days: int = 200, train_days: int = 140, of: Profile | None = None) -> Device:
    """A consumer whose first days are for training."""
    at, values = readings(days, seed)
    recording = Recording(f"meter-{seed}", at, values, np.zeros(len(at), dtype=bool), 4 * train_days)
    return prepare(of or meter(), recording)
