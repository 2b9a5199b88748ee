"""Judges that look at no reading: what a metric, or a benchmark's layout, gives away by itself."""

from __future__ import annotations

import zlib

import numpy as np

from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.training.baselines import normal
from aiot_anomaly.training.dataset import Device
from aiot_anomaly.training.judging import Baseline, Judge


def all_ones() -> Baseline:
    """Every row an alarm: what a metric is worth without any knowledge."""

    def judge(_device: Device, _until: int, ends: Int) -> Float:
        return np.ones(len(ends))

    return Baseline(judge, threshold=0.5)


def random(profile: Profile, seed: int = 0) -> Judge:
    """Independent draws from an exponential distribution, the same for a device, seed and time."""

    def judge(device: Device, _until: int, ends: Int) -> Float:
        rng = np.random.default_rng([seed, zlib.crc32(device.device_id.encode())])
        return normal.at_ends(profile, device, rng.exponential(size=len(device.series)), ends)

    return judge


def position() -> Judge:
    """Seconds since the normal readings ended: what the place of the anomalies in the test parts gives away.

    It is no detector: recordings that begin normal and end anomalous let it look like one.
    """

    def judge(_device: Device, until: int, ends: Int) -> Float:
        return np.maximum(ends - until, 0).astype(np.float64)

    return judge
