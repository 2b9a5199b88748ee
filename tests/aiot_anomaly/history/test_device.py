"""A device's history in pieces: the same windows and outcomes as in one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly.detection import score_series
from aiot_anomaly.detector import Detector
from aiot_anomaly.errors import OrderError
from aiot_anomaly.history.device import DeviceHistory
from aiot_anomaly.windows import Windows
from tests.support.tiny_bundle import readings, tiny_profile


def messy(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Readings with holes, doubles, cells that are missing and times between the grid's points."""
    rng = np.random.default_rng(seed)
    at, values = readings(tiny_profile(), n, seed=seed)
    values[rng.random(values.shape) < 0.03] = np.nan
    values[rng.random(values.shape) < 0.01] = 1e6
    keep = np.sort(rng.choice(n, size=int(n * 0.9), replace=True))
    times = at[keep] + rng.uniform(-25, 25, size=len(keep))
    order = np.argsort(times, kind="stable")
    return times[order], values[keep][order]


@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(0, 180), max_size=12))
def test_however_a_history_is_cut_its_windows_and_outcomes_are_those_of_the_whole(tiny: Detector, seed, cuts):
    at, values = messy(200, seed)
    whole = score_series(tiny, "d", at, values)
    device, ends, inputs, out = DeviceHistory(tiny.profile, "d"), [], [], []
    for rows in np.split(np.arange(len(at)), sorted(cuts)):
        for found in device.take(at[rows], values[rows]):
            ends.extend(found.ends)
            inputs.extend(found.values)
            out.extend(found.out_of_range)
    assert ends == whole.ends.tolist()
    np.testing.assert_array_equal(np.array(out).reshape(len(ends), 2), whole.windows.out_of_range)
    assert device.outcomes == whole.outcomes
    assert sum(device.outcomes.values()) == len(at)
    if ends:
        np.testing.assert_allclose(
            tiny.score(_windows(ends, inputs, out), tiny.bundle.fleet).score, whole.scores.score, rtol=1e-5
        )


def _windows(ends, inputs, out):
    return Windows(np.array(ends), np.array(inputs), np.ones(len(ends), dtype=bool), np.array(out))


def test_no_more_rows_are_kept_than_a_window_needs(tiny: Detector):
    device = DeviceHistory(tiny.profile, "d")
    at, values = readings(tiny.profile, 5_000)
    for rows in np.split(np.arange(5_000), 50):
        list(device.take(at[rows], values[rows]))
        assert len(device._slots) == len(device._values) <= tiny.profile.history + tiny.profile.window.stride
    assert device.outcomes["decided"] > 4_900


def test_a_reading_older_than_those_before_it_is_refused(tiny: Detector):
    device = DeviceHistory(tiny.profile, "pump-1")
    at, values = readings(tiny.profile, 20)
    list(device.take(at[10:], values[10:]))
    with pytest.raises(OrderError, match=r"pump-1: a reading of 2026-01-01T00:09.* after one of 2026-01-01T00:19"):
        list(device.take(at[9:10], values[9:10]))
