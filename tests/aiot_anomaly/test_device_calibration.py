"""A new device's calibration from its own readings: as training makes it, and a clear word where they are too few."""

from __future__ import annotations

import numpy as np
import pytest

from aiot_anomaly import calibration as calibrations
from aiot_anomaly import detector, device_calibration, windows
from aiot_anomaly.calibration import FEWEST_WINDOWS
from aiot_anomaly.detection import detect_series
from aiot_anomaly.detector import Detector
from aiot_anomaly.device_calibration import calibrate_series
from aiot_anomaly.errors import CalibrationError
from tests.support.tiny_bundle import make_bundle, normal_windows, readings


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    return detector.load(make_bundle(tmp_path_factory.mktemp("bundle") / "tiny"))


def normal(of: Detector, n: int = 248, seed: int = 5):
    return readings(of.profile, n, seed=seed)


def test_it_is_what_training_computes_from_the_same_windows(tiny):
    profile = tiny.profile
    found = calibrate_series(tiny, *normal(tiny))
    expected = calibrations.complete(profile, normal_windows(profile, seed=5), tiny.graph.residuals, "tiny-1")
    assert found.calibration.model_version == "tiny-1"
    assert found.calibration.windows == expected.windows
    for name in calibrations.shapes(profile):
        np.testing.assert_allclose(getattr(found.calibration, name), getattr(expected, name), rtol=1e-6)
    assert sum(found.outcomes.values()) == 248


def test_the_device_is_then_judged_by_it(tiny):
    at, values = normal(tiny)
    shifted = values + np.array([20.0, 3.0])  # a device whose normal level is far from the fleet's
    before = detect_series(tiny, "new", at, shifted).predictions
    own = calibrate_series(tiny, at, shifted).calibration
    after = detect_series(tiny, "new", at, shifted, own).predictions
    assert np.mean([p.is_anomaly for p in before]) > 0.9
    assert np.mean([p.is_anomaly for p in after]) < 0.05
    assert {p.calibration for p in after} == {"device"}


@pytest.mark.parametrize("n", [0, 1, 7, 8, 50, 120, 205])
def test_too_few_readings_say_how_many_are_needed_and_so_many_are_enough(tiny, n):
    at, values = normal(tiny, 300)
    with pytest.raises(CalibrationError, match="complete windows of normal readings, expected at least 100") as caught:
        calibrate_series(tiny, at[:n], values[:n])
    assert caught.value.code == "insufficient_history"
    needed = caught.value.details["readings_needed"]
    assert isinstance(needed, int)
    if n:
        with pytest.raises(CalibrationError):
            calibrate_series(tiny, at[: n + needed - 1], values[: n + needed - 1])
        assert calibrate_series(tiny, at[: n + needed], values[: n + needed]).calibration.windows == FEWEST_WINDOWS


def test_of_more_windows_than_memory_allows_evenly_fewer_are_used(tiny, monkeypatch):
    at, values = normal(tiny, 2_000)
    every = calibrate_series(tiny, at, values)
    monkeypatch.setattr(windows, "BLOCK_NUMBERS", 1_500)  # 125 windows
    some = calibrate_series(tiny, at, values)
    assert every.calibration.windows == 996
    assert 125 <= some.calibration.windows <= 250
    assert some.outcomes == every.outcomes
    np.testing.assert_allclose(some.calibration.center, every.calibration.center, rtol=0.2, atol=0.2)


def test_windows_are_thinned_evenly_whatever_the_blocks(tiny, monkeypatch):
    at, values = normal(tiny, 2_000)
    monkeypatch.setattr(windows, "BLOCK_NUMBERS", 1_500)
    used, ends = device_calibration._spread(tiny.profile, at // 60, values)
    assert len(ends) == 996
    assert set(np.diff(used.ends)) == {4 * 120}
